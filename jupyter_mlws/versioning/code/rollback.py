"""Rollbacks to an earlier version: by a new commit, or in the files only."""

from __future__ import annotations

from jupyter_mlws.core.errors import NotAncestorError, NothingToCommitError
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.git.commits import check_identity
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.versioning.code.models import RollbackMode, RolledBack
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager


class RollbackManager(RepositoryPart):
    """Rollbacks of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def __init__(self, repository: Repository, snapshots: SnapshotManager) -> None:
        super().__init__(repository)
        self._snapshots = snapshots
        self._switching = Switching(repository)

    def check(self, to: str) -> str:
        """Return the commit that ``to`` names.

        Raises VersionItemNotFoundError, or NotAncestorError if not an ancestor of HEAD.
        """
        sha = self._git.resolve(to)
        if not self._git.contains(self._git.resolve("HEAD"), sha):
            raise NotAncestorError(commit=sha[:8])
        return sha

    def run(
        self,
        to: str,
        mode: RollbackMode,
        message: str | None = None,
        progress: ProgressCallback = no_progress,
    ) -> RolledBack:
        """Go back to the version ``to``.

        ``revert`` adds one commit with the content of ``to``, data included, and keeps the history.
        ``restore`` changes the files only, and keeps their old content in a safety commit.

        Raises VersionItemNotFoundError, NotAncestorError for a commit that is not an ancestor of
        HEAD, NothingToCommitError if nothing has changed since, UnfinishedOperationError,
        UncommittedChangesError, GitIdentityMissingError, HookRejectedError, and those of data.
        Nothing has changed then.
        """
        sha = self.check(to)
        if mode is RollbackMode.RESTORE:
            result = self._snapshots.restore(sha, None, progress)
            head = self._git.resolve("HEAD")
            return RolledBack(
                mode=mode, to=sha, commit=head, previous=head, safety=result.safety, data=[]
            )
        with self._repository.exclusive("rollback"):
            head = self._git.resolve("HEAD")
            tree = self._git.tree_of(sha)
            if tree == self._git.tree_of(head):
                raise NothingToCommitError()
            check_identity(self._git)
            subject = list_commits(self._git, LogQuery(sha, limit=1))[0].subject
            text = message or f'Revert to "{subject}"\n\nThis restores the content of {sha}.'
            commit = self._switching.commit(tree, [head], text, "message")
            data = self._switching.fast_forward(commit, progress)
        return RolledBack(
            mode=mode, to=sha, commit=commit, previous=head, safety=None, data=[*data]
        )
