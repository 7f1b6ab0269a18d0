"""One kernel as it is seen from beside: what others than this API have it execute.

JupyterLab's tabs and other clients speak with kernels themselves. What they have executed is read
from the kernel's own messages, which every client of it gets; nothing is asked of the kernel.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from itertools import chain
from typing import Any, Protocol

from jupyter_client.session import DELIM, Session

from jupyter_mlws.core.errors import (
    ExecutionCanceledError,
    ExecutionTimeoutError,
    KernelDiedError,
    MLWSError,
    OutOfMemoryError,
)
from jupyter_mlws.notebooks.execution import GRACE, Outcome, raised
from jupyter_mlws.notebooks.history import Begun, History, Unended, said
from jupyter_mlws.notebooks.kernel_websocket import Asked
from jupyter_mlws.notebooks.kernels import Kernel, exit_code, process_of
from jupyter_mlws.notebooks.memory import MemoryLimits, Meter
from jupyter_mlws.notebooks.models import ExecutionStatus, Origin
from jupyter_mlws.notebooks.outputs import Event, Message, Outputs

OVERHEARD = 2.0
"""Seconds after the first message here, in which what tabs hear is taken too."""
HERE = ""
"""Whoever hears: the watch itself; tabs have names."""
EXPECTED = 1000
"""Requests of tabs that are remembered until the kernel comes to them."""


@dataclass(frozen=True)
class Place:
    """The notebook that a kernel runs."""

    notebook: str
    path: str
    history: History


class Surroundings(Protocol):
    """What a watch tells, and asks."""

    async def place_of(self, kernel: str) -> Place | None:
        """The notebook whose session has the kernel; None where there is none."""

    async def commit_of(self, path: str) -> str | None:
        """The commit that the notebook's project stands on."""

    def timeout_of(self, notebook: str) -> float | None:
        """Seconds that one cell of a tab may take."""

    def tell(self, place: Place, event: Event) -> None:
        """Publish to who follows the notebook."""

    def ended(self, begun: Begun, outcome: Outcome) -> None:
        """Hear how an execution ended."""

    async def found(self, place: Place, unended: Unended, outcome: Outcome) -> None:
        """Hear how an execution of an earlier server ended."""


@dataclass
class Going:
    """An execution that goes on."""

    begun: Begun
    place: Place
    started: float
    outputs: Outputs = field(default_factory=Outputs)
    error: dict[str, Any] | None = None
    count: int | None = None
    timer: asyncio.TimerHandle | None = None
    stopped_by: MLWSError | None = None
    unended: Unended | None = None


