"""Variables of a notebook's kernel, described by a helper that runs in the kernel."""

from __future__ import annotations

import ast
import asyncio
import json
from functools import cache
from pathlib import Path

from jupyter_mlws.notebooks.kernels import Connection
from jupyter_mlws.notebooks.models import Variables

TIMEOUT = 10.0
"""Seconds to wait for the kernel's answer."""
MODULE = "_mlws_kernel_helper"
"""Name of the helper among the modules of the kernel."""
EXPRESSION = f"__import__('sys').modules[{MODULE!r}].variables(__import__('IPython').get_ipython())"


async def read_variables(connection: Connection) -> Variables | None:
    """Return the variables of an idle kernel; None if it does not answer in time.

    The request is silent: it is in no history, counts no execution and leaves no name behind.
    """
    request = {
        "code": _helper_code(),
        "silent": True,
        "store_history": False,
        "user_expressions": {"variables": EXPRESSION},
        "allow_stdin": False,
        "stop_on_error": False,
    }
    with connection.ask("execute_request", request) as (_, answers):
        deadline = asyncio.get_running_loop().time() + TIMEOUT
        channel = ""
        while channel != "shell":
            left = deadline - asyncio.get_running_loop().time()
            try:
                channel, message = await asyncio.wait_for(answers.get(), left)
            except asyncio.TimeoutError:
                return None
    answer = message["content"].get("user_expressions", {}).get("variables", {})
    if answer.get("status") != "ok":
        # Not IPython.
        return None
    facts = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    return Variables(is_available=True, **facts)


@cache
def _helper_code() -> str:
    source = Path(__file__).with_name("kernel_helper.py").read_text(encoding="utf-8")
    load = (
        "(lambda sys, types: sys.modules.__contains__(NAME) or (lambda module:"
        " (exec(SOURCE, module.__dict__), sys.modules.__setitem__(NAME, module)))"
        "(types.ModuleType(NAME)))(__import__('sys'), __import__('types'))"
    )
    return load.replace("NAME", repr(MODULE)).replace("SOURCE", repr(source))
