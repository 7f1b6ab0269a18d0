"""What the API says and takes of going back, tags and stashes."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.models import Plain, Text


class RollbackMode(str, Enum):
    """``revert`` adds a commit, ``restore`` changes the files alone."""

    REVERT = "revert"
    RESTORE = "restore"


class RollbackRequest(Request):
    """Which version to go back to, and how."""

    to: Plain = Field(min_length=1, description="A branch, tag or ID in the history of HEAD.")
    mode: RollbackMode = RollbackMode.REVERT
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class RolledBack(Record):
    """Where HEAD is now; ``safety`` is a commit that keeps what the files held."""

    mode: RollbackMode
    to: str
    commit: str
    previous: str
    safety: str | None
    data: list[Text]


class Tag(Record):
    """A name for a commit; ``message`` is null for a tag that is no more than that."""

    name: Text
    commit: str
    message: Text | None
    tagger: Text | None
    timestamp: str
    subject: Text


class TagCreate(Request):
    """A new tag, at HEAD or ``ref``; with a message it is an object of its own in git."""

    name: Plain = Field(min_length=1, description="A name that is valid in git.")
    ref: Plain = Field(default="HEAD", min_length=1)
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class Stash(Record):
    """Work that was put aside: ``id`` is a commit, ``base`` the one that it was done on."""

    id: str
    message: Text
    branch: Text | None
    base: str
    timestamp: str
    files: list[Text]


class StashCreate(Request):
    """What is said of the work, and whether new files go along."""

    message: Plain | None = Field(default=None, max_length=2_000, pattern=NOT_BLANK)
    untracked: bool = True


class StashApply(Request):
    """Whether the stash stays after it was brought back."""

    keep: bool = False


class SafetyCopy(Record):
    """A commit that keeps what was replaced: ``reason`` is the command that did it.

    ``base`` is the commit that was checked out, ``files`` are those that differ from it.
    """

    id: str
    reason: Text
    base: str | None
    timestamp: str
    files: list[Text]


class StashApplied(Record):
    """What was brought back; ``data`` changed for that."""

    id: str
    files: list[Text]
    data: list[Text]
