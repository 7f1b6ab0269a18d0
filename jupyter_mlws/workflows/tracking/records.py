"""A run and its nodes in MLflow's words, from what the journal has of them. Plain data.

The form is that of :meth:`~jupyter_mlws.mlflow.runs.MLflowRuns.record`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_mlws.environments.record import Environment
from jupyter_mlws.mlflow.run_tags import (
    COMMIT,
    DIRTY,
    ENVIRONMENT,
    ENVIRONMENTS,
    INPUTS,
    OUTPUTS,
    SOURCE,
    WORKFLOW,
    fitting,
)
from jupyter_mlws.workflows.journal.store import Row
from jupyter_mlws.workflows.tracking.run_summary import flat
from mlws.engine.states import Status

Nodes = Mapping[str, Row]


def running_record(row: Row, node: str = "") -> Row:
    """Return the record of a run in progress, or of one of its nodes."""
    return {
        "node": node,
        "name": node or row["id"],
        "tags": _common(row),
        "params": {},
        "metrics": {},
        "start": row["started"],
        "end": None,
        "status": Status.RUNNING.value,
    }


def of_run(row: Row, nodes: Nodes, environments: Mapping[str, Environment]) -> Row:
    """Return the record of a run that has finished, with the ``environments`` of its nodes."""
    states = [Status(node["status"]) for node in nodes.values()]
    tags = {
        **_common(row),
        "mlws.nodes": str(len(states)),
        "mlws.cached": str(states.count(Status.CACHED)),
    }
    if row.get("error"):
        tags["mlws.error"] = row["error"]["code"]
    params = dict(row.get("params", {}))
    for node in nodes.values():
        params.update(_params_of_lock(node))
    return {
        **running_record(row),
        "tags": tags,
        "params": params,
        "texts": {
            path: text
            for identifier, one in environments.items()
            for path, text in (
                (f"{ENVIRONMENTS}/{identifier}.json", one.text),
                (f"{ENVIRONMENTS}/{identifier}.txt", one.requirements),
            )
        },
        "metrics": row.get("metrics", {}),
        "end": row["ended"],
        "status": row["status"],
    }


def of_nodes(row: Row, nodes: Nodes) -> Iterator[Row]:
    """Yield the records of the nodes that ran.

    Cached nodes are left out, since they would be copies of earlier experiments, and so are
    skipped nodes.
    """
    settings = _settings(row.get("params", {}), nodes)
    for name, node in nodes.items():
        if has_run(node):
            yield {
                **running_record(row, name),
                "tags": {**_common(row), **_facts(node)},
                "params": {**_params_of_lock(node), **settings.get(name, {})},
                "metrics": row.get("measures", {}).get(name, {}),
                "start": node["started"],
                "end": node.get("ended") or row["ended"],
                "status": Status(node["status"]).value,
            }


def has_run(node: Row) -> bool:
    """Return whether a node was started in its run, whatever its outcome."""
    return "started" in node


def _common(row: Row) -> dict[str, str]:
    tags = {
        WORKFLOW: row["workflow"],
        "mlws.origin": row["origin"],
        SOURCE: row["workflow"],
    }
    if row.get("commit"):
        tags[COMMIT] = row["commit"]
    if "dirty" in row:
        tags[DIRTY] = "true" if row["dirty"] else "false"
    return tags


def _facts(node: Row) -> dict[str, str]:
    """Return a node's tags: DVC's hashes of inputs and outputs, attempts, exit code and error."""
    facts = {"mlws.attempts": str(node.get("attempt", 1))}
    if node.get("exit_code") is not None:
        facts["mlws.exit_code"] = str(node["exit_code"])
    if node.get("environment"):
        facts[ENVIRONMENT] = node["environment"]
    if node.get("error") and node["status"] == Status.FAILED:
        facts["mlws.error"] = node["error"]["code"]
    for tag, hashes in ((INPUTS, node.get("inputs")), (OUTPUTS, node.get("outputs"))):
        if hashes:
            facts[tag] = fitting(hashes)
    return facts


def _params_of_lock(node: Row) -> dict[str, Any]:
    """Return the values that a node's stage takes from params files."""
    files = (node.get("lock") or {}).get("params", {})
    return {key: value for values in files.values() for key, value in flat(values)}


def _settings(params: Mapping[str, Any], nodes: Nodes) -> dict[str, dict[str, Any]]:
    """Return the run's settings (`node.key`) by node; IDs of variants may contain dots as well."""
    settings: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        node = name
        while "." in node:
            node = node.rpartition(".")[0]
            if node in nodes:
                settings.setdefault(node, {})[name[len(node) + 1 :]] = value
                break
    return settings
