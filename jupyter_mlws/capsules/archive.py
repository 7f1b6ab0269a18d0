"""The file of a capsule: a zip archive, which is written at once and read with distrust."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import IO

from jupyter_mlws.capsules.crate import BUNDLE, DATA, METADATA, Content
from jupyter_mlws.core.errors import CapsuleInvalidError
from mlws.core.errors import DiskFullError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback
from mlws.dvc.cache import legacy_md5_of

BLOCK_BYTES = 1024 * 1024
WORTHWHILE = 0.95
"""Ratio of the compressed first block up to which a file is compressed."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip archive can name."""
MAX_RATIO, FREE_BYTES = 200, 100_000_000
"""Unpacked bytes a packed byte from which on an archive is refused, beyond the free bytes."""
MAX_TEXT_BYTES = 64_000_000
"""Bytes of a metadata file that are read."""
ENCRYPTION_FLAG = 0x1
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""Errors of the module for zip archives about damaged entries."""
OBJECT = re.compile(r"data/(files/md5/)?([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
"""Names of DVC's objects in an archive, those of DVC 2 without `files/md5`."""
NOT_ZIP = Message("it is no zip archive")
INCOMPLETE = Message("{entry} is missing")
UNSAFE_NAME = Message("the name {entry} leads out of the folder or is there twice")
NOT_FILE = Message("{entry} is a link, a device or encrypted")
TOO_LARGE = Message("unpacked it would have {size} MB, {ratio} times as many as packed")
TOO_FULL = Message("{size} MB more are needed")
NOT_INTACT = Message("{entry} is damaged")


class ArchiveWriter:
    """Writes files into a zip archive; all have the time of the snapshot.

    ``folder``: a directory on the same disk for temporary files.
    """

    def __init__(self, archive: zipfile.ZipFile, folder: Path, timestamp: str) -> None:
        self.folder = folder
        self._archive = archive
        self._time = datetime.fromisoformat(timestamp).timetuple()[:6]

    def add(self, name: str, source: IO[bytes]) -> Content:
        """Add a file, and return its size and hashes."""
        info = zipfile.ZipInfo(name, max(self._time, EARLIEST))
        info.external_attr = (stat.S_IFREG | 0o644) << 16
        first = source.read(BLOCK_BYTES)
        # Most data is compressed already, and would take minutes more.
        if len(zlib.compress(first, 1)) < len(first) * WORTHWHILE:
            info.compress_type = zipfile.ZIP_DEFLATED
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        with self._archive.open(info, "w", force_zip64=True) as target:
            for block in chain([first], _read(source)):
                md5.update(block)
                sha256.update(block)
                size += len(block)
                target.write(block)
        return Content(name, size, md5.hexdigest(), sha256.hexdigest())


class ArchiveReader:
    """Reads an archive of unknown origin: only a bundle and DVC's objects, by their hashes."""

    def __init__(self, archive: zipfile.ZipFile, name: str, packed_size: int) -> None:
        self._archive = archive
        self._name = name
        names = set()
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            path = info.filename.rstrip("/")
            is_inside = path == posixpath.normpath(path) and not path.startswith(("/", "../"))
            if not is_inside or path in ("", ".", "..") or "\\" in path or path in names:
                raise self._fault(UNSAFE_NAME, entry=repr(info.filename))
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or info.flag_bits & ENCRYPTION_FLAG:
                raise self._fault(NOT_FILE, entry=repr(info.filename))
            names.add(path)
        for entry in (METADATA, BUNDLE):
            if entry not in names:
                raise self._fault(INCOMPLETE, entry=entry)
        self.size = sum(info.file_size for info in archive.infolist())
        if self.size > MAX_RATIO * packed_size + FREE_BYTES:
            ratio, size = self.size // packed_size, self.size // 1_000_000
            raise self._fault(TOO_LARGE, size=size, ratio=ratio)

    def _fault(self, message: Message, **facts: object) -> CapsuleInvalidError:
        return CapsuleInvalidError(name=self._name, reason=message.fill(**facts))

    def objects(self) -> list[zipfile.ZipInfo]:
        """Return the entries that are data of DVC."""
        return [one for one in self._archive.infolist() if OBJECT.fullmatch(one.filename)]

    def read(self, name: str) -> bytes:
        """Return the content of a small file; empty if there is none."""
        try:
            with self._archive.open(name) as file:
                return file.read(MAX_TEXT_BYTES)
        except KeyError:
            return b""
        except DAMAGE as error:
            raise self._fault(NOT_INTACT, entry=name) from error

    def extract_objects(self, folder: Path, progress: ProgressCallback) -> None:
        """Write DVC's objects below a new folder, read-only as DVC's own are."""
        infos = self.objects()
        for place, info in enumerate(infos):
            progress(place, len(infos), "objects", "data")
            file = folder / info.filename.removeprefix(DATA)
            self.extract(info, file)
            # A program must not change them through a link in the working tree.
            file.chmod(0o444)

    def extract(self, entry: str | zipfile.ZipInfo, target: Path) -> None:
        """Write an entry to a new file; one that is an object must have its hash.

        Raises CapsuleInvalidError for other content.
        """
        name = entry if isinstance(entry, str) else entry.filename
        md5 = hashlib.md5(usedforsecurity=False)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._archive.open(entry) as source, target.open("xb") as file:
                for block in _read(source):
                    md5.update(block)
                    file.write(block)
        except DAMAGE as error:
            raise self._fault(NOT_INTACT, entry=name) from error
        match = OBJECT.fullmatch(name)
        if match is None:
            return
        expected = f"{match[2]}{match[3]}".removesuffix(".dir")
        is_intact = md5.hexdigest() == expected
        if not is_intact and not match[1]:
            is_intact = legacy_md5_of(target) == expected
        if not is_intact:
            raise self._fault(NOT_INTACT, entry=name)


@contextmanager
def open_archive(path: Path, space: Path) -> Iterator[ArchiveReader]:
    """Open the archive at ``path``; it will be unpacked below the directory ``space``.

    Raises CapsuleInvalidError for what is no capsule or unsafe to unpack, and DiskFullError.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise CapsuleInvalidError(name=path.name, reason=NOT_ZIP) from error
    except OSError as error:
        raise CapsuleInvalidError(name=path.name, reason=error.strerror or str(error)) from error
    with archive:
        reader = ArchiveReader(archive, path.name, path.stat().st_size)
        free = shutil.disk_usage(space).free
        if reader.size > free:
            missing = (reader.size - free) // 1_000_000 + 1
            raise DiskFullError(reason=TOO_FULL.fill(size=missing))
        yield reader


def object_name(md5: str, *, legacy: bool) -> str:
    """Return the name of one of DVC's objects in an archive."""
    return f"{DATA}{'' if legacy else 'files/md5/'}{md5[:2]}/{md5[2:]}"


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block
