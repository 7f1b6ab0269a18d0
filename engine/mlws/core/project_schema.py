"""Schema of a project's database, with migrations.

It stores runs, events and the execution history; deleting the file loses only these. A new
version appends one script to :data:`MIGRATIONS`; released scripts never change.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path

from mlws.core.errors import NewerDatabaseError

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        workflow TEXT NOT NULL,
        status TEXT NOT NULL,
        created REAL NOT NULL,
        record TEXT NOT NULL
    );
    CREATE INDEX runs_by_workflow ON runs (workflow, created);
    CREATE INDEX runs_by_age ON runs (created);
    CREATE TABLE nodes (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        node TEXT NOT NULL,
        position INTEGER NOT NULL,
        status TEXT NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (run, node)
    );
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        time REAL NOT NULL,
        record TEXT NOT NULL
    );
    CREATE INDEX events_by_run ON events (run, seq);
    CREATE TABLE executions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        request TEXT NOT NULL,
        notebook TEXT NOT NULL,
        path TEXT NOT NULL,
        cell TEXT,
        source TEXT NOT NULL,
        status TEXT NOT NULL,
        started REAL NOT NULL,
        duration REAL,
        count INTEGER,
        ename TEXT,
        line INTEGER,
        error TEXT,
        server TEXT NOT NULL,
        origin TEXT NOT NULL DEFAULT 'api',
        kernel TEXT,
        process TEXT,
        message TEXT,
        memory INTEGER,
        snapshot TEXT,
        signature TEXT,
        outputs TEXT,
        saves TEXT,
        deadline REAL
    );
    CREATE INDEX executions_by_notebook ON executions (notebook, seq);
    CREATE INDEX executions_by_request ON executions (request);
    CREATE INDEX executions_running ON executions (server) WHERE status = 'RUNNING';
    CREATE INDEX executions_by_cell ON executions (notebook, cell, seq);
    CREATE INDEX executions_by_error ON executions (ename, seq) WHERE ename IS NOT NULL;
    CREATE INDEX executions_with_outputs ON executions (seq) WHERE outputs IS NOT NULL;
    CREATE INDEX executions_by_kernel ON executions (kernel, seq) WHERE kernel IS NOT NULL;
    CREATE INDEX executions_waiting ON executions (server) WHERE status = 'QUEUED';
    """,
    """
    CREATE TABLE environments (id TEXT PRIMARY KEY, record TEXT NOT NULL);
    CREATE TABLE result_environments (
        path TEXT NOT NULL,
        hash TEXT NOT NULL,
        environment TEXT NOT NULL,
        PRIMARY KEY (path, hash)
    ) WITHOUT ROWID;
    ALTER TABLE executions ADD COLUMN environment TEXT;
    """,
)

CHECKPOINT = 4000
"""Pages (of 4 KiB) in the log before a checkpoint, which waits for the disk: a run of a few hundred
nodes writes some thousand."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a new connection to a migrated database; the caller closes it.

    Autocommit: callers begin transactions explicitly. Usable from one thread at a time.
    """
    connection = sqlite3.connect(path, timeout=10.0, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        if (version := _version(connection)) > len(MIGRATIONS):
            raise NewerDatabaseError(
                file=str(path), version=str(version), newest=str(len(MIGRATIONS))
            )
        # On file systems without shared memory, SQLite keeps the old mode.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Migrate the tables to the newest version; safe for concurrent processes.

    Raises sqlite3.DatabaseError, which means damage, if the tables are not those of the version.
    """
    # In one transaction: another process may migrate between two statements.
    connection.execute("BEGIN")
    version, columns = _version(connection), _columns(connection)
    connection.execute("COMMIT")
    missing = expected_columns(version) - columns
    if missing or (version == 0 and columns):
        names = ", ".join(sorted({table for table, _ in missing or columns}))
        raise sqlite3.DatabaseError(f"version {version} does not go with the tables {names}")
    if version >= len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have migrated while this one waited for the lock.
        _run_scripts(connection, MIGRATIONS[_version(connection) :])
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


@cache
def expected_columns(version: int) -> frozenset[tuple[str, str]]:
    """Return the tables of a version with their columns."""
    with closing(sqlite3.connect(":memory:")) as connection:
        _run_scripts(connection, MIGRATIONS[:version])
        return _columns(connection)


def _columns(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    rows = connection.execute(
        "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
    )
    return frozenset(tuple(row) for row in rows)


def _run_scripts(connection: sqlite3.Connection, scripts: Iterable[str]) -> None:
    for script in scripts:
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(statement)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
