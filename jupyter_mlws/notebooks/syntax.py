"""Checks the syntax of Python code before any of it runs.

Only the kernel knows its own language, magics and version. If this server's Python cannot parse
the code, the kernel is asked too. The line of the error is determined here.
"""

from __future__ import annotations

import ast
import asyncio
import re
from contextlib import suppress

from jupyter_mlws.notebooks.kernels import Connection

KERNEL_REPLY_TIMEOUT = 5.0
"""Seconds to wait for the kernel; without a reply, the code runs."""
_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[^#'\"]*\?{1,2}\s*)$")
_MAGIC_ASSIGNMENT = re.compile(r"(=\s*)[%!](?!=).*$")


def find_syntax_error(source: str) -> SyntaxError | None:
    """Return the syntax error that this Python finds in ``source``; None if it finds none."""
    if source.lstrip().startswith("%%"):
        return None
    first = _parse(source)
    if first is None:
        return None
    # Without magics, so that the line is that of the actual error.
    return _parse(replace_magics(source)) or first


def replace_magics(source: str) -> str:
    """Return ``source`` with IPython's magics replaced; empty for a cell in another language."""
    if source.lstrip().startswith("%%"):
        return ""
    return "\n".join(
        _MAGIC_ASSIGNMENT.sub(r"\1None", _MAGIC.sub(r"\1pass", line)) for line in source.split("\n")
    )


async def is_rejected_by_kernel(connection: Connection, source: str) -> bool:
    """Return True if the kernel cannot parse ``source`` either."""
    question = connection.ask("is_complete_request", {"code": source})
    with question as request, suppress(asyncio.TimeoutError):
        while True:
            channel, message = await asyncio.wait_for(request.answers.get(), KERNEL_REPLY_TIMEOUT)
            if channel == "shell":
                return message["content"].get("status") in ("invalid", "incomplete")
    return False


def _parse(source: str) -> SyntaxError | None:
    try:
        compile(source, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        return error
    except ValueError as error:
        # A NUL character, which has no line.
        return SyntaxError(str(error))
    return None
