"""API models of branches, remotes, the index, merges, tags, stashes and safety copies."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.core.validation_messages import NOT_BLANK
from jupyter_mlws.versioning.data_index import ChangeKind
from jupyter_mlws.versioning.models import Plain, SnapshotData, Text
from mlws.core.i18n import Message

HunkId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
LineName = Annotated[str, Field(pattern="^[-+][1-9][0-9]{0,8}$")]


class Branch(Record):
    """A branch; ``remote`` is null for local branches.

    ``ahead`` and ``behind`` count commits against ``upstream``, and are null without one.
    """

    name: Text
    remote: Text | None
    commit: str
    current: bool
    upstream: Text | None
    ahead: int | None
    behind: int | None
    timestamp: str
    subject: Text


class BranchCreate(Request):
    """A new branch, from a branch, tag or id."""

    name: Plain = Field(min_length=1, description="A name that is valid in git.")
    from_: Plain = Field(default="HEAD", alias="from", description="Start point.")
    checkout: bool = Field(default=False, description="Check it out.")


class BranchRename(Request):
    """A new name for a branch."""

    name: Plain = Field(min_length=1, description="A name that is valid in git.")


class BranchDeleteQuery(Request):
    """Options for deleting a branch; ``force`` deletes it even if no other ref has its commits."""

    force: bool = Field(default=False, description="Delete it even if it is not merged.")


class CheckoutRequest(Request):
    """Target of a checkout: a branch, or else the commit that ``ref`` names.

    With ``create`` the branch is created, at ``ref`` or at HEAD.
    """

    branch: Plain | None = Field(default=None, min_length=1)
    ref: Plain | None = Field(default=None, min_length=1, description="A tag, ID or branch.")
    create: bool = False


class Checkout(Record):
    """Result of a checkout: HEAD (``branch`` is null if detached), and the data that changed."""

    branch: Text | None
    commit: str
    previous: str | None
    data: list[Text]


class Remote(Record):
    """A git remote; passwords in addresses are masked."""

    name: Text
    url: Text
    push_url: Text


class WorktreeInfo(Record):
    """A folder that has a version of the repository checked out.

    ``branch`` is null without one; ``missing``: the folder is gone.
    """

    path: Text
    commit: str | None
    branch: Text | None
    current: bool
    locked: bool
    missing: bool


class SubmoduleInfo(Record):
    """A repository below this one.

    ``commit`` is the one that this repository records, ``head`` the one in its folder; null
    if the submodule is not initialized. Credentials in ``url`` are masked.
    """

    path: Text
    url: Text
    commit: str
    head: str | None


class RemotePut(Request):
    """URLs of a remote; without ``push_url`` it pushes to ``url``."""

    url: Plain = Field(min_length=1, max_length=4_000)
    push_url: Plain | None = Field(default=None, min_length=1, max_length=4_000)


class FetchRequest(Request):
    """Remote to fetch from; ``prune`` removes branches that it no longer has."""

    remote: Plain | None = Field(default=None, min_length=1)
    prune: bool = False


class FetchedBranch(Record):
    """A branch of a remote that moved; null if it did not exist before, or no longer exists."""

    name: Text
    previous: str | None
    commit: str | None


class Fetched(Record):
    """Changes of a remote's branches since the last fetch."""

    remote: Text
    branches: list[FetchedBranch]


class TagPush(Request):
    """Remote to push a tag to."""

    remote: Plain | None = Field(default=None, min_length=1)


class TransferRequest(Request):
    """Remote and branch; default: the current branch and its remote."""

    remote: Plain | None = Field(default=None, min_length=1)
    branch: Plain | None = Field(default=None, min_length=1)


class PushRequest(TransferRequest):
    """A push, with the data of its commits or without."""

    code_only: bool = Field(
        default=False,
        description="Leave out the data, which others cannot pull until it is pushed.",
    )


class Pushed(Record):
    """Result of a push: ``commits`` are new at the remote, ``data`` belongs to them.

    ``runs`` is the number of runs that are new or changed there; ``warnings`` say what was not
    pushed, and why.
    """

    remote: Text
    branch: Text
    commit: str
    previous: str | None
    commits: int
    data: list[Text]
    runs: int
    warnings: list[Message]


