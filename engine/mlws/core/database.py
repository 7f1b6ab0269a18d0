"""SQLite databases that can be recreated: a damaged file is moved aside, and a new one is created.

Several processes share a file; each reopens it if another file replaces it.
"""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlws.core.errors import disk_error

SIDECAR_SUFFIXES = ("-wal", "-shm")
"""Suffixes of the write-ahead log and of its shared-memory index."""
DAMAGE_MESSAGES = ("decode to UTF-8", "no such table")

log = logging.getLogger(__name__)

ConnectionFactory = Callable[[Path], sqlite3.Connection]


class Database:
    """One connection to a file. Not thread-safe; within a transaction it stays the same.

    ``follow``: open another file that has taken the place of this one.
    """

    def __init__(self, file: Path, connect: ConnectionFactory, *, follow: bool = True) -> None:
        self._file = file
        self._connect = connect
        self._follow = follow
        self._is_closed = False
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection to the file that is at the path now, opened on first use."""
        if self._is_closed:
            raise sqlite3.ProgrammingError("Cannot operate on a closed database.")
        current = self._connection
        skip_check = current is None or current.in_transaction or not self._follow
        if not skip_check and self._inode != inode(self._file):
            log.warning("%s was deleted or replaced; reopening it", self._file)
            self._disconnect()
        if self._connection is None:
            self._connection = open_or_replace(self._file, self._connect)
            self._inode = inode(self._file)
        return self._connection

    def execute(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Execute one statement; if the file is damaged, retry in a new one."""
        connection = self.connection
        try:
            return connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            if connection.in_transaction or not self.replace(error):
                raise
            return self.connection.execute(query, values).fetchall()

    def replace(self, error: BaseException) -> bool:
        """Move the file aside if ``error`` means damage; return whether it does."""
        if not is_damaged(error):
            return False
        self._disconnect()
        set_aside(self._file, self._inode)
        return True

    def close(self) -> None:
        """Close the connection, for good."""
        self._is_closed = True
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_or_replace(file: Path, connect: ConnectionFactory) -> sqlite3.Connection:
    """Return a connection to the file; a damaged file is moved aside and a new one made."""
    original_inode = inode(file)
    if original_inode is None and any(
        file.with_name(file.name + part).exists() for part in SIDECAR_SUFFIXES
    ):
        # A process that has the deleted file open still uses them, and SQLite fails where a new
        # database of that name finds them.
        with _file_lock(file):
            if inode(file) is None:
                for part in SIDECAR_SUFFIXES:
                    file.with_name(file.name + part).unlink(missing_ok=True)
    if original_inode is not None and _is_emptied(file):
        set_aside(file, original_inode)
    try:
        return connect(file)
    except sqlite3.DatabaseError as error:
        # SQLite's words for a full or read-only disk, "disk I/O error", have other causes, too.
        if isinstance(error, sqlite3.OperationalError) and (fault := disk_error(file.parent)):
            raise fault from error
        # That error also means that the log of another process has pages that the file lost.
        if not (is_damaged(error) or file.is_dir() or "disk I/O error" in str(error)):
            raise
        set_aside(file, original_inode)
        return connect(file)


def _is_emptied(file: Path) -> bool:
    """Return whether an empty file has a log, whose process keeps it locked.

    SQLite writes the first page of a new file before it makes a log.
    """
    has_log = any(file.with_name(file.name + part).exists() for part in SIDECAR_SUFFIXES)
    try:
        return has_log and file.stat().st_size == 0
    except FileNotFoundError:
        # Another process has moved it aside.
        return False


def is_damaged(error: BaseException) -> bool:
    """Return whether an error of SQLite means that a file is not a sound database.

    SQLite's module has no class for that and raises DatabaseError itself. Locks, full disks and
    constraints raise subclasses of it. The errors for text that is not UTF-8 and for a table that
    is missing are subclasses too, but mean damage.
    """
    if type(error) is sqlite3.DatabaseError:
        return True
    words = str(error) if isinstance(error, sqlite3.OperationalError) else ""
    return any(sign in words for sign in DAMAGE_MESSAGES)


def set_aside(file: Path, damaged_inode: int | None) -> None:
    """Rename a damaged database, unless another process has already done so.

    ``damaged_inode`` is the inode of the damaged file.
    """
    with _file_lock(file):
        if inode(file) != damaged_inode:
            return
        target = f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        # The log first: SQLite would read it into a new database of that name.
        for part in (*SIDECAR_SUFFIXES, ""):
            one = file.with_name(file.name + part)
            if one.exists():
                one.rename(file.with_name(target + part))
    log.error("Database %s is damaged. It was moved to %s and a new one is created", file, target)


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    with file.with_name(f"{file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def inode(file: Path) -> int | None:
    """Return the file's inode; None if it does not exist."""
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return None
