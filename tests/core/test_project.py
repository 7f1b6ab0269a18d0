"""The project: where it begins, what lies inside, who holds it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlws.core import project_schema
from mlws.core.errors import (
    MLWSError,
    NewerDatabaseError,
    OutsideWorkspaceError,
    ProjectNotFoundError,
)
from mlws.core.project import DATABASE, Project
from tests import python

HOLD = """\
import pathlib, sys
from mlws.core.project import Project
with Project(pathlib.Path(sys.argv[1])).lock("restore"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(project: Project) -> Iterator[python.Python]:
    """A process that holds the project's lock until its input is closed."""
    process = python.Python(HOLD, str(project.root))
    assert process.stdout.readline() == b"held\n"
    yield process
    process.communicate()


def test_it_is_found_from_any_folder_inside(project: Project) -> None:
    inside = project.root / "a" / "b"
    inside.mkdir(parents=True)
    assert Project.open(inside).root == project.root


def test_outside_a_repository_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFoundError):
        Project.open(tmp_path)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", ".git/config", "link/secret", "a\0b"])
def test_paths_that_lead_outside_are_refused(project: Project, tmp_path: Path, path: str) -> None:
    (tmp_path / "outside").mkdir()
    (project.root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(OutsideWorkspaceError):
        project.resolve(path)


def test_a_path_inside_is_absolute(project: Project) -> None:
    assert project.resolve("a/../b.txt") == project.root / "b.txt"


def test_a_worktree_has_a_state_of_its_own(project: Project, git, tmp_path: Path) -> None:
    git(project.root, "worktree", "add", "-q", str(tmp_path / "tree"))
    tree = Project.open(tmp_path / "tree")
    assert tree.state != project.state
    assert tree.state.is_dir()


def test_the_lock_names_its_holder(project: Project, holder: python.Python) -> None:
    with pytest.raises(MLWSError) as error, project.lock("commit", timeout=0.1):
        pass
    assert error.value.code == "30103"
    assert error.value.facts["operation"] == "restore"
    assert f"pid {holder.pid}" in error.value.facts["who"]


def test_the_lock_of_a_killed_process_is_free(project: Project, holder: python.Python) -> None:
    holder.kill()
    holder.wait()
    with project.lock("commit", timeout=5):
        pass


def test_the_database_is_migrated_once_and_survives_reopening(project: Project) -> None:
    first, second = project.database(), project.database()
    try:
        first.execute("INSERT INTO runs VALUES ('r', 'w', 'RUNNING', 0, '{}')")
        assert second.execute("SELECT count(*) FROM runs").fetchone()[0] == 1
        version = second.execute("PRAGMA user_version").fetchone()[0]
    finally:
        first.close()
        second.close()
    assert version == len(project_schema.MIGRATIONS)


def newer(project: Project) -> Path:
    """The project's database, as a newer version writes it."""
    with closing(project.database()) as database:
        database.execute("PRAGMA user_version = 99")
    return project.state / DATABASE


def test_a_database_of_a_newer_version_is_an_error_and_stays_as_it_is(project: Project) -> None:
    file = newer(project)
    content = file.read_bytes()
    with pytest.raises(NewerDatabaseError) as error:
        project.database()
    assert error.value.file == str(file)
    assert "its schema is 99" in str(error.value)
    assert file.read_bytes() == content


async def test_a_request_says_that_the_database_is_newer(
    fetch: Callable[..., Any], project: Project
) -> None:
    newer(project)
    answer = await fetch("mlws/api/v1/runs", raise_error=False)
    assert (answer.code, json.loads(answer.body)["code"]) == (503, "50103")


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    connection = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    monkeypatch.setattr(project_schema, "MIGRATIONS", ("CREATE TABLE a (b); CREATE TABLE a (b);",))
    with pytest.raises(sqlite3.OperationalError):
        project_schema.migrate(connection)
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    connection.close()
    assert tables == 0
