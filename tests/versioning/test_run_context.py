"""Runs that MLflow begins by itself carry a true commit, where the person has asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from jupyter_mlws.project import Project
from jupyter_mlws.versioning.tracking.mlflow import tracking_uri
from jupyter_mlws.workspace import Workspace

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
ENTRY = 'mlws = "jupyter_mlws.run_context:TrueCommit"'
TRAIN = """
import mlflow
with mlflow.start_run():
    mlflow.log_metric("accuracy", 1)
"""


def test_each_run_of_mlflow_names_its_commit(workspace: Project, tmp_path: Path) -> None:
    root = workspace.root
    # What an installation makes of the declaration; the tests run from the sources.
    declared = PYPROJECT.read_text(encoding="utf-8")
    assert f'[project.entry-points."mlflow.run_context_provider"]\n{ENTRY}\n' in declared
    facts = tmp_path / "site" / "declared-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(
        "[mlflow.run_context_provider]\nmlws = jupyter_mlws.run_context:TrueCommit\n"
    )
    (root / "train.py").write_text(TRAIN)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{PYPROJECT.parent}",
        "MLFLOW_TRACKING_URI": tracking_uri(root),
    }
    opened = Workspace(workspace)
    for asked in ({}, {"MLWS_TRACK": "auto"}):
        command = [sys.executable, "-W", "ignore", "train.py"]
        subprocess.run(
            command, cwd=root, env={**environment, **asked}, check=True, capture_output=True
        )
    auto, plain = opened.experiments.search().items
    assert (auto.dirty, plain.dirty) == (True, None)
    assert auto.commit is not None
    assert auto.commit != plain.commit
    made = opened.versions.reproductions.create(auto.id or "")
    assert (root / made.path / "train.py").read_text() == TRAIN
    opened.versions.reproductions.delete(made.id)
    opened.close()
    # Outside any project a run begins all the same.
    command = [sys.executable, "-c", TRAIN]
    outside = {
        **environment,
        "MLWS_TRACK": "auto",
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/m",
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=outside, check=True, capture_output=True, text=True
    )
    assert "names no true commit" in done.stderr
