"""A server that stops, or is killed, while notebooks run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import urllib.request
import uuid
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from tornado.websocket import websocket_connect

from mlws.core.project import Project
from tests.python import Python
from tests.server import fork
from tests.test_server import TOKEN, _call, _children
from tests.test_server import _server as cold_server

pytestmark = pytest.mark.kernel

LONG = """\
import pathlib, time
print('begun', flush=True)
while not pathlib.Path('go').exists(): time.sleep(0.02)
kept = 5
print('done')
pathlib.Path('done').touch()
"""

LEFT = """\
import pathlib, time
print('begun', flush=True)
while not pathlib.Path('left').exists(): time.sleep(0.02)
print('left', flush=True)
time.sleep(600)
"""


def _server(project: Project, home: Path) -> AbstractContextManager[tuple[Any, str]]:
    return cold_server(project, home, partial(fork, home))


async def _until_running(address: str, notebook: str, printed_last: str = "begun\n") -> None:
    stream = await websocket_connect(
        f"ws://{address}/mlws/api/v1/notebooks/{notebook}/output?since=0&token={TOKEN}"
    )
    printed = ""
    while not printed.endswith(printed_last):  # a kernel may publish the end of the line by itself
        printed += json.loads(await stream.read_message()).get("output", {}).get("text", "")
    stream.close()


def _wait_for_recorder(home: Path) -> None:
    """Return when the process that records kernels for a dead server follows the only kernel."""
    (folder,) = (home / "mlws-kernels").iterdir()
    recorder = psutil.Process(json.loads((folder / "keeper").read_text())["pid"])
    deadline = time.monotonic() + 60
    while not [one for one in recorder.net_connections() if one.status == "ESTABLISHED"]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def _run_in_tab(address: str, kernel: str, code: str) -> tuple[str, Any]:
    """Run the cell ``one`` as a tab does; return the request's id and the tab's connection."""
    channels = await websocket_connect(
        f"ws://{address}/api/kernels/{kernel}/channels?token={TOKEN}&session_id=tab"
    )
    return await _send(channels, "one", code), channels


async def _send(channels: Any, cell: str, code: str) -> str:
    """Run a cell in a tab; return the request's id."""
    request = uuid.uuid4().hex
    header = {"msg_id": request, "msg_type": "execute_request", "session": "tab"}
    await channels.write_message(
        json.dumps(
            {
                "channel": "shell",
                "header": {**header, "username": "", "version": "5.3"},
                "parent_header": {},
                "metadata": {"cellId": cell},
                "content": {"code": code, "silent": False, "store_history": True},
            }
        )
    )
    return request


def _connections(address: str, kernel: str) -> int:
    with urllib.request.urlopen(f"http://{address}/api/kernels/{kernel}?token={TOKEN}") as answer:
        return int(json.load(answer)["connections"])


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _ended(address: str, notebook: str, call: str) -> dict:
    """The call's result, once it has one."""
    deadline = time.monotonic() + 60
    while True:
        result = _call(address, f"notebooks/{notebook}/executions/{call}")
        if result["status"] != "RUNNING":
            return result
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _write(project: Project, **sources: str) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**cell, "id": name, "source": source} for name, source in sources.items()]
    content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (project.root / "a.ipynb").write_text(json.dumps(content))


def _kernels(home: Path) -> list[int]:
    """The processes of all kernels that are written down."""
    files = (home / "mlws-kernels").glob("*/*.json")
    return [json.loads(file.read_text())["pid"] for file in files]


async def test_a_server_that_stops_ends_its_kernels(project: Project, home: Path) -> None:
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks", {"path": "a.ipynb"})["id"]
        begun = _call(address, f"notebooks/{notebook}/execute", {"code": LONG, "wait": False})
        waiting = _call(address, f"notebooks/{notebook}/execute", {"code": "1", "wait": False})
        await _until_running(address, notebook)
        (kernel,) = _kernels(home)
        _stop(process, address, "signal")
    assert _children(process.pid) == []
    assert not psutil.pid_exists(kernel)
    assert list((home / "mlws-kernels").iterdir()) == []
    with _server(project, home) as (process, address):
        page = _call(address, f"notebooks/{notebook}/executions")
        assert {row["id"]: row["status"] for row in page["items"]} == {
            begun["id"]: "LOST",
            waiting["id"]: "CANCELLED",
        }
        never = _call(address, f"notebooks/{notebook}/executions/{waiting['id']}")
        assert (never["error"]["code"], never["started"]) == ("20205", None)
        result = _call(address, f"notebooks/{notebook}/execute", {"code": "print(1)"})
        assert result["output"] == "1\n"
        _stop(process, address, "signal")


