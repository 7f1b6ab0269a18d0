"""Keeps the process of a run for the project's next runs, which use its imports and warm workers.

At most one process of a project waits; another one hands over the record of its run and ends.

It listens on an abstract Unix socket, which needs no file and ends with the process. It accepts
only requests of the same user, code and Python. During a run it does not listen, and clients start
a process of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_mlws.core.project import Project

IDLE = "MLWS_RUNNER_IDLE"
"""The variable for the seconds that a process waits for the next run; 0: it ends with its run."""
DEFAULT_IDLE = 120.0
ANSWER = 0.5
"""Seconds in which an idle process answers."""
PATIENCE = 5.0
"""Seconds in which an offer has to come whole."""
PAUSE = 0.02
"""Seconds between two runs, in which a signal that was meant for the first still ends it."""
LARGEST = 4 * 1024 * 1024
"""Bytes of an offer: the environment of a person."""
LENGTH = struct.Struct("!I")

Record = Callable[[str, str], bool]
"""Records a run in the tracking store at an address; returns whether it will."""


def offer(root: Path, run: str, log: int) -> int | None:
    """Ask the project's idle process to execute ``run``; return its pid, or None without one.

    The run gets this process's environment, and ``log`` as its output.
    """
    return _ask(root, {"run": run, "environment": dict(os.environ)}, log)


def hand_over(root: Path, run: str, uri: str) -> bool:
    """Ask the project's idle process to record ``run``, which has finished.

    ``uri`` is the address of the tracking store. Return whether the process accepted.
    """
    return _ask(root, {"record": run, "uri": uri}, 2) is not None


def _ask(root: Path, words: dict[str, Any], log: int) -> int | None:
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER)
        try:
            connection.connect(_address(root))
            body = json.dumps({**words, "stamp": stamp()}).encode()
            socket.send_fds(connection, [LENGTH.pack(len(body))], [log])
            connection.sendall(body)
            answer = connection.recv(32)
        except OSError:
            return None
    return int(answer) if answer.isdigit() else None


def listens(root: Path) -> bool:
    """Return whether an idle process of the project accepts requests."""
    if not hasattr(socket, "SO_PEERCRED"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(_address(root))
        except OSError:
            return False
    return True


def offers(project: Project, record: Record) -> Iterator[tuple[str, int]]:
    """Yield the runs that are offered, one after the other, with the file descriptor of their log.

    End after the idle time without an offer, or when the project no longer exists. During a run no
    offer is accepted. Runs that are handed over to be recorded are passed to ``record``.
    """
    while hasattr(socket, "SO_PEERCRED"):
        idle = DEFAULT_IDLE
        with suppress(ValueError):
            idle = float(os.environ.get(IDLE, DEFAULT_IDLE))
        if idle <= 0:
            return
        time.sleep(PAUSE)
        request = _take(project.root, idle, record)
        if request is None or not (project.root / ".dvc").is_dir():
            return
        run, log = request
        try:
            yield run, log
        finally:
            os.close(log)


def _take(root: Path, idle: float, record: Record) -> tuple[str, int] | None:
    """Return the next offer; None after the idle time, or if another process already listens."""
    deadline = time.monotonic() + idle
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            listener.bind(_address(root))
        except OSError:
            return None
        listener.listen(8)
        while (left := deadline - time.monotonic()) > 0:
            listener.settimeout(left)
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                return None
            with connection, suppress(OSError, ValueError, KeyError):
                connection.settimeout(PATIENCE)
                request = _agree(connection, record)
                if request is not None:
                    return request
        return None


def _agree(connection: socket.socket, record: Record) -> tuple[str, int] | None:
    """Read and accept an offer; return None if it is not for this process or not for a run."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    if struct.unpack("3i", credentials)[1] != os.getuid():
        return None
    head, files, _, _ = socket.recv_fds(connection, LENGTH.size, 1)
    (log,) = files
    try:
        (length,) = LENGTH.unpack(head)
        if length > LARGEST:
            raise ValueError("too large")
        words = json.loads(connection.makefile("rb").read(length))
        if words["stamp"] != stamp():
            # Another code than this process has: it makes room for one that has it.
            sys.exit(0)
        if "record" in words:
            if record(str(words["record"]), str(words["uri"])):
                connection.sendall(str(os.getpid()).encode())
            os.close(log)
            return None
        run = str(words["run"])
        connection.sendall(str(os.getpid()).encode())
    except BaseException:
        os.close(log)
        raise
    os.environ.clear()
    os.environ.update(words["environment"])
    return run, log


def _address(root: Path) -> bytes:
    name = hashlib.sha256(f"{os.getuid()}\0{sys.executable}\0{root}".encode()).hexdigest()
    return b"\0mlws-" + name.encode()


@lru_cache(maxsize=1)
def stamp() -> str:
    """Return an identifier of this code: the package's path and newest modification time."""
    package = Path(__file__).parents[2]
    return f"{package}:{max(_changes(str(package)))}"


def _changes(folder: str) -> Iterator[int]:
    """Yield the modification time of each module below a directory."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry.stat().st_mtime_ns
            elif entry.is_dir(follow_symlinks=False):
                yield from _changes(entry.path)
