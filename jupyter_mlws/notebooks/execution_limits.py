"""Limits of time and memory for the code that clients run in a kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from jupyter_mlws.core.errors import ExecutionTimeoutError, OutOfMemoryError
from jupyter_mlws.notebooks.execution import INTERRUPT_TIMEOUT
from jupyter_mlws.notebooks.kernels import Kernel
from jupyter_mlws.notebooks.memory import MemoryLimits, Meter
from jupyter_mlws.notebooks.outputs import Event
from jupyter_mlws.notebooks.recording import Recording
from jupyter_mlws.notebooks.tab_executions import RunningExecution
from mlws.core.errors import MLWSError


class ExecutionLimits:
    """Stops the ``running`` executions of one kernel that exceed a limit."""

    def __init__(
        self,
        kernel: Kernel,
        limits: MemoryLimits,
        running: Mapping[str, RunningExecution],
        recording: Recording,
        queue: Callable[[Callable[[], Awaitable[None]]], None],
    ) -> None:
        self.meter = Meter(limits, partial(self._report_memory, "warning"), self._on_memory_limit)
        self._kernel = kernel
        self._limits = limits
        self._running = running
        self._recording = recording
        self._queue = queue
        self._interrupt_task: asyncio.Task[None] | None = None

    def start_timer(self, request: str, going: RunningExecution, seconds: float) -> None:
        """Stop the execution when its time is over."""
        timeout = going.execution.deadline and going.execution.deadline - going.started
        error = ExecutionTimeoutError(timeout=timeout or seconds, restarted=False)
        loop = asyncio.get_running_loop()
        going.timer = loop.call_later(max(0.0, seconds), self._stop, request, error)

    def check_memory(self, request: str) -> None:
        """Stop an execution that exceeded the limit while its start was processed."""
        used = self.meter.over_limit(request)
        if used is not None:
            self._stop(request, self._out_of_memory(used))

    async def close(self) -> None:
        """Stop measuring, and what stops an execution."""
        await self.meter.close()
        if self._interrupt_task is not None:
            self._interrupt_task.cancel()
            await asyncio.gather(self._interrupt_task, return_exceptions=True)

    def _on_memory_limit(self, execution: str, used: int) -> None:
        self._report_memory("limit", execution, used)
        if execution in self._running:
            self._stop(execution, self._out_of_memory(used))
        elif self._kernel.on_memory_limit is not None:
            self._kernel.on_memory_limit(self._out_of_memory(used))

    def _report_memory(self, level: str, execution: str, used: int) -> None:
        async def publish() -> None:
            context = await self._recording.context_of(self._kernel.id)
            if context is not None:
                event: Event = {"type": "memory", "level": level, "execution": execution}
                event |= {"used": used, "limit": self._limits.ceiling}
                self._recording.stream_of(context.notebook).publish(event)

        self._queue(publish)

    def _out_of_memory(self, used: int) -> MLWSError:
        limit = self._limits.most
        evalue = f"{used // 2**20} MB > {(limit or 0) // 2**20} MB"
        return OutOfMemoryError(
            ename="MemoryError", evalue=evalue, used=used, limit=limit, restarted=False
        )

    def _stop(self, request: str, error: MLWSError) -> None:
        """Interrupt the code; restart the kernel if the code does not end."""

        async def interrupt() -> None:
            await self._kernel.interrupt()
            await asyncio.sleep(INTERRUPT_TIMEOUT)
            if request in self._running:
                await self._kernel.restart()

        going = self._running.get(request)
        if going is not None and going.stopped_by is None and going.idle_at is None:
            going.stopped_by = error
            self._interrupt_task = asyncio.create_task(interrupt())
