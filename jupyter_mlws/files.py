"""Files that are replaced whole, and long lists of files by their folders."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

FOLDED = 10
"""Entries of a folder up to which a list of files names each of them."""


def beside(path: Path) -> Path:
    """A file next to ``path``, of this thread alone, for what is to take its place."""
    return path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")


def replace(path: Path, text: str) -> None:
    """Put ``text`` in the place of what ``path`` holds."""
    temporary = beside(path)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def by_folder(paths: Iterable[str], inside: str = "") -> list[tuple[str, int]]:
    """Shorten a list of files: (path, 1) for a file, ("folder/", count) for a full folder.

    A folder is full from more than :data:`FOLDED` of the listed entries on.
    """
    children: dict[str, list[str]] = {}
    count = 0
    for path in paths:
        name, slash, _ = path[len(inside) :].partition("/")
        children.setdefault(name + slash, []).append(path)
        count += 1
    if inside and len(children) > FOLDED:
        return [(inside, count)]
    rows: list[tuple[str, int]] = []
    for name, members in sorted(children.items()):
        rows += by_folder(members, inside + name) if name.endswith("/") else [(members[0], 1)]
    return rows
