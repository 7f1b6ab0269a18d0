"""Runs one piece of code on a kernel, and returns its outcome even if the kernel dies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlws.containers.cgroups import read_own
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import (
    CodeFailedError,
    ExecutionCanceledError,
    ExecutionTimeoutError,
    KernelDiedError,
    OutOfMemoryError,
)
from jupyter_mlws.notebooks.kernels import (
    LATE_OUTPUT_INTERVAL,
    MAX_LATE_OUTPUT_DURATION,
    Connection,
    Kernel,
    ProcessExit,
)
from jupyter_mlws.notebooks.models import ExecutionStatus
from jupyter_mlws.notebooks.outputs import Event, Message, Output, Outputs
from mlws.core.errors import MLWSError

INTERRUPT_TIMEOUT = 5.0
"""Seconds to wait for interrupted code to end, before its kernel is restarted."""
IDLE_TIMEOUT = 5.0
"""Seconds to wait after the reply for the idle status, which follows all outputs."""
REPLY_TIMEOUT = 2.0
"""Seconds to wait for the reply once the kernel is idle: it is sent before that."""
MAX_ATTEMPTS = 3
"""Attempts to run code that a kernel aborts because of another client's error."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CELL_LINE = re.compile(r"^(?:Cell|Input) In\s?\[(\d+)\](?:, line |.*<cell line: )(\d+)", re.M)
_SYNTAX_LINE = re.compile(r"line (\d+)\)$")
_LIBRARY = re.compile(r"^File .*[/\\](?:site-packages|dist-packages|lib[/\\]python3[^/\\]*)[/\\]")

EventCallback = Callable[[Event], None]
StartCallback = Callable[[str], Awaitable[None]]
"""Awaited when the code starts; its argument is the id of the kernel's request."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of an executed piece of code."""

    status: ExecutionStatus
    outputs: list[Output] = field(default_factory=list)
    text: str = ""
    count: int | None = None
    duration: float | None = None
    error: MLWSError | None = None
    truncated: bool = False
    memory: int | None = None


