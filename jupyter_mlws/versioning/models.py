"""API models of versions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from jupyter_mlws.core.schemas import PageQuery, Record, Request
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.data_index import ChangeKind
from mlws.core.i18n import Message


class ChangeState(StrEnum):
    """State of a changed path; ``not_pulled``: this machine does not have the data yet."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"
    UNTRACKED = "untracked"
    CONFLICTED = "conflicted"
    NOT_PULLED = "not_pulled"


def _printable(value: Any) -> Any:
    """Replace the bytes of a name that are not valid UTF-8 with a replacement character."""
    if isinstance(value, str):
        return value.encode(errors="surrogateescape").decode(errors="replace")
    return value


def _without_nul(value: str) -> str:
    """Reject NUL characters, which neither git nor the file system accepts."""
    if "\0" in value:
        raise PydanticCustomError("nul", "must not contain a NUL character")
    return value


Plain = Annotated[str, AfterValidator(_without_nul)]
"""A string that can be a path or an argument."""


Text = Annotated[str, BeforeValidator(_printable)]
"""Text out of git, whose names and messages may hold any bytes."""


def _scalar(value: Any) -> Any:
    if value is not None and not isinstance(value, str | int | float):
        raise PydanticCustomError("scalar", "must be a string, a number, true, false or null")
    return value


