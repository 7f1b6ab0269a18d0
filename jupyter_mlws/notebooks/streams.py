"""The stream of a notebook's output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from jupyter_mlws.api.base import StreamHandler

OUTPUT_MESSAGE_TYPES = ("output", "clear", "update")
"""Messages about what code wrote."""


class OutputStream(StreamHandler):
    """Outputs, executions and states of one notebook, in order."""

    resource = "notebooks"

    async def permit(self, *also: tuple[str, str]) -> None:
        await super().permit(("read", "contents"), *also)

    async def attach(self, *ids: str) -> None:
        self.ring = await self.services.notebooks.stream(ids[0])

    async def newest(self) -> int:
        return self.ring.seq

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """All messages; with ``?outputs=false`` without what was written."""
        silent = self.get_query_argument("outputs", "true") == "false"
        async with aclosing(self.ring.follow(since)) as messages:  # type: ignore[type-var]
            async for message in messages:
                if not (silent and message["type"] in OUTPUT_MESSAGE_TYPES):
                    yield message
