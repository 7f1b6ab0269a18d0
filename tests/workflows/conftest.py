"""Workflows of shell commands, and one process that carries out the runs of all these tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from jupyter_mlws.core.trust import trust
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.workflows.journal.store import Journal, NewRun, RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from jupyter_mlws.workflows.run import live
from jupyter_mlws.workflows.run.runs import Runs
from mlws.core.project import DATABASE, Project
from mlws.engine.processes import alive, start_time
from mlws.engine.states import Status
from tests import python

PATH = "dvc.yaml"
LIMIT = 150.0
POLL = 0.005
"""Seconds."""
DVC = "import sys; from dvc.cli import main; sys.exit(main(sys.argv[1:]))"
COLD = pytest.mark.parametrize("warm", [False], ids=["cold"])
"""For tests of the life of processes: each run has a process of its own."""


TABLES = (
    *("events", "nodes", "runs", "executions"),
    *("environments", "result_environments", "sqlite_sequence"),
)


class Runner:
    """The process that carries out the runs of one test after the other.

    It serves one folder, so that folder is emptied after each test and is the next one's project.
    Only the database stays, without its rows: the process has it open.
    """

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, if it does not listen: with a run that has ended before."""
        if self._process is not None and self.listener() == self._process.pid:
            return
        self.stop()
        journal = Journal(self.project)
        journal.create(NewRun("none", PATH, 1, "test", []))
        journal.set_run("none", Status.CANCELLED)
        journal.close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlws.workflows.run.runner", "none", self.project.root],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.await_idle()
        self._clear()

    def stop(self) -> None:
        """End it, and one that a test has started in its place."""
        for pid in {self.listener(), self._process.pid if self._process else None}:
            started = None if pid is None else start_time(pid)
            with suppress(ProcessLookupError):
                if started is not None:
                    os.kill(pid, signal.SIGKILL)
            while alive(pid, started):
                time.sleep(POLL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def listener(self) -> int | None:
        """The pid of the process that waits for the next run."""
        return live.listener(self.project.root)

    def await_idle(self) -> None:
        """Return when it waits for the next run, or is gone."""
        while self.listener() is None and self._is_in_progress():
            time.sleep(POLL)

    def _is_in_progress(self) -> bool:
        if self._process is not None and self._process.poll() is None:
            return True
        with closing(self.project.database()) as database:
            rows = database.execute("SELECT record ->> 'pid', record ->> 'pid_start' FROM runs")
            return any(alive(pid, started) for pid, started in rows)

    def empty(self) -> None:
        """Remove all that a test has left in the folder."""
        root, state = self.project.root, self.project.state
        kept = {root / ".git", state, *state.glob(f"{DATABASE}*")}
        for entry in [*root.iterdir(), *(root / ".git").iterdir(), *state.iterdir()]:
            if entry in kept:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                # SQLite removes journals of MLflow's store by itself.
                entry.unlink(missing_ok=True)
        self._clear()

    def _clear(self) -> None:
        with closing(self.project.database()) as database:
            for table in TABLES:
                database.execute(f"DELETE FROM {table}")

    def fill(self, project: Project) -> None:
        """Move a project's files here."""
        shutil.rmtree(project.root / ".git" / "mlws", ignore_errors=True)
        for entry in [*(project.root / ".git").iterdir()]:
            entry.rename(self.project.root / ".git" / entry.name)
        (project.root / ".git").rmdir()
        for entry in [*project.root.iterdir()]:
            entry.rename(self.project.root / entry.name)


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    root = tmp_path_factory.mktemp("runner") / "project"
    (root / ".git").mkdir(parents=True)
    runner = Runner(root)
    yield runner
    runner.stop()


def dvc(folder: Path, *arguments: str) -> str:
    """Call the dvc program; what it printed."""
    return python.run(DVC, *arguments, cwd=folder, check=True).stdout


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> str:
    """A tracking store for all tests."""
    file = tmp_path_factory.mktemp("tracking") / "mlflow.db"
    shutil.copy(empty_store / "mlflow.db", file)
    return f"sqlite:///{file}"


@pytest.fixture(autouse=True)
def forked_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork MLflow's process, which takes seconds to import it, for runs whose process is a fork of
    this one. That of :func:`runner` starts it as any other does."""
    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)


@pytest.fixture
def warm(request: pytest.FixtureRequest) -> bool:
    """True if one process executes the runs of this test and of others; see :data:`COLD`."""
    # Its projects are in folders of its own.
    return "server" not in request.fixturenames


@pytest.fixture(autouse=True)
def home(home: Path, warm: bool, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home at a fixed path: a warm worker serves nodes with its own HOME alone."""
    if not warm:
        return home
    fixed = home.parent / "home-of-workflows"
    # Replaced at once: a worker that imports libraries for the next run may write there now.
    link = home.with_suffix(".link")
    link.symlink_to(home)
    link.replace(fixed)
    for name, value in os.environ.items():
        if value.startswith(str(home)):
            monkeypatch.setenv(name, value.replace(str(home), str(fixed), 1))
    return fixed


@pytest.fixture
def project(
    project: Project, warm: bool, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """An empty project with git and DVC and one commit."""
    if not warm:
        yield project
        return
    monkeypatch.setenv(live.IDLE, "120")
    runner.fill(project)
    runner.start()
    trust(runner.project.root)
    yield Project(runner.project.root)
    runner.await_idle()
    runner.empty()


@pytest.fixture
def workflows(
    project: Project, store: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkflowManager]:
    """The manager of an empty project."""
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    runs = Runs(project)
    yield WorkflowManager(project, runs)
    for row in runs.journal.live():
        runs.cancel(row["workflow"], row["id"])
        runs.wait(row["workflow"], row["id"], LIMIT, recorded=False)
    runs.close()


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
def run(workflows: WorkflowManager, warm: bool, runner: Runner) -> Callable[..., Run]:
    """Run a workflow to its end: ``run(force=True)``; ``recorded``: until MLflow knows it."""

    def call(path: str = PATH, recorded: bool = False, **asked: object) -> Run:
        if warm and not workflows.runs.journal.live():
            runner.await_idle()
        started = workflows.runs.execute(path, RunRequest(**asked))
        return Run(**workflows.runs.wait(path, started["id"], LIMIT, recorded=recorded))

    return call


@pytest.fixture
def states() -> Callable[[Run], dict[str, str]]:
    """The state of each node of a run."""
    return lambda run: {node.id: node.status.value for node in run.nodes}
