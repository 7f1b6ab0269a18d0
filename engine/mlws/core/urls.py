"""Validation of repository URLs: no commands, no passwords."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from mlws.core.i18n import Message
from mlws.core.secrets import mask_credentials

SCHEMES = ("https", "http", "ssh", "git", "file", "git+ssh", "ssh+git")
MAX_LENGTH = 4000

NO_ADDRESS = Message("must be a repository URL (https, ssh, git or file) or a path")
HOLDS_PASSWORD = Message("contains a password or token; remove it, you will be asked for it")


def parts_of(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if it is invalid, such as an unclosed bracket."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def fault_of_address(address: str) -> Message | None:
    """Return the reason why ``address`` is not accepted; None if it is."""
    if not address.strip() or address.startswith("-") or len(address) > MAX_LENGTH:
        return NO_ADDRESS
    if re.search(r"[\x00-\x1f\x7f]", address) or re.match(r"[\w+.-]+::", address):
        # `program::address` runs a program.
        return NO_ADDRESS
    scheme = re.match(r"([A-Za-z][\w+.-]*)://", address)
    if scheme is not None and scheme[1].lower() not in SCHEMES:
        return NO_ADDRESS
    return HOLDS_PASSWORD if mask_credentials(address) != address else None
