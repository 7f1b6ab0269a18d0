"""Kernels of the server as executions use them: locks, connections, crashes and restarts.

The server owns the kernels: open tabs in JupyterLab use the same ones.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import zmq
from jupyter_client.kernelspec import NoSuchKernel

from jupyter_mlws.core.errors import KernelStartError
from jupyter_mlws.notebooks.outputs import Message
from jupyter_mlws.notebooks.provisioner import AdoptedProcess
from mlws.core import i18n
from mlws.core.errors import MLWSError
from mlws.environments.programs import Program, program_of

TIMED_OUT = i18n.Message("timed out after {seconds:g} s")
PROCESS_EXITED = i18n.Message("its process ended (exit code {code})")
START_TIMEOUT = 60.0
"""Seconds to wait for the first reply of a kernel."""
RESTART_TIMEOUT = 10.0
"""Seconds to wait until the server's own restarter has restarted a dead kernel."""
INFO_REQUEST_INTERVAL = 0.5
"""Seconds between two requests to a kernel that has not replied yet."""
ORDERED_LANGUAGES = frozenset({"bash", "python", "r"})
"""Languages whose kernels publish all outputs before the idle status, as the protocol requires.

Deno publishes most of what a cell prints after it.
"""
LATE_OUTPUT_INTERVAL = 0.5
"""Seconds without output after the idle status of other kernels that mean that all has arrived."""
MAX_LATE_OUTPUT_DURATION = 5.0
"""Seconds after the idle status in which output is waited for: a timer may print without end."""
MAX_LOST_EXECUTIONS = 1000
"""Maximum number of executions that are reported as lost when a kernel dies."""
SERVER_SYNC_TIMEOUT = 2.0
"""Seconds to wait until the server itself knows that a kernel replies."""
POLL_INTERVAL = 0.2
"""Seconds between two checks of the process; the restarter may report its end earlier."""


@dataclass(frozen=True)
class ProcessExit:
    """End of a kernel's process: by itself (``died``), or by a restart or shutdown."""

    died: bool
    exit_code: int | None = None


class PendingRequest(NamedTuple):
    """Request to a kernel, and its replies and outputs, as (channel, message)."""

    id: str
    answers: asyncio.Queue[tuple[str, Message]]


