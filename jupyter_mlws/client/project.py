"""Client of the endpoints of one project, through its running server or in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_mlws.api.client import RemoteError, Server, find_server, segment
from jupyter_mlws.client.local import LocalTransport
from jupyter_mlws.core.errors import InternalError
from jupyter_mlws.core.trust import require_trust
from mlws.core.locking import UNKNOWN, Waiting
from mlws.core.paths import escape
from mlws.core.progress import Ask
from mlws.core.project import Project

if TYPE_CHECKING:
    from jupyter_mlws.workflows.run.runs import Runs

JSON = dict[str, Any]
Query = Mapping[str, Any]
Note = Callable[[str], None]
"""Shows a sentence about the progress of work."""
POLL_INTERVAL = 0.1
"""Seconds between two polls of an operation of the server."""
HOLDER_CHECK_INTERVAL = 0.3
"""Seconds of a request after which the holder of the project's lock is looked up."""
FINISHED_STATES = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
PAGE_SIZE = 500
"""Items of one request."""


class Origin(StrEnum):
    """Source of a run: the command line or a notebook magic."""

    CLI = "cli"
    MAGIC = "magic"


class Transport(Protocol):
    """Calls endpoints."""

    pid: int
    """The process that does the work."""

    @property
    def runs(self) -> Runs | None:
        """The project's runs; None if a server manages them."""

    def request(
        self, method: str, path: str, query: Query, body: Query | None, headers: Mapping[str, str]
    ) -> Any:
        """``data`` of the answer."""

    def follow(self, path: str, body: Query, note: Note, ask: Ask | None) -> Any:
        """Start long work and return its result."""

    def close(self) -> None:
        """Close what was opened."""


class HTTPTransport:
    """Calls a running server."""

    def __init__(self, server: Server, project: str) -> None:
        self.pid = server.pid
        self.server = server
        self.project = project

    @property
    def runs(self) -> Runs | None:
        return None

    def request(
        self, method: str, path: str, query: Query, body: Query | None, headers: Mapping[str, str]
    ) -> Any:
        query = {**query, "project": self.project}
        return self.server.request(method, path, query, body, headers=headers)

    def follow(self, path: str, body: Query, note: Note, ask: Ask | None) -> Any:
        operation = self.request("POST", path, {}, body, {})
        address = f"operations/{operation['id']}"
        last = ""
        while operation["state"] not in FINISHED_STATES:
            time.sleep(POLL_INTERVAL)
            operation = self.request("GET", address, {}, None, {})
            question = operation["question"]
            if operation["state"] == "WAITING" and question and ask is not None:
                # The user may also answer in JupyterLab.
                try:
                    value = ask(question["prompt"], question["secret"])
                except BaseException:
                    self.request("POST", f"{address}/cancel", {}, {}, {})
                    raise
                self.request("POST", f"{address}/answer", {}, {"value": value}, {})
            if operation["message"] != last:
                last = operation["message"]
                note(last)
        if operation["state"] != "COMPLETED":
            raise RemoteError(operation["error"] or InternalError(id="").as_dict("en"))
        return operation["result"]

    def close(self) -> None:
        """Do nothing: no connection stays open between two requests."""


class ProjectClient:
    """Calls the endpoints of one project by their paths; answers are JSON as over HTTP.

    Fields that are None or an empty list are left out of a request: they have their defaults.

    Errors are raised as :class:`~jupyter_mlws.core.errors.MLWSError`, a server's as
    :class:`RemoteError`.
    """

    def __init__(
        self, project: Project, transport: Transport, language: str, origin: Origin
    ) -> None:
        self.project = project
        self.language = language
        self.origin = origin
        self.ask: Ask | None = None
        """Asks for a remote's credentials; None if there is no user to ask."""
        self._transport = transport

    @property
    def runs(self) -> Runs | None:
        """The project's runs; None if a server manages them."""
        return self._transport.runs

    def get(self, path: str, query: Query | None = None) -> Any:
        return self._transport.request("GET", path, _given(query), None, {})

    def post(
        self, path: str, body: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return self._transport.request("POST", path, {}, _given(body), headers or {})

    def patch(self, path: str, body: Query) -> Any:
        return self._transport.request("PATCH", path, {}, _given(body), {})

    def put(self, path: str, body: Query) -> Any:
        return self._transport.request("PUT", path, {}, _given(body), {})

    def delete(self, path: str, query: Query | None = None) -> Any:
        return self._transport.request("DELETE", path, _given(query), None, {})

    def follow(self, path: str, body: Query | None, note: Note) -> Any:
        """Start long work and return its result; ``note`` shows its progress."""
        return self._transport.follow(path, _given(body), note, self.ask)

    def list(self, path: str, limit: int | None = None, query: Query | None = None) -> list[JSON]:
        """Return up to ``limit`` items of a list (all for None), page after page."""
        items: list[JSON] = []
        cursor = None
        while limit is None or len(items) < limit:
            size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit - len(items))
            page = self.get(path, {**(query or {}), "limit": size, "cursor": cursor})
            items.extend(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items

    @contextmanager
    def reporting_holder(self, waiting: Waiting) -> Iterator[None]:
        """Report once, during a request, which other process holds the project's lock."""
        started = datetime.now(UTC).replace(microsecond=0)
        over = threading.Event()

        def poll() -> None:
            while not over.wait(HOLDER_CHECK_INTERVAL):
                holder = self.project.holder()
                if holder is None or holder.since == UNKNOWN.since:
                    continue
                own = holder.pid == self._transport.pid
                if not (own and datetime.fromisoformat(holder.since) >= started):
                    waiting(holder)
                    return

        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def close(self) -> None:
        """Close what was opened."""
        self._transport.close()


def open_project(folder: Path, language: str, origin: Origin) -> ProjectClient:
    """Return a client of the project that contains ``folder``, through its server if one runs."""
    project = Project.open(folder)
    require_trust(project)
    transport = find_transport(project, folder, language) or LocalTransport(project, language)
    return ProjectClient(project, transport, language, origin)


def find_transport(project: Project, folder: Path, language: str) -> HTTPTransport | None:
    """Return a transport to the running server of a project that contains ``folder``, or None."""
    places = dict.fromkeys((project.root, folder.resolve()))
    server = next(filter(None, (find_server(place, language) for place in places)), None)
    if server is None:
        return None
    below = server.root in project.root.parents
    path = project.root.relative_to(server.root).as_posix() if below else "."
    for candidate in server.get("projects")["items"]:
        if candidate["path"] == path and candidate["name"] == project.root.name:
            return HTTPTransport(server, candidate["id"])
    return None


def _given(fields: Query | None) -> Query:
    return {name: value for name, value in (fields or {}).items() if value not in (None, [], ())}


def path_segment(name: str) -> str:
    """Return a path, or a name with slashes, as one segment of a URL."""
    return segment(escape(name))


def workflow_address(path: str) -> str:
    return f"workflows/{path_segment(path)}"


def dataset_address(path: str) -> str:
    return f"datasets/{path_segment(path)}"


def version_id(reference: str) -> str:
    """Return ``NAME:VERSION`` in the API's form; a run ID is returned unchanged."""
    name, colon, number = reference.rpartition(":")
    return f"{escape(name)}:{number}" if colon else reference
