"""WebSocket streams: JSON messages with a growing ``seq``, replayed from ``?since=``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, ClassVar, Literal

from tornado import websocket
from typing_extensions import TypedDict

from jupyter_mlws.api.registry import JSON
from jupyter_mlws.core.errors import InternalError
from jupyter_mlws.core.schemas import encode_json
from mlws.core.errors import MLWSError
from mlws.core.i18n import preferred_language

SLOW_READER = 4008
"""Close code: the client took longer than :data:`SEND_TIMEOUT` to read one message."""
BAD_REQUEST = 4000
"""Close code: ``since`` is not a number, or the project does not exist."""
UNAVAILABLE = 4503
"""Close code: the source of the messages can't be reached; try again later."""
SEND_TIMEOUT = 20.0
"""Seconds for sending one message."""
CANCEL_TIMEOUT = 0.1
"""Seconds to wait for cancelled tasks before cancelling them again."""


class Hello(TypedDict):
    """Message: the first of each connection."""

    type: Literal["hello"]
    seq: int


class Reset(TypedDict):
    """Message: the server no longer has some of the missed messages; fetch everything again."""

    type: Literal["reset"]
    seq: int


class Readers:
    """The tasks that send to the readers of one server, for use on its event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start to send."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Cancel all tasks, before their sources are closed."""
        while tasks := list(self._tasks):
            for task in tasks:
                task.cancel()
            # Before Python 3.12 `wait_for` loses a cancellation that meets the end of a write.
            await asyncio.wait(tasks, timeout=CANCEL_TIMEOUT)


class StreamHandler(websocket.WebSocketHandler):
    """Checks permissions, then sends what :meth:`follow` yields."""

    resource: ClassVar[str]
    messages: ClassVar[tuple[type[Any], ...]] = ()
    """The models of the messages, beside :class:`Hello` and :class:`Reset`."""
    _task: asyncio.Task[None] | None = None

    async def permit(self) -> None:
        """Raise PermissionDeniedError unless the user may read the resource."""
        raise NotImplementedError

    @property
    def language(self) -> str:
        """The reader's language, from ``Accept-Language``."""
        return preferred_language(self.request.headers.get("Accept-Language", ""))

    async def get(self, *ids: str) -> Any:
        """Upgrade to a WebSocket; 403 without permission to read the resource."""
        try:
            await self.permit()
        except MLWSError as error:
            self.set_status(error.status)
            self.set_header("Content-Type", JSON)
            self.finish(encode_json(error.as_dict(self.language), self.language))
            return None
        return await super().get(*ids)

    async def newest(self) -> int:
        """Return the seq that a reader without ``?since=`` starts after."""
        raise NotImplementedError

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the messages after ``since``, without end."""
        raise NotImplementedError

    async def attach(self, *ids: str) -> None:
        """Open what :meth:`follow` reads; raises :class:`MLWSError` if it does not exist."""

    def open(self, *ids: str) -> None:
        self.set_nodelay(True)
        self._task = self.serve(self._send(*ids))

    def serve(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start to send."""
        return asyncio.create_task(work)

    async def _send(self, *ids: str) -> None:
        try:
            await self.tell(*ids)
        except TimeoutError:
            self.close(SLOW_READER, "too slow")
        except websocket.WebSocketClosedError:
            # The reader has left; `on_close` has been or will be called.
            return
        except ValueError:
            self.close(BAD_REQUEST, "since must be a number")
        except MLWSError as error:
            self.close(UNAVAILABLE if error.status >= 500 else BAD_REQUEST, error.code)
        except Exception:
            # Otherwise the connection stays open, and its reader waits forever.
            self.close(UNAVAILABLE, InternalError.code)
            raise

    async def _write(self, message: dict[str, Any]) -> None:
        await self.pass_on(encode_json(message, self.language).decode())

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
        await asyncio.wait_for(self.write_message(text), SEND_TIMEOUT)

    def on_message(self, message: str | bytes) -> None:
        """Ignore messages from the client."""

    def on_close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        super().on_close()
