"""Changes of the history: cherry-picks, reverts, squashes, rebases, rollbacks and the undo.

Without conflicts the new commits are made before a file changes, and one move of the branch
publishes them. With conflicts it is git's own unfinished operation, which git's own commands can
also finish; the data is checked out at its end.
"""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.core.errors import (
    CommitNotUndoneError,
    CommitUnsuitableError,
    GitCommandError,
    NotAncestorError,
    NothingToCommitError,
    UncommittedChangesError,
)
from jupyter_mlws.git.adapter import Git, GitFailedError
from jupyter_mlws.git.commits import (
    CommitObject,
    add_trailers,
    check_identity,
    commit_tree,
    is_signing,
    own_trailers,
    read_commit,
    run_hook,
    run_late_hook,
    run_post_rewrite,
    without_trailers,
)
from jupyter_mlws.git.merge import TIMEOUT, without_editor
from jupyter_mlws.git.refs import current_branch, move_branch, refuse_pushed
from jupyter_mlws.versioning.branch_copies import keep_tip
from jupyter_mlws.versioning.code.merge_tree import MergeResult, merge_commits
from jupyter_mlws.versioning.code.merging import MergeManager
from jupyter_mlws.versioning.code.models import (
    RewriteOutcome,
    Rewritten,
    RollbackMode,
    RolledBack,
    UndoneCommit,
)
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.data_index import format_paths
from jupyter_mlws.versioning.repository import Repository, RepositoryPart
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.worktree.switch_journal import (
    FOLLOWING,
    Switch,
    begin_switch,
    end_switch,
)
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress

IS_FIRST = Message("it is the first one")
IS_MERGE = Message("it is a merge")
IS_IN_BRANCH = Message("the current branch has it already")
IS_NOT_IN_BRANCH = Message("the current branch does not have it")
IS_LAST = Message("it is the last one, and there is nothing to squash it with")
CHANGES_NOTHING = Message("it would change nothing")
NOT_STARTED = Message("it did not start")


