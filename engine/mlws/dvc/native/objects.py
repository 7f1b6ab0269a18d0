"""Hashes files and folders, and keeps them in DVC's cache (``.dvc/cache/files/md5``).

As DVC 3 does it: a file's object is its content under its MD5; a folder's is a JSON list of its
files' hashes, under the MD5 of that list and ``.dir``. Objects are read-only (0444), which is also
how DVC knows one that was checked.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.dvc.native.hash_cache import MIN_CACHED_FILE_BYTES, HashCache
from mlws.dvc.native.ignored_paths import IgnoredPaths
from mlws.dvc.native.repository import cache_folder
from mlws.dvc.unsupported import UnsupportedStageError

BLOCK_SIZE = 1024 * 1024
READ_ONLY = 0o444
TEXT_CHARACTERS = bytes(range(32, 127)) + b"\n\r\t\f\b"
LEGACY = "md5-dos2unix"
"""DVC's name of the hashes of DVC 2, which take the line ends of Windows in texts for others."""
RESERVED_NAMES = frozenset({".git", ".hg", ".dvc", ".dvcignore"})
"""Names that DVC treats in its own way where they lie in a tracked folder."""


@dataclass(frozen=True)
class Measurement:
    """Content of a path: its hash, its size in bytes, for a directory its number of files.

    ``is_legacy``: the hash is one of DVC 2.
    """

    md5: str
    size: int
    nfiles: int | None = None
    isexec: bool = False
    is_legacy: bool = False

    @property
    def folder(self) -> bool:
        return self.md5.endswith(".dir")

    @property
    def key(self) -> str:
        """The hash as :func:`key_of_item` returns it."""
        return f"{LEGACY}:{self.md5}" if self.is_legacy else self.md5

    def fields(self) -> dict[str, Any]:
        """Return the fields as in `dvc.lock`, in the same order."""
        entry: dict[str, Any] = {} if self.is_legacy else {"hash": "md5"}
        entry |= {"md5": self.md5, "size": self.size}
        if self.nfiles is not None:
            entry["nfiles"] = self.nfiles
        if self.isexec:
            entry["isexec"] = True
        return entry


def key_of_item(item: Mapping[str, Any]) -> str | None:
    """Return the hash of an entry of a lock or `.dvc` file; with its kind before it for DVC 2.

    :class:`UnsupportedStageError` for hashes of other stores; None if it has no hash.
    """
    if item.get("hash", "md5") != "md5" or "cloud" in item or "files" in item:
        raise UnsupportedStageError(Message("an unsupported kind of hash"))
    md5 = item.get("md5")
    if md5 is not None and not isinstance(md5, str):
        raise UnsupportedStageError(Message("an unsupported kind of hash"))
    return f"{LEGACY}:{md5}" if md5 and "hash" not in item else md5


def is_legacy(key: str | None) -> bool:
    """Return whether a hash is one of DVC 2."""
    return key is not None and key.startswith(LEGACY)


