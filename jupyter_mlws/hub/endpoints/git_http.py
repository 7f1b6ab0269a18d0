"""Repositories of shared projects over HTTP: ``git http-backend`` with the Hub's authorization.

Git runs in another process, :mod:`jupyter_mlws.hub.shared_projects.git_worker`.

A reader fetches, a writer moves branches forward and creates tags, an owner may also rewrite and
delete both. There are no other refs. Both bodies are streamed: no push or clone is buffered in
memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado import httputil
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, stream_request_body

from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.core.errors import EndpointNotFoundError
from jupyter_mlws.hub.auth import TokenAuthenticatedHandler
from jupyter_mlws.hub.shared_projects.git_worker import GIT_EXIT_TIMEOUT
from jupyter_mlws.hub.shared_projects.manager import Access
from jupyter_mlws.shared_projects.models import Role

UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
REQUIRED_ROLES = {UPLOAD: Role.READER, RECEIVE: Role.WRITER}
MAX_PUSH_BYTES = 64 * 1024**3
"""Maximum bytes of one push."""
BLOCK_BYTES = 64 * 1024
MAX_BUFFERED_BLOCKS = 64
"""Maximum number of response blocks that are buffered while the request arrives."""
IDLE_TIMEOUT = 120.0
"""Seconds without data from or to the client after which the request ends."""
LIST_REFS_COMMAND = b"command=ls-refs"
"""Part of a request that only lists refs."""


@stream_request_body
class GitHandler(TokenAuthenticatedHandler, RESTHandler):
    """``/git/PROJECT.git/…``, of git's smart protocol alone."""

    resource = "projects"
    _git: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _answer: asyncio.Queue[bytes]
    _reading: asyncio.Task[None] | None = None
    _is_first = True
    _is_answering = False
    _idle_timer: asyncio.TimerHandle | None = None
    _release: Callable[[], None] | None = None
    _access: Access
    _push_path: Path

    async def prepare(self) -> None:
        """Authorize the user and start git, which reads the body as it arrives."""
        await self.permit()
        request = self.request
        name, path = self.path_args
        service = path if request.method == "POST" else ""
        if request.method == "GET" and path == "info/refs":
            service = self.get_query_argument("service", "")
        if service not in REQUIRED_ROLES:
            # Not part of git's smart protocol.
            raise EndpointNotFoundError()
        team = self.manager.team
        self._access = team.access(self.user, name, REQUIRED_ROLES[service])
        room = await team.require_room(self._access.project) if service == RECEIVE else 0
        self._release = team.git_requests.take(self.user.name)
        self._restart_idle_timer()
        connection: Any = request.connection
        connection.set_max_body_size(MAX_PUSH_BYTES)
        push = uuid.uuid4().hex
        self._push_path = team.pushes(self._access.project) / push
        self._answer = asyncio.Queue(MAX_BUFFERED_BLOCKS)
        variables = {
            "REQUEST_METHOD": request.method or "",
            "PATH_INFO": f"/repo.git/{path}",
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": request.remote_ip or "",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": request.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        self._git = await team.git.open(
            {
                "project": self._access.project.id,
                "user": self.user.name or "service",
                "may_rewrite": self._access.role.may(Role.OWNER),
                "room": room,
                "push": push,
                "cgi": {key: value for key, value in variables.items() if value},
            }
        )
        self._reading = asyncio.create_task(self._read(self._git[0]))

    async def data_received(self, chunk: bytes) -> None:
        """Pass the body on to git, as fast as git reads it."""
        if (
            self._is_first
            and self.path_args[1] == UPLOAD
            and LIST_REFS_COMMAND not in chunk[:BLOCK_BYTES]
        ):
            self.manager.team.tally.count(self.user, "project.fetch", self._access.project.name)
        self._is_first = False
        self._restart_idle_timer()
        assert self._git is not None
        with contextlib.suppress(ConnectionError):
            # git has ended; its response contains the reason.
            self._git[1].write(chunk)
            await self._git[1].drain()

    async def get(self, name: str, rest: str) -> None:
        """Send git's response; a push continues to its end although its client has disconnected."""
        self._cancel_idle_timer()
        self._is_answering = True
        assert self._git is not None
        assert self._reading is not None
        _end_input(self._git[1])
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                block = await self._answer.get()
                if not block:
                    raise HTTPError(500, "git http-backend ended without an answer")
                head += block
            header, _, body = head.partition(b"\r\n\r\n")
            headers = httputil.HTTPHeaders.parse(header.decode("latin-1"))
            self.set_status(int(headers.pop("Status", "200 OK").split()[0]))
            for key, value in headers.get_all():
                self.set_header(key, value)
            self.write(body)
            is_gone = False
            while block := await self._answer.get():
                if is_gone:
                    continue
                self.write(block)
                try:
                    await asyncio.wait_for(self.flush(), IDLE_TIMEOUT)
                except StreamClosedError:
                    is_gone = True
                    if self.path_args[1] != RECEIVE:
                        break
        finally:
            self._reading.cancel()
            self._git[1].close()
        await self.manager.team.pushed(self._access.project, self._push_path)
        await self.finish()

    post = get

    def _restart_idle_timer(self) -> None:
        """End the request if nothing comes for :data:`IDLE_TIMEOUT` seconds."""
        self._cancel_idle_timer()
        connection: Any = self.request.connection
        self._idle_timer = asyncio.get_running_loop().call_later(IDLE_TIMEOUT, connection.close)

    def _cancel_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()

    def on_finish(self) -> None:
        if self._release is not None:
            self._release()
            self.manager.team.invalidate_size(self._access.project)

    async def _read(self, git: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await git.read(BLOCK_BYTES):
                await self._answer.put(block)
        await self._answer.put(b"")

    def on_connection_close(self) -> None:
        """Stop git when the client has disconnected; git discards the received data."""
        self._cancel_idle_timer()
        if self._git is not None and not self._is_answering:
            self.manager.tasks.run(self._stop(*self._git))

    async def _stop(self, git: asyncio.StreamReader, input_: asyncio.StreamWriter) -> None:
        async def drain() -> None:
            with contextlib.suppress(ConnectionError):
                while await git.read(BLOCK_BYTES):
                    pass

        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait({self._reading})
        # git cleans up after a push with incomplete input.
        _end_input(input_)
        try:
            await asyncio.wait_for(drain(), GIT_EXIT_TIMEOUT)
        except TimeoutError:
            # The worker ends it once the connection is closed, with SIGTERM first.
            input_.close()
            await asyncio.sleep(2 * GIT_EXIT_TIMEOUT)
        input_.close()
        self.on_finish()
        # Refs that were updated before that stay updated.
        await self.manager.team.pushed(self._access.project, self._push_path)

    def compute_etag(self) -> str | None:
        return None


def _end_input(git: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        git.write_eof()
