"""Data in the working tree of a DVC repository."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlws.core.atomic import remove_temp_paths, temp_path
from mlws.dvc.cache import DataCache, list_tree_files
from mlws.dvc.pointers import DataPointer

LINK_TEST = re.compile(r"\.[A-Za-z0-9_-]{22}\.tmp")
"""Names of the files with which DVC tests how it can link from a cache to a directory.

They are in the cache, and beside a directory that is checked out.
"""
MAX_LINK_TEST_BYTES = 4


def remove_link_tests(directory: Path) -> None:
    """Remove the link tests that a killed DVC left in ``directory``."""
    for path in directory.glob(".*.tmp"):
        is_small = path.is_symlink() or (
            path.is_file() and path.stat().st_size <= MAX_LINK_TEST_BYTES
        )
        if is_small and LINK_TEST.fullmatch(path.name):
            path.unlink(missing_ok=True)


class DataWorktree:
    """The data at its paths in the working tree: to measure, store, check out and remove it."""

    def __init__(self, root: Path, repo: Any, cache: DataCache) -> None:
        self._root = root
        self._repo = repo
        self._cache = cache

    def measure(self, item: DataPointer) -> DataPointer | None:
        """Return ``item`` with the current hash of its path; None if the path is gone."""
        if not (self._root / item.path).exists():
            return None
        _, meta, obj = self._build(item, store=False)
        return replace(item, md5=obj.hash_info.value, size=meta.size, files=meta.nfiles)

    def store(self, item: DataPointer) -> DataPointer | None:
        """Store the current content in the cache, and return the item as :meth:`measure` does."""
        from dvc_data.hashfile.transfer import transfer

        if not (self._root / item.path).exists():
            return None
        staging, meta, obj = self._build(item, store=True)
        cache = self._cache.database(legacy=item.legacy)
        result = transfer(staging, cache, {obj.hash_info}, shallow=False)
        if result.failed:
            raise OSError(f"could not store {len(result.failed)} objects of {item.path}")
        return replace(item, md5=obj.hash_info.value, size=meta.size, files=meta.nfiles)

    def files_of(self, item: DataPointer) -> dict[str, tuple[str, int | None]]:
        """Return the current files, as :meth:`.DataCache.files_of` does for recorded ones."""
        target = self._root / item.path
        if not target.exists():
            return {}
        _, meta, obj = self._build(item, store=False)
        if not target.is_dir():
            return {"": (obj.hash_info.value, meta.size)}
        return {"/".join(key): (info.value, meta.size) for key, meta, info in obj}

    def list_files(self, item: DataPointer) -> list[tuple[str, str]]:
        """Return (path below it, hash) of the files of a directory; an empty list if it changed."""
        if not (self._root / item.path).is_dir():
            return []
        _, _, tree = self._build(item, store=False)
        return list_tree_files(tree) if tree.hash_info.value == item.md5 else []

    def checkout(self, item: DataPointer) -> None:
        """Replace the path in the working tree with the cache's content, linked as configured."""
        from dvc_data.hashfile.checkout import checkout

        target = self._root / item.path
        target.parent.mkdir(parents=True, exist_ok=True)
        cache, obj = self._cache.database(legacy=item.legacy), self._cache.load(item)
        options = {"force": True, "state": self._repo.state, "ignore": self._repo.dvcignore}
        if item.folder:
            if target.is_symlink() or target.is_file():
                target.unlink()
            checkout(str(target), self._repo.fs, obj, cache, **options)
            return
        # Of an earlier crash; the project's lock keeps others from checking out here.
        remove_temp_paths(target)
        # In a directory of its own, because DVC has temporary files of its own beside it.
        directory = temp_path(target)
        directory.mkdir()
        beside = directory / "content"
        try:
            checkout(str(beside), self._repo.fs, obj, cache, **options)
            if item.isexec:
                cache.set_exec(str(beside))
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            beside.replace(target)
        finally:
            shutil.rmtree(directory)
        # DVC's state is by path; without these DVC would hash again, and not know of the link.
        self._repo.state.save(str(target), self._repo.fs, obj.hash_info)
        self._repo.state.save_link(str(target), self._repo.fs)

    def remove(self, item: DataPointer) -> None:
        """Remove the data from the working tree; the cache keeps it."""
        target = self._root / item.path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def _build(self, item: DataPointer, *, store: bool) -> tuple[Any, Any, Any]:
        """Return DVC's staging database, metadata and object of the path's current content."""
        from dvc_data.hashfile.build import build

        staging, meta, obj = build(
            self._cache.database(legacy=item.legacy),
            str(self._root / item.path),
            self._repo.fs,
            item.hash_name,
            dry_run=not store,
            ignore=self._repo.dvcignore,
        )
        return staging, meta, obj
