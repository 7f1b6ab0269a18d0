"""Runtime of one notebook: its queue of calls, its session and kernel, and its events."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_mlws.core.errors import (
    CodeFailedError,
    ExecutionCanceledError,
    InternalError,
    KernelDiedError,
    KernelStartError,
    NotebookItemNotFoundError,
    of_system,
)
from jupyter_mlws.notebooks.documents import code_cells
from jupyter_mlws.notebooks.execution import Outcome, Run
from jupyter_mlws.notebooks.history import (
    ExecutionStart,
    History,
    to_datetime,
    to_execution_error,
)
from jupyter_mlws.notebooks.kernel_listeners import KernelListeners
from jupyter_mlws.notebooks.kernels import Connection, Kernel, kernel_program
from jupyter_mlws.notebooks.models import (
    CellExecuteRequest,
    CodeWarning,
    Execution,
    ExecutionOutput,
    ExecutionResult,
    ExecutionStatus,
    NotebookStatus,
)
from jupyter_mlws.notebooks.outputs import Event, OutputRate, stdout
from jupyter_mlws.notebooks.policy import CodeCheck, refusal
from jupyter_mlws.notebooks.recording import Recording
from jupyter_mlws.notebooks.server import Document
from jupyter_mlws.notebooks.syntax import find_syntax_error, is_rejected_by_kernel
from mlws.core.errors import MLWSError

MAX_FINISHED_CALLS = 30
"""Finished calls of a notebook whose outputs are kept in memory."""
INTERRUPTIBLE_TIMEOUT = 1.0
"""Seconds to wait for code to start in the kernel, before the kernel is interrupted."""
_STOPPED = (ExecutionStatus.CANCELLED, ExecutionStatus.LOST)
Session = dict[str, Any]
_NOTEBOOK_STATUSES = {
    "busy": NotebookStatus.BUSY,
    "starting": NotebookStatus.STARTING,
    "restarting": NotebookStatus.STARTING,
    "dead": NotebookStatus.DEAD,
}
"""Status of a notebook by the state that the server reports of its kernel; others are IDLE."""


@dataclass
class CellExecution:
    """One piece of code of a call."""

    cell: str | None
    source: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: ExecutionStatus = ExecutionStatus.QUEUED
    started: float | None = None
    outcome: Outcome | None = None

    @property
    def ran(self) -> bool:
        """True if its code reached the kernel."""
        return self.outcome is not None and self.started is not None


@dataclass
class Job:
    """One execute call."""

    notebook: str
    request: CellExecuteRequest
    path: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    again: Sequence[str] = ()
    pieces: list[CellExecution] = field(default_factory=list)
    warnings: list[CodeWarning] = field(default_factory=list)
    snapshot: str | None = None
    status: ExecutionStatus = ExecutionStatus.QUEUED
    error: MLWSError | None = None
    saved: bool | None = None
    save_error: MLWSError | None = None
    cancelled: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, document: Document) -> None:
        """Read the code from the current document; unchanged cells keep their execution ids."""
        before, self.pieces = self.pieces, pieces_of(self.request, document, self.again)
        if self.request.code is not None:
            self.pieces[0].id = self.id
        elif [piece.cell for piece in before] == [piece.cell for piece in self.pieces]:
            for old, new in zip(before, self.pieces, strict=True):
                new.id = old.id

    def result(self) -> ExecutionResult:
        """Return the result so far."""
        parts = [
            ExecutionOutput(
                **dict(self.execution(piece)),
                outputs=piece.outcome.outputs if piece.outcome else [],
            )
            for piece in self.pieces
        ]
        outcomes = [piece.outcome for piece in self.pieces if piece.outcome is not None]
        outputs = [output for part in parts for output in part.outputs]
        start_times = [piece.started for piece in self.pieces if piece.started is not None]
        took = [outcome.duration for outcome in outcomes if outcome.duration is not None]
        return ExecutionResult(
            id=self.id,
            notebook_id=self.notebook,
            status=self.status,
            output=stdout(outputs),
            outputs=outputs,
            execution_count=next((o.count for o in reversed(outcomes) if o.count), None),
            started=to_datetime(start_times[0]) if start_times else None,
            duration=round(sum(took), 3) if took else None,
            error=to_execution_error(self.error),
            truncated=any(outcome.truncated for outcome in outcomes),
            warnings=self.warnings,
            saved=self.saved,
            save_error=to_execution_error(self.save_error),
            executions=parts,
        )

    def execution(self, piece: CellExecution) -> Execution:
        """Return one of its pieces as an execution."""
        outcome = piece.outcome
        return Execution.from_object(
            piece,
            request=self.id,
            notebook_id=self.notebook,
            path=self.path,
            started=to_datetime(piece.started),
            duration=outcome.duration if outcome else None,
            execution_count=outcome.count if outcome else None,
            error=to_execution_error(outcome.error) if outcome else None,
            memory=outcome.memory if outcome else None,
            snapshot=self.snapshot,
        )


class NotebookRuntime:
    """Runs the calls of one notebook in order.

    To be used on the event loop only.
    """

    def __init__(
        self,
        identifier: str,
        recording: Recording,
        listeners: KernelListeners,
        check: CodeCheck,
    ) -> None:
        self.id = identifier
        self.stream = recording.stream_of(identifier)
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self.running: tuple[Job, CellExecution | None] | None = None
        self.last: tuple[Job, CellExecution] | None = None
        self._recording = recording
        self._server = recording.server
        self._histories = recording.histories
        self._listeners = listeners
        self._check = check
        self._input_connection: Connection | None = None
        self._interruptible: asyncio.Event | None = None
        self._submit_lock = asyncio.Lock()
        self._run_lock = asyncio.Lock()
        self.session: str | None = None
        self._last_status: NotebookStatus | None = None
        self.current_status: NotebookStatus | None = None
        self.dead = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    # Calls

    async def submit(self, request: CellExecuteRequest) -> Job:
        """Queue a call.

        Raises NotebookItemNotFoundError for a cell that does not exist, NotebookUnreadableError for
        a broken document.
        """
        async with self._submit_lock:
            path = await self._server.path_of(self.id)
            again = await self._previous_cells(path) if request.up_to is not None else ()
            job = Job(self.id, request, path, again=again)
            job.ask(await self._server.read(path))
            await self._record_queued(job)
            self.jobs[job.id] = job
            finished = [name for name, one in self.jobs.items() if one.ended.is_set()]
            for name in finished[: max(0, len(finished) - MAX_FINISHED_CALLS)]:
                del self.jobs[name]
            self._publish_job(job)
            task = asyncio.create_task(self._process_job(job))
            self._tasks[job.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(job.id, None))
            return job

    def cancel(self, *, include_queued: bool) -> None:
        """Cancel the rest of the running call and, with ``include_queued``, all queued calls."""
        running = self.running[0] if self.running else None
        for identifier, task in list(self._tasks.items()):
            job = self.jobs[identifier]
            if job is running:
                job.cancelled = True
            elif include_queued:
                job.cancelled = True
                task.cancel()

    async def wait_until_interruptible(self) -> None:
        """Wait until the running code can be interrupted.

        The wait is limited, because the kernel may be busy with other code.
        """
        if self._interruptible is not None:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._interruptible.wait(), INTERRUPTIBLE_TIMEOUT)

    @property
    def queued(self) -> list[Job]:
        """The queued calls, in order."""
        running = self.running[0] if self.running else None
        return [job for job in map(self.jobs.__getitem__, self._tasks) if job is not running]

    async def settled(self) -> None:
        """Wait until all calls have ended."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """End all calls; the running execution is lost."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def answer(self, value: str) -> None:
        """Answer the input request of the running code.

        Raises NotebookItemNotFoundError if there is none.
        """
        if self._input_connection is None:
            raise NotebookItemNotFoundError(kind="question", name=self.id)
        connection, self._input_connection = self._input_connection, None
        connection.answer(value)

    async def needs(self, cell: str) -> list[str]:
        """Return the cells that a call up to ``cell`` would run.

        Raises NotebookItemNotFoundError for a cell that does not exist.
        """
        path = await self._server.path_of(self.id)
        request = CellExecuteRequest(up_to=cell)
        pieces = pieces_of(request, await self._server.read(path), await self._previous_cells(path))
        return [piece.cell for piece in pieces if piece.cell is not None]

    async def _previous_cells(self, path: str) -> list[str]:
        """Return the cells that succeeded in the last kernel process that ran any, in that order.

        The current process counts only if there was none before: its state still exists.
        """
        history = await asyncio.to_thread(self._histories.of, path)
        session = session_of(path, await self._server.sessions(), self)
        listener = self._listeners.of(session["kernel"]["id"]) if session else None
        processes = await asyncio.to_thread(history.processes, self.id)
        now = listener.process if listener else None
        before = [process for process in processes if process != now] or processes
        executions = await asyncio.to_thread(history.successes, before[0]) if before else []
        # Of several executions of a cell, the last one counts.
        cells = [
            row.cell for row in executions if row.cell is not None and row.notebook_id == self.id
        ]
        return list(dict.fromkeys(reversed(cells)))[::-1]

    # Session and kernel

    async def kernel(self, path: str, document: Document) -> Kernel:
        """Return the kernel of the notebook's session; start one if there is none."""
        session = session_of(path, await self._server.sessions(), self)
        if session is None:
            self._set_status(NotebookStatus.STARTING)
            spec = document.content.get("metadata", {}).get("kernelspec", {})
            name = spec.get("name") or self._server.default_kernel
            session = await self._server.open_session(path, name)
        elif session["path"] != path:
            await self._server.move_session(session["id"], path)
        self.session = session["id"]
        self.dead = False
        return await self._listeners.pool.of(session["kernel"]["id"])

    # The work

    async def _process_job(self, job: Job) -> None:
        try:
            async with self._run_lock:
                self.running = (job, None)
                await self._execute(job)
        except MLWSError as error:
            self.dead = isinstance(error, KernelStartError)
            await self._close(job, ExecutionStatus.ERROR, error)
        except asyncio.CancelledError:
            if not job.cancelled:
                # Queued executions stay in the history, for the next server.
                self._end(job, ExecutionStatus.LOST, ExecutionCanceledError(by="stop"))
                raise
            await self._close(job, ExecutionStatus.CANCELLED, ExecutionCanceledError(by="request"))
        except Exception as error:  # noqa: BLE001  the edge: a fault of ours ends the call, too
            failure = of_system(error) or InternalError(id=job.id)
            self._end(job, ExecutionStatus.ERROR, failure)
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"execution {job.id} failed", "exception": error}
            )

    async def _execute(self, job: Job) -> None:
        job.path = path = await self._server.path_of(self.id)
        document = await self._server.read(path)
        # Read again: earlier calls may have changed the document.
        before = [(piece.id, piece.source) for piece in job.pieces]
        job.ask(document)
        if before != [(piece.id, piece.source) for piece in job.pieces]:
            await self._record_queued(job)
        history = await asyncio.to_thread(self._histories.of, path)
        job.snapshot = await self._recording.commit_of(path)
        kernel = await self.kernel(path, document)
        async with kernel.execution_lock:
            connection = await kernel.connect()
            await self._listeners.attach(kernel.id)
            self._set_status(NotebookStatus.BUSY)
            job.status = ExecutionStatus.RUNNING
            self._publish_job(job)
            is_accepted = await self._check_code(job, kernel, connection, history)
            for piece in job.pieces if is_accepted else ():
                if job.cancelled:
                    break
                outcome = await self._run(job, piece, kernel, history, document)
                if outcome.status is ExecutionStatus.SUCCESS:
                    kernel.done.append(piece.id)
                elif job.request.stop_on_error or outcome.status in _STOPPED:
                    break
        if job.request.saves and any(piece.ran for piece in job.pieces):
            results = {
                piece.cell: (piece.outcome.outputs, piece.outcome.count)
                for piece in job.pieces
                if piece.ran and piece.cell is not None and piece.outcome is not None
            }
            try:
                await self._server.save_outputs(self.id, document, results)
                job.saved = True
            except MLWSError as error:
                job.saved, job.save_error = False, error
            if job.saved and document.shared is None:
                cells = [piece.cell for piece in job.pieces if piece.ran]
                self.stream.publish({"type": "saved", "request": job.id, "cells": cells})
        if any(piece.status is ExecutionStatus.LOST for piece in job.pieces):
            raise asyncio.CancelledError
        for piece in job.pieces:
            if piece.outcome is not None and piece.status is not ExecutionStatus.SUCCESS:
                await self._close(job, piece.status, piece.outcome.error)
                return
        if job.cancelled:
            await self._close(job, ExecutionStatus.CANCELLED, ExecutionCanceledError(by="request"))
        else:
            await self._close(job, ExecutionStatus.SUCCESS, None)

    async def _record_queued(self, job: Job) -> None:
        """Record the queued pieces in the history, in case the server is killed."""
        history = await asyncio.to_thread(self._histories.of, job.path)
        waiting = [self._execution_start(job, piece) for piece in job.pieces]
        await asyncio.to_thread(history.queue, job.id, waiting)

    async def _close(self, job: Job, status: ExecutionStatus, error: MLWSError | None) -> None:
        """End a call whose remaining pieces will not run."""
        if any(piece.outcome is None for piece in job.pieces):
            history = await asyncio.to_thread(self._histories.of, job.path)
            await asyncio.to_thread(history.unqueue, job.id)
        self._end(job, status, error)

    async def _check_code(
        self, job: Job, kernel: Kernel, connection: Connection, history: History
    ) -> bool:
        """Return True if all of the code may run; if one piece is refused, none of them runs."""
        if kernel.language != "python":
            return True
        for piece in job.pieces:
            fault = find_syntax_error(piece.source)
            if fault is not None and await is_rejected_by_kernel(connection, piece.source):
                error = CodeFailedError(
                    ename=type(fault).__name__,
                    evalue=fault.msg,
                    line=fault.lineno,
                    cell=piece.cell,
                    traceback=[],
                )
                await self._refuse(job, piece, error, history)
                return False
        for piece in job.pieces:
            findings = await self._check(piece.source, piece.cell)
            job.warnings.extend(findings)
            if findings and self._check.refuses:
                await self._refuse(job, piece, refusal(findings), history)
                return False
        return True

    async def _refuse(
        self, job: Job, piece: CellExecution, error: MLWSError, history: History
    ) -> None:
        await asyncio.to_thread(history.begin, self._execution_start(job, piece))
        await self._finish(job, piece, Outcome(ExecutionStatus.ERROR, error=error), history)

    async def _run(
        self, job: Job, piece: CellExecution, kernel: Kernel, history: History, document: Document
    ) -> Outcome:
        def on_event(event: Event) -> None:
            if event["type"] == "input":
                self._input_connection = connection
            for one in rate.pass_on(event):
                self.stream.publish(
                    {**one, "execution": piece.id, "request": job.id, "cell": piece.cell}
                )

        async def on_start(message: str) -> None:
            piece.started = time.time()
            piece.status = ExecutionStatus.RUNNING
            if listener is not None:
                listener.limits.meter.begin(piece.id, connection.process)
            timeout = job.request.timeout
            facts = replace(
                self._execution_start(job, piece),
                kernel=kernel.id,
                process=f"{kernel.id}:{connection.process}",
                program=kernel_program(connection.kernel),
                message=message,
                saves=document.hash if job.request.saves else None,
                deadline=None if timeout is None else piece.started + timeout,
            )
            # Stored before it is published, so that readers of the event find it in the history.
            await asyncio.to_thread(history.begin, facts)
            self._publish_execution(job, piece)

        self.running = (job, piece)
        connection = await kernel.connect()
        listener = self._listeners.of(kernel.id)
        rate = OutputRate()
        request = job.request
        run = Run(
            kernel,
            connection,
            piece.source,
            request.timeout,
            on_event,
            on_start,
            stdin=request.stdin,
        )
        kernel.on_memory_limit = run.stop
        self._interruptible = run.interruptible
        try:
            outcome = await run()
        except asyncio.CancelledError:
            if piece.started is None:
                raise
            # The server stops. The call ends when the outputs so far are saved.
            outcome = run.outcome(ExecutionStatus.LOST, ExecutionCanceledError(by="stop"))
        finally:
            kernel.on_memory_limit = None
            self._interruptible = None
            self._input_connection = None
            memory_usage = listener.limits.meter.end(piece.id) if listener is not None else None
        outcome = replace(outcome, memory=memory_usage.peak if memory_usage else None)
        if outcome.error is not None:
            outcome = replace(outcome, error=outcome.error.with_facts(cell=piece.cell))
        if isinstance(outcome.error, KernelDiedError):
            self.dead = not kernel.there
        await self._finish(job, piece, outcome, history)
        return outcome

    async def _finish(
        self, job: Job, piece: CellExecution, outcome: Outcome, history: History
    ) -> None:
        piece.outcome, piece.status = outcome, outcome.status
        self.last = (job, piece)
        await asyncio.to_thread(history.end, piece.id, outcome, outputs=True)
        self._recording.ended(self._execution_start(job, piece), outcome)
        self._publish_execution(job, piece)

    def _execution_start(self, job: Job, piece: CellExecution) -> ExecutionStart:
        return ExecutionStart(
            piece.id, job.id, self.id, job.path, piece.cell, piece.source, snapshot=job.snapshot
        )

    # Events

    def _end(self, job: Job, status: ExecutionStatus, error: MLWSError | None) -> None:
        if self.running is not None and self.running[0] is job:
            self.running = None
        job.status, job.error = status, error
        for piece in job.pieces:
            if not piece.status.ended:
                # A piece that ran ends as the call does.
                piece.status = status if piece.started else ExecutionStatus.CANCELLED
        self._publish_job(job)
        job.ended.set()
        if self.running is None:
            self.current_status = None
            self._publish_status(NotebookStatus.DEAD if self.dead else NotebookStatus.IDLE)

    def _set_status(self, status: NotebookStatus) -> None:
        self.current_status = status
        self._publish_status(status)

    def _publish_status(self, status: NotebookStatus) -> None:
        if status is not self._last_status:
            self._last_status = status
            self.stream.publish({"type": "status", "status": status.value})

    def _publish_job(self, job: Job) -> None:
        self.stream.publish(
            {
                "type": "request",
                "request": job.id,
                "status": job.status.value,
                "error": to_execution_error(job.error),
            }
        )

    def _publish_execution(self, job: Job, piece: CellExecution) -> None:
        execution = job.execution(piece)
        left_out = {"id", "request", "cell", "notebook_id", "path", "source", "error"}
        self.stream.publish(
            {
                "type": "execution",
                "execution": piece.id,
                "request": job.id,
                "cell": piece.cell,
                **execution.model_dump(mode="json", exclude=left_out),
                "error": execution.error,
            }
        )


