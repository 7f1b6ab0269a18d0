"""What is written beside its place, to be moved there whole."""

from __future__ import annotations

import glob
import shutil
import uuid
from pathlib import Path

SUFFIX = ".mlws-part"
LONGEST = 50
"""Characters of a name that are kept: a file system allows 255 bytes."""


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


def _prefix(target: Path) -> str:
    return f".{target.name[:LONGEST]}."
