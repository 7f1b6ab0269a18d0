"""Client of workflow runs, which without a server uses the project's runs directly.

Importing the endpoints' models would take longer than a run of small nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from jupyter_mlws.api.client import segment
from jupyter_mlws.client.project import JSON, ProjectClient, workflow_address
from mlws.core.i18n import translate

Data = TypeVar("Data")


def execute(client: ProjectClient, path: str, request: Mapping[str, Any]) -> JSON:
    """Start a run; ``request`` is the body of the endpoint's request."""
    request = {**request, "origin": client.origin.value}
    if client.runs is not None:
        from jupyter_mlws.workflows.journal.store import RunRequest

        return _translate(client, client.runs.execute(path, RunRequest(**request)))
    from jupyter_mlws.workflows.run.detaching import stop_idle_child

    # The server starts its runs.
    stop_idle_child()
    return _json(client.post(f"{workflow_address(path)}/execute", request))


def go_on(client: ProjectClient, path: str, action: str, run: str, *node: str, pull: bool) -> JSON:
    """Resume a run, or retry or skip a node of it with all nodes that depend on it."""
    if client.runs is not None:
        method = getattr(client.runs, action)
        return _translate(client, method(path, run, *node, client.origin.value, pull=pull))
    address = "/".join([_address(path, run), *(f"nodes/{segment(one)}" for one in node), action])
    return _json(client.post(address, {"pull": pull}))


def cancel(client: ProjectClient, path: str, run: str) -> None:
    """Cancel a run."""
    if client.runs is not None:
        client.runs.cancel(path, run)
    else:
        client.post(f"{_address(path, run)}/cancel")


def get_run(client: ProjectClient, path: str, run: str) -> JSON:
    """Return the current state of a run, with its nodes."""
    if client.runs is not None:
        return _translate(client, client.runs.status(path, run))
    return _json(client.get(_address(path, run)))


def has_ended(client: ProjectClient, path: str, run: str) -> bool:
    """Return whether a run has finished; False if only a server could tell."""
    return client.runs is not None and client.runs.has_ended(path, run)


def list_workflows(client: ProjectClient) -> list[JSON]:
    """All workflows, each with its newest run."""
    if client.runs is not None:
        return _translate(client, client.runs.workflows())
    return client.list("workflows")


def list_paths(client: ProjectClient) -> list[str]:
    """The paths of all workflows."""
    if client.runs is not None:
        return client.runs.documents.paths()
    return [str(workflow["path"]) for workflow in list_workflows(client)]


def _address(path: str, run: str) -> str:
    return f"{workflow_address(path)}/runs/{segment(run)}"


def _translate(client: ProjectClient, data: Data) -> Data:
    result: Data = translate(data, client.language)
    return result


def _json(data: Any) -> JSON:
    answer: JSON = data
    return answer
