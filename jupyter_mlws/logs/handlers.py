"""Endpoints of the log: read, downloaded and followed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from pydantic import ValidationError

from jupyter_mlws.api.base import PROJECT_ERRORS, APIHandler, StreamHandler
from jupyter_mlws.api.rest import Reply, endpoint, in_thread
from jupyter_mlws.containers.handlers import FORWARDED, NO_CONTAINER
from jupyter_mlws.containers.handlers import LogStream as ContainerLogStream
from jupyter_mlws.containers.models import LogLine
from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.errors import (
    Fault,
    InvalidRequestError,
    MLWSError,
    ProjectNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.logs.container import ContainerLog
from jupyter_mlws.logs.entries import Source, line
from jupyter_mlws.logs.models import LogEntry, LogFilter, LogQuery, told
from jupyter_mlws.logs.sources import collect_nodes
from jupyter_mlws.logs.store import Filter, LogStore
from jupyter_mlws.workspace import Workspace

NO_CURSOR = Message("is not a valid cursor for this list")
ALL = ("local", "all")
"""Ids of all that this server logs."""
NDJSON = "application/x-ndjson"
CONTENT_TYPE = f"{NDJSON}; charset=utf-8"
PAUSE = 10.0
"""Seconds until the Hub's service is asked again after it went away."""
_MOST = 2**62


class LogsBase(APIHandler):
    """Base of the handlers here."""

    resource = "logs"
    # The container's log is the Hub's.
    errors = (*PROJECT_ERRORS, *FORWARDED, *NO_CONTAINER)

    @property
    def store(self) -> LogStore:
        """The server's one store."""
        return self.services.logs

    async def collect(self, sources: list[Source]) -> None:
        """Have in the store what was logged so far; what workflows and the container left, if that
        is asked for."""
        if not sources or Source.NODE in sources:
            workspace = await _workspace(self)
            if workspace is not None:
                await in_thread(collect_nodes, self.store, workspace)
        container = self.services.container_log
        if container is not None and (not sources or Source.CONTAINER in sources):
            try:
                await in_thread(container.collect)
            except MLWSError as error:
                if sources:
                    raise
                # The rest of the log is told without it, and has this line.
                self.log.warning("Could not read the container's log: %s", error)
        await in_thread(self.store.flush)


class LogsHandler(LogsBase):
    """The lines."""

    @endpoint("List the lines of the log, newest first", Page[LogEntry], query=LogQuery)
    async def get(self, query: LogQuery) -> Page[LogEntry]:
        if query.cursor is not None and not query.cursor.isdecimal():
            raise InvalidRequestError(faults=[Fault("cursor", NO_CURSOR)])
        before = min(int(query.cursor), _MOST) if query.cursor else None
        await self.collect(query.source)
        found = await in_thread(self.store.page, query.wanted, query.limit + 1, before)
        shown = found[: query.limit]
        more = str(shown[-1].seq) if len(found) > query.limit else None
        return Page(
            items=[LogEntry.model_validate(told(entry)) for entry in shown], next_cursor=more
        )


class DownloadHandler(LogsBase):
    """The lines as a file."""

    @endpoint(
        "Download the log as JSON lines with ECS names, oldest first",
        query=LogFilter,
        media=NDJSON,
    )
    async def get(self, query: LogFilter) -> Reply:
        await self.collect(query.source)
        self.set_header("Content-Type", CONTENT_TYPE)
        self.set_header("Content-Disposition", "attachment; filename=mlws-log.ndjson")
        since = 0
        while found := await in_thread(self.store.after, query.wanted, since):
            self.write("".join(map(line, found)))
            await self.flush()
            since = found[-1].seq
        return Reply(None)

    def reply(self, answer: Reply) -> None:
        """The lines are the whole answer."""
        self.finish(set_content_type=CONTENT_TYPE)

    def compute_etag(self) -> str | None:
        return None


class LogStream(ContainerLogStream):
    """The lines as they come: `local` are this server's, all else a container's of the Hub.

    The id may also be a source (`server`, `kernel`, `execution`, `node`, `container`). The query
    filters as that of `GET /logs` does.
    """

    async def tell(self, *ids: str) -> None:
        known = [*ALL, *(source.value for source in Source)]
        if ids[0] in known:
            self._wanted = self._filter(ids[0])
            await StreamHandler.tell(self, *ids)
        else:
            await super().tell(*ids)

    async def permit(self, *also: tuple[str, str]) -> None:
        await super().permit(("read", "logs"), *also)

    async def newest(self) -> int:
        return await in_thread(self.services.logs.newest)

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Lines after ``since``, then new ones."""
        tasks = [asyncio.create_task(self._collect())]
        if self.services.container_log is not None and self._wants(Source.CONTAINER):
            tasks.append(asyncio.create_task(self._collect_container(self.services.container_log)))
        lines = self.services.logs.follow(self._wanted, since)
        try:
            async with aclosing(lines) as entries:  # type: ignore[type-var]
                async for entry in entries:
                    yield {"type": "line", **told(entry)}
        finally:
            for task in tasks:
                task.cancel()

    async def _collect(self) -> None:
        """Take what workflows leave whenever their bell rings."""
        workspace = await _workspace(self)
        if workspace is None or not self._wants(Source.NODE):
            return
        watcher = self.services.watchers.of(workspace.project)
        while True:
            bell = watcher.bell()
            await in_thread(collect_nodes, self.services.logs, workspace)
            await bell.wait()

    async def _collect_container(self, log: ContainerLog) -> None:
        """Take what the container writes as the Hub's service tells it."""
        while True:
            try:
                known = await in_thread(log.collect)
                upstream = await self.connect(self.stream_path(log.identifier), str(known))
            except MLWSError as error:
                self.log.warning("Could not read the container's log: %s", error)
            else:
                try:
                    while (text := await upstream.read_message()) is not None:
                        message = json.loads(text)
                        if message["type"] == "log":
                            await in_thread(log.take, [LogLine.model_validate(message)])
                finally:
                    upstream.close()
            await asyncio.sleep(PAUSE)

    def _wants(self, source: Source) -> bool:
        return not self._wanted.sources or source in self._wanted.sources

    def _filter(self, identifier: str) -> Filter:
        given: dict[str, Any] = {
            name: self.get_query_argument(name)
            for name in ("level", "q", "subject")
            if self.get_query_argument(name, None)
        }
        sources = self.get_query_arguments("source")
        given["source"] = sources if identifier in ALL else [identifier]
        try:
            return LogFilter.model_validate(given).wanted
        except ValidationError as error:
            raise InvalidRequestError(faults=validation_messages.faults(error)) from error


async def _workspace(handler: Any) -> Workspace | None:
    """The project asked for; None where the server's root is in none."""
    try:
        found: Workspace = await handler.open_workspace()
    except MLWSError as error:
        if (
            isinstance(error, ProjectNotFoundError)
            and handler.get_query_argument("project", None) is None
        ):
            return None
        raise
    return found


HANDLERS: list[tuple[str, Any]] = [
    (r"logs", LogsHandler),
    (r"logs/download", DownloadHandler),
    (r"logs/([^/]+)", LogStream),
]