class Connection:
    """Client of one kernel process; replies and outputs are matched by the request's id."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.process = process_of(kernel)
        self._client = kernel.client(context=kernel.context)
        # The manager's client is a copy with the manager's own id, and a kernel answers only one
        # socket of an id.
        self.session = self._client.session.session = uuid.uuid4().hex
        self._queues: dict[str, asyncio.Queue[tuple[str, Message]]] = {}
        self._iopub_ready = asyncio.Event()
        self._info_request: str | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, still_there: Callable[[], bool], deadline: float) -> bool:
        """Wait until the kernel's outputs arrive; return False if its process ended before that.

        Requests are sent on both channels: a kernel that is busy for another client replies on
        `control` only. IRkernel ignores requests there, and Deno publishes nothing about them.
        """
        self._client.start_channels(stdin=True, hb=False)
        for channel, receive in (
            ("shell", self._client.get_shell_msg),
            ("stdin", self._client.get_stdin_msg),
            ("iopub", self._client.get_iopub_msg),
            ("control", self._client.get_control_msg),
        ):
            self._tasks.append(asyncio.create_task(self._listen(channel, receive)))
        loop = asyncio.get_running_loop()
        while not self._iopub_ready.is_set():
            is_replaced = process_of(self.kernel) != self.process
            # A kernel that is busy for another client may reply to nothing until it is idle.
            is_late = loop.time() > deadline and self._server_state != "busy"
            if is_replaced or not still_there() or is_late:
                return False
            self._request_info()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._iopub_ready.wait(), INFO_REQUEST_INTERVAL)
        # The server has its own connection. If that is slower, the server would consider the kernel
        # as starting until the next request of any client.
        limit = loop.time() + SERVER_SYNC_TIMEOUT
        while self._server_state == "starting" and loop.time() < limit:
            self._request_info()
            await asyncio.sleep(INFO_REQUEST_INTERVAL / 10)
        return True

    async def close(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._client.stop_channels()

    @contextmanager
    def ask(
        self, kind: str, content: dict[str, Any], channel: str = "shell"
    ) -> Iterator[PendingRequest]:
        """Send a request and yield it with its replies."""
        queue: asyncio.Queue[tuple[str, Message]] = asyncio.Queue()
        identifier = self._send(kind, content, channel)
        self._queues[identifier] = queue
        try:
            yield PendingRequest(identifier, queue)
        finally:
            del self._queues[identifier]

    def answer(self, value: str) -> None:
        """Send the user's input that the running code requested."""
        self._send("input_reply", {"value": value}, "stdin")

    async def ended(self) -> ProcessExit:
        """Wait until this process has ended."""
        dead: asyncio.Future[ProcessExit] = asyncio.get_running_loop().create_future()

        def noticed() -> None:
            if not dead.done():
                dead.set_result(ProcessExit(died=True, exit_code=exit_code(self.kernel)))

        self.kernel.add_restart_callback(noticed)
        self.kernel.add_restart_callback(noticed, "dead")
        try:
            while True:
                await asyncio.wait([dead], timeout=POLL_INTERVAL)
                if dead.done():
                    return dead.result()
                if process_of(self.kernel) != self.process or self.kernel.shutting_down:
                    return ProcessExit(died=False)
                if not await self.kernel.is_alive():
                    return ProcessExit(died=True, exit_code=exit_code(self.kernel))
        finally:
            self.kernel.remove_restart_callback(noticed)
            self.kernel.remove_restart_callback(noticed, "dead")

    @property
    def _server_state(self) -> str | None:
        """The kernel's state as the server itself knows it."""
        return getattr(self.kernel, "execution_state", None)

    def _request_info(self) -> None:
        """Request something that the kernel publishes its status about.

        What it publishes before the subscription to `iopub` is established is lost, even if its
        reply arrives, so one request is not enough. Requests on `shell` wait there while the
        kernel is busy, so the next one follows the reply to the one before.
        """
        self._send("kernel_info_request", {}, "control")
        if self._info_request is None:
            self._info_request = self._send("kernel_info_request", {}, "shell")

    def _send(self, kind: str, content: dict[str, Any], channel: str) -> str:
        message = self._client.session.msg(kind, content)
        to = getattr(self._client, f"{channel}_channel")
        to.send(message)
        # The client bypasses the asynchronous socket, which may then miss that there is something
        # to read. Reading its events wakes it.
        to.socket.get(zmq.EVENTS)
        return str(message["header"]["msg_id"])

    async def _listen(self, channel: str, receive: Callable[[], Awaitable[Message]]) -> None:
        while True:
            try:
                message = await receive()
            except ValueError as error:
                # This kernel has not signed the message.
                self._client.log.warning("Ignored an invalid message from the kernel: %s", error)
                continue
            if channel == "iopub":
                self._iopub_ready.set()
            request = (message.get("parent_header") or {}).get("msg_id", "")
            if channel == "shell" and request == self._info_request:
                self._info_request = None
            queue = self._queues.get(request)
            if queue is not None:
                queue.put_nowait((channel, message))


