"""The kinds of what is versioned."""

from __future__ import annotations

from enum import Enum


class ChangeKind(str, Enum):
    """Kind of a path's content: decides its icon, and how it is compared."""

    CODE = "code"
    NOTEBOOK = "notebook"
    DATA = "data"