@pytest.mark.parametrize("ends", ["without a server", "after the restart"])
async def test_a_cell_outlives_a_killed_server(ends: str, project: Project, home: Path) -> None:
    _write(project, one="print('first')", two=LONG, three="print('never')", four="'nor this'")
    with _server(project, home) as (process, address):
        items = _call(address, "notebooks")["items"]
        notebook = next(item["id"] for item in items if item["path"] == "a.ipynb")
        _call(address, f"notebooks/{notebook}/execute", {"code": "1"})
        _wait_for_recorder(home)
        begun = _call(address, f"notebooks/{notebook}/execute", {"all": True, "wait": False})
        body = {"code": "1", "wait": False}
        waiting = _call(address, f"notebooks/{notebook}/execute", body)
        await _until_running(address, notebook)
        (kernel,) = _kernels(home)
        process.kill()
        process.wait(60)
    assert psutil.pid_exists(kernel)
    if ends == "without a server":
        (project.root / "go").touch()
        _wait_for(project.root / "done")
    with _server(project, home) as (process, address):
        if ends == "after the restart":
            running = _call(address, f"notebooks/{notebook}/executions/{begun['id']}")
            assert running["status"] == "RUNNING"
            (project.root / "go").touch()
        result = _ended(address, notebook, begun["id"])
        # What had not begun never does, and that is told of the whole call and of each cell.
        assert (result["status"], result["output"]) == ("CANCELLED", "first\nbegun\ndone\n")
        assert result["error"]["code"] == "20205"
        assert [(row["cell"], row["status"]) for row in result["executions"]] == [
            ("one", "SUCCESS"),
            ("two", "SUCCESS"),
            ("three", "CANCELLED"),
            ("four", "CANCELLED"),
        ]
        never = _call(address, f"notebooks/{notebook}/executions/{waiting['id']}")
        assert (never["status"], never["error"]["code"]) == ("CANCELLED", "20205")
        newest = _call(address, f"notebooks/{notebook}/cells")["items"]
        assert [row["cell"] for row in newest] == ["one", "two"]
        # The kernel and its session are those of before, with all that it holds.
        status = _call(address, f"notebooks/{notebook}/status")
        again = _call(address, f"notebooks/{notebook}/execute", {"code": "print(kept)"})
        assert again["output"] == "5\n"
        assert _kernels(home) == [kernel]
        cells = json.loads((project.root / "a.ipynb").read_text())["cells"]
        assert ["".join(cell["outputs"][0]["text"]) for cell in cells[:2]] == [
            "first\n",
            "begun\ndone\n",
        ]
        assert status["kernel_info"]["id"]
        _stop(process, address, "signal")
    assert not psutil.pid_exists(kernel)


async def test_a_tabs_cell_outlives_a_killed_server(project: Project, home: Path) -> None:
    _write(project, one=LONG)
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks")["items"][0]["id"]
        _call(address, f"notebooks/{notebook}/execute", {"code": "1"})
        kernel = _call(address, f"notebooks/{notebook}/status")["kernel_info"]["id"]
        _wait_for_recorder(home)
        request, _ = await _run_in_tab(address, kernel, LONG)
        await _until_running(address, notebook)
        process.kill()
        process.wait(60)
    (project.root / "go").touch()
    _wait_for(project.root / "done")
    with _server(project, home) as (process, address):
        result = _ended(address, notebook, request)
        assert (result["status"], result["output"]) == ("SUCCESS", "begun\ndone\n")
        assert result["executions"][0]["origin"] == "lab"
        _stop(process, address, "signal")


async def test_a_tabs_ended_and_queued_cells_outlive_a_killed_server(
    project: Project, home: Path
) -> None:
    last = "print('third')\npathlib.Path('third').touch()"
    cells = {"one": "print('first')", "two": LONG, "three": "print('second')", "four": last}
    never = {"five": "1 / 0", "six": "print('aborted')"}
    _write(project, **cells, **never)
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks")["items"][0]["id"]
        _call(address, f"notebooks/{notebook}/execute", {"code": "1"})
        kernel = _call(address, f"notebooks/{notebook}/status")["kernel_info"]["id"]
        _wait_for_recorder(home)
        _, tab = await _run_in_tab(address, kernel, cells["one"])
        await _until_running(address, notebook, "first\n")
        for cell in ("two", "three", "four", "five", "six"):
            await _send(tab, cell, {**cells, **never}[cell])
        await _until_running(address, notebook)
        process.kill()
        process.wait(60)
    with _server(project, home) as (process, address):
        live = _call(address, f"notebooks/{notebook}/attach", {"session": "watches"})
        assert live["queued"] == ["three", "four", "five", "six"]
        process.kill()
        process.wait(60)
    (project.root / "go").touch()
    _wait_for(project.root / "third")
    with _server(project, home) as (process, address):
        deadline = time.monotonic() + 60
        shown: list[dict[str, Any]] = []
        while len(shown) < 5 or any(one["status"] == "RUNNING" for one in shown):
            assert time.monotonic() < deadline
            live = _call(address, f"notebooks/{notebook}/attach", {"session": "watches"})
            shown = live["executions"]
        assert live["queued"] == []
        texts = {one["cell"]: one["outputs"][0].get("text") for one in shown}
        assert texts == {
            "one": "first\n",
            "two": "begun\ndone\n",
            "three": "second\n",
            "four": "third\n",
            "five": None,
        }
        rows = _call(address, f"notebooks/{notebook}/executions")["items"]
        assert {row["cell"]: row["origin"] for row in rows if row["cell"]} == dict.fromkeys(
            texts, "lab"
        )
        kept = _call(address, f"notebooks/{notebook}/executions/{rows[1]['id']}")
        assert (kept["output"], kept["outputs_kept"]) == ("third\n", True)
        # Nobody came: the file gets all of them, as when the tab is closed.
        _stop(process, address, "signal")
    cells_of_file = json.loads((project.root / "a.ipynb").read_text())["cells"]
    printed = ["".join(one["outputs"][0].get("text", "")) for one in cells_of_file[:5]]
    assert printed == ["first\n", "begun\ndone\n", "second\n", "third\n", ""]
    assert cells_of_file[5]["outputs"] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("stop", ["signal", "shutdown"])
