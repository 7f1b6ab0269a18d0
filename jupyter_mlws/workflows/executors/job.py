"""What goes from a run to a worker, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from jupyter_mlws.versioning.data.dvc_pointers import DataPointer


@dataclass(frozen=True)
class ArtifactBundle:
    """What a worker without the project's folder makes one of: code, by its hash, and data in the
    DVC remote. Paths are relative to the project's root; ``outs`` are what comes back."""

    code: str
    root: str
    inputs: tuple[DataPointer, ...]
    outs: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """The commands of a node. ``key`` is the only one of its kind in the cluster, ``cookie`` marks
    the attempt's processes, ``topic`` is where events go.

    ``log`` is the node's log where the worker sees it, else what is printed is sent. ``measured``:
    the memory is to be told.
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
    parcel: ArtifactBundle | None = None


class News(str, Enum):
    """What a worker tells of a job."""

    STARTED = "started"
    PRINTED = "printed"
    MEMORY = "memory"
    ENDED = "ended"
    AGAIN = "again"
    """The cluster had begun it before, on a worker that is gone."""
    FAILED = "failed"


@dataclass(frozen=True)
class Described:
    """One worker: its versions, what it has, and whether it sees the project's folder."""

    versions: Mapping[str, str]
    threads: int
    memory: int
    resources: Mapping[str, float]
    sees: bool


def as_plain(item: DataPointer) -> dict[str, Any]:
    """The parts of a data file that an event may carry."""
    return {"path": item.path, "md5": item.md5, "isexec": item.isexec}


def as_data(rows: Sequence[Mapping[str, Any]]) -> list[DataPointer]:
    """The data files of an event."""
    return [DataPointer(row["path"], "", row["md5"], isexec=row["isexec"]) for row in rows]
