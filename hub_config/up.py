"""`make hub`: start JupyterHub on this machine, or keep it running.

    python -m hub_config.up [--installed]

`--installed`: build nothing, because the package and its requirements are installed in this
environment and the image exists.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub_config import firewall, processes, requirements
from hub_config.engine import Engine, EngineError, running_engine
from hub_config.settings import SettingError, Settings

PASSWORD = "MLWS_ADMIN_PASSWORD"
SHORTEST = 10


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Print a step that takes time, and its duration."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    if took >= 1:
        print(f"{name}: {took:.0f} s", flush=True)


def prepare(settings: Settings, installed: bool) -> tuple[Engine, list[str]]:
    """Prepare all requirements of the Hub, independent ones concurrently."""
    with ThreadPoolExecutor() as pool:
        engine = pool.submit(running_engine, settings.data)
        command = pool.submit(requirements.proxy)
        if installed:
            return engine.result(), command.result()
        with step("Building the package"):
            wheel = requirements.wheel(settings)
        with step("Checking the Docker engine"):
            docker = engine.result()
        with step("Building the image and installing the Hub"):
            image = None
            if settings.builds_image:
                image = pool.submit(requirements.image, settings, docker, wheel)
            requirements.package(settings, wheel)
            if image:
                image.result()
            return docker, command.result()


def up(installed: bool) -> int:
    """Bring the Hub up; the exit code."""
    settings = Settings.read()
    password = os.environ.get(PASSWORD) or secrets.token_urlsafe(12)
    if len(password) < SHORTEST:
        print(f"{PASSWORD} must have at least {SHORTEST} characters.", file=sys.stderr)
        return 2
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.data / "lock").open("w") as lock:
        # Two at once would each start a Hub.
        fcntl.flock(lock, fcntl.LOCK_EX)
        engine, proxy = prepare(settings, installed)
        stamp = _stamp(settings)
        if not processes.runs(settings, stamp):
            with step("Starting the Hub"):
                processes.stop(settings)
                # Before anything of another Hub with this name is replaced.
                processes.check_ports(settings)
                requirements.network(settings, engine)
                requirements.git(settings, engine)
                protect(settings)
                created = requirements.administrator(settings, password)
                if created and not os.environ.get(PASSWORD):
                    # Before the start of the Hub, so that it is printed even if that fails.
                    print(f"\nAdministrator {settings.administrator!r}, password {password}")
                    print("It is not shown again; you can change it on the Hub's Account page.\n")
                processes.start(settings, Path(sys.executable), proxy, engine, stamp)
    print(f"\nHub: {settings.public_url}    Log: {processes.log_file(settings)}")
    return 0


def protect(settings: Settings) -> None:
    """Restrict labs by firewall rules, or print instructions."""
    left_to_do = firewall.apply(settings)
    if left_to_do is not None:
        print(f"\n{left_to_do}\n")


def _stamp(settings: Settings) -> str:
    """Return a hash of the settings and files of a Hub; a running Hub with another is restarted."""
    whole = hashlib.sha256(repr(settings).encode())
    for path in sorted(Path(__file__).parent.rglob("*.*")):
        if path.suffix in (".py", ".html", ".json"):
            whole.update(path.read_bytes())
    mark = Path(sys.prefix) / ".hub-installed"
    whole.update(mark.read_bytes() if mark.is_file() else b"")
    return whole.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hub", description=__doc__)
    parser.add_argument("--installed", action="store_true", help="do not build or install anything")
    arguments = parser.parse_args()
    try:
        return up(arguments.installed)
    except (
        EngineError,
        processes.HubError,
        SettingError,
        subprocess.CalledProcessError,
    ) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
