"""Variables of a notebook's kernel, read by a helper that runs in the kernel.

A kernel that cannot run the helper has them listed by its debugger.
"""

from __future__ import annotations

import ast
import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from jupyter_mlws.core.errors import KernelBusyError, NotebookItemNotFoundError, VariableError
from jupyter_mlws.notebooks.kernel_helper.values import cut
from jupyter_mlws.notebooks.kernel_helper.variables import MAX_VARIABLES
from jupyter_mlws.notebooks.kernel_listener import KernelListener
from jupyter_mlws.notebooks.kernels import Connection
from jupyter_mlws.notebooks.models import Variable, Variables
from mlws.core.i18n import Message

TIMEOUT = 10.0
"""Seconds to wait for the kernel's answer."""
MODULES = (
    *("__init__", "values", "columns", "tables", "trees", "variables"),
    *("orders", "statistics", "calls"),
)
"""Modules of the helper; each imports those before it only."""
REASONS = {
    "numpy": Message("NumPy is not loaded in the kernel; run `import numpy` first"),
    "column": Message("it has no column {column!r}"),
    "table": Message("a value of type {type} is not shown as a table"),
    "items": Message("a value of type {type} has no items"),
    "position": Message("it has no item {position} any more"),
    "shape": Message("its shape is {shape}"),
    "value": Message("{value!r} is not a value of type {type}"),
    "library": Message("{text}"),
}
"""Why the helper cannot show something."""
LOADER = """\
import sys, types
for name, source in sources.items():
    full = package if name == "__init__" else package + "." + name
    module = types.ModuleType(full)
    module.__package__ = package
    if name == "__init__":
        module.__path__ = []
    sys.modules[full] = module
    exec(compile(source, "<" + full + ">", "exec"), module.__dict__)
"""


class HelperUnavailable(Exception):  # noqa: N818  a state
    """The kernel is not IPython's."""


class VariableReader:
    """Reads the variables of the kernels of notebooks. Must be used on the event loop."""

    def __init__(self, listener_of: Callable[[str], Awaitable[KernelListener | None]]) -> None:
        self._listener_of = listener_of
        self._newest: dict[str, tuple[str, Variables]] = {}

    def forget(self, notebook: str) -> None:
        """Drop what was read of a notebook that is gone."""
        self._newest.pop(notebook, None)

    async def list(self, notebook: str) -> Variables:
        """Return the variables of the notebook's kernel; while it is busy, as they were before.

        Raises NotebookItemNotFoundError.
        """
        listener = await self._listener_of(notebook)
        if listener is None:
            return Variables(is_available=False, reason="no_kernel")
        try:
            try:
                answer = await self._call(listener, "variables")
                current = Variables(is_available=True, **answer["result"])
            except HelperUnavailable:
                current = await self._list_by_debugger(listener)
        except KernelBusyError:
            process, newest = self._newest.get(notebook, (None, None))
            if newest is None or process != listener.process:
                return Variables(is_available=False, is_busy=True)
            return newest.model_copy(update={"is_busy": True})
        self._newest[notebook] = (listener.process, current)
        return current

    async def read(self, notebook: str, variable: str, call: str, request: BaseModel) -> Any:
        """Return what the kernel's helper answers about a variable; ``call`` is one of its calls.

        Raises NotebookItemNotFoundError also without a running Python kernel, KernelBusyError while
        the kernel runs other code, VariableError if the variable is not what the call needs.
        """
        listener = await self._listener_of(notebook)
        try:
            if listener is None:
                raise HelperUnavailable
            answer = await self._call(listener, call, variable=variable, **request.model_dump())
        except HelperUnavailable:
            answer = {"error": "missing"}
        reason = answer.get("error")
        if reason == "missing":
            raise NotebookItemNotFoundError(kind="variable", name=variable)
        if reason is not None:
            raise VariableError(name=variable, reason=REASONS[reason].fill(**answer["facts"]))
        return answer["result"]

    async def _call(self, listener: KernelListener, call: str, **request: Any) -> dict[str, Any]:
        """Return the answer of the kernel's helper to a request.

        The helper works in parts, each short: the user's code that comes meanwhile runs in between.
        """
        if listener.kernel.language != "python":
            raise HelperUnavailable
        while not (listener.is_busy or listener.kernel.execution_lock.locked()):
            connection = await listener.kernel.connect()
            answer = await _ask(connection, "", call, request)
            if answer is None:
                answer = await _ask(connection, _loading_code(), call, request)
            if answer is None:
                raise HelperUnavailable
            if answer:
                return answer
        raise KernelBusyError

    async def _list_by_debugger(self, listener: KernelListener) -> Variables:
        """Return the variables that the kernel's debugger lists.

        Only while a client has the debugger on: to start it would slow the user's code down, and
        xeus-python 0.19 ends with a segmentation fault if it is asked before.
        """
        if not listener.kernel.has_debugger:
            return Variables(is_available=False, reason="unsupported")
        if listener.is_busy or listener.kernel.execution_lock.locked():
            raise KernelBusyError
        connection = await listener.kernel.connect()
        state = await _debug(connection, "debugInfo")
        if not state.get("isStarted"):
            return Variables(is_available=False, reason="debugger_off")
        body = await _debug(connection, "inspectVariables")
        # Without type and value it is a group of other variables.
        variables = [
            one for one in body.get("variables", ()) if one.get("type") or one.get("value")
        ]
        items = [
            Variable(
                name=one["name"],
                type=one.get("type") or "",
                shape=None,
                memory=None,
                preview=cut(one.get("value") or ""),
            )
            for one in variables[:MAX_VARIABLES]
        ]
        return Variables(is_available=True, items=items, total=len(variables))


