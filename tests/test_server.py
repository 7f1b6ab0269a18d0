"""A real server, busy, and stopped: it closes what it opened, and what is detached goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import websocket_connect

from jupyter_mlws.workflows.run.runs import Runs
from mlws.core.project import Project
from mlws.engine.processes import bearers, start_time

TOKEN = "a-token-for-this-test"
SLOW = "stages:\n  slow:\n    cmd: sleep 4 && echo done > out.txt\n    outs: [out.txt]\n"


def _start(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def _server(
    project: Project, home: Path, start: Any = _start, options: tuple[str, ...] = ()
) -> Iterator[tuple[Any, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    process = start(
        [
            "--no-browser",
            "--allow-root",
            f"--ServerApp.root_dir={project.root}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={address.rsplit(':', 1)[1]}",
            f"--IdentityProvider.token={TOKEN}",
            "--ServerApp.jpserver_extensions=jupyter_mlws=True",
            *options,
        ],
        {**os.environ, "JUPYTER_RUNTIME_DIR": str(home), "JUPYTER_CONFIG_DIR": str(home)},
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://{address}/api", timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail("the server does not answer")
        yield process, address
    finally:
        process.kill()
        process.wait()


def _call(address: str, path: str, body: dict | None = None) -> dict:
    request = urllib.request.Request(
        f"http://{address}/mlws/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def _children(pid: int) -> list[str]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"\nPPid:\t{pid}\n" in text:
            found.append(text.split("\n", 1)[0])
    return found


@pytest.mark.slow(reason="real programs, one after the other")
async def test_a_busy_server_stops_at_once_and_its_run_goes_on(
    project: Project, home: Path
) -> None:
    (project.root / "dvc.yaml").write_text(SLOW)
    with _server(project, home) as (process, address):
        sockets = [
            await websocket_connect(f"ws://{address}/mlws/api/v1/{path}/status?token={TOKEN}")
            for path in ("workflows", "workspace", "operations")
        ]
        hello = [json.loads(await connection.read_message()) for connection in sockets]
        assert [message["type"] for message in hello] == ["hello"] * 3
        run = _call(address, "workflows/dvc.yaml/execute", {})
        while json.loads(await sockets[0].read_message())["status"] != "RUNNING":
            pass
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        assert time.monotonic() - begun < 10
        assert [await connection.read_message() for connection in sockets[1:]] == [None, None]
    assert _children(process.pid) == []

    runs = Runs(project)
    try:
        ended = runs.wait("dvc.yaml", run["id"], timeout=60)
        assert ended["status"] == "COMPLETED"
    finally:
        runs.close()

    # The next server knows all of it, from the first event on.
    with _server(project, home) as (_, address):
        assert _call(address, "workflows/dvc.yaml/status")["status"] == "COMPLETED"
        connection = await websocket_connect(
            f"ws://{address}/mlws/api/v1/workflows/status?since=0&token={TOKEN}"
        )
        seen: list[int] = []
        states = []
        while "COMPLETED" not in [state for kind, state in states if kind == "run"]:
            message = json.loads(await connection.read_message())
            if message["type"] in ("run", "node"):
                seen.append(message["seq"])
                states.append((message["type"], message["status"]))
        assert seen == list(range(1, len(seen) + 1))
        assert ("node", "COMPLETED") in states
        connection.close()


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow(reason="real programs, one after the other")
def test_after_a_crash_the_next_server_continues_the_run_without_a_page(
    project: Project, home: Path
) -> None:
    slow = SLOW.replace("sleep 4", "(test -e ready || sleep 300)")
    (project.root / "dvc.yaml").write_text(slow)
    with closing(Runs(project)) as runs, _server(project, home) as (process, address):
        run = _call(address, "workflows/dvc.yaml/execute", {})
        _await(lambda: "pid" in runs.journal.record(run["id"]) and any(bearers(run["id"])))
        # The whole machine goes down: the server, the run's process and its nodes.
        pids = [process.pid, runs.journal.record(run["id"])["pid"], *bearers(run["id"])]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        _await(lambda: not any(map(start_time, pids)))
    (project.root / "ready").touch()

    with _server(project, home, options=("--MLWSApp.resume_runs=False",)) as (_, address):
        assert _call(address, "workflows/dvc.yaml/status")["status"] == "INTERRUPTED"
    with closing(Runs(project)) as runs, _server(project, home):
        _await(lambda: runs.journal.newest("dvc.yaml") != run["id"])
        ended = runs.wait("dvc.yaml", runs.id_of("dvc.yaml", None), timeout=60)
        assert (ended["status"], ended["resumes"]) == ("COMPLETED", run["id"])
    assert (project.root / "out.txt").read_text() == "done\n"
