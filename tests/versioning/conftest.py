"""Fixtures of versioning: a project with code, a notebook and data."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.core.trust import is_trusted, trust
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests import python
from tests.versioning.working_trees import add_data

Command = Callable[..., str]
API = "mlws/api/v1"
POLL_INTERVAL = 0.02
"""Seconds between two looks at an operation."""
DVC = "import sys; from dvc.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def dvc() -> Command:
    """Call the dvc program: ``dvc(folder, "status")`` → what it printed."""

    def run(folder: Path, *arguments: str) -> str:
        return python.run(DVC, *arguments, cwd=folder, check=True).stdout

    return run


@pytest.fixture(autouse=True)
def mlflow_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork MLflow's process, which takes seconds to import it; test_mlflow starts a cold one."""
    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)


@pytest.fixture(scope="session")
def workspace_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test that needs a workspace leaves it, for others to copy."""
    return tmp_path_factory.mktemp("template") / "project"


@pytest.fixture
def workspace(project: Project, git: Command, workspace_template: Path) -> Project:
    """Code, a notebook, a data file and a data folder, all in one commit."""
    root = project.root
    if workspace_template.exists():
        was_trusted = is_trusted(root)
        shutil.rmtree(root)
        shutil.copytree(workspace_template, root, symlinks=True)
        # The index holds the inodes of the original.
        git(root, "update-index", "--refresh")
        if was_trusted:
            # It is another repository, which the server that serves it must trust as well.
            trust(root)
    else:
        fill(root, git)
        shutil.copytree(root, workspace_template, symlinks=True)
    return project


def fill(root: Path, git: Command) -> None:
    """Add what a workspace has and an empty project has not."""
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


@pytest.fixture
def manager(workspace: Project) -> Iterator[SnapshotManager]:
    manager = SnapshotManager(workspace)
    yield manager
    manager.close()


@pytest.fixture
def signing(workspace: Project, git: Command, tmp_path: Path) -> None:
    """Git signs the commits of the workspace with an SSH key."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen here to make a signing key")
    key, root = tmp_path / "key", workspace.root
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "user.signingkey", str(key))
    git(root, "config", "commit.gpgsign", "yes")


@pytest.fixture
def versions(workspace: Project) -> Iterator[Workspace]:
    versions = Workspace(workspace)
    yield versions
    versions.close()


@pytest.fixture
def call(fetch):
    """``call("POST", "git/branch", {…})`` → status, whole body, headers; of refusals too."""

    async def call(
        method: str, path: str, body: Any = None, language: str = "en", /, **query: Any
    ) -> tuple[int, dict[str, Any], Any]:
        text = json.dumps(body) if body is not None else None
        if method in ("POST", "PUT") and text is None:
            text = ""
        try:
            answer = await fetch(
                API,
                path,
                method=method,
                body=text,
                params=query,
                headers={"Accept-Language": language},
                request_timeout=120,
            )
        except HTTPClientError as error:
            answer = error.response
        return answer.code, json.loads(answer.body), answer.headers

    return call


@pytest.fixture
def done(call):
    """Begin an operation and wait for its end: what it says then."""

    async def done(path: str, body: Any = None) -> dict[str, Any]:
        status, answer, headers = await call("POST", path, body)
        assert status == 202, answer
        operation = answer["data"]
        assert headers["Location"].endswith(f"/operations/{operation['id']}")
        while operation["state"] in ("PENDING", "RUNNING"):
            await asyncio.sleep(POLL_INTERVAL)
            operation = (await call("GET", f"operations/{operation['id']}"))[1]["data"]
        return operation

    return done
