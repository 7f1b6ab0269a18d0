"""Runs and model versions travel with pushes and pulls between real clones."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.project import Project
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.versioning.experiments.models import RunsQuery
from jupyter_mlws.versioning.model_registry.models import ModelCreate
from jupyter_mlws.workspace import Workspace
from tests import python
from tests.versioning.working_trees import log_run

Command = Callable[..., str]

LOG = """
import sys, mlflow, pathlib
client = mlflow.MlflowClient(sys.argv[1], sys.argv[1])
run = sys.argv[2]
for step in range(3):
    client.log_metric(run, "loss", 1 / (step + 1), timestamp=step, step=step)
client.log_text(run, "weights " + run, "model/wine.bin")
client.log_text(run, "a,b\\n", "tables/深/a.csv")
client.set_tag(run, "owner", "<b>me</b>")
experiment = client.get_run(run).info.experiment_id
node = client.create_run(experiment, tags={"mlflow.parentRunId": run, "mlws.node": "train"})
client.log_param(node.info.run_id, "depth", "3")
client.log_text(node.info.run_id, "log", "node.log")
client.set_terminated(node.info.run_id)
"""


@pytest.fixture
def bare(tmp_path: Path, git: Command) -> Path:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    return bare


@pytest.fixture
def mine(workspace: Project, bare: Path, tmp_path: Path, git: Command) -> Iterator[Workspace]:
    root = workspace.root
    git(root, "remote", "add", "origin", str(bare))
    config = root / ".dvc" / "config"
    store = tmp_path / "store"
    config.write_text(
        f"{config.read_text()}[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n"
    )
    (root / "dvc.yaml").write_text("stages: {}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "A remote for data, and a workflow")
    versions = Workspace(workspace)
    yield versions
    versions.close()


@pytest.fixture
def theirs(mine: Workspace, bare: Path, tmp_path: Path, git: Command) -> Iterator[Workspace]:
    mine.remotes.push()
    git(tmp_path, "clone", "-q", str(bare), str(tmp_path / "theirs"))
    versions = Workspace.open(tmp_path / "theirs")
    yield versions
    versions.close()


def root_of(versions: Workspace) -> Path:
    return versions.snapshots.project.root


def call_mlflow(versions: Workspace, code: str, *arguments: str) -> None:
    """Run code with MLflow, as another program does."""
    python.run(code, tracking_uri(root_of(versions)), *arguments, check=True)


def make_run(versions: Workspace) -> str:
    """Make a run with a nested one that a new snapshot names."""
    project = Project(root_of(versions))
    run = log_run(project)
    call_mlflow(versions, LOG, run)
    commit = Git(project.root).find("HEAD")
    facts = {"mlflow_run": run, "commit": commit, "ended": time.time()}
    with closing(project.database()) as database:
        row = (run[:8], "dvc.yaml", "COMPLETED", time.time(), json.dumps(facts))
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
        database.commit()
    (project.root / f"{run}.py").write_text(f"print({run!r})\n")
    assert versions.snapshots.create(f"Run {run}").proof.runs
    return run


def register(versions: Workspace, run: str, name: str = "wine") -> int:
    created = versions.models.register(ModelCreate(name=name, artifacts=["model"], run_id=run))
    return created.version


def runs_of(versions: Workspace) -> list[str]:
    return sorted(run.id for run in versions.experiments.search(RunsQuery()).items)


def rows_of(versions: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """What MLflow's store has of runs, but for what differs between clones."""
    queries = {
        "runs": "SELECT run_uuid, name, status, start_time, end_time, user_id FROM runs",
        "params": "SELECT run_uuid, key, value FROM params",
        "tags": "SELECT run_uuid, key, value FROM tags WHERE key <> 'mlws.bundle'",
        "metrics": "SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics",
        "latest": "SELECT run_uuid, key, value, timestamp, step, is_nan FROM latest_metrics",
        "versions": "SELECT name, run_id, creation_time FROM model_versions",
    }
    with closing(sqlite3.connect(root_of(versions) / "mlflow.db")) as database:
        return {name: sorted(database.execute(query)) for name, query in queries.items()}


def test_runs_and_models_of_both_sides_are_on_both_sides_once(
    mine: Workspace, theirs: Workspace
) -> None:
    first = make_run(mine)
    assert register(mine, first) == 1
    mine.models.set_alias("wine", "champion", 1)
    pushed = mine.remotes.push()
    assert (pushed.runs, pushed.warnings) == (1, [])

    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.warnings) == (1, [])
    assert rows_of(theirs) == rows_of(mine)
    assert runs_of(theirs) == [first]
    assert theirs.models.get("wine").aliases == {"champion": 1}
    files = root_of(theirs) / "mlruns" / "Wine" / first / "artifacts"
    assert (files / "model" / "wine.bin").read_text() == f"weights {first}"
    assert (files / "tables" / "深" / "a.csv").read_text() == "a,b\n"
    assert theirs.models.version("wine", "1").artifacts == ["model/wine.bin"]
    assert theirs.remotes.pull().runs == 0

    # Both sides go on: each registers a second version of the same model.
    ours, other = make_run(mine), make_run(theirs)
    assert (register(mine, ours), register(theirs, other)) == (2, 2)
    theirs.models.set_alias("wine", "champion", 2)
    assert mine.remotes.push().runs == 1
    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.outcome.value) == (1, "merged")
    pushed = theirs.remotes.push()
    # The alias has moved away from the version of the first run.
    assert (pushed.runs, pushed.warnings) == (2, [])
    assert mine.remotes.pull().runs == 2
    assert runs_of(mine) == runs_of(theirs) == sorted([first, ours, other])
    assert rows_of(mine) == rows_of(theirs)
    for versions, numbers in ((mine, [first, ours, other]), (theirs, [first, other, ours])):
        newest = versions.models.get("wine")
        by_number = {one.version: one for one in newest.versions}
        assert [by_number[number].run_id for number in (1, 2, 3)] == numbers
        # A number that was taken is recorded, and the alias follows its version.
        assert by_number[3].tags["mlws.number"] == "2"
        assert newest.aliases == {"champion": numbers.index(other) + 1}
        (after, before) = versions.models.alias_history("wine").items
        assert (after.version, after.before) == (numbers.index(other) + 1, 1)
        assert (before.version, before.before) == (1, None)
    assert [side.remotes.push().runs for side in (mine, theirs)] == [0, 0]
    assert [side.remotes.pull().runs for side in (mine, theirs)] == [0, 0]
