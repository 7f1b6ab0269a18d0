"""The endpoint of the container that this server runs in, and its stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.api.registry import Endpoints
from jupyter_mlws.containers.messages import OutOfMemoryEvent, OwnUsageEvent
from jupyter_mlws.containers.models import OwnUsage
from jupyter_mlws.server.handlers import StreamHandler
from jupyter_mlws.server.services import Services

endpoints = Endpoints("usage")


@endpoints.get("usage", "Get the resource usage of this server's container")
async def get_own_usage(services: Services) -> OwnUsage:
    return await services.own.usage()


class OwnUsageStream(StreamHandler):
    """This container's usage as it changes, and the kernels killed for lack of memory."""

    resource = "usage"
    messages = (OwnUsageEvent, OutOfMemoryEvent)

    async def newest(self) -> int:
        return self.services.own.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.services.own.changes(since)
