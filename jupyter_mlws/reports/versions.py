"""The versions that a report compares, as ``BASE..HEAD`` names them."""

from __future__ import annotations

from typing import NamedTuple

from jupyter_mlws.core.errors import UnrelatedHistoriesError
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.merge import merge_base
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

DEFAULT_BASES = ("@{upstream}", "main", "master", "origin/HEAD", "origin/main", "origin/master")
"""Default bases of a comparison; the first that exists is used."""


class Versions(NamedTuple):
    """The ids of two commits."""

    base: str
    head: str


def parse_versions(git: Git, text: str | None) -> Versions:
    """Return the versions of ``BASE..HEAD``, or of ``BASE...HEAD``, which begins at the merge base.

    What is left out is HEAD, and the upstream or main branch as the base. Raises
    InvalidRequestError for another text, VersionItemNotFoundError for an unknown version,
    UnrelatedHistoriesError without a merge base.
    """
    base, _, head = (text or "").partition("..")
    is_merge_base = head.startswith(".")
    head = head.removeprefix(".")
    if ".." in head or head.startswith((".", "-")) or base.startswith("-"):
        fault = Message("must be BASE..HEAD or BASE...HEAD, not {text!r}", text=text)
        raise InvalidRequestError(faults=[Fault("versions", fault)])
    if not base:
        base = next((name for name in DEFAULT_BASES if git.find(name)), "")
    if not base:
        fault = Message("names no base, and there is neither an upstream nor a branch main")
        raise InvalidRequestError(faults=[Fault("versions", fault)])
    first, last = git.resolve(base), git.resolve(head or "HEAD")
    if is_merge_base:
        first = merge_base(git, first, last)
        if git.find(first) is None:
            # A tree without files, of a branch of a remote that was empty.
            raise UnrelatedHistoriesError()
    return Versions(first, last)
