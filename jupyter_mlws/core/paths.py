"""Long lists of paths, shortened."""

from __future__ import annotations

from collections.abc import Iterable

MAX_LISTED_ENTRIES = 10
"""Entries of a folder up to which a list of files names each of them."""


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
