"""A real Docker engine for tests: the one that runs, or one of our own with its own data.

What is slow to get (the base image, the layers) is kept between runs, in
``$MLWS_DOCKER_CACHE`` or the user's cache folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PUBLIC_BASE = "debian:trixie-slim"
OWN_BASE = "mlws-test-base"
BASE_PACKAGES = "ca-certificates,curl,git,passwd,python3,python3-venv,tini"
START_LIMIT = 60.0
PULL_LIMIT = 60.0
"""Seconds; a machine without a registry answers at once or not at all."""


class NoEngineError(Exception):
    """Why no Docker engine can be had here."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine, spoken to through its command line."""

    host: str | None

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which ``docker`` speaks to this engine."""
        own = {"DOCKER_HOST": self.host} if self.host else {}
        return {**os.environ, **own, "DOCKER_BUILDKIT": "1"}

    def run(self, *arguments: str, timeout: float = 120, env: dict[str, str] | None = None) -> str:
        """What ``docker ARGUMENTS`` prints; its error text is part of the failure."""
        answer = subprocess.run(
            ["docker", *arguments],
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if answer.returncode:
            raise AssertionError(f"docker {arguments[0]}: {answer.stdout}{answer.stderr}")
        return answer.stdout.strip()

    def answers(self) -> bool:
        """Whether the engine is there."""
        done = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            env=self.environment,
            capture_output=True,
            timeout=20,
        )
        return done.returncode == 0

    def has_image(self, name: str) -> bool:
        return bool(self.run("images", "--quiet", name))


def cache_folder() -> Path:
    """Where an engine of our own keeps its images."""
    given = os.environ.get("MLWS_DOCKER_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(given) if given else Path(home) / "jupyter-mlws-tests" / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """The running engine, or one of our own until the block ends."""
    if not shutil.which("docker"):
        raise NoEngineError("the docker command is not installed")
    running = Engine(None)
    if running.answers():
        yield running
        return
    with _own_engine() as own:
        yield own


@contextlib.contextmanager
def _own_engine() -> Iterator[Engine]:
    if not shutil.which("dockerd"):
        raise NoEngineError("no engine answers and dockerd is not installed")
    if os.geteuid() != 0:
        raise NoEngineError("no engine answers and only root can start dockerd")
    # Unix sockets have at most 107 characters: the folder is directly in the temporary one.
    folder = Path(tempfile.mkdtemp(prefix="mlws-docker-"))
    with (cache_folder() / "lock").open("w") as lock, (folder / "log").open("wb") as log:
        # Two engines can't share one data folder: a second test run waits for the first.
        fcntl.flock(lock, fcntl.LOCK_EX)
        own = Engine(f"unix://{folder}/s")
        daemon = subprocess.Popen(
            [
                "dockerd",
                f"--host={own.host}",
                f"--data-root={cache_folder() / 'data'}",
                f"--exec-root={folder}/exec",
                f"--pidfile={folder}/pid",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_up(own, daemon, folder / "log")
            yield own
        finally:
            _stop(daemon)
    shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(own: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not own.answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").splitlines()[-5:]
            raise NoEngineError("dockerd did not start: " + " | ".join(last))
        time.sleep(0.1)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def base_image(own: Engine) -> str:
    """A Debian image: the public one, or one made from the mirror that apt uses here."""
    for name in (OWN_BASE, PUBLIC_BASE):
        if own.has_image(name):
            return name
    with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
        own.run("pull", "--quiet", PUBLIC_BASE, timeout=PULL_LIMIT)
        return PUBLIC_BASE
    _bootstrap(own)
    return OWN_BASE


def _bootstrap(own: Engine) -> None:
    if not shutil.which("mmdebstrap"):
        raise NoEngineError(f"{PUBLIC_BASE} can't be pulled and mmdebstrap is not installed")
    release, mirror, components = _apt_source()
    made = subprocess.Popen(
        [
            "mmdebstrap",
            "--variant=apt",
            f"--include={BASE_PACKAGES}",
            f"--components={components}",
            release,
            "-",
            mirror,
        ],
        stdout=subprocess.PIPE,
    )
    try:
        subprocess.run(
            ["docker", "import", "-", OWN_BASE],
            env=own.environment,
            stdin=made.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=600,
        )
    finally:
        made.terminate()
    if made.wait():
        own.run("rmi", OWN_BASE)
        raise NoEngineError(f"mmdebstrap of {release} failed with {made.returncode}")


def _apt_source() -> tuple[str, str, str]:
    """(release, mirror, components) of this machine's own packages."""
    answer = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(RELEASE) $(SITE) $(COMPONENT)",
            "Identifier: Packages",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    codename = next(
        line.partition("=")[2].strip('"')
        for line in Path("/etc/os-release").read_text().splitlines()
        if line.startswith("VERSION_CODENAME=")
    )
    rows = [line.split() for line in answer.stdout.splitlines()]
    own = [row for row in rows if row[0] == codename and len(row) == 3]
    if not own:
        raise NoEngineError(f"apt knows no mirror of {codename}")
    mirror = own[0][1]
    components = sorted({row[2] for row in own if row[1] == mirror})
    return codename, mirror, ",".join(components)
