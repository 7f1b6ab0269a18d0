"""Code run by API on real kernels, and every way in which it can end."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

HELLO = "print('Hello, World!')"


def ended(call_id: str) -> Any:
    """A message that tells the end of a call."""
    return lambda message: (
        message.get("request") == call_id
        and message["type"] == "request"
        and message["status"] not in ("QUEUED", "RUNNING")
    )


async def test_code_gives_its_output(create, run) -> None:
    notebook = await create()
    status, result = await run(notebook["id"], code=HELLO)
    assert status == 200, result
    assert (result["status"], result["output"]) == ("SUCCESS", "Hello, World!\n")
    assert result["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "Hello, World!\n"}
    ]
    assert (result["execution_count"], result["saved"], result["error"]) == (1, None, None)
    _, result = await run(notebook["id"], code="6 * 7")
    assert result["outputs"][0]["data"] == {"text/plain": "42"}
    assert result["execution_count"] == 2


async def test_a_kernel_that_dies_is_told_and_replaced(create, run) -> None:
    notebook = await create()
    _, before = await run(notebook["id"], code="kept = 1")
    begun = time.monotonic()
    status, said = await run(notebook["id"], code="import os; os._exit(1)")
    assert (status, said["code"]) == (500, "20101")
    assert time.monotonic() - begun < 4
    details = said["details"]
    assert details["exit_code"] == 1
    assert details["restarted"] is True
    assert details["lost"] == [before["id"]] or details["lost"] == [before["executions"][0]["id"]]
    status, result = await run(notebook["id"], code="print('kept' in dir())")
    assert (status, result["output"]) == (200, "False\n")
