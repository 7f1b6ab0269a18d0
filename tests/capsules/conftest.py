"""A project with a workflow that ran, and capsules of it."""

from __future__ import annotations

import subprocess
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.capsules.manager import Capsules
from jupyter_mlws.capsules.models import Capsule
from jupyter_mlws.core.trust import trust
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests.conftest import _set_up_home
from tests.versioning.working_trees import add_data

RUN_LIMIT = 120.0
"""Seconds."""
WORKFLOW = """\
stages:
  prepare:
    desc: Sorts the lines.
    cmd: python prepare.py
    deps: [prepare.py, data/数据.txt]
    params: [prepare.reverse]
    outs: [out/sorted.txt]
  train:
    cmd: python train.py
    deps: [train.py, out/sorted.txt]
    outs: [out/model]
    metrics: [{out/metrics.json: {cache: false}}]
"""
FILES = {
    "dvc.yaml": WORKFLOW,
    "params.yaml": "prepare:\n  reverse: true\n",
    "prepare.py": """\
import pathlib
lines = pathlib.Path("data/数据.txt").read_text().splitlines()
pathlib.Path("out").mkdir(exist_ok=True)
pathlib.Path("out/sorted.txt").write_text("\\n".join(sorted(lines, reverse=True)))
""",
    "train.py": """\
import json, pathlib
text = pathlib.Path("out/sorted.txt").read_text()
pathlib.Path("out/model").mkdir(parents=True, exist_ok=True)
pathlib.Path("out/model/weights.txt").write_text(text[::-1])
pathlib.Path("out/model/第二.txt").write_text("two")
pathlib.Path("out/metrics.json").write_text(json.dumps({"accuracy": len(text) / 100}))
""",
    "笔记 notes.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n',
}


def write_project(root: Path, *, leave_out: tuple[str, ...] = ()) -> None:
    """Write the files of the project; its data is DVC's."""
    root.mkdir()
    for name, text in FILES.items():
        if name not in leave_out:
            (root / name).write_text(text, encoding="utf-8")
    initialize(root)
    trust(root)
    (root / "data").mkdir()
    (root / "data/数据.txt").write_text("b\na\nc\n" * 10)
    add_data(root, "data/数据.txt")


def commit(root: Path, message: str = "First") -> None:
    subprocess.run(["git", "add", "-A"], cwd=root, check=True)
    subprocess.run(["git", "commit", "-qm", message], cwd=root, check=True)


def create(root: Path, target: Path, *data: str, snapshot: str = "HEAD") -> Capsule:
    """Write a capsule of the project at ``root``."""
    with closing(Repository(Project.open(root))) as repository:
        return Capsules(repository).create(snapshot, target, data)


def names_in(archive: Path) -> list[str]:
    with zipfile.ZipFile(archive) as file:
        return file.namelist()


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose workflow ran, in a snapshot that names the run. Tests only read it."""
    root = tmp_path_factory.mktemp("capsules") / "Sorted lines"
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        write_project(root)
        workspace = Workspace.open(root)
        run = workspace.runs.execute("dvc.yaml", RunRequest())
        result = workspace.runs.wait("dvc.yaml", run["id"], RUN_LIMIT)
        assert result["status"] == "COMPLETED", result
        workspace.snapshots.create("Sorted\n\nBy their first letter.")
        workspace.close()
    return Project.open(root)


@pytest.fixture
def trusted(ran: Project) -> Project:
    """The same, trusted by the user of this test."""
    trust(ran.root)
    return ran


@pytest.fixture(scope="session")
def capsule(ran: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capsule of the project with the default data."""
    target = tmp_path_factory.mktemp("capsule") / "sorted.zip"
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        create(ran.root, target)
    return target
