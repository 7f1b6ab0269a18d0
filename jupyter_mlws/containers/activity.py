"""Detection of work in progress, during which a Hub must not stop the lab as idle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

INTERVAL = "JUPYTERHUB_ACTIVITY_INTERVAL"
"""The Hub's variable for the seconds between two reports of a server's activity."""
DEFAULT_INTERVAL = 300.0

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """Kind of work in progress."""

    CELL = "cell"
    TERMINAL = "terminal"
    WORKFLOW = "workflow"


@dataclass(eq=False)
class Work:
    """Detects work in progress and reports it; lives on the event loop.

    Jupyter counts messages of kernels as activity. So it takes a cell without output to be idle,
    and a workflow, whose processes belong to no kernel.
    """

    _kernels: Callable[[], Iterable[Any]]
    _terminals: Callable[[], Iterable[Any]]
    _is_running: Callable[[], bool]

    async def goes_on(self) -> set[Kind]:
        """Return the kinds of work in progress.

        A terminal is active if another process than its shell is in the foreground.
        """
        kinds = set()
        if any(kernel.execution_state == "busy" for kernel in self._kernels()):
            kinds.add(Kind.CELL)
        for terminal in self._terminals():
            process = terminal.ptyproc
            # A terminal that has just been closed has no foreground.
            with contextlib.suppress(OSError):
                if os.tcgetpgrp(process.fd) != process.pid:
                    kinds.add(Kind.TERMINAL)
        if await asyncio.to_thread(self._is_running):
            kinds.add(Kind.WORKFLOW)
        return kinds

    async def watch(self, on_activity: Callable[[datetime], None], every: float) -> None:
        """Call ``on_activity`` with the time, every ``every`` seconds while work is in progress."""
        while True:
            await asyncio.sleep(every)
            try:
                if await self.goes_on():
                    on_activity(datetime.now(UTC))
            except Exception as error:  # noqa: BLE001  without the check, the Hub would stop the lab
                log.warning("Could not check whether work is in progress: %s", error)


def interval() -> float:
    """Return the seconds between two checks: two checks for every report to the Hub."""
    return float(os.environ.get(INTERVAL) or DEFAULT_INTERVAL) / 2
