"""Queries databases through Python's DB-API: SQLite, and others whose driver is installed.

A *preview* reads the first rows of a query before the workflow is run: its transaction is
read-only, it has one statement, and the database itself ends it after PREVIEW_SECONDS.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.optional_dependencies import installed

DRIVERS = {
    "postgresql": ("psycopg", "psycopg2"),
    "mysql": ("pymysql", "MySQLdb"),
    "duckdb": ("duckdb",),
}
"""Driver modules of each kind of database, the preferred one first."""
PREVIEW_SECONDS = 10
READING_ACTIONS = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
"""Actions of SQLite that a preview may take; attaching other files is not among them."""
STEPS_BETWEEN_CHECKS = 10_000
"""Steps of SQLite's virtual machine between two looks at the clock."""


def run_query(
    database: Path | None = None,
    script: str | None = None,
    *,
    query: str = "",
    url: str = "",
    url_variable: str = "",
    limit: int | None = None,
    is_preview: bool = False,
) -> Table:
    """Return the rows of the query of a `load_sql` node; the arguments are its ports and settings.

    Raises ValueError if there is not exactly one query and one database, or if the statement
    returns no rows.
    """
    if bool(query.strip()) == (script is not None):
        raise ValueError("give the query either in the setting query or as the file script")
    with open_cursor(database, url, url_variable, is_preview) as cursor:
        return rows(cursor, query if script is None else script, limit)


@contextmanager
def open_cursor(
    database: Path | None, url: str, variable: str, is_preview: bool = False
) -> Iterator[Any]:
    """Yield a cursor of an SQLite file, or of the database of a URL.

    Raises ValueError unless exactly one of ``database``, ``url`` and ``variable`` is given, or
    if ``url`` contains a password, which would be stored with the workflow.
    """
    if sum(map(bool, (database, url, variable))) != 1:
        raise ValueError("give exactly one database: a file, a url or a url_variable")
    if variable:
        url = os.environ.get(variable, "")
        if not url:
            raise ValueError(f"the environment variable {variable} is not set")
    elif urlsplit(url).password:
        raise ValueError(
            "the url contains a password, which would be stored with the workflow; put the url in "
            "an environment variable and its name in url_variable"
        )
    kind = "sqlite" if database else _kind(url)
    if kind == "sqlite":
        connection: Any = _sqlite(database or Path(_file(urlsplit(url))), is_preview)
    elif is_preview and kind != "postgresql":
        raise ValueError(
            "only queries of SQLite and PostgreSQL have a preview; run the node to see its rows"
        )
    else:
        connection = _connect(kind, url, is_preview)
    with closing(connection):
        if kind == "postgresql" and is_preview:
            connection.read_only = True
            connection.execute(f"SET LOCAL statement_timeout = '{PREVIEW_SECONDS}s'")
            # `DECLARE CURSOR` takes one SELECT; other statements would end the transaction.
            cursor = connection.cursor("preview")
        else:
            cursor = connection.cursor()
        with closing(cursor):
            yield cursor


def rows(cursor: Any, query: str, limit: int | None) -> Table:
    """Return the rows of a query as a table; raise ValueError if the statement returns no rows."""
    import pandas as pd

    cursor.execute(query)
    if cursor.description is None:
        raise ValueError("the query returns no rows; it must be a SELECT")
    names = [str(column[0]) for column in cursor.description]
    records = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
    table: Table = pd.DataFrame.from_records(
        [tuple(row) for row in records], columns=names, coerce_float=True
    )
    return table


def _sqlite(file: Path, is_preview: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    if is_preview:
        end = time.monotonic() + PREVIEW_SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > end, STEPS_BETWEEN_CHECKS)
        connection.set_authorizer(
            lambda action, *_: (
                sqlite3.SQLITE_OK if action in READING_ACTIONS else sqlite3.SQLITE_DENY
            )
        )
    return connection


def _kind(url: str) -> str:
    """Return the kind of a database: ``postgresql`` for ``postgres+psycopg://host/name``."""
    kind = urlsplit(url).scheme.partition("+")[0]
    return "postgresql" if kind == "postgres" else kind


def _connect(kind: str, url: str, is_preview: bool) -> Any:
    parts = urlsplit(url)
    if kind not in DRIVERS:
        kinds = ", ".join(["sqlite", *DRIVERS])
        raise ValueError(f"unknown database type {kind!r}; supported: {kinds}")
    # The older driver of PostgreSQL executes several statements at once.
    names = DRIVERS[kind][:1] if is_preview else DRIVERS[kind]
    driver = next((name for name in names if installed(name)), None)
    if driver is None:
        raise ModuleNotFoundError(f"{kind} needs a driver: pip install {names[0]}", name=names[0])
    connect = importlib.import_module(driver).connect
    if kind == "postgresql":
        options = {"connect_timeout": PREVIEW_SECONDS} if is_preview else {}
        return connect(f"postgresql{url[len(parts.scheme) :]}", **options)
    if kind == "duckdb":
        return connect(_file(parts), read_only=True)
    account = {
        "host": parts.hostname,
        "port": parts.port,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "database": unquote(parts.path.lstrip("/")),
    }
    return connect(**{name: value for name, value in account.items() if value is not None})


def _file(parts: SplitResult) -> str:
    """Return the path: relative in ``sqlite:///a/b``, absolute in ``sqlite:////a/b``."""
    return unquote(parts.netloc + parts.path)[0 if parts.netloc else 1 :]
