"""The stream of a notebook's output, in order and replayed."""

from __future__ import annotations

import json

import pytest

from tests.notebooks.conftest import API

pytestmark = pytest.mark.kernel

CODE = "import sys\nfor n in range(3): print(n, flush=True)\nprint('e', file=sys.stderr)\n'value'"


def ends(message) -> bool:
    return message["type"] == "status" and message["status"] == "IDLE"


async def test_output_comes_in_order_and_is_replayed(create, run, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    _, result = await run(notebook, code=CODE)
    live = await until(ends)
    assert [message["seq"] for message in live] == list(range(1, len(live) + 1))
    told = [
        message["output"].get("text") or message["output"]["data"]["text/plain"]
        for message in live
        if message["type"] == "output"
    ]
    assert "".join(told) == "0\n1\n2\ne\n'value'"
    assert {m["execution"] for m in live if m["type"] == "output"} == {result["id"]}
    assert [m["status"] for m in live if m["type"] == "execution"] == ["RUNNING", "SUCCESS"]
    assert [m["status"] for m in live if m["type"] == "request"] == [
        "QUEUED",
        "RUNNING",
        "SUCCESS",
    ]
    assert [m["status"] for m in live if m["type"] == "status"] == ["STARTING", "BUSY", "IDLE"]

    again = await listen(notebook, since=0)
    assert await again(lambda message: message["seq"] == live[-1]["seq"]) == live
    rest = await listen(notebook, since=live[3]["seq"])
    assert (await rest(lambda message: message["seq"] == live[-1]["seq"])) == live[4:]


async def test_failures_are_told(create, run, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    await run(notebook, code="1 / 0")
    messages = await until(ends)
    (error,) = (m["output"] for m in messages if m["type"] == "output")
    assert (error["output_type"], error["ename"]) == ("error", "ZeroDivisionError")
    (failed,) = (m for m in messages if m["type"] == "request" and m["error"])
    assert (failed["status"], failed["error"]["code"]) == ("ERROR", "20202")


async def test_a_stream_of_no_notebook_is_closed(jp_ws_fetch) -> None:
    socket = await jp_ws_fetch(API, "no-such", "output")
    assert await socket.read_message() is None
    assert (socket.close_code, socket.close_reason) == (4000, "20401")


async def test_a_reader_of_an_earlier_server_begins_anew(create, jp_ws_fetch) -> None:
    notebook = (await create())["id"]
    socket = await jp_ws_fetch(API, notebook, "output", params={"since": 99})
    assert json.loads(await socket.read_message())["type"] == "hello"
    assert json.loads(await socket.read_message()) == {"seq": 0, "type": "reset"}
