"""Executions by API and without a page: ``python benchmarks/notebooks.py [KERNELS]``.

Starts a server, so many notebooks with a kernel each, and has each execute at once; prints how
long after the code sends it the first byte of output reaches a WebSocket client, and how long a
simple execution takes by itself. Then as many cells print ten lines a second while no page is
open: the server's processor time and memory, how long a page that opens all of them waits for
their output, and whether every line is there. Then puts 10,000 executions into a history and times
its pages as a client sees them.

``--without-page NOTEBOOKS`` measures only cells without a page, at a line a second each.
``--small-kernel`` starts a kernel for them that only runs code and publishes what it prints,
where so many of ipykernel would occupy the machine: the server does the same work for both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart, History
from jupyter_mlws.notebooks.models import ExecutionStatus
from jupyter_mlws.notebooks.unattended import GRACE_PERIOD
from mlws.core.project import Project

EXECUTIONS = 10_000
ROUNDS = 5
PORT = 18937
TOKEN = "benchmark"
API = f"127.0.0.1:{PORT}/mlws/api/v1"
PRINTS = """\
import pathlib, time
print("begin", flush=True)
while not pathlib.Path("go").exists():
    time.sleep(0.1)
for line in range({lines}):
    print(line, flush=True)
    time.sleep({interval})
"""
STARTS_AT_ONCE = 4
SMALL_KERNEL = """\
import json, sys, zmq
from jupyter_client.session import Session

facts = json.load(open(sys.argv[1]))
session, context = Session(key=facts["key"].encode()), zmq.Context()

def bind(kind, name):
    socket = context.socket(kind)
    socket.bind(f"tcp://{facts['ip']}:{facts[name]}")
    return socket

iopub = bind(zmq.PUB, "iopub_port")
shell, control = bind(zmq.ROUTER, "shell_port"), bind(zmq.ROUTER, "control_port")

class Output:
    text = ""
    def write(self, text):
        self.text += text
    def flush(self):
        if self.text:
            session.send(iopub, "stream", {"name": "stdout", "text": self.text}, request)
        self.text = ""

sys.stdout = Output()
reply = {"status": "ok", "execution_count": 1, "user_expressions": {}}
while True:
    identities, request = session.recv(shell, mode=0)
    session.send(iopub, "status", {"execution_state": "busy"}, request)
    if request["header"]["msg_type"] == "execute_request":
        code = request["content"]["code"]
        session.send(iopub, "execute_input", {"code": code, "execution_count": 1}, request)
        exec(code, {})
        sys.stdout.flush()
    kind = request["header"]["msg_type"].replace("_request", "_reply")
    session.send(shell, kind, reply, request, identities)
    session.send(iopub, "status", {"execution_state": "idle"}, request)
"""
SENDS = "import time; print(time.time(), flush=True)"
AsyncHTTPClient.configure(None, max_clients=100)


async def main(root: Path, options: argparse.Namespace) -> None:
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={PORT}"),
        *(f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={TOKEN}"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await _until_it_answers()
        process = psutil.Process(server.pid)
        if options.without_page:
            kernel = "small" if options.small_kernel else "python3"
            await without_page(
                root, options.without_page, process, kernel, interval=1.0, seconds=40
            )
        else:
            await first_bytes(options.kernels)
            await without_page(root, options.kernels, process, "python3", interval=0.1, seconds=10)
            await history(root)
    finally:
        server.terminate()
        await server.wait()


async def first_bytes(kernels: int) -> None:
    """Time from a `print` in a kernel to its arrival at a client."""
    ids = [(await ask("notebooks", {}))["id"] for _ in range(kernels)]
    await asyncio.gather(*(run(one, "1") for one in ids))
    alone = []
    for _ in range(ROUNDS * 4):
        began = time.perf_counter()
        await run(ids[0], "1 + 1")
        alone.append((time.perf_counter() - began) * 1000)
    tell("a simple execution, call to result", alone)
    delays: list[float] = []
    for _ in range(ROUNDS):
        delays += await asyncio.gather(*(first_byte(one) for one in ids))
    tell(f"first byte of output, {kernels} kernels at once", delays)


async def first_byte(notebook: str) -> float:
    """Milliseconds."""
    stream = await websocket_connect(f"ws://{API}/notebooks/{notebook}/output?token={TOKEN}")
    await stream.read_message()
    running = asyncio.create_task(run(notebook, SENDS))
    while True:
        message = json.loads(str(await stream.read_message()))
        if message["type"] == "output":
            delay = time.time() - float(message["output"]["text"])
            stream.close()
            await running
            return delay * 1000


async def without_page(
    root: Path, count: int, server: psutil.Process, kernel: str, *, interval: float, seconds: int
) -> None:
    """Cells that run while no page is open."""
    lines = round(2 * seconds / interval)
    code = PRINTS.format(lines=lines, interval=interval)
    notebooks = [f"unattended{number}.ipynb" for number in range(count)]
    for path in notebooks:
        (root / path).write_text(json.dumps(document(code)))
    memory = [server.memory_info().rss]
    starts = asyncio.Semaphore(STARTS_AT_ONCE)

    async def start(path: str) -> str:
        async with starts:
            return await start_and_leave(path, kernel, code)

    ids = await asyncio.gather(*(start(path) for path in notebooks))
    memory.append(server.memory_info().rss)
    (root / "go").touch()
    before = server.cpu_times()
    await asyncio.sleep(seconds)
    after = server.cpu_times()
    memory.append(server.memory_info().rss)
    used = after.user + after.system - before.user - before.system
    rows = " → ".join(f"{size / 2**20:.0f}" for size in memory)
    print(f"{count} cells without a page, {1 / interval:.0f} lines a second each ({kernel}):")
    print(f"  server: {used * 60 / seconds:.1f} processor seconds a minute ({used / seconds:.0%})")
    print(f"  server without kernels → with all → after {seconds} s of output: {rows} MiB")

    async def attach(notebook: str) -> float:
        began = time.perf_counter()
        live = await ask(f"notebooks/{notebook}/attach", {"session": uuid.uuid4().hex})
        assert live["executions"][0]["outputs"], live
        return (time.perf_counter() - began) * 1000

    tell("  output so far, notebooks opened in turn", [await attach(one) for one in ids[:20]])
    at_once = await asyncio.gather(*(attach(one) for one in ids))
    tell(f"  output so far, {count} notebooks opened at once", list(at_once))
    await asyncio.sleep(lines * interval - seconds + GRACE_PERIOD + 10)
    complete = ["begin\n", *(f"{line}\n" for line in range(lines))]
    saved = [json.loads((root / path).read_text())["cells"][0]["outputs"] for path in notebooks]
    whole = sum(outputs != [] and outputs[0]["text"] == complete for outputs in saved)
    print(f"  complete outputs in the files: {whole} of {count}")
    print(f"  server after the end: {server.memory_info().rss / 2**20:.0f} MiB")


async def start_and_leave(path: str, kernel_name: str, code: str) -> str:
    """Run the cell of a notebook as a page does, and close the page; return the notebook's id."""
    body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": kernel_name}}
    answer = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{PORT}/api/sessions?token={TOKEN}",
        method="POST",
        body=json.dumps(body),
        request_timeout=120,
    )
    kernel, session = json.loads(answer.body)["kernel"]["id"], uuid.uuid4().hex
    page = await websocket_connect(
        f"ws://127.0.0.1:{PORT}/api/kernels/{kernel}/channels?session_id={session}&token={TOKEN}"
    )
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": session}
    message = {
        "channel": "shell",
        "header": {**header, "username": "", "version": "5.3"},
        "parent_header": {},
        "metadata": {"cellId": "cell"},
        "content": {"code": code, "silent": False},
    }
    await page.write_message(json.dumps(message))
    while json.loads(str(await page.read_message()))["msg_type"] != "stream":
        pass
    page.close()
    listed = await ask(f"notebooks?path={path}")
    return str(listed["items"][0]["id"])


