"""History that is damaged or deleted begins anew: nothing else stops."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.notebooks.history import ExecutionStart, History
from jupyter_mlws.versioning.snapshots.run_selection import ended_runs
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.journal.store import Journal, NewRun
from mlws.core.project import DATABASE, Project
from mlws.core.project_schema import MIGRATIONS
from mlws.engine.states import Status
from tests.python import Python

HARMS = ["header", "truncated", "pages", "deleted"]
STATEMENTS = {
    "no version": "PRAGMA user_version = 0",
    "no table": "DROP TABLE nodes",
    "no column": "ALTER TABLE executions DROP COLUMN outputs",
}
FAULTS = [*HARMS, "version alone", "directory", *STATEMENTS]
"""What is wrong when a database is opened."""

HOLD = """
import sys
from pathlib import Path
from mlws.core.project import Project
with Project.open(Path(sys.argv[1])).database() as database:
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("UPDATE runs SET record = '{}'")
    print("open", flush=True)
    sys.stdin.read()
"""


def fill(journal: Journal, run: str) -> None:
    journal.create(NewRun(run, "dvc.yaml", 1, "rest", [f"node {n}" for n in range(500)]))
    journal.set_run(run, Status.RUNNING)
    journal.end_nodes(run, Status.SKIPPED)
    journal.set_run(run, Status.COMPLETED, mlflow_run="a")


def harm(file: Path, how: str) -> None:
    content = file.read_bytes()
    assert len(content) > 20_000
    if how == "deleted":
        file.unlink()
        return
    if how in STATEMENTS:
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            database.execute("DROP INDEX executions_with_outputs")
            database.execute(STATEMENTS[how])
        return
    if how in ("directory", "version alone"):
        file.unlink()
        if how == "directory":
            file.mkdir()
        else:
            with closing(sqlite3.connect(file)) as database:
                database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        return
    harmed = {
        "header": b"no database" * 1000,
        "truncated": content[:9000],
        "pages": content[:4096] + b"\xff" * (len(content) - 4096),
    }
    file.write_bytes(harmed[how])


@pytest.mark.parametrize("how", FAULTS)
def test_a_damaged_journal_begins_anew(project: Project, how: str) -> None:
    with closing(Journal(project)) as journal:
        fill(journal, "one")
    file = project.state / DATABASE
    harm(file, how)
    with closing(Journal(project)) as journal:
        assert journal.live() == []
        assert journal.newest("dvc.yaml") is None
        fill(journal, "two")
        assert journal.run("two")["status"] == "COMPLETED"
        assert RunHistory(journal).makers({"a": {"b": "c"}}) == {}
    assert [run.id for run in ended_runs(project)] == ["two"]
    aside = [path.name for path in project.state.glob(f"{DATABASE}.damaged-*")]
    assert bool(aside) is (how != "deleted"), aside


@pytest.mark.parametrize("how", [*HARMS, "directory", "no table"])
def test_what_is_found_damaged_in_the_middle_is_moved_aside_once(
    project: Project, how: str
) -> None:
    with closing(Journal(project)) as journal:
        fill(journal, "one")
    with closing(Journal(project)) as first, closing(Journal(project)) as second:
        harm(project.state / DATABASE, how)
        for journal, run in ((first, "two"), (second, "three")):
            journal.live()
            fill(journal, run)
        assert {row["id"] for row in first.runs(None, 9)} == {"two", "three"}
        assert first.events_after(10**6, 1)[0]["run"] == "two"


@pytest.mark.parametrize("size", [0, 100, 4096, 20_000])
def test_what_was_truncated_while_a_process_has_it_open_begins_anew(
    project: Project, size: int
) -> None:
    """As an idle runner has it, while no server runs."""
    with closing(Journal(project)) as journal:
        fill(journal, "one")
        holder = Python(HOLD, str(project.root))
        assert holder.stdout.readline() == b"open\n"
    os.truncate(project.state / DATABASE, size)
    with closing(Journal(project)) as journal:
        fill(journal, "two")
        assert [row["id"] for row in journal.runs(None, 9)] == ["two"]
    holder.communicate()
    with closing(Journal(project)) as journal:
        assert [row["id"] for row in journal.runs(None, 9)] == ["two"]


@pytest.mark.parametrize("how", FAULTS)
def test_a_damaged_history_of_executions_begins_anew(project: Project, how: str) -> None:
    file = project.state / DATABASE
    with closing(History(project.history(), project.state)) as history:
        for number in range(300):
            history.begin(ExecutionStart(f"{number}", "r", "n", "a.ipynb", "c", "x = 1" * 20))
    harm(file, how)
    with closing(History(project.history(), project.state)) as history:
        history.begin(ExecutionStart("new", "r", "n", "a.ipynb", "c", "x = 1"))
        assert [one.id for one in history.page("n")[0]] == ["new"]


def test_a_run_goes_on_in_a_deleted_journal(project: Project) -> None:
    with closing(Journal(project, follow=False)) as runner, closing(Journal(project)) as server:
        fill(server, "one")
        server.create(NewRun("two", "dvc.yaml", 1, "rest", ["a"]))
        (project.state / DATABASE).unlink()
        runner.set_run("two", Status.RUNNING)
        runner.set_node("two", "a", Status.SKIPPED)
        runner.set_run("two", Status.COMPLETED)
        assert server.runs(None, 9) == []