class PullOutcome(StrEnum):
    """Way in which the fetched commits were integrated into the branch."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"


class Pulled(Pushed):
    """Result of a pull; ``commits`` and ``runs`` came from the remote, ``data`` changed."""

    outcome: PullOutcome


class HunkChoice(Request):
    """Hunks of one file, by the ids that a diff with ``staged`` gives."""

    path: Plain = Field(min_length=1)
    ids: list[HunkId] = Field(min_length=1, max_length=10_000)
    lines: list[LineName] | None = Field(
        default=None,
        min_length=1,
        max_length=100_000,
        description="Only these of their changed lines: `-3` is removed line 3 of the old file, "
        "`+4` added line 4 of the new one.",
    )


class StageRequest(Request):
    """Paths and what is below them, single hunks, or everything."""

    paths: list[Plain] | None = Field(default=None, min_length=1, max_length=10_000)
    hunks: list[HunkChoice] | None = Field(default=None, min_length=1, max_length=1_000)
    all: bool = False


class Identity(Request):
    """Name and address of a person, for their commits in all projects of the home folder."""

    name: Plain = Field(min_length=1, max_length=200, pattern=r"^[^<>\n]+$")
    email: Plain = Field(min_length=3, max_length=200, pattern=r"^[^<>\s]+@[^<>\s]+$")


class IgnoreRequest(Request):
    """New files and folders that git is to ignore."""

    paths: list[Plain] = Field(min_length=1, max_length=1_000)


class Discarded(Record):
    """Paths that are as the index has them; ``safety`` is a commit that keeps what was there."""

    safety: str | None
    paths: list[Text]


class MergeOutcome(StrEnum):
    """Outcome of a merge; with ``conflicts`` it must be resolved and finished."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"
    CONFLICTS = "conflicts"


class ConflictHow(StrEnum):
    """Kind of conflict: the changes of the two sides to a path."""

    BOTH_MODIFIED = "both_modified"
    BOTH_ADDED = "both_added"
    BOTH_DELETED = "both_deleted"
    DELETED_BY_US = "deleted_by_us"
    DELETED_BY_THEM = "deleted_by_them"
    ADDED_BY_US = "added_by_us"
    ADDED_BY_THEM = "added_by_them"


class SideChoice(StrEnum):
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


class RewriteOutcome(StrEnum):
    """How a cherry-pick, revert, squash or rebase ended."""

    DONE = "done"
    UP_TO_DATE = "up_to_date"
    CONFLICTS = "conflicts"


class CommitRequest(Request):
    """The commit to apply or to take back."""

    commit: Plain = Field(min_length=1, description="A branch, tag or ID.")


class SquashRequest(Request):
    """Commits to squash: ``commit`` and all after it."""

    commit: Plain = Field(min_length=1, description="The oldest commit to squash.")
    message: Plain | None = Field(default=None, max_length=20_000, pattern=NOT_BLANK)
    pushed: bool = Field(default=False, description="Also commits that a remote branch has.")


class RebaseRequest(Request):
    """The commit on which those of the current branch are applied again."""

    onto: Plain = Field(
        default="@{upstream}", min_length=1, description="A branch, tag or ID; default: upstream."
    )
    pushed: bool = Field(default=False, description="Also commits that a remote branch has.")


class Rewritten(Record):
    """Result of a cherry-pick, revert, squash or rebase: the branch's commit, before and now.

    ``count`` is the number of new commits, ``data`` the data that changed, ``safety`` a commit that
    keeps the branch as it was.
    """

    outcome: RewriteOutcome
    commit: str
    previous: str
    count: int
    data: list[Text]
    safety: str | None
    conflicts: list[Conflict]


class Aborted(Record):
    """Result of an aborted merge; ``safety`` is a commit that keeps the resolved changes."""

    commit: str
    safety: str | None


class OperationStep(Record):
    """Result of continuing, skipping or aborting ``operation``.

    ``unfinished`` is what is in progress now; ``safety`` is a commit that keeps the changes that
    were replaced, and ``commit`` is HEAD.
    """

    operation: str
    unfinished: str | None
    commit: str | None
    safety: str | None
    conflicts: list[Conflict]


class OperationRequest(Request):
    """Request to continue, skip or abort the unfinished operation; it has no fields."""


class RollbackMode(StrEnum):
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


class UndoRequest(Request):
    """The undo of the last commit."""

    pushed: bool = Field(default=False, description="Also one that a remote branch has.")


class UndoneCommit(Record):
    """The commit that was undone, and HEAD's commit now.

    ``message`` is the commit's own, without trailers; ``safety`` is a commit with its content.
    """

    undone: str
    commit: str
    message: Text
    safety: str


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

    ``base`` is the commit that was checked out, ``files`` are those that differ from it. With a
    ``branch``, the branch was moved away from ``base``, and a restore moves it back.
    """

    id: str
    reason: Text
    base: str | None
    branch: Text | None = None
    timestamp: str
    files: list[Text]


class StashApplied(Record):
    """Restored files of a stash; ``data`` lists the data that changed."""

    id: str
    files: list[Text]
    data: list[Text]
