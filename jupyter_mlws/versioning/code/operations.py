"""Unfinished operations: how they are continued, skipped and aborted.

A merge, and what git itself has begun, is unfinished in git's own files; a restore or a stash, in
the journal of a process that was killed.
"""

from __future__ import annotations

from jupyter_mlws.core.errors import NoOperationError, UnfinishedOperationError
from jupyter_mlws.git.adapter import GitFailedError
from jupyter_mlws.git.index import uncommitted_paths
from jupyter_mlws.git.merge import TIMEOUT, read_conflicts, without_editor
from jupyter_mlws.versioning.code.merging import MergeManager
from jupyter_mlws.versioning.code.models import OperationStep
from jupyter_mlws.versioning.code.safety import keep_code
from jupyter_mlws.versioning.code.switching import Switching
from jupyter_mlws.versioning.data_index import format_paths, large_file_threshold
from jupyter_mlws.versioning.models import OPERATION_ACTIONS, OperationAction
from jupyter_mlws.versioning.repository import Needs, Repository, RepositoryPart
from jupyter_mlws.versioning.worktree.switch_journal import FOLLOWING, end_switch
from mlws.core.progress import ProgressCallback, no_progress

BISECT_COMMANDS = {
    OperationAction.SKIP: ("bisect", "skip"),
    OperationAction.ABORT: ("bisect", "reset"),
}


class OperationManager(RepositoryPart):
    """The unfinished operation of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def __init__(self, repository: Repository, merges: MergeManager) -> None:
        super().__init__(repository)
        self._merges = merges
        self._switching = Switching(repository)

    def check(self, action: OperationAction) -> str:
        """Return the unfinished operation.

        Raises NoOperationError unless it offers the action, UnfinishedOperationError to continue
        with conflicts.
        """
        operation = self._repository.unfinished()
        if operation is None or action not in OPERATION_ACTIONS[operation]:
            raise NoOperationError(action=action.value)
        if action is OperationAction.CONTINUE:
            paths = format_paths(read_conflicts(self._git))
            if paths:
                raise UnfinishedOperationError(operation=operation, paths=paths)
        return operation

    def run(
        self, action: OperationAction, progress: ProgressCallback = no_progress
    ) -> OperationStep:
        """Continue, skip or abort the unfinished operation.

        A safety commit keeps the uncommitted changes that this replaces. When git has finished, the
        data is brought in step with HEAD. Errors: those of :meth:`check`, UncommittedChangesError
        if changed data would be lost, GitCommandError with git's reason, RemoteUnreachableError,
        DataDamagedError and DataMissingError of data.
        """
        operation = self.check(action)
        safety = None
        if operation == "merge" and action is OperationAction.CONTINUE:
            self._merges.finish(None, progress)
        elif operation == "merge":
            safety = self._merges.abort().safety
        else:
            with self._repository.exclusive(operation, needs=Needs.NOTHING):
                # Another process may have finished it while this one waited.
                operation = self.check(action)
                if self._git.unfinished():
                    safety = self._run_git(operation, action, progress)
                elif action is OperationAction.CONTINUE:
                    self._repository.recovery.go_on()
                else:
                    self._repository.recovery.abort()
        return OperationStep(
            operation=operation,
            unfinished=self._repository.unfinished(),
            commit=self._git.find("HEAD"),
            safety=safety,
            conflicts=self._merges.conflicts().items,
        )

    def _run_git(
        self, operation: str, action: OperationAction, progress: ProgressCallback
    ) -> str | None:
        start = self._git.operation_start() or self._git.resolve("HEAD")
        safety = None
        if action is not OperationAction.CONTINUE:
            limit = large_file_threshold(self._git)
            paths = {*uncommitted_paths(self._git.root, self._git.status(), limit)}
            if paths:
                message = f"{operation} --{action.value}"
                safety = keep_code(self._repository.project, self._git, paths, message)
        command = (operation, f"--{action.value}")
        if operation == "bisect":
            command = BISECT_COMMANDS[action]
        try:
            without_editor(self._git).attempt(*command, timeout=TIMEOUT)
        except GitFailedError as error:
            # It may have stopped at the next commit's conflicts.
            if not read_conflicts(self._git):
                raise error.to_mlws_error() from error
        self._merges.merge_cells(operation)
        head = self._git.resolve("HEAD")
        is_finished = not self._git.unfinished()
        if head != start and (operation == "bisect" or is_finished):
            self._switching.follow(head, lambda: None, progress, start=start)
        if is_finished:
            end_switch(self._repository.project, FOLLOWING)
        return safety
