"""Store of log lines: a SQLite database of limited size, which a thread writes."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlws.logs.entries import LEVELS, Entry, Source, mask_secrets
from jupyter_mlws.logs.formatting import read
from mlws.core.database import Database

if TYPE_CHECKING:
    from jupyter_mlws.logs.models import LogFilter

MAX_LOG_LINES = 100_000
"""Older lines are deleted."""
MAX_QUEUED_LINES = 20_000
"""Further lines are dropped while so many wait to be written."""
BATCH_SIZE = 500
LOGS_TABLE = """
CREATE TABLE IF NOT EXISTS logs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    source TEXT NOT NULL,
    level INTEGER NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    facts TEXT NOT NULL
)"""
LOGS_INDEX = "CREATE INDEX IF NOT EXISTS logs_by_source ON logs (source, seq)"
READ_TABLE = "CREATE TABLE IF NOT EXISTS read (place TEXT PRIMARY KEY, seq INTEGER NOT NULL)"
_LEVEL_NAMES = {number: name for name, number in LEVELS.items()}
_MAX_SEQ = 2**63 - 1
log = logging.getLogger(__name__)


class LogStore:
    """Store of log lines. Thread-safe; several servers of a user share the file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # A signal handler may log while its own thread does; it must not wait for itself.
        self._queue: queue.SimpleQueue[Entry | threading.Event | None] = queue.SimpleQueue()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._reader = Database(file, _connect)
        self._followers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._is_closed = False

    def add(self, entry: Entry) -> None:
        """Queue a line for writing. Never waits."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._write, name="mlws-log", daemon=True)
                    self._thread = thread
                    thread.start()
        # A flood of lines must not stop the server.
        if self._queue.qsize() < MAX_QUEUED_LINES:
            self._queue.put(entry)

    def flush(self) -> None:
        """Wait until all lines that were added so far are written."""
        if self._thread is not None and not self._is_closed:
            marker = threading.Event()
            self._queue.put(marker)
            marker.wait(10)

    def page(self, criteria: LogFilter, limit: int, before: int | None = None) -> list[Entry]:
        """Return the newest matching lines of those before ``before``, newest first."""
        return self._select(criteria, "seq < ?", before or _MAX_SEQ, "DESC", limit)

    def after(self, criteria: LogFilter, seq: int, limit: int = BATCH_SIZE) -> list[Entry]:
        """Return the matching lines after ``seq``, oldest first."""
        if seq > self.newest():
            # The seq is of an earlier file, which was replaced.
            seq = 0
        return self._select(criteria, "seq > ?", seq, "ASC", limit)

    def newest(self) -> int:
        """Return the seq of the newest line."""
        with self._lock:
            ((newest,),) = self._reader.execute("SELECT MAX(seq) FROM logs")
        return int(newest or 0)

    def read_until(self, place: str) -> int | None:
        """Return how far another journal was copied into this store; None before the first time."""
        with self._lock:
            rows = self._reader.execute("SELECT seq FROM read WHERE place = ?", place)
        return int(rows[0]["seq"]) if rows else None

    def set_read(self, place: str, seq: int) -> None:
        """Store how far another journal was copied into this store."""
        with self._lock:
            self._reader.execute(
                "INSERT INTO read VALUES (?, ?) ON CONFLICT (place) DO UPDATE SET seq = ?",
                place,
                seq,
                seq,
            )

    async def follow(self, criteria: LogFilter, since: int) -> AsyncIterator[Entry]:
        """Yield the matching lines after ``since``, then new ones as they arrive, without end."""
        news = asyncio.Event()
        self._followers[news] = asyncio.get_running_loop()
        try:
            while True:
                news.clear()
                entries = await asyncio.to_thread(self.after, criteria, since)
                for entry in entries:
                    yield entry
                    since = entry.seq
                if not entries:
                    await news.wait()
        finally:
            del self._followers[news]

    def close(self) -> None:
        """Write the waiting lines, and close the file."""
        self._is_closed = True
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(10)
        with self._lock:
            self._reader.close()

    def _write(self) -> None:
        database = Database(self._file, _connect)
        count = 0
        while True:
            batch = [self._queue.get()]
            while len(batch) < BATCH_SIZE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            entries = [one for one in batch if isinstance(one, Entry)]
            try:
                self._insert(database, entries)
                count += len(entries)
                if count >= MAX_LOG_LINES // 100:
                    database.execute(
                        "DELETE FROM logs WHERE seq <= (SELECT MAX(seq) FROM logs) - ?",
                        MAX_LOG_LINES,
                    )
                    count = 0
            except Exception as error:  # noqa: BLE001  the edge of this thread, which must go on
                # Such as a full disk: the lines are lost.
                log.debug("log lines were not written: %s", error)
            for one in batch:
                if isinstance(one, threading.Event):
                    one.set()
            for news, loop in list(self._followers.items()):
                if not loop.is_closed():
                    loop.call_soon_threadsafe(news.set)
            if None in batch:
                database.close()
                return

    def _insert(self, database: Database, entries: list[Entry]) -> None:
        rows = [
            (
                one.time,
                one.source.value,
                LEVELS[one.level],
                _encodable(one.subject),
                _encodable(mask_secrets(one.message)),
                _encodable(json.dumps(dict(one.facts), ensure_ascii=False)),
            )
            for one in entries
        ]
        try:
            _insert_rows(database.connection, rows)
        except sqlite3.DatabaseError as error:
            if not database.replace(error):
                raise
            _insert_rows(database.connection, rows)

    def _select(
        self, criteria: LogFilter, where: str, seq: int, order: str, limit: int
    ) -> list[Entry]:
        conditions, values = [where, "level >= ?"], [seq, LEVELS[criteria.level]]
        sources = json.dumps([source.value for source in criteria.source])
        filters: list[tuple[str, object]] = [
            ("source IN (SELECT value FROM json_each(?))", sources if criteria.source else None),
            ("instr(lower(message), lower(?)) > 0", criteria.q or None),
            ("subject = ?", criteria.subject or None),
            ("time >= ?", criteria.since and criteria.since.timestamp()),
            ("time < ?", criteria.until and criteria.until.timestamp()),
        ]
        for condition, value in filters:
            if value is not None:
                conditions.append(condition)
                values.append(value)  # type: ignore[arg-type]
        sql = "SELECT * FROM logs WHERE " + " AND ".join(conditions)  # noqa: S608  texts of here
        sql += f" ORDER BY seq {order} LIMIT ?"
        with self._lock:
            rows = self._reader.execute(sql, *values, limit)
        return [
            Entry(
                source=Source(row["source"]),
                level=_LEVEL_NAMES[row["level"]],
                message=row["message"],
                subject=row["subject"],
                facts=json.loads(row["facts"]),
                time=row["time"],
                seq=row["seq"],
            )
            for row in rows
        ]


def _connect(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Commands and messages of one user. SQLite gives its other files the same permissions.
    file.touch(mode=0o600)
    file.chmod(0o600)
    connection = sqlite3.connect(file, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        for statement in (LOGS_TABLE, LOGS_INDEX, READ_TABLE):
            connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _insert_rows(connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO logs (time, source, level, subject, message, facts)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )


def _encodable(text: str) -> str:
    """Return the text without lone surrogates, which stand for bytes that are not UTF-8."""
    return text.encode("utf-8", "replace").decode()


class ServerLog(logging.Handler):
    """Logging handler that adds the server's own log to the store."""

    def __init__(self, store: LogStore) -> None:
        super().__init__(logging.INFO)
        self._store = store

    def emit(self, record: logging.LogRecord) -> None:
        """Add the record to the store."""
        self._store.add(read(record))
