"""How much is done at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
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
