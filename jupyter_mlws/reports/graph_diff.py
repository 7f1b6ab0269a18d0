"""Compares two texts of a workflow as graphs, as they are written: nothing of a project runs."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from typing import Any

from jupyter_mlws.reports.models import (
    EdgeChange,
    GraphChange,
    NodeChange,
    NodePart,
    NodePartChange,
)
from jupyter_mlws.versioning.models import CellState, ChangeState
from jupyter_mlws.workflows.document.graph import WorkflowGraph
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.document.parse import OUTPUTS, Stage, parse

PARTS = frozenset({"cmd", "deps", "params", "meta", "desc", "do", *OUTPUTS})
"""Keys of a stage that are a part of their own, or that change nothing of its result."""


def compare_workflows(path: str, old: bytes | None, new: bytes | None) -> GraphChange:
    """Compare the texts of a workflow in two versions; None where it does not exist."""
    state = ChangeState.MODIFIED
    if old is None or new is None:
        state = ChangeState.ADDED if old is None else ChangeState.DELETED
    graphs: list[tuple[dict[str, dict[NodePart, list[str]]], dict[tuple[str, str], None]]] = []
    for text in (old, new):
        try:
            graphs.append(({}, {}) if text is None else read_graph(path, text.decode()))
        except UnicodeDecodeError:
            return GraphChange(path=path, state=state, problem=Message("it is not UTF-8"))
        except MLWSError as error:
            return GraphChange(path=path, state=state, problem=error.message)
    (before, old_edges), (after, new_edges) = graphs
    nodes = []
    for name in dict.fromkeys([*after, *before]):
        one, other = before.get(name, {}), after.get(name, {})
        parts = [
            NodePartChange(part=part, before=one.get(part, []), after=other.get(part, []))
            for part in NodePart
            if one.get(part, []) != other.get(part, [])
        ]
        node_state = CellState.MODIFIED if parts else CellState.UNCHANGED
        if name not in before or name not in after:
            node_state = CellState.ADDED if name in after else CellState.DELETED
        nodes.append(NodeChange(id=name, state=node_state, parts=parts))
    edges = []
    for source, target in dict.fromkeys([*new_edges, *old_edges]):
        edge_state = CellState.UNCHANGED
        if (source, target) not in old_edges or (source, target) not in new_edges:
            is_new = (source, target) in new_edges
            edge_state = CellState.ADDED if is_new else CellState.DELETED
        edges.append(EdgeChange(source=source, target=target, state=edge_state))
    return GraphChange(path=path, state=state, nodes=nodes, edges=edges)


def read_graph(
    path: str, text: str
) -> tuple[dict[str, dict[NodePart, list[str]]], dict[tuple[str, str], None]]:
    """Return the parts of each node, and the pairs of connected nodes.

    A sweep is one node. Templates stay as written: their values may be those of another version.
    """
    document = parse(path, text)
    bodies: dict[str, Mapping[str, Any]] = {}
    options: dict[str, dict[str, Any]] = {}
    for name, data in document.stages_data.items():
        if not isinstance(data, Mapping):
            continue
        template = data.get("do")
        body = template if isinstance(template, Mapping) else data
        bodies[str(name)] = {key: value for key, value in body.items() if key != "matrix"}
        options[str(name)] = {
            str(key): value for key, value in {**data, **body}.items() if key not in PARTS
        }
    stages = document.stages(bodies)
    graph = WorkflowGraph(document, stages, lambda _: {})
    nodes = {stage.id: parts_of(stage, bodies[stage.id], options[stage.id]) for stage in stages}
    return nodes, dict.fromkeys((edge.source, edge.target) for edge in graph.edges)


def parts_of(
    stage: Stage, body: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[NodePart, list[str]]:
    params = body.get("params")
    outputs = [body.get(kind) for kind in OUTPUTS]
    flags = [
        f"{posixpath.normpath(str(path))}: {key}: {_json(value)}"
        for entries in outputs
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, Mapping)
        for path, settings in entry.items()
        if isinstance(settings, Mapping)
        for key, value in settings.items()
    ]
    return {
        NodePart.COMMAND: [row for command in stage.commands for row in command.splitlines()],
        NodePart.DEPENDENCIES: list(stage.deps),
        NodePart.OUTPUTS: list(stage.outs),
        NodePart.PARAMETERS: [
            *(_json(one) for one in (params if isinstance(params, list) else ())),
            *(f"{name}: {_json(value)}" for name, value in stage.settings.items()),
        ],
        NodePart.OPTIONS: [*(f"{key}: {_json(value)}" for key, value in options.items()), *flags],
    }


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
