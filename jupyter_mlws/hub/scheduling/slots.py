"""How much is done at once."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jupyter_mlws.core.errors import TooManyGitRequestsError


class ConcurrencyLimiter:
    """Limits how many tasks run at once; further ones wait. Must be used on the event loop.

    A task that takes longer than ``patience`` seconds gives its slot to the next one.
    """

    def __init__(self, patience: float) -> None:
        # About twice the cores: more at once only makes each of them slower.
        self._free = asyncio.Semaphore(2 * (os.cpu_count() or 1))
        self._patience = patience

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a slot during the ``with`` block; wait until one is free."""
        await self._free.acquire()
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            if is_held:
                is_held = False
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._patience, give_back)
        try:
            yield
        finally:
            timer.cancel()
            give_back()


class RequestLimits:
    """Limits the number of concurrent requests, in total and per user.

    Must be used on the event loop.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._users: Counter[str] = Counter()

    def take(self, user: str) -> Callable[[], None]:
        """Return a function that ends the request, and may be called more than once.

        Error 10216 if there are too many requests.
        """
        if self._users.total() >= self._most or self._users[user] >= self._most_each:
            raise TooManyGitRequestsError()
        self._users[user] += 1
        is_released = False

        def release() -> None:
            nonlocal is_released
            if not is_released:
                is_released = True
                self._users[user] -= 1

        return release
