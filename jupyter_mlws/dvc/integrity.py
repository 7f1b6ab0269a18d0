"""Looks at every object of cache and remote, and mends single ones from wherever they still are.

Nothing is taken for granted: a listing proves nothing of its files, and no object itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import MLWSError, SharedCacheError
from jupyter_mlws.core.progress import ProgressCallback
from jupyter_mlws.dvc.data import (
    BLOCK_SIZE,
    DataStore,
    ObjectState,
    StoredObject,
    list_tree_files,
)
from jupyter_mlws.dvc.link_tests import LINK_TEST
from jupyter_mlws.dvc.pointers import DataPointer, Problem
from jupyter_mlws.dvc.repo import open_repo
from jupyter_mlws.dvc.transfer_progress import Meter

HEXADECIMAL = frozenset("0123456789abcdef")
PROBLEMS = {
    ObjectState.SOUND: None,
    ObjectState.MISSING: Problem.MISSING,
    ObjectState.DAMAGED: Problem.DAMAGED,
}
MAX_REMOTE_READERS = 4
"""Objects of a remote that are read at the same time."""


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
    """Open a :class:`IntegrityStore`, like :func:`~jupyter_mlws.dvc.data.open_data`."""
    with open_repo(root, spare=spare) as repo:
        yield IntegrityStore(root, repo)


class IntegrityStore(DataStore):
    """A data store that finds a directory's files even if the cache has lost their listing."""

    def in_cache(self, obj: StoredObject) -> Problem | None:
        """Read one object in the cache and return its problem; None if it is intact."""
        return PROBLEMS[self.state(obj)]

    def at_remote(
        self, objects: Sequence[StoredObject], report: Callable[[StoredObject], None], *, read: bool
    ) -> dict[StoredObject, Problem]:
        """Return the problems of objects that the remote lacks or has damaged; error 30101.

        With ``read`` every object is read; otherwise only its size is compared with that in the
        cache, if it is there. ``report`` is called with each checked object, and may raise to stop.
        """
        problems: dict[StoredObject, Problem] = {}
        with self._translate_errors(), ThreadPoolExecutor(MAX_REMOTE_READERS) as pool:
            for legacy in (False, True):
                part = [each for each in objects if each.legacy is legacy]
                if not part:
                    continue
                remote = self._remote(legacy=legacy)
                absent = self._find_missing_at(remote, part)
                problems.update(dict.fromkeys(absent, Problem.MISSING))
                present = [each for each in part if each not in problems]
                look = self._has_expected_hash if read else self._has_expected_size
                answers = pool.map(partial(look, remote), present)
                for each, whole in zip(present, answers, strict=True):
                    report(each)
                    if not whole:
                        problems[each] = Problem.DAMAGED
        return problems

    def sync_present(self, objects: Sequence[StoredObject]) -> None:
        """Flush those of the objects that are in the cache to disk, as :meth:`sync` does."""
        self._sync(path for each in objects if (path := self._object_path(each)).is_file())

    def set_aside(self, obj: StoredObject) -> None:
        """Move a damaged object of the cache out of the way, so that it can be stored again."""
        path = self._object_path(obj)
        target = self._root / obj.path
        if target.is_symlink() and target.resolve() == path.resolve():
            # The working tree's file is a link to it, and must stay what it is.
            self._cache(legacy=obj.legacy).unprotect(str(target))
        self._set_aside(path)

    def take(self, obj: StoredObject, path: Path) -> bool:
        """Store a file in the cache as an object, if it has that content.

        Return True on success.
        """
        if not path.is_file() or not self._matches(obj, path):
            return False
        self._cache(legacy=obj.legacy).add(str(path), self._repo.fs, obj.md5)
        return self.in_cache(obj) is None

    def take_listing(self, obj: StoredObject) -> bool:
        """Store a directory's listing again, if the directory in the working tree is unchanged.

        Return True on success.
        """
        now = self.measure(obj.item)
        if now is None or now.md5 != obj.md5:
            return False
        self.keep(obj.item)
        return self.in_cache(obj) is None

    def fetch_object(self, obj: StoredObject, progress: ProgressCallback) -> bool:
        """Fetch one object into the cache, if the remote has it undamaged; error 30101."""
        with self._translate_errors(meter := Meter(progress, "fetch")):
            remote = self._remote(legacy=obj.legacy)
            if self._find_missing_at(remote, [obj]):
                return False
            self._transfer(remote, self._cache(legacy=obj.legacy), [obj], meter)
        if self.in_cache(obj) is None:
            return True
        self._set_aside(self._object_path(obj))
        return False

    def send(self, obj: StoredObject, progress: ProgressCallback) -> None:
        """Upload one object of the cache, and replace the remote's copy of it; error 30101."""
        with self._translate_errors(meter := Meter(progress, "push")):
            remote = self._remote(legacy=obj.legacy)
            if list(remote.list_oids_exists([obj.md5])):
                remote.fs.remove(remote.oid_to_path(obj.md5))
            self._transfer(self._cache(legacy=obj.legacy), remote, [obj], meter)

    def collect(
        self, naming: Callable[[], set[str]], *, delete: bool, progress: ProgressCallback
    ) -> CacheUsage:
        """Count the needed and unused objects of the cache; with ``delete`` remove the unused ones.

        Needed are the objects that ``naming`` returns, the files of the directories among them, and
        the objects that links in the working tree point to. ``naming`` is called after the cache
        was listed: objects that are stored later are not affected.

        Errors: 30101 if a listing is only at a remote that can't be reached, 30231 if the cache is
        outside the project.
        """
        caches = [self._cache(legacy=legacy) for legacy in (False, True)]
        for cache in caches:
            place = Path(cache.path).resolve()
            if self._root not in place.parents:
                raise SharedCacheError(path=str(place))
        # DVC's own commands wait meanwhile, or would miss what they have just stored.
        with self._repo.lock:
            paths = [path for cache in caches for path in _iter_cache_files(cache)]
            references = naming()
            reachable = (
                references | self._find_listed_hashes(references) | self._find_linked_hashes()
            )
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

    def _find_listed_hashes(self, references: set[str]) -> set[str]:
        """Return the hashes of the files in the directories among ``references``."""
        hashes: set[str] = set()
        for md5 in references:
            if not md5.endswith(".dir"):
                continue
            lists = [
                StoredObject(md5, legacy, DataPointer(".dvc/none", "", md5=md5, legacy=legacy))
                for legacy in (False, True)
            ]
            here = [each for each in lists if self.in_cache(each) is None]
            for each in here or lists:
                if not here and self.remote is not None:
                    with self._translate_errors():
                        # Asked here, where not to reach it is no answer.
                        self._find_missing_at(self._remote(legacy=each.legacy), [each])
                hashes.update(inner for _, inner in self.list_files(each.item))
        return hashes

    def _find_linked_hashes(self) -> set[str]:
        """Return the hashes of the cached objects that links in the working tree point to."""
        if "symlink" not in self._cache(legacy=False).cache_types:
            return set()
        hashes: set[str] = set()
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if name not in (".git", ".dvc")]
            links = (Path(folder, name) for name in names)
            targets = (link.resolve() for link in links if link.is_symlink())
            hashes.update(f"{target.parent.name}{target.name}" for target in targets)
        return hashes

    # Looking

    def _has_expected_hash(self, remote: Any, obj: StoredObject) -> bool:
        from dvc_data.hashfile.hash import fobj_md5

        with remote.fs.open(remote.oid_to_path(obj.md5), "rb") as file:
            name = "md5-dos2unix" if obj.legacy else "md5"
            read = str(fobj_md5(file, chunk_size=BLOCK_SIZE, name=name))
        return read == obj.md5.removesuffix(".dir")

    def _has_expected_size(self, remote: Any, obj: StoredObject) -> bool:
        path = self._object_path(obj)
        if not path.is_file():
            return True
        return bool(remote.fs.size(remote.oid_to_path(obj.md5)) == path.stat().st_size)

    def list_files(self, item: DataPointer) -> list[tuple[str, str]]:
        return (
            super().list_files(item)
            or self._list_remote_files(item)
            or self._list_worktree_files(item)
        )

    def _list_remote_files(self, item: DataPointer) -> list[tuple[str, str]]:
        from dvc_data.hashfile.tree import Tree

        assert item.md5 is not None
        if self.remote is None or not item.pushed:
            return []
        try:
            with self._translate_errors():
                remote = self._remote(legacy=item.legacy)
                if not list(remote.list_oids_exists([item.md5])):
                    return []
                content = remote.fs.cat_file(remote.oid_to_path(item.md5))
        except MLWSError:
            # The remote can't be asked; whoever looks at its objects will say so.
            return []
        # A list has no line ends, by which the two kinds of hashes would differ.
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != item.md5.removesuffix(".dir"):
            return []
        name = "md5-dos2unix" if item.legacy else "md5"
        return list_tree_files(Tree.from_list(json.loads(content), hash_name=name))

    def _list_worktree_files(self, item: DataPointer) -> list[tuple[str, str]]:
        if not (self._root / item.path).is_dir():
            return []
        _, _, tree = self._build_object(item, store=False)
        return list_tree_files(tree) if tree.hash_info.value == item.md5 else []


def _iter_cache_files(cache: Any) -> Iterator[Path]:
    """Yield all files of a cache: objects, and those that a crash or a repair has left."""
    base = Path(cache.path)
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        # Beside the objects of DVC 2 are folders of other names.
        if len(folder.name) == 2 and set(folder.name) <= HEXADECIMAL:
            yield from (path for path in sorted(folder.rglob("*")) if not path.is_dir())
        elif LINK_TEST.fullmatch(folder.name) and not folder.is_dir():
            yield folder
