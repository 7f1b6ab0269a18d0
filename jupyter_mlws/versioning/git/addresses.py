"""Addresses of repositories that a person may give: no programs, no passwords."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from jupyter_mlws.errors import Words
from jupyter_mlws.versioning.git.secrets import masked

SCHEMES = ("https", "http", "ssh", "git", "file", "git+ssh", "ssh+git")
LONGEST = 4000

NO_ADDRESS = Words(
    "is no address of a repository: https, ssh, git, file, or a path",
    "不是仓库地址：应为 https、ssh、git、file 地址或路径",
)
HOLDS_PASSWORD = Words(
    "holds a password or token; leave it out, it is asked for",
    "含有密码或令牌；请去掉，需要时会询问",
)


def parts_of(url: str) -> SplitResult | None:
    """The parts of a URL; None for what is none, such as half an address in brackets."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def fault_of_address(address: str) -> Words | None:
    """Why ``address`` is not taken; None where it is."""
    if not address.strip() or address.startswith("-") or len(address) > LONGEST:
        return NO_ADDRESS
    if re.search(r"[\x00-\x1f\x7f]", address) or re.match(r"[\w+.-]+::", address):
        # `program::address` runs a program.
        return NO_ADDRESS
    scheme = re.match(r"([A-Za-z][\w+.-]*)://", address)
    if scheme is not None and scheme[1].lower() not in SCHEMES:
        return NO_ADDRESS
    return HOLDS_PASSWORD if masked(address) != address else None
