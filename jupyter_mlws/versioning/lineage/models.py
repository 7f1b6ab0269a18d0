"""API models of lineage."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.versioning.models import Plain, Text


class LineageKind(StrEnum):
    """Kind of a node in the lineage graph."""

    MODEL = "model"
    RUN = "run"
    DATASET = "dataset"
    SNAPSHOT = "snapshot"
    NODE = "node"
    PARAMS = "params"


class LineageNode(Record):
    """A node of the lineage graph.

    ``id`` is ``model:NAME:VERSION``, ``run:ID``, ``dataset:PATH@HASH``, ``snapshot:COMMIT``,
    ``node:WORKFLOW#NAME`` or ``params:RUN``. ``facts`` holds additional details.
    """

    id: Text
    kind: LineageKind
    label: Text
    facts: dict[str, Any]


class LineageEdge(Record):
    """An edge of the lineage graph: ``target`` was derived from ``source``."""

    source: Text
    target: Text
    relation: str


class Lineage(Record):
    """Ancestors and descendants of the node ``of``; ``truncated``: there are more."""

    of: Text
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    truncated: bool


class LineageQuery(Request):
    """Query for the lineage of a node, by its id.

    ``dataset:PATH`` is the dataset as recorded now, ``model:NAME`` its newest version.
    """

    of: Plain = Field(min_length=3, max_length=1000)
    limit: int = Field(default=300, ge=2, le=2000, description="Maximum number of nodes.")
