"""Shared state of the managers of one project's versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from functools import cached_property

from jupyter_mlws.core.errors import UnfinishedOperationError, of_system
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.merge import read_conflicts
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.versioning.data_index import DataIndex, format_paths
from jupyter_mlws.versioning.publishing.outbox import Outbox
from jupyter_mlws.versioning.publishing.recovery import Recovery, has_leftovers
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from jupyter_mlws.versioning.worktree.restore import Restore
from jupyter_mlws.versioning.worktree.switch_journal import interrupted
from mlws.core.locking import Waiting
from mlws.core.project import Project


class Needs(Enum):
    """Unfinished operations that must have ended before another one begins."""

    VERSION = auto()
    """All of them: the operation commits the working tree, or replaces it."""
    FILES = auto()
    """Interrupted restores and stashes, but no merge or rebase: it may resolve their conflicts."""
    NOTHING = auto()
    """None: the operation changes neither the working tree nor the index."""


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
        return TrackingClient(tracking_uri(self.project.root), self.project.state)

    @cached_property
    def restore(self) -> Restore:
        return Restore(self.project, self.content, self.working)

    @property
    def recovery(self) -> Recovery:
        """Recovery from crashes; the caller holds the project's lock."""
        return Recovery(self.project, self.content, self.working, self.tracking)

    @cached_property
    def outbox(self) -> Outbox:
        """Snapshots whose data waits for the remote."""
        return Outbox(self.git, self.content)

    @contextmanager
    def exclusive(
        self,
        operation: str,
        waiting: Waiting = lambda holder: None,
        *,
        needs: Needs = Needs.VERSION,
    ) -> Iterator[None]:
        """Hold the project's lock, after recovery from crashed operations.

        ``waiting`` receives the current holder. Raises OperationInProgressError, DiskFullError for
        a full disk, and UnfinishedOperationError if what ``needs`` names is unfinished.
        """
        with self.project.lock(operation, waiting=waiting):
            try:
                if has_leftovers(self.project):
                    self.recovery.run()
                self.refuse_unfinished(needs)
                yield
            except (OSError, sqlite3.Error) as error:
                raise of_system(error) or error from error

    def unfinished(self) -> str | None:
        """Return the merge, rebase, restore… that is in progress or was interrupted, if any."""
        # A merge remains a merge while its data is switched.
        return self.git.unfinished() or interrupted(self.project)

    def refuse_unfinished(self, needs: Needs = Needs.VERSION) -> None:
        """Raise UnfinishedOperationError if an operation or its conflicts are left."""
        if needs is Needs.NOTHING:
            return
        operation, paths = interrupted(self.project), []
        if needs is Needs.VERSION:
            operation = self.unfinished()
            paths = format_paths(read_conflicts(self.git))
        if operation or paths:
            raise UnfinishedOperationError(operation=operation or "merge", paths=paths)

    def close(self) -> None:
        """Stop MLflow's helper process, if it runs."""
        if "tracking" in self.__dict__:
            self.tracking.close()


class RepositoryPart:
    """Base of the managers of a project's versions: the repository and its parts."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._project = repository.project
        self._root = repository.project.root
        self._git = repository.git
        self._content = repository.content
        self._working = repository.working
