"""What the API says and takes of runs that notebooks and scripts track, and of reproductions."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text, UnreachableRemote
from jupyter_mlws.versioning.registry.models import Scalar


class RunEnd(str, Enum):
    """How a tracked run ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RunBegin(Request):
    """A run to track. ``source`` is the notebook or script, as the person calls it."""

    name: Plain | None = Field(default=None, min_length=1, max_length=250)
    experiment: Plain | None = Field(default=None, min_length=1, max_length=250)
    source: Plain | None = Field(default=None, max_length=1000)
    params: dict[str, Scalar] = Field(default_factory=dict, max_length=1000)


class RunEnded(Request):
    """How the run ended."""

    status: RunEnd = RunEnd.COMPLETED
    error: str | None = Field(default=None, max_length=1000)


class RunState(Record):
    """The version that the working tree is.

    ``dirty``: the commit was made for that. ``data``: what it names, path → hash. ``tags`` are
    what MLflow's run is to carry.
    """

    commit: str | None
    dirty: bool
    data: dict[str, str]
    tags: dict[str, str]


class TrackedRun(RunState):
    """A run that MLflow has, and where: what its own variables are to be set to."""

    id: str
    experiment: str
    uri: str


class ReproduceRequest(Request):
    """Where a reproduction is to be, below the project; a folder for it by default."""

    path: Plain | None = Field(default=None, min_length=1, max_length=1000)


class UnavailableData(Record):
    """Data of the run that neither cache nor remote has, or that an ``unreachable`` one may have.

    ``made``: a run of the workflow makes it again.
    """

    path: Text
    md5: str
    made: bool
    unreachable: UnreachableRemote | None = None


class Reproduction(Record):
    """A git worktree at the commit of a run, with its data.

    ``run`` is MLflow's id. ``command`` does again what the run did, ``remove`` cleans up.
    """

    id: str
    run: str
    commit: str
    path: str
    workflow: str | None
    params: dict[str, Any]
    metrics: dict[str, float | None]
    data: list[Text]
    unavailable: list[UnavailableData]
    command: str | None
    remove: str
