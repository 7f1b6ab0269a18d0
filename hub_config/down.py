"""`make hub-down`: stop the Hub and all containers; accounts and files are kept.

    python -m hub_config.down [--everything]

`--everything` also deletes the containers' network and all users' files. This can't be undone.
"""

from __future__ import annotations

import argparse
import sys
import time

from hub_config import firewall, processes, requirements, settings_file
from hub_config.engine import Engine, EngineError
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings

NETWORK_LIMIT = 20.0


def down(everything: bool) -> None:
    """Stop all processes and containers of this installation."""
    settings = settings_file.load()
    processes.stop(settings)
    engine = Engine(variables=settings.docker_variables)
    if not engine.answers():
        print("The Hub is stopped. No Docker engine found, so no containers to stop.")
        return
    processes.remove_containers(settings, engine)
    requirements.stop_git(settings, engine)
    left_to_do = firewall.remove(settings)
    if left_to_do is not None:
        print(left_to_do)
    if everything:
        remove_traces(settings, engine)
    print("The Hub and its containers are stopped. Run `make hub` to start them again.")
    daemon = settings.data / "dockerd.pid"
    if daemon.is_file():
        print(f"Docker was started by `make hub` and still runs; stop: kill {daemon.read_text()}")


def remove_traces(settings: Settings, engine: Engine) -> None:
    """Delete the users' volumes and saved environments, and the network."""
    label = f"label=mlws.hub={settings.name}"
    volumes = engine.run("volume", "ls", "--quiet", "--filter", label).split()
    if volumes:
        engine.run("volume", "rm", *volumes)
    images = engine.run(
        "images", "--quiet", "--filter", f"label=mlws.environment.hub={settings.name}"
    ).split()
    if images:
        engine.run("rmi", "--force", *images)
    there = engine.run("network", "ls", "--format", "{{.Name}}").split()
    # On Swarm, a network's configuration is removed after the network.
    for name in (settings.name, settings.node_network):
        if name in there:
            remove_network(name, engine)


def remove_network(name: str, engine: Engine) -> None:
    """Remove a network as soon as Swarm no longer uses it."""
    deadline = time.monotonic() + NETWORK_LIMIT
    while True:
        try:
            engine.run("network", "rm", name)
        except EngineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hub-down", description=__doc__)
    parser.add_argument("--everything", action="store_true", help="also delete users' files")
    try:
        down(parser.parse_args().everything)
    except (EngineError, SettingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
