"""Files with which DVC tests how it can link from a cache to a folder."""

from __future__ import annotations

import re
from pathlib import Path

LINK_TEST = re.compile(r"\.[A-Za-z0-9_-]{22}\.tmp")
"""Their names, in a cache and beside a folder that is placed."""
LINK_TEST_SIZE = 4
"""Bytes of such a file at most."""


def remove_link_tests(folder: Path) -> None:
    """Remove those that a killed DVC left in ``folder``."""
    for path in folder.glob(".*.tmp"):
        is_small = path.is_symlink() or (path.is_file() and path.stat().st_size <= LINK_TEST_SIZE)
        if is_small and LINK_TEST.fullmatch(path.name):
            path.unlink(missing_ok=True)
