"""Ports, settings and parameters of the stages of a workflow, as nodes have them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from typing import Any

from jupyter_mlws.components.models import Component, OutputPort
from jupyter_mlws.workflows.document import settings
from mlws.document.parse import NOTEBOOK, Stage


def parameters_of(stage: Stage, component: Component | None) -> dict[str, Any]:
    """Return the values of a notebook's parameters in this node; empty for other kinds of nodes."""
    if stage.notebook is None or component is None:
        return {}
    schemas = settings.setting_schemas(component)
    defaults = {name: schema.get("default") for name, schema in schemas.items()}
    return {**defaults, **settings.convert_options(component, stage.written), **stage.settings}


def ports_of(
    stage: Stage, component: Component | None
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the files of each input port, and the file of each output port that has one."""
    out_paths, ports = set(stage.outs), stage.ports
    inputs = {name: files for name, files in ports.items() if not out_paths.intersection(files)}
    outputs = {name: files[0] for name, files in ports.items() if out_paths.issuperset(files)}
    if stage.notebook is not None:
        read = {NOTEBOOK: [stage.notebook]} if stage.notebook in stage.deps else {}
        return {**read, **inputs}, outputs
    if component is not None:
        inputs = {port.name: ports.get(port.name, []) for port in component.inputs}
        outputs = {p.name: outputs[p.name] for p in component.outputs if p.name in outputs}
    return inputs, outputs


def config_of(
    stage: Stage, component: Component | None, folder: str, edge_paths: Collection[str]
) -> dict[str, Any]:
    """Return the node's configuration, as a definition states it.

    It has the settings, the input files that no edge brings, and the output files that are not at
    their default path. ``edge_paths`` are the files that edges bring.
    """
    if stage.component is None or stage.notebook is not None:
        return {"cmd": "\n".join(stage.commands)}
    if component is None:
        return dict(stage.settings)
    inputs, outputs = ports_of(stage, component)
    config: dict[str, Any] = {}
    for port in component.inputs:
        files = [file for file in inputs[port.name] if file not in edge_paths]
        if files:
            config[port.name] = files if port.multiple else files[0]
    for output in component.outputs:
        file = outputs.get(output.name)
        if file not in (None, default_path(folder, stage.id, output)):
            config[output.name] = file
    ports = component.port_names
    options = {name: values for name, values in stage.options.items() if name not in ports}
    return {**config, **settings.convert_options(component, options), **stage.settings}


def default_path(folder: str, node: str, port: OutputPort) -> str:
    """Return the path of a node's output if no other path is set."""
    return posixpath.join(folder, "out", f"{node}.{port.name}{port.extension}")
