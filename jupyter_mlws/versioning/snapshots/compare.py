"""Comparison of versions with each other, the index and the working tree."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.git.adapter import Git, GitFailedError
from jupyter_mlws.git.blame import blame
from jupyter_mlws.git.diffs import (
    Difference,
    diff_of_texts,
    differences,
    unified_diff,
    worktree_diff,
)
from jupyter_mlws.git.hunks import parse
from jupyter_mlws.git.merge import merge_base
from jupyter_mlws.notebook_format.process import NotebookRefusedError, compare_notebooks
from jupyter_mlws.versioning.data_index import (
    ChangeKind,
    DataIndex,
    kind_of,
    normalize_path,
)
from jupyter_mlws.versioning.models import (
    Blame,
    BlameLines,
    CellDiff,
    ChangedData,
    ChangedFile,
    ChangeState,
    DifferingValue,
    DiffHunk,
    FileDiff,
    HiddenText,
    SnapshotDiff,
)
from jupyter_mlws.versioning.snapshots.environments import changed_packages
from jupyter_mlws.versioning.snapshots.measures import Measures
from jupyter_mlws.versioning.worktree.data_status import WorktreeStatus
from mlws.core.errors import DataMissingError
from mlws.core.paths import size_of
from mlws.core.project import Project
from mlws.dvc.cache import DataCache, StoredObject
from mlws.dvc.data import open_data
from mlws.dvc.pointers import SETTINGS_FILE, DataPointer

MAX_TEXT_BYTES = 1024 * 1024
"""Bytes of a text that is sent; longer ones are cut."""
MAX_COMPARED_BYTES = 64 * 1024 * 1024
"""Bytes of a file in git that is read and compared."""
MAX_COUNTED_FILE_BYTES = 4 * 1024 * 1024
"""Bytes of an untracked file whose lines are counted."""


@dataclass(frozen=True)
class Sizes:
    """Bytes of a file in two versions; None where it does not exist."""

    old: int | None
    new: int | None

    @classmethod
    def of(cls, old: bytes | None, new: bytes | None) -> Sizes:
        return cls(None if old is None else len(old), None if new is None else len(new))

    @property
    def longest(self) -> int:
        return max(self.old or 0, self.new or 0)


class ContentRefusedError(Exception):
    """A file cannot be compared: it is too large, or not stored here."""

    def __init__(self, reason: HiddenText) -> None:
        super().__init__(reason)
        self.reason = reason


class VersionFiles:
    """Files with the content of paths in versions of a project, while ``stack`` is open.

    See :meth:`Comparison.open_files`.
    """

    def __init__(
        self,
        project: Project,
        content: DataIndex,
        stack: ExitStack,
        limit: int,
        settings_of: str,
    ) -> None:
        self._project = project
        self._git = Git(project.root)
        self._content = content
        self._stack = stack
        self._limit = limit
        self._settings_of = settings_of

    def get(self, path: str, version: str | None) -> Path | None:
        """Return a file with the content of a path in a version; None if it was not there.

        ``version`` is the ID of a commit or tree, "" for the index, or None for the working tree.
        The file must not be changed. Raises ContentRefusedError if it is too large, or is data that
        is not stored here.
        """
        path = normalize_path(self._project, path)
        if version is None:
            file = self._project.root / path
            # DVC may link to its cache; any other link is a text that git tracks.
            if not file.is_file() or (file.is_symlink() and self._git.tracked(path)):
                return None
        elif (size := self._git.blob_size(version, path)) is not None:
            self._check_size(size)
            file = self._folder / str(next(self._numbers))
            self._git.write_blob(version, path, file)
        else:
            stored_file = self._stored_file(path, version) if version else None
            if stored_file is None:
                return None
            file = stored_file
            if not file.is_file():
                raise ContentRefusedError(HiddenText.NOT_STORED)
        self._check_size(file.stat().st_size)
        return file

    def _stored_file(self, path: str, version: str) -> Path | None:
        """Return where the cache has a file of data in a version; None if it names no such file."""
        for item in self._content.data_at(version):
            inside = path.removeprefix(f"{item.path}/") if item.folder else ""
            if path != posixpath.join(item.path, inside).rstrip("/"):
                continue
            try:
                md5 = self._cache.listing_of(item).get(inside)
            except DataMissingError as error:
                raise ContentRefusedError(HiddenText.NOT_STORED) from error
            return None if md5 is None else self._cache.path_of(StoredObject(md5, item))
        return None

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise ContentRefusedError(HiddenText.TOO_LARGE)

    @cached_property
    def _numbers(self) -> Iterator[int]:
        return count()

    @cached_property
    def _folder(self) -> Path:
        return Path(self._stack.enter_context(TemporaryDirectory(prefix="mlws-")))

    @cached_property
    def _cache(self) -> DataCache:
        spare = self._git.blob(self._settings_of, SETTINGS_FILE)
        return self._stack.enter_context(open_data(self._project.root, spare)).cache


class Comparison:
    """Comparison of versions of one project."""

    def __init__(self, project: Project, content: DataIndex, working: WorktreeStatus) -> None:
        self._project = project
        self._git = Git(project.root)
        self._content = content
        self._working = working

    def files(self, start: str = "HEAD", end: str | None = None) -> list[ChangedFile]:
        """Return the files that differ between two versions.

        If ``end`` is None, the second one is the working tree, with its untracked files and
        modified data.
        """
        first = self.resolve_start(start)
        if end is not None:
            rows = differences(self._git, first, self._git.resolve(end))
            return [_to_changed_file(row) for row in rows]
        changes = {row.path: _to_changed_file(row) for row in differences(self._git, first)}
        status = self._git.status()
        for entry in status.entries:
            if entry.state == "untracked" and not entry.path.endswith("/"):
                changes[entry.path] = self._to_untracked_file(entry.path)
        items = [item for item in self._content.data_now(status) if not item.pipeline]
        for path, state in self._working.states(items).items():
            changes[path] = ChangedFile(path=path, state=ChangeState(state), kind=ChangeKind.DATA)
        return [changes[path] for path in sorted(changes)]

    def file(self, path: str, start: str = "HEAD", end: str | None = None) -> FileDiff:
        """Compare one file that git or DVC tracks in two versions.

        If ``end`` is None, the second one is the working tree.
        """
        path = normalize_path(self._project, path)
        first = self.resolve_start(start)
        last = None if end is None else self._git.resolve(end)
        sizes = Sizes(self._git.blob_size(first, path), self._size_at(last, path))
        if sizes.old is None and (sizes.new is None or not self._git.tracked(path)):
            data = self._diff_data(path, first, last)
            if data is not None:
                return data
        if sizes.longest > MAX_COMPARED_BYTES:
            return _hidden_diff(path, HiddenText.TOO_LARGE, sizes)
        old = self._git.blob(first, path)
        new = self._read_worktree_file(path) if last is None else self._git.blob(last, path)
        if old is None and new is None:
            raise VersionItemNotFoundError(kind="file", name=path)
        if last is None:
            diff = worktree_diff(self._git, path, first)
        else:
            diff = unified_diff(self._git, path, first, last)
        return self._to_file_diff(path, diff, old, new)

    def staged_files(self, *, in_index: bool) -> list[ChangedFile]:
        """Return the files that differ between HEAD and the index if ``in_index``.

        Otherwise those that differ between the index and the working tree.
        """
        status = self._git.status()
        start = ("--cached", self.resolve_start("HEAD")) if in_index else ()
        changes = {row.path: _to_changed_file(row) for row in differences(self._git, *start)}
        for entry in status.entries:
            if not in_index and entry.state == "untracked" and not entry.path.endswith("/"):
                changes[entry.path] = self._to_untracked_file(entry.path)
        return [changes[path] for path in sorted(changes)]

    def staged_file(self, path: str, *, in_index: bool) -> FileDiff:
        """Compare one file of HEAD with the index if ``in_index``.

        Otherwise compare the index with the working tree.
        """
        path = normalize_path(self._project, path)
        start = self.resolve_start("HEAD") if in_index else ""
        sizes = Sizes(
            self._git.blob_size(start, path), self._size_at("" if in_index else None, path)
        )
        if sizes.longest > MAX_COMPARED_BYTES:
            return _hidden_diff(path, HiddenText.TOO_LARGE, sizes)
        index = self._git.blob("", path)
        old = self._git.blob(self.resolve_start("HEAD"), path) if in_index else index
        new = index if in_index else self._read_worktree_file(path)
        if old is None and new is None:
            raise VersionItemNotFoundError(kind="file", name=path)
        if old is None and not in_index:
            diff = worktree_diff(self._git, path, "HEAD")
        else:
            diff = unified_diff(self._git, path, *(("--cached",) if in_index else ()))
        return self._to_file_diff(path, diff, old, new)

    @contextmanager
    def open_files(self, limit: int, settings_of: str = "HEAD") -> Iterator[VersionFiles]:
        """Open files with the content of paths in versions, each of at most ``limit`` bytes.

        DVC's settings of the commit ``settings_of`` are used if those in the working tree are
        broken.
        """
        with ExitStack() as stack:
            yield VersionFiles(self._project, self._content, stack, limit, settings_of)

    def identity(self, path: str, version: str | None) -> object:
        """Return a value that differs if the content of a path in a version may differ.

        ``version`` is as :meth:`VersionFiles.get` has it.
        """
        if version:
            return version
        path = normalize_path(self._project, path)
        if version is not None:
            return self._git.run("ls-files", "--stage", "-z", "--", path)
        try:
            status = (self._project.root / path).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _to_file_diff(
        self, path: str, diff: bytes, old: bytes | None, new: bytes | None
    ) -> FileDiff:
        if _is_binary(old) or _is_binary(new):
            return _hidden_diff(path, HiddenText.BINARY, Sizes.of(old, new))
        cells = None
        if path.endswith(".ipynb"):
            with suppress(NotebookRefusedError):
                cells = [CellDiff(**row) for row in compare_notebooks(old, new)]
        return _text_diff(path, diff, old, new, cells)

    def versions(self, start: str, end: str) -> SnapshotDiff:
        """Compare two versions: files, data, metrics and parameters."""
        first, last = self.resolve_start(start), self._git.resolve(end)
        old = {item.path: item for item in self._content.data_at(first)}
        new = {item.path: item for item in self._content.data_at(last)}
        data = []
        for path in sorted({*old, *new}):
            before, after = old.get(path), new.get(path)
            if before and after and before.md5 == after.md5:
                continue
            state = ChangeState.MODIFIED
            if before is None or after is None:
                state = ChangeState.ADDED if before is None else ChangeState.DELETED
            data.append(
                ChangedData(
                    path=path,
                    state=state,
                    from_md5=before.md5 if before else None,
                    to_md5=after.md5 if after else None,
                    from_size=before.size if before else None,
                    to_size=after.size if after else None,
                )
            )
        measures = Measures(self._project, self._content)
        files = [_to_changed_file(row) for row in differences(self._git, first, last)]
        return SnapshotDiff(
            files=files,
            data=data,
            metrics=_differing_values(measures.metrics(first), measures.metrics(last)),
            params=_differing_values(measures.params(first), measures.params(last)),
            environments=[
                DifferingValue(name=name, from_=before, to=after)
                for name, before, after in changed_packages(
                    self._git, first, last, [file.path for file in files]
                )
            ],
        )

    def blame(self, path: str, at: str | None = None) -> Blame:
        """Return who changed each line of a file last, in a version or as it is on disk.

        Raises VersionItemNotFoundError for an unknown version, and for a file that it lacks or that
        git does not track.
        """
        path = normalize_path(self._project, path)
        revision = None if at is None else self._git.resolve(at)
        try:
            lines = blame(self._git, path, revision)
        except GitFailedError as error:
            if "no such path" in error.reason or "Cannot lstat" in error.reason:
                raise VersionItemNotFoundError(kind="file", name=path) from error
            raise error.to_mlws_error() from error
        return Blame(path=path, lines=[BlameLines.from_object(one) for one in lines])

    def resolve_start(self, name: str) -> str:
        """Resolve the start of a comparison; before the first commit HEAD is git's empty tree.

        The id of the empty tree is also accepted, and ``A...B`` for the merge base of two versions.
        """
        first, dots, last = name.partition("...")
        if dots:
            ends = (self._git.resolve(end or "HEAD") for end in (first, last))
            return merge_base(self._git, *ends)
        empty = self._git.tree_of(None)
        unborn = name == "HEAD" and self._git.find("HEAD") is None
        return empty if unborn or name == empty else self._git.resolve(name)

    def _read_worktree_file(self, path: str) -> bytes | None:
        target = self._project.root / path
        if target.is_symlink():
            return str(target.readlink()).encode(errors="surrogateescape")
        return target.read_bytes() if target.is_file() else None

    def _to_untracked_file(self, path: str) -> ChangedFile:
        target = self._project.root / path
        lines = None
        if target.is_file() and target.stat().st_size <= MAX_COUNTED_FILE_BYTES:
            content = target.read_bytes()
            if not _is_binary(content):
                lines = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
        return ChangedFile(
            path=path,
            state=ChangeState.UNTRACKED,
            kind=kind_of(path),
            additions=lines,
            deletions=None if lines is None else 0,
        )

    def _diff_data(self, path: str, first: str, last: str | None) -> FileDiff | None:
        """Compare a file that DVC tracks; None if ``path`` is not one."""
        old = _find_item(self._content.data_at(first), path)
        pointers = self._content.data_now() if last is None else self._content.data_at(last)
        new = _find_item(pointers, path)
        if old is None and new is None:
            return None
        if last is None:
            # What is there now may not be recorded yet.
            new = None
            target = self._project.root / path
            if target.is_dir():
                files = [
                    Path(folder, name)
                    for folder, _, names in os.walk(target, followlinks=True)
                    for name in names
                ]
                size = sum(file.stat().st_size for file in files if file.exists())
                new = DataPointer(path, path, None, size, len(files))
            elif target.is_file():
                new = DataPointer(path, path, None, target.stat().st_size)
        sizes = Sizes(*((item.size if item else None) for item in (old, new)))
        if any(item and (item.folder or item.files is not None) for item in (old, new)):
            counts = {
                name: item.files if item else None
                for name, item in (("old_files", old), ("new_files", new))
            }
            return _hidden_diff(path, HiddenText.FOLDER, sizes).model_copy(update=counts)
        if sizes.longest > MAX_TEXT_BYTES:
            return _hidden_diff(path, HiddenText.TOO_LARGE, sizes)
        before = self._read_stored_text(old)
        after = self._read_worktree_file(path) if last is None else self._read_stored_text(new)
        if (old is not None and before is None) or (new is not None and after is None):
            return _hidden_diff(path, HiddenText.NOT_STORED, sizes)
        if _is_binary(before) or _is_binary(after):
            return _hidden_diff(path, HiddenText.BINARY, sizes)
        diff = diff_of_texts(self._git, before or b"", after or b"")
        return _text_diff(path, diff, before, after)

    def _size_at(self, version: str | None, path: str) -> int | None:
        """Return the bytes of a file in a version or, if that is None, in the working tree."""
        if version is None:
            return size_of(self._project.root / path)
        return self._git.blob_size(version, path)

    def _read_stored_text(self, item: DataPointer | None) -> bytes | None:
        if item is None:
            return None
        with open_data(self._project.root) as data:
            return data.cache.text_of(item, MAX_TEXT_BYTES)


def _find_item(items: list[DataPointer], path: str) -> DataPointer | None:
    return next((item for item in items if item.path == path), None)


def _to_changed_file(row: Difference) -> ChangedFile:
    return ChangedFile.from_object(row, kind=kind_of(row.path))


def _is_binary(content: bytes | None) -> bool:
    # As git does: a NUL byte at the beginning.
    return content is not None and b"\0" in content[:8000]


def _hidden_diff(path: str, hidden: HiddenText, sizes: Sizes) -> FileDiff:
    return FileDiff(
        path=path,
        binary=hidden is HiddenText.BINARY,
        hidden=hidden,
        unified="",
        old=None,
        new=None,
        truncated=False,
        old_size=sizes.old,
        new_size=sizes.new,
    )


def _text_diff(
    path: str,
    diff: bytes,
    old: bytes | None,
    new: bytes | None,
    cells: list[CellDiff] | None = None,
) -> FileDiff:
    longest = max(len(old or b""), len(new or b""), len(diff))
    hunks = []
    # The last hunk of a truncated diff would not be whole.
    if len(diff) <= MAX_TEXT_BYTES:
        hunks = [
            DiffHunk.from_object(
                hunk, lines=hunk.text.decode(errors="replace").removesuffix("\n").split("\n")[1:]
            )
            for hunk in parse(path, diff).hunks
        ]
    return FileDiff(
        path=path,
        binary=False,
        unified=diff[:MAX_TEXT_BYTES].decode(errors="replace"),
        old=_truncate(old),
        new=_truncate(new),
        truncated=longest > MAX_TEXT_BYTES,
        old_size=None if old is None else len(old),
        new_size=None if new is None else len(new),
        hunks=hunks,
        cells=cells,
    )


def _truncate(content: bytes | None) -> str | None:
    return None if content is None else content[:MAX_TEXT_BYTES].decode(errors="replace")


def _differing_values(before: dict[str, Any], after: dict[str, Any]) -> list[DifferingValue]:
    return [
        DifferingValue(from_=before.get(name), to=after.get(name), name=name)
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
