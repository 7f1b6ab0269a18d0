"""Hashes that need not be computed again: by path, time of change, size and inode."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path

MIN_CACHED_FILE_BYTES = 64 * 1024
"""Bytes that are worth it; hashing less is faster than looking it up."""
MIN_FILE_AGE_NS = 20_000_000
"""Nanoseconds: a file that changed less than that ago may change again within one tick of its
clock, so its hash is not kept."""

_Key = tuple[int, int, int]


class HashCache:
    """Cache of the hashes of files of at least ``MIN_CACHED_FILE_BYTES`` bytes.

    Thread-safe; :meth:`close` writes it to disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._hashes: dict[str, tuple[_Key, str]] | None = None
        self._new_hashes: dict[str, tuple[_Key, str]] = {}

    def get(self, path: str, file_stat: os.stat_result) -> str | None:
        """Return the hash of a file that has not changed since :meth:`put`; None for all others."""
        with self._lock:
            key, md5 = self._load_hashes().get(path, (None, None))
        return md5 if key == _key(file_stat) else None

    def put(self, path: str, file_stat: os.stat_result, md5: str) -> str:
        """Store a hash, unless the file has changed too recently, and return it."""
        if time.time_ns() - file_stat.st_mtime_ns > MIN_FILE_AGE_NS:
            with self._lock:
                self._load_hashes()[path] = self._new_hashes[path] = (_key(file_stat), md5)
        return md5

    def close(self) -> None:
        """Write the new hashes to disk. The file may be lost at any time: it only saves work."""
        with self._lock:
            if not self._new_hashes:
                return
            connection = self._connect()
            try:
                with connection:
                    connection.executemany(
                        "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?)",
                        [(path, *key, md5) for path, (key, md5) in self._new_hashes.items()],
                    )
            finally:
                connection.close()
            self._new_hashes.clear()

    def _load_hashes(self) -> dict[str, tuple[_Key, str]]:
        if self._hashes is None:
            self._hashes = {}
            if self._path.exists():
                connection = self._connect()
                try:
                    rows = connection.execute("SELECT * FROM hashes").fetchall()
                finally:
                    connection.close()
                self._hashes = {path: ((a, b, c), md5) for path, a, b, c, md5 in rows}
        return self._hashes

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10.0)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, changed INTEGER,"
            " size INTEGER, inode INTEGER, md5 TEXT)"
        )
        return connection


def _key(file_stat: os.stat_result) -> _Key:
    return file_stat.st_mtime_ns, file_stat.st_size, file_stat.st_ino
