"""Fixtures of versioning: a project with code, a notebook and data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.project import Project
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.versions import Versions
from tests.versioning.working_trees import add_data

Command = Callable[..., str]


@pytest.fixture
def dvc() -> Command:
    """Call the dvc program: ``dvc(folder, "status")`` → what it printed."""

    def run(folder: Path, *arguments: str) -> str:
        command = [sys.executable, "-m", "dvc", *arguments]
        answer = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return answer.stdout

    return run


@pytest.fixture
def workspace(project: Project, git: Command) -> Project:
    """Code, a notebook, a data file and a data folder, all in one commit."""
    root = project.root
    (root / "train.py").write_text("print('one')\n")
    (root / "训练 笔记.ipynb").write_text('{"cells": []}\n')
    (root / "data").mkdir()
    (root / "data" / "wine.csv").write_text("a,b\n1,2\n")
    (root / "data" / "images" / "deep").mkdir(parents=True)
    for number in range(3):
        (root / "data" / "images" / "deep" / f"{number}.bin").write_bytes(bytes([number]) * 100)
    add_data(root, "data/wine.csv", "data/images")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Code and data")
    return project


@pytest.fixture
def manager(workspace: Project) -> Iterator[SnapshotManager]:
    manager = SnapshotManager(workspace)
    yield manager
    manager.close()


@pytest.fixture
def versions(workspace: Project) -> Iterator[Versions]:
    versions = Versions(workspace)
    yield versions
    versions.close()
