"""Queries databases through Python's DB-API: SQLite, and others whose driver is installed."""

from __future__ import annotations

import importlib
import os
import sqlite3
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


@contextmanager
def open_connection(database: Path | None, url: str, variable: str) -> Iterator[Any]:
    """Yield a connection to an SQLite file, or to the database of a URL.

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
    with closing(_sqlite(database) if database else _open(url)) as connection:
        yield connection


def rows(connection: Any, query: str, limit: int | None) -> Table:
    """Return the rows of a query as a table; raise ValueError if the statement returns no rows."""
    import pandas as pd

    with closing(connection.cursor()) as cursor:
        cursor.execute(query)
        if cursor.description is None:
            raise ValueError("the query returns no rows; it must be a SELECT")
        names = [str(column[0]) for column in cursor.description]
        records = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
        table: Table = pd.DataFrame.from_records(
            [tuple(row) for row in records], columns=names, coerce_float=True
        )
        return table


def _sqlite(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)


def _open(url: str) -> Any:
    parts = urlsplit(url)
    kind = parts.scheme.partition("+")[0]
    kind = "postgresql" if kind == "postgres" else kind
    if kind == "sqlite":
        return _sqlite(Path(_file(parts)))
    if kind not in DRIVERS:
        kinds = ", ".join(["sqlite", *DRIVERS])
        raise ValueError(f"unknown database type {kind!r}; supported: {kinds}")
    driver = next((name for name in DRIVERS[kind] if installed(name)), None)
    if driver is None:
        raise ModuleNotFoundError(
            f"{kind} needs a driver: pip install {DRIVERS[kind][0]}", name=DRIVERS[kind][0]
        )
    connect = importlib.import_module(driver).connect
    if kind == "postgresql":
        return connect(f"postgresql{url[len(parts.scheme) :]}")
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
