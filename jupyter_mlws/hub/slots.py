"""How much is done at once."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jupyter_mlws.core.errors import TooManyGitRequestsError


class ConcurrencyLimiter:
    """Places at work; whoever comes later waits for one. Lives on the event loop.

    What takes longer than ``patience`` seconds keeps nobody waiting any more.
    """

    def __init__(self, patience: float) -> None:
        # About twice the cores: more at once only makes each of them slower.
        self._free = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        self._patience = patience

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place."""
        await self._free.acquire()
        held = True

        def give_back() -> None:
            nonlocal held
            if held:
                held = False
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._patience, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()


class RequestLimits:
    """How many requests are answered at the same time, in all and of each user.

    Lives on the event loop.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._users: Counter[str] = Counter()

    def take(self, user: str) -> Callable[[], None]:
        """Return what ends the request, once or more; error 10216 where there are too many."""
        if self._users.total() >= self._most or self._users[user] >= self._most_each:
            raise TooManyGitRequestsError()
        self._users[user] += 1
        ended = False

        def release() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._users[user] -= 1

        return release
