"""Identifies processes, and ends all processes of a run.

Pids are reused; a pid together with its start time identifies one process. The processes of a run
carry a cookie in their environment, so that those outside their process group are found, too.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

COOKIE = "MLWS_RUN_ID"
"""The environment variable that a run's processes carry."""
ATTEMPT = "MLWS_ATTEMPT"
"""The environment variable that identifies one attempt at one node."""
PROC = Path("/proc")
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
ASK_TIMEOUT = 10
MARK = "starting"
"""The file, in a run's folder, that is locked while processes of the run may be about to start."""


def start_time(pid: int) -> str | None:
    """Return a process's start time in the system's format; None if it has ended."""
    if PROC.joinpath("self", "stat").exists():
        try:
            text = (PROC / str(pid) / "stat").read_text()
        except OSError:
            return None
        # The second field is the program's name in parentheses, which may hold spaces.
        fields = text.rpartition(")")[2].split()
        return None if fields[0] in ("Z", "X") else fields[19]
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        check=False,
        capture_output=True,
        text=True,
        timeout=ASK_TIMEOUT,
    )
    return answer.stdout.strip() or None


def alive(pid: int | None, started: str | None) -> bool:
    """Return whether the process with this pid and start time still runs."""
    return pid is not None and started is not None and start_time(pid) == started


def bearers(cookie: str, variable: str = COOKIE) -> Iterator[int]:
    """Yield the processes whose environment has ``cookie``, except the calling process.

    ``variable`` is the name of the environment variable. This works on Linux only; elsewhere
    process groups are used.
    """
    entry = f"{variable}={cookie}".encode()
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                pid = int(folder.name)
                if pid != os.getpid() and start_time(pid) is not None:
                    yield pid


def end_group(group: int, how: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal to a process group; ignore one that no longer exists."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, how)


@contextmanager
def starting(folder: Path) -> Iterator[None]:
    """Lock the marker file of a process that starts others.

    Each child inherits the lock until it has executed another program and carries its cookie.
    """
    with (folder / MARK).open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        yield


def await_starts(folder: Path, patience: float = GRACE) -> None:
    """Wait until no process of a killed run is about to start, so that :func:`bearers` finds all.

    Return after ``patience`` seconds at the latest.
    """
    if not (folder / MARK).exists():
        return
    deadline = time.monotonic() + patience
    with (folder / MARK).open("a") as mark:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.01)
            else:
                return


def end_bearers(cookie: str, grace: float = GRACE, variable: str = COOKIE) -> None:
    """Send SIGTERM to every process of a run, and SIGKILL to those left after ``grace`` seconds."""
    deadline = time.monotonic() + grace
    signaled_pids: set[int] = set()
    while remaining := set(bearers(cookie, variable)):
        late = time.monotonic() >= deadline
        for pid in remaining if late else remaining - signaled_pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        signaled_pids |= remaining
        if late and time.monotonic() >= deadline + grace:
            return
        time.sleep(0.02)


def memory_of(session: int, *, leader: bool = True) -> int:
    """Return the private memory of a session's processes in bytes; 0 if it is not known.

    ``leader``: include the session leader. Memory that a forked worker shares with its parent is
    not counted.
    """
    total = 0
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and (leader or folder.name != str(session)):
                for line in (folder / "smaps_rollup").read_text().splitlines():
                    if line.startswith("Private_"):
                        total += int(line.split()[1]) * 1024
    return total
