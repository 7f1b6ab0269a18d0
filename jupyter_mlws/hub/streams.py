"""The streams of the Hub's service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.api.streams import StreamHandler
from jupyter_mlws.hub.auth import AuthenticatedHandler


class ServiceStream(AuthenticatedHandler, StreamHandler):
    """Base of every WebSocket."""


class StatusStream(ServiceStream):
    """States, usage and the queue as they change."""

    resource = "containers"

    async def newest(self) -> int:
        return self.manager.registry.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.news(self.person, since)


class LogStream(ServiceStream):
    """A container's log as it grows."""

    resource = "containers"
    identifier: str

    async def attach(self, *ids: str) -> None:
        self.identifier = ids[0]
        self.manager.get(self.person, self.identifier)

    async def newest(self) -> int:
        # A log is read from its beginning where nothing else is asked.
        return 0

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.log(self.person, self.identifier, since)
