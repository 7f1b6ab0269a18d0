"""Reproductions of runs: a git worktree at the run's commit, with its data.

The user's working tree is not changed. Worktrees are in a folder of the project that git and DVC
ignore, and use the project's cache.
"""

from __future__ import annotations

import builtins
import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import (
    AlreadyReproducedError,
    RunCommitMissingError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.core.trust import trust, withdraw_trust
from jupyter_mlws.environments.models import RebuiltEnvironment
from jupyter_mlws.environments.rebuild import rebuild
from jupyter_mlws.mlflow.client import RefusedError
from jupyter_mlws.versioning.data_index import normalize_path
from jupyter_mlws.versioning.experiments.models import (
    ReproduceRequest,
    Reproduction,
    UnavailableData,
)
from jupyter_mlws.versioning.experiments.run_commits import available_commit
from jupyter_mlws.versioning.experiments.run_environments import run_environments
from jupyter_mlws.versioning.experiments.run_outputs import list_node_runs
from jupyter_mlws.versioning.models import UnreachableRemote
from jupyter_mlws.versioning.repository import Needs, RepositoryPart
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.paths import unescape
from mlws.core.progress import ProgressCallback, no_progress
from mlws.core.project import Project
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer
from mlws.dvc.settings import DataSettings

FOLDER = "reproductions"
RECORD = "reproduction.json"
"""In the worktree's own part of the git folder, once it is complete."""
WORKTREE_TIMEOUT = 600.0
"""Seconds for git to write the files of a version."""
ALREADY_EXISTS = Message("already exists")
NOT_IN_PROJECT = Message("must be a folder inside the project")


class Reproductions(RepositoryPart):
    """The reproductions of one project's runs. Thread-safe."""

    def list(self) -> Page[Reproduction]:
        """Return the reproductions that exist."""
        reproductions = [self._read(path) for path in self._worktrees()]
        return Page(items=[one for one in reproductions if one is not None])

    def check(self, identifier: str, request: ReproduceRequest | None = None) -> dict[str, Any]:
        """Return the run to reproduce.

        ``identifier`` is MLflow's id, the id of a workflow run, ``MODEL:VERSION``, or a snapshot
        or another name of a commit, whose workflow then takes the place of the run.

        Raises MLflowFailedError, VersionItemNotFoundError, RunCommitMissingError if the run has no
        commit that still exists, AlreadyReproducedError if it is reproduced already,
        InvalidRequestError and OutsideWorkspaceError for an invalid path.
        """
        tracking = self._repository.tracking
        run_id = identifier
        name, colon, number = identifier.rpartition(":")
        if colon and number.isascii() and number.isdigit() and len(number) < 10:
            try:
                version = tracking.ask("version", name=unescape(name), number=int(number))
            except RefusedError as error:
                raise VersionItemNotFoundError(kind="model version", name=identifier) from error
            run_id = version["run"] or identifier
        run: dict[str, Any] | None = tracking.ask("find_run", identifier=run_id)
        if run is None:
            run = self._version(run_id)
        commit = available_commit(self._git, run)
        if commit is None:
            raise RunCommitMissingError(run=run["id"], commit=run["commit"] or "-")
        run = {**run, "commit": commit}
        target = self._target_path(run, request or ReproduceRequest())
        if self._is_complete(target):
            raise AlreadyReproducedError(run=run["id"], path=self._relative_path(target))
        return run

    def _version(self, name: str) -> dict[str, Any]:
        """Return a commit in the form of a run. Raises VersionItemNotFoundError."""
        commit = self._git.find(name)
        if commit is None:
            raise VersionItemNotFoundError(kind="run", name=name)
        output = self._git.run("ls-tree", "-r", "-z", "--name-only", commit)
        paths = [os.fsdecode(path) for path in output.split(b"\0")]
        workflows = [path for path in paths if path.split("/")[-1] == "dvc.yaml"]
        return {
            "id": commit,
            "run": None,
            "node": None,
            "commit": commit,
            "workflow": workflows[0] if len(workflows) == 1 else None,
            "params": {},
            "metrics": {},
            "inputs": {},
        }

    def create(
        self,
        identifier: str,
        request: ReproduceRequest | None = None,
        progress: ProgressCallback = no_progress,
    ) -> Reproduction:
        """Create the worktree with its data; a failure leaves nothing behind.

        The result lists data that is in no store. Errors as for :meth:`check`,
        RemoteUnreachableError, DiskFullError, OperationInProgressError, GitCommandError,
        DVCNotInitializedError.
        """
        request = request or ReproduceRequest()
        run = self.check(identifier, request)
        target = self._target_path(run, request)
        with self._repository.exclusive("reproduction", needs=Needs.NOTHING):
            # A killed attempt may have left files.
            self._remove(target)
            folder = self._root / FOLDER
            if target.parent == folder:
                folder.mkdir(exist_ok=True)
                (folder / ".gitignore").write_text("*\n", encoding="utf-8")
            progress(0, message="files")
            try:
                self._git.run(
                    "worktree", "add", "--quiet", "--detach", str(target), run["commit"],
                    timeout=WORKTREE_TIMEOUT,
                )  # fmt: skip
                data_paths, unavailable = self._checkout_data(run, target, progress)
                path = self._relative_path(target)
                # It is a version of the project, which was trusted before this.
                trust(target)
                environments = (
                    rebuild(Project.open(target), run_environments(self._repository, run), progress)
                    if request.environments
                    else []
                )
                reproduction = Reproduction.from_object(
                    run,
                    id=target.name,
                    run=run["id"],
                    path=path,
                    data=data_paths,
                    unavailable=unavailable,
                    environments=environments,
                    command=_command(run, path, environments),
                    remove=f"jupyter mlws reproduce --remove {shlex.quote(target.name)}",
                )
                record = Project.open(target).state / RECORD
                record.write_text(reproduction.model_dump_json(), encoding="utf-8")
            except BaseException:
                self._remove(target)
                raise
        return reproduction

    def delete(self, identifier: str) -> Reproduction:
        """Delete a worktree with everything in it. Raises VersionItemNotFoundError."""
        with self._repository.exclusive("reproduction", needs=Needs.NOTHING):
            for path in self._worktrees():
                reproduction = self._read(path)
                if reproduction is not None and identifier in (reproduction.id, reproduction.run):
                    self._remove(path)
                    return reproduction
        raise VersionItemNotFoundError(kind="reproduction", name=identifier)

    def _target_path(self, run: Mapping[str, Any], request: ReproduceRequest) -> Path:
        if request.path is None:
            name = str(run["run"] or run["id"][:12])
            if run["node"]:
                name += f"-{run['node']}"
            return self._root / FOLDER / re.sub(r"[^\w.-]", "_", name)
        inside = normalize_path(self._repository.project, request.path)
        target = self._repository.project.resolve(inside)
        if target == self._root or inside.split("/")[0] == ".dvc":
            raise InvalidRequestError(faults=[Fault("path", NOT_IN_PROJECT)])
        if target.exists() and not self._is_complete(target):
            raise InvalidRequestError(faults=[Fault("path", ALREADY_EXISTS)])
        return target

    def _relative_path(self, target: Path) -> str:
        return target.relative_to(self._root).as_posix()

    def _is_complete(self, target: Path) -> bool:
        return target.is_dir() and self._read(target) is not None

    def _read(self, target: Path) -> Reproduction | None:
        """Return the record of a worktree's reproduction; None without a complete one."""
        if not (target / ".git").is_file():
            return None
        record = Project(target).state / RECORD
        if not record.is_file():
            return None
        return Reproduction.model_validate_json(record.read_text(encoding="utf-8"))

    def _worktrees(self) -> builtins.list[Path]:
        output = self._git.run("worktree", "list", "--porcelain", "-z")
        paths = [
            Path(os.fsdecode(line.removeprefix(b"worktree ")))
            for line in output.split(b"\0")
            if line.startswith(b"worktree ")
        ]
        return [path for path in paths if self._root in path.parents and path.is_dir()]

    def _remove(self, target: Path) -> None:
        withdraw_trust(target)
        if target.exists():
            if (target / ".git").is_file():
                self._git.run(
                    "worktree", "remove", "--force", "--force", str(target),
                    codes=(0, 128), timeout=WORKTREE_TIMEOUT,
                )  # fmt: skip
            # git leaves the files of a worktree that was not registered completely.
            if target.exists():
                shutil.rmtree(target)
        self._git.run("worktree", "prune")
        folder = self._root / FOLDER
        if target.parent == folder and folder.is_dir() and not any(folder.glob("*/")):
            shutil.rmtree(folder)

    def _checkout_data(
        self, run: Mapping[str, Any], target: Path, progress: ProgressCallback
    ) -> tuple[builtins.list[str], builtins.list[UnavailableData]]:
        """Check out the data of the run's commit and the inputs that the run recorded."""
        items = self._data_pointers(run)
        if not items:
            return [], []
        DataSettings(self._root).share(target)
        with open_data(target) as data:
            there, lacking, error = data.fetch_available(items, progress)
            for place, item in enumerate(there):
                progress(place, len(there), "datasets", "data")
                data.worktree.checkout(item)
        unreachable = UnreachableRemote(**error.facts) if error else None
        unavailable = [
            UnavailableData(
                path=item.path, md5=item.md5 or "", made=item.pipeline, unreachable=unreachable
            )
            for item in lacking
        ]
        return [item.path for item in there], unavailable

    def _data_pointers(self, run: Mapping[str, Any]) -> builtins.list[DataPointer]:
        items = [i for i in self._repository.content.data_at(run["commit"]) if i.md5]
        read = dict(run["inputs"])
        if run["run"]:
            # Each node of a workflow's run has recorded its inputs.
            rows = list_node_runs(self._repository.tracking, run["run"])
            read = {path: md5 for row in rows for path, md5 in row["inputs"].items()}
        return [
            # Only the run names data that was changed and not recorded.
            replace(item, md5=read[item.path], size=None, files=None)
            if not item.pipeline and read.get(item.path, item.md5) != item.md5
            else item
            for item in items
        ]


def _command(
    run: Mapping[str, Any], path: str, environments: Sequence[RebuiltEnvironment]
) -> str | None:
    """Return the shell command that repeats the run, in the environment that was built for it."""
    there = f"cd {shlex.quote(path)} && "
    prefix = next((one.prefix for one in environments if one.source == "record"), None)
    if prefix is not None:
        there += f"uv run --no-project --python {shlex.quote(prefix)}/bin/python "
    if run["workflow"]:
        words = ["jupyter", "mlws", "run", run["workflow"], *([run["node"]] if run["node"] else [])]
        # The results are there, so that nothing would run.
        return there + shlex.join([*words, "--force"])
    source = run.get("source") or ""
    if source.endswith(".ipynb"):
        return there + shlex.join(["jupyter", "execute", source])
    if source.endswith(".py"):
        return there + shlex.join(["python", source])
    return None
