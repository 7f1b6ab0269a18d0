"""What of the working tree goes into the next commit: by file and by hunk. git's own index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jupyter_mlws.core.errors import (
    DataNotStageableError,
    Fault,
    FileTooLargeError,
    HunkOutdatedError,
    InvalidRequestError,
    UnfinishedOperationError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.progress import no_progress
from jupyter_mlws.versioning.code.keeping import keep_code, message_before
from jupyter_mlws.versioning.code.staging_models import Discarded, HunkChoice, StageRequest
from jupyter_mlws.versioning.data.data_index import large_from, listed, normal, size_of
from jupyter_mlws.versioning.data.dvc_pointers import covers
from jupyter_mlws.versioning.data.storage import full_disk_told
from jupyter_mlws.versioning.data.worktree_status import NOT_PULLED
from jupyter_mlws.versioning.git.adapter import Entry, GitFailedError, Status
from jupyter_mlws.versioning.git.hunks import FilePatch, parse
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.restore import SAFETY, Restore, moment

NOTHING_NAMED = Message("specify paths, hunks or all")
WHOLE_ONLY = Message("new, deleted and binary files can only be staged as a whole")


class StagingManager:
    """The index of one project. Thread-safe: what writes holds the project's lock."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._project = repository.project
        self._root = repository.project.root
        self._git = repository.git
        self._content = repository.content
        self._working = repository.working

    def stage(self, request: StageRequest) -> None:
        """Bring paths or hunks of the working tree into the index.

        Errors: 50201 without anything named, 30404 for a path without change, 30210 for a large
        new file, 30251 for a hunk that is no longer there, 30253 for data. Nothing is staged then.
        """
        with self._repository.exclusive("stage"), full_disk_told():
            status = self._git.status()
            paths, hunks = self._chosen(request, status, staged=False)
            self._refuse_data(paths, status)
            self._refuse_large(paths, status)
            patches = self._patches(hunks, staged=False)
            self._change_index(paths, "add", "--all", "--force")
            for patch in patches:
                self._apply(patch, "--cached")

    def unstage(self, request: StageRequest) -> None:
        """Take paths or hunks out of the index again; the working tree stays as it is.

        Errors as those of :meth:`stage`.
        """
        with self._repository.exclusive("stage"), full_disk_told():
            status = self._git.status()
            paths, hunks = self._chosen(request, status, staged=True)
            patches = self._patches(hunks, staged=True)
            self._change_index(paths, "reset", "--quiet")
            for patch in patches:
                self._apply(patch, "--cached", "--reverse")

    def discard(self, request: StageRequest) -> Discarded:
        """Undo what is not staged, data too; a hidden commit keeps what was there.

        Errors as those of :meth:`stage`, 30201 during a merge, 30402 where data is in no store.
        """
        with self._repository.exclusive("discard"), full_disk_told():
            status = self._git.status()
            operation = self._git.unfinished()
            if operation:
                raise UnfinishedOperationError(operation=operation, paths=[])
            items = [item for item in self._content.data_now(status) if not item.pipeline]
            states = self._working.states(items)
            named = [normal(self._project, path) for path in request.paths or ()]
            data = [
                path
                for path, state in states.items()
                # Data that was never pulled is no change of the person's to undo.
                if (request.all and state != NOT_PULLED) or covers(named, path)
            ]
            rest = request.model_copy(
                update={"paths": [path for path in named if path not in states] or None}
            )
            paths, hunks = (
                ([], {})
                if data and not (rest.paths or rest.hunks or rest.all)
                else (self._chosen(rest, status, staged=False, also=data))
            )
            self._refuse_large(paths, status)
            patches = self._patches(hunks, staged=False)
            touched = [*paths, *hunks]
            restore = Restore(self._project, self._content, self._working)
            if data:
                message = message_before("discard", [*touched, *data])
                safety = restore.keep(f"{SAFETY}{moment()}", message)
            else:
                safety = (
                    keep_code(self._project, self._git, touched, "discard") if touched else None
                )
            for patch in patches:
                self._apply(patch, "--reverse")
            self._undo(paths, status)
            if data:
                restore.run(self._git.resolve("HEAD"), data, no_progress, kept=safety)
        return Discarded(safety=safety, paths=listed({*touched, *data}))

    # What is meant

    def _chosen(
        self,
        request: StageRequest,
        status: Status,
        *,
        staged: bool,
        also: Sequence[str] = (),
    ) -> tuple[list[str], dict[str, list[str]]]:
        """The paths of changes that are meant, and the hunks by path."""
        if not (request.paths or request.hunks or request.all):
            faults = [Fault(name, NOTHING_NAMED) for name in ("paths", "hunks", "all")]
            raise InvalidRequestError(faults=faults)
        changed = [entry for entry in status.entries if _concerned(entry, staged)]
        named = [normal(self._project, path) for path in request.paths or ()]
        for path in named:
            if not any(covers([path], place) for e in changed for place in _places(e)) and not any(
                covers([path], place) for place in also
            ):
                self._refuse_data([path], status)
                raise VersionItemNotFoundError(kind="change", name=path)
        chosen = {
            place
            for entry in changed
            for place in _places(entry)
            if request.all or any(covers(named, spot) for spot in _places(entry))
        }
        hunks = {normal(self._project, row.path): list(row.ids) for row in request.hunks or ()}
        return sorted(chosen), self._without_whole(request.hunks or (), hunks, changed)

    def _without_whole(
        self, given: Sequence[HunkChoice], hunks: dict[str, list[str]], changed: list[Entry]
    ) -> dict[str, list[str]]:
        states = {entry.path: entry.state for entry in changed}
        faults = [
            Fault(f"hunks.{number}", WHOLE_ONLY)
            for number, row in enumerate(given)
            if states.get(normal(self._project, row.path)) in ("untracked", "conflicted")
        ]
        if faults:
            raise InvalidRequestError(faults=faults)
        return hunks

    def _refuse_data(self, paths: Sequence[str], status: Status) -> None:
        items = {item.path: item.source for item in self._content.data_now(status)}
        data = [path for path in paths if path in items]
        if data:
            raise DataNotStageableError(paths=listed(data), named=", ".join(listed(data)))

    def _refuse_large(self, paths: Sequence[str], status: Status) -> None:
        limit = large_from(self._git)
        new = {entry.path for entry in status.entries if entry.state == "untracked"}
        large = [p for p in paths if p in new and (size_of(self._root / p) or 0) >= limit]
        if large:
            raise FileTooLargeError(paths=", ".join(listed(large)))

    def _patches(self, hunks: Mapping[str, list[str]], *, staged: bool) -> list[bytes]:
        return [
            _patch(parse(path, self._git.unified_staged(path, staged=staged)), path, ids)
            for path, ids in hunks.items()
        ]

    # Doing it

    def _change_index(self, paths: Sequence[str], *command: str) -> None:
        if not paths:
            return
        given = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
        options = ("--pathspec-from-file=-", "--pathspec-file-nul")
        self._git.run(*command, *options, given=given, timeout=600)

    def _apply(self, patch: bytes, *options: str) -> None:
        try:
            self._git.attempt("apply", "--whitespace=nowarn", *options, "-", given=patch)
        except GitFailedError as error:
            raise HunkOutdatedError(path=_named(patch), reason=error.reason) from error

    def _undo(self, paths: Sequence[str], status: Status) -> None:
        """Bring paths to what the index holds; what it does not hold goes."""
        untracked = {entry.path for entry in status.entries if entry.state == "untracked"}
        known = set(self._git.files())
        for path in paths:
            if path in untracked and path not in known:
                (self._root / path).unlink(missing_ok=True)
        kept = [path for path in paths if path in known]
        if kept:
            given = "".join(f"{path}\0" for path in kept).encode(errors="surrogateescape")
            self._git.run("checkout-index", "--force", "-z", "--stdin", given=given, timeout=600)
            self._git.run("update-index", "-q", "--refresh", codes=(0, 1))


def _patch(found: FilePatch, path: str, ids: Sequence[str]) -> bytes:
    try:
        return found.of(ids)
    except KeyError as error:
        reason = Message("hunk {id} was not found", id=error.args[0])
        raise HunkOutdatedError(path=path, reason=reason) from error


def _named(patch: bytes) -> str:
    first = patch.split(b"\n", 1)[0].decode(errors="replace")
    return first.removeprefix("diff --git a/").split(" b/")[0]


def _concerned(entry: Entry, staged: bool) -> bool:
    if entry.path.endswith("/"):
        # Another repository inside this one; git would make a link without content.
        return False
    return entry.index_state is not None if staged else entry.worktree_state is not None


def _places(entry: Entry) -> list[str]:
    return [entry.path, *([entry.old_path] if entry.old_path else [])]