class Run:
    """One run of ``code``. ``on_event`` gets each output; ``on_start`` is awaited when it starts.

    The time limit counts from then, so it excludes the wait for a kernel that is busy for another
    client.
    """

    def __init__(
        self,
        kernel: Kernel,
        connection: Connection,
        code: str,
        timeout: float | None,
        on_event: EventCallback,
        on_start: StartCallback,
        *,
        stdin: bool = False,
    ) -> None:
        self._kernel = kernel
        self._connection = connection
        self._code = code
        self._timeout = timeout
        self._on_event = on_event
        self._on_start = on_start
        self._outputs = Outputs()
        self._clock = asyncio.get_running_loop().time
        self._start: float | None = None
        self._deadline: float | None = None
        self._reply: dict[str, Any] | None = None
        self._idle_at: float | None = None
        self._count: int | None = None
        self._initial_oom_kills = 0
        self._stdin = stdin
        self._stop_request: asyncio.Future[MLWSError] = asyncio.get_running_loop().create_future()
        self._is_stop_handled = False
        self.message = ""
        """The id of the kernel's request."""
        self.interruptible = asyncio.Event()
        """Set when the kernel has reported the code that it runs, or will run nothing more.

        ipykernel reports that it is busy before that, and ignores interrupts until then.
        """

    def stop(self, error: MLWSError) -> None:
        """End the run early, for the reason that ``error`` gives."""
        if not self._stop_request.done():
            self._stop_request.set_result(error)

    async def __call__(self) -> Outcome:
        """Run the code to its end and return the outcome."""
        exit_task = asyncio.create_task(self._connection.ended())
        try:
            for _ in range(MAX_ATTEMPTS):
                outcome = await self._attempt(exit_task)
                if outcome is not None:
                    return outcome
            return self.outcome(ExecutionStatus.CANCELLED, ExecutionCanceledError(by="client"))
        finally:
            exit_task.cancel()
            self.interruptible.set()

    async def _attempt(self, exit_task: asyncio.Task[ProcessExit]) -> Outcome | None:
        """Return the outcome; None if the kernel aborted the request without running the code."""
        self._reply, self._idle_at = None, None
        request = {
            "code": self._code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": self._stdin,
            # Otherwise a failure would abort the queued requests of other clients.
            "stop_on_error": False,
        }
        with self._connection.ask("execute_request", request) as (self.message, answers):
            await self._process_messages(answers, exit_task)
            if self._idle_at is not None and not self._kernel.publishes_in_order:
                limit = self._idle_at + MAX_LATE_OUTPUT_DURATION
                with suppress(asyncio.TimeoutError):
                    while self._clock() < limit:
                        more = await asyncio.wait_for(answers.get(), LATE_OUTPUT_INTERVAL)
                        await self._handle_message(*more)
            if self._reply is not None:
                if self._reply["status"] == "aborted":
                    return None
                if self._reply["status"] == "ok":
                    return self.outcome(ExecutionStatus.SUCCESS)
                # IRkernel reports only this status for interrupted code.
                is_interrupt = self._reply["status"] == "abort"
                if is_interrupt or self._reply.get("ename") == "KeyboardInterrupt":
                    cancellation = ExecutionCanceledError(by="interrupt")
                    return self.outcome(ExecutionStatus.CANCELLED, cancellation)
                # If the display of a result fails, the reply has the error `None: NoneType`.
                errors = [one for one in self._outputs.items() if one["output_type"] == "error"]
                is_display = errors and self._reply.get("ename") == "NoneType"
                failure = errors[-1] if is_display else self._reply
                return self.outcome(ExecutionStatus.ERROR, error_from_reply(failure, self._count))
            if exit_task.done():
                return await self._handle_kernel_exit(exit_task.result())
            if self._idle_at is not None and not self._stop_request.done():
                # An interrupt between two steps of the kernel itself prevents the reply.
                error = ExecutionCanceledError(by="interrupt")
                return self.outcome(ExecutionStatus.CANCELLED, error)
            return await self._interrupt_code(answers, exit_task)

    async def _process_messages(
        self, answers: asyncio.Queue[tuple[str, Message]], exit_task: asyncio.Task[ProcessExit]
    ) -> None:
        """Process messages until the code has ended or was stopped, or the kernel is gone."""
        while not (self._reply is not None and self._idle_at is not None):
            if answers.empty():
                left = None if self._deadline is None else self._deadline - self._clock()
                more = asyncio.ensure_future(answers.get())
                futures: set[asyncio.Future[Any]] = {more, exit_task, *self._stop_futures()}
                await asyncio.wait(futures, timeout=left, return_when="FIRST_COMPLETED")
                if not more.done():
                    more.cancel()
                    return
                await self._handle_message(*more.result())
            else:
                await self._handle_message(*answers.get_nowait())
                late = self._deadline is not None and self._clock() > self._deadline
                if late or any(stop.done() for stop in self._stop_futures()):
                    # Code that never stops writing never leaves the queue empty.
                    return

    def _stop_futures(self) -> list[asyncio.Future[MLWSError]]:
        """Return the futures that end the wait; none once the stop request was handled."""
        return [] if self._is_stop_handled else [self._stop_request]

    async def _handle_message(self, channel: str, message: Message) -> None:
        kind, content = message["header"]["msg_type"], message["content"]
        if channel == "shell" and kind == "execute_reply":
            self._reply = content
            self._count = content.get("execution_count", self._count)
            self._deadline = self._clock() + IDLE_TIMEOUT
        elif kind == "status":
            is_idle = content["execution_state"] == "idle"
            self._idle_at = self._clock() if is_idle else None
            if is_idle and self._reply is None:
                self._deadline = self._clock() + REPLY_TIMEOUT
            if content["execution_state"] == "busy" and self._start is None:
                own = read_own()
                self._initial_oom_kills = own.killed if own is not None else 0
                self._start = self._clock()
                await self._on_start(self.message)
                if self._timeout is not None:
                    # Not the code's own time: the history is written before it is followed.
                    self._deadline = self._clock() + self._timeout
        elif kind == "execute_input":
            self._count = content.get("execution_count")
            self.interruptible.set()
        elif channel == "stdin" and kind == "input_request":
            is_secret = bool(content.get("password"))
            self._on_event({"type": "input", "prompt": content["prompt"], "password": is_secret})
        elif channel == "iopub":
            event = self._outputs.take(message)
            if event is not None:
                self._on_event(event)

    async def _interrupt_code(
        self, answers: asyncio.Queue[tuple[str, Message]], exit_task: asyncio.Task[ProcessExit]
    ) -> Outcome:
        """Interrupt the code; restart the kernel if the code does not end."""
        reason = self._stop_request.result() if self._stop_request.done() else None
        self._is_stop_handled = True
        self._deadline = self._clock() + INTERRUPT_TIMEOUT
        await self._kernel.interrupt()
        await self._process_messages(answers, exit_task)
        restarted = False
        if exit_task.done():
            # The kernel does not handle the signal of an interrupt, and died by it.
            restarted = await self._kernel.revive(self._connection)
        elif self._reply is None and self._idle_at is None:
            await self._kernel.restart()
            restarted = True
        if reason is not None:
            return self.outcome(ExecutionStatus.ERROR, reason.with_facts(restarted=restarted))
        error = ExecutionTimeoutError(timeout=self._timeout, restarted=restarted)
        return self.outcome(ExecutionStatus.TIMEOUT, error)

    async def _handle_kernel_exit(self, ending: ProcessExit) -> Outcome:
        if not ending.died:
            return self.outcome(ExecutionStatus.CANCELLED, ExecutionCanceledError(by="restart"))
        lost_ids = self._kernel.mark_lost(self._connection.process)
        has_restarted = await self._kernel.revive(self._connection)
        own = read_own()
        error: MLWSError = KernelDiedError(
            exit_code=ending.exit_code, restarted=has_restarted, lost=lost_ids
        )
        if own is not None and own.killed > self._initial_oom_kills:
            evalue = write_memory(own.memory_limit)
            error = OutOfMemoryError(ename="OutOfMemory", evalue=evalue, **error.facts)
        return self.outcome(ExecutionStatus.ERROR, error)

    def outcome(self, status: ExecutionStatus, error: MLWSError | None = None) -> Outcome:
        """Return the outcome with the outputs so far."""
        end = self._clock() if self._idle_at is None else self._idle_at
        took = None if self._start is None else round(end - self._start, 3)
        return Outcome(
            status=status,
            outputs=self._outputs.items(),
            text=self._outputs.text(),
            count=self._count,
            duration=took,
            error=error,
            truncated=self._outputs.truncated,
        )


