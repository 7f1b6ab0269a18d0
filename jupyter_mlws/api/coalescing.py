"""Readings that many pages ask for at the same moment, done once for all of them.

An event goes to every page, and every page then asks the same.
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
        if key not in self._next:
            self._next[key] = asyncio.create_task(self._carry_out(key, work))
        # Shielded: one client that goes away does not take the answer from the others.
        return await asyncio.shield(self._next[key])

    async def _carry_out(self, key: Hashable, work: Callable[[], Awaitable[Answer]]) -> Answer:
        while (before := self._now.get(key)) is not None:
            await asyncio.wait([before])
        self._now[key] = self._next.pop(key)
        try:
            return await work()
        finally:
            del self._now[key]
