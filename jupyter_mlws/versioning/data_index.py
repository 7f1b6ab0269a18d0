"""Index of the data that versions and the working tree name; helpers for their paths."""

from __future__ import annotations

import posixpath
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from jupyter_mlws.git.adapter import Entry, Git, Status
from jupyter_mlws.git.history import Commit
from mlws.core.errors import OutsideWorkspaceError
from mlws.core.project import Project
from mlws.dvc.pointers import DataPointer, is_relevant, names_data, read_pointers

DEFAULT_LARGE_FILE_BYTES = 10 * 1024 * 1024
"""Bytes from which on an untracked file is not added to git by default."""
LARGE_FILE_SETTING = "mlws.largefile"
"""Git setting that replaces :data:`DEFAULT_LARGE_FILE_BYTES`."""
MAX_CACHED_VERSIONS = 500
"""Versions whose data is kept in memory."""


class ChangeKind(StrEnum):
    """Kind of a path's content: decides its icon, and how it is compared."""

    CODE = "code"
    NOTEBOOK = "notebook"
    DATA = "data"


class DataIndex:
    """Data that versions of one repository name. Thread-safe."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._versions: OrderedDict[str, list[DataPointer]] = OrderedDict()
        self._index: tuple[object, set[str], list[str]] | None = None
        self._texts: dict[tuple[tuple[str, str], ...], list[DataPointer]] = {}

    def data_at(self, revision: str) -> list[DataPointer]:
        """Return the data that a commit or tree names; ``revision`` is an id."""
        with self._lock:
            items = self._versions.get(revision)
        if items is None:
            entries = self._git.tree(revision)
            relevant = [entry for entry in entries if is_relevant(entry.path)]
            # Neighbouring versions mostly name the same data by the same files.
            key = tuple((entry.path, entry.sha) for entry in relevant)
            with self._lock:
                items = self._texts.get(key)
            if not any(names_data(entry.path) for entry in relevant):
                items = []
            elif items is None:
                blobs = self._git.blobs(sorted({entry.sha for entry in relevant}))
                git_paths = {entry.path for entry in entries}
                pointers = read_pointers({entry.path: blobs[entry.sha] for entry in relevant})
                # A file that git versions is not DVC's data, even if a lock file names it.
                items = [item for item in pointers if item.path not in git_paths]
            with self._lock:
                self._texts[key] = items
                self._versions[revision] = items
                while len(self._versions) > MAX_CACHED_VERSIONS:
                    self._versions.popitem(last=False)
        return items

    def prefetch(self, rows: Sequence[tuple[Commit, Sequence[Entry]]]) -> None:
        """Cache the data of consecutive versions, given their changes, newest first.

        A commit that changes neither a file that names data nor a path of data has the data of its
        parent.
        """
        for commit, entries in reversed(rows):
            paths = {path for e in entries for path in (e.path, e.old_path or e.path)}
            with self._lock:
                items = self._versions.get(commit.parents[0]) if commit.parents else None
                if (
                    items is not None
                    and not any(map(is_relevant, paths))
                    and not any(item.path in paths for item in items)
                ):
                    self._versions.setdefault(commit.sha, items)
                    continue
            self.data_at(commit.sha)

    def data_now(self, status: Status | None = None) -> list[DataPointer]:
        """Return the data that the working tree names."""
        untracked_paths = (
            [entry.path for entry in status.entries if entry.state == "untracked"]
            if status is not None
            else self._git.files(only_untracked=True)
        )
        # The index is read again only if it has changed.
        try:
            facts = self._index_path.stat()
        except FileNotFoundError:
            stamp = None
        else:
            # git writes a new index beside the old one and renames it, so the inode changes.
            stamp = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        with self._lock:
            index = self._index
        if index is None or index[0] != stamp or stamp is None:
            paths = set(self._git.files())
            index = (stamp, paths, [path for path in paths if is_relevant(path)])
            with self._lock:
                self._index = index
        _, tracked_paths, relevant = index
        texts = {}
        for path in {*relevant, *filter(is_relevant, untracked_paths)}:
            # A file that git listed may be gone, or be a folder by now.
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                texts[path] = (self._git.root / path).read_bytes()
        return [item for item in read_pointers(texts) if item.path not in tracked_paths]

    @cached_property
    def _index_path(self) -> Path:
        return self._git.root / self._git.path("index")


def select_new_content(
    items: Iterable[DataPointer], before: Iterable[DataPointer]
) -> list[DataPointer]:
    """Return the items whose content is not among that of ``before``."""
    hashes = {item.md5 for item in before}
    return [item for item in items if item.md5 is not None and item.md5 not in hashes]


def normalize_path(project: Project, path: str) -> str:
    """Return ``path`` as git spells it, ``.`` for the root.

    Raises OutsideWorkspaceError outside the project.

    The last part is not followed: a link is versioned as a link.
    """
    folder, name = posixpath.split(posixpath.normpath(path or "."))
    if name in (".", ".."):
        return project.relative(project.resolve(path))
    if name == ".git":
        raise OutsideWorkspaceError(path=path)
    return project.relative(project.resolve(folder) / name)


def format_paths(paths: Iterable[str]) -> list[str]:
    """Return git's paths sorted, and as valid text for a response."""
    return sorted(path.encode(errors="surrogateescape").decode(errors="replace") for path in paths)


def kind_of(path: str) -> ChangeKind:
    """Return the kind of a file, which decides how it is shown and compared."""
    if path.endswith(".ipynb"):
        return ChangeKind.NOTEBOOK
    return ChangeKind.DATA if names_data(path) else ChangeKind.CODE


def large_file_threshold(git: Git) -> int:
    """Return the size in bytes from which an untracked file is too large for git here."""
    setting = git.setting(LARGE_FILE_SETTING, "int")
    return int(setting) if setting else DEFAULT_LARGE_FILE_BYTES
