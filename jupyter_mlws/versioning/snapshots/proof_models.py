"""API models of verification, repair and garbage collection."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Proof, Text
from mlws.dvc.pointers import ObjectFault


class Store(StrEnum):
    """Store that holds an object, or that it was taken from."""

    GIT = "git"
    CACHE = "cache"
    REMOTE = "remote"
    WORKSPACE = "workspace"


class ObjectProblem(Record):
    """An object that is missing or damaged in a store; ``hash`` is git's or DVC's.

    ``output``: a workflow makes it, so that a run can make it again.
    """

    path: Text
    hash: str
    where: Store
    problem: ObjectFault
    output: bool = False


class Verification(Record):
    """Result of verifying every object of a snapshot.

    ``objects`` and ``bytes`` count what was checked in git and cache; ``unreachable`` is the
    reason why the remote could not be checked.
    """

    snapshot: str
    objects: int
    bytes: int
    remote: Text | None
    unreachable: str | None
    problems: list[ObjectProblem]
    proof: Proof


class MendedObject(Record):
    """An object that was stored again in ``where``, from ``source``."""

    path: Text
    hash: str
    where: Store
    source: Store


class Repaired(Record):
    """Result of a repair; ``lost`` objects are in no store and in no file that was checked.

    If the remote could not be checked (``unreachable`` is the reason), it may still have those.
    """

    snapshot: str
    mended: list[MendedObject]
    lost: list[ObjectProblem]
    unreachable: str | None


class VerifyRequest(Request):
    """Options for verifying a snapshot."""

    quick: bool = Field(
        default=False,
        description="On the remote, check only names and sizes instead of reading every object.",
    )


class CollectRequest(Request):
    """Options for collecting unused data."""

    confirm: bool = Field(
        default=False, description="Delete unused data; otherwise it is only listed."
    )


class Collected(Record):
    """Unused data in the cache; ``freed``: it has been deleted."""

    freed: bool
    objects: int
    bytes: int
    kept_objects: int
    kept_bytes: int
    versions: int = Field(description="Number of commits whose data is kept.")