class KernelListener:
    """Records what one kernel executes for others. Lives on the event loop.

    ``paused``: what it says is put aside until :meth:`replay`.
    """

    def __init__(
        self, kernel: Kernel, around: Surroundings, limits: MemoryLimits, *, paused: bool = False
    ) -> None:
        self.kernel = kernel
        self.meter = Meter(limits, self._warn, self._exceed)
        self._limits = limits
        self._manager = kernel.manager
        self._around = around
        self._session = Session(config=self._manager.session.config, key=self._manager.session.key)
        self._expected: OrderedDict[str, Asked] = OrderedDict()
        self._open: set[str] = set()
        self._aside: list[list[bytes]] | None = [] if paused else None
        self._going: dict[str, Going] = {}
        self._known: set[str] = set()
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._process = process_of(self._manager)
        self._stream = self._manager.connect_iopub()
        self._stream.on_recv(self._hear)
        # A kernel that is taken over has been there before.
        self._sure_at = 0.0 if paused else float("inf")
        self._heard_by: OrderedDict[str, str] = OrderedDict()
        self._manager.add_restart_callback(self._died)
        self._manager.add_restart_callback(self._died, "dead")
        self._worker = asyncio.create_task(self._do())
        self._stopping: asyncio.Task[None] | None = None

    @property
    def process(self) -> str:
        """What names the kernel's process in the history."""
        return f"{self.kernel.id}:{self._process}"

    def expect(self, asked: Asked) -> None:
        """A tab asks for an execution."""
        self._expected[asked.request] = asked
        while len(self._expected) > EXPECTED:
            self._expected.popitem(last=False)

    def overhear(self, tab: str, frames: list[bytes]) -> None:
        """What a tab is told. A kernel that has just begun may have answered the tab before its
        messages come here: this connection is made anew by itself, some time later."""
        if not self._is_sure() or any(self._heard_by.get(one) == tab for one in self._open):
            self._take_frames(frames, tab)

    def restarted(self) -> None:
        """Somebody restarted the kernel: what ran is cancelled."""
        self._sure_at = float("inf")
        error = ExecutionCanceledError(by="restart")
        self._queue(lambda: self._end_all(ExecutionStatus.CANCELLED, error))

    async def take_over(self, place: Place) -> None:
        """Go on with what ran when the server before this one was killed."""
        for execution in await asyncio.to_thread(place.history.held, self.process):
            self.kernel.done.append(execution.id)
        self._known = await asyncio.to_thread(place.history.requests, self.kernel.id)
        for unended in await asyncio.to_thread(place.history.claim, self.kernel.id):
            begun = unended.begun
            request = begun.message or begun.id
            self._known.discard(request)
            self._going[request] = Going(begun, place, unended.started, unended=unended)
            self.meter.begin(request, self._process)

    async def replay(self, heard: Iterable[list[bytes]]) -> None:
        """Take what the kernel said while there was no server. What of :meth:`take_over` is not
        in it is lost: it never came to the kernel, or ended unheard."""
        aside, self._aside = self._aside or [], None
        requests, seen = set(), set()
        for frames in chain(heard, aside):
            with suppress(ValueError, TypeError, IndexError):
                # Both heard the same for a while; a signature is of one message.
                signed = bytes(frames[frames.index(DELIM) + 1])
                if signed not in seen:
                    seen.add(signed)
                    requests.add(self._read(frames))
        for request, going in list(self._going.items()):
            if going.unended is not None and request not in requests:
                self._queue(partial(self._finish, request, ExecutionStatus.LOST, None))
            elif going.begun.deadline is not None:
                self._limit(request, going, going.begun.deadline - time.time())
        await self.settled()
        if self._going:
            self._manager.execution_state = "busy"

    async def close(self) -> None:
        """Stop watching; what runs is left to itself."""
        for going in self._going.values():
            if going.timer is not None:
                going.timer.cancel()
        with suppress(KeyError, ValueError):
            self._manager.remove_restart_callback(self._died)
            self._manager.remove_restart_callback(self._died, "dead")
        if not self._stream.closed():
            self._stream.close()
        await self.meter.close()
        tasks = [self._worker, *([self._stopping] if self._stopping else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until all that was heard so far is written down."""
        done = asyncio.Event()

        async def mark() -> None:
            done.set()

        self._queue(mark)
        await done.wait()

    # Messages

    def _hear(self, frames: list[bytes]) -> None:
        if self._sure_at == float("inf"):
            self._sure_at = time.monotonic() + OVERHEARD
        if self._aside is not None:
            self._aside.append(frames)
        else:
            self._take_frames(frames, HERE)

    def _is_sure(self) -> bool:
        return time.monotonic() >= self._sure_at

    def _take_frames(self, frames: list[bytes], by: str) -> None:
        with suppress(ValueError, TypeError):
            # What is not signed by this kernel is nobody's output.
            self._read(frames, by)

    def _is_heard_twice(self, request: str, kind: str, by: str) -> bool:
        """Whoever hears an execution begin hears all of it, in order; others are left out."""
        if kind != "execute_input":
            return self._heard_by.get(request, by) != by
        first = self._heard_by.setdefault(request, by)
        while len(self._heard_by) > EXPECTED:
            self._heard_by.popitem(last=False)
        return first != by

    def _read(self, frames: list[bytes], by: str = HERE) -> str | None:
        """Take one message; the request that it belongs to, if that is an execution."""
        _, parts = self._session.feed_identities(frames)
        message = self._session.deserialize(parts, content=False)
        parent = message.get("parent_header") or {}
        request, kind = str(parent.get("msg_id", "")), message["header"]["msg_type"]
        if parent.get("msg_type") != "execute_request":
            return None
        if parent.get("session") in self.kernel.sessions:
            return None
        if request in self._known:
            # The keeper heard also what had ended before the server was killed.
            return request
        if self._is_heard_twice(request, kind, by):
            return request
        if kind == "execute_input":
            self._open.add(request)
            self.meter.begin(request, process_of(self._manager))
        elif self._is_sure() and kind == "status" and self._is_unrun(request, message):
            # Put aside, since what was asked for before it failed.
            self._expected.pop(request, None)
        if request in self._open or request in self._going:
            message["content"] = self._session.unpack(message["content"])
            self._queue(partial(self._take, request, message))
        return request

    def _is_unrun(self, request: str, message: Message) -> bool:
        state = self._session.unpack(message["content"])["execution_state"]
        return request not in self._open and bool(state == "idle")

    async def _take(self, request: str, message: Message) -> None:
        kind, content = message["header"]["msg_type"], message["content"]
        going = self._going.get(request)
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
                await self._idle(request, going)
            return
        if kind == "error":
            going.error = content
        event = going.outputs.take(message)
        if event is not None:
            self._tell(going, event)

    async def _begin(self, request: str, content: dict[str, Any]) -> None:
        self._process = process_of(self._manager)
        self.kernel.now_is(self._process)
        await self._enter(request, content)

    async def _enter(self, request: str, content: dict[str, Any]) -> None:
        place = await self._around.place_of(self.kernel.id)
        if place is None:
            self._open.discard(request)
            self.meter.end(request)
            return
        asked = self._expected.pop(request, None)
        timeout = self._around.timeout_of(place.notebook)
        begun = Begun(
            id=request,
            request=request,
            notebook=place.notebook,
            path=place.path,
            cell=asked.cell if asked else None,
            source=content["code"],
            origin=Origin.LAB if asked else Origin.CLIENT,
            kernel=self.kernel.id,
            process=self.process,
            message=request,
            snapshot=await self._around.commit_of(place.path),
            deadline=None if timeout is None else time.time() + timeout,
        )
        going = Going(begun, place, time.time(), count=content.get("execution_count"))
        self._going[request] = going
        await asyncio.to_thread(place.history.begin, begun)
        if timeout is not None:
            self._limit(request, going, timeout)
        self._tell_status(going, ExecutionStatus.RUNNING, None)

    async def _idle(self, request: str, going: Going) -> None:
        if going.stopped_by is not None:
            timed_out = isinstance(going.stopped_by, ExecutionTimeoutError)
            status = ExecutionStatus.TIMEOUT if timed_out else ExecutionStatus.ERROR
            await self._finish(request, status, going.stopped_by)
        elif going.error is None:
            await self._finish(request, ExecutionStatus.SUCCESS, None)
        elif going.error.get("ename") == "KeyboardInterrupt":
            stopped = ExecutionCanceledError(by="interrupt")
            await self._finish(request, ExecutionStatus.CANCELLED, stopped)
        else:
            failure = raised(going.error, going.count)
            await self._finish(request, ExecutionStatus.ERROR, failure)

    async def _finish(self, request: str, status: ExecutionStatus, error: MLWSError | None) -> None:
        going = self._going.pop(request, None)
        self._open.discard(request)
        measured = self.meter.end(request)
        if going is None:
            return
        if going.timer is not None:
            going.timer.cancel()
        begun = going.begun
        if error is not None:
            error = error.with_facts(cell=begun.cell)
        outcome = Outcome(
            status=status,
            outputs=going.outputs.items(),
            text=going.outputs.text(),
            count=going.count,
            duration=round(time.time() - going.started, 3),
            error=error,
            truncated=going.outputs.truncated,
            memory=measured.peak if measured else None,
        )
        if status is ExecutionStatus.SUCCESS:
            self.kernel.remember(begun.id, self._process)
        taken_over = going.unended is not None
        await asyncio.to_thread(going.place.history.end, begun.id, outcome, outputs=taken_over)
        if going.unended is not None:
            await self._around.found(going.place, going.unended, outcome)
        self._around.ended(begun, outcome)
        self._tell_status(going, status, outcome)

    # Death and limits

    def _died(self) -> None:
        """The process ended by itself; Jupyter's restarter starts another after this."""
        self._sure_at = float("inf")
        # What it was asked for last may be heard when the next process is there already.
        self._queue(partial(self._record_death, exit_code(self._manager), self._process))

    async def _record_death(self, code: int | None, process: int | None) -> None:
        await self._begin_unheard()
        lost = self.kernel.lose(process)
        error = KernelDiedError(exit_code=code, restarted=True, lost=lost)
        await self._end_all(ExecutionStatus.ERROR, error)
        await self._tell_death(code, lost)

    async def _begin_unheard(self) -> None:
        """A process that dies at once may take its last words along: what was asked for first
        of all that is open is what it ran."""
        unheard, self._expected = list(self._expected.values()), OrderedDict()
        if unheard and not self._going:
            first = unheard[0]
            self._expected[first.request] = first
            await self._enter(first.request, {"code": first.code})

    async def _tell_death(self, code: int | None, lost: list[str]) -> None:
        place = await self._around.place_of(self.kernel.id)
        if place is None:
            return
        rows = await asyncio.to_thread(place.history.several, place.notebook, lost)
        cells = list(dict.fromkeys(row.cell for row in rows if row.cell))
        event = {"type": "death", "exit_code": code, "lost": lost, "cells": cells}
        self._around.tell(place, event)

    async def _end_all(self, status: ExecutionStatus, error: MLWSError) -> None:
        for request, going in list(self._going.items()):
            stopped = going.stopped_by
            if stopped is None:
                await self._finish(request, status, error)
            else:
                timed_out = isinstance(stopped, ExecutionTimeoutError)
                ended = ExecutionStatus.TIMEOUT if timed_out else ExecutionStatus.ERROR
                await self._finish(request, ended, stopped.with_facts(restarted=True))

    def _limit(self, request: str, going: Going, seconds: float) -> None:
        """Stop it when its time is over."""
        timeout = going.begun.deadline and going.begun.deadline - going.started
        error = ExecutionTimeoutError(timeout=timeout or seconds, restarted=False)
        loop = asyncio.get_running_loop()
        going.timer = loop.call_later(max(0.0, seconds), self._stop, request, error)

    def _warn(self, execution: str, used: int) -> None:
        self._queue(partial(self._tell_memory, execution, used, "warning"))

    def _exceed(self, execution: str, used: int) -> None:
        self._queue(partial(self._tell_memory, execution, used, "limit"))
        if execution in self._going:
            self._stop(execution, out_of_memory(used, self._limits.most))
        elif self.kernel.memory_over is not None:
            self.kernel.memory_over(out_of_memory(used, self._limits.most))

    async def _tell_memory(self, execution: str, used: int, level: str) -> None:
        place = await self._around.place_of(self.kernel.id)
        if place is not None:
            self._around.tell(
                place,
                {
                    "type": "memory",
                    "level": level,
                    "execution": execution,
                    "used": used,
                    "limit": self._limits.ceiling,
                },
            )

    def _stop(self, request: str, error: MLWSError) -> None:
        going = self._going.get(request)
        if going is not None and going.stopped_by is None:
            going.stopped_by = error
            self._stopping = asyncio.create_task(self._interrupt(request))

    async def _interrupt(self, request: str) -> None:
        """Interrupt; restart what does not heed it."""
        await self.kernel.interrupt()
        await asyncio.sleep(GRACE)
        if request in self._going:
            await self.kernel.restart()

    # What is told

    def _tell(self, going: Going, event: Event) -> None:
        begun = going.begun
        whose = {"execution": begun.id, "request": begun.request, "cell": begun.cell}
        self._around.tell(going.place, {**event, **whose, "origin": begun.origin.value})

    def _tell_status(self, going: Going, status: ExecutionStatus, outcome: Outcome | None) -> None:
        error = outcome.error if outcome else None
        self._tell(
            going,
            {
                "type": "execution",
                "status": status.value,
                "started": _written(going.started),
                "duration": outcome.duration if outcome else None,
                "execution_count": going.count,
                "memory": outcome.memory if outcome else None,
                "error": said(error),
            },
        )

    def _queue(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work.put_nowait(work)

    async def _do(self) -> None:
        """Everything in the order in which it was heard."""
        while True:
            work = await self._work.get()
            try:
                await work()
            except Exception as error:  # noqa: BLE001  the edge: the next message is heard, too
                asyncio.get_running_loop().call_exception_handler(
                    {"message": f"kernel {self.kernel.id}: a message is lost", "exception": error}
                )
            # A kernel that never stops writing leaves others their turn.
            await asyncio.sleep(0)


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def out_of_memory(used: int, limit: int | None) -> MLWSError:
    """Of a kernel that went over the limit."""
    evalue = f"{used // 2**20} MB > {(limit or 0) // 2**20} MB"
    return OutOfMemoryError(
        ename="MemoryError", evalue=evalue, used=used, limit=limit, restarted=False
    )
