"""Workflows of shell commands, so that the tests of the engine take no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.project import Project
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import ExecuteRequest, Run

PATH = "dvc.yaml"
LIMIT = 150.0


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tracking store for all tests: MLflow takes seconds to make one."""
    return f"sqlite:///{tmp_path_factory.mktemp('tracking')}/mlflow.db"


@pytest.fixture
def workflows(
    project: Project, store: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkflowManager]:
    """The manager of an empty project."""
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    manager = WorkflowManager(project)
    yield manager
    for row in manager._journal.live():
        manager.cancel(row["workflow"], row["id"])
        manager.wait(row["workflow"], row["id"], LIMIT)
    manager.close()


@pytest.fixture
def write(project: Project) -> Callable[..., Path]:
    """Write a file of the project: ``write("dvc.yaml", text)``."""

    def to(path: str, text: str) -> Path:
        file = project.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    return to


@pytest.fixture
def run(workflows: WorkflowManager) -> Callable[..., Run]:
    """Run a workflow to its end: ``run(force=True)``; ``recorded``: until MLflow knows it."""

    def call(path: str = PATH, recorded: bool = False, **asked: object) -> Run:
        started = workflows.execute(path, ExecuteRequest(**asked))
        return workflows.wait(path, started.id, LIMIT, recorded=recorded)

    return call


@pytest.fixture
def states() -> Callable[[Run], dict[str, str]]:
    """The state of each node of a run."""
    return lambda run: {node.id: node.status.value for node in run.nodes}
