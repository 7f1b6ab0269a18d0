"""Keeps the process of a run for the project's next runs, which use its imports and warm workers.

At most one process of a project waits; another one hands over the record of its run and ends.

It listens on a Unix socket in a folder that only its user can open, for requests of the same code
and Python. Each side checks that the other is the same user. During a run it does not listen, and
clients start a process of their own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_runtime_dir

from mlws.core.project import Project

IDLE = "MLWS_RUNNER_IDLE"
"""The variable for the seconds that a process waits for the next run; 0: it ends with its run."""
DEFAULT_IDLE = 120.0
ANSWER = 2.0
"""Seconds in which an idle process answers, also on a busy machine."""
PATIENCE = 5.0
"""Seconds in which an offer has to come whole."""
PAUSE = 0.02
"""Seconds between two runs, in which a signal that was meant for the first still ends it."""
LARGEST = 4 * 1024 * 1024
"""Bytes of an offer: the environment of a person."""
LENGTH = struct.Struct("!I")
PEER = struct.Struct("3i")
"""``struct ucred`` of Linux: pid, uid, gid."""
ACCEPTED = b"1"
"""The answer of a process that takes the request."""
SOCKET = "socket"
LOCK = "lock"
"""Held by the process that listens."""

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


def _ask(root: Path, request: dict[str, Any], log: int) -> int | None:
    with suppress(OSError), _connection(root) as (connection, pid):
        body = json.dumps({**request, "stamp": stamp()}).encode()
        socket.send_fds(connection, [LENGTH.pack(len(body))], [log])
        connection.sendall(body)
        return pid if connection.recv(1) == ACCEPTED else None
    return None


def listener(root: Path) -> int | None:
    """Return the pid of the project's idle process; None if none accepts requests."""
    with suppress(OSError), _connection(root) as (_, pid):
        return pid
    return None


def offers(project: Project, record: Record) -> Iterator[tuple[str, int]]:
    """Yield the runs that are offered, one after the other, with the file descriptor of their log.

    End after the idle time without an offer, or when the project no longer exists. During a run no
    offer is accepted. Runs that are handed over to be recorded are passed to ``record``.
    """
    while True:
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
    # Read before the first client waits for an answer.
    stamp()
    deadline = time.monotonic() + idle
    with suppress(OSError), _listening(root) as server:
        while (left := deadline - time.monotonic()) > 0:
            server.settimeout(left)
            try:
                connection, _ = server.accept()
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
    _check_peer(connection)
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
                connection.sendall(ACCEPTED)
            os.close(log)
            return None
        run = str(words["run"])
        connection.sendall(ACCEPTED)
    except BaseException:
        os.close(log)
        raise
    os.environ.clear()
    os.environ.update(words["environment"])
    return run, log


@contextmanager
def _connection(root: Path) -> Iterator[tuple[socket.socket, int]]:
    """Yield a connection to the project's idle process, and the pid of that process.

    Raise OSError if there is none, or if it belongs to another user.
    """
    with _private(_folder(root)) as folder, _unix_socket() as connection:
        connection.settimeout(ANSWER)
        connection.connect(f"{folder}/{SOCKET}")
        yield connection, _check_peer(connection)


@contextmanager
def _listening(root: Path) -> Iterator[socket.socket]:
    """Yield a socket that listens for the project's requests.

    Raise OSError if another process listens, or if the folder is not private.
    """
    path = _folder(root)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _private(path) as folder, Path(folder, LOCK).open("ab") as lock, _unix_socket() as server:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        address = Path(folder, SOCKET)
        # A process that was killed has left its own.
        address.unlink(missing_ok=True)
        try:
            server.bind(str(address))
            server.listen(8)
            yield server
        finally:
            address.unlink(missing_ok=True)
            # Closing alone would keep the lock in children that were forked meanwhile.
            fcntl.flock(lock, fcntl.LOCK_UN)


def _folder(root: Path) -> Path:
    """Return the path of the folder for the socket of the project and this Python."""
    name = hashlib.sha256(f"{sys.executable}\0{root}".encode()).hexdigest()
    return Path(jupyter_runtime_dir(), "mlws-runners", name)


@contextmanager
def _private(path: Path) -> Iterator[str]:
    """Yield a short path to a folder: the address of a socket has at most 107 bytes.

    Raise OSError unless the folder belongs to this user and no other user can open it.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise PermissionError(f"{path} is not private")
        yield f"/proc/self/fd/{folder}"
    finally:
        os.close(folder)


def _unix_socket() -> socket.socket:
    if not hasattr(socket, "SO_PEERCRED"):
        raise OSError("this system does not report the peer of a socket")
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)


def _check_peer(connection: socket.socket) -> int:
    """Return the pid of the other side, as the kernel names it.

    Raise OSError if it is another user's, or in a process namespace that is not visible here.
    """
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
    pid: int
    pid, uid, _ = PEER.unpack(credentials)
    if uid != os.geteuid() or pid <= 0:
        raise PermissionError(f"the peer is process {pid} of user {uid}")
    return pid


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