Scalar = Annotated[
    Any,
    BeforeValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class Change(Record):
    """A path that differs from HEAD; data that DVC tracks is named by its own path.

    ``index_state``: how what is staged differs from HEAD; ``worktree_state``: how the working tree
    differs from what is staged. Null where they are the same. ``too_large``: a new file that a
    commit leaves out because it is too large for git.
    """

    path: Text
    kind: ChangeKind
    state: ChangeState
    staged: bool = False
    index_state: ChangeState | None = None
    worktree_state: ChangeState | None = None
    old_path: Text | None = None
    size: int | None = None
    too_large: bool = False


class LockHolder(Record):
    """Holder of the project's lock: the operation, the user and the start time."""

    operation: str
    who: str
    since: str
    host: str
    pid: int


class RestoredVersion(Record):
    """The snapshot that the files were restored to, while HEAD is another one."""

    commit: str
    short: str
    subject: Text


class OperationAction(StrEnum):
    """A way on from an unfinished operation."""

    CONTINUE = "continue"
    SKIP = "skip"
    ABORT = "abort"


OPERATION_ACTIONS = {
    "merge": (OperationAction.CONTINUE, OperationAction.ABORT),
    "rebase": (OperationAction.CONTINUE, OperationAction.SKIP, OperationAction.ABORT),
    "am": (OperationAction.CONTINUE, OperationAction.SKIP, OperationAction.ABORT),
    "cherry-pick": (OperationAction.CONTINUE, OperationAction.SKIP, OperationAction.ABORT),
    "revert": (OperationAction.CONTINUE, OperationAction.SKIP, OperationAction.ABORT),
    "bisect": (OperationAction.SKIP, OperationAction.ABORT),
    "restore": (OperationAction.CONTINUE, OperationAction.ABORT),
    "stash": (OperationAction.CONTINUE, OperationAction.ABORT),
    "checkout": (OperationAction.CONTINUE, OperationAction.ABORT),
}
"""Actions that each unfinished operation offers."""


class GitStatus(Record):
    """Branch, uncommitted changes and pending operations.

    ``operation`` is the unfinished merge, rebase, restore or similar, and ``actions`` are the ways
    on from it: none from a restore that still runs. ``lock``: the operation
    that holds the project's lock. ``outbox``: snapshots whose data is not on the remote yet.
    ``restored``: the other snapshot that the files were restored from; committing them returns
    to it.
    """

    branch: Text | None
    head: str | None
    upstream: Text | None
    changes: list[Change]
    operation: str | None = None
    actions: list[OperationAction] = Field(default_factory=list)
    lock: LockHolder | None = None
    outbox: list[str] = Field(default_factory=list)
    restored: RestoredVersion | None = None


class DiffHunk(Record):
    """Lines that differ, as git prints them; ``id`` is what staging takes."""

    id: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    section: str
    lines: list[str]


class CellState(StrEnum):
    """State of a notebook cell in a diff."""

    UNCHANGED = "unchanged"
    ADDED = "added"
    DELETED = "deleted"
    MODIFIED = "modified"


class CellDiff(Record):
    """One cell of a notebook in two versions; ``unified`` is the difference of its source."""

    id: str
    type: str
    state: CellState
    old: str | None
    new: str | None
    outputs_changed: bool
    unified: str


class HiddenText(StrEnum):
    """Reason why a diff has no texts."""

    BINARY = "binary"
    TOO_LARGE = "too_large"
    FOLDER = "folder"
    NOT_STORED = "not_stored"


class FileDiff(Record):
    """One file in two versions; texts are cut where they are long, and null if ``hidden``.

    ``cells`` is there for notebooks that can be compared cell by cell. The counts of files are
    those of a folder of data.
    """

    path: Text
    binary: bool
    hidden: HiddenText | None = None
    unified: str
    old: str | None
    new: str | None
    truncated: bool
    old_size: int | None = None
    new_size: int | None = None
    old_files: int | None = None
    new_files: int | None = None
    hunks: list[DiffHunk] = Field(default_factory=list)
    cells: list[CellDiff] | None = None


class VersionChange(Record):
    """A path that a commit changed."""

    path: Text
    state: ChangeState
    kind: ChangeKind
    old_path: Text | None = None


class ChangedFile(VersionChange):
    """A file of a diff; the counts of lines are null for binary files and data."""

    additions: int | None = None
    deletions: int | None = None


class Diff(Record):
    """The files that differ."""

    files: list[ChangedFile]


class DiffReply(RootModel[FileDiff | Diff]):
    """Difference of one file if a path was given, otherwise the list of files."""

    model_config = ConfigDict(defer_build=True)


class CodeVersion(Record):
    """A commit in the specification's format; ``parents`` link the commit graph."""

    commit_id: str
    message: Text
    author: Text
    timestamp: str
    changes: list[VersionChange]
    parents: list[str]
    refs: list[Text]


class CommitCreated(CodeVersion):
    """A new commit; ``warnings`` list what was left out, and why."""

    warnings: list[Message] = Field(default_factory=list)


class Author(Record):
    """Author of a version."""

    name: Text
    email: Text


class SnapshotData(Record):
    """Data that a version names; ``files`` is the number of files of a folder."""

    path: Text
    md5: str | None
    size: int | None
    files: int | None


class Stats(Record):
    """Number of changed paths of each kind."""

    code: int = 0
    data: int = 0
    notebook: int = 0


class Proof(Record):
    """Result of an integrity check: true, false, or null where there is nothing to check."""

    code: bool
    data_local: bool | None
    data_remote: bool | None
    runs: bool | None
    checked: str


class Snapshot(Record):
    """One version of code, data and models; ``runs`` are ids of MLflow runs.

    ``environments``: IDs of those in which its data was made; their packages are in its files
    `.mlws/environments/ID.txt`.
    """

    id: str
    short: str
    parents: list[str]
    subject: Text
    message: Text
    author: Author
    timestamp: str
    refs: list[Text]
    current: bool
    runs: list[str]
    environments: list[str] = Field(default_factory=list)
    data: list[SnapshotData]
    stats: Stats
    proof: Proof | None = None


class SnapshotDetail(Snapshot):
    """A snapshot with the paths that it changed compared to its parent."""

    changes: list[VersionChange]


class SnapshotCreated(Snapshot):
    """A new snapshot; ``warnings`` list what was left out, and why.

    ``left_out``: new files that are too large for git.
    """

    warnings: list[Message] = Field(default_factory=list)
    left_out: list[Text] = Field(default_factory=list)


class CodeAction(Record):
    """Action of a restore on a file: ``write`` or ``delete``."""

    path: Text
    action: str


class DataAction(Record):
    """Action of a restore on data: ``checkout``, ``fetch`` (from the remote first), ``delete``."""

    path: Text
    action: str
    size: int | None = None


class Lost(Record):
    """Uncommitted work that a restore replaces; the safety copy keeps it."""

    path: Text
    reason: Message


class Missing(Record):
    """Data that is in neither cache nor remote; an unreachable remote may have it."""

    path: Text
    md5: str


class UnreachableRemote(Record):
    """A data remote that could not be reached."""

    remote: str
    reason: Message


class RestorePlan(Record):
    """Plan of a restore; ``nothing``: the working tree matches the snapshot already.

    ``unreachable``: the remote that could not be checked for the ``missing`` data.
    """

    snapshot: str
    code: list[CodeAction]
    data: list[DataAction]
    bytes_to_fetch: int
    lost: list[Lost]
    missing: list[Missing]
    unreachable: UnreachableRemote | None = None
    nothing: bool


class RestoreResult(Record):
    """Result of a restore; ``safety`` is the commit that keeps the previous content.

    ``environments``: names of those whose lock was restored and has other versions than installed.
    """

    safety: str | None
    restored: list[Text]
    environments: list[str] = Field(default_factory=list)


class ChangedData(Record):
    """Data that differs between two versions."""

    path: Text
    state: ChangeState
    from_md5: str | None
    to_md5: str | None
    from_size: int | None
    to_size: int | None


DifferingRow = TypedDict("DifferingRow", {"name": str, "from": Any, "to": Any})


class DifferingValue(Record):
    """A metric or parameter in two versions; null where a version lacks it."""

    name: str
    from_: Any
    to: Any

    @model_serializer
    def _row(self) -> DifferingRow:
        # ``from`` is a word of Python's, and aliases are left out of plain dumps.
        return {"name": self.name, "from": self.from_, "to": self.to}


class ColumnChange(Record):
    """A column of a table in two versions, by its types; null where it does not exist."""

    name: str
    before: str | None
    after: str | None


class RowChange(Record):
    """A row that changed; ``values`` are the columns that differ, or all columns of the row.

    ``key`` identifies the row: its value in the key column, or its number in a table without one,
    null if it is not known which row was which.
    """

    state: CellState
    key: str | None
    values: list[DifferingValue]


class ColumnSummary(Record):
    """The values of a column; numbers have a range and moments, other values are counted.

    ``distinct`` is null where there are too many values to count.
    """

    count: int
    missing: int
    distinct: int | None = None
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None


class BinComparison(Record):
    """How often a range of numbers, or a value, is in two versions; null without the column."""

    label: str
    before: int | None
    after: int | None


class ColumnComparison(Record):
    """The values of a column in two versions.

    ``bins``: a histogram if ``is_histogram``, else
    the most frequent values, and none where there are too many.
    """

    name: str
    before: ColumnSummary | None
    after: ColumnSummary | None
    is_histogram: bool = False
    bins: list[BinComparison] = Field(default_factory=list)


class CommonColumn(Record):
    """A column of both versions; ``changed`` counts the cells of changed rows that differ."""

    name: str
    changed: int


class TableChange(Record):
    """A table in two versions.

    ``rows`` are a page of the rows that differ and match the query, of which ``match_count`` can be
    read: of more than ``kept`` differing rows, the others are only counted. ``statistics``
    describe the columns whose values differ. ``key``: the column by which rows are matched; without
    one, rows match by their whole content, or by position where both versions have as many.
    ``reordered``: the same rows in another order. ``problem`` says why it was not compared.
    """

    path: Text
    state: ChangeState
    rows_before: int | None = None
    rows_after: int | None = None
    key: str | None = None
    added: int = 0
    deleted: int = 0
    modified: int = 0
    reordered: bool = False
    columns: list[ColumnChange] = Field(default_factory=list)
    rows: list[RowChange] = Field(default_factory=list)
    offset: int = 0
    match_count: int = 0
    kept: int = 0
    common: list[CommonColumn] = Field(default_factory=list)
    statistics: list[ColumnComparison] = Field(default_factory=list)
    problem: Message | None = None

    @property
    def has_row_keys(self) -> bool:
        """Return whether it is known which row was which."""
        return self.key is not None or self.modified > 0


class SnapshotDiff(Record):
    """Two versions side by side.

    ``environments``: interpreters and packages with which the data of both snapshots was made.
    """

    files: list[ChangedFile]
    data: list[ChangedData]
    metrics: list[DifferingValue]
    params: list[DifferingValue]
    environments: list[DifferingValue]


class SnapshotCreate(Request):
    """A new snapshot, of all changes, those at and below ``paths``, or those that are staged."""

    amend: bool = Field(default=False, description="Replace the last commit.")
    message: Plain | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        pattern=NOT_BLANK,
        validate_default=True,
        description="Required unless the last commit is amended, whose message then stays.",
    )
    paths: list[Plain] | None = Field(default=None, min_length=1, max_length=10_000)
    leave_out: list[Plain] = Field(
        default_factory=list,
        max_length=10_000,
        description="Files at and below these paths are not committed.",
    )
    allow_secrets: bool = Field(
        default=False, description="Commit files even if they look like credentials."
    )
    allow_many: bool = Field(
        default=False,
        description="Commit new files even if there are so many that they look like data.",
    )
    refuse_large: bool = Field(
        default=False,
        description="Commit nothing if new files are too large for git, rather than the others.",
    )
    staged: bool = Field(default=False, description="Commit only what is staged in git's index.")
    pushed: bool = Field(default=False, description="Amend also one that a remote branch has.")

    @field_validator("message")
    @classmethod
    def _has_message(cls, message: str | None, info: ValidationInfo) -> str | None:
        if message is None and not info.data.get("amend"):
            raise PydanticCustomError("missing", "Field required")
        return message

    @model_validator(mode="after")
    def _one_choice(self) -> SnapshotCreate:
        if self.staged and (self.paths is not None or self.leave_out):
            raise PydanticCustomError("staged_paths", "specify either paths or staged")
        return self