def error_from_reply(reply: dict[str, Any], count: int | None) -> MLWSError:
    """Return the error of code that failed, from the kernel's reply."""
    ename, evalue = str(reply.get("ename")), str(reply.get("evalue"))
    traceback = [_ANSI.sub("", part) for part in reply.get("traceback", [])]
    error = OutOfMemoryError if ename == "MemoryError" else CodeFailedError
    return error(
        ename=ename,
        evalue=evalue,
        line=line_of(traceback, evalue, count),
        traceback=fold_library_frames(traceback),
    )


def line_of(traceback: list[str], evalue: str, count: int | None) -> int | None:
    """Return the innermost line of the cell itself; None if the kernel does not name it."""
    lines = [
        int(line)
        for part in traceback
        for number, line in _CELL_LINE.findall(part)
        if int(number) == count
    ]
    if lines:
        return lines[-1]
    match = _SYNTAX_LINE.search(evalue)
    return int(match.group(1)) if match else None


def fold_library_frames(traceback: list[str]) -> list[str]:
    """Return the traceback with the number of library frames in place of the frames."""
    parts: list[str] = []
    hidden_count = 0
    for part in [*traceback, ""]:
        if _LIBRARY.match(part):
            hidden_count += 1
            continue
        if hidden_count:
            parts.append(f"… ({hidden_count})")
            hidden_count = 0
        if part:
            parts.append(part)
    return parts
