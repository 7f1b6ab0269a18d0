"""Locks between processes: who holds one is told, and who is gone is not waited for."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mlws.core import locking
from mlws.core.errors import MLWSError
from mlws.core.locking import FileLock, Holder
from tests import python

ELSEWHERE = replace(
    Holder.here("snapshot"), who="ada@far (pid 7)", host="far", boot="another boot", pid=7
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


HOLD = """\
import fcntl, os, sys, time
path, age, holder = sys.argv[1:]
with open(path, "a+") as file:
    fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    file.truncate(0)
    file.write(holder)
    file.flush()
    os.utime(file.fileno(), (time.time() - float(age), time.time() - float(age)))
    print("held", flush=True)
    sys.stdin.read()
"""
"""What a file system that is shared with another machine shows of a holder there."""


@pytest.fixture
def elsewhere(path: Path) -> Iterator[Callable[[float], None]]:
    """``elsewhere(age)``: another machine holds the lock, and was silent for ``age`` seconds."""
    processes = []

    def hold(age: float) -> None:
        process = python.Python(HOLD, str(path), str(age), json.dumps(asdict(ELSEWHERE)))
        assert process.stdout.readline() == b"held\n"
        processes.append(process)

    yield hold
    for process in processes:
        process.communicate()


def test_a_holder_names_host_boot_and_process(path: Path) -> None:
    lock = FileLock(path)
    assert lock.holder() is None
    with lock.hold("restore", 1):
        holder = lock.holder()
        assert holder is not None
        assert (holder.operation, holder.pid) == ("restore", os.getpid())
        assert holder.host == os.uname().nodename
        assert holder.boot == locking.boot_id()
        assert f"pid {os.getpid()}" in holder.who
    assert lock.holder() is None
    assert path.read_text() == ""


def test_a_holder_gives_signs_of_life(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "HEARTBEAT_INTERVAL", 0.05)
    with FileLock(path).hold("restore", 1):
        os.utime(path, (1, 1))
        time.sleep(0.3)
        assert time.time() - path.stat().st_mtime < 5


def test_whoever_waits_hears_for_whom_once(path: Path) -> None:
    heard: list[str] = []
    release = threading.Event()
    held = threading.Event()

    def hold() -> None:
        with FileLock(path).hold("restore", 1):
            held.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)

    def waiting(holder: Holder) -> None:
        heard.append(holder.operation)
        release.set()

    with FileLock(path).hold("snapshot", 10, waiting):
        pass
    thread.join()
    assert heard == ["restore"]


def test_a_living_holder_on_another_machine_is_waited_for(path: Path, elsewhere) -> None:
    elsewhere(0)
    with pytest.raises(MLWSError) as error, FileLock(path).hold("snapshot", 0.2):
        pass
    assert (error.value.code, error.value.facts["who"]) == ("30103", "ada@far (pid 7)")


def test_the_lock_of_a_machine_that_is_gone_is_replaced(path: Path, elsewhere) -> None:
    elsewhere(2 * locking.HEARTBEAT_TIMEOUT)
    before = path.stat().st_ino
    with FileLock(path).hold("snapshot", 1):
        assert path.stat().st_ino != before
        holder = FileLock(path).holder()
        assert holder is not None
        assert holder.pid == os.getpid()
        # And nobody else takes the old file for the lock.
        with pytest.raises(MLWSError), FileLock(path).hold("restore", 0.2):
            pass


def test_of_many_that_wait_for_one_that_is_gone_only_one_holds(path: Path, elsewhere) -> None:
    elsewhere(2 * locking.HEARTBEAT_TIMEOUT)
    inside = 0
    most = 0
    counting = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with FileLock(path).hold("snapshot", 30):
            with counting:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with counting:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_silent_holder_on_this_machine_still_holds(path: Path) -> None:
    lock = FileLock(path)
    with lock.hold("restore", 1):
        os.utime(path, (1, 1))
        with pytest.raises(MLWSError), FileLock(path).hold("snapshot", 0.1):
            pass