@pytest.mark.parametrize("file", ["as the tab left it", "changed since"])
async def test_a_server_that_stops_keeps_what_a_cell_printed_without_a_tab(
    stop: str, file: str, project: Project, home: Path
) -> None:
    _write(project, one=LEFT)
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks")["items"][0]["id"]
        _call(address, f"notebooks/{notebook}/execute", {"code": "1"})
        kernel = _call(address, f"notebooks/{notebook}/status")["kernel_info"]["id"]
        request, tab = await _run_in_tab(address, kernel, LEFT)
        await _until_running(address, notebook)
        tab.close()
        connections = 1
        while connections:
            await asyncio.sleep(0.05)
            connections = _connections(address, kernel)
        (project.root / "left").touch()
        # The server hears of this after it has read the file as the tab left it.
        await _until_running(address, notebook, "left\n")
        if file == "changed since":
            _write(project, one=LEFT, two="1")
        _stop(process, address, stop)
    outputs = ["begun\nleft\n"] if file == "as the tab left it" else []
    assert _printed(project) == outputs
    with _server(project, home) as (process, address):
        result = _call(address, f"notebooks/{notebook}/executions/{request}")
        assert (result["status"], result["output"]) == ("LOST", "begun\nleft\n")
        _stop(process, address, stop)


async def test_a_server_that_stops_keeps_what_a_call_printed(project: Project, home: Path) -> None:
    _write(project, one=LONG, two="1")
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks")["items"][0]["id"]
        call = _call(address, f"notebooks/{notebook}/execute", {"all": True, "wait": False})
        await _until_running(address, notebook)
        _stop(process, address, "signal")
    assert _printed(project) == ["begun\n"]
    with _server(project, home) as (process, address):
        result = _call(address, f"notebooks/{notebook}/executions/{call['id']}")
        assert result["output"] == "begun\n"
        assert [row["status"] for row in result["executions"]] == ["LOST", "CANCELLED"]
        _stop(process, address, "signal")


def _stop(process: Python, address: str, how: str) -> None:
    if how == "signal":
        assert process.pid
        os.kill(process.pid, signal.SIGTERM)
    else:
        headers = {"Authorization": f"token {TOKEN}"}
        url = f"http://{address}/api/shutdown"
        urllib.request.urlopen(urllib.request.Request(url, b"", headers), timeout=60).close()
    process.wait(60)


def _printed(project: Project) -> list[str]:
    """The outputs of the first cell of the file, as texts."""
    cell = json.loads((project.root / "a.ipynb").read_text())["cells"][0]
    return ["".join(output["text"]) for output in cell["outputs"]]


@pytest.mark.slow(reason="real kernels")
async def test_what_had_ended_before_the_kill_is_entered_once(project: Project, home: Path) -> None:
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks", {"path": "a.ipynb"})["id"]
        _call(address, f"notebooks/{notebook}/execute", {"code": "kept = 5"})
        before = _call(address, f"notebooks/{notebook}/executions")["items"]
        process.kill()
        process.wait(60)
    with _server(project, home) as (process, address):
        again = _call(address, f"notebooks/{notebook}/execute", {"code": "print(kept)"})
        assert again["output"] == "5\n"
        after = _call(address, f"notebooks/{notebook}/executions")["items"]
        assert after[1:] == before
        _stop(process, address, "signal")


@pytest.mark.slow(reason="real kernels")
async def test_a_kernel_that_ends_without_a_server_is_lost(project: Project, home: Path) -> None:
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks", {"path": "a.ipynb"})["id"]
        begun = _call(address, f"notebooks/{notebook}/execute", {"code": LONG, "wait": False})
        await _until_running(address, notebook)
        (kernel,) = _kernels(home)
        process.kill()
        process.wait(60)
    psutil.Process(kernel).kill()
    with _server(project, home) as (process, address):
        assert _ended(address, notebook, begun["id"])["status"] == "LOST"
        assert _call(address, f"notebooks/{notebook}/execute", {"code": "print(1)"})["output"]
        _stop(process, address, "signal")
