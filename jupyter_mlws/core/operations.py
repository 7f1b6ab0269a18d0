"""Long work: started, followed and cancelled by id."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.errors import (
    InternalError,
    MLWSError,
    NoPromptError,
    OperationNotFoundError,
    PromptTimeoutError,
    of_system,
)
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.core.schemas import Record, Request

KEPT = 200
"""Ended operations that can still be asked for."""
ANSWER_WITHIN = 300.0
"""Seconds after which a question that nobody answers ends the work."""
TELL_EVERY = 0.1
"""Seconds between two messages about progress."""


class OperationState(str, Enum):
    """Where an operation stands."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Question(Record):
    """What the work asks a person, credentials mostly; a ``secret`` answer is not to be shown."""

    prompt: str
    secret: bool


class Answer(Request):
    """The answer to an operation's question; it goes to the work, and nowhere else."""

    value: str = Field(max_length=65_536)


class Operation(Record):
    """A snapshot of long work; ``rate`` is in ``unit`` a second.

    While it is WAITING, ``question`` is what it waits for an answer to.
    """

    id: str
    kind: str
    state: OperationState
    done: float = 0
    total: float | None = None
    unit: str = ""
    rate: float | None = None
    message: str = ""
    question: Question | None = None
    result: Any = None
    error: MLWSError | None = None


class CancelledOperationError(Exception):
    """Raised inside the work at its next report, after it was asked to stop."""


class Progress:
    """What the work reports through, from its own thread."""

    def __init__(self, told: Callable[[dict[str, Any]], None]) -> None:
        self._told = told
        self._started = time.monotonic()
        self._last = 0.0
        self._cancelled = threading.Event()
        self._asking = threading.Condition()
        self._asked = False
        self._answer: str | None = None

    def cancel(self) -> None:
        """Ask the work to stop at its next report."""
        self._cancelled.set()
        with self._asking:
            self._asking.notify_all()

    def ask(self, prompt: str, secret: bool) -> str:
        """What a person answers to ``prompt``.

        Error 30255 where nobody does in time; raises :class:`CancelledOperationError` as a report.
        """
        question = Question(prompt=prompt, secret=secret)
        with self._asking:
            self._asked, self._answer = True, None
            self._told({"state": OperationState.WAITING, "question": question})
            try:
                self._asking.wait_for(
                    lambda: self._answer is not None or self._cancelled.is_set(), ANSWER_WITHIN
                )
                answer = self._answer
            finally:
                self._asked, self._answer = False, None
                self._told({"state": OperationState.RUNNING, "question": None})
        if self._cancelled.is_set():
            raise CancelledOperationError
        if answer is None:
            raise PromptTimeoutError(seconds=f"{ANSWER_WITHIN:g}", prompt=prompt)
        return answer

    def answer(self, value: str) -> bool:
        """Hand an answer to :meth:`ask`; False where nothing is asked."""
        with self._asking:
            if not self._asked or self._answer is not None:
                return False
            self._answer = value
            self._asking.notify_all()
        return True

    def __call__(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None:
        """Report; raises :class:`CancelledOperationError` when the work is no longer wanted."""
        if self._cancelled.is_set():
            raise CancelledOperationError
        now = time.monotonic()
        if now - self._last < TELL_EVERY:
            return
        self._last = now
        rate = done / (now - self._started) if now > self._started else None
        self._told({"done": done, "total": total, "unit": unit, "rate": rate, "message": message})


class OperationManager:
    """Runs long work in threads and tells of it on one stream. Lives on the event loop."""

    def __init__(self, threads: int = 4) -> None:
        self.stream = RingStream()
        self._operations: OrderedDict[str, Operation] = OrderedDict()
        self._progress: dict[str, Progress] = {}
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="mlws-operation")
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, kind: str, work: Callable[[Progress], Any]) -> Operation:
        """Begin ``work``; its return value becomes ``result``."""
        loop = asyncio.get_running_loop()
        identifier = uuid.uuid4().hex[:12]

        def told(facts: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(self._update, identifier, facts)

        self._progress[identifier] = progress = Progress(told)
        self._store(Operation(id=identifier, kind=kind, state=OperationState.PENDING))
        task = loop.create_task(self._run(identifier, work, progress))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self._operations[identifier]

    def list(self) -> list[Operation]:
        """What has not ended yet, oldest first."""
        return [
            operation
            for identifier, operation in self._operations.items()
            if identifier in self._progress
        ]

    def get(self, identifier: str) -> Operation:
        """The operation as it stands; error 50403 where it is unknown."""
        try:
            return self._operations[identifier]
        except KeyError:
            raise OperationNotFoundError(name=identifier) from None

    def answer(self, identifier: str, value: str) -> Operation:
        """Answer its question; error 30259 where it asks nothing."""
        operation = self.get(identifier)
        progress = self._progress.get(identifier)
        if progress is None or not progress.answer(value):
            raise NoPromptError(name=identifier)
        return operation

    def cancel(self, identifier: str) -> Operation:
        """Ask it to stop; it ends at its next report, and says so by its state."""
        operation = self.get(identifier)
        if identifier in self._progress:
            self._progress[identifier].cancel()
        return operation

    async def close(self) -> None:
        """Ask all work to stop and wait for it."""
        for progress in self._progress.values():
            progress.cancel()
        await asyncio.gather(*self._tasks)
        self._executor.shutdown()

    async def _run(
        self, identifier: str, work: Callable[[Progress], Any], progress: Progress
    ) -> None:
        self._update(identifier, {"state": OperationState.RUNNING})
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(self._executor, work, progress)
            end = {"state": OperationState.COMPLETED, "result": result}
        except CancelledOperationError:
            end = {"state": OperationState.CANCELLED}
        except MLWSError as error:
            end = {"state": OperationState.FAILED, "error": error}
        except Exception as error:  # noqa: BLE001  the edge: whatever work raises ends its operation
            refused = of_system(error)
            failure = refused or InternalError(id=identifier)
            end = {"state": OperationState.FAILED, "error": failure}
            if refused is None:
                loop.call_exception_handler(
                    {"message": f"operation {identifier} failed", "exception": error}
                )
        self._progress.pop(identifier, None)
        self._update(identifier, {**end, "question": None})

    def _update(self, identifier: str, facts: dict[str, Any]) -> None:
        known = self._operations.get(identifier)
        ended = (OperationState.COMPLETED, OperationState.FAILED, OperationState.CANCELLED)
        if known is None or known.state in ended:
            return
        self._store(known.model_copy(update=facts))

    def _store(self, operation: Operation) -> None:
        self._operations[operation.id] = operation
        ended = [key for key in self._operations if key not in self._progress]
        for key in ended[: max(0, len(ended) - KEPT)]:
            del self._operations[key]
        self.stream.publish({"type": "operation", **dict(operation)})
