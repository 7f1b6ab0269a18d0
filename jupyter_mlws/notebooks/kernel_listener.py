"""Listener of one kernel, for executions that were not requested by this API.

JupyterLab's tabs and other clients communicate with kernels directly. Their executions are read
from the messages that a kernel sends to all clients; nothing is requested from the kernel.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from jupyter_client.session import DELIM, Session

from jupyter_mlws.core.errors import ExecutionCanceledError, KernelDiedError
from jupyter_mlws.notebooks.execution_limits import ExecutionLimits
from jupyter_mlws.notebooks.history import (
    ExecutionStart,
)
from jupyter_mlws.notebooks.kernel_input import KernelInput
from jupyter_mlws.notebooks.kernels import (
    LATE_OUTPUT_INTERVAL,
    MAX_LATE_OUTPUT_DURATION,
    Kernel,
    exit_code,
    kernel_program,
    process_of,
)
from jupyter_mlws.notebooks.memory import MemoryLimits
from jupyter_mlws.notebooks.message_sources import OWN_CONNECTION, MessageSources
from jupyter_mlws.notebooks.models import ExecutionStatus, LiveExecution, Origin
from jupyter_mlws.notebooks.outputs import Message
from jupyter_mlws.notebooks.recording import NotebookContext, Recording
from jupyter_mlws.notebooks.tab_executions import (
    ExecuteRequestInfo,
    ExpectedRequests,
    RunningExecution,
)
from jupyter_mlws.notebooks.unattended import UnattendedOutputs
from mlws.core.errors import MLWSError

TAB_FALLBACK_DURATION = 2.0
"""Seconds after the first own message in which messages that tabs receive are processed too."""


class WorkQueue:
    """Work that is done in order of arrival; an error ends one piece, not the rest."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._queue: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._worker = asyncio.create_task(self._run())

    def add(self, work: Callable[[], Awaitable[None]]) -> None:
        self._queue.put_nowait(work)

    async def settled(self) -> None:
        """Wait until all work that was added so far is done."""
        marker = asyncio.Event()

        async def mark() -> None:
            marker.set()

        self.add(mark)
        await marker.wait()

    async def close(self) -> None:
        self._worker.cancel()
        await asyncio.gather(self._worker, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            work = await self._queue.get()
            try:
                await work()
            except Exception as error:  # noqa: BLE001  the edge: the next work is done
                asyncio.get_running_loop().call_exception_handler(
                    {"message": self._fault, "exception": error}
                )
            # Let other tasks run even if a kernel writes without end.
            await asyncio.sleep(0)


class KernelListener:
    """Records what one kernel executes for other clients. Must be used on the event loop.

    ``sessions`` counts the connections of each tab's session; ``requests`` is the file for their
    requests. With ``start_paused``, messages are buffered until :meth:`replay`.
    """

    def __init__(
        self,
        kernel: Kernel,
        recording: Recording,
        limits: MemoryLimits,
        sessions: Counter[str],
        requests: Path | None = None,
        *,
        start_paused: bool = False,
    ) -> None:
        self.kernel = kernel
        self._sessions = sessions
        self._unattended = UnattendedOutputs(recording, self._is_attended)
        self._manager = kernel.manager
        self._recording = recording
        self._session = Session(config=self._manager.session.config, key=self._manager.session.key)
        self._expected_requests = ExpectedRequests(requests)
        self._open_requests: set[str] = set()
        self._paused_messages: list[list[bytes]] | None = [] if start_paused else None
        self._running: dict[str, RunningExecution] = {}
        self._recorded_requests: set[str] = set()
        self._work = WorkQueue(f"kernel {kernel.id}: a message is lost")
        self._queue = self._work.add
        self._process = process_of(self._manager)
        self._stream = self._manager.connect_iopub()
        self._stream.on_recv(self._on_message)
        # A kernel that is taken over was started earlier.
        self._synced_at = 0.0 if start_paused else float("inf")
        self._sources = MessageSources()
        self.limits = ExecutionLimits(kernel, limits, self._running, recording, self._queue)
        self.input = KernelInput(self._session, self._manager, self._running, recording)
        self._manager.add_restart_callback(self._on_process_exit)
        self._manager.add_restart_callback(self._on_process_exit, "dead")

    @property
    def process(self) -> str:
        """Identifier of the kernel's process in the history."""
        return f"{self.kernel.id}:{self._process}"

    def expect(self, tab_request: ExecuteRequestInfo) -> None:
        """Register an execution that a tab requests."""
        self._expected_requests.add(tab_request)

    def handle_tab_message(self, tab: str, frames: list[bytes]) -> None:
        """Process a message that a tab receives.

        A kernel that has just started may answer the tab before its messages arrive here, because
        this connection is re-established only some time later.
        """
        if not self._is_synced() or any(
            self._sources.of(one) == tab for one in self._open_requests
        ):
            self._handle_frames(frames, tab)

    # Tabs

    @property
    def is_busy(self) -> bool:
        """True while code of any client but this API runs or waits."""
        return bool(self._running or self._open_requests or self._expected_requests.all())

    def handle_tab_closed(self, tab: str) -> None:
        """Process what the own connection has received and that tab has not."""
        for frames in self._sources.remove_tab(tab):
            self._handle_frames(frames, OWN_CONNECTION)

    def session_ended(self, session: str, stdin: Any) -> bool:
        """Handle that a tab is gone; return True if its `stdin` is kept, for requests for input."""
        self._queue(self._remember_file)
        if not self.is_busy or stdin is None or stdin.closed():
            return False
        self.input.keep(session, stdin, self.handle_input_request)
        return True

    def handle_input_request(self, frames: list[bytes]) -> None:
        """Handle the request of running code for input, which only its tab receives."""
        self._queue(partial(self.input.handle_request, frames))

    def attach(self, notebook: str, session: str, waiting: list[str]) -> list[LiveExecution]:
        """Return what a tab shows of executions that it did not request, or missed.

        These are the running executions, those that ended while no tab was there, and those that
        it is ``waiting`` for. Those that no other tab is responsible for are now its own, if it is
        connected to the kernel.
        """
        is_connected = self._is_attended(session)
        live = [
            ended.live(is_owned=is_owned)
            for ended, is_owned in self._unattended.take(
                notebook, waiting, session if is_connected else None
            )
        ]
        for going in self._running.values():
            if going.execution.notebook == notebook and going.execution.cell is not None:
                if is_connected and not self._is_attended(going.owner):
                    going.owner = session
                live.append(going.live(is_owned=is_connected and going.owner == session))
        return live

    @property
    def queued_cells(self) -> list[str]:
        """The cells that tabs requested and the kernel has not begun, in order."""
        return [
            one.cell
            for one in self._expected_requests.all()
            if one.cell is not None and one.request not in self._running
        ]

    def _is_attended(self, owner: str | None) -> bool:
        return owner is not None and self._sessions[owner] > 0

    async def _remember_file(self) -> None:
        context = await self._recording.context_of(self.kernel.id)
        if context is not None:
            await self._unattended.tab_left(context)

    def file_saved(self, path: str) -> None:
        """Handle that a client has saved the document at ``path``."""
        self._queue(partial(self._unattended.file_saved, path))

    # Kernel

    def restarted(self) -> None:
        """Cancel the running executions after a restart of the kernel."""
        self._synced_at = float("inf")
        error = ExecutionCanceledError(by="restart")
        self._queue(lambda: self._end_all(ExecutionStatus.CANCELLED, error))

    async def take_over(self, context: NotebookContext) -> None:
        """Resume the executions that were running when the previous server was killed."""
        for execution in await asyncio.to_thread(context.history.successes, self.process):
            self.kernel.done.append(execution.id)
        self._recorded_requests = await asyncio.to_thread(context.history.requests, self.kernel.id)
        for tab_request in self._expected_requests.all():
            if tab_request.request in self._recorded_requests:
                self._expected_requests.remove(tab_request.request)
        await self._unattended.take_over(context, self.kernel.id)
        for orphan in await asyncio.to_thread(context.history.claim, self.kernel.id):
            record = orphan.execution
            request = record.message or record.id
            self._recorded_requests.discard(request)
            self._running[request] = RunningExecution(
                record, context, orphan.started, orphan=orphan
            )
            self.limits.meter.begin(request, self._process)

    async def replay(self, messages: Iterable[list[bytes]]) -> None:
        """Process the messages that the kernel sent while there was no server.

        Executions of :meth:`take_over` that do not occur in them are lost: they never reached the
        kernel, or their end was not recorded.
        """
        aside, self._paused_messages = self._paused_messages or [], None
        requests, signatures = set(), set()
        for frames in chain(messages, aside):
            with suppress(ValueError, TypeError, IndexError):
                # The recorder and this listener may both have a message: signatures are unique.
                signature = bytes(frames[frames.index(DELIM) + 1])
                if signature not in signatures:
                    signatures.add(signature)
                    requests.add(self._read_message(frames))
        for request, going in list(self._running.items()):
            if going.orphan is not None and request not in requests:
                self._queue(partial(self._finish, request, ExecutionStatus.LOST, None))
            elif going.execution.deadline is not None:
                self.limits.start_timer(request, going, going.execution.deadline - time.time())
        await self.settled()
        if self._running:
            self._manager.execution_state = "busy"

    async def close(self) -> None:
        """Stop listening; what running executions have printed is kept, as at their end."""
        with suppress(KeyError, ValueError):
            self._manager.remove_restart_callback(self._on_process_exit)
            self._manager.remove_restart_callback(self._on_process_exit, "dead")
        if not self._stream.closed():
            self._stream.close()
        self.input.close()
        await self.settled()
        await self._end_all(ExecutionStatus.LOST, ExecutionCanceledError(by="stop"))
        await self._unattended.close()
        await self.limits.close()
        await self._work.close()

    async def settled(self) -> None:
        """Wait until all messages that arrived so far are stored."""
        await self._work.settled()

    # Messages

    def _on_message(self, frames: list[bytes]) -> None:
        if self._synced_at == float("inf"):
            self._synced_at = time.monotonic() + TAB_FALLBACK_DURATION
        if self._paused_messages is not None:
            self._paused_messages.append(frames)
        else:
            self._handle_frames(frames, OWN_CONNECTION)

    def _is_synced(self) -> bool:
        return time.monotonic() >= self._synced_at

    def _handle_frames(self, frames: list[bytes], by: str) -> None:
        with suppress(ValueError, TypeError):
            # Ignore messages that this kernel has not signed.
            self._read_message(frames, by)

    def _read_message(self, frames: list[bytes], by: str = OWN_CONNECTION) -> str | None:
        """Process one message; return the id of its execute request, None for other messages."""
        _, parts = self._session.feed_identities(frames)
        message = self._session.deserialize(parts, content=False)
        parent = message.get("parent_header") or {}
        request, kind = str(parent.get("msg_id", "")), message["header"]["msg_type"]
        if parent.get("msg_type") != "execute_request":
            return None
        if parent.get("session") in self.kernel.sessions:
            return None
        if request in self._recorded_requests:
            # The recorder also stored executions that ended before the server was killed.
            return request
        is_start, identifier = kind == "execute_input", str(message["header"]["msg_id"])
        if not self._sources.accepts(request, identifier, frames, by, is_start=is_start):
            return request
        if kind == "execute_input":
            self._open_requests.add(request)
            self.limits.meter.begin(request, process_of(self._manager))
        elif kind == "status" and self._is_synced() and request not in self._open_requests:
            state = self._session.unpack(message["content"])["execution_state"]
            if state == "idle":
                # Aborted, because an earlier request failed.
                self._expected_requests.remove(request)
        if request in self._open_requests or request in self._running:
            message["content"] = self._session.unpack(message["content"])
            self._queue(partial(self._handle_message, request, message))
        return request

    async def _handle_message(self, request: str, message: Message) -> None:
        kind, content = message["header"]["msg_type"], message["content"]
        going = self._running.get(request)
        if kind == "execute_input":
            if going is None:
                await self._begin(request, content)
            else:
                going.count = content.get("execution_count")
            return
        if going is None:
            return
        if kind == "status":
            if content["execution_state"] == "idle":
                going.idle_at = time.time()
                if self.kernel.publishes_in_order:
                    await self._finish(request, *going.end())
                else:
                    self._finish_after_outputs(request, going, going.idle_at)
            return
        if kind == "error":
            going.error = content
        event = going.outputs.take(message)
        if event is not None:
            going.publish(self._recording, event)
        if going.idle_at is not None:
            self._finish_after_outputs(request, going, going.idle_at)

    def _finish_after_outputs(self, request: str, going: RunningExecution, idle_at: float) -> None:
        """Finish an execution when no output has arrived for a while after its idle status."""
        if going.timer is not None:
            going.timer.cancel()
        remaining = max(0.0, idle_at + MAX_LATE_OUTPUT_DURATION - time.time())
        going.timer = asyncio.get_running_loop().call_later(
            min(remaining, LATE_OUTPUT_INTERVAL),
            lambda: self._queue(lambda: self._finish(request, *going.end())),
        )

    async def _begin(self, request: str, content: dict[str, Any]) -> None:
        self._process = process_of(self._manager)
        self.kernel.set_process(self._process)
        await self._record_start(request, content)

    async def _record_start(self, request: str, content: dict[str, Any]) -> None:
        context = await self._recording.context_of(self.kernel.id)
        if context is None:
            self._open_requests.discard(request)
            self._expected_requests.remove(request)
            self.limits.meter.end(request)
            return
        tab_request = self._expected_requests.get(request)
        timeout = self._recording.timeout_of(context.notebook)
        execution = ExecutionStart(
            id=request,
            request=request,
            notebook=context.notebook,
            path=context.path,
            cell=tab_request.cell if tab_request else None,
            source=content["code"],
            origin=Origin.LAB if tab_request else Origin.CLIENT,
            kernel=self.kernel.id,
            process=self.process,
            program=kernel_program(self._manager),
            message=request,
            snapshot=await self._recording.commit_of(context.path),
            deadline=None if timeout is None else time.time() + timeout,
        )
        owner = tab_request.session if tab_request else None
        going = RunningExecution(
            execution, context, time.time(), owner, count=content.get("execution_count")
        )
        self._running[request] = going
        self.limits.check_memory(request)
        await asyncio.to_thread(context.history.begin, execution)
        self._expected_requests.remove(request)
        if timeout is not None:
            self.limits.start_timer(request, going, timeout)
        going.publish_status(self._recording, ExecutionStatus.RUNNING, None)

    async def _finish(self, request: str, status: ExecutionStatus, error: MLWSError | None) -> None:
        going = self._running.pop(request, None)
        self._open_requests.discard(request)
        usage = self.limits.meter.end(request)
        if not self._open_requests:
            self.input.close_kept()
        if going is None:
            return
        if going.timer is not None:
            going.timer.cancel()
        execution = going.execution
        if error is not None:
            error = error.with_facts(cell=execution.cell)
        outcome = going.outcome(status, error, usage.peak if usage else None)
        if status is ExecutionStatus.SUCCESS:
            self.kernel.remember(execution.id, self._process)
        is_of_tab = (
            execution.origin is Origin.LAB
            and execution.cell is not None
            and not self._recording.server.keeps_outputs_itself
        )
        if is_of_tab:
            # At once: a tab that attaches meanwhile must find it here, where it no longer runs.
            self._unattended.add(execution, outcome, going.owner)
        await asyncio.to_thread(
            going.context.history.end,
            execution.id,
            outcome,
            outputs=is_of_tab or going.orphan is not None,
        )
        if going.orphan is not None:
            await self._recording.save_orphan(going.context, going.orphan)
        self._recording.ended(execution, outcome)
        going.publish_status(self._recording, status, outcome)

    # Death

    def _on_process_exit(self) -> None:
        """Handle the end of the process; Jupyter's restarter starts another one after this."""
        self._synced_at = float("inf")
        # Messages about its last request may be processed when the next process runs already.
        self._queue(partial(self._record_death, exit_code(self._manager), self._process))

    async def _record_death(self, code: int | None, process: int | None) -> None:
        unreported = self._expected_requests.all()
        if unreported and not self._running:
            # A process that dies may lose its last messages: it ran the first of the open requests.
            first = unreported[0]
            await self._record_start(first.request, {"code": first.code})
        for tab_request in unreported:
            self._expected_requests.remove(tab_request.request)
        lost_ids = self.kernel.mark_lost(process)
        error = KernelDiedError(exit_code=code, restarted=True, lost=lost_ids)
        await self._end_all(ExecutionStatus.ERROR, error)
        context = await self._recording.context_of(self.kernel.id)
        if context is None:
            return
        rows = await asyncio.to_thread(context.history.get_many, context.notebook, lost_ids)
        cells = list(dict.fromkeys(row.cell for row in rows if row.cell))
        self._recording.stream_of(context.notebook).publish(
            {"type": "death", "exit_code": code, "lost": lost_ids, "cells": cells}
        )

    async def _end_all(self, status: ExecutionStatus, error: MLWSError) -> None:
        for request, going in list(self._running.items()):
            if going.idle_at is not None:
                await self._finish(request, *going.end())
            elif going.stopped_by is None:
                await self._finish(request, status, error)
            else:
                final_status, reason = going.end()
                restarted = reason and reason.with_facts(restarted=True)
                await self._finish(request, final_status, restarted)
