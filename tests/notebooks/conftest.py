"""A server with our extension over a real project, and calls of its notebooks' endpoints."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from mlws.core.project import Project

API = "mlws/api/v1/notebooks"
LIMIT = 240.0


@pytest.fixture
def call(jp_fetch) -> Callable[..., Any]:
    """Call below /notebooks: ``call("GET", "id")`` → (status, data or error, headers)."""

    async def fetch(
        method: str, path: str = "", body: Any = None, headers: Any = None, /, **query: Any
    ) -> tuple[int, Any, Any]:
        text = body if isinstance(body, str) else json.dumps({} if body is None else body)
        more = {"body": text} if method in ("POST", "PUT") else {}
        try:
            answer = await jp_fetch(
                API,
                *([path] if path else []),
                method=method,
                headers=dict(headers or {}),
                params=query,
                request_timeout=LIMIT,
                **more,
            )
        except HTTPClientError as error:
            if error.response is None:
                raise
            return error.code, json.loads(error.response.body), error.response.headers
        return answer.code, json.loads(answer.body)["data"], answer.headers

    return fetch


@pytest.fixture
def create(call) -> Callable[..., Any]:
    """Make a notebook: its model."""

    async def make(**body: Any) -> dict[str, Any]:
        status, made, _ = await call("POST", "", body)
        assert status == 201, made
        return made

    return make


@pytest.fixture
def run(call) -> Callable[..., Any]:
    """Execute: (status, result or error)."""

    async def execute(notebook: str, **body: Any) -> tuple[int, Any]:
        status, said, _ = await call("POST", f"{notebook}/execute", body)
        return status, said

    return execute


@pytest.fixture
def document(project: Project) -> Callable[..., Path]:
    """Write a notebook of code cells: ``document("a.ipynb", one="1 + 1")``; ids are the names."""

    def write(path: str, **sources: str) -> Path:
        file = project.root / path
        cells = [
            {
                "id": name,
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for name, source in sources.items()
        ]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        file.write_text(json.dumps(content), encoding="utf-8")
        return file

    return write


@pytest.fixture
def listen(jp_ws_fetch) -> Callable[..., Any]:
    """Follow a notebook's stream: ``listen(id, since=0)`` → a function that reads on."""

    async def follow(notebook: str, **query: Any) -> Callable[..., Any]:
        socket = await jp_ws_fetch(API, notebook, "output", params=query)
        hello = json.loads(await socket.read_message())
        assert hello["type"] == "hello"

        async def until(fits: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
            messages = []
            while not messages or not fits(messages[-1]):
                messages.append(json.loads(await socket.read_message()))
            return messages

        return until

    return follow


@pytest.fixture
def opened(call, document) -> Callable[..., Any]:
    """Write a notebook of code cells: its id."""

    async def write(path: str, **sources: str) -> str:
        document(path, **sources)
        _, page, _ = await call("GET")
        return next(item["id"] for item in page["items"] if item["path"] == path)

    return write


class Tab:
    """A tab of JupyterLab: its session, and its WebSocket to the kernel."""

    def __init__(
        self, session: dict[str, Any], client: str, socket: Any, fetch: Callable[..., Any]
    ) -> None:
        self.session = session
        self.client = client
        self.socket = socket
        self._fetch = fetch

    @property
    def kernel(self) -> str:
        return str(self.session["kernel"]["id"])

    async def leave(self) -> None:
        """Close the only tab of its kernel; return when the server knows."""
        self.socket.close()
        connections = 1
        while connections:
            await asyncio.sleep(0.02)
            kernel = await self._fetch("api", "kernels", self.kernel)
            connections = json.loads(kernel.body)["connections"]

    async def ready(self) -> None:
        """Ask the kernel who it is, before anything else."""
        await self.until(await self._ask("kernel_info_request", {}, {}), "kernel_info_reply")

    async def send(self, code: str, cell: str | None = None, *, stdin: bool = False) -> str:
        """Have it run, as the tab does; the id of the request."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": stdin}
        return await self._ask("execute_request", content, {"cellId": cell} if cell else {})

    async def debug(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Ask the kernel's debugger: the body of its answer."""
        content = {"type": "request", "seq": 1, "command": command, "arguments": arguments}
        request = await self._ask("debug_request", content, {}, "control")
        answer = await self.until(request, "debug_reply")
        assert answer["success"], answer
        return dict(answer.get("body") or {})

    async def event(self, name: str) -> dict[str, Any]:
        """The body of the debugger's next event of that name."""
        while True:
            message = json.loads(await self.socket.read_message())
            if message["msg_type"] == "debug_event" and message["content"]["event"] == name:
                return dict(message["content"]["body"])

    async def _ask(
        self,
        kind: str,
        content: dict[str, Any],
        metadata: dict[str, Any],
        channel: str = "shell",
    ) -> str:
        request = uuid.uuid4().hex
        header = {
            "msg_id": request,
            "msg_type": kind,
            "session": self.client,
            "username": "",
            "version": "5.3",
        }
        await self.socket.write_message(
            json.dumps(
                {
                    "channel": channel,
                    "header": header,
                    "parent_header": {},
                    "metadata": metadata,
                    "content": content,
                }
            )
        )
        return request

    async def until(self, request: str, kind: str) -> dict[str, Any]:
        """The next message of that kind that answers the request."""
        while True:
            message = json.loads(await self.socket.read_message())
            if message["msg_type"] == kind and message["parent_header"]["msg_id"] == request:
                return dict(message["content"])

    async def run(self, code: str, cell: str | None = None) -> dict[str, Any]:
        """Run it to its end: the kernel's reply. What comes soon after a failure, the kernel may
        put aside unrun."""
        reply = {"status": "aborted"}
        while reply["status"] == "aborted":
            reply = await self.until(await self.send(code, cell), "execute_reply")
        return reply


@pytest.fixture
def tab(jp_fetch, jp_ws_fetch) -> Callable[..., Any]:
    """Open a notebook as a tab does: ``tab("a.ipynb")``; not ``ready`` if the kernel is busy."""
    sockets = []

    async def open_tab(
        path: str, client: str | None = None, *, ready: bool = True, kernel: str = "python3"
    ) -> Tab:
        client = client or uuid.uuid4().hex
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": kernel}}
        answer = await jp_fetch("api", "sessions", method="POST", body=json.dumps(body))
        session = json.loads(answer.body)
        socket = await jp_ws_fetch(
            "api", "kernels", session["kernel"]["id"], "channels", params={"session_id": client}
        )
        sockets.append(socket)
        opened = Tab(session, client, socket, jp_fetch)
        if ready:
            await opened.ready()
        return opened

    yield open_tab
    for socket in sockets:
        socket.close()


def of(kind: str, status: str | None = None, **facts: Any) -> Callable[[dict[str, Any]], bool]:
    """Fits a message of the stream."""
    wanted = {"type": kind, **({"status": status} if status else {}), **facts}
    return lambda message: all(message.get(key) == value for key, value in wanted.items())


def ended(call_id: str) -> Callable[[dict[str, Any]], bool]:
    """Fits the message that tells the end of a call."""
    return lambda message: (
        message.get("request") == call_id
        and message["type"] == "request"
        and message["status"] not in ("QUEUED", "RUNNING")
    )
