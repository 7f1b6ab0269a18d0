"""Runs of notebooks and scripts with a true commit: what they start from is kept before."""

from __future__ import annotations

import secrets
import time
from typing import Any

from jupyter_mlws.core.errors import Fault, InvalidRequestError, VersionItemNotFoundError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.tracking.client import RefusedError
from jupyter_mlws.versioning.tracking.models import RunBegin, RunEnded, RunState, TrackedRun
from jupyter_mlws.versioning.tracking.run_commits import prune
from jupyter_mlws.versioning.tracking.run_tags import (
    COMMIT,
    DATA,
    DIRTY,
    ERROR,
    ORIGIN,
    SOURCE,
    fitting,
)

NOTEBOOK = "notebook"
"""Where such runs come from."""
REFUSED = Message("rejected by MLflow: {reason}")


class RunTracker:
    """Begins and ends runs in the MLflow of one project. Thread-safe."""

    def __init__(self, repository: Repository, snapshots: SnapshotManager) -> None:
        self._repository = repository
        self._snapshots = snapshots

    def state(self) -> RunState:
        """A commit of the working tree as it is, on a hidden ref where it is none yet.

        Branch, index and files stay as they are; data that changed is in the cache afterwards.
        Errors: 30102, 30103, 30106.
        """
        git = self._repository.git
        identifier = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        head = git.find("HEAD")
        kept = self._snapshots.keep_state(f"runs/{identifier}")
        dirty = kept != head
        if dirty:
            prune(self._repository.project)
        data = {item.path: item.md5 for item in self._repository.content.data_at(kept) if item.md5}
        tags = {COMMIT: kept, DIRTY: "true" if dirty else "false"}
        if data:
            tags[DATA] = fitting(data)
        return RunState(commit=kept, dirty=dirty, data=data, tags=tags)

    def begin(self, given: RunBegin) -> TrackedRun:
        """Begin a run with the state that it starts from. Errors as of :meth:`state`, 30105."""
        state = self.state()
        tags = {**state.tags, ORIGIN: NOTEBOOK}
        if given.source:
            tags[SOURCE] = given.source
        try:
            made: dict[str, Any] = self._repository.tracking.ask(
                "begin_run",
                experiment=given.experiment or self._repository.project.root.name,
                name=given.name,
                tags=tags,
                params=given.params,
            )
        except RefusedError as error:
            words = REFUSED.fill(reason=error.reason)
            raise InvalidRequestError(faults=[Fault("params", words)]) from error
        return TrackedRun(
            **{**state.__dict__, "tags": tags},
            id=made["id"],
            experiment=made["experiment"],
            uri=self._repository.tracking.uri,
        )

    def end(self, run: str, given: RunEnded) -> None:
        """End a run; errors 30105, 30404."""
        tags = {ERROR: given.error} if given.error else {}
        try:
            self._repository.tracking.ask("end_run", run=run, status=given.status.value, tags=tags)
        except RefusedError as error:
            raise VersionItemNotFoundError(kind="run", name=run) from error