def document(source: str) -> dict:
    """A notebook of one cell."""
    cell = {
        "id": "cell",
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


async def history(root: Path) -> None:
    """Pages of a long history."""
    notebook = (await ask("notebooks", {"path": "long.ipynb"}))["id"]
    project = Project.open(root)
    kept = History(project.history(), project.state)
    for number in range(EXECUTIONS):
        name, source = f"e{number}", f"value = {number}\nprint(value)\n" * 5
        kept.begin(ExecutionStart(name, name, notebook, "long.ipynb", f"c{number % 40}", source))
        kept.end(name, Outcome(ExecutionStatus.SUCCESS, count=number, duration=0.1))
    kept.close()
    for title, path in (
        ("first page", "executions"),
        ("page searched by text", "executions?q=value+%3D+77"),
        ("newest of each cell", "cells"),
    ):
        took = []
        for _ in range(ROUNDS * 4):
            began = time.perf_counter()
            await ask(f"notebooks/{notebook}/{path}")
            took.append((time.perf_counter() - began) * 1000)
        tell(f"history of {EXECUTIONS:,}: {title}", took)


async def run(notebook: str, code: str) -> None:
    """Execute and wait."""
    await ask(f"notebooks/{notebook}/execute", {"code": code})


async def ask(path: str, body: dict | None = None) -> dict:
    """The data of an answer."""
    answer = await AsyncHTTPClient().fetch(
        f"http://{API}/{path}",
        method="GET" if body is None else "POST",
        body=None if body is None else json.dumps(body),
        headers={"Authorization": f"token {TOKEN}"},
        request_timeout=120,
    )
    data: dict = json.loads(answer.body)["data"]
    return data


async def _until_it_answers() -> None:
    for _ in range(600):
        try:
            await ask("notebooks")
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the server does not answer")


def tell(what: str, milliseconds: list[float]) -> None:
    """Print a row."""
    ordered = sorted(milliseconds)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    middle = statistics.median(ordered)
    print(f"{what}: median {middle:.0f} ms, p95 {last:.0f} ms, most {ordered[-1]:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kernels", type=int, nargs="?", default=20)
    parser.add_argument("--without-page", type=int, metavar="NOTEBOOKS")
    parser.add_argument("--small-kernel", action="store_true")
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        subprocess.run(["git", "init", "-q", str(project)], check=True)
        spec = Path(folder, "data", "kernels", "small", "kernel.json")
        spec.parent.mkdir(parents=True)
        command = [sys.executable, "-c", SMALL_KERNEL, "{connection_file}"]
        facts = {"argv": command, "display_name": "Small", "language": "python"}
        spec.write_text(json.dumps(facts))
        os.environ["JUPYTER_PATH"] = str(Path(folder, "data"))
        asyncio.run(main(project, parser.parse_args()))
