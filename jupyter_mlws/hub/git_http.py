"""The team's repositories over HTTP: git's own ``http-backend`` behind the Hub's word on people.

A reader fetches, a writer moves branches forward and creates tags, an owner may also rewrite and
delete both. There are no other refs. Both bodies are streams: neither a push nor a clone is ever
held in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado import httputil
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, stream_request_body

from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.errors import MLWSError
from jupyter_mlws.hub.auth import ByToken
from jupyter_mlws.hub.team import Access, Team
from jupyter_mlws.team.models import Role

UPLOAD, RECEIVE = "git-upload-pack", "git-receive-pack"
NEEDED = {UPLOAD: Role.READER, RECEIVE: Role.WRITER}
LARGEST = 64 * 1024**3
"""Bytes of one push."""
BLOCK = 64 * 1024
AHEAD = 64
"""Blocks of an answer that are kept while the rest of the question comes."""
SILENCE_LIMIT = 120.0
"""Seconds for which a client may send and read nothing."""
END_LIMIT = 5.0
"""Seconds that git has to clear up after a client is gone."""
HIDDEN_REFS = ("refs", "!refs/heads", "!refs/tags")
"""Patterns of git, the last that matches wins: clients see and change branches and tags alone."""
LISTING = b"command=ls-refs"
"""In a question that fetches nothing."""


def environment(team: Team, access: Access, push: Path, room: int) -> dict[str, str]:
    """Git's whole environment: repository, user, rights, and the bytes that a push may bring."""
    may_rewrite = access.role.may(Role.OWNER)
    settings = {
        # The folder may be another user's where it was restored from a backup.
        "safe.directory": "*",
        "core.hooksPath": str(team.hooks),
        # git itself keeps who moved what, beside the audit log.
        "core.logAllRefUpdates": "always",
        "receive.fsckObjects": "true",
        "receive.denyNonFastForwards": str(not may_rewrite).lower(),
        "receive.denyDeletes": str(not may_rewrite).lower(),
        # The branch that is HEAD goes only with the project.
        "receive.denyDeleteCurrent": "refuse",
        "receive.maxInputSize": str(room),
        "http.receivepack": "true",
    }
    rows = enumerate([*settings.items(), *(("transfer.hideRefs", ref) for ref in HIDDEN_REFS)])
    numbered = {
        name: text
        for number, (key, value) in rows
        for name, text in (
            (f"GIT_CONFIG_KEY_{number}", key),
            (f"GIT_CONFIG_VALUE_{number}", value),
        )
    }
    who = access.person.name or "service"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(team.folder),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": str(len(settings) + len(HIDDEN_REFS)),
        # A replaced commit must not pass for the ancestor of another.
        "GIT_NO_REPLACE_OBJECTS": "1",
        **numbered,
        "GIT_PROJECT_ROOT": str(team.home(access.project)),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_COMMITTER_NAME": who,
        "GIT_COMMITTER_EMAIL": f"{who}@hub",
        "REMOTE_USER": who,
        "MLWS_MAY_REWRITE": str(may_rewrite).lower(),
        "MLWS_PUSH": str(push),
    }


@stream_request_body
class GitHandler(ByToken, RESTHandler):
    """``/git/PROJECT.git/…``, of git's smart protocol alone."""

    resource = "projects"
    _process: asyncio.subprocess.Process | None = None
    _answer: asyncio.Queue[bytes]
    _reading: asyncio.Task[None] | None = None
    _is_first = True
    _wait: asyncio.TimerHandle | None = None
    _release: Callable[[], None] | None = None
    _access: Access
    _push: Path

    async def prepare(self) -> None:
        """Who comes, and git is started; it is fed with what comes."""
        await self.permit()
        name, service = self._asked()
        team = self.manager.team
        self._access = team.access(self.person, name, NEEDED[service])
        room = await team.require_room(self._access.project) if service == RECEIVE else 0
        self._release = team.git_requests.take(self.person.name)
        self._wait_for_client()
        connection: Any = self.request.connection
        connection.set_max_body_size(LARGEST)
        self._push = team.pushes(self._access.project) / uuid.uuid4().hex
        self._answer = asyncio.Queue(AHEAD)
        self._process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            env={**environment(team, self._access, self._push, room), **self._cgi()},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read())

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
            raise MLWSError("50401")
        return name, service

    def _cgi(self) -> dict[str, str]:
        request = self.request
        given = {
            "REQUEST_METHOD": request.method or "",
            "PATH_INFO": f"/repo.git/{self.path_args[1]}",
            "QUERY_STRING": request.query,
            "REMOTE_ADDR": request.remote_ip or "",
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": request.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        return {name: value for name, value in given.items() if value}

    async def data_received(self, chunk: bytes) -> None:
        """Pass on what comes, as fast as git takes it."""
        if self._is_first and self.path_args[1] == UPLOAD and LISTING not in chunk[:BLOCK]:
            self.manager.team.tally.count(self.person, "project.fetch", self._access.project.name)
        self._is_first = False
        self._wait_for_client()
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(ConnectionError):
            # git has ended: its answer says why.
            self._process.stdin.write(chunk)
            await self._process.stdin.drain()

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
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        head = b""
        while b"\r\n\r\n" not in head:
            block = await self._answer.get()
            if not block:
                raise HTTPError(500, "git http-backend ended without an answer")
            head += block
        header, _, body = head.partition(b"\r\n\r\n")
        self._begin(httputil.HTTPHeaders.parse(header.decode("latin-1")))
        with contextlib.suppress(StreamClosedError):
            self.write(body)
            while block := await self._answer.get():
                self.write(block)
                await asyncio.wait_for(self.flush(), SILENCE_LIMIT)
        await process.wait()
        await self.manager.team.pushed(self._access.project, self._push)
        await self.finish()

    def on_finish(self) -> None:
        if self._release is not None:
            self._release()
            self.manager.team.forget_size(self._access.project)

    def _begin(self, headers: httputil.HTTPHeaders) -> None:
        status = headers.pop("Status", "200 OK")
        self.set_status(int(status.split()[0]))
        for name, value in headers.get_all():
            self.set_header(name, value)

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while block := await self._process.stdout.read(BLOCK):
            await self._answer.put(block)
        await self._answer.put(b"")

    def on_connection_close(self) -> None:
        """The client is gone: git ends, and what it had received is thrown away by itself."""
        self._cancel_wait()
        if self._process is not None and self._process.returncode is None:
            self.manager.begin(self._stop(self._process))

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        # A push that ends too early clears up after itself; a signal would leave its files.
        process.stdin.close()
        if not await _ended(process):
            # To the group: `http-backend` alone would leave the others behind.
            _signal(process, signal.SIGTERM)
            if not await _ended(process):
                _signal(process, signal.SIGKILL)
                await process.wait()
        if self._reading is not None:
            self._reading.cancel()
        self.on_finish()
        # What was moved before that is moved.
        await self.manager.team.pushed(self._access.project, self._push)

    def compute_etag(self) -> str | None:
        return None


async def _ended(process: asyncio.subprocess.Process) -> bool:
    try:
        await asyncio.wait_for(process.wait(), END_LIMIT)
    except asyncio.TimeoutError:
        return False
    return True


def _signal(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, how)
