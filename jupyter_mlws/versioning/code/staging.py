"""git's index: staging, unstaging and discarding of files, hunks and lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from jupyter_mlws.core.errors import (
    DataNotStageableError,
    FileTooLargeError,
    HunkOutdatedError,
    TrackedByGitError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.ids import time_ordered_id
from jupyter_mlws.git.adapter import Entry, GitFailedError, Status, join_nul
from jupyter_mlws.git.diffs import unified_diff
from jupyter_mlws.git.hunks import parse
from jupyter_mlws.git.index import PATHSPEC_OPTIONS
from jupyter_mlws.versioning.code.models import Discarded, HunkChoice, StageRequest
from jupyter_mlws.versioning.code.safety import keep_code, safety_message
from jupyter_mlws.versioning.data_index import (
    format_paths,
    large_file_threshold,
    normalize_path,
)
from jupyter_mlws.versioning.repository import Needs, RepositoryPart
from jupyter_mlws.versioning.worktree.data_status import NOT_PULLED
from jupyter_mlws.versioning.worktree.restore import SAFETY
from mlws.core.atomic import atomic_write
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.paths import size_of
from mlws.core.progress import no_progress
from mlws.dvc.pointers import covers

NOTHING_SELECTED = Message("specify paths, hunks or all")
WHOLE_ONLY = Message("new, deleted and binary files can only be staged as a whole")


class StagingManager(RepositoryPart):
    """The index of one project. Thread-safe.

    Methods that write hold the project's lock.
    """

    def stage(self, request: StageRequest) -> None:
        """Stage paths, hunks or lines of the working tree.

        Raises InvalidRequestError for an empty request, VersionItemNotFoundError for a path without
        changes, FileTooLargeError for a large new file, HunkOutdatedError for a hunk or line that
        does not exist (any more), DataNotStageableError for data. Nothing is staged then.
        """
        with self._repository.exclusive("stage", needs=Needs.FILES):
            status = self._git.status()
            paths, hunks = self._select_changes(request, status, in_index=False)
            self._refuse_data(paths, status)
            self._refuse_large(paths, status)
            patches = self._build_patches(hunks, in_index=False)
            self._change_index(paths, "add", "--all", "--force")
            for patch in patches:
                self._apply(patch, "--cached")

    def unstage(self, request: StageRequest) -> None:
        """Unstage paths, hunks or lines; the working tree does not change.

        Errors as those of :meth:`stage`.
        """
        with self._repository.exclusive("stage", needs=Needs.FILES):
            status = self._git.status()
            paths, hunks = self._select_changes(request, status, in_index=True)
            patches = self._build_patches(hunks, in_index=True, reverse=True)
            self._change_index(paths, "reset", "--quiet")
            for patch in patches:
                self._apply(patch, "--cached", "--reverse")

    def ignore(self, paths: Sequence[str]) -> None:
        """Add new files and folders to `.gitignore`, and unstage them.

        Raises TrackedByGitError for files of HEAD, which git does not ignore,
        VersionItemNotFoundError for a path without new files.
        """
        with self._repository.exclusive("stage"):
            status = self._git.status()
            normal_paths = [normalize_path(self._project, path) for path in paths]
            entries = [entry for entry in status.entries if covers(normal_paths, entry.path)]
            added = [entry.path for entry in entries if entry.index_state == "added"]
            tracked = format_paths(
                entry.path
                for entry in entries
                if entry.state != "untracked" and entry.path not in added
            )
            if tracked:
                raise TrackedByGitError(paths=tracked)
            for path in normal_paths:
                if not any(covers([path], entry.path) for entry in entries):
                    raise VersionItemNotFoundError(kind="change", name=path)
            self._change_index(added, "reset", "--quiet")
            file = self._root / ".gitignore"
            before = file.read_text(encoding="utf-8") if file.exists() else ""
            gap = "\n" if before and not before.endswith("\n") else ""
            lines = "".join(f"/{_ignore_pattern(path)}\n" for path in normal_paths)
            atomic_write(file, before + gap + lines)

    def discard(self, request: StageRequest) -> Discarded:
        """Discard unstaged changes, data included; a hidden commit keeps them.

        Errors as those of :meth:`stage`, UnfinishedOperationError during a merge, DataMissingError
        if data is in no store.
        """
        with self._repository.exclusive("discard"):
            status = self._git.status()
            items = [item for item in self._content.data_now(status) if not item.pipeline]
            states = self._working.states(items)
            requested_paths = [normalize_path(self._project, path) for path in request.paths or ()]
            data = [
                path
                for path, state in states.items()
                # Data that was never pulled is not a change of the user.
                if (request.all and state != NOT_PULLED) or covers(requested_paths, path)
            ]
            rest = request.model_copy(
                update={"paths": [path for path in requested_paths if path not in states] or None}
            )
            paths: list[str] = []
            hunks: dict[str, HunkChoice] = {}
            if rest.paths or rest.hunks or rest.all or not data:
                paths, hunks = self._select_changes(rest, status, in_index=False, also=data)
            self._refuse_large(paths, status)
            patches = self._build_patches(hunks, in_index=False, reverse=True)
            code_paths = [*paths, *hunks]
            restore = self._repository.restore
            safety = None
            if data:
                message = safety_message("discard", [*code_paths, *data])
                safety = restore.keep(f"{SAFETY}{time_ordered_id()}", message)
            elif code_paths:
                safety = keep_code(self._project, self._git, code_paths, "discard")
            for patch in patches:
                self._apply(patch, "--reverse")
            self._restore_from_index(paths, status)
            if data:
                restore.run(self._git.resolve("HEAD"), data, no_progress, safety_commit=safety)
        return Discarded(safety=safety, paths=format_paths({*code_paths, *data}))

    def _select_changes(
        self,
        request: StageRequest,
        status: Status,
        *,
        in_index: bool,
        also: Sequence[str] = (),
    ) -> tuple[list[str], dict[str, HunkChoice]]:
        """Return the changed paths of a request, and its hunks by path."""
        if not (request.paths or request.hunks or request.all):
            faults = [Fault(name, NOTHING_SELECTED) for name in ("paths", "hunks", "all")]
            raise InvalidRequestError(faults=faults)
        entries = [
            entry
            for entry in status.entries
            # A nested repository: git would make a link without content.
            if not entry.path.endswith("/") and _state(entry, in_index) is not None
        ]
        requested_paths = [normalize_path(self._project, path) for path in request.paths or ()]
        for path in requested_paths:
            if not any(
                covers([path], place) for e in entries for place in _entry_paths(e)
            ) and not any(covers([path], place) for place in also):
                self._refuse_data([path], status)
                raise VersionItemNotFoundError(kind="change", name=path)
        selected_paths = {
            place
            for entry in entries
            for place in _entry_paths(entry)
            if request.all or any(covers(requested_paths, spot) for spot in _entry_paths(entry))
        }
        changed = {entry.path: entry for entry in entries}
        hunks: dict[str, HunkChoice] = {}
        faults = []
        for number, row in enumerate(request.hunks or ()):
            path = normalize_path(self._project, row.path)
            hunks[path] = row
            entry = changed.get(path)
            if entry and (
                entry.state in ("untracked", "conflicted")
                or (row.lines and _state(entry, in_index) in ("added", "deleted"))
            ):
                faults.append(Fault(f"hunks.{number}", WHOLE_ONLY))
        if faults:
            raise InvalidRequestError(faults=faults)
        return sorted(selected_paths), hunks

    def _refuse_data(self, paths: Sequence[str], status: Status) -> None:
        items = {item.path: item.source for item in self._content.data_now(status)}
        data = [path for path in paths if path in items]
        if data:
            raise DataNotStageableError(paths=format_paths(data))

    def _refuse_large(self, paths: Sequence[str], status: Status) -> None:
        limit = large_file_threshold(self._git)
        new = {entry.path for entry in status.entries if entry.state == "untracked"}
        large = [p for p in paths if p in new and (size_of(self._root / p) or 0) >= limit]
        if large:
            raise FileTooLargeError(paths=format_paths(large))

    def _build_patches(
        self, hunks: Mapping[str, HunkChoice], *, in_index: bool, reverse: bool = False
    ) -> list[bytes]:
        options = ("--cached",) if in_index else ()
        patches = []
        for path, choice in hunks.items():
            file_patch = parse(path, unified_diff(self._git, path, *options))
            try:
                patches.append(file_patch.of(choice.ids, choice.lines, reverse=reverse))
            except KeyError as error:
                reason = Message("hunk or line {id} was not found", id=error.args[0])
                raise HunkOutdatedError(path=path, reason=reason) from error
        return patches

    def _change_index(self, paths: Sequence[str], *command: str) -> None:
        if not paths:
            return
        self._git.run(*command, *PATHSPEC_OPTIONS, stdin=join_nul(paths), timeout=600)

    def _apply(self, patch: bytes, *options: str) -> None:
        try:
            self._git.attempt("apply", "--whitespace=nowarn", *options, "-", stdin=patch)
        except GitFailedError as error:
            first = patch.split(b"\n", 1)[0].decode(errors="replace")
            path = first.removeprefix("diff --git a/").split(" b/")[0]
            raise HunkOutdatedError(path=path, reason=error.reason) from error

    def _restore_from_index(self, paths: Sequence[str], status: Status) -> None:
        """Restore paths from the index; delete untracked files."""
        untracked_paths = {entry.path for entry in status.entries if entry.state == "untracked"}
        index_paths = set(self._git.files())
        for path in paths:
            if path in untracked_paths and path not in index_paths:
                (self._root / path).unlink(missing_ok=True)
        tracked_paths = [path for path in paths if path in index_paths]
        if tracked_paths:
            command = ("checkout-index", "--force", "-z", "--stdin")
            self._git.run(*command, stdin=join_nul(tracked_paths), timeout=600)
            self._git.run("update-index", "-q", "--refresh", codes=(0, 1))


def _ignore_pattern(path: str) -> str:
    """Return a line of `.gitignore` that matches this path alone."""
    pattern = re.sub(r"([\\*?\[])", r"\\\1", path)
    return re.sub(r" +$", lambda spaces: "\\ " * len(spaces.group()), pattern)


def _entry_paths(entry: Entry) -> list[str]:
    return [entry.path, *([entry.old_path] if entry.old_path else [])]


def _state(entry: Entry, in_index: bool) -> str | None:
    return entry.index_state if in_index else entry.worktree_state
