"""Finds what looks like a credential: not to be committed by accident, nor to be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

LARGEST = 1024 * 1024
"""Bytes; larger files are not searched: credentials are short."""

PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
        rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        rb"\baws_secret_access_key\s*[=:]\s*[\"']?[A-Za-z0-9/+=]{40}\b",
        rb"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
        rb"\bgithub_pat_[A-Za-z0-9_]{60,}\b",
        rb"\bglpat-[A-Za-z0-9_\-]{20,}\b",
        rb"\bhf_[A-Za-z0-9]{34,}\b",
        rb"\bsk-(?:proj-|ant-)?[A-Za-z0-9_\-]{32,}\b",
        rb"\bxox[abprs]-[A-Za-z0-9\-]{20,}\b",
        rb"\bAIza[0-9A-Za-z_\-]{35}\b",
    )
)

_WEB_USER = re.compile(r"(?i)\b(https?://)[^/@\s]+@")
_PASSWORD = re.compile(r"(?i)\b(\w[\w+.-]*://[^/:@\s]*):[^/@\s]+@")
_PARAMETER = re.compile(
    r"(?i)([?&][\w.-]*(?:token|secret|password|signature|credential|key|sig)[\w.-]*=)[^&\s'\"]+"
)


def masked(text: str) -> str:
    """``text`` with the credentials in its addresses replaced by stars.

    A web address's user may be a token itself; that of ``ssh://git@host`` is none.
    """
    text = _WEB_USER.sub(r"\1***@", text)
    text = _PASSWORD.sub(r"\1:***@", text)
    return _PARAMETER.sub(r"\1***", text)


def find_secrets(root: Path, paths: Iterable[str]) -> list[str]:
    """Those of the files below ``root`` whose content looks like a credential."""
    return [path for path in paths if _looks_secret(root / path)]


def looks_secret(content: bytes) -> bool:
    """``content`` holds what looks like a credential."""
    return len(content) <= LARGEST and any(pattern.search(content) for pattern in PATTERNS)


def _looks_secret(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
        return False
    return looks_secret(path.read_bytes())
