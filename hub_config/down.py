"""`make hub-down`: stop the Hub and all containers; accounts and files are kept.

    python -m hub_config.down [--everything [--yes]]

`--everything` also deletes the containers' network and all users' files, after a question that
names them. This can't be undone.
"""

from __future__ import annotations

import argparse
import sys
import time

from hub_config import firewall, processes, requirements, settings_file, systemd
from hub_config.engine import Engine, EngineError
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings

NETWORK_LIMIT = 20.0


def down(settings: Settings, everything: bool, is_confirmed: bool) -> bool:
    """Stop all processes and containers of this installation; return False if it is not meant."""
    engine = Engine(variables=settings.docker_variables)
    answers = engine.answers()
    traces = find_traces(settings, engine) if everything and answers else {}
    if traces and not is_confirmed and not confirm(settings, traces):
        print("Nothing was stopped or deleted.")
        return False
    processes.stop(settings)
    if systemd.is_installed(settings):
        systemd.remove(settings)
    if not answers:
        print("The Hub is stopped. No Docker engine found, so no containers to stop.")
        return True
    processes.remove_containers(settings, engine)
    requirements.stop_git(settings, engine)
    left_to_do = firewall.remove(settings)
    if left_to_do is not None:
        print(left_to_do)
    if traces:
        remove_traces(engine, traces)
    print("The Hub and its containers are stopped. Run `make hub` to start them again.")
    daemon = settings.data / "dockerd.pid"
    if daemon.is_file():
        print(f"Docker was started by `make hub` and still runs; stop: kill {daemon.read_text()}")
    return True


def find_traces(settings: Settings, engine: Engine) -> dict[str, list[str]]:
    """Return what `--everything` deletes, by Docker's word for it."""
    label = f"label=mlws.hub={settings.name}"
    environment = f"label=mlws.environment.hub={settings.name}"
    networks = engine.run("network", "ls", "--format", "{{.Name}}").split()
    return {
        "volume": engine.run("volume", "ls", "--quiet", "--filter", label).split(),
        "image": sorted(set(engine.run("images", "--quiet", "--filter", environment).split())),
        # On Swarm, a network's configuration is removed after the network.
        "network": [name for name in (settings.name, settings.node_network) if name in networks],
    }


def confirm(settings: Settings, traces: dict[str, list[str]]) -> bool:
    """Ask in the terminal whether to delete all that; it cannot be undone."""
    print(f"This deletes everything of the Hub {settings.name!r} in Docker, for good:")
    for kind, names in traces.items():
        for name in names:
            print(f"  {kind} {name}")
    print(f"Accounts and shared projects stay in {settings.data}.")
    return input(f"Type {settings.name} to delete it: ").strip() == settings.name


def remove_traces(engine: Engine, traces: dict[str, list[str]]) -> None:
    """Delete the users' volumes and saved environments, and the network."""
    if traces["volume"]:
        engine.run("volume", "rm", *traces["volume"])
    if traces["image"]:
        engine.run("rmi", "--force", *traces["image"])
    for name in traces["network"]:
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
    parser.add_argument("--yes", action="store_true", help="delete them without a question")
    arguments = parser.parse_args()
    try:
        settings = settings_file.load()
        if arguments.everything and not arguments.yes and not sys.stdin.isatty():
            print("Without a terminal, --everything needs --yes.", file=sys.stderr)
            return 2
        return 0 if down(settings, arguments.everything, arguments.yes) else 1
    except (EngineError, SettingError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
