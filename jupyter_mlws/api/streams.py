"""WebSocket streams: JSON messages with a growing ``seq``, replayed from ``?since=``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, ClassVar

from tornado import websocket

from jupyter_mlws.api.rest import JSON, encoded, preferred_language
from jupyter_mlws.errors import InternalError, MLWSError

SLOW_READER = 4008
"""Close code: the client took longer than :data:`SEND_LIMIT` to read one message."""
BAD_REQUEST = 4000
"""Close code: ``since`` is no number, or there is no such project."""
UNAVAILABLE = 4503
"""Close code: whoever makes the messages can't be reached; come back later."""
SEND_LIMIT = 20.0
"""Seconds."""
LOST = 0.1
"""Seconds after which a task that was cancelled should have ended."""


class RingStream:
    """A stream kept in memory: the newest messages, for readers that come back soon.

    To be used from the event loop alone. A reader that missed more than the ring holds gets
    ``{"type": "reset"}`` and fetches everything anew.
    """

    def __init__(self, size: int = 1000, first: int = 0) -> None:
        self._messages: deque[dict[str, Any]] = deque(maxlen=size)
        self._seq = first
        self._news = asyncio.Event()

    @property
    def seq(self) -> int:
        """The number of the newest message; the ``first`` given, usually 0, before any."""
        return self._seq

    def publish(self, message: dict[str, Any]) -> None:
        """Append ``message`` and wake the readers."""
        self._seq += 1
        self._messages.append({"seq": self._seq, **message})
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Messages after ``since``, then new ones as they come, without end."""
        if since > self._seq:
            # A number of an earlier server: nothing can be said about what came between.
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


class Readers:
    """The tasks that send to the readers of one server. Lives on the event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin to send."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End them all, before what they read from is closed."""
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            # Before Python 3.12 `wait_for` loses a cancellation that meets the end of a write.
            await asyncio.wait(tasks, timeout=LOST)


class StreamHandler(websocket.WebSocketHandler):
    """Checks who connects, then sends what :meth:`follow` yields; who may is for the subclass."""

    resource: ClassVar[str]
    _task: asyncio.Task[None] | None = None

    async def permit(self) -> None:
        """Error 50301 unless the person may read the resource."""
        raise NotImplementedError

    @property
    def language(self) -> str:
        """The reader's language, from ``Accept-Language``."""
        return preferred_language(self.request.headers.get("Accept-Language", ""))

    async def get(self, *ids: str) -> Any:
        """Upgrade to a WebSocket; 403 for whoever may not read the resource."""
        try:
            await self.permit()
        except MLWSError as error:
            self.set_status(error.status)
            self.set_header("Content-Type", JSON)
            self.finish(encoded(error.as_dict(self.language), self.language))
            return None
        return await super().get(*ids)

    async def newest(self) -> int:
        """The seq that a reader without ``?since=`` starts after."""
        raise NotImplementedError

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Messages after ``since``, without end."""
        raise NotImplementedError

    async def attach(self, *ids: str) -> None:
        """Open what :meth:`follow` reads; raises :class:`MLWSError` if it is not there."""

    def open(self, *ids: str) -> None:
        self.set_nodelay(True)
        self._task = self.serve(self._send(*ids))

    def serve(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin to send."""
        return asyncio.create_task(work)

    async def _send(self, *ids: str) -> None:
        try:
            await self.tell(*ids)
        except asyncio.TimeoutError:
            self.close(SLOW_READER, "too slow")
        except websocket.WebSocketClosedError:
            # The reader has left; `on_close` has been or will be called.
            return
        except ValueError:
            self.close(BAD_REQUEST, "since must be a number")
        except MLWSError as error:
            self.close(UNAVAILABLE if error.status >= 500 else BAD_REQUEST, error.code)
        except Exception:
            # A reader whose connection stays open would wait for ever.
            self.close(UNAVAILABLE, InternalError.code)
            raise

    async def _write(self, message: dict[str, Any]) -> None:
        await self.pass_on(encoded(message, self.language).decode())

    async def tell(self, *ids: str) -> None:
        """Send everything from ``?since=`` on, until the reader leaves."""
        since = self.get_query_argument("since", None)
        await self.attach(*ids)
        start = int(since) if since else await self.newest()
        await self._write({"type": "hello", "seq": start})
        async with aclosing(self.follow(start)) as messages:  # type: ignore[type-var]
            async for message in messages:
                await self._write(message)

    async def pass_on(self, text: str | bytes) -> None:
        """Send ``text``; TimeoutError for a reader that is too slow."""
        # Awaiting each message keeps at most one in memory for a reader that lags.
        await asyncio.wait_for(self.write_message(text), SEND_LIMIT)

    def on_message(self, message: str | bytes) -> None:
        """Streams only speak; what a client says is not an error and has no effect."""

    def on_close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        super().on_close()
