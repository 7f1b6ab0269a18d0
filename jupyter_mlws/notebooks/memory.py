"""Measures the memory of a kernel and its child processes during executions."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SAMPLE_INTERVAL = 0.25
"""Seconds between two measurements."""
MAX_READ_SHARE = 0.05
"""Largest share of a core that reading the process table takes, however many processes run."""
CGROUP_LIMIT_FILE = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class MemoryLimits:
    """Bytes that a kernel may use (None: no limit), and the share of them that causes a warning."""

    most: int | None = None
    warning: float = 0.8

    @property
    def ceiling(self) -> int:
        """Upper limit in bytes: the configured one, the container's, or the machine's memory."""
        if self.most:
            return self.most
        with contextlib.suppress(OSError, ValueError):  # "max" where the container has no limit
            return int(CGROUP_LIMIT_FILE.read_text())
        return int(psutil.virtual_memory().total)


@dataclass
class MemoryUsage:
    """Memory use of one execution so far, in bytes; ``started`` is of the monotonic clock."""

    started: float
    peak: int = 0
    has_warned: bool = False
    over_limit: bool = False


class ProcessTable:
    """Memory and children of all processes, read once for the meters of all kernels."""

    def __init__(self) -> None:
        self._memory: dict[int, int] = {}
        self._children: defaultdict[int, list[int]] = defaultdict(list)
        self._next_read = 0.0
        self.read_at = 0.0
        """When the last complete read began, by the monotonic clock."""

    async def refresh(self) -> None:
        """Read the table again if it is old; another meter's read in progress is not awaited."""
        started = time.monotonic()
        if started < self._next_read:
            return
        self._next_read = float("inf")
        try:
            await asyncio.to_thread(self._read)
            self.read_at = started
        finally:
            duration = time.monotonic() - started
            self._next_read = started + max(SAMPLE_INTERVAL / 2, duration / MAX_READ_SHARE)

    def memory_of_tree(self, pid: int | None) -> int:
        """Return the memory of a process and all its descendants, in bytes."""
        total, pending = 0, [pid]
        while pending:
            process = pending.pop()
            if process is not None:
                total += self._memory.get(process, 0)
                pending.extend(self._children.get(process, ()))
        return total

    def _read(self) -> None:
        memory: dict[int, int] = {}
        children: defaultdict[int, list[int]] = defaultdict(list)
        for process in psutil.process_iter(["pid", "ppid", "memory_info"]):
            facts = process.info
            if facts["memory_info"] is not None:
                memory[facts["pid"]] = int(facts["memory_info"].rss)
                children[facts["ppid"]].append(facts["pid"])
        self._memory, self._children = memory, children


PROCESSES = ProcessTable()


@dataclass(eq=False)
class Meter:
    """Measures one process and its children, only while an execution runs."""

    _limits: MemoryLimits
    _on_warning: Callable[[str, int], None]
    _on_limit: Callable[[str, int], None]
    _usages: dict[str, MemoryUsage] = field(init=False, default_factory=dict)
    _pid: int | None = field(init=False, default=None)
    _ceiling: int = field(init=False, default=0)
    _task: asyncio.Task[None] | None = field(init=False, default=None)

    def begin(self, execution: str, pid: int | None) -> None:
        """Measure an execution from now on."""
        self._pid, self._ceiling = pid, self._limits.ceiling
        self._usages[execution] = MemoryUsage(time.monotonic(), _process_memory(pid))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._measure())

    def end(self, execution: str) -> MemoryUsage | None:
        """Stop measuring an execution and return its usage; None if it was not measured."""
        usage = self._usages.pop(execution, None)
        if usage is not None:
            usage.peak = max(usage.peak, _process_memory(self._pid))
        return usage if usage is None or usage.peak else None

    def over_limit(self, execution: str) -> int | None:
        """Return the bytes of an execution that exceeded the limit; None for any other."""
        usage = self._usages.get(execution)
        return usage.peak if usage is not None and usage.over_limit else None

    async def close(self) -> None:
        """Stop measuring."""
        self._usages.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _measure(self) -> None:
        while self._usages:
            await asyncio.sleep(SAMPLE_INTERVAL)
            await PROCESSES.refresh()
            used = PROCESSES.memory_of_tree(self._pid)
            for execution, usage in list(self._usages.items()):
                if PROCESSES.read_at - usage.started < SAMPLE_INTERVAL:
                    continue  # It may not have released yet what earlier cells held.
                usage.peak = max(usage.peak, used)
                if self._limits.most and used > self._limits.most and not usage.over_limit:
                    usage.over_limit = True
                    self._on_limit(execution, used)
                elif used > self._ceiling * self._limits.warning and not usage.has_warned:
                    usage.has_warned = True
                    self._on_warning(execution, used)


def _process_memory(pid: int | None) -> int:
    """Return the memory of the process alone; 0 if it does not exist on this machine."""
    if pid is None:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
