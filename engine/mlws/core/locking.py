"""A lock between processes that records its holder: host, boot, process and heartbeat.

The kernel frees it when its holder exits. On a file system that is shared with a machine that has
crashed, the kernel cannot know; a lock file without a heartbeat is then replaced by a new one.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO

from mlws.core.atomic import temp_path
from mlws.core.errors import OperationInProgressError, is_full_disk

HEARTBEAT_INTERVAL = 5.0
"""Seconds between two heartbeats of a holder."""
HEARTBEAT_TIMEOUT = 60.0
"""Seconds without a heartbeat after which a holder on another machine is gone."""
RETRY_INTERVAL = 0.02
"""Seconds between two attempts: below what a person notices."""
REPORT_DELAY = 0.2
"""Seconds of waiting after which the holder is reported."""
BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Holder:
    """Holder of a lock: the process, its operation, and the start time (ISO 8601)."""

    operation: str
    who: str
    since: str
    host: str = ""
    boot: str = ""
    pid: int = 0

    @classmethod
    def here(cls, operation: str) -> Holder:
        """Return this process as a holder."""
        host, pid = os.uname().nodename, os.getpid()
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(operation, f"{person()}@{host} (pid {pid})", since, host, boot_id(), pid)


UNKNOWN = Holder("?", "?", "?")
"""The holder has taken the lock but not yet written its name, or has just released the lock."""
Waiting = Callable[[Holder], None]
"""Called with the holder while a caller waits for the lock."""


def person() -> str:
    """Return the user of this process, as the Hub or the system names it."""
    return os.environ.get("JUPYTERHUB_USER") or os.environ.get("USER", "process")


@cache
def boot_id() -> str:
    """Return an id that changes with every boot; empty where the system has none."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class FileLock:
    """The lock at ``path``. Not reentrant; every holding has a file descriptor of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holder(self) -> Holder | None:
        """Return the current holder; None if the lock is free."""
        try:
            file = self._path.open("r+", encoding="utf-8")
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EACCES, errno.EROFS):
                # The lock was never held, or no process can write here.
                return None
            raise
        with file:
            if _try(file):
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
                return None
            return _read(file)

    @contextmanager
    def hold(
        self, operation: str, timeout: float, waiting: Waiting = lambda holder: None
    ) -> Iterator[None]:
        """Hold the lock; wait at most ``timeout`` seconds.

        OperationInProgressError names the holder.
        """
        file = self._acquire(timeout, waiting)
        try:
            _write(file, json.dumps(asdict(Holder.here(operation))))
            with _beating(file):
                yield
        finally:
            _write(file, "")
            # Closing alone would keep it in children that were forked meanwhile.
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)
            file.close()

    def _acquire(self, timeout: float, waiting: Waiting) -> IO[str]:
        started = time.monotonic()
        has_reported = False
        while True:
            file = self._path.open("a+", encoding="utf-8")
            if _try(file):
                if _is(file, self._path):
                    return file
                # Another process has replaced the file by a new one.
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
                file.close()
                continue
            with file:
                holder = _read(file)
                if _is_gone(file, holder):
                    self._replace(file)
                    continue
            elapsed = time.monotonic() - started
            if elapsed >= timeout:
                raise OperationInProgressError(
                    operation=holder.operation, who=holder.who, since=holder.since
                )
            if not has_reported and elapsed >= min(REPORT_DELAY, timeout / 2):
                has_reported = True
                waiting(holder)
            # flock has no timeout.
            time.sleep(RETRY_INTERVAL)

    def _replace(self, stale_file: IO[str]) -> None:
        """Replace ``stale_file``, the lock file of a holder that is gone."""
        with self._path.with_name(f"{self._path.name}.guard").open("a+") as guard:
            fcntl.flock(guard.fileno(), fcntl.LOCK_EX)
            # Another waiting process may have replaced it, or the holder may be back.
            if _is(stale_file, self._path) and _is_gone(stale_file, _read(stale_file)):
                fresh = temp_path(self._path)
                fresh.touch()
                fresh.replace(self._path)


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(file: IO[str], path: Path) -> bool:
    """Return whether ``path`` still names the open file."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(file.fileno())
    return (now.st_dev, now.st_ino) == (mine.st_dev, mine.st_ino)


def _write(file: IO[str], text: str) -> None:
    """Replace the text of a lock file, as far as the disk has room.

    A lock whose holder is unknown is a lock, too: a full disk must not keep a person from freeing
    space. The buffer of ``file`` would keep what cannot be written, and fail again when it closes.
    """
    try:
        os.ftruncate(file.fileno(), 0)
        os.write(file.fileno(), text.encode())
    except OSError as error:
        if not is_full_disk(error):
            raise


def _read(file: IO[str]) -> Holder:
    file.seek(0)
    try:
        return Holder(**json.loads(file.read()))
    except (ValueError, TypeError):
        return UNKNOWN


def _is_gone(file: IO[str], holder: Holder) -> bool:
    """Return whether the holder is gone and its lock must be replaced.

    A holder of this boot is never gone: the kernel frees its lock when it ends.
    """
    if not holder.boot or holder.boot == boot_id():
        return False
    return time.time() - os.fstat(file.fileno()).st_mtime > HEARTBEAT_TIMEOUT


@contextmanager
def _beating(file: IO[str]) -> Iterator[None]:
    """Set the file's modification time as a heartbeat until the block ends."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(HEARTBEAT_INTERVAL):
            with suppress(OSError):
                os.utime(file.fileno())

    thread = threading.Thread(target=beat, name="mlws-lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