class RewriteManager(RepositoryPart):
    """Changes of one project's history. Thread-safe.

    Methods that write hold the project's lock.
    """

    def __init__(
        self, repository: Repository, merges: MergeManager, snapshots: SnapshotManager
    ) -> None:
        super().__init__(repository)
        self._merges = merges
        self._snapshots = snapshots
        self._switching = Switching(repository)

    def check(self, name: str) -> str:
        """Return the commit that ``name`` refers to.

        Raises VersionItemNotFoundError, UnfinishedOperationError.
        """
        sha = self._git.resolve(name)
        self._repository.refuse_unfinished()
        return sha

    def check_squash(self, name: str, *, force: bool = False) -> list[CommitObject]:
        """Return the commits to squash, oldest first; the errors of :meth:`squash` otherwise."""
        self._repository.refuse_unfinished()
        first = self._single(name)
        head = self._git.resolve("HEAD")
        if not self._git.contains(head, first.sha):
            raise CommitUnsuitableError(commit=first.sha[:8], reason=IS_NOT_IN_BRANCH)
        if first.sha == head:
            raise CommitUnsuitableError(commit=first.sha[:8], reason=IS_LAST)
        commits = [first, *map(self._single, self._between(first.sha, head))]
        refuse_pushed(self._git, [commit.sha for commit in commits], force=force)
        return commits

    def check_rebase(self, onto: str, *, force: bool = False) -> str:
        """Return the commit to rebase onto.

        Raises VersionItemNotFoundError, UnfinishedOperationError, CommitPushedError.
        """
        target = self.check(onto)
        refuse_pushed(self._git, self._between(target, "HEAD"), force=force)
        return target

    def cherry_pick(self, name: str, progress: ProgressCallback = no_progress) -> Rewritten:
        """Apply the changes of a commit to the current branch, with its author and message.

        Conflicts are an outcome, not an error. After an error nothing has changed.

        Raises CommitUnsuitableError for a merge, and for a commit or changes that the branch has,
        VersionItemNotFoundError, UnfinishedOperationError, UncommittedChangesError if uncommitted
        work would be lost, GitIdentityMissingError, SigningFailedError, and those of data.
        """
        with self._repository.exclusive("cherry-pick"):
            commit = self._single(name)
            head = self._git.resolve("HEAD")
            if self._git.contains(head, commit.sha):
                raise CommitUnsuitableError(commit=commit.sha[:8], reason=IS_IN_BRANCH)
            base = self._parent(commit)
            merged = merge_commits(self._project, self._git, head, commit.sha, progress, base=base)
            if merged.conflicts:
                return self._stop("cherry-pick", commit.sha, head, merged, progress)
            self._check_tree(merged.tree, head, commit)
            sha = self._commit_again(commit, merged.tree, [head])
            data = self._switching.move_branch(sha, f"cherry-pick: {commit.subject}", progress)
            run_late_hook(self._git, "post-commit")
        return self._outcome(RewriteOutcome.DONE, head, sha, 1, data)

    def revert(self, name: str, progress: ProgressCallback = no_progress) -> Rewritten:
        """Add a commit that takes back the changes of one commit of the current branch.

        Raises CommitUnsuitableError for a merge or a commit that the branch does not have,
        HookRejectedError, and the errors of :meth:`cherry_pick`.
        """
        with self._repository.exclusive("revert"):
            commit = self._single(name)
            head = self._git.resolve("HEAD")
            if not self._git.contains(head, commit.sha):
                raise CommitUnsuitableError(commit=commit.sha[:8], reason=IS_NOT_IN_BRANCH)
            parent = self._parent(commit)
            merged = merge_commits(
                self._project, self._git, head, parent, progress, base=commit.sha
            )
            if merged.conflicts:
                return self._stop("revert", commit.sha, head, merged, progress)
            subject = f'Revert "{commit.subject}"'
            if commit.subject.startswith('Revert "'):
                # git's own words for it.
                subject = "Reapply" + commit.subject.removeprefix("Revert")
            text = f"{subject}\n\nThis reverts commit {commit.sha}.\n"
            self._check_tree(merged.tree, head, commit)
            sha = self._switching.commit(merged.tree, [head], text, "message")
            data = self._switching.move_branch(sha, f"revert: {subject}", progress)
            run_late_hook(self._git, "post-commit")
        return self._outcome(RewriteOutcome.DONE, head, sha, 1, data)

    def squash(self, name: str, message: str | None = None, *, force: bool = False) -> Rewritten:
        """Replace a commit and all after it by one with their content; files and data stay.

        It has the author of the first, and names the runs and environments of all. Without a
        ``message`` it has the messages of all. A safety copy keeps the branch as it was.

        Raises CommitUnsuitableError if there is a merge among them, for the last commit, for one
        that the branch does not have, or if all together change nothing, CommitPushedError if a
        remote branch has one of them unless ``force``, BranchMovedError, VersionItemNotFoundError,
        UnfinishedOperationError, GitIdentityMissingError, HookRejectedError, SigningFailedError.
        """
        with self._repository.exclusive("squash"):
            commits = self.check_squash(name, force=force)
            first, head = commits[0], commits[-1].sha
            tree = self._git.tree_of(head)
            if tree == self._git.tree_of(self._parent(first)):
                raise CommitUnsuitableError(commit=first.sha[:8], reason=CHANGES_NOTHING)
            check_identity(self._git)
            text = message or "\n\n".join(without_trailers(one.message) for one in commits)
            trailers = [trailer for commit in commits for trailer in own_trailers(commit.message)]
            if trailers:
                text = add_trailers(self._git, text.strip() + "\n", trailers)
            sha = self._switching.commit(tree, first.parents, text, "message", author=first.author)
            start = first.parents[0] if first.parents else sha
            ref = current_branch(self._git) or "HEAD"
            safety = keep_tip(self._git, ref, head, "squash")
            move_branch(self._git, ref, sha, head, f"rebase (finish): {ref} onto {start}")
            run_post_rewrite(self._git, [(commit.sha, sha) for commit in commits], "rebase")
        return self._outcome(RewriteOutcome.DONE, head, sha, 1, safety=safety)

    def rebase(
        self,
        onto: str = "@{upstream}",
        progress: ProgressCallback = no_progress,
        *,
        force: bool = False,
    ) -> Rewritten:
        """Apply the commits of the current branch that ``onto`` lacks on top of it.

        As with git, merges are left out, and so are commits whose changes are there. A safety copy
        keeps the branch as it was.

        Raises CommitPushedError if a remote branch has one of the commits unless ``force``,
        UncommittedChangesError if uncommitted work is in the way, HookRejectedError of a
        `pre-rebase` hook, and the errors of :meth:`cherry_pick`. Nothing has changed then.
        Conflicts are an outcome, not an error.
        """
        with self._repository.exclusive("rebase"):
            target = self._git.resolve(onto)
            head = self._git.resolve("HEAD")
            if self._git.contains(head, target):
                return self._outcome(RewriteOutcome.UP_TO_DATE, head, head)
            ref = current_branch(self._git) or "HEAD"
            reason = f"rebase (finish): {ref} onto {target}"
            if self._git.contains(target, head):
                data = self._switching.move_branch(target, reason, progress)
                return self._outcome(RewriteOutcome.DONE, head, target, 0, data)
            refuse_pushed(self._git, self._between(target, head), force=force)
            check_identity(self._git)
            run_hook(self._git, "pre-rebase", onto)
            options = ("--reverse", "--topo-order", "--no-merges", "--cherry-pick", "--right-only")
            output = self._git.run("rev-list", *options, f"{target}...{head}", "--")
            tip, pairs = target, []
            for sha in output.decode().split():
                progress(0, message="rebase")
                commit = read_commit(self._git, sha)
                base = self._parent(commit)
                merged = merge_commits(self._project, self._git, tip, sha, progress, base=base)
                if merged.conflicts:
                    return self._stop("rebase", target, head, merged, progress)
                is_new = merged.tree != self._git.tree_of(tip)
                if is_new or self._git.tree_of(base) == self._git.tree_of(sha):
                    tip = self._commit_again(commit, merged.tree, [tip])
                    pairs.append((sha, tip))
            safety = keep_tip(self._git, ref, head, "rebase")
            data = self._switching.move_branch(tip, reason, progress)
            run_post_rewrite(self._git, pairs, "rebase")
        return self._outcome(RewriteOutcome.DONE, head, tip, len(pairs), data, safety)

    def check_rollback(self, to: str) -> str:
        """Return the commit that ``to`` names.

        Raises VersionItemNotFoundError, or NotAncestorError if not an ancestor of HEAD.
        """
        sha = self._git.resolve(to)
        if not self._git.contains(self._git.resolve("HEAD"), sha):
            raise NotAncestorError(commit=sha[:8])
        return sha

    def undo(self, *, force: bool = False) -> UndoneCommit:
        """Move the branch to the commit before its last one.

        Files and data stay as they are, and what the commit changed is staged, as after git's
        `reset --soft`. A safety copy keeps the commit's content.

        Raises CommitNotUndoneError for a first commit or a merge, CommitPushedError for one that a
        remote branch has unless ``force``, BranchMovedError, UnfinishedOperationError.
        """
        with self._repository.exclusive("undo"):
            head = self._git.resolve("HEAD")
            commit = read_commit(self._git, head)
            short = head[:8]
            if len(commit.parents) != 1:
                raise CommitNotUndoneError(
                    commit=short, reason=IS_MERGE if commit.parents else IS_FIRST
                )
            refuse_pushed(self._git, [head], force=force)
            parent = commit.parents[0]
            ref = current_branch(self._git) or "HEAD"
            safety = keep_tip(self._git, ref, head, "undo")
            move_branch(self._git, ref, parent, head, "reset: moving to HEAD~1")
        message = without_trailers(commit.message)
        return UndoneCommit(undone=head, commit=parent, message=message, safety=safety)

    def roll_back(
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
        sha = self.check_rollback(to)
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
            subject = read_commit(self._git, sha).subject
            text = message or f'Revert to "{subject}"\n\nThis restores the content of {sha}.'
            commit = self._switching.commit(tree, [head], text, "message")
            reason = f"commit: {text.splitlines()[0]}"
            data = self._switching.move_branch(commit, reason, progress)
            run_late_hook(self._git, "post-commit")
        return RolledBack(
            mode=mode, to=sha, commit=commit, previous=head, safety=None, data=[*data]
        )

    def _single(self, name: str) -> CommitObject:
        """Return a commit; CommitUnsuitableError for a merge."""
        commit = read_commit(self._git, self._git.resolve(name))
        if len(commit.parents) > 1:
            raise CommitUnsuitableError(commit=commit.sha[:8], reason=IS_MERGE)
        return commit

    def _parent(self, commit: CommitObject) -> str:
        """Return the commit before another one; before the first, one without files."""
        if commit.parents:
            return commit.parents[0]
        return commit_tree(self._git, self._git.tree_of(None), [], "", author=commit.author)

    def _between(self, start: str, end: str) -> list[str]:
        """Return the commits after ``start`` up to ``end``, oldest first."""
        options = ("--reverse", "--topo-order", f"{start}..{end}", "--")
        return self._git.run("rev-list", *options).decode().split()

    def _check_tree(self, tree: str, head: str, commit: CommitObject) -> None:
        """Refuse a commit that changes nothing, and one without an identity."""
        if tree == self._git.tree_of(head):
            raise CommitUnsuitableError(commit=commit.sha[:8], reason=CHANGES_NOTHING)
        check_identity(self._git)

    def _commit_again(self, commit: CommitObject, tree: str, parents: Sequence[str]) -> str:
        sign = is_signing(self._git)
        return commit_tree(
            self._git, tree, parents, commit.message, sign=sign, author=commit.author
        )

    def _stop(
        self,
        operation: str,
        commit: str,
        head: str,
        merged: MergeResult,
        progress: ProgressCallback,
    ) -> Rewritten:
        """Leave git's unfinished operation in the working tree, with its conflicts.

        ``commit`` is the one to apply, to revert, or to rebase onto.
        """
        self._switching.check(merged.tree)
        entries = self._git.status().entries
        if operation == "rebase":
            in_the_way = {entry.path for entry in entries if entry.state != "untracked"}
        else:
            in_the_way = {entry.path for entry in entries if entry.staged}
        if in_the_way:
            # git would refuse as well.
            raise UncommittedChangesError(paths=format_paths(in_the_way))
        if operation == "rebase":
            keep_tip(self._git, current_branch(self._git) or "HEAD", head, operation)
        # Which data its commits name in the end, nobody knows before the conflicts are resolved.
        data = {item.path for one in (head, commit) for item in self._content.data_at(one)}
        switch = Switch(goal=head, base=head, moves=True, data=sorted(data))
        begin_switch(self._project, switch, FOLLOWING)
        try:
            start_operation(self._git, operation, commit)
        except MLWSError:
            end_switch(self._project, FOLLOWING)
            raise
        self._merges.merge_cells(operation)
        now = self._git.resolve("HEAD")
        if self._git.unfinished() is None and now == head:
            end_switch(self._project, FOLLOWING)
            raise GitCommandError(command=f"git {operation}", reason=NOT_STARTED)
        if self._git.unfinished() is None:
            # git had conflicts in notebooks whose cells have none.
            paths = self._switching.follow(now, lambda: None, progress, start=head)
            end_switch(self._project, FOLLOWING)
            count = len(self._between(commit if operation == "rebase" else head, now))
            return self._outcome(RewriteOutcome.DONE, head, now, count, paths)
        outcome = self._outcome(RewriteOutcome.CONFLICTS, head, now)
        return outcome.model_copy(update={"conflicts": self._merges.conflicts().items})

    def _outcome(
        self,
        outcome: RewriteOutcome,
        head: str,
        sha: str,
        count: int = 0,
        data: Sequence[str] = (),
        safety: str | None = None,
    ) -> Rewritten:
        return Rewritten(
            outcome=outcome,
            previous=head,
            commit=sha,
            count=count,
            data=[*data],
            safety=safety,
            conflicts=[],
        )


def start_operation(git: Git, operation: str, commit: str) -> None:
    """Start git's own operation, which stops at conflicts; no editor opens."""
    options = ("--no-autostash", "--no-update-refs") if operation == "rebase" else ()
    try:
        without_editor(git).attempt(operation, *options, commit, codes=(0, 1), timeout=TIMEOUT)
    except GitFailedError as error:
        if git.unfinished() is not None:
            git.run(operation, "--abort", timeout=TIMEOUT)
        raise error.to_mlws_error() from error
