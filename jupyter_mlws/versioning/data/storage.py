"""Tells of a full disk in the words of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_mlws.core.errors import DiskFullError, is_full_disk


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Error 30102 instead of an ``OSError`` where no space or quota is left."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error):
            raise
        raise DiskFullError(reason=str(error)) from error
