"""Runs of notebooks and scripts, each with a commit of the working tree at its start."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.mlflow.client import RefusedError
from jupyter_mlws.mlflow.run_tags import COMMIT, DATA, DIRTY, ERROR, ORIGIN, SOURCE, fitting
from jupyter_mlws.versioning.experiments.models import RunBegin, RunEnded, RunState, TrackedRun
from jupyter_mlws.versioning.experiments.run_commits import prune
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

MLFLOW_REJECTION = Message("rejected by MLflow: {reason}")


class RunTracker:
    """Start and end of runs in the MLflow of one project. Thread-safe."""

    def __init__(self, repository: Repository, snapshots: SnapshotManager) -> None:
        self._repository = repository
        self._snapshots = snapshots

    def state(self) -> RunState:
        """Return a commit of the working tree, on a hidden ref unless it is HEAD.

        Branch, index and files stay as they are; changed data is in the cache afterwards. Raises
        DiskFullError, OperationInProgressError or GitCommandError.
        """
        git = self._repository.git
        head = git.find("HEAD")
        commit = self._snapshots.keep_state(f"runs/{time_ordered_id()}")
        dirty = commit != head
        if dirty:
            prune(self._repository.project)
        data = {
            item.path: item.md5 for item in self._repository.content.data_at(commit) if item.md5
        }
        tags = {COMMIT: commit, DIRTY: "true" if dirty else "false"}
        if data:
            tags[DATA] = fitting(data)
        return RunState(commit=commit, dirty=dirty, data=data, tags=tags)

    def begin(self, request: RunBegin) -> TrackedRun:
        """Begin a run from the current state.

        Errors: as for :meth:`state`, and MLflowFailedError.
        """
        state = self.state()
        tags = {**state.tags, ORIGIN: "notebook"}
        if request.source:
            tags[SOURCE] = request.source
        try:
            run: dict[str, Any] = self._repository.tracking.ask(
                "begin_run",
                experiment=request.experiment or self._repository.project.root.name,
                name=request.name,
                tags=tags,
                params=request.params,
            )
        except RefusedError as error:
            words = MLFLOW_REJECTION.fill(reason=error.reason)
            raise InvalidRequestError(faults=[Fault("params", words)]) from error
        return TrackedRun(
            **{**state.__dict__, "tags": tags},
            id=run["id"],
            experiment=run["experiment"],
            uri=self._repository.tracking.uri,
        )

    def end(self, run: str, request: RunEnded) -> None:
        """End a run. Raises MLflowFailedError or VersionItemNotFoundError."""
        tags = {ERROR: request.error} if request.error else {}
        try:
            self._repository.tracking.ask(
                "end_run", run=run, status=request.status.value, tags=tags
            )
        except RefusedError as error:
            raise VersionItemNotFoundError(kind="run", name=run) from error