async def _debug(connection: Connection, command: str) -> dict[str, Any]:
    """Return the body of the answer to a request of the Debug Adapter Protocol."""
    content = {"type": "request", "seq": 1, "command": command, "arguments": {}}
    answer = await _reply(connection, "debug_request", content, "control")
    body: dict[str, Any] = answer.get("body") or {}
    return body


async def _reply(
    connection: Connection, kind: str, content: dict[str, Any], channel: str = "shell"
) -> dict[str, Any]:
    """Return the kernel's reply to a request.

    Raises KernelBusyError while it runs code of another client.
    """
    deadline = asyncio.get_running_loop().time() + TIMEOUT
    with connection.ask(kind, content, channel) as (_, answers):
        while True:
            remaining = deadline - asyncio.get_running_loop().time()
            try:
                source, message = await asyncio.wait_for(answers.get(), remaining)
            except TimeoutError:
                raise KernelBusyError from None
            if source == channel:
                reply: dict[str, Any] = message["content"]
                return reply


async def _ask(
    connection: Connection, code: str, name: str, request: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the answer to one call; None if the helper is not loaded.

    The request is silent: it is in no history, counts no execution and leaves no name behind.
    """
    package, _ = _helper()
    arguments = f"__import__('IPython').get_ipython(), {name!r}, {json.dumps(request)!r}"
    content = {
        "code": code,
        "silent": True,
        "store_history": False,
        "user_expressions": {
            "answer": f"__import__('sys').modules[{package + '.calls'!r}].call({arguments})"
        },
        "allow_stdin": False,
        "stop_on_error": False,
    }
    reply = await _reply(connection, "execute_request", content)
    if reply.get("status") == "aborted":
        # The cell before it failed.
        raise KernelBusyError
    answer = reply.get("user_expressions", {}).get("answer", {})
    if answer.get("status") != "ok":
        return None
    result: dict[str, Any] = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    return result


@cache
def _helper() -> tuple[str, dict[str, str]]:
    """Return the name of the helper's package in the kernel, and the sources of its modules.

    A kernel may be older than the server: each version of the helper has its own name.
    """
    folder = Path(__file__).with_name("kernel_helper")
    sources = {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    version = hashlib.sha256("".join(sources.values()).encode()).hexdigest()
    return f"_mlws_kernel_helper_{version[:12]}", sources


@cache
def _loading_code() -> str:
    package, sources = _helper()
    return f"exec({LOADER!r}, {{'package': {package!r}, 'sources': {sources!r}}})"