class RestoreRequest(Request):
    """All of a snapshot, or its ``paths`` and what is below them."""

    paths: list[Plain] | None = Field(default=None, min_length=1, max_length=10_000)


class StatusQuery(Request):
    """All changes, or those of some paths."""

    paths: list[Plain] | None = Field(
        default=None,
        max_length=100,
        description="Only changes at or below these paths; a staged rename is listed by its new "
        "path.",
    )


class DiffQuery(Request):
    """Two versions; without ``to`` the working tree."""

    from_: Plain = Field(
        default="HEAD",
        alias="from",
        description="Older version; `A...B` is the merge base of A and B.",
    )
    to: Plain | None = Field(default=None, description="Newer version; default: the working tree.")
    path: Plain | None = Field(default=None, description="Compare this file instead of a list.")
    staged: bool | None = Field(
        default=None,
        description="Instead of two versions: true for staged changes, false for unstaged ones.",
    )


class BlameQuery(Request):
    """A file, and a version of it."""

    path: Plain = Field(min_length=1, description="A file that git tracks.")
    at: Plain | None = Field(
        default=None, min_length=1, description="A branch, tag or ID; default: the working tree."
    )


class BlameLines(Record):
    """``count`` lines from line ``start`` (the first is 1), and the commit that changed them last.

    ``commit`` is null for lines that are not committed yet. ``previous`` is the commit before it
    that has the file; null if there is none.
    """

    start: int
    count: int
    commit: str | None
    previous: str | None
    author: Text
    timestamp: str
    subject: Text


