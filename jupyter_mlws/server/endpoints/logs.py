"""Endpoints that list and download the log."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

from jupyter_mlws.api.registry import Context, Endpoints, Reply
from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.core.errors import ContainerForbiddenError, ContainerNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.logs.entries import Source, line
from jupyter_mlws.logs.models import LogEntry, LogFilter, LogQuery, to_response
from jupyter_mlws.logs.sources import collect_nodes
from jupyter_mlws.server.forwarding import FORWARDING_ERRORS
from jupyter_mlws.server.handlers import PROJECT_ERRORS
from jupyter_mlws.server.services import Services
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import Fault, InvalidRequestError, MLWSError, ProjectNotFoundError
from mlws.core.i18n import Message

NO_CURSOR = Message("is not a valid cursor for this list")
NDJSON = "application/x-ndjson"
_MAX_CURSOR = 2**62

# The container's log is the Hub's.
endpoints = Endpoints(
    "logs", (*PROJECT_ERRORS, *FORWARDING_ERRORS, ContainerForbiddenError, ContainerNotFoundError)
)
log = logging.getLogger(__name__)


@endpoints.get("logs", "List the lines of the log, newest first")
async def list_lines(services: Services, query: LogQuery, context: Context) -> Page[LogEntry]:
    if query.cursor is not None and not query.cursor.isdecimal():
        raise InvalidRequestError(faults=[Fault("cursor", NO_CURSOR)])
    before = min(int(query.cursor), _MAX_CURSOR) if query.cursor else None
    await _collect(services, query.source, context.project)
    lines = await in_thread(services.logs.page, query, query.limit + 1, before)
    entries = lines[: query.limit]
    next_cursor = str(entries[-1].seq) if len(lines) > query.limit else None
    items = [LogEntry.model_validate(to_response(entry)) for entry in entries]
    return Page(items=items, next_cursor=next_cursor)


@endpoints.get(
    "logs/download", "Download the log as JSON lines with ECS names, oldest first", media=NDJSON
)
async def download_lines(
    services: Services, query: LogFilter, context: Context
) -> Reply[AsyncIterator[str]]:
    await _collect(services, query.source, context.project)

    async def parts() -> AsyncIterator[str]:
        since = 0
        while lines := await in_thread(services.logs.after, query, since):
            yield "".join(map(line, lines))
            since = lines[-1].seq

    return Reply(parts(), headers={"Content-Disposition": "attachment; filename=mlws-log.ndjson"})


async def _collect(services: Services, sources: list[Source], project: str | None) -> None:
    """Bring the store up to date.

    Lines of workflows and of the container are collected only if ``sources`` includes them.
    """
    if not sources or Source.NODE in sources:
        workspace = await open_project(services, project)
        if workspace is not None:
            await in_thread(collect_nodes, services.logs, workspace)
    container = services.container_log
    if container is not None and (not sources or Source.CONTAINER in sources):
        try:
            await in_thread(container.collect)
        except MLWSError as error:
            if sources:
                raise
            # The other sources are still listed, with this line.
            log.warning("Could not read the container's log: %s", error)
    await in_thread(services.logs.flush)


async def open_project(services: Services, identifier: str | None) -> Workspace | None:
    """Return the requested project; None if the server's root is in none."""
    try:
        return await in_thread(services.projects.trusted_workspace, identifier)
    except ProjectNotFoundError:
        if identifier is None:
            return None
        raise
