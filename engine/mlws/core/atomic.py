"""Atomic replacement of files: a reader sees either the old or the new content."""

from __future__ import annotations

import glob
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".mlws-part"
NAME_LIMIT = 50
"""Characters of the target's name in a temporary name: file systems allow 255 bytes."""
DEFAULT_MODE = 0o666
"""Permissions of a new file, before the umask."""


def temp_path(target: Path) -> Path:
    """Return an unused path beside ``target`` for a file or directory that will replace it."""
    return target.with_name(f"{_prefix(target)}{uuid.uuid4().hex[:8]}{SUFFIX}")


def remove_temp_paths(target: Path) -> None:
    """Remove temporary paths of ``target`` that a crash left; not while it is being replaced."""
    pattern = f"{glob.escape(_prefix(target))}{'[0-9a-f]' * 8}{SUFFIX}"
    for path in target.parent.glob(pattern):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def atomic_write(
    path: Path, content: str | bytes, *, mode: int | None = None, durable: bool = False
) -> None:
    """Replace the file at ``path``, or create it; a text is encoded as UTF-8.

    ``mode`` are its permissions before the umask; by default those of the replaced file.
    ``durable``: fsync, so that the file survives a crash of the machine.
    """
    old_mode = None
    if mode is None:
        mode = DEFAULT_MODE
        with suppress(FileNotFoundError):
            status = path.lstat()
            old_mode = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
    temporary = temp_path(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            if old_mode is not None:
                os.fchmod(descriptor, old_mode)
            file.write(content.encode() if isinstance(content, str) else content)
            if durable:
                file.flush()
                os.fsync(descriptor)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync(path.parent)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a path for a new file or directory, which replaces ``path`` if there is no error."""
    # With the same name, in a temporary directory: writers may depend on the extension.
    folder = temp_path(path)
    folder.mkdir()
    try:
        yield folder / path.name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        (folder / path.name).replace(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sync(path: Path) -> None:
    """fsync a file or a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(target: Path) -> str:
    return f".{target.name[:NAME_LIMIT]}."
