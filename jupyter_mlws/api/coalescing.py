"""Coalescing of equal concurrent requests.

An event goes to every open page, and every page then sends the same request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class RequestCoalescer(Generic[Answer]):
    """Shares the results of equal reads on one server; for use on its event loop.

    A result is never older than its request: a request that arrives while a read is running
    waits for the next read, whose result all requests that arrive in the meantime share.
    """

    def __init__(self) -> None:
        self._now: dict[Hashable, asyncio.Task[Answer]] = {}
        self._next: dict[Hashable, asyncio.Task[Answer]] = {}

    async def read(self, key: Hashable, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the result of ``work``, or of a queued read of ``key`` that has not started."""

        async def run() -> Answer:
            while (running := self._now.get(key)) is not None:
                await asyncio.wait([running])
            self._now[key] = self._next.pop(key)
            try:
                return await work()
            finally:
                del self._now[key]

        if key not in self._next:
            self._next[key] = asyncio.create_task(run())
        # Shielded: a client that disconnects must not cancel the read of the others.
        return await asyncio.shield(self._next[key])
