"""Two equal projects: one is run by `dvc repro`, one by our engine. What they leave is compared."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.workflows.journal.store import Journal, NewRun
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.document.parse import parse
from mlws.document.templates import resolve_stages
from mlws.dvc.native.pipeline import NativeBackend, open_backend
from mlws.dvc.stages import StageError
from mlws.engine.graph import StageGraph
from mlws.engine.policy import RunOptions
from mlws.engine.scheduler import Engine
from mlws.engine.states import Status

PATH = "dvc.yaml"
DEFAULT = RunOptions(jobs=2)

Left = dict[str, tuple[str, str]]


@dataclass
class Twins:
    """Two copies of one project; how many stages of ours went the fast way, and how many DVC's."""

    theirs: Path
    ours: Path
    fast: int = 0
    slow: int = 0

    def change(self, path: str, text: str | None) -> None:
        """Write a file in both; None removes it."""
        for root in (self.theirs, self.ours):
            file = root / path
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")

    def run(self, jobs: int = 2, targets: Sequence[str] = (), *, keep_going: bool = False) -> bool:
        """Run both; whether they succeeded, which must be the same in both."""
        done = repro(self.theirs, targets, keep_going)
        status = execute(self.ours, RunOptions(targets, jobs=jobs, keep_going=keep_going), self)
        assert (status is Status.COMPLETED) == done, (status, done)
        return done

    def differences(self) -> dict[str, tuple[object, object]]:
        """Every file of which the two differ, in content or mode."""
        theirs, ours = left(self.theirs), left(self.ours)
        return {
            path: (theirs.get(path), ours.get(path))
            for path in sorted(theirs.keys() | ours.keys())
            if theirs.get(path) != ours.get(path)
        }


def make(folder: Path) -> Twins:
    """Two new projects in ``folder``."""
    twins = Twins(folder / "theirs", folder / "ours")
    twins.theirs.mkdir(parents=True)
    initialize(twins.theirs)
    shutil.copytree(twins.theirs, twins.ours, symlinks=True)
    return twins


def repro(root: Path, targets: Sequence[str] = (), keep_going: bool = False) -> bool:
    """Do what `dvc repro` does, without the second that its program takes to start."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    with within(root), Repo(str(root)) as repo:
        try:
            repo.reproduce(targets, on_error="keep-going" if keep_going else "fail")
        except DvcException:
            return False
        return True


class ProjectWithoutGit(Project):
    """A project in a folder of a repository, or without one, with its state in DVC's own folder."""

    @cached_property
    def state(self) -> Path:
        state = self.root / ".dvc" / "tmp" / "mlws"
        state.mkdir(parents=True, exist_ok=True)
        return state


def execute(root: Path, options: RunOptions = DEFAULT, counted: Twins | None = None) -> Status:
    """Run the workflow with our engine, in this process and without MLflow."""
    project = Project(root) if (root / ".git").exists() else ProjectWithoutGit(root)
    journal = Journal(project)
    try:
        text = (root / PATH).read_text(encoding="utf-8")
        document = parse(PATH, text)
        with within(root):
            data = resolve_stages(root, document)
            with open_backend(root, PATH, data, project.state) as backend:
                graph = StageGraph(document.stages(data))
                run = f"run-{len(journal.runs(None, 1000))}"
                journal.create(NewRun(run, PATH, options.jobs, "test", graph.order))
                journal.set_run(run, Status.RUNNING)
                backend.refresh(graph.external_inputs(options.targets))
                logs = project.state / "runs" / run
                status, _ = Engine(journal, run, backend, graph, options, logs).execute()
                journal.set_run(run, status)
                if counted is not None and isinstance(backend, NativeBackend):
                    counted.slow += len(backend.unusual)
                    counted.fast += len(backend.names) - len(backend.unusual)
                return status
    except (MLWSError, StageError):
        return Status.FAILED
    finally:
        journal.close()


def left(root: Path) -> Left:
    """Every file below a project's root: its mode, and the hash of its content."""
    found: Left = {}
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root).as_posix()
        folders[:] = [name for name in folders if f"{here}/{name}".lstrip("./") not in _SKIPPED]
        for name in files:
            file = Path(folder, name)
            mode = oct(stat.S_IMODE(file.lstat().st_mode))
            content = str(file.readlink()).encode() if file.is_symlink() else file.read_bytes()
            found[f"{here}/{name}"] = mode, hashlib.sha256(content).hexdigest()
    return found


_SKIPPED = {"git", "dvc/tmp"}


def git(root: Path, *arguments: str) -> str:
    """Return the output of the git program."""
    answer = subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return answer.stdout


@contextmanager
def within(folder: Path) -> Iterator[None]:
    """Go into a folder, as DVC needs it."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
