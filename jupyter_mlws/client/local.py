"""Calls the functions of endpoints in this process, if no server of the project runs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jupyter_mlws.core.errors import EndpointNotFoundError
from jupyter_mlws.workspace import Workspace
from mlws.core.progress import Ask
from mlws.core.project import Project

if TYPE_CHECKING:
    from jupyter_mlws.api.registry import Endpoint
    from jupyter_mlws.workflows.run.runs import Runs

AREAS = {
    "components": ("workflows",),
    "datasets": ("snapshots", "datasets"),
    "pages": ("shared_pages",),
    "reproductions": ("runs",),
}
"""Modules of endpoints whose paths begin with another word than the module's name."""


class LocalProgress:
    """Passes on the messages of long work when they change."""

    def __init__(self, note: Callable[[str], None], ask: Ask | None) -> None:
        self.ask = ask
        self._note = note
        self._last = ""

    def __call__(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None:
        if message != self._last:
            self._last = message
            self._note(message)


class LocalTransport:
    """Calls the functions with the project's workspace."""

    def __init__(self, project: Project, language: str) -> None:
        self.pid = os.getpid()
        self._workspace = Workspace(project)
        self._language = language

    @property
    def runs(self) -> Runs | None:
        return self._workspace.runs

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        progress: LocalProgress | None = None,
    ) -> Any:
        """Return ``data`` of the response."""
        from jupyter_mlws.api.registry import Context, Reply, Work
        from jupyter_mlws.core.schemas import encode_json
        from jupyter_mlws.core.validation_messages import validate

        endpoint, ids = find(method, path)
        valid_query = validate(endpoint.query, query)
        valid_body = None if endpoint.body is None else validate(endpoint.body, body or {})
        context = Context({"Accept-Language": self._language, **headers})
        inputs = endpoint.inputs(valid_query, valid_body, context)
        answer = endpoint.function(self._workspace, *ids, **inputs)
        if isinstance(answer, Work):
            data = answer.run(progress or LocalProgress(lambda text: None, None))
        elif isinstance(answer, Reply):
            data = answer.data
        else:
            data = endpoint.select(answer, valid_query)
        return json.loads(encode_json(data, self._language))

    def follow(
        self,
        path: str,
        body: Mapping[str, Any],
        note: Callable[[str], None],
        ask: Ask | None,
    ) -> Any:
        """Do long work and return its result."""
        return self.request("POST", path, {}, body, {}, LocalProgress(note, ask))

    def close(self) -> None:
        """Close what was opened."""
        self._workspace.close()


def find(method: str, path: str) -> tuple[Endpoint, list[str]]:
    """Return the endpoint of a path, and the values of the path's parameters in braces."""
    # A command imports only the endpoints of its own area.
    area = path.partition("/")[0]
    for module in AREAS.get(area, (area,)):
        for endpoint in import_module(f"jupyter_mlws.server.endpoints.{module}").endpoints:
            match = re.fullmatch(endpoint.pattern, path)
            if match is not None and endpoint.method == method.lower():
                return endpoint, [unquote(part) for part in match.groups()]
    raise EndpointNotFoundError()
