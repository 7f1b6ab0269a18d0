"""Repair of single objects of the cache from any remaining copy, and its garbage collection.

A listing does not prove that its files exist, and the name of an object does not prove its content.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlws.core.errors import SharedCacheError
from mlws.core.progress import ProgressCallback
from mlws.dvc.cache import StoredObject, objects_of, root_object
from mlws.dvc.data import DataStore
from mlws.dvc.pointers import DataPointer
from mlws.dvc.repo import open_repo
from mlws.dvc.worktree import LINK_TEST

HEXADECIMAL = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class ObjectCount:
    """A number of objects and their total size in bytes."""

    objects: int
    bytes: int

    def with_object(self, size: int) -> ObjectCount:
        """Return the count with one more object of ``size`` bytes."""
        return ObjectCount(self.objects + 1, self.bytes + size)


@dataclass(frozen=True)
class CacheUsage:
    """Counts of the objects in a cache that are needed, and of those that are not."""

    kept: ObjectCount
    unused: ObjectCount


@contextmanager
def open_integrity_store(root: Path, spare: bytes | None = None) -> Iterator[IntegrityStore]:
    """Open a :class:`IntegrityStore`, like :func:`~mlws.dvc.data.open_data`."""
    with open_repo(root, spare=spare) as repo:
        yield IntegrityStore(root, repo)


class IntegrityStore(DataStore):
    """A data store that finds a directory's files even if the cache has lost their listing."""

    def __init__(self, root: Path, repo: Any) -> None:
        super().__init__(root, repo)
        self._root = root
        self._repo = repo

    def objects(self, items: Iterable[DataPointer]) -> list[StoredObject]:
        """Return every object of the items, as :meth:`.DataCache.objects` does."""
        return objects_of(items, self._list_files)

    def _list_files(self, item: DataPointer) -> list[tuple[str, str]]:
        return (
            self.cache.list_files(item)
            or self.remote.list_files(item)
            or self.worktree.list_files(item)
        )

    def set_aside(self, obj: StoredObject) -> None:
        """Rename a damaged object of the cache, so that it can be stored again."""
        target = self._root / obj.path
        if target.is_symlink() and target.resolve() == self.cache.path_of(obj).resolve():
            # The working tree's file is a link to it, and must stay what it is.
            self.cache.database(legacy=obj.legacy).unprotect(str(target))
        self.cache.set_aside(obj)

    def take(self, obj: StoredObject, path: Path) -> bool:
        """Store a file in the cache as an object, if it has that content.

        Return True on success.
        """
        if not path.is_file() or not self.cache.has_content(path, obj):
            return False
        self.cache.database(legacy=obj.legacy).add(str(path), self._repo.fs, obj.md5)
        return self.cache.find_problem(obj) is None

    def take_listing(self, obj: StoredObject) -> bool:
        """Store a directory's listing again, if the directory in the working tree is unchanged.

        Return True on success.
        """
        now = self.worktree.measure(obj.item)
        if now is None or now.md5 != obj.md5:
            return False
        self.worktree.store(obj.item)
        return self.cache.find_problem(obj) is None

    def collect(
        self,
        list_references: Callable[[], set[str]],
        *,
        delete: bool,
        progress: ProgressCallback,
    ) -> CacheUsage:
        """Count the needed and unused objects of the cache; with ``delete`` remove the unused ones.

        Needed are the objects that ``list_references`` returns, the files of the directories among
        them, and the objects that links in the working tree point to. ``list_references`` is called
        after the cache was listed: objects that are stored later are not affected.

        Raises RemoteUnreachableError if a listing is only at a remote that can't be reached,
        SharedCacheError if the cache is outside the project.
        """
        databases = [self.cache.database(legacy=legacy) for legacy in (False, True)]
        for database in databases:
            directory = Path(database.path).resolve()
            if self._root not in directory.parents:
                raise SharedCacheError(path=str(directory))
        # DVC's own commands wait meanwhile, or would miss what they have just stored.
        with self._repo.lock:
            paths = [path for database in databases for path in _iter_files(Path(database.path))]
            reachable = self._find_reachable(list_references())
            result = CacheUsage(ObjectCount(0, 0), ObjectCount(0, 0))
            for number, path in enumerate(paths):
                progress(number, len(paths), "objects", "cache")
                size = path.lstat().st_size
                if f"{path.parent.name}{path.name}" in reachable:
                    result = replace(result, kept=result.kept.with_object(size))
                    continue
                result = replace(result, unused=result.unused.with_object(size))
                if delete:
                    path.unlink()
        return result

    def _find_reachable(self, references: set[str]) -> set[str]:
        """Return the needed hashes; see :meth:`collect`."""
        hashes = set(references)
        for md5 in references:
            if not md5.endswith(".dir"):
                continue
            items = [
                DataPointer(".dvc/none", "", md5=md5, legacy=legacy) for legacy in (False, True)
            ]
            here = [one for one in items if self.cache.find_problem(root_object(one)) is None]
            for item in here or items:
                if not here and self.remote.name is not None:
                    # Raises if it can't be reached, which must not look like an empty directory.
                    self.remote.missing_objects([root_object(item)])
                hashes.update(inner for _, inner in self._list_files(item))
        if "symlink" in self.cache.database(legacy=False).cache_types:
            for directory, directories, names in os.walk(self._root):
                directories[:] = [name for name in directories if name not in (".git", ".dvc")]
                links = (Path(directory, name) for name in names)
                targets = (link.resolve() for link in links if link.is_symlink())
                hashes.update(f"{target.parent.name}{target.name}" for target in targets)
        return hashes


def _iter_files(cache: Path) -> Iterator[Path]:
    """Yield all files of a cache: objects, and those that a crash or a repair has left."""
    for path in sorted(cache.iterdir()) if cache.is_dir() else ():
        # Beside the objects of DVC 2 are directories of other names.
        if len(path.name) == 2 and set(path.name) <= HEXADECIMAL:
            yield from (file for file in sorted(path.rglob("*")) if not file.is_dir())
        elif LINK_TEST.fullmatch(path.name) and not path.is_dir():
            yield path
