"""The team's repositories over HTTP: git's own ``http-backend`` behind the Hub's word on people.

It runs in :mod:`jupyter_mlws.hub.git_worker`, apart from this process.

A reader fetches, a writer moves branches forward and creates tags, an owner may also rewrite and
delete both. There are no other refs. Both bodies are streams: neither a push nor a clone is ever
held in memory.
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
from jupyter_mlws.hub.auth import ByToken
from jupyter_mlws.hub.git_worker import END_LIMIT
from jupyter_mlws.hub.team import Access
from jupyter_mlws.shared_projects.models import Role

UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
NEEDED = {UPLOAD: Role.READER, RECEIVE: Role.WRITER}
LARGEST = 64 * 1024**3
"""Bytes of one push."""
BLOCK = 64 * 1024
AHEAD = 64
"""Blocks of an answer that are kept while the rest of the question comes."""
SILENCE_LIMIT = 120.0
"""Seconds for which a client may send and read nothing."""
LISTING = b"command=ls-refs"
"""In a question that fetches nothing."""


@stream_request_body
class GitHandler(ByToken, RESTHandler):
    """``/git/PROJECT.git/…``, of git's smart protocol alone."""

    resource = "projects"
    _git: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _answer: asyncio.Queue[bytes]
    _reading: asyncio.Task[None] | None = None
    _is_first = True
    _is_answering = False
    _wait: asyncio.TimerHandle | None = None
    _release: Callable[[], None] | None = None
    _access: Access
    _push: Path

    async def prepare(self) -> None:
        """Authorize the user and start git, which reads the body as it arrives."""
        await self.permit()
        name, service = self._asked()
        team = self.manager.team
        self._access = team.access(self.person, name, NEEDED[service])
        room = await team.require_room(self._access.project) if service == RECEIVE else 0
        self._release = team.git_requests.take(self.person.name)
        self._wait_for_client()
        connection: Any = self.request.connection
        connection.set_max_body_size(LARGEST)
        push = uuid.uuid4().hex
        self._push = team.pushes(self._access.project) / push
        self._answer = asyncio.Queue(AHEAD)
        self._git = await team.git.open(
            {
                "project": self._access.project.id,
                "user": self.person.name or "service",
                "may_rewrite": self._access.role.may(Role.OWNER),
                "room": room,
                "push": push,
                "cgi": self._cgi(),
            }
        )
        self._reading = asyncio.create_task(self._read(self._git[0]))

    def _asked(self) -> tuple[str, str]:
        """(project, service); error 50401 for what is none of git's smart protocol."""
        name, rest = self.path_args
        if self.request.method == "GET" and rest == "info/refs":
            service = self.get_query_argument("service", "")
        elif self.request.method == "POST":
            service = rest
        else:
            service = ""
        if service not in NEEDED:
            raise EndpointNotFoundError()
        return name, service

    def _cgi(self) -> dict[str, str]:
        request = self.request
        variables = {
            "REQUEST_METHOD": request.method or "",
            "PATH_INFO": f"/repo.git/{self.path_args[1]}",
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": request.remote_ip or "",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": request.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        return {name: value for name, value in variables.items() if value}

    async def data_received(self, chunk: bytes) -> None:
        """Pass the body on to git, as fast as git reads it."""
        if self._is_first and self.path_args[1] == UPLOAD and LISTING not in chunk[:BLOCK]:
            self.manager.team.tally.count(self.person, "project.fetch", self._access.project.name)
        self._is_first = False
        self._wait_for_client()
        assert self._git is not None
        with contextlib.suppress(ConnectionError):
            # git has ended: its answer says why.
            self._git[1].write(chunk)
            await self._git[1].drain()

    async def get(self, name: str, rest: str) -> None:
        await self._finish()

    post = get

    def _wait_for_client(self) -> None:
        """End the request if nothing comes for :data:`SILENCE_LIMIT` seconds."""
        self._cancel_wait()
        connection: Any = self.request.connection
        self._wait = asyncio.get_running_loop().call_later(SILENCE_LIMIT, connection.close)

    def _cancel_wait(self) -> None:
        if self._wait is not None:
            self._wait.cancel()

    async def _finish(self) -> None:
        self._cancel_wait()
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
            self._begin(httputil.HTTPHeaders.parse(header.decode("latin-1")))
            self.write(body)
            await self._pass_on()
        finally:
            self._reading.cancel()
            self._git[1].close()
        await self.manager.team.pushed(self._access.project, self._push)
        await self.finish()

    async def _pass_on(self) -> None:
        """Send the rest of the answer; a push goes on to its end although its client is gone."""
        is_gone = False
        while block := await self._answer.get():
            if is_gone:
                continue
            self.write(block)
            try:
                await asyncio.wait_for(self.flush(), SILENCE_LIMIT)
            except StreamClosedError:
                is_gone = True
                if self.path_args[1] != RECEIVE:
                    return

    def on_finish(self) -> None:
        if self._release is not None:
            self._release()
            self.manager.team.forget_size(self._access.project)

    def _begin(self, headers: httputil.HTTPHeaders) -> None:
        status = headers.pop("Status", "200 OK")
        self.set_status(int(status.split()[0]))
        for name, value in headers.get_all():
            self.set_header(name, value)

    async def _read(self, git: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await git.read(BLOCK):
                await self._answer.put(block)
        await self._answer.put(b"")

    def on_connection_close(self) -> None:
        """Stop git when the client is gone; git discards what it received."""
        self._cancel_wait()
        if self._git is not None and not self._is_answering:
            self.manager.begin(self._stop(*self._git))

    async def _stop(self, git: asyncio.StreamReader, input_: asyncio.StreamWriter) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait({self._reading})
        # A push whose input ends too early clears up after itself.
        _end_input(input_)
        try:
            await asyncio.wait_for(_drained(git), END_LIMIT)
        except asyncio.TimeoutError:
            # The worker ends it once the connection is closed, with SIGTERM first.
            input_.close()
            await asyncio.sleep(2 * END_LIMIT)
        input_.close()
        self.on_finish()
        # What was moved before that is moved.
        await self.manager.team.pushed(self._access.project, self._push)

    def compute_etag(self) -> str | None:
        return None


def _end_input(git: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        git.write_eof()


async def _drained(git: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await git.read(BLOCK):
            pass
