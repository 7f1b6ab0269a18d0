"""Usage of this server's container, and notebooks whose kernels were killed for lack of memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mlws.containers.cgroups import UsageSnapshot, read_own
from jupyter_mlws.containers.models import OutOfMemory, OwnUsage
from jupyter_mlws.core.ring_stream import RingStream
from mlws.core.i18n import Message

SAMPLE_INTERVAL = 1.0
"""Seconds between two samples while there are listeners.

The kernel has events for killed processes, but only for processes with write access to the control
group, which a container lacks.
"""
KERNEL_EXIT_TIMEOUT = 3.0
"""Seconds in which the end of a killed process must be observed."""
KERNEL_POLL_INTERVAL = 0.1
FIRST_SAMPLE_INTERVAL = 0.25
"""Seconds between two samples if there is no earlier one."""
MEBIBYTE = 1024**2
"""Unit to which memory is rounded, so that an idle container causes no events."""


@dataclass(frozen=True)
class KernelProcess:
    """A kernel's process; ``path`` is its notebook's, empty if it has none."""

    id: str
    pid: int
    path: str


Kernels = Callable[[], Awaitable[Mapping[str, KernelProcess]]]


class ContainerUsageMonitor:
    """Samples the container while there are listeners; lives on the event loop.

    ``kernels`` returns the kernels of this server by their ids.
    """

    def __init__(
        self, kernels: Kernels, read: Callable[[], UsageSnapshot | None] = read_own
    ) -> None:
        self._kernels = kernels
        self._read = read
        self.stream = RingStream(size=100)
        self._listeners = 0
        self._sampling: asyncio.Task[None] | None = None
        self._previous_sample: UsageSnapshot | None = None
        self._usage: OwnUsage | None = None
        self._last_out_of_memory: OutOfMemory | None = None
        self._notice: Message | None = None
        self._stop_at: datetime | None = None

    def set_notice(self, notice: Message | None, stop_at: datetime | None) -> None:
        """Report a notice of the Hub with the usage."""
        self._notice, self._stop_at = notice, stop_at

    async def usage(self) -> OwnUsage:
        """Return the current usage; without limits outside a container."""
        first = self._previous_sample if self._sampling is not None else None
        if first is None:
            first = self._read()
            await asyncio.sleep(FIRST_SAMPLE_INTERVAL)
        return self._compute_usage(first, self._read())

    async def changes(self, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield usage changes and out-of-memory events as they happen."""
        self._listeners += 1
        if self._sampling is None:
            self._previous_sample, self._usage = self._read(), None
            self._sampling = asyncio.create_task(self._sample_for_ever())
        try:
            async with aclosing(self.stream.follow(since)) as messages:  # type: ignore[type-var]
                async for message in messages:
                    yield message
        finally:
            self._listeners -= 1
            if not self._listeners:
                await self.close()

    async def close(self) -> None:
        """Stop sampling."""
        if self._sampling is not None:
            self._sampling.cancel()
            await asyncio.gather(self._sampling, return_exceptions=True)
            self._sampling = None

    async def _sample_for_ever(self) -> None:
        kernels = await self._kernels()
        while True:
            await asyncio.sleep(SAMPLE_INTERVAL)
            now, before = self._read(), self._previous_sample
            self._previous_sample = now
            if now is not None and before is not None and now.killed > before.killed:
                self._last_out_of_memory = await self._out_of_memory(now, kernels)
                self.stream.publish(
                    {"type": "out_of_memory", **self._last_out_of_memory.model_dump(mode="json")}
                )
            usage = self._compute_usage(before, now)
            if usage != self._usage:
                self._usage = usage
                # The notice is translated for each reader.
                facts = {**usage.model_dump(mode="json"), "notice": usage.notice}
                self.stream.publish({"type": "usage", **facts})
            kernels = await self._kernels()

    async def _out_of_memory(
        self, now: UsageSnapshot, kernels: Mapping[str, KernelProcess]
    ) -> OutOfMemory:
        """Return the event of a process killed for lack of memory.

        Its kernels are those of ``kernels`` whose process has ended or was replaced since.
        """
        deadline = asyncio.get_running_loop().time() + KERNEL_EXIT_TIMEOUT
        hit = _find_dead_kernels(kernels, await self._kernels())
        while not hit and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(KERNEL_POLL_INTERVAL)
            hit = _find_dead_kernels(kernels, await self._kernels())
        return OutOfMemory(
            time=datetime.now(UTC),
            memory_limit=now.memory_limit,
            kernels=[kernel.id for kernel in hit],
            paths=[kernel.path for kernel in hit if kernel.path],
        )

    def _compute_usage(self, before: UsageSnapshot | None, now: UsageSnapshot | None) -> OwnUsage:
        if now is None:
            return OwnUsage(processes_killed=0, notice=self._notice, stop_at=self._stop_at)
        cpu = None
        if before is not None and now.time > before.time:
            cpu = round(max(0.0, now.cpu - before.cpu) / (now.time - before.time), 2)
        return OwnUsage(
            cpu=cpu,
            cpu_limit=now.cpu_limit,
            memory=round(now.memory / MEBIBYTE) * MEBIBYTE,
            memory_limit=now.memory_limit,
            processes_killed=now.killed,
            out_of_memory=self._last_out_of_memory,
            notice=self._notice,
            stop_at=self._stop_at,
        )


def _find_dead_kernels(
    before: Mapping[str, KernelProcess], now: Mapping[str, KernelProcess]
) -> list[KernelProcess]:
    """Return the kernels of ``before`` whose process has ended without a shutdown.

    A zombie has ended; its parent has not reaped it yet.
    """
    dead_kernels = []
    for identifier, kernel in before.items():
        is_dead = identifier in now and now[identifier].pid != kernel.pid
        if identifier in now and not is_dead and Path("/proc").is_dir():
            try:
                stat = Path(f"/proc/{kernel.pid}/stat").read_text()
                is_dead = stat.rpartition(")")[2].split()[0] == "Z"
            except OSError:
                is_dead = True
        if is_dead:
            dead_kernels.append(kernel)
    return dead_kernels
