"""Work that goes on without anybody at the keyboard: a Hub must not stop it for idleness."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from enum import Enum
from typing import Any

INTERVAL = "JUPYTERHUB_ACTIVITY_INTERVAL"
"""The Hub's variable for the seconds between two reports of a server's activity."""
DEFAULT_INTERVAL = 300.0

log = logging.getLogger(__name__)


class Kind(str, Enum):
    """What can go on."""

    CELL = "cell"
    TERMINAL = "terminal"
    WORKFLOW = "workflow"


class Work:
    """Looks now and then whether something goes on, and says so. Lives on the event loop.

    Jupyter itself counts a kernel's messages as activity, so a cell that computes in silence looks
    idle to it, as does a workflow, whose processes are no kernel's.
    """

    def __init__(
        self,
        kernels: Callable[[], Iterable[Any]],
        terminals: Callable[[], Iterable[Any]],
        is_running: Callable[[], bool],
    ) -> None:
        self._kernels = kernels
        self._terminals = terminals
        self._is_running = is_running

    async def goes_on(self) -> set[Kind]:
        """What does so now."""
        found = set()
        if any(kernel.execution_state == "busy" for kernel in self._kernels()):
            found.add(Kind.CELL)
        if any(_works(terminal) for terminal in self._terminals()):
            found.add(Kind.TERMINAL)
        if await asyncio.to_thread(self._is_running):
            found.add(Kind.WORKFLOW)
        return found

    async def watch(self, worked: Callable[[datetime], None], every: float) -> None:
        """Call ``worked`` with the time, every so many seconds that something goes on."""
        while True:
            await asyncio.sleep(every)
            try:
                if await self.goes_on():
                    worked(datetime.now(timezone.utc))
            except OSError as error:
                log.warning("Could not check whether work is in progress: %s", error)


def interval() -> float:
    """Seconds between two looks: two for every report to the Hub."""
    return float(os.environ.get(INTERVAL) or DEFAULT_INTERVAL) / 2


def _works(terminal: Any) -> bool:
    """Whether something else than the shell itself is in a terminal's foreground."""
    process = terminal.ptyproc
    try:
        return bool(os.tcgetpgrp(process.fd) != process.pid)
    except OSError:
        return False  # it has just been closed
