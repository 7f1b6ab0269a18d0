"""Finds the notebooks below a directory, with limits for large trees."""

from __future__ import annotations

import os
from collections import deque
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from jupyter_mlws.core.validation_messages import is_encodable
from jupyter_mlws.notebooks.models import SUFFIX

SKIPPED_DIRECTORIES = frozenset({"node_modules", "__pycache__", "mlruns"})
MAX_ENTRIES = 200_000
"""Maximum number of files and directories that are read."""
MAX_DIRECTORY_ENTRIES = 20_000
"""Further entries of a directory are skipped: it contains data."""


class ScanResult(NamedTuple):
    """Sorted paths below the root, and a flag that is True if nothing was left out."""

    paths: list[str]
    complete: bool


def find(root: Path, most: int = MAX_ENTRIES) -> ScanResult:
    """Return all notebooks outside hidden directories; links to directories are not followed."""
    paths: list[str] = []
    complete = True
    waiting = deque([""])
    while waiting:
        folder = waiting.popleft()
        limit = min(MAX_DIRECTORY_ENTRIES, most)
        entries: list[os.DirEntry[str]] = []
        try:
            with os.scandir(root / folder) as iterator:
                entries.extend(islice(iterator, limit + 1))
        except (PermissionError, FileNotFoundError, NotADirectoryError):
            # Not readable, or deleted meanwhile.
            complete = False
        if len(entries) > limit:
            complete = False
            entries.pop()
        most -= len(entries)
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith(".") or not is_encodable(entry.name):
                continue
            if entry.name.endswith(SUFFIX):
                if entry.is_file():
                    paths.append(path)
            elif (
                entry.is_dir(follow_symlinks=False)
                and entry.name not in SKIPPED_DIRECTORIES
                and not Path(entry.path, "pyvenv.cfg").exists()
            ):
                waiting.append(path)
    return ScanResult(sorted(paths), complete)
