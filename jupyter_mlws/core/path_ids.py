"""Ids in URLs: a path with its slashes escaped as in a JSON pointer (RFC 6901)."""

from __future__ import annotations


def escape(path: str) -> str:
    """``workflows/wine/dvc.yaml`` → ``workflows~1wine~1dvc.yaml``."""
    return path.replace("~", "~0").replace("/", "~1")


def unescape(identifier: str) -> str:
    """The path that :func:`escape` was given."""
    return identifier.replace("~1", "/").replace("~0", "~")
