"""What the API says of lineage: what a thing came of, and what came of it."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text


class LineageKind(str, Enum):
    """What a node of the graph is."""

    MODEL = "model"
    RUN = "run"
    DATASET = "dataset"
    SNAPSHOT = "snapshot"
    NODE = "node"
    PARAMS = "params"


class LineageNode(Record):
    """A thing: ``model:NAME:VERSION``, ``run:ID``, ``dataset:PATH@HASH``, ``snapshot:COMMIT``,
    ``node:WORKFLOW#NAME`` or ``params:RUN``. ``facts`` are what else is known of it."""

    id: Text
    kind: LineageKind
    label: Text
    facts: dict[str, Any]


class LineageEdge(Record):
    """``target`` came of ``source``."""

    source: Text
    target: Text
    relation: str


class Lineage(Record):
    """All that ``of`` came of, and all that came of it; ``truncated``: there is more."""

    of: Text
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    truncated: bool


class LineageQuery(Request):
    """Of what: an id of a node of such a graph.

    ``dataset:PATH`` is the dataset as recorded now, ``model:NAME`` its newest version.
    """

    of: Plain = Field(min_length=3, max_length=1000)
    limit: int = Field(default=300, ge=2, le=2000, description="Maximum number of nodes.")