class ObjectCache:
    """The cache of one repository. Different paths may be hashed and stored concurrently.

    Objects are named by their hash; those of DVC 2 as :func:`key_of_item` does it.
    """

    def __init__(self, folder: Path, memo: HashCache, ignored: IgnoredPaths) -> None:
        self._folder = str(folder)
        self._ignored = ignored
        self._hash_cache = memo
        self._existing_directories: set[str] = set()
        self._legacy_listings: dict[str, bytes] = {}
        mask = os.umask(0)
        os.umask(mask)
        self._file_mode = 0o666 & ~mask
        self._needs_chmod = bool(mask & READ_ONLY)

    # Hashing

    def measure(self, path: str, is_legacy: bool = False) -> Measurement | None:
        """Return the hash and size of what is at ``path`` now; None if it does not exist.

        ``is_legacy``: as DVC 2 would hash it.
        """
        try:
            path_stat = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISREG(path_stat.st_mode):
            return Measurement(
                self._file_hash(path, path_stat, is_legacy),
                path_stat.st_size,
                isexec=bool(path_stat.st_mode & 0o111),
                is_legacy=is_legacy,
            )
        if stat.S_ISDIR(path_stat.st_mode):
            return self._measure_directory(path, is_legacy)[0]
        raise UnsupportedStageError(Message("a link or special file"))

    def record(
        self, path: str, item: Mapping[str, Any] | None, *, store: bool = False
    ) -> Measurement | None:
        """Return what is at ``path`` as a run records it that found ``item`` in the lock file.

        A hash of DVC 2 stays while it is right. ``item`` is empty for a path that the stage's
        entry lacks, None without an entry. ``store``: put the content into the cache.
        """
        keeps_hash = False
        if item is not None and "hash" not in item:
            measurement = self.measure(path, is_legacy=True)
            keeps_hash = measurement is not None and measurement.key == key_of_item(item)
        return (self.store if store else self.measure)(path, keeps_hash)

    def _file_hash(self, path: str, file_stat: os.stat_result, is_legacy: bool = False) -> str:
        if is_legacy:
            name = f"{LEGACY}:{path}"
            return self._hash_cache.get(name, file_stat) or self._hash_cache.put(
                name, file_stat, legacy_md5_of(path)
            )
        if file_stat.st_size < MIN_CACHED_FILE_BYTES:
            # Read in one call: a run hashes several small files for each node.
            content = _read_at_most(path, MIN_CACHED_FILE_BYTES)
            if len(content) == MIN_CACHED_FILE_BYTES:
                # It has grown meanwhile.
                return md5_of(path)
            return hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self._hash_cache.get(path, file_stat) or self._hash_cache.put(
            path, file_stat, md5_of(path)
        )

    def _measure_directory(
        self, path: str, is_legacy: bool = False
    ) -> tuple[Measurement, bytes, dict[str, str]]:
        """Return the directory, the content of its object, and the hash of each file by path."""
        hashes: dict[str, str] = {}
        entries: list[dict[str, str]] = []
        size = 0
        for file, file_stat in self._iter_files(path):
            md5 = self._file_hash(file, file_stat, is_legacy)
            hashes[file] = md5
            entries.append({"md5": md5, "relpath": file[len(path) + 1 :]})
            size += file_stat.st_size
        entries.sort(key=lambda entry: entry["relpath"])
        content = json.dumps(entries, sort_keys=True).encode()
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        measurement = Measurement(f"{md5}.dir", size, len(entries), is_legacy=is_legacy)
        if is_legacy:
            self._legacy_listings[measurement.key] = content
        return measurement, content, hashes

    # Storing

    def keep_legacy_listings(self) -> None:
        """Store the lists of the directories that were hashed as by DVC 2, as DVC 3 does."""
        # Other threads do the same.
        with suppress(KeyError):
            while True:
                key, content = self._legacy_listings.popitem()
                if not self._is_intact(key):
                    self._write(key, content)

    def forget_legacy_listing(self, key: str) -> None:
        """Do not store the list of a directory."""
        self._legacy_listings.pop(key, None)

    def store(self, path: str, is_legacy: bool = False) -> Measurement | None:
        """Store what is at ``path`` in the cache; return None if it does not exist."""
        try:
            path_stat = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISDIR(path_stat.st_mode):
            tree, content, hashes = self._measure_directory(path, is_legacy)
            for file, md5 in hashes.items():
                key = f"{LEGACY}:{md5}" if is_legacy else md5
                if not self._is_intact(key):
                    self._copy_in(file, key)
            if not self._is_intact(tree.key):
                self._write(tree.key, content)
            return tree
        if not stat.S_ISREG(path_stat.st_mode):
            raise UnsupportedStageError(Message("a link or special file"))
        if is_legacy:
            measurement = Measurement(
                legacy_md5_of(path),
                path_stat.st_size,
                isexec=bool(path_stat.st_mode & 0o111),
                is_legacy=True,
            )
            if not self._is_intact(measurement.key):
                self._copy_in(path, measurement.key)
            return measurement
        if path_stat.st_size > BLOCK_SIZE:
            md5 = self._file_hash(path, path_stat)
            if not self._is_intact(md5):
                self._copy_in(path, md5)
        else:
            content = _read_at_most(path, path_stat.st_size + 1)
            if len(content) != path_stat.st_size:
                raise OSError(f"{path} changed while it was stored")
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if not self._is_intact(md5):
                self._write(md5, content)
        return Measurement(md5, path_stat.st_size, isexec=bool(path_stat.st_mode & 0o111))

    def _copy_in(self, path: str, md5: str) -> None:
        """Copy a file into the cache, and verify that the copy has the hash."""
        place = self._prepare_object_path(md5)
        temporary = _temp_path(place)
        try:
            if not _clone(path, temporary):
                shutil.copyfile(path, temporary)
            if not _has_hash(temporary, md5):
                raise OSError(f"{path} changed while it was stored")
            os.chmod(temporary, READ_ONLY)
            os.rename(temporary, place)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)

    def _write(self, md5: str, content: bytes) -> None:
        place = self._prepare_object_path(md5)
        temporary = _temp_path(place)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READ_ONLY)
            try:
                while content:
                    content = content[os.write(descriptor, content) :]
                if self._needs_chmod:
                    os.fchmod(descriptor, READ_ONLY)
            finally:
                os.close(descriptor)
            os.rename(temporary, place)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    # What is there

    def holds(self, md5: str) -> bool:
        """Return True if the cache has the object intact; for a directory also every file of it.

        A writable object is hashed, as DVC does, and removed if it is damaged.
        """
        if not self._is_intact(md5):
            return False
        if not md5.endswith(".dir"):
            return True
        listing = self.listing(md5)
        kind = md5.rpartition(":")[0]
        prefix = f"{kind}:" if kind else ""
        return listing is not None and all(
            self._is_intact(f"{prefix}{hash_}") for hash_ in listing.values()
        )

    def is_current(self, path: str, item: Mapping[str, Any]) -> bool:
        """Return whether ``path`` and the cache have the content of an entry of a `.dvc` file."""
        key = key_of_item(item)
        measurement = None if key is None else self.measure(path, is_legacy(key))
        return measurement is not None and measurement.key == key and self.holds(measurement.key)

    def listing(self, md5: str) -> dict[str, str] | None:
        """Return the hashes of a directory's files by relative path; None if it is unreadable."""
        try:
            with open(self._object_path(md5), encoding="utf-8") as file:
                entries = json.load(file)
            return {entry["relpath"]: entry["md5"] for entry in entries}
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _is_intact(self, md5: str) -> bool:
        place = self._object_path(md5)
        try:
            file_stat = os.stat(place)
        except FileNotFoundError:
            return False
        if stat.S_IMODE(file_stat.st_mode) == READ_ONLY:
            return True
        if not _has_hash(place, md5):
            with suppress(FileNotFoundError):
                os.unlink(place)
            return False
        os.chmod(place, READ_ONLY)
        return True

    # Bringing back

    def check_out(self, md5: str, path: str, isexec: bool = False) -> None:
        """Create ``path``, which must not exist, from an object in the cache (:meth:`holds`)."""
        if not md5.endswith(".dir"):
            self._copy_out(md5, path)
            if isexec:
                os.chmod(path, os.stat(path).st_mode | stat.S_IEXEC)
            return
        os.makedirs(path, exist_ok=True)
        for relative, hash_ in (self.listing(md5) or {}).items():
            self._copy_out(hash_, f"{path}/{relative}")

    def _copy_out(self, md5: str, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # In its place at once: half a copy is no result yet, and its next run removes it, while
        # a temporary file of a killed run would stay.
        if not _clone(self._object_path(md5), path):
            shutil.copyfile(self._object_path(md5), path)
        os.chmod(path, self._file_mode)

    def release(self, path: str, isexec: bool = False) -> None:
        """Set the mode that DVC gives to files at ``path`` once it has stored a copy of them."""
        mode = self._file_mode | (stat.S_IEXEC if isexec else 0)
        path_stat = os.lstat(path)
        is_directory = stat.S_ISDIR(path_stat.st_mode)
        for file, file_stat in (
            list(self._iter_files(path)) if is_directory else [(path, path_stat)]
        ):
            if file_stat.st_nlink > 1:
                raise UnsupportedStageError(Message("a hard link"))
            if stat.S_IMODE(file_stat.st_mode) != mode:
                os.chmod(file, mode)

    def _iter_files(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the files below a directory, but for ignored ones.

        :class:`UnsupportedStageError` for links and special names.
        """
        with os.scandir(folder) as entries:
            for entry in entries:
                if self._ignored and self._ignored.covers(entry.path, entry.is_dir()):
                    continue
                if entry.name in RESERVED_NAMES:
                    raise UnsupportedStageError(Message("{name} in a folder", name=entry.name))
                if entry.is_symlink():
                    raise UnsupportedStageError(Message("a link in a folder"))
                if entry.is_dir():
                    yield from self._iter_files(entry.path)
                elif entry.is_file():
                    yield entry.path, entry.stat(follow_symlinks=False)
                else:
                    raise UnsupportedStageError(Message("a special file in a folder"))

    def _object_path(self, md5: str) -> str:
        kind, _, name = md5.rpartition(":")
        # Objects of DVC 2 are in the cache's own folder.
        folder = os.path.dirname(os.path.dirname(self._folder)) if kind else self._folder
        return f"{folder}/{name[:2]}/{name[2:]}"

    def _prepare_object_path(self, md5: str) -> str:
        folder = os.path.dirname(self._object_path(md5))
        if folder not in self._existing_directories:
            if not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)
            self._existing_directories.add(folder)
        return self._object_path(md5)


def _temp_path(place: str) -> str:
    """Return a temporary name beside ``place``, in DVC's form: listings of a cache skip it.

    It contains the thread's id: nodes that end together may store the same content.
    """
    folder, _, name = place.rpartition("/")
    return f"{folder}/.{name}.{os.getpid()}-{threading.get_ident()}.tmp"


def remove(path: str) -> None:
    """Remove a file or directory, if it exists."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(path)


def object_path(root: Path, md5: str) -> Path:
    """Return the path of an object, named as in :class:`ObjectCache`, in a project's cache."""
    kind, _, name = md5.rpartition(":")
    folder = cache_folder(root) if kind else cache_folder(root) / "files" / "md5"
    return folder / name[:2] / name[2:]


def md5_of(path: str | Path) -> str:
    """Return the hash of a file's content."""
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()


def legacy_md5_of(path: str) -> str:
    """Return the hash of a file's content as DVC 2 did it: texts with the line ends of Unix.

    DVC decides for each block whether it is text, and so do we.
    """
    hasher = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(BLOCK_SIZE):
            is_text = not _looks_binary(block[:512])
            hasher.update(block.replace(b"\r\n", b"\n") if is_text else block)
    return hasher.hexdigest()


def _has_hash(path: str, key: str) -> bool:
    """Return whether a file has the content of the object ``key``."""
    kind, _, name = key.rpartition(":")
    return (legacy_md5_of(path) if kind else md5_of(path)) == name.partition(".")[0]


def _read_at_most(path: str, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


NO_CLONES = frozenset((errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS))
"""Errors of file systems that cannot share blocks."""


def _clone(source: str, target: str) -> bool:
    """Share a file's blocks with a copy of it, if the file system can (FICLONE).

    Return True on success.
    """
    global _clones
    if not _clones:
        return False
    import fcntl

    ficlone = 0x40049409
    try:
        with open(source, "rb") as old, open(target, "xb") as new:
            try:
                fcntl.ioctl(new.fileno(), ficlone, old.fileno())
            except OSError as error:
                # Most file systems cannot; asking again for every file would double the calls.
                _clones = error.errno not in NO_CLONES
                os.unlink(target)
                return False
    except OSError:
        # The caller's copy reports what is wrong with the source or the target.
        return False
    return True


_clones = hasattr(os, "posix_spawn") and os.uname().sysname == "Linux"


def is_binary(path: str) -> bool:
    """Return whether a file is binary by DVC's rule, which looks at its beginning."""
    with open(path, "rb") as file:
        return _looks_binary(file.read(512))


def _looks_binary(block: bytes) -> bool:
    return b"\0" in block or len(block.translate(None, TEXT_CHARACTERS)) > 0.3 * len(block)
