"""Rollbacks to an earlier version: by a new commit, or in the files only."""

from __future__ import annotations

from jupyter_mlws.core.errors import (
    BranchMovedError,
    CommitNotUndoneError,
    CommitPushedError,
    NotAncestorError,
    NothingToCommitError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.core.progress import ProgressCallback, no_progress
from jupyter_mlws.git.commits import check_identity, commit_tree
from jupyter_mlws.git.history import LogQuery, list_commits
from jupyter_mlws.git.refs import current_branch, remote_branches_with, update_ref
from jupyter_mlws.versioning.code.models import RollbackMode, RolledBack, UndoneCommit
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.worktree.restore import SAFETY, SAFETY_MESSAGE_PREFIX

IS_FIRST = Message("it is the first one")
IS_MERGE = Message("it is a merge")


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

    def undo(self, *, pushed: bool = False) -> UndoneCommit:
        """Move the branch to the commit before its last one.

        Files and data stay as they are, and what the commit changed is staged, as after git's
        `reset --soft`. A safety copy keeps the commit's content.

        Raises CommitNotUndoneError for a first commit or a merge, CommitPushedError for one that a
        remote branch has unless ``pushed``, BranchMovedError, UnfinishedOperationError.
        """
        with self._repository.exclusive("undo"):
            head = self._git.resolve("HEAD")
            (commit,) = list_commits(self._git, LogQuery(head, limit=1))
            short = head[:8]
            if len(commit.parents) != 1:
                raise CommitNotUndoneError(
                    commit=short, reason=IS_MERGE if commit.parents else IS_FIRST
                )
            remote_branches = remote_branches_with(self._git, head)
            if remote_branches and not pushed:
                raise CommitPushedError(commit=short, branches=", ".join(remote_branches))
            parent = commit.parents[0]
            message = f"{SAFETY_MESSAGE_PREFIX}undo"
            safety = commit_tree(self._git, self._git.tree_of(head), [parent], message)
            update_ref(self._git, f"refs/mlws/{SAFETY}{time_ordered_id()}", safety, None, "safety")
            ref = current_branch(self._git) or "HEAD"
            if not update_ref(self._git, ref, parent, head, "reset: moving to HEAD~1"):
                raise BranchMovedError(branch=ref.removeprefix("refs/heads/"))
        lines = [line for line in commit.message.split("\n") if not line.startswith("Mlws-")]
        return UndoneCommit(
            undone=head, commit=parent, message="\n".join(lines).strip(), safety=safety
        )

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
