"""Nothing is sent to a database while a workflow is edited, and a preview of a query only reads."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.components import databases
from jupyter_mlws.components.databases import open_cursor, run_query
from jupyter_mlws.core.errors import PreviewError
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import NodeColumnsRequest

psycopg = pytest.importorskip("psycopg")

PATH = "workflows/a/dvc.yaml"
TABLE = "workflows/a/out/load.table.parquet"


def workflow(query: str, options: str, database: str = "") -> str:
    """A table from a query, whose columns another node names."""
    return (
        f"vars:\n  - load: {{query: {json.dumps(query)}, {options}}}\n"
        "  - next: {columns: [missing]}\nstages:\n"
        "  load:\n    wdir: ../..\n"
        f"    cmd: jupyter mlws node load_sql {database} --table {TABLE} ${{load}}\n"
        f"    outs: [{TABLE}]\n"
        "  next:\n    wdir: ../..\n"
        f"    cmd: jupyter mlws node select_columns --data {TABLE} --table x.parquet ${{next}}\n"
        f"    deps: [{TABLE}]\n    outs: [x.parquet]\n"
    )


@pytest.fixture
def people(postgresql: Path) -> str:
    """The address of a database whose table `people` has two rows."""
    url = f"postgresql://mlws@/postgres?host={postgresql}"
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS people")
        connection.execute("CREATE TABLE people (name text, born timestamp)")
        connection.execute("INSERT INTO people VALUES ('Ada', '1815-12-10'), ('Alan', NULL)")
    return url


def names(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM people ORDER BY name")]


def test_nothing_is_sent_to_a_database_while_its_query_is_typed(
    workflows: WorkflowManager,
    write: Callable[..., Path],
    people: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        addresses = {
            "STORE": people,
            "OTHER": f"postgresql://127.0.0.1:{server.getsockname()[1]}/x?connect_timeout=2",
        }
        for variable, url in addresses.items():
            monkeypatch.setenv(variable, url)
            for query in ("DELETE FROM people RETURNING name", "DROP TABLE people; COMMIT"):
                text = workflow(query, f"url_variable: {variable}")
                write(PATH, text)
                workflows.validate(PATH)
                workflows.validate(PATH, text)
                workflows.columns(NodeColumnsRequest(path=PATH, node="next", text=text))
                with pytest.raises(TimeoutError):
                    server.accept()
    assert names(people) == ["Ada", "Alan"]


async def test_a_preview_reads_rows_and_changes_none(
    fetch: Callable[..., object], write: Callable[..., Path], people: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("STORE", people)
    write(PATH, workflow("SELECT 1", "url_variable: STORE"))

    text = workflow(
        "SELECT * FROM people WHERE name LIKE 'A%' ORDER BY name", "url_variable: STORE"
    )
    body = json.dumps({"path": PATH, "node": "load", "text": text})
    answer = await fetch("mlws/api/v1/workflows/query", method="POST", body=body)
    preview = json.loads(answer.body)["data"]
    assert [column["name"] for column in preview["columns"]] == ["name", "born"]
    assert preview["rows"] == [["Ada", "1815-12-10T00:00:00.000"], ["Alan", None]]
    for query in (
        "DELETE FROM people RETURNING name",
        "WITH gone AS (DELETE FROM people RETURNING name) SELECT * FROM gone",
        "SELECT 1; COMMIT; DROP TABLE people",
        "COMMIT",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT 1 INTO copy",
    ):
        with pytest.raises(psycopg.Error):
            run_query(query=query, url_variable="STORE", is_preview=True)
    assert names(people) == ["Ada", "Alan"]


def test_the_database_itself_ends_a_preview_that_takes_long(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "PREVIEW_SECONDS", 1)
    with (
        open_cursor(None, people, "", is_preview=True) as cursor,
        closing(cursor.connection.cursor()) as other,
    ):
        (limit,) = other.execute("SHOW statement_timeout").fetchone()
    assert limit == "1s"
    file = tmp_path / "a.db"
    sqlite3.connect(file).close()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT max(i) FROM n"
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        run_query(file, query=endless, is_preview=True)


def test_a_preview_of_a_file_reads_no_other_and_writes_none(tmp_path: Path) -> None:
    file, other = tmp_path / "a.db", tmp_path / "other.db"
    for path in (file, other):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE rows AS SELECT 1 AS one, x'00ff' AS image")
            connection.commit()
    before = other.read_bytes(), file.read_bytes()
    for query in (
        f"ATTACH '{other}' AS other",
        "DROP TABLE rows",
        "PRAGMA query_only = 0",
        f"VACUUM INTO '{tmp_path / 'copy.db'}'",
    ):
        with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|authorization denied"):
            run_query(file, query=query, is_preview=True)
    assert (other.read_bytes(), file.read_bytes()) == before
    assert len(run_query(file, query="SELECT one FROM rows", is_preview=True)) == 1
    # A run may read as the person wrote it.
    assert len(run_query(file, query="SELECT * FROM rows")) == 1


def test_a_preview_needs_a_node_with_a_query(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write(PATH, workflow("SELECT 1", "url: 'mysql://localhost/x'"))
    with pytest.raises(PreviewError, match="only queries of SQLite and PostgreSQL"):
        workflows.preview_query(NodeColumnsRequest(path=PATH, node="load"))
