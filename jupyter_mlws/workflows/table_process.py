"""Processes that compare and merge tables: a request as JSON on stdin, fields as JSON on stdout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from jupyter_mlws.components.reader_process import limit_memory, read_in_process
from mlws.core.i18n import Message

TIMEOUT = 120.0
"""Seconds for one table."""
MAX_REASON_CHARACTERS = 200
TOO_MANY_VALUES = Message("it has too many values")
TOO_SLOW = Message("it takes more than {limit} s")
PROBLEM = "problem"


class TableRefusedError(Exception):
    """The files are no tables, too large, not stored here, or cannot be merged by row."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


def ask_process(module: str, request: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with which ``python -m module`` answers; raises TableRefusedError."""
    try:
        fields: dict[str, Any] = json.loads(read_in_process(module, request, TIMEOUT))
    except subprocess.CalledProcessError as error:
        # Ended from outside, or by a library that ends its process.
        lines = error.stderr.strip().splitlines()
        raise TableRefusedError(Message.verbatim(lines[-1] if lines else str(error))) from None
    except subprocess.TimeoutExpired:
        raise TableRefusedError(TOO_SLOW.fill(limit=int(TIMEOUT))) from None
    if PROBLEM in fields:
        raise TableRefusedError(Message.parse(fields[PROBLEM]))
    return fields


def answer(work: Callable[[dict[str, Any]], dict[str, Any]], *, reserves: bool = False) -> None:
    """Answer the request on stdin by ``work``; ``reserves`` as for :func:`.limit_memory`."""
    # A library may print.
    output, sys.stdout = sys.stdout, sys.stderr
    request = json.load(sys.stdin)
    limit_memory(reserves=reserves)
    try:
        fields = work(request)
    except MemoryError:
        fields = {PROBLEM: TOO_MANY_VALUES.as_dict()}
    except TableRefusedError as error:
        fields = {PROBLEM: error.reason.as_dict()}
    except Exception as error:  # noqa: BLE001  of whichever reader: the file is no table
        reason = " ".join(str(error).split())[:MAX_REASON_CHARACTERS]
        fields = {PROBLEM: Message.verbatim(reason).as_dict()}
    json.dump(fields, output)
