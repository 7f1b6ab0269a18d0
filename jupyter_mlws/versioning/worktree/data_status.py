"""State of data in the working tree against the record, without loading DVC where possible.

Hashes are cached by size, time and inode, as git does it, so that a second check is cheap.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import threading
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from mlws.core.atomic import atomic_write
from mlws.dvc.data import open_data
from mlws.dvc.native.objects import md5_of
from mlws.dvc.native.repository import config_files, read_config
from mlws.dvc.pointers import DataPointer

MIN_PERSISTED_BYTES = 64 * 1024
"""Bytes from which on a file's hash is kept across restarts."""
RACY_INTERVAL = 2.0
"""Seconds: a file changed this recently may change again without a new modification time."""

NOT_PULLED = "not_pulled"
MAX_ATTEMPTS = 3
"""Readings of data that changes; data that still changes then counts as modified."""

Stamp = tuple[int, int, int]


class WorktreeStatus:
    """The data in the working tree at ``root``. Thread-safe.

    ``memory`` is the file of cached hashes. DVC 3's hashes of files and folders are computed
    here, and the others by DVC itself (hashes of DVC 2, folders if ``.dvcignore`` has rules).
    """

    def __init__(self, root: Path, memory: Path) -> None:
        self._root = root
        self._cache_path = memory
        self._lock = threading.Lock()
        self._has_new_hashes = False

    def state(self, item: DataPointer) -> str | None:
        """Return how the data differs from ``item``; None if it does not.

        ``modified``, ``deleted`` if it is only in the cache, ``not_pulled`` if the cache does not
        have it either, as after a clone.
        """
        with self._lock:
            return self._state(item)

    def states(self, items: list[DataPointer]) -> dict[str, str]:
        """Return the state (see :meth:`state`) of each path whose data differs from the record."""
        states = {}
        with self._lock:
            for item in items:
                state = self._state(item)
                if state is not None:
                    states[item.path] = state
            if self._has_new_hashes:
                rows = {
                    path: row
                    for path, row in self._hashes.items()
                    if row[0][0] >= MIN_PERSISTED_BYTES
                }
                atomic_write(self._cache_path, json.dumps(rows))
                self._has_new_hashes = False
        return states

    def files(self, item: DataPointer) -> dict[str, str]:
        """Return the hashes of the current files, by their paths below the data.

        A single file has the path ``""``.
        """
        target = self._root / item.path
        if not target.exists():
            return {}
        if item.legacy or (target.is_dir() and self._has_ignore_rules()):
            with open_data(self._root, spare=b"") as data:
                return {inside: md5 for inside, (md5, _) in data.worktree.files_of(item).items()}
        with self._lock:
            return self._hash_files(target) if target.is_dir() else {"": self._hash_file(target)}

    def _state(self, item: DataPointer) -> str | None:
        """Return the state; retry if another program removes a file meanwhile.

        A temporary file of a folder, for example, may exist when the folder is listed and be gone
        when it is hashed.
        """
        target = self._root / item.path
        for _ in range(MAX_ATTEMPTS):
            with suppress(FileNotFoundError, NotADirectoryError):
                if not target.exists():
                    return "deleted" if self._is_cached(item) else NOT_PULLED
                if item.legacy or (target.is_dir() and self._has_ignore_rules()):
                    # Hashes do not depend on settings, which may be broken.
                    with open_data(self._root, spare=b"") as data:
                        now = data.worktree.measure(item)
                    return None if now is not None and now.md5 == item.md5 else "modified"
                if target.is_dir() != item.folder:
                    return "modified"
                if item.folder:
                    return None if self._hash_directory(target) == item.md5 else "modified"
                if item.size is not None and target.stat().st_size != item.size:
                    return "modified"
                return None if self._hash_file(target) == item.md5 else "modified"
        return "modified"

    def _is_cached(self, item: DataPointer) -> bool:
        assert item.md5 is not None
        cache = cache_directory(self._root)
        store = cache if item.legacy else cache / "files" / "md5"
        objects = [item.md5]
        if item.folder:
            with suppress(FileNotFoundError, ValueError):
                listing = json.loads(_object_path(store, item.md5).read_bytes())
                objects += [row["md5"] for row in listing]
        return all(_object_path(store, md5).exists() for md5 in objects)

    def _has_ignore_rules(self) -> bool:
        ignore = self._root / ".dvcignore"
        if not ignore.exists():
            return False
        lines = ignore.read_text(encoding="utf-8", errors="replace").splitlines()
        return any(line.strip() and not line.startswith("#") for line in lines)

    def _hash_directory(self, target: Path) -> str:
        """Return DVC's hash of a folder: the hash of its listing."""
        hashes = self._hash_files(target)
        rows = [{"md5": hashes[inside], "relpath": inside} for inside in sorted(hashes)]
        listing = json.dumps(rows, sort_keys=True).encode()
        return hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"

    def _hash_files(self, target: Path) -> dict[str, str]:
        """Return the hashes of the files of a folder, by their paths below it."""
        # Of tens of thousands of files, `Path.relative_to` would take most of the time.
        start = len(str(target)) + 1
        return {
            str(path)[start:].replace(os.sep, "/"): self._hash_file(path)
            for folder, _, names in os.walk(target, followlinks=True)
            for path in (Path(folder, name) for name in names)
        }

    def _hash_file(self, path: Path) -> str:
        facts = path.stat()
        stamp = (facts.st_size, facts.st_mtime_ns, facts.st_ino)
        entry = self._hashes.get(str(path))
        if entry is not None and entry[0] == stamp:
            return entry[1]
        md5 = md5_of(path)
        if time.time() - facts.st_mtime > RACY_INTERVAL:
            self._hashes[str(path)] = (stamp, md5)
            self._has_new_hashes = self._has_new_hashes or facts.st_size >= MIN_PERSISTED_BYTES
        return md5

    @cached_property
    def _hashes(self) -> dict[str, tuple[Stamp, str]]:
        try:
            rows = json.loads(self._cache_path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            # No cache yet, or half a file after a crash: everything is hashed again.
            return {}
        return {
            path: ((size, mtime, inode), md5) for path, ((size, mtime, inode), md5) in rows.items()
        }


def cache_directory(root: Path) -> Path:
    """Return the cache folder from DVC's settings; the default if they cannot be read."""
    folder = root / ".dvc" / "cache"
    for path in config_files(root):
        with suppress(configparser.Error, UnicodeDecodeError):
            setting = read_config(path).get("cache", "dir", fallback=None)
            if setting is not None:
                folder = path.parent / Path(setting).expanduser()
    return folder


def _object_path(store: Path, md5: str) -> Path:
    return store / md5[:2] / md5[2:]
