"""What benchmarks of a running server share: the server on a project, and a client of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

import engine

TOKEN = "benchmark"
AUTHORIZED = {"Authorization": f"token {TOKEN}"}
NONE_STAYS = {"MLWS_RUNNER_IDLE": "0"}
"""No process of a run waits for the next one: it would outlive the benchmark."""
PATIENCE = 60.0
"""Seconds for the server to answer, and for one request."""
# A request of one page should not wait in this process for those of others.
AsyncHTTPClient.configure(None, max_clients=2_000)


@dataclass(frozen=True)
class Lab:
    """A server with the extension, of which ``api`` is the address without its scheme."""

    api: str
    pid: int
    log: Path

    async def ask(
        self,
        path: str,
        body: object = None,
        method: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The data of an answer."""
        answer = await AsyncHTTPClient().fetch(
            f"http://{self.api}/{path}",
            method=method or ("GET" if body is None else "POST"),
            body=None if body is None else json.dumps(body),
            headers={**AUTHORIZED, **(headers or {})},
            connect_timeout=PATIENCE,
            request_timeout=PATIENCE,
        )
        return json.loads(answer.body).get("data")

    async def listen(self, path: str) -> WebSocketClientConnection:
        """A stream, after its first message."""
        address = f"ws://{self.api}/{path}"
        stream = await websocket_connect(
            HTTPRequest(address, headers=AUTHORIZED, connect_timeout=PATIENCE)
        )
        await heard(stream)
        return stream

    def complaints(self) -> list[str]:
        """What the server has logged of errors."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if line.startswith(("[E", "[C"))]


async def heard(stream: WebSocketClientConnection) -> dict[str, Any]:
    """The next message; a stream has no end of its own."""
    message = await stream.read_message()
    if not isinstance(message, str):
        raise ConnectionError(f"the stream was closed: {stream.close_code} {stream.close_reason}")
    found: dict[str, Any] = json.loads(message)
    return found


@asynccontextmanager
async def serving(root: Path) -> AsyncIterator[Lab]:
    """A server of the project, which with all that it began has ended afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("w") as output:  # noqa: ASYNC230
            server = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
                *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"),
                env={**os.environ, **NONE_STAYS, "JUPYTER_RUNTIME_DIR": folder},
                stdout=subprocess.DEVNULL,
                stderr=output,
            )
        try:
            lab = Lab(f"127.0.0.1:{port}/mlws/api/v1", server.pid, log)
            await _until_it_answers(lab)
            yield lab
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()
            engine.settle(root, live=False)


async def _until_it_answers(lab: Lab) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            await lab.ask("projects")
            return
        except OSError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


def median(milliseconds: Sequence[float]) -> float:
    return statistics.median(milliseconds)


def p95(milliseconds: Sequence[float]) -> float:
    """Of a hundred the fifth from above; the worst of a few."""
    return sorted(milliseconds)[min(len(milliseconds) - 1, int(len(milliseconds) * 0.95))]
