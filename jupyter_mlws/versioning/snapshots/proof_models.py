"""What the API says and takes of proof: verification, repair, collection."""

from __future__ import annotations

from enum import Enum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Proof, Text


class Store(str, Enum):
    """Where an object is kept, or was taken from."""

    GIT = "git"
    CACHE = "cache"
    REMOTE = "remote"
    WORKSPACE = "workspace"


class Problem(str, Enum):
    """What is wrong with an object in a store."""

    MISSING = "missing"
    DAMAGED = "damaged"


class ObjectProblem(Record):
    """An object that a store does not hold as it should; ``hash`` is git's or DVC's.

    ``output``: a workflow makes it, so that a run can make it again.
    """

    path: Text
    hash: str
    where: Store
    problem: Problem
    output: bool = False


class Verification(Record):
    """What was found by looking at every object of a snapshot.

    ``objects`` and ``bytes`` were looked at in git and cache; ``unreachable`` says why the remote
    could not be asked.
    """

    snapshot: str
    objects: int
    bytes: int
    remote: Text | None
    unreachable: str | None
    problems: list[ObjectProblem]
    proof: Proof


class MendedObject(Record):
    """An object that was stored anew in ``where``, from ``source``."""

    path: Text
    hash: str
    where: Store
    source: Store


class Repaired(Record):
    """What a repair did; ``lost`` is in no store and in no file that was looked at.

    Where ``unreachable`` says that the remote could not be asked, it may still have those.
    """

    snapshot: str
    mended: list[MendedObject]
    lost: list[ObjectProblem]
    unreachable: str | None


class VerifyRequest(Request):
    """How closely a snapshot is looked at."""

    quick: bool = Field(
        default=False,
        description="On the remote, check only names and sizes instead of reading every object.",
    )


class CollectRequest(Request):
    """Whether to free what was found."""

    confirm: bool = Field(
        default=False, description="Delete unused data; otherwise it is only listed."
    )


class Collected(Record):
    """What of the cache nothing names; ``freed``: it has been deleted."""

    freed: bool
    objects: int
    bytes: int
    kept_objects: int
    kept_bytes: int
    versions: int = Field(description="Number of commits whose data is kept.")
