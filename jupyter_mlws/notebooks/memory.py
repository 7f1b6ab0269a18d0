"""How much memory a kernel and its children use while they execute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK = 0.25
"""Seconds between two looks; no system tells of it by itself."""
CGROUP = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class MemoryLimits:
    """Bytes that a kernel may use (None: no limit), and the share of them that is warned of."""

    most: int | None = None
    warning: float = 0.8

    @property
    def ceiling(self) -> int:
        """What there is at most: the limit, the container's, or the machine's."""
        return self.most or _container() or int(psutil.virtual_memory().total)


@dataclass
class Measured:
    """One execution's memory so far, in bytes."""

    peak: int = 0
    warned: bool = False
    exceeded: bool = False


class Meter:
    """Measures one process and its children, only while an execution goes on."""

    def __init__(
        self,
        limits: MemoryLimits,
        warn: Callable[[str, int], None],
        exceed: Callable[[str, int], None],
    ) -> None:
        self._limits = limits
        self._warn = warn
        self._exceed = exceed
        self._going: dict[str, Measured] = {}
        self._pid: int | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, execution: str, pid: int | None) -> None:
        """Measure from now on."""
        self._pid = pid
        self._going[execution] = Measured(peak=_own(pid))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._measure())

    def end(self, execution: str) -> Measured | None:
        """What it came to; None where it was not measured."""
        measured = self._going.pop(execution, None)
        if measured is not None:
            measured.peak = max(measured.peak, _own(self._pid))
        return measured if measured is None or measured.peak else None

    def exceeded(self, execution: str) -> int | None:
        """The bytes that were too much; None while there is no such thing."""
        measured = self._going.get(execution)
        return measured.peak if measured is not None and measured.exceeded else None

    async def close(self) -> None:
        """Stop measuring."""
        self._going.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _measure(self) -> None:
        while self._going:
            await asyncio.sleep(LOOK)
            used = await asyncio.to_thread(_of_all, self._pid)
            for execution, measured in list(self._going.items()):
                measured.peak = max(measured.peak, used)
                if self._limits.most and used > self._limits.most and not measured.exceeded:
                    measured.exceeded = True
                    self._exceed(execution, used)
                elif used > self._limits.ceiling * self._limits.warning and not measured.warned:
                    measured.warned = True
                    self._warn(execution, used)


def _own(pid: int | None) -> int:
    """Of the process alone; 0 where it is not here or no more."""
    if pid is None:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _of_all(pid: int | None) -> int:
    """Of the process and all below it."""
    if pid is None:
        return 0
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return 0
    return _own(pid) + sum(_own(child.pid) for child in below)


def _container() -> int | None:
    """The limit of the container, where there is one."""
    try:
        said = CGROUP.read_text().strip()
    except OSError:
        return None
    return int(said) if said.isdecimal() else None
