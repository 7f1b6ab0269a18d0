"""What the API says and takes of merges."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.kinds import ChangeKind
from jupyter_mlws.versioning.models import Plain, SnapshotData, Text


class MergeOutcome(str, Enum):
    """Outcome of a merge; with ``conflicts`` it must be resolved and finished."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"
    CONFLICTS = "conflicts"


class ConflictHow(str, Enum):
    """Kind of conflict: the changes of the two sides to a path."""

    BOTH_MODIFIED = "both_modified"
    BOTH_ADDED = "both_added"
    BOTH_DELETED = "both_deleted"
    DELETED_BY_US = "deleted_by_us"
    DELETED_BY_THEM = "deleted_by_them"
    ADDED_BY_US = "added_by_us"
    ADDED_BY_THEM = "added_by_them"


class SideChoice(str, Enum):
    """Side to use; ``both`` puts ours before theirs."""

    OURS = "ours"
    THEIRS = "theirs"
    BASE = "base"
    BOTH = "both"


class MergeRequest(Request):
    """Branch, tag or id to merge into the current branch."""

    ref: Plain = Field(min_length=1)
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class MergeFinish(Request):
    """Message of the merge commit; default: the one that the merge started with."""

    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)


class MergeAbort(Request):
    """Request to abort the merge; it has no fields."""


class Conflict(Record):
    """A path in conflict; ``sizes`` in bytes, of the sides that have it."""

    path: Text
    kind: ChangeKind
    how: ConflictHow
    sizes: dict[str, int | None]


class Conflicts(Record):
    """Current conflicts; ``theirs`` is the name of the merged version, ``commit`` its id."""

    operation: str | None
    ours: Text | None
    theirs: Text | None
    commit: str | None
    items: list[Conflict]


class CellSides(Record):
    """One cell of a notebook in all versions; null for a version that lacks it."""

    id: str
    type: str
    base: str | None
    ours: str | None
    theirs: str | None
    merged: str
    conflict: bool


class ConflictDetail(Conflict):
    """A path with its sides: ``merged`` is the content of the working tree.

    Texts are null for sides that lack the path, binary files, and beyond 4 MB (``truncated``).
    ``cells`` is set for notebooks, ``data`` for files that name data.
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
    """Final source of a cell; its outputs are kept only if a side has the same source."""

    source: str = Field(max_length=4_000_000)


class Resolution(Request):
    """Resolution of a path: by a side, by a text, or cell by cell (by the cells' ids)."""

    take: SideChoice | None = None
    text: str | None = None
    cells: dict[str, SideChoice | CellText] | None = Field(default=None, min_length=1)


class Merged(Record):
    """Result of a merge: the branch's commit, the data that changed, and open conflicts."""

    outcome: MergeOutcome
    commit: str
    previous: str | None
    data: list[Text]
    conflicts: list[Conflict]


class Aborted(Record):
    """Result of an aborted merge; ``safety`` is a commit that keeps the resolved changes."""

    commit: str
    safety: str | None
