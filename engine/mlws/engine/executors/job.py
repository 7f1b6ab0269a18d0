"""Messages between a run and its workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlws.dvc.pointers import DataPointer


@dataclass(frozen=True)
class ArtifactBundle:
    """Code, inputs and outputs of a node for a worker without access to the project's folder.

    Code is identified by its hash, data is in the DVC remote. Paths are relative to the project's
    root; ``outs`` are returned.
    """

    code: str
    root: str
    inputs: tuple[DataPointer, ...]
    outs: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """The commands of a node, as they are sent to a worker.

    ``key`` is unique in the cluster, ``cookie`` marks the attempt's processes, ``topic`` receives
    the events. ``log`` is the node's log if the worker can access it; otherwise output is sent as
    events. ``measured``: memory use is to be reported.
    """

    key: str
    cookie: str
    topic: str
    arguments: tuple[tuple[str, ...], ...]
    shown: tuple[str, ...]
    folder: str
    variables: Mapping[str, str]
    measured: bool
    log: str | None
    bundle: ArtifactBundle | None = None


class JobEvent(StrEnum):
    """Kind of event that a worker sends about a job."""

    STARTED = "started"
    PRINTED = "printed"
    MEMORY = "memory"
    ENDED = "ended"
    AGAIN = "again"
    """The cluster had started the job before, on a worker that is lost."""
    FAILED = "failed"


@dataclass(frozen=True)
class WorkerInfo:
    """One worker: its versions, its resources, and whether it can access the project's folder."""

    versions: Mapping[str, str]
    threads: int
    memory: int
    resources: Mapping[str, float]
    has_project_access: bool


def as_plain(item: DataPointer) -> dict[str, Any]:
    """Return the parts of a data file that an event may carry."""
    return {"path": item.path, "md5": item.md5, "isexec": item.isexec}


def as_data(rows: Sequence[Mapping[str, Any]]) -> list[DataPointer]:
    """Return the data files of an event."""
    return [DataPointer(row["path"], "", row["md5"], isexec=row["isexec"]) for row in rows]
