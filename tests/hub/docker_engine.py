"""A real Docker engine for tests: the one that runs, or one of our own with its own data.

What is slow to get (the base image, the layers) is kept between runs, in
``$MLWS_DOCKER_CACHE`` or the user's cache folder. All test processes at the same time, such as the
workers of pytest-xdist, share one engine and one build of the image.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hub_config.engine import (
    BASE_STAMP,
    Engine,
    NoEngineError,
    base_image,
    build,
    build_arguments,
    wait_until_up,
)
from hub_config.requirements import image_stamp

OWN_BASE = f"mlws-test-base-{BASE_STAMP}"
IMAGE = "mlws-test-lab"
LAB = os.environ.get("MLWS_TEST_IMAGE") or IMAGE
LIGHT = "mlws-test-light"
BUILD_LIMIT = 1200.0
STOP_LIMIT = 30.0
USER_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
"""The real one, read before tests get a home of their own."""


def cache_folder() -> Path:
    """Where an engine of our own keeps its images."""
    given = os.environ.get("MLWS_DOCKER_CACHE")
    folder = Path(given) if given else USER_CACHE / "jupyter-mlws-tests" / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock that all test processes of this user share."""
    with (cache_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
    """An engine that the first test process starts and the last one stops.

    Each process holds a shared lock, which the kernel releases also if the process is killed.
    """
    if not shutil.which("dockerd"):
        raise NoEngineError("no engine answers and dockerd is not installed")
    if os.geteuid() != 0:
        raise NoEngineError("no engine answers and only root can start dockerd")
    digest = hashlib.sha256(str(cache_folder()).encode()).hexdigest()[:8]
    # Unix sockets have at most 107 characters, and the cache folder may have more.
    run = Path("/run") / f"mlws-tests-{digest}"
    with (cache_folder() / "users.lock").open("w") as users:
        with locked("engine"):
            fcntl.flock(users, fcntl.LOCK_SH)
            own = Engine(f"unix://{run}/s")
            if not own.answers():
                _start(own, run)
        try:
            yield own
        finally:
            with locked("engine"), contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_leftovers(own)
                _stop(run)


def _start(own: Engine, run: Path) -> None:
    run.mkdir(exist_ok=True)
    with (run / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                "dockerd",
                f"--host={own.host}",
                f"--data-root={cache_folder() / 'data'}",
                f"--exec-root={run}/exec",
                f"--pidfile={run}/pid",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # It may outlive this process, and gets no Ctrl+C of its terminal.
            start_new_session=True,
        )
    _weigh_containers()
    try:
        wait_until_up(own, daemon, run / "log")
    except NoEngineError:
        daemon.kill()
        daemon.wait()
        raise


def _weigh_containers() -> None:
    """Give the cgroup of all containers the processor time of ten processes, not of one.

    Beside the processes of other tests, a lab would take a minute to start.
    """
    cgroups = Path("/sys/fs/cgroup")
    is_version_2 = (cgroups / "cgroup.controllers").exists()
    weight = cgroups / ("docker/cpu.weight" if is_version_2 else "cpu/docker/cpu.shares")
    with contextlib.suppress(OSError):
        weight.parent.mkdir(exist_ok=True)
        weight.write_text("1000" if is_version_2 else "10240")


def _remove_leftovers(own: Engine) -> None:
    """Remove what interrupted tests have left in the engine."""
    containers = own.run("ps", "--all", "--quiet").split()
    if containers:
        own.run("rm", "--force", *containers)
    own.run("network", "prune", "--force")
    own.run("volume", "prune", "--all", "--force")


def _stop(run: Path) -> None:
    pid_file = run / "pid"
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT
    # It removes that file as its last act.
    while pid_file.exists():
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    shutil.rmtree(run, ignore_errors=True)


def lab_image(docker: Engine, wheel: Path, log: Path) -> str:
    """The Hub's user image with that wheel inside, built by the script that people use."""
    with locked("image"):
        stamp = image_stamp(wheel)
        if docker.label(IMAGE, IMAGE) != stamp:
            arguments = build_arguments(base_image(docker, OWN_BASE))
            build(
                docker, wheel, IMAGE, ["--label", f"{IMAGE}={stamp}", *arguments], BUILD_LIMIT, log
            )
            # The image of the run before has lost its name to this one; what both share stays.
            docker.run("image", "prune", "--force", "--filter", f"label={IMAGE}")
    return IMAGE


def light_image(docker: Engine, image: str) -> None:
    """Build ``LIGHT`` from the lab's image: a container that starts with little processor time."""
    folder = Path(__file__).parent / "images" / "light"
    with locked("image"):
        docker.run(
            "buildx", "build", "--load", f"--build-arg=BASE_IMAGE={image}", f"--tag={LIGHT}",
            str(folder),
        )  # fmt: skip
