"""From a node's end to a hundred browsers: ``python benchmarks/events.py [CLIENTS]``.

A server, so many WebSockets on its `/workflows/status`, and a run of a hundred nodes that the
command line starts. Prints how long after its time in the journal each event of a node arrives.
All clients live in one process, whose own work is in the numbers.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from peers import Node
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

import engine

NODES = 100
TAKES = 0.1
"""Seconds of a node."""
PORT = 18931
TOKEN = "benchmark"
PATIENCE = 60.0
"""Seconds for the server to answer, and for the last event."""


async def main(clients: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, graph = Path(folder, "project"), engine.graph(NODES)
        nodes = [Node(n.name, f"sleep {TAKES}; {n.command}", n.reads, n.makes) for n in graph]
        engine.project(root, nodes)
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={PORT}"),
            *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await measure(root, clients)
        finally:
            server.terminate()
            await server.wait()
            engine.settle(root, live=False)


async def measure(root: Path, clients: int) -> None:
    """Connect, run, and print."""
    sockets = [await connected() for _ in range(clients)]
    delays: list[float] = []
    listening = [asyncio.create_task(listen(socket, delays)) for socket in sockets]
    program = Path(sys.executable).with_name("jupyter-mlws")
    run = await asyncio.create_subprocess_exec(
        str(program), "run", "-j", "2", cwd=root, stdout=subprocess.DEVNULL
    )
    await asyncio.wait_for(asyncio.gather(run.wait(), *listening), PATIENCE)
    for socket in sockets:
        socket.close()
    delays.sort()
    print(f"{clients} clients, {NODES} nodes, {len(delays)} events that arrived")
    print(
        f"median {statistics.median(delays):.1f} ms, p99 {delays[len(delays) * 99 // 100]:.1f} ms"
    )


async def connected() -> WebSocketClientConnection:
    """A WebSocket; the first waits for the server."""
    url = f"ws://127.0.0.1:{PORT}/mlws/api/v1/workflows/status"
    request = HTTPRequest(url, headers={"Authorization": f"token {TOKEN}"})
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return await websocket_connect(request)
        except OSError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


async def listen(socket: WebSocketClientConnection, delays: list[float]) -> None:
    """Note how late each event of a node arrives, in ms, until the run has ended."""
    while isinstance(message := await socket.read_message(), str):
        arrived = time.time()
        event = json.loads(message)
        if event.get("type") == "node":
            delays.append(1000 * (arrived - datetime.fromisoformat(event["time"]).timestamp()))
        elif event.get("type") == "run" and event.get("status") == "COMPLETED":
            return


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
