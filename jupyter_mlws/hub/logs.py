"""Logs read in threads and handed to the event loop, no faster than they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import LogLine
from jupyter_mlws.hub.docker.engine import LogReader

READERS = 256
"""Logs followed at once."""
AHEAD = 200
"""Lines that a thread reads before the reader takes them."""


class LogFollower:
    """Threads of their own: a log that is followed keeps its thread for hours."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="mlws-log")

    def close(self) -> None:
        """All readers are closed by then."""
        self._threads.shutdown(wait=False)

    async def lines(self, reader: LogReader) -> AsyncIterator[LogLine]:
        """The lines of ``reader`` until its log ends; it is closed in the end."""
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[LogLine | None] = asyncio.Queue(AHEAD)

        def pump() -> None:
            for line in reader:
                asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()
            asyncio.run_coroutine_threadsafe(lines.put(None), loop).result()

        pumping = loop.run_in_executor(self._threads, pump)
        try:
            while (line := await lines.get()) is not None:
                yield line
        finally:
            await in_thread(reader.close)
            while not pumping.done():
                # Make room, so that the thread gets to see that it is over.
                while not lines.empty():
                    lines.get_nowait()
                await asyncio.wait({pumping}, timeout=0.05)
