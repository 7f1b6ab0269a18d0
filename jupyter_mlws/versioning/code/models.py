"""What the API says and takes of branches and remotes."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text


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


class Pushed(Record):
    """Result of a push: ``commits`` are new at the remote, ``data`` belongs to them."""

    remote: Text
    branch: Text
    commit: str
    previous: str | None
    commits: int
    data: list[Text]


class PullOutcome(str, Enum):
    """Way in which the fetched commits were integrated into the branch."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"


class Pulled(Record):
    """Result of a pull; ``commits`` came from the remote, ``data`` changed with them."""

    remote: Text
    branch: Text
    commit: str
    previous: str | None
    outcome: PullOutcome
    commits: int
    data: list[Text]
