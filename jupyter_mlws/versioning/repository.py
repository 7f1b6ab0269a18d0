"""Shared state of the managers of one project's versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from jupyter_mlws.core.errors import DiskFullError, UnfinishedOperationError, is_full_disk
from jupyter_mlws.core.locking import Waiting
from jupyter_mlws.core.project import Project
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.versioning.data.data_index import DataIndex, format_paths
from jupyter_mlws.versioning.snapshots.outbox import Outbox
from jupyter_mlws.versioning.snapshots.recovery import Recovery, has_leftovers
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from jupyter_mlws.versioning.worktree.restore import Restore
from jupyter_mlws.versioning.worktree.switch_journal import is_switching


class Repository:
    """git, the data that versions name, and the MLflow client of a project. Thread-safe."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.git = Git(project.root)
        self.content = DataIndex(self.git)
        self.working = WorktreeStatus(project.root, project.state / "hashes.json")
        self.full: Callable[[], None] = lambda: None
        """Called when a snapshot was put into the outbox."""

    @cached_property
    def tracking(self) -> TrackingClient:
        from jupyter_mlws.mlflow.store import tracking_uri

        return TrackingClient(tracking_uri(self.project.root), self.project.state)

    @cached_property
    def restore(self) -> Restore:
        return Restore(self.project, self.content, self.working)

    @cached_property
    def outbox(self) -> Outbox:
        """Snapshots whose data waits for the remote."""
        return Outbox(self.git, self.content)

    @contextmanager
    def exclusive(self, operation: str, waiting: Waiting = lambda holder: None) -> Iterator[None]:
        """Hold the project's lock, after recovery from crashed operations.

        ``waiting`` receives the current holder. Errors: 30103, and 30102 for a full disk.
        """
        with self.project.lock(operation, waiting=waiting):
            try:
                if has_leftovers(self.project):
                    Recovery(self.project, self.content, self.working, self.tracking).run()
                yield
            except OSError as error:
                if not is_full_disk(error):
                    raise
                raise DiskFullError(reason=str(error)) from error

    def unfinished(self) -> str | None:
        """Return the merge, rebase, restore… that is in progress or was interrupted, if any."""
        # A merge remains a merge while its data is switched.
        return self.git.unfinished() or ("restore" if is_switching(self.project) else None)

    def refuse_unfinished(self, conflicts: Iterable[str]) -> None:
        """Raise error 30201 if ``conflicts`` are left, or an operation is unfinished."""
        operation = self.unfinished()
        paths = format_paths(conflicts)
        if operation or paths:
            raise UnfinishedOperationError(operation=operation or "merge", paths=paths)

    def close(self) -> None:
        """Stop MLflow's helper process, if it runs."""
        if "tracking" in self.__dict__:
            self.tracking.close()
