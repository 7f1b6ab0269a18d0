"""The Hub's processes on this machine: started detached, found again, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

from hub_config import systemd
from hub_config.engine import Engine, EngineError
from hub_config.settings import Settings

MARK = "MLWS_INSTALLATION"
"""Variable in the environment of every process of a Hub, by which they are found again."""
START_LIMIT = 180.0
POLITE_LIMIT = 20.0
"""Seconds until a process that does not end is killed."""


class HubError(Exception):
    """Why the Hub does not run."""


def program(
    settings: Settings, python: Path, proxy: Sequence[str], engine: Engine
) -> tuple[list[str], dict[str, str]]:
    """Return the command of the Hub, which runs in the data folder, and its environment."""
    config = Path(__file__).parent / "jupyterhub_config.py"
    environment = {
        **engine.environment,
        **settings.variables(),
        MARK: str(settings.data),
        "HUB_PROXY": json.dumps(list(proxy)),
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    return [str(python), "-m", "jupyterhub", "-f", str(config)], environment


def start(
    settings: Settings, python: Path, proxy: Sequence[str], engine: Engine, token: str
) -> None:
    """Start the Hub, as a service if it is one, else detached; wait for its login page."""
    stamp_file(settings).write_text(token)
    hub = None
    if systemd.is_installed(settings):
        systemd.restart(settings)
    else:
        hub = _detach(settings, *program(settings, python, proxy, engine))
    try:
        _wait_for_login(settings, hub)
    except HubError:
        stop(settings)
        raise


def _detach(
    settings: Settings, command: list[str], environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    with log_file(settings).open("ab") as log:
        hub = subprocess.Popen(
            command,
            cwd=settings.data,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            # Background jobs of a shell ignore SIGINT, and so would the Hub.
            preexec_fn=_heed_interrupts,
        )
    pid_file(settings).write_text(str(hub.pid))
    return hub


def check_ports(settings: Settings) -> None:
    """Raise HubError if another program has a port of the Hub, perhaps another Hub."""
    _must_be_free(settings.ip, settings.port, "HUB_PORT")
    _must_be_free("127.0.0.1", settings.proxy_api_port, "HUB_PROXY_API_PORT")


def _must_be_free(ip: str, port: int, name: str) -> None:
    with socket.socket() as probe:
        # As servers do: connections in TIME_WAIT are ignored.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ip, port))
        except OSError as error:
            raise HubError(
                f"port {port} is not available ({error}); set {name} to another port"
            ) from error


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _wait_for_login(settings: Settings, hub: subprocess.Popen[bytes] | None) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not answers(settings):
        if (hub and hub.poll() is not None) or time.monotonic() > deadline:
            last = _last_words(log_file(settings))
            raise HubError("\n".join(["the Hub did not start; last lines of its log:", *last]))
        time.sleep(0.3)


def _last_words(log: Path) -> list[str]:
    """Return the end of the log without lines of the proxy and of requests."""
    from jupyter_mlws.logs.formatting import plain

    rows: list[str] = []
    ours = True
    for row in map(plain, log.read_text(errors="replace").splitlines()):
        if "[ConfigProxy]" in row:
            ours = False
        elif row.startswith("["):
            ours = not row.startswith("[I ")
        if ours:
            rows.append(row)
    return rows[-15:]


def answers(settings: Settings) -> bool:
    """Return whether the login page responds."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{settings.url}/hub/login", timeout=5) as page:
            return bool(page.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def runs(settings: Settings, token: str) -> bool:
    """Whether a Hub started with this same token (of code and settings) is up."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file(settings).read_text())
        same = stamp_file(settings).read_text() == token
        return same and pid in hub_pids(settings) and answers(settings)
    return False


def stop(settings: Settings) -> None:
    """End the Hub, its proxy and its services; users' containers keep running."""
    if systemd.is_installed(settings):
        # It would start the Hub again.
        systemd.stop(settings)
    own = hub_pids(settings)
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file(settings).read_text())
        if pid in own:
            # The Hub ends its proxy and services.
            _end([pid], signal.SIGINT)
    _end(hub_pids(settings), signal.SIGTERM)
    _end(hub_pids(settings), signal.SIGKILL)
    for path in (pid_file(settings), settings.data / "proxy.pid"):
        path.unlink(missing_ok=True)


def _end(pids: Iterable[int], how: signal.Signals) -> None:
    waiting = set(pids)
    for pid in waiting:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
    deadline = time.monotonic() + POLITE_LIMIT
    while waiting and time.monotonic() < deadline:
        waiting = {pid for pid in waiting if _lives(pid)}
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        # A zombie has ended; its parent has not reaped it yet.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def hub_pids(settings: Settings) -> list[int]:
    """Return the running processes of this installation, also orphaned ones."""
    mark = f"{MARK}={settings.data}".encode()
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        # Processes may end meanwhile, and those of other users can't be read.
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                pids.append(int(folder.name))
    return [pid for pid in pids if _lives(pid)]


def pid_file(settings: Settings) -> Path:
    return settings.data / "hub.pid"


def log_file(settings: Settings) -> Path:
    return settings.data / "hub.log"


def stamp_file(settings: Settings) -> Path:
    """Path of the stamp of the running Hub."""
    return settings.data / "hub.stamp"


def containers(settings: Settings, engine: Engine) -> list[str]:
    """Return the ids of the users' containers, running or not."""
    label = f"label=mlws.hub={settings.name}"
    return engine.run("ps", "--all", "--quiet", "--filter", label).split()


def remove_containers(settings: Settings, engine: Engine) -> None:
    """Stop and remove the users' containers; keep their volumes."""
    label = f"label=mlws.hub={settings.name}"
    services = engine.run("service", "ls", "-q", "--filter", label) if settings.swarm else ""
    if services:
        engine.run("service", "rm", *services.split())
        deadline = time.monotonic() + POLITE_LIMIT
        while containers(settings, engine) and time.monotonic() < deadline:
            time.sleep(0.1)
    deadline = time.monotonic() + POLITE_LIMIT
    while ids := containers(settings, engine):
        try:
            engine.run("stop", "--time", "10", *ids)
            engine.run("rm", "--force", *ids)
        except EngineError:
            # Swarm may be removing some of them at the same moment.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