class Kernel:
    """Kernel of the server. ``execution_lock`` is held by the execution that runs on it."""

    def __init__(self, kernels: Any, identifier: str) -> None:
        self.id = identifier
        self.execution_lock = asyncio.Lock()
        self.done: deque[str] = deque(maxlen=MAX_LOST_EXECUTIONS)
        """The executions whose effects its process holds in memory."""
        self.sessions: set[str] = set()
        """The message sessions of this API's own connections."""
        self.on_memory_limit: Callable[[MLWSError], None] | None = None
        """Stops the running call when it exceeds the memory limit."""
        self._kernels = kernels
        self._connection: Connection | None = None
        self._process: int | None = process_of(self.manager) if self.there else None
        self._lost_executions: tuple[int | None, list[str]] = (None, [])

    @property
    def there(self) -> bool:
        """True while the server still has the kernel."""
        return self.id in self._kernels

    @property
    def manager(self) -> Any:
        """Jupyter's own manager of the kernel."""
        return self._kernels.get_kernel(self.id)

    @property
    def language(self) -> str:
        """Programming language of the kernel, in lower case."""
        spec = self._kernels.get_kernel(self.id).kernel_spec
        return str(spec.language).lower() if spec else ""

    @property
    def publishes_in_order(self) -> bool:
        """True if no output of an execution follows its idle status."""
        return self.language in ORDERED_LANGUAGES

    @property
    def has_debugger(self) -> bool:
        """True if its specification says so; JupyterLab reads it there, too.

        What the kernel replies itself is no help: ipykernel's base class claims a debugger for the
        kernels of all languages that are made with it.
        """
        spec = self._kernels.get_kernel(self.id).kernel_spec
        return bool(spec and spec.metadata.get("debugger"))

    async def connect(self) -> Connection:
        """Return the connection to the current process; KernelStartError if it does not respond."""
        current = self._connection
        if current is not None:
            if self.there and process_of(current.kernel) == current.process:
                return current
            await self.close()
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT
        code: int | None = None
        while self.there and asyncio.get_running_loop().time() < deadline:
            connection = Connection(self._kernels.get_kernel(self.id))
            self.set_process(connection.process)
            self.sessions.add(connection.session)
            if await connection.open(lambda: self.there, deadline):
                self._connection = connection
                return connection
            code = exit_code(connection.kernel)
            await connection.close()
        reason = (
            TIMED_OUT.fill(seconds=START_TIMEOUT) if self.there else PROCESS_EXITED.fill(code=code)
        )
        raise KernelStartError(kernel=self.id, reason=reason)

    def set_process(self, process: int | None) -> None:
        """Set the current process; the state in memory of another one is lost."""
        if process != self._process:
            self.mark_lost(self._process)
        self._process = process

    def remember(self, execution: str, process: int | None) -> None:
        """Record an execution that succeeded in that process."""
        if process == self._process:
            self.done.append(execution)
        elif process == self._lost_executions[0]:
            self._lost_executions[1].append(execution)

    def mark_lost(self, process: int | None) -> list[str]:
        """Return the executions whose effects ended with that process; repeatable."""
        if self._lost_executions[0] != process:
            self._lost_executions = (process, list(self.done))
            self.done.clear()
        return self._lost_executions[1]

    async def interrupt(self) -> None:
        """Interrupt the running code, as Ctrl-C does."""
        await _maybe_await(self._kernels.interrupt_kernel(self.id))

    async def restart(self) -> None:
        """End the process and start another; return before that one responds."""
        result = await _maybe_await(self._kernels.restart_kernel(self.id, now=True))
        if isinstance(result, asyncio.Future):
            # The next connection shows whether it replies; the server logs that too.
            result.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def revive(self, before: Connection) -> bool:
        """Wait for the restarter after a crash, or restart; return True if the kernel runs."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RESTART_TIMEOUT
        while self.there and loop.time() < deadline:
            back = process_of(before.kernel) != before.process
            if back and not before.kernel.shutting_down and await before.kernel.is_alive():
                # The restarter keeps the state, and does not watch the new process.
                self._kernels.stop_watching_activity(self.id)
                self._kernels.get_kernel(self.id).execution_state = "starting"
                self._kernels.start_watching_activity(self.id)
                return True
            await asyncio.sleep(0.05)
        if self.there:
            await self.restart()
        return self.there

    async def close(self) -> None:
        """Close the connection; the kernel keeps running."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


class KernelPool:
    """The kernels that executions use.

    Notebooks may share a kernel; their executions then wait for each other.
    """

    def __init__(self, kernels: Any) -> None:
        self._manager = kernels
        self._kernels: dict[str, Kernel] = {}

    async def of(self, identifier: str) -> Kernel:
        """Return the kernel with that id, and close the connections of kernels that are gone."""
        for stale_kernel in [kernel for kernel in self._kernels.values() if not kernel.there]:
            await self._kernels.pop(stale_kernel.id).close()
        if identifier not in self._kernels:
            self._kernels[identifier] = Kernel(self._manager, identifier)
        return self._kernels[identifier]

    async def close(self) -> None:
        """Close the connections; the server owns the kernels."""
        for kernel in self._kernels.values():
            await kernel.close()
        self._kernels.clear()


def kernel_program(kernel: Any) -> Program | None:
    """Return the program that runs a kernel manager's kernel; None if it is unknown."""
    try:
        first = str(kernel.kernel_spec.argv[0])
    except (AttributeError, IndexError, NoSuchKernel):
        return None
    with suppress(OSError):
        # What its specification starts may have become another program.
        words = Path(f"/proc/{process_of(kernel)}/cmdline").read_bytes().split(b"\0")
        first = os.fsdecode(words[0]) or first
    if re.fullmatch(r"python(\d(\.\d+)?)?", first):
        # As Jupyter starts it: with the Python of the server.
        first = sys.executable
    path = shutil.which(first)
    return None if path is None else program_of(path, "/", os.environ.get("PATH", ""))


def process_of(kernel: Any) -> int | None:
    """Return the pid of a kernel manager's process; None if it is not on this machine."""
    pid: int | None = getattr(kernel.provisioner, "pid", None)
    return pid


def exit_code(kernel: Any) -> int | None:
    """Return the exit code of a kernel's process.

    None while it runs, and for a process that another server started, whose exit code is unknown
    here.
    """
    process = getattr(kernel.provisioner, "process", None)
    if isinstance(process, AdoptedProcess):
        return None
    code: int | None = process.poll() if process is not None else None
    return code


async def _maybe_await(answer: Any) -> Any:
    """Return the result of a manager's method, whether it is asynchronous or not."""
    return await answer if isinstance(answer, Awaitable) else answer
