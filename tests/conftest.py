"""Fixtures for all tests: a home of their own, real projects, a real server."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from jupyter_mlws.api.openapi import errors_of, messages_of
from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.api.streams import StreamHandler
from jupyter_mlws.core.trust import trust
from mlws.core.project import Project
from tests.server import Server

pytest_plugins = ["pytest_jupyter.jupyter_server", "tests.postgresql", "tests.second_try"]

GIT_CONFIG = """\
[user]
    name = Test Person
    email = person@example.com
[init]
    defaultBranch = main
[commit]
    gpgsign = false
"""

MAKE_STORE = """\
import pathlib, sys
from jupyter_mlws.mlflow.store import MLflowStore, tracking_uri
MLflowStore(tracking_uri(pathlib.Path(sys.argv[1]))).finished(["none"])
"""


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads or writes the real home: git, DVC, MLflow and Jupyter get an empty one."""
    return _set_up_home(tmp_path_factory, monkeypatch)


def _set_up_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / ".gitconfig").write_text(GIT_CONFIG)
    # Of what is slow to make and the same for all tests: MLflow's empty tables.
    cache = tmp_path_factory.getbasetemp() / "cache"
    cache.mkdir(exist_ok=True)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "jupyter-mlws").symlink_to(cache)
    monkeypatch.setenv("HOME", str(folder))
    # The environment need not be activated for its `dvc` and `jupyter` to be found.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(folder / ".config" / "dvc"))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(folder / ".cache" / "dvc"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    # A run's process ends with it, unless a test is about just that.
    monkeypatch.setenv("MLWS_RUNNER_IDLE", "0")
    # So do the kernels of tests that are killed.
    monkeypatch.setenv("MLWS_KERNELS_WAIT", "60")
    foreign = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID")
    for name in (*foreign, "LANG", "LC_ALL", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="session")
def undeclared_errors() -> Iterator[list[str]]:
    """Errors that endpoints of servers in this process answered with and do not declare."""
    answers: list[str] = []
    write_error = RESTHandler.write_error

    def record(self: RESTHandler, status_code: int, **kwargs: Any) -> None:
        declared = getattr(getattr(self, self.request.method.lower(), None), "endpoint", None)
        error = self._as_ours(kwargs.get("exc_info", (None, None, None))[1])
        if declared is not None and type(error) not in errors_of(type(self), declared):
            answers.append(f"{self.request.method} {self.request.path}: {error}")
        # Last: whoever asked may go on as soon as the answer is sent.
        write_error(self, status_code, **kwargs)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(RESTHandler, "write_error", record)
        send = StreamHandler.pass_on

        async def check(handler: StreamHandler, text: str | bytes) -> None:
            message = json.loads(text)
            if not any(_fits(message, model) for model in messages_of(type(handler))):
                answers.append(f"{type(handler).__name__} sends {message}")
            await send(handler, text)

        monkeypatch.setattr(StreamHandler, "pass_on", check)
        yield answers


_adapter = cache(TypeAdapter)


def _fits(message: dict[str, Any], model: type[Any]) -> bool:
    try:
        _adapter(model).validate_python(message)
    except ValidationError:
        return False
    return True


@pytest.fixture(autouse=True)
def declared_errors(undeclared_errors: list[str]) -> Iterator[None]:
    """Fail a test in which an endpoint sends an error or a message that it does not declare."""
    undeclared_errors.clear()
    yield
    assert not undeclared_errors


@pytest.fixture
def jp_root_dir(project: Project, jp_environ: None) -> Path:
    """Where pytest-jupyter's server is started; an empty project."""
    # That server has data of its own.
    trust(project.root)
    return project.root


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """How: with the extension."""
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlws": True}}}


@pytest.fixture
def git() -> Callable[..., str]:
    """Call the git program: ``git(folder, "log", "-1")`` → what it printed."""

    def run(folder: Path, *arguments: str) -> str:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
        )
        return answer.stdout

    return run


@pytest.fixture(scope="session")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project with git and DVC and one commit, for :func:`project` to copy."""
    from jupyter_mlws.projects.setup import initialize

    root = tmp_path_factory.mktemp("template") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        initialize(root)
        subprocess.run(["git", "add", "-A"], cwd=root, check=True)
        subprocess.run(["git", "commit", "-q", "-m", "Begin"], cwd=root, check=True)
    return root


@pytest.fixture
def project(
    request: pytest.FixtureRequest, tmp_path: Path, empty_project: Path, git: Callable[..., str]
) -> Iterator[Project]:
    """A copy of :func:`empty_project`, below the root of the shared server if the test uses it.

    DVC and git write no absolute path before the first use.
    """
    server = _used(request, "server")
    root = (server.root / tmp_path.name if server else tmp_path) / "project"
    shutil.copytree(empty_project, root, symlinks=True)
    # The index holds the inodes of the original.
    git(root, "update-index", "--refresh")
    project = Project.open(root)
    trust(root)
    yield project
    if server:
        server.close_project(project)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running Jupyter server with the extension, for all tests of a module.

    A test asks it by :func:`fetch` and :func:`ws_fetch`, which have the signatures of ``jp_fetch``
    and ``jp_ws_fetch`` and name the test's project in ``?project=``. What belongs to no project
    (notebooks, kernels, operations, logs, metrics, the list of projects) is shared by the tests of
    the module. A test of that, or of a server with other settings, starts its own by ``jp_fetch``.

    The server runs in a thread of this process: it sees what a test does to the environment.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        folder = tmp_path_factory.mktemp("server")
        (folder / "root").mkdir()
        with Server(folder, folder / "root") as running:
            yield running


@pytest.fixture
def fetch(request: pytest.FixtureRequest, server: Server) -> Callable[..., Any]:
    """Ask the shared server: ``await fetch("mlws/api/v1/runs")``; see :func:`server`."""
    return partial(server.fetch, project=_used(request, "project"))


@pytest.fixture
def ws_fetch(request: pytest.FixtureRequest, server: Server) -> Callable[..., Any]:
    """Open a WebSocket of the shared server; see :func:`server`."""
    return partial(server.ws_fetch, project=_used(request, "project"))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MLflow's tables in SQLite, for :func:`mlflow_store` to copy."""
    from tests import python

    folder = tmp_path_factory.mktemp("store")
    python.run(MAKE_STORE, str(folder), check=True)
    return folder


@pytest.fixture
def mlflow_store(project: Project, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project has its store of runs, which is empty, and MLflow's processes are forks.

    MLflow takes seconds to be imported and to make its tables.
    """
    from jupyter_mlws.mlflow.client import TrackingClient
    from tests import python

    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)
    file = project.root / "mlflow.db"
    shutil.copy(empty_store / "mlflow.db", file)
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(
            "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)",
            (empty_store.as_uri(), project.root.as_uri()),
        )


def _used(request: pytest.FixtureRequest, name: str) -> Any:
    """The value of a fixture if the test uses it, or None."""
    return request.getfixturevalue(name) if name in request.fixturenames else None
