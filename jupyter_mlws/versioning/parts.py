"""What is written beside its place, to be moved there whole."""

from __future__ import annotations

import glob
import re
import shutil
import uuid
from pathlib import Path

SUFFIX = ".mlws-part"
LONGEST = 50
"""Characters of a name that are kept: a file system allows 255 bytes."""
TRIED = re.compile(r"\.[A-Za-z0-9_-]{22}\.tmp")
"""What DVC calls the files with which it tries, in a cache and beside a folder that it places, how
it can link from one to the other."""
TRIED_SIZE = 4
"""Bytes of such a file at most."""


def part_of(target: Path) -> Path:
    """A name beside ``target`` that nobody uses, for a file or folder."""
    return target.with_name(f"{_prefix(target)}{uuid.uuid4().hex[:8]}{SUFFIX}")


def clear_parts(target: Path) -> None:
    """Remove what a crash left of writing ``target``; nobody may be writing it now."""
    pattern = f"{glob.escape(_prefix(target))}{'[0-9a-f]' * 8}{SUFFIX}"
    for part in target.parent.glob(pattern):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def clear_tried(folder: Path) -> None:
    """Remove what a killed DVC left of trying how it can link to ``folder``."""
    for left in folder.glob(".*.tmp"):
        small = left.is_symlink() or (left.is_file() and left.stat().st_size <= TRIED_SIZE)
        if small and TRIED.fullmatch(left.name):
            left.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    return f".{target.name[:LONGEST]}."
