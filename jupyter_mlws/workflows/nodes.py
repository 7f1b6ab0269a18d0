"""Nodes of the API, made from the stages of a workflow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jupyter_mlws.components.models import Component
from jupyter_mlws.workflows.document.nodes import config_of, parameters_of, ports_of
from jupyter_mlws.workflows.models import Node
from mlws.document.parse import Stage


def node(
    stage: Stage,
    component: Component | None,
    folder: str,
    edge_paths: Collection[str],
    state: Mapping[str, Any] | None,
) -> Node:
    """Return the node of a stage; ``edge_paths`` are the files that edges bring to it."""
    inputs, outputs = ports_of(stage, component)
    return Node(
        id=stage.id,
        type=stage.component or stage.kind.value,
        kind=stage.kind,
        config=config_of(stage, component, folder, edge_paths),
        status=state["status"] if state else None,
        inputs=inputs,
        outputs=outputs,
        deps=list(stage.deps),
        outs=list(stage.outs),
        at=stage.at,
        parameters=parameters_of(stage, component),
    )
