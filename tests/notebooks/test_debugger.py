"""JupyterLab's debugger on the kernels that our provisioner starts, and on those it takes over."""

from __future__ import annotations

from pathlib import Path

import pytest
import websocket

from mlws.core.project import Project
from tests.debugging import Debugger
from tests.test_server import TOKEN, _call, _server

pytestmark = pytest.mark.kernel


@pytest.mark.exhaustive
@pytest.mark.slow(reason="real kernels")
def test_a_breakpoint_is_hit_also_after_the_server_was_killed(project: Project, home: Path) -> None:
    with _server(project, home) as (process, address):
        notebook = _call(address, "notebooks", {"path": "a.ipynb"})["id"]
        _call(address, f"notebooks/{notebook}/execute", {"code": "kept = 5"})
        kernel = _call(address, f"notebooks/{notebook}/status")["kernel_info"]["id"]
        assert _debugged(address, kernel) == "42\n"
        process.kill()
        process.wait(15)
    with _server(project, home) as (process, address):
        result = _call(address, f"notebooks/{notebook}/execute", {"code": "print(kept)"})
        assert result["output"] == "5\n"
        assert _debugged(address, kernel) == "42\n"
        process.terminate()
        process.wait(30)


def _debugged(address: str, kernel: str) -> str:
    url = f"ws://{address}/api/kernels/{kernel}/channels?token={TOKEN}"
    socket = websocket.create_connection(url, timeout=60)
    try:
        return Debugger(socket).stops_at_a_breakpoint()
    finally:
        socket.close()
