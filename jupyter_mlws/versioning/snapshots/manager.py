"""Snapshots of a project: versions of code, data and runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from functools import cached_property

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.environments.record import TRAILER_ENVIRONMENT
from jupyter_mlws.git.adapter import Entry, Status
from jupyter_mlws.git.history import Commit, LogQuery, list_commits, list_commits_with_changes
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.versioning.data_index import (
    ChangeKind,
    format_paths,
    kind_of,
    large_file_threshold,
    normalize_path,
)
from jupyter_mlws.versioning.models import (
    OPERATION_ACTIONS,
    Author,
    Change,
    ChangeState,
    CodeVersion,
    GitStatus,
    HistoryQuery,
    LockHolder,
    Proof,
    RestoredVersion,
    RestorePlan,
    RestoreResult,
    Snapshot,
    SnapshotCreated,
    SnapshotData,
    SnapshotDetail,
    Stats,
    VersionChange,
)
from jupyter_mlws.versioning.publishing.publish import TRAILER_RUN
from jupyter_mlws.versioning.repository import Needs, Repository
from jupyter_mlws.versioning.snapshots.compare import Comparison
from jupyter_mlws.versioning.snapshots.create import TRAILER_DATA, SnapshotBuilder
from jupyter_mlws.versioning.snapshots.gc import GarbageCollector
from jupyter_mlws.versioning.snapshots.history import History
from jupyter_mlws.versioning.snapshots.proof_models import Collected, Repaired, Verification
from jupyter_mlws.versioning.snapshots.repair import Repair
from jupyter_mlws.versioning.snapshots.run_selection import await_tracking
from jupyter_mlws.versioning.snapshots.verification import Verifier, utc_now
from jupyter_mlws.versioning.worktree.restore import RESTORED_VERSION_FILE
from jupyter_mlws.versioning.worktree.switch_journal import JOURNALED
from mlws.core.errors import MLWSError
from mlws.core.paths import size_of
from mlws.core.progress import ProgressCallback, no_progress, report_waiting
from mlws.core.project import Project
from mlws.dvc.data import open_data
from mlws.dvc.pointers import SETTINGS_FILE, covers
from mlws.dvc.remote_errors import UNREACHABLE_ERRORS
from mlws.environments.definitions import State, find_definitions


class SnapshotManager:
    """The versions of one project. Thread-safe: what writes holds the project's lock."""

    def __init__(self, project: Project, repository: Repository | None = None) -> None:
        self.project = project
        self._repository = repository or Repository(project)
        self._git = self._repository.git
        self._content = self._repository.content
        self._working = self._repository.working

    def close(self) -> None:
        """Stop the helper process, if there is one."""
        self._repository.close()

    def status(self, paths: Sequence[str] | None = None) -> GitStatus:
        """Return the branch and the uncommitted changes of code, notebooks and data.

        ``paths``: only changes at and below these; OutsideWorkspaceError outside the project. Data
        is left out if an untracked file outside these paths names it.
        """
        only = None if paths is None else [normalize_path(self.project, path) for path in paths]
        status = self._git.status(only)
        has_new = any(entry.state == "untracked" for entry in status.entries)
        limit = large_file_threshold(self._git) if has_new else 0
        root = str(self.project.root)
        changes = [_change(entry, f"{root}/{entry.path}", limit) for entry in status.entries]
        # Outputs of workflows are left out.
        items = [item for item in self._content.data_now(status) if not item.pipeline]
        if only is not None:
            items = [
                item
                for item in items
                if covers(only, item.path) or any(covers([item.path], path) for path in only)
            ]
        changes += [
            Change(
                path=path,
                kind=ChangeKind.DATA,
                state=ChangeState(state),
                worktree_state=ChangeState(state),
                size=size_of(self.project.root / path),
            )
            for path, state in self._working.states(items).items()
        ]
        holder = self.project.holder()
        operation = self._repository.unfinished()
        return GitStatus.from_object(
            status,
            changes=sorted(changes, key=lambda change: change.path),
            operation=operation,
            # A journal is that of the lock's holder: nothing was interrupted yet.
            actions=[]
            if operation is None or (holder and operation in JOURNALED)
            else [*OPERATION_ACTIONS[operation]],
            lock=LockHolder.from_object(holder) if holder else None,
            outbox=self._repository.outbox.waiting(),
            restored=self._restored_version(status),
        )

    def _restored_version(self, status: Status) -> RestoredVersion | None:
        """Return the last restored snapshot, if HEAD has not moved since.

        None if the working tree has no uncommitted changes.
        """
        if not status.entries:
            return None
        try:
            note = json.loads(
                (self.project.state / RESTORED_VERSION_FILE).read_text(encoding="utf-8")
            )
        except (FileNotFoundError, ValueError):
            return None
        if note["head"] != status.head or self._git.find(note["commit"]) is None:
            return None
        commit = list_commits(self._git, LogQuery(note["commit"], limit=1))[0]
        return RestoredVersion(commit=commit.sha, short=commit.sha[:8], subject=commit.subject)

    def list(self, query: HistoryQuery | None = None) -> Page[Snapshot]:
        """Return versions, newest first; new versions do not change a page."""
        page = self._history.page(query or HistoryQuery())
        self._content.prefetch(page.rows)
        items = [self._to_snapshot(commit, entries) for commit, entries in page.rows]
        return Page(items=items, next_cursor=page.following)

    def history(self, query: HistoryQuery | None = None) -> Page[CodeVersion]:
        """Return versions in the specification's format, newest first."""
        page = self._history.page(query or HistoryQuery(), trailers=False)
        items = [_to_code_version(commit, entries) for commit, entries in page.rows]
        return Page(items=items, next_cursor=page.following)

    def get(self, name: str) -> SnapshotDetail:
        """Return one version with its changes and an integrity check.

        Raises VersionItemNotFoundError.
        """
        commit, entries, snapshot = self._load_version(name)
        return SnapshotDetail(
            **{**snapshot.__dict__, "proof": self._check_objects(commit)},
            changes=[_to_version_change(entry) for entry in entries],
        )

    def code_version(self, name: str) -> CodeVersion:
        """Return one version in the specification's format."""
        commit, entries, _ = self._load_version(name)
        return _to_code_version(commit, entries)

    def create(
        self,
        message: str | None,
        paths: Sequence[str] | None = None,
        *,
        leave_out: Sequence[str] = (),
        allow_secrets: bool = False,
        allow_many: bool = False,
        refuse_large: bool = False,
        staged_only: bool = False,
        amend: bool = False,
        force: bool = False,
        on_step: Callable[[str], None] = lambda step: None,
    ) -> SnapshotCreated:
        """Commit all changes, those at and below ``paths``, or the staged ones.

        Files at and below the paths in ``leave_out`` are left as they are. ``staged_only`` selects
        what is staged. New files that are too large for git are left out; with ``refuse_large``,
        nothing is committed. ``amend`` replaces the last commit, whose author stays, and without a
        ``message`` its message; also one that a remote branch has if ``force``, else
        CommitPushedError. ``on_step`` receives the name of each step.

        Raises UnfinishedOperationError, NothingToCommitError, GitIdentityMissingError,
        SecretsFoundError, HookRejectedError, BranchMovedError, SigningFailedError,
        FileTooLargeError, ManyNewFilesError, DataDamagedError or DataMissingError.
        """
        # Before the project's lock is held: MLflow may take seconds to answer.
        await_tracking(self.project)
        with self._repository.exclusive("snapshot"):
            result = SnapshotBuilder(self._repository, on_step).run(
                message,
                paths,
                leave_out=leave_out,
                allow_secrets=allow_secrets,
                allow_many=allow_many,
                refuse_large=refuse_large,
                staged_only=staged_only,
                amend=amend,
                force=force,
            )
        if result.proof.data_remote:
            self._repository.outbox.try_deliver()
        elif result.proof.data_remote is False:
            self._repository.full()
        _, _, snapshot = self._load_version(result.sha)
        facts = {**snapshot.__dict__, "proof": result.proof}
        return SnapshotCreated(
            **facts, warnings=result.warnings, left_out=format_paths(result.left_out)
        )

    def restore_plan(self, name: str, paths: Sequence[str] | None = None) -> RestorePlan:
        """Return the plan of a restore; changes nothing. Errors: :meth:`check_restorable`."""
        self.check_restorable(name, paths)
        return self._repository.restore.plan(self._git.resolve(name), paths)

    def check_restorable(self, name: str, paths: Sequence[str] | None = None) -> None:
        """Raise VersionItemNotFoundError for an unknown version or path, OutsideWorkspaceError for
        a path outside.

        A path is known if the version or the working tree's index or data has it.
        """
        sha = self._git.resolve(name)
        if not paths:
            return
        items = [*self._content.data_at(sha), *self._content.data_now()]
        data = {place for item in items for place in (item.path, item.source)}
        for path in paths:
            inside = normalize_path(self.project, path)
            is_known = (
                inside == "."
                or self._git.tracked(inside)
                or self._git.tree(sha, inside)
                or any(covers([inside], place) for place in data)
            )
            if not is_known:
                raise VersionItemNotFoundError(kind="file", name=path)

    def restore(
        self,
        name: str,
        paths: Sequence[str] | None = None,
        progress: ProgressCallback = no_progress,
    ) -> RestoreResult:
        """Restore the working tree to the version; HEAD and branch stay.

        Raises UnfinishedOperationError during a merge, DataMissingError if data is in no store,
        DataDamagedError if it is damaged. Nothing has changed then.
        """
        with self._repository.exclusive("restore", report_waiting(progress)):
            result = self._repository.restore.run(self._git.resolve(name), paths, progress)
        outdated = [
            definition.name
            for definition in find_definitions(self.project.root)
            if definition.lock is not None
            and os.path.relpath(definition.folder / definition.lock, self.project.root)
            in result.restored
            and definition.state() is State.CHANGED
        ]
        return result.model_copy(update={"environments": outdated})

    def resolve(self, name: str) -> str:
        """Return the id of the version that ``name`` refers to. Raises VersionItemNotFoundError."""
        return self._git.resolve(name)

    def verify(
        self,
        name: str,
        *,
        quick: bool = False,
        local: bool = False,
        progress: ProgressCallback = no_progress,
    ) -> Verification:
        """Verify every object of a version in git, in the cache and on the remote.

        ``quick`` checks only names and sizes on the remote, ``local`` does not ask it. Raises
        DVCNotInitializedError, DVCConfigError or VersionItemNotFoundError.
        """
        sha = self._git.resolve(name)
        if not local:
            self._repository.outbox.try_deliver(progress)
        return Verifier(self._repository).run(sha, quick=quick, local=local, progress=progress)

    def repair(
        self, name: str, *, quick: bool = False, progress: ProgressCallback = no_progress
    ) -> Repaired:
        """Repair missing or damaged objects of a version from any remaining copy.

        ``quick`` as for :meth:`verify`. Raises DiskFullError, DVCNotInitializedError,
        DVCConfigError or VersionItemNotFoundError.
        """
        sha = self._git.resolve(name)
        with self._repository.exclusive("repair", report_waiting(progress), needs=Needs.NOTHING):
            return Repair(self._repository, progress).run(sha, quick=quick)

    def collect(
        self, *, confirm: bool = False, progress: ProgressCallback = no_progress
    ) -> Collected:
        """Find data in the cache that belongs to no version; ``confirm`` deletes it.

        Raises RemoteUnreachableError, DVCNotInitializedError, SharedCacheError or
        RunInProgressError.
        """
        with self._repository.exclusive(
            "collection", report_waiting(progress), needs=Needs.NOTHING
        ):
            return GarbageCollector(self._repository, progress).run(confirm=confirm)

    def keep_state(self, name: str) -> str:
        """Commit the working tree as it is to ``refs/mlws/<name>``; HEAD if it is clean.

        Gives every run an exact commit. Changed data is in the cache afterwards.
        """
        with self.project.lock("save state"):
            sha = self._repository.restore.keep(name)
        return sha or self._git.resolve("HEAD")

    def recover(self) -> None:
        """Finish or discard the operations that a crash interrupted."""
        with self._repository.exclusive("recovery", needs=Needs.NOTHING):
            pass

    @cached_property
    def comparison(self) -> Comparison:
        """Comparison of versions, the index and the working tree."""
        return Comparison(self.project, self._content, self._working)

    @cached_property
    def _history(self) -> History:
        return History(self.project, self._git, self._content)

    def _load_version(self, name: str) -> tuple[Commit, Sequence[Entry], Snapshot]:
        sha = self._git.resolve(name)
        commit, entries = list_commits_with_changes(self._git, LogQuery(sha, limit=1))[0]
        return commit, entries, self._to_snapshot(commit, entries)

    def _to_snapshot(self, commit: Commit, entries: Sequence[Entry]) -> Snapshot:
        kinds = [kind_of(entry.path) for entry in entries]
        return Snapshot.from_object(
            commit,
            id=commit.sha,
            short=commit.sha[:8],
            author=Author(name=commit.author, email=commit.email),
            runs=commit.trailers.get(TRAILER_RUN, []),
            environments=commit.trailers.get(TRAILER_ENVIRONMENT, []),
            data=[SnapshotData.from_object(item) for item in self._content.data_at(commit.sha)],
            stats=Stats(**{kind.value: kinds.count(kind) for kind in ChangeKind}),
        )

    def _check_objects(self, commit: Commit) -> Proof:
        """Check whether a version's objects exist and whether its data is stored."""
        blobs = {e.sha for e in self._git.tree(commit.sha) if e.mode != SUBMODULE}
        local = remote = None
        items = self._content.data_at(commit.sha)
        if items:
            settings = self._git.blob(commit.sha, SETTINGS_FILE)
            with open_data(self.project.root, settings) as data:
                local = not data.cache.missing(items)
                if data.remote.name is not None:
                    try:
                        remote = not data.remote.missing(items)
                    except MLWSError as error:
                        if not isinstance(error, UNREACHABLE_ERRORS):
                            raise
                        # The snapshot's trailer records that its data was not pushed.
                        if "local" in commit.trailers.get(TRAILER_DATA, []):
                            remote = False
        return Proof(
            code=blobs == self._git.sizes(blobs).keys(),
            data_local=local,
            data_remote=remote,
            # The snapshot names only runs that had ended and were in MLflow.
            runs=True if commit.trailers.get(TRAILER_RUN) else None,
            checked=utc_now(),
        )


def _to_version_change(entry: Entry) -> VersionChange:
    return VersionChange.from_object(entry, kind=kind_of(entry.path))


def _to_code_version(commit: Commit, entries: Sequence[Entry]) -> CodeVersion:
    return CodeVersion.from_object(
        commit,
        commit_id=commit.sha,
        author=f"{commit.author} <{commit.email}>",
        changes=[_to_version_change(entry) for entry in entries],
    )


def _change(entry: Entry, file: str, limit: int) -> Change:
    """Return an entry of git's status as a change; a new file of ``limit`` bytes is too large.

    There can be many thousands, so that paths and fields are passed as they are.
    """
    size = size_of(file)
    return Change(
        path=entry.path,
        kind=kind_of(entry.path),
        state=entry.state,  # type: ignore[arg-type]
        staged=entry.staged,
        index_state=entry.index_state,  # type: ignore[arg-type]
        worktree_state=entry.worktree_state,  # type: ignore[arg-type]
        old_path=entry.old_path,
        size=size,
        too_large=entry.state == "untracked" and (size or 0) >= limit,
    )
