"""What a version, or the working tree, consists of: its files and the data that they name."""

from __future__ import annotations

import posixpath
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from jupyter_mlws.core.errors import OutsideWorkspaceError
from jupyter_mlws.core.project import Project
from jupyter_mlws.versioning.data.dvc_pointers import DataPointer, is_relevant, names_data, read
from jupyter_mlws.versioning.git.adapter import Commit, Entry, Git, Status
from jupyter_mlws.versioning.kinds import ChangeKind

LARGE = 10 * 1024 * 1024
"""Bytes from which on an untracked file is not given to git by itself."""
LARGE_SETTING = "mlws.largefile"
"""Git setting: bytes from which on an untracked file is not given to git (default: LARGE)."""
REMEMBERED = 500
"""Versions whose data is kept in memory."""


class Content:
    """Reads versions of one repository. Thread-safe."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._versions: OrderedDict[str, list[DataPointer]] = OrderedDict()
        self._index: tuple[object, set[str], list[str]] | None = None
        self._texts: dict[tuple[tuple[str, str], ...], list[DataPointer]] = {}

    def data_at(self, revision: str) -> list[DataPointer]:
        """The data that a commit or tree names; ``revision`` is an id."""
        with self._lock:
            known = self._versions.get(revision)
        if known is None:
            known = self._read(revision)
            with self._lock:
                self._versions[revision] = known
                while len(self._versions) > REMEMBERED:
                    self._versions.popitem(last=False)
        return known

    def look_ahead(self, rows: Sequence[tuple[Commit, Sequence[Entry]]]) -> None:
        """Know the data of neighbouring versions by what they changed, newest first.

        A commit that touches neither what names data nor a place of data has its parent's data.
        """
        for commit, entries in reversed(rows):
            with self._lock:
                parents = self._versions.get(commit.parents[0]) if commit.parents else None
                if parents is not None and not _touches(entries, parents):
                    self._versions.setdefault(commit.sha, parents)
                    continue
            self.data_at(commit.sha)

    def data_now(self, status: Status | None = None) -> list[DataPointer]:
        """The data that the working tree names."""
        untracked = (
            [entry.path for entry in status.entries if entry.state == "untracked"]
            if status is not None
            else self._git.files(untracked=True)
        )
        tracked, relevant = self._tracked()
        texts = {}
        for path in {*relevant, *filter(is_relevant, untracked)}:
            # A file that git listed may be gone, or be a folder by now.
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                texts[path] = (self._git.root / path).read_bytes()
        return [item for item in read(texts) if item.path not in tracked]

    def _tracked(self) -> tuple[set[str], list[str]]:
        """The paths in the index, and those of them that name data; read when it has changed."""
        stamp = self._git.index_stamp()
        with self._lock:
            known = self._index
        if known is None or known[0] != stamp or stamp is None:
            paths = set(self._git.files())
            known = (stamp, paths, [path for path in paths if is_relevant(path)])
            with self._lock:
                self._index = known
        return known[1], known[2]

    def _read(self, revision: str) -> list[DataPointer]:
        entries = self._git.tree(revision)
        relevant = [entry for entry in entries if is_relevant(entry.path)]
        if not any(names_data(entry.path) for entry in relevant):
            return []
        # Neighbouring versions mostly name the same data by the same files.
        key = tuple((entry.path, entry.sha) for entry in relevant)
        with self._lock:
            known = self._texts.get(key)
        if known is None:
            blobs = self._git.blobs(sorted({entry.sha for entry in relevant}))
            versioned = {entry.path for entry in entries}
            found = read({entry.path: blobs[entry.sha] for entry in relevant})
            # What git itself versions is no data of DVC, whatever a lock says.
            known = [item for item in found if item.path not in versioned]
            with self._lock:
                self._texts[key] = known
        return known


def _touches(entries: Iterable[Entry], items: Iterable[DataPointer]) -> bool:
    paths = {place for entry in entries for place in (entry.path, entry.old_path or entry.path)}
    return any(map(is_relevant, paths)) or any(item.path in paths for item in items)


def named_anew(items: Iterable[DataPointer], before: Iterable[DataPointer]) -> list[DataPointer]:
    """Those of the items whose content ``before`` does not name already."""
    known = {item.md5 for item in before}
    return [item for item in items if item.md5 is not None and item.md5 not in known]


def normal(project: Project, path: str) -> str:
    """``path`` as git spells it, ``.`` for the root; error 50302 outside the project.

    The last part is not followed: a link is versioned as a link.
    """
    folder, name = posixpath.split(posixpath.normpath(path or "."))
    if name in (".", ".."):
        return project.relative(project.resolve(path))
    if name == ".git":
        raise OutsideWorkspaceError(path=path)
    return project.relative(project.resolve(folder) / name)


def listed(paths: Iterable[str]) -> list[str]:
    """Paths of git as an answer lists them: in order, each as text that can be sent."""
    return sorted(path.encode(errors="surrogateescape").decode(errors="replace") for path in paths)


def kind_of(path: str) -> ChangeKind:
    """How a path of git is shown and compared."""
    if path.endswith(".ipynb"):
        return ChangeKind.NOTEBOOK
    return ChangeKind.DATA if names_data(path) else ChangeKind.CODE


def large_from(git: Git) -> int:
    """Bytes from which on an untracked file of this repository is not given to git."""
    setting = git.setting(LARGE_SETTING, "int")
    return int(setting) if setting else LARGE


def size_of(path: Path) -> int | None:
    """Bytes of a file; None for folders and what is not there."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode) else None
