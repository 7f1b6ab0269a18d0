"""What the fast lane does not do, and leaves to DVC."""

from __future__ import annotations


class UnusualError(Exception):
    """Something that only DVC itself handles; the message says what."""