class Blame(Record):
    """The commits that changed the lines of a file last, in the order of the lines."""

    path: Text
    lines: list[BlameLines]


class TableDiffQuery(DiffQuery):
    """A table, and two versions of it."""

    path: Plain = Field(description="File with a table: CSV, TSV, Parquet, JSON lines or Excel.")
    offset: int = Field(default=0, ge=0, description="Differing rows to leave out.")
    limit: int = Field(default=100, ge=0, le=1000, description="Differing rows to return.")
    state: CellState | None = Field(
        default=None, description="Only rows that are `modified`, `added` or `deleted`."
    )
    column: Plain | None = Field(
        default=None, description="Only rows in which this column differs."
    )


class SnapshotDiffQuery(Request):
    """Two versions."""

    from_: Plain = Field(
        alias="from", description="Older version; `A...B` is the merge base of A and B."
    )
    to: Plain = Field(default="HEAD", description="Newer version.")


class HistoryQuery(PageQuery):
    """Filters of the history; a commit must match all of them."""

    ref: Plain = Field(default="HEAD", description="Where to start: a branch, tag or ID.")
    all: bool = Field(default=False, description="All branches, tags and remotes instead of `ref`.")
    path: Plain | None = Field(
        default=None,
        description="Only commits that changed this path, including a file's earlier names.",
    )
    author: Plain | None = Field(default=None, description="Text in the author's name or email.")
    q: Plain | None = Field(default=None, description="Text in the message.")


class PlanQuery(Request):
    """Query for a restore plan: the paths of the snapshot to restore."""

    paths: Annotated[
        list[Plain] | None,
        BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    ] = Field(default=None, description="Only these paths and below; can be repeated.")
