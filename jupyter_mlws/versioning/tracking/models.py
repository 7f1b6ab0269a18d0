"""What the API says and takes of runs that notebooks and scripts track, and of reproductions."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text, UnreachableRemote
from jupyter_mlws.versioning.registry.models import Scalar


class RunEnd(str, Enum):
    """Final status of a tracked run."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RunBegin(Request):
    """A run to track. ``source`` is the notebook or script, as the user names it."""

    name: Plain | None = Field(default=None, min_length=1, max_length=250)
    experiment: Plain | None = Field(default=None, min_length=1, max_length=250)
    source: Plain | None = Field(default=None, max_length=1000)
    params: dict[str, Scalar] = Field(default_factory=dict, max_length=1000)


class RunEnded(Request):
    """Final status of a run and its error."""

    status: RunEnd = RunEnd.COMPLETED
    error: str | None = Field(default=None, max_length=1000)


class RunState(Record):
    """Version of the working tree.

    ``dirty``: the commit was created for it. ``data``: the data that it names, path → hash.
    ``tags`` are the tags for MLflow's run.
    """

    commit: str | None
    dirty: bool
    data: dict[str, str]
    tags: dict[str, str]


class TrackedRun(RunState):
    """A run in MLflow, with the values for MLflow's environment variables."""

    id: str
    experiment: str
    uri: str


class ReproduceRequest(Request):
    """Folder of a reproduction, inside the project; chosen automatically by default."""

    path: Plain | None = Field(default=None, min_length=1, max_length=1000)


class UnavailableData(Record):
    """Data of the run that is in neither cache nor remote.

    An ``unreachable`` remote may have it. ``made``: a run of the workflow makes it again.
    """

    path: Text
    md5: str
    made: bool
    unreachable: UnreachableRemote | None = None


class Reproduction(Record):
    """A git worktree at the commit of a run, with its data.

    ``run`` is MLflow's id. ``command`` repeats the run, ``remove`` deletes the reproduction.
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
