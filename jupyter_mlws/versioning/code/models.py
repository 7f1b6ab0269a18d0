"""What the API says and takes of branches and remotes."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text


class Branch(Record):
    """A branch; ``remote`` is null for those of this repository.

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


class BranchDeleteQuery(Request):
    """Whether commits may go that nothing else holds."""

    force: bool = Field(default=False, description="Delete it even if it is not merged.")


class CheckoutRequest(Request):
    """Where to go: to a branch, or without one to the commit that ``ref`` names.

    With ``create`` the branch is made, at ``ref`` or where HEAD is.
    """

    branch: Plain | None = Field(default=None, min_length=1)
    ref: Plain | None = Field(default=None, min_length=1, description="A tag, ID or branch.")
    create: bool = False


class Checkout(Record):
    """Where HEAD is now (``branch`` null: on none), and which data changed for that."""

    branch: Text | None
    commit: str
    previous: str | None
    data: list[Text]


class Remote(Record):
    """A remote of git; passwords in addresses are masked."""

    name: Text
    url: Text
    push_url: Text


class RemotePut(Request):
    """Where a remote is; without ``push_url`` it is pushed to where it is fetched from."""

    url: Plain = Field(min_length=1, max_length=4_000)
    push_url: Plain | None = Field(default=None, min_length=1, max_length=4_000)


class FetchRequest(Request):
    """Which remote; ``prune`` forgets branches that it has no longer."""

    remote: Plain | None = Field(default=None, min_length=1)
    prune: bool = False


class FetchedBranch(Record):
    """A branch of a remote that moved; null where it was not there, or is no more."""

    name: Text
    previous: str | None
    commit: str | None


class Fetched(Record):
    """What is known of a remote now and was not before."""

    remote: Text
    branches: list[FetchedBranch]


class TagPush(Request):
    """Which remote is to know a tag."""

    remote: Plain | None = Field(default=None, min_length=1)


class TransferRequest(Request):
    """Which branch, at which remote; left out: the current one, and where it belongs."""

    remote: Plain | None = Field(default=None, min_length=1)
    branch: Plain | None = Field(default=None, min_length=1)


class Pushed(Record):
    """What a remote has now: ``commits`` are new there, ``data`` is what they name."""

    remote: Text
    branch: Text
    commit: str
    previous: str | None
    commits: int
    data: list[Text]


class PullOutcome(str, Enum):
    """How what was fetched came into the branch."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"


class Pulled(Record):
    """Where the branch is now; ``commits`` came from the remote, ``data`` changed for them."""

    remote: Text
    branch: Text
    commit: str
    previous: str | None
    outcome: PullOutcome
    commits: int
    data: list[Text]
