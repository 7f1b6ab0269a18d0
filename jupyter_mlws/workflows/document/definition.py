"""Requests that define or change a workflow."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, FiniteFloat

from jupyter_mlws.core.schemas import Record, Request

Files = Annotated[
    list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)
]
"""Files; a single one may be written without brackets."""
MAX_NAME_LENGTH = 200
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
READ_ONLY_FIELD = Field(default=None, description="As returned by GET; ignored.")


class NodeDefinition(Request):
    """A node: what it is, its settings and its files.

    `config` takes settings, and files by the name of their port. Files are given from the
    project's root, with or without a slash in front.
    """

    id: Name
    type: Name = Field(description="A component name, or `shell`, `script` or `notebook`.")
    config: dict[str, Any] = Field(default_factory=dict)
    at: tuple[FiniteFloat, FiniteFloat] | None = Field(
        default=None, description="Position on the canvas; null: chosen automatically."
    )
    inputs: dict[str, Files] = Field(
        default_factory=dict, description="Files of input ports without an edge."
    )
    outputs: dict[str, str] = Field(
        default_factory=dict, description="Files of output ports, if not at the default path."
    )
    deps: list[str] | None = Field(
        default=None, description="Additional dependencies besides ports and edges."
    )
    outs: list[str] | None = Field(default=None, description="Output files of a command.")
    kind: Any = READ_ONLY_FIELD
    status: Any = READ_ONLY_FIELD
    parameters: Any = READ_ONLY_FIELD


class EdgeDefinition(Request):
    """An edge from an output of one node to an input of another.

    Without ports, the first free input that fits is used. `path` names the file if the nodes
    have no ports.
    """

    source: Name
    target: Name
    source_port: str | None = None
    target_port: str | None = None
    path: str | None = None


class WorkflowDefinition(Request):
    """A new workflow."""

    name: Name
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Folder of its `dvc.yaml`; default: one in `workflows/`, named after it.",
    )
    nodes: list[NodeDefinition] = Field(default_factory=list)
    edges: list[EdgeDefinition] = Field(default_factory=list)


class WorkflowChange(Request):
    """New content of a workflow: its nodes and edges, or the text of its `dvc.yaml`."""

    name: Name | None = None
    nodes: list[NodeDefinition] | None = None
    edges: list[EdgeDefinition] = Field(default_factory=list)
    text: str | None = Field(default=None, max_length=4_000_000)
    path: str | None = READ_ONLY_FIELD
    id: Any = READ_ONLY_FIELD
    status: Any = READ_ONLY_FIELD
    problems: Any = READ_ONLY_FIELD
    etag: Any = READ_ONLY_FIELD


class Removed(Record):
    """Result of a DELETE: removed files, where they are kept, and results that stay."""

    id: str
    path: str
    removed: list[str]
    kept_in: str
    results: list[str]
