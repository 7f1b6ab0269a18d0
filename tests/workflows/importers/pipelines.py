"""Pipelines as each version of Elyra writes them, with only what an import looks at."""

from __future__ import annotations

from typing import Any

NOTEBOOK, PYTHON, R = "execute-notebook-node", "execute-python-node", "execute-r-node"
OPERATIONS = {"ipynb": NOTEBOOK, "py": PYTHON, "r": R}


def node(
    name: str,
    file: str,
    *after: str,
    version: int = 8,
    place: tuple[float, float] = (10, 20),
    **own: Any,
) -> dict[str, Any]:
    """A node for a file; ``after`` are the nodes that its links come from."""
    variables = own.pop("env_vars", {})
    properties = {
        "filename": file,
        "runtime_image": own.pop("runtime_image", ""),
        "outputs": own.pop("outputs", []),
        "dependencies": own.pop("dependencies", []),
        "env_vars": _variables(variables, version),
        "include_subdirectories": own.pop("include_subdirectories", False),
        **own,
    }
    label = own.pop("label", "") or file.rpartition("/")[2]
    ui = {"label": label, "x_pos": place[0], "y_pos": place[1]}
    app = {"component_parameters": properties, "label": "", "ui_data": ui}
    if version < 4:
        app = {**properties, "ui_data": ui}
    return {
        "id": name,
        "type": "execution_node",
        "op": OPERATIONS[file.rpartition(".")[2].lower()],
        "app_data": app,
        "inputs": [{"id": "inPort", "links": [link(one) for one in after]}],
        "outputs": [{"id": "outPort"}],
    }


def link(source: str, port: str = "outPort") -> dict[str, Any]:
    return {"id": f"from-{source}", "node_id_ref": source, "port_id_ref": port}


def _variables(given: dict[str, str], version: int) -> list[Any]:
    if version < 8:
        return [f"{name}={value}" for name, value in given.items()]
    return [{"env_var": name, "value": value} for name, value in given.items()]


def pipeline(
    *nodes: dict[str, Any],
    version: int = 8,
    inner: tuple[dict[str, Any], ...] = (),
    comments: tuple[dict[str, Any], ...] = (),
    **properties: Any,
) -> dict[str, Any]:
    """A file; ``inner`` are the nodes of a group with the id ``inner``."""
    name = {"name": "Flow"} if version < 6 else {}
    told = {"name": "Flow", **properties} if version >= 6 else properties
    app = {"version": version, "properties": told, "ui_data": {"comments": list(comments)}, **name}
    flows = [{"id": "primary", "nodes": list(nodes), "app_data": app, "runtime_ref": ""}]
    if inner:
        flows.append({"id": "inner", "nodes": list(inner), "app_data": {}, "runtime_ref": ""})
    return {
        "doc_type": "pipeline",
        "version": "3.0",
        "id": "elyra-auto-generated-pipeline",
        "primary_pipeline": "primary",
        "pipelines": flows,
        "schemas": [],
    }