def session_of(
    path: str, sessions: Sequence[Session], runtime: NotebookRuntime | None
) -> Session | None:
    """Return a notebook's session, even if it was started before the notebook was renamed."""
    here = next((session for session in sessions if session["path"] == path), None)
    if here is not None or runtime is None:
        return here
    return next((session for session in sessions if session["id"] == runtime.session), None)


def status_of(session: Session | None, runtime: NotebookRuntime | None) -> NotebookStatus:
    """Return the state of a notebook, by its calls or else by the state that its kernel reports."""
    if runtime is not None and runtime.current_status is not None:
        return runtime.current_status
    if session is None:
        dead = runtime is not None and runtime.dead
        return NotebookStatus.DEAD if dead else NotebookStatus.IDLE
    return _NOTEBOOK_STATUSES.get(session["kernel"]["execution_state"], NotebookStatus.IDLE)


def pieces_of(
    request: CellExecuteRequest, document: Document, again: Sequence[str]
) -> list[CellExecution]:
    """Return the code that a call asks for.

    Raises NotebookItemNotFoundError for a code cell that does not exist.

    ``again``: the cells that ran before, for a call with ``up_to``.
    """
    if request.code is not None:
        return [CellExecution(None, request.code)]
    sources = code_cells(document.content)
    cells = request.cells
    if request.up_to is not None:
        cells = up_to(request.up_to, list(sources), again)
    for identifier in cells or ():
        if identifier not in sources:
            raise NotebookItemNotFoundError(kind="code cell", name=identifier)
    cells = list(sources) if cells is None else cells
    return [CellExecution(name, sources[name]) for name in cells if sources[name].strip()]


def up_to(cell: str, there: Sequence[str], ran: Sequence[str]) -> list[str]:
    """Return the cells that ran before ``cell``, in that order, then the cell itself.

    Cells that were removed since are left out. Without any history, these are the cells above
    it.
    """
    preceding_cells = [name for name in dict.fromkeys(ran) if name in there and name != cell]
    if not preceding_cells and cell in there:
        preceding_cells = list(there[: there.index(cell)])
    return [*preceding_cells, cell]
