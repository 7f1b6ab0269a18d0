"""What the API says and takes of going back, tags and stashes."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.models import Plain, Text


class RollbackMode(str, Enum):
    """Kind of rollback: ``revert`` adds a commit, ``restore`` changes the files only."""

    REVERT = "revert"
    RESTORE = "restore"


class RollbackRequest(Request):
    """Version to go back to, and the mode."""

    to: Plain = Field(min_length=1, description="A branch, tag or ID in the history of HEAD.")
    mode: RollbackMode = RollbackMode.REVERT
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class RolledBack(Record):
    """Result of a rollback: HEAD's commit; ``safety`` is a commit of the replaced files."""

    mode: RollbackMode
    to: str
    commit: str
    previous: str
    safety: str | None
    data: list[Text]


class Tag(Record):
    """A name for a commit; ``message`` is null for a lightweight tag."""

    name: Text
    commit: str
    message: Text | None
    tagger: Text | None
    timestamp: str
    subject: Text


class TagCreate(Request):
    """A new tag, at HEAD or ``ref``; with a message it is an annotated tag."""

    name: Plain = Field(min_length=1, description="A name that is valid in git.")
    ref: Plain = Field(default="HEAD", min_length=1)
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class Stash(Record):
    """A stash: ``id`` is a commit, ``base`` the commit that it was made on."""

    id: str
    message: Text
    branch: Text | None
    base: str
    timestamp: str
    files: list[Text]


class StashCreate(Request):
    """Message of a new stash; ``untracked`` includes untracked files."""

    message: Plain | None = Field(default=None, max_length=2_000, pattern=NOT_BLANK)
    untracked: bool = True


class StashApply(Request):
    """Options for applying a stash; ``keep`` keeps the stash afterwards."""

    keep: bool = False


class SafetyCopy(Record):
    """A commit of what was replaced: ``reason`` is the command that did it.

    ``base`` is the commit that was checked out, ``files`` are those that differ from it.
    """

    id: str
    reason: Text
    base: str | None
    timestamp: str
    files: list[Text]


class StashApplied(Record):
    """Restored files of a stash; ``data`` lists the data that changed."""

    id: str
    files: list[Text]
    data: list[Text]
