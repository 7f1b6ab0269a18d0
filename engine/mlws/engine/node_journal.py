"""Journal of a run's nodes, with the hashes that DVC has stored of them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mlws.core.i18n import Message
from mlws.dvc.stages import PreparationStatus, StageBackend
from mlws.engine.graph import Stage
from mlws.engine.reasons import ACCEPTED_REASON, RESTORED_REASON, UP_TO_DATE_REASON
from mlws.engine.states import Status

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

CACHED_REASONS = {
    PreparationStatus.UNCHANGED: UP_TO_DATE_REASON,
    PreparationStatus.RESTORED: RESTORED_REASON,
    PreparationStatus.ACCEPTED: ACCEPTED_REASON,
}


class Journal(Protocol):
    """Stores the changes of a run; see :mod:`jupyter_mlws.workflows.journal.store`."""

    def batch(self) -> AbstractContextManager[object]: ...
    def set_node(self, run: str, node: str, status: Status, **facts: Any) -> object: ...
    def set_progress(self, run: str, node: str, progress: float) -> object: ...
    def end_nodes(self, run: str, status: Status) -> object: ...


class NodeJournal:
    """Journals the states of the nodes of one run."""

    def __init__(
        self,
        journal: Journal,
        run: str,
        backend: StageBackend,
        stages: Mapping[str, Stage],
    ) -> None:
        self._journal = journal
        self._run = run
        self._backend = backend
        self._stages = stages
        self._queued: set[str] = set()
        self.batch = journal.batch

    def set(
        self, node: str, status: Status, reasons: Sequence[Message] | None = None, **facts: Any
    ) -> None:
        """Set the state of a node."""
        if reasons is not None:
            facts["reasons"] = [reason.as_dict() for reason in reasons]
        self._journal.set_node(self._run, node, status, **facts)

    def set_queued(self, node: str) -> None:
        """Note that a node waits, once."""
        if node not in self._queued:
            self.requeue(node)

    def requeue(self, node: str, **facts: Any) -> None:
        """Note that a node waits for another attempt."""
        self._queued.add(node)
        self.set(node, Status.QUEUED, **facts)

    def set_cached(self, node: str, how: PreparationStatus) -> None:
        """Note that a node has its result without a run of its command."""
        self.set(
            node,
            Status.CACHED,
            [CACHED_REASONS[how]],
            outputs=self._backend.hashes(node),
            lock=self._backend.entry(node),
            **self._dvc_reason(node),
        )

    def set_completed(
        self,
        node: str,
        hashes: Mapping[str, str],
        ended: float | None,
        environment: str | None = None,
    ) -> None:
        """Note that a node's command has ended, and that its outputs are stored.

        ``environment``: the ID of what it ran in.
        """
        lock = self._backend.entry(node)
        wdir = self._stages[node].wdir
        # By their paths in the project; those in the lock are relative to the working folder.
        inputs = {
            posixpath.normpath(posixpath.join(wdir, dep["path"])): dep["md5"]
            for dep in (lock or {}).get("deps", ())
            if "md5" in dep
        }
        facts: dict[str, Any] = {"environment": environment} if environment else {}
        self.set(
            node,
            Status.COMPLETED,
            exit_code=0,
            inputs=inputs,
            outputs=hashes,
            lock=lock,
            ended=ended,
            **facts,
            **self._dvc_reason(node),
        )

    def set_failed(self, node: str, error: Mapping[str, Any], **facts: Any) -> None:
        """Note that a node has failed."""
        self.set(node, Status.FAILED, error=error, **facts, **self._dvc_reason(node))

    def set_progress(self, node: str, share: float) -> None:
        """Note the progress of a running node."""
        self._journal.set_progress(self._run, node, share)

    def end(self, status: Status) -> None:
        """Give all nodes that have no final state this one."""
        self._journal.end_nodes(self._run, status)

    def _dvc_reason(self, node: str) -> dict[str, Any]:
        """Return why DVC's own code did a node's hashing and storing, if it did."""
        reason = self._backend.unusual.get(node)
        return {} if reason is None else {"dvc_reason": reason.as_dict()}
