"""What the API says and takes of merges."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.kinds import ChangeKind
from jupyter_mlws.versioning.models import Plain, SnapshotData, Text


class MergeOutcome(str, Enum):
    """What a merge came to; with ``conflicts`` it waits to be resolved and finished."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"
    CONFLICTS = "conflicts"


class ConflictHow(str, Enum):
    """What the two sides did to a path."""

    BOTH_MODIFIED = "both_modified"
    BOTH_ADDED = "both_added"
    BOTH_DELETED = "both_deleted"
    DELETED_BY_US = "deleted_by_us"
    DELETED_BY_THEM = "deleted_by_them"
    ADDED_BY_US = "added_by_us"
    ADDED_BY_THEM = "added_by_them"


class SideChoice(str, Enum):
    """Whose version is taken; ``both`` puts ours before theirs."""

    OURS = "ours"
    THEIRS = "theirs"
    BASE = "base"
    BOTH = "both"


class MergeRequest(Request):
    """What is merged into the current branch: a branch, tag or id."""

    ref: Plain = Field(min_length=1)
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class MergeFinish(Request):
    """The message of the merge's commit; left out, the one it began with."""

    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class MergeAbort(Request):
    """Nothing more to say."""


class Conflict(Record):
    """A path in conflict; ``sizes`` in bytes are of the sides that have it."""

    path: Text
    kind: ChangeKind
    how: ConflictHow
    sizes: dict[str, int | None]


class Conflicts(Record):
    """What is in conflict; ``theirs`` names what is merged, ``commit`` is its id."""

    operation: str | None
    ours: Text | None
    theirs: Text | None
    commit: str | None
    items: list[Conflict]


class CellSides(Record):
    """One cell of a notebook in all versions; null where a version lacks it."""

    id: str
    type: str
    base: str | None
    ours: str | None
    theirs: str | None
    merged: str
    conflict: bool


class ConflictDetail(Conflict):
    """A path with its sides: ``merged`` is what the working tree holds now.

    Texts are null for sides that lack the path, binary files, and beyond 4 MB (``truncated``).
    ``cells`` is there for notebooks, ``data`` for files that name data.
    """

    base: str | None
    ours: str | None
    theirs: str | None
    merged: str | None
    binary: bool
    truncated: bool
    cells: list[CellSides] | None
    data: dict[str, list[SnapshotData]]


class CellText(Request):
    """What a cell of a notebook says in the end; without outputs, unless a side says the same."""

    source: str = Field(max_length=4_000_000)


class Resolution(Request):
    """How a path is settled: by a side, by a text, or cell by cell (by the cells' ids)."""

    take: SideChoice | None = None
    text: str | None = None
    cells: dict[str, SideChoice | CellText] | None = Field(default=None, min_length=1)


class Merged(Record):
    """Where the branch is now, which data changed, and what is left to resolve."""

    outcome: MergeOutcome
    commit: str
    previous: str | None
    data: list[Text]
    conflicts: list[Conflict]


class Aborted(Record):
    """Where the branch is; ``safety`` is a commit that keeps what had been resolved."""

    commit: str
    safety: str | None
