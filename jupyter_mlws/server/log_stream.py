"""WebSocket stream of the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import LogLine
from jupyter_mlws.core import validation_messages
from jupyter_mlws.logs.container import ContainerLog
from jupyter_mlws.logs.entries import Source
from jupyter_mlws.logs.models import LogEntryEvent, LogFilter, to_response
from jupyter_mlws.logs.sources import collect_nodes
from jupyter_mlws.server.endpoints.logs import open_project
from jupyter_mlws.server.forwarding import LogStream as ContainerLogStream
from jupyter_mlws.server.handlers import StreamHandler
from mlws.core.errors import MLWSError

ALL_SOURCES = ("local", "all")
"""Ids of the whole log of this server."""
RECONNECT_DELAY = 10.0
"""Seconds until the connection to the Hub's service is retried."""


class LogStream(ContainerLogStream):
    """The lines as they come: `local` are this server's, all else a container's of the Hub.

    The id may also be a source (`server`, `kernel`, `execution`, `node`, `container`). The query
    filters as that of `GET /logs` does.
    """

    messages = (*ContainerLogStream.messages, LogEntryEvent)

    async def tell(self, *ids: str) -> None:
        local_ids = [*ALL_SOURCES, *(source.value for source in Source)]
        if ids[0] in local_ids:
            query: dict[str, Any] = {
                name: self.get_query_argument(name)
                for name in ("level", "q", "subject")
                if self.get_query_argument(name, None)
            }
            sources = self.get_query_arguments("source")
            query["source"] = sources if ids[0] in ALL_SOURCES else [ids[0]]
            self._criteria = validation_messages.validate(LogFilter, query)
            await StreamHandler.tell(self, *ids)
        else:
            await super().tell(*ids)

    async def permit(self, *also: tuple[str, str]) -> None:
        await super().permit(("read", "logs"), *also)

    async def newest(self) -> int:
        return await in_thread(self.services.logs.newest)

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the lines after ``since``, then new ones."""
        tasks = [asyncio.create_task(self._collect())]
        if self.services.container_log is not None and self._wants(Source.CONTAINER):
            tasks.append(asyncio.create_task(self._collect_container(self.services.container_log)))
        lines = self.services.logs.follow(self._criteria, since)
        try:
            async with aclosing(lines) as entries:  # type: ignore[type-var]
                async for entry in entries:
                    yield {"type": "line", **to_response(entry)}
        finally:
            for task in tasks:
                task.cancel()

    async def _collect(self) -> None:
        """Store new lines of workflows whenever the project's watcher signals a change."""
        workspace = await open_project(self.services, self.get_query_argument("project", None))
        if workspace is None or not self._wants(Source.NODE):
            return
        watcher = self.services.watchers.of(workspace.project)
        while True:
            bell = watcher.bell()
            await in_thread(collect_nodes, self.services.logs, workspace)
            await bell.wait()

    async def _collect_container(self, log: ContainerLog) -> None:
        """Store what the container writes, as the Hub's service reports it."""
        while True:
            try:
                newest_seq = await in_thread(log.collect)
                upstream = await self.connect(self.stream_path(log.identifier), str(newest_seq))
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
            await asyncio.sleep(RECONNECT_DELAY)

    def _wants(self, source: Source) -> bool:
        return not self._criteria.source or source in self._criteria.source
