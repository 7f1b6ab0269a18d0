"""A tab that connects anew, while what it sent before is still on its way."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid

import pytest
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from jupyter_mlws.notebooks.kernel_websocket import V1_SUBPROTOCOL

pytestmark = pytest.mark.kernel


def question() -> bytes:
    """``kernel_info_request`` as JupyterLab sends it."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "kernel_info_request",
        "session": "tab",
        "username": "",
        "version": "5.3",
        "date": "",
    }
    parts = [json.dumps(part).encode() for part in (header, {}, {}, {})]
    sent: bytes = serialize_msg_to_ws_v1(parts, "shell")  # type: ignore[no-untyped-call]
    return sent


async def test_what_comes_on_a_replaced_connection_is_dropped(
    opened, tab, jp_http_port, jp_serverapp, jp_auth_header, caplog: pytest.LogCaptureFixture
) -> None:
    await opened("a.ipynb", one="1")
    kernel = (await tab("a.ipynb")).kernel
    place = f"127.0.0.1:{jp_http_port}{jp_serverapp.base_url}api/kernels/{kernel}/channels"

    async def connect() -> WebSocketClientConnection:
        request = HTTPRequest(f"ws://{place}?session_id=tab", headers=jp_auth_header)
        return await websocket_connect(request, subprotocols=[V1_SUBPROTOCOL])

    first = await connect()
    assert first.selected_subprotocol == V1_SUBPROTOCOL
    connecting = asyncio.create_task(connect())
    with contextlib.suppress(WebSocketClosedError):
        for _ in range(1000):
            first.write_message(question(), binary=True)
            await asyncio.sleep(0)
            if connecting.done():
                break
    second = await connecting
    second.write_message(question(), binary=True)
    assert await second.read_message()
    # Read in the older form, it would have been gigabytes, and then a fault.
    assert not [row for row in caplog.records if "Uncaught exception" in row.getMessage()]
    for socket in (first, second):
        socket.close()
