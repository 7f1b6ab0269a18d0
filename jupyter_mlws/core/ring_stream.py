"""Stream of messages with a ring buffer in memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any


class RingStream:
    """Stream that stores its newest messages, for readers that reconnect soon.

    For use on the event loop only. A reader that missed more messages than are stored gets
    ``{"type": "reset"}``, and fetches everything again.
    """

    def __init__(self, size: int = 1000, first: int = 0) -> None:
        self._messages: deque[dict[str, Any]] = deque(maxlen=size)
        self._seq = first
        self._news = asyncio.Event()

    @property
    def seq(self) -> int:
        """Number of the newest message; ``first``, usually 0, before any."""
        return self._seq

    def publish(self, message: dict[str, Any]) -> None:
        """Append ``message`` and wake the readers."""
        self._seq += 1
        self._messages.append({"seq": self._seq, **message})
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield messages after ``since``, then new ones as they arrive, without end."""
        if since > self._seq:
            # A number of an earlier server: messages may have been missed.
            yield {"seq": self._seq, "type": "reset"}
            since = self._seq
        while True:
            news = self._news
            oldest = self._messages[0]["seq"] if self._messages else self._seq + 1
            if since + 1 < oldest:
                yield {"seq": self._seq, "type": "reset"}
                since = self._seq
            for message in [m for m in self._messages if m["seq"] > since]:
                yield message
                since = message["seq"]
            if since == self._seq:
                await news.wait()
