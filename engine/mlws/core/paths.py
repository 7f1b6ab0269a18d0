"""Ids of paths in URLs, lists of paths, and sizes of files."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

MAX_LISTED_ENTRIES = 10
"""Entries of a folder up to which a list of files names each of them."""

SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")


def escape(path: str) -> str:
    """Return a path as one segment of a URL, escaped as in a JSON pointer (RFC 6901).

    ``workflows/wine/dvc.yaml`` becomes ``workflows~1wine~1dvc.yaml``.
    """
    return path.replace("~", "~0").replace("/", "~1")


def unescape(identifier: str) -> str:
    """Return the path that :func:`escape` was called with."""
    return identifier.replace("~1", "/").replace("~0", "~")


def fold_paths(paths: Iterable[str], inside: str = "") -> list[tuple[str, int]]:
    """Shorten a list of files: (path, 1) for a file, ("folder/", count) for a full folder.

    A folder is full from more than :data:`MAX_LISTED_ENTRIES` of the listed entries on.
    """
    children: dict[str, list[str]] = {}
    count = 0
    for path in paths:
        name, slash, _ = path[len(inside) :].partition("/")
        children.setdefault(name + slash, []).append(path)
        count += 1
    if inside and len(children) > MAX_LISTED_ENTRIES:
        return [(inside, count)]
    rows: list[tuple[str, int]] = []
    for name, members in sorted(children.items()):
        rows += fold_paths(members, inside + name) if name.endswith("/") else [(members[0], 1)]
    return rows


def own_folder(parent: Path) -> Path:
    """Return our folder in a folder of all programs, made if missing; only its user can open it."""
    folder = parent / "mlws"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def size_of(path: Path | str) -> int | None:
    """Return the bytes of a file; None for folders and missing paths."""
    try:
        facts = os.lstat(path)
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode) else None


def measure_folder(folder: Path, files_per_second: int | None = None) -> int:
    """Return the bytes of all files below a folder; files that vanish meanwhile do not count.

    A file with several names counts once. Folders behind links are left out. With
    ``files_per_second``, the disk is read no faster.
    """
    total = 0
    several_names: set[tuple[int, int]] = set()
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                facts = os.lstat(f"{path}{os.sep}{name}")
            except OSError:
                continue
            inode = (facts.st_dev, facts.st_ino)
            if facts.st_nlink == 1 or inode not in several_names:
                total += facts.st_size
            if facts.st_nlink > 1:
                several_names.add(inode)
        if files_per_second is not None:
            time.sleep(len(names) / files_per_second)
    return total


def format_size(size: int | None) -> str:
    """Return a number of bytes in human-readable units; nothing for None."""
    if size is None:
        return ""
    amount = float(size)
    for unit in SIZE_UNITS:
        if amount < 1000 or unit == SIZE_UNITS[-1]:
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
