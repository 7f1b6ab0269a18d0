"""`make hub`: start JupyterHub on this machine, or keep it running.

    python -m hub_config.up [--installed]

`--installed`: build nothing, because the package and its requirements are installed in this
environment and the image exists.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub_config import firewall, processes, requirements, settings_file, systemd
from hub_config.configure import show
from hub_config.engine import (
    DAEMON_CONFIG,
    Engine,
    EngineError,
    keep_containers,
    keeps_containers,
    running_engine,
)
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings

PASSWORD = "MLWS_ADMIN_PASSWORD"
REPORT_INTERVAL = 5.0
"""Seconds between two signs of life of a step."""
LOG_END = 4000
LINE_LIMIT = 90
SHORTEST = 10


@contextlib.contextmanager
def step(name: str, log: Path | None = None) -> Iterator[None]:
    """Print a step that takes time, and its duration; while it lasts, the end of its log."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    has_ended = threading.Event()

    def report() -> None:
        while not has_ended.wait(REPORT_INTERVAL):
            print(f"  {time.monotonic() - began:.0f} s  {_last_line(log)}".rstrip(), flush=True)

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        has_ended.set()
        reporter.join()
    took = time.monotonic() - began
    if took >= 1:
        print(f"{name}: {took:.0f} s", flush=True)


def _last_line(log: Path | None) -> str:
    """Return the last line of a log that says something, short enough for a line."""
    if log is None or not log.is_file():
        return ""
    lines = log.read_bytes()[-LOG_END:].decode(errors="replace").splitlines()
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:LINE_LIMIT]


def prepare(settings: Settings, installed: bool) -> tuple[Engine, list[str]]:
    """Prepare all requirements of the Hub, independent ones concurrently."""
    with ThreadPoolExecutor() as pool:
        engine = pool.submit(running_engine, settings.data, settings.docker_variables)
        command = pool.submit(requirements.proxy)
        if installed:
            return engine.result(), command.result()
        with step("Building the package"):
            wheel = requirements.wheel(settings)
        with step("Checking the Docker engine"):
            docker = engine.result()
        with step("Building the image and installing the Hub", requirements.image_log(settings)):
            image = None
            if settings.builds_image:
                image = pool.submit(requirements.image, settings, docker, wheel)
            requirements.package(settings, wheel)
            if image:
                image.result()
            return docker, command.result()


def up(installed: bool) -> int:
    """Bring the Hub up; the exit code."""
    settings = settings_file.load()
    if settings.extra_config and not Path(settings.extra_config).is_file():
        raise SettingError(f"Invalid HUB_CONFIG {settings.extra_config!r}: there is no such file.")
    password = os.environ.get(PASSWORD) or secrets.token_urlsafe(12)
    if len(password) < SHORTEST:
        print(f"{PASSWORD} must have at least {SHORTEST} characters.", file=sys.stderr)
        return 2
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.data / "lock").open("w") as lock:
        # Two at once would each start a Hub.
        fcntl.flock(lock, fcntl.LOCK_EX)
        changes = settings_file.save(settings)
        print(show(settings))
        for change in changes:
            print(f"{change.variable} set {change.name}: {change.before or '–'} → {change.after}")
        engine, proxy = prepare(settings, installed)
        settings = offer_service(offer_live_restore(settings, engine))
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


def offer_service(settings: Settings) -> Settings:
    """Let systemd start the Hub if it is wanted; return the settings with the answer."""
    if not systemd.is_available():
        if settings.service == "yes":
            print("This machine has no systemd, so nothing starts the Hub after a boot or a crash.")
        return settings
    settings = ask(settings, "service", "Start the Hub at boot, and again after a crash?")
    if settings.service == "yes":
        if not systemd.is_installed(settings):
            # Without the service, its processes are not those of systemd.
            processes.stop(settings)
        systemd.install(settings, processes.log_file(settings))
    elif systemd.is_installed(settings):
        systemd.remove(settings)
    return settings


def offer_live_restore(settings: Settings, engine: Engine) -> Settings:
    """Let labs outlive a restart of Docker if it is wanted; return the settings with the answer."""
    if settings.swarm or settings.live_restore == "no" or keeps_containers(engine):
        # Swarm does not have it.
        return settings
    if os.geteuid() != 0 or settings.docker_host:
        print(
            f'A restart of Docker stops all labs. To change this, set "live-restore": true in'
            f" {DAEMON_CONFIG}, and reload Docker."
        )
        return settings
    question = f"Let labs run on when Docker restarts, by live-restore in {DAEMON_CONFIG}?"
    settings = ask(settings, "live_restore", question)
    if settings.live_restore == "yes":
        keep_containers(engine)
    return settings


def ask(settings: Settings, name: str, question: str) -> Settings:
    """Return the settings with an answer to ``name``, which is kept in the file.

    Without a terminal the question stays open.
    """
    if getattr(settings, name) != "ask":
        return settings
    if not sys.stdin.isatty():
        print(f"{question} Answer by: make hub-config ARGS={name}=yes")
        return settings
    answer = input(f"{question} [Y/n] ").strip().lower()
    new_settings = dataclasses.replace(settings, **{name: "no" if answer in ("n", "no") else "yes"})
    settings_file.save(new_settings, new_settings.variables())
    return new_settings


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
