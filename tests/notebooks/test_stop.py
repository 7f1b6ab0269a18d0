"""A server that stops, or is killed, while a notebook runs."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from tornado.websocket import websocket_connect

from jupyter_mlws.project import Project
from tests.test_server import TOKEN, _call, _children, _server


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_what_runs_is_lost_and_known_as_such(
    how: signal.Signals, project: Project, home: Path
) -> None:
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks", {"path": "a.ipynb"})["id"]
        stream = await websocket_connect(
            f"ws://{address}/mlws/api/v1/notebooks/{notebook}/output?token={TOKEN}"
        )
        body = {"code": "import time; time.sleep(60)", "wait": False}
        begun = _call(address, f"notebooks/{notebook}/execute", body)
        waiting = _call(address, f"notebooks/{notebook}/execute", body)
        while True:
            message = json.loads(await stream.read_message())
            if message["type"] == "execution" and message["status"] == "RUNNING":
                break
        asked = time.monotonic()
        process.send_signal(how)
        process.wait(15)
        assert time.monotonic() - asked < 10
    if how is signal.SIGTERM:
        assert _children(process.pid) == []
    with _server(project, home) as (_, address):
        page = _call(address, f"notebooks/{notebook}/executions")
        assert [(row["id"], row["status"]) for row in page["items"]] == [(begun["id"], "LOST")]
        assert waiting["id"] != begun["id"]
        result = _call(address, f"notebooks/{notebook}/execute", {"code": "print(1)"})
        assert result["output"] == "1\n"
