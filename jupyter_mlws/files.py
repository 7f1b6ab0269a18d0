"""Files that are replaced whole: whoever reads one finds the old or the new text."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def beside(path: Path) -> Path:
    """A file next to ``path``, of this thread alone, for what is to take its place."""
    return path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")


def replace(path: Path, text: str) -> None:
    """Put ``text`` in the place of what ``path`` holds."""
    temporary = beside(path)
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
