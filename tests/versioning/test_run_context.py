"""Runs that MLflow begins by itself carry a true commit, where the person has asked for it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
ENTRY = 'mlws = "jupyter_mlws.mlflow_plugins:TrueCommit"'
TRAIN = """
import mlflow
with mlflow.start_run():
    mlflow.log_metric("accuracy", 1)
"""
THREE_RUNS = """
import os, runpy, sys
train = os.path.abspath("train.py")
runpy.run_path(train)
os.environ["MLWS_TRACK"] = "auto"
runpy.run_path(train)
os.chdir(sys.argv[1])
os.environ["MLFLOW_TRACKING_URI"] = sys.argv[2]
runpy.run_path(train)
"""
"""One in the project, one there that asks for its commit, one that asks for it elsewhere."""


@pytest.mark.slow(reason="many real commits and transfers")
def test_each_run_of_mlflow_names_its_commit(
    workspace: Project, mlflow_store: None, empty_store: Path, tmp_path: Path
) -> None:
    root = workspace.root
    # What an installation makes of the declaration; the tests run from the sources.
    declared = PYPROJECT.read_text(encoding="utf-8")
    assert f'[project.entry-points."mlflow.run_context_provider"]\n{ENTRY}\n' in declared
    facts = tmp_path / "site" / "declared-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "[mlflow.run_context_provider]\nmlws = jupyter_mlws.mlflow_plugins:TrueCommit\n"
    )
    (root / "train.py").write_text(TRAIN)
    outside = f"sqlite:///{tmp_path}/m"
    shutil.copy(empty_store / "mlflow.db", tmp_path / "m")
    done = subprocess.run(
        [sys.executable, "-c", THREE_RUNS, tmp_path, outside],
        cwd=root,
        env={
            **os.environ,
            "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{PYPROJECT.parent}",
            "MLFLOW_TRACKING_URI": tracking_uri(root),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    # Outside any project a run begins all the same.
    assert "is not linked to a commit" in done.stderr
    with closing(sqlite3.connect(tmp_path / "m")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] == 1
    opened = Workspace(workspace)
    auto, plain = opened.experiments.search().items
    assert (auto.dirty, plain.dirty) == (True, None)
    assert auto.commit is not None
    assert auto.commit != plain.commit
    reproduction = opened.reproductions.create(auto.id or "")
    assert (root / reproduction.path / "train.py").read_text() == TRAIN
    opened.reproductions.delete(reproduction.id)
    opened.close()
