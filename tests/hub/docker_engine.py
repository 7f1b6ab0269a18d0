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
from collections.abc import Iterator
from pathlib import Path

from hub_config.engine import (
    Engine,
    NoEngineError,
    base_image,
    build,
    build_arguments,
    wait_until_up,
)

OWN_BASE = "mlws-test-base"
IMAGE = "mlws-test-lab"
BUILD_LIMIT = 1200.0


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
    running = Engine()
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
            wait_until_up(own, daemon, folder / "log")
            yield own
        finally:
            _stop(daemon)
    shutil.rmtree(folder, ignore_errors=True)


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def lab_image(docker: Engine, wheel: Path, log: Path) -> str:
    """The Hub's user image with that wheel inside, built by the script that people use."""
    base = base_image(docker, OWN_BASE)
    build(docker, wheel, IMAGE, ["--label", IMAGE, *build_arguments(base)], BUILD_LIMIT, log)
    # The image of the run before has lost its name to this one; what both share stays.
    docker.run("image", "prune", "--force", "--filter", f"label={IMAGE}")
    return IMAGE
