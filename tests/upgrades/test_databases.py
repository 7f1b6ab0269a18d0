"""Databases of earlier versions are read and go on; those of a newer version are an error.

The Hub's are in ``test_hub_database``.

``data`` has what earlier versions wrote, as SQL: the number of the schema is in the name.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.errors import NewerDatabaseError
from jupyter_mlws.core.i18n import translate
from jupyter_mlws.core.project import Project
from jupyter_mlws.engine.states import Status
from jupyter_mlws.logs.entries import Entry, Source
from jupyter_mlws.logs.models import LogFilter
from jupyter_mlws.logs.store import LogStore
from jupyter_mlws.notebooks.history import ExecutionStart, Histories
from jupyter_mlws.notebooks.models import ExecutionQuery, ExecutionStatus, Origin
from jupyter_mlws.workflows.run.journal import Journal, NewRun

DATA = Path(__file__).parent / "data"


def create(name: str, file: Path) -> None:
    """Create the database that an earlier version wrote."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((DATA / name).read_text(encoding="utf-8"))


@pytest.fixture
def upgrade(project: Project) -> Callable[[str], Project]:
    """The project with the database of an earlier version."""

    def of(name: str) -> Project:
        create(name, project.state / "mlws.sqlite")
        return project

    return of


@pytest.mark.parametrize("name", ["project-2.sql", "project-3.sql"])
def test_runs_of_an_earlier_version_are_read_and_others_follow(
    upgrade: Callable[[str], Project], name: str
) -> None:
    with closing(Journal(upgrade(name))) as journal:
        run = translate(journal.run("run-1"), "en")
        assert (run["status"], run["origin"], run["path"]) == (
            "FAILED",
            "Ada (terminal)",
            "dvc.yaml",
        )
        assert {node["id"]: node["status"] for node in run["nodes"]} == {
            "load": "COMPLETED",
            "train": "FAILED",
            "report": "SKIPPED",
        }
        assert run["nodes"][0]["reasons"] == ["it has never run"]
        assert run["results"]["load"] == {"data.csv": "d41d8cd98f00b204e9800998ecf8427e"}
        error = run["nodes"][1]["error"]
        assert (error["code"], error["node"]) == ("40101", "train")
        assert error["details"]["log"] == "Traceback\nValueError: no rows"
        events = journal.events_after(0)
        assert [event["seq"] for event in events] == list(range(1, 11))
        json.dumps(translate(events, "zh-CN"))

        journal.create(NewRun("run-2", "dvc.yaml", 1, "Ada (lab)", ["load"]))
        assert journal.newest("dvc.yaml") == "run-2"
        assert len(journal.runs(None, 10)) == 2
        journal.end_nodes("run-2", Status.CANCELLED)
        journal.set_run("run-2", Status.CANCELLED)


def test_executions_of_an_earlier_version_are_read_and_others_follow(
    upgrade: Callable[[str], Project], tmp_path: Path
) -> None:
    project = upgrade("project-2.sql")
    with closing(Histories(project.root, tmp_path)) as histories:
        history = histories.of("a.ipynb")
        executions, _ = history.page("nb-1", ExecutionQuery())
        assert [(one.id, one.status, one.source) for one in executions] == [
            ("e3", ExecutionStatus.LOST, "while True: pass"),
            ("e2", ExecutionStatus.ERROR, "1/0"),
            ("e1", ExecutionStatus.SUCCESS, "x = 1"),
        ]
        error = executions[1].error
        assert error is not None
        assert (error.code, error.ename, error.line) == ("20202", "ZeroDivisionError", 1)
        history.begin(ExecutionStart("e4", "call-2", "nb-1", "a.ipynb", "c1", "2"))
        assert history.one("nb-1", "e4").status is ExecutionStatus.RUNNING


def test_executions_keep_what_was_added_to_them(
    upgrade: Callable[[str], Project], tmp_path: Path
) -> None:
    project = upgrade("project-3.sql")
    with closing(Histories(project.root, tmp_path)) as histories:
        first = histories.of("a.ipynb").one("nb-1", "e1")
    assert (first.origin, first.memory, first.message) == (Origin.LAB, 1000, "message-1")


def test_a_log_of_an_earlier_version_goes_on(tmp_path: Path) -> None:
    create("logs-1.sql", tmp_path / "logs.sqlite")
    with closing(LogStore(tmp_path / "logs.sqlite")) as store:
        store.add(Entry(Source.SERVER, "info", "It goes on"))
        store.flush()
        lines = store.page(LogFilter(), 10)
        assert [line.message for line in lines] == ["It goes on", "The disk is nearly full"]
        assert (lines[1].level, lines[1].facts) == ("warning", {"free": 5})
        assert store.read_until("runs") == 7


def test_a_database_of_a_newer_version_is_an_error_and_stays_as_it_is(
    upgrade: Callable[[str], Project],
) -> None:
    project = upgrade("project-3.sql")
    file = project.state / "mlws.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    content = file.read_bytes()
    with pytest.raises(NewerDatabaseError) as error:
        Journal(project)
    assert error.value.file == str(file)
    assert "its schema is 99" in str(error.value)
    assert file.read_bytes() == content


async def test_a_request_says_that_the_database_is_newer(
    fetch: Callable[..., Any], upgrade: Callable[[str], Project]
) -> None:
    project = upgrade("project-3.sql")
    with closing(sqlite3.connect(project.state / "mlws.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    answer = await fetch("mlws/api/v1/runs", raise_error=False)
    assert (answer.code, json.loads(answer.body)["code"]) == (503, "50103")
