"""Long-running operations, which clients start, follow and cancel by id."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.errors import (
    InternalError,
    NoPromptError,
    OperationNotFoundError,
    PromptTimeoutError,
    of_system,
)
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.core.schemas import Record, Request
from mlws.core.errors import MLWSError

MAX_FINISHED_OPERATIONS = 200
"""Finished operations that are kept for clients."""
ANSWER_TIMEOUT = 300.0
"""Seconds after which an unanswered question ends the operation."""
PROGRESS_INTERVAL = 0.1
"""Minimum seconds between two progress messages."""


class OperationState(StrEnum):
    """State of an operation."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Question(Record):
    """Question to the user, mostly for credentials; a ``secret`` answer must not be shown."""

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
    """Raised inside the work at its next report after it was cancelled."""


class Progress:
    """Reports the progress of work, from the thread of the work."""

    def __init__(self, on_update: Callable[[dict[str, Any]], object]) -> None:
        self._on_update = on_update
        self._started = time.monotonic()
        self._last_update = 0.0
        self._cancel_event = threading.Event()
        self._question_condition = threading.Condition()
        self._is_question_open = False
        self._answer: str | None = None

    def cancel(self) -> None:
        """Request that the work stops at its next report."""
        self._cancel_event.set()
        with self._question_condition:
            self._question_condition.notify_all()

    def ask(self, prompt: str, secret: bool) -> str:
        """Return the user's answer to ``prompt``.

        Raises PromptTimeoutError if there is no answer in time; raises
        :class:`CancelledOperationError` as a report does.
        """
        question = Question(prompt=prompt, secret=secret)
        with self._question_condition:
            self._is_question_open, self._answer = True, None
            self._on_update({"state": OperationState.WAITING, "question": question})
            try:
                self._question_condition.wait_for(
                    lambda: self._answer is not None or self._cancel_event.is_set(), ANSWER_TIMEOUT
                )
                answer = self._answer
            finally:
                self._is_question_open, self._answer = False, None
                self._on_update({"state": OperationState.RUNNING, "question": None})
        if self._cancel_event.is_set():
            raise CancelledOperationError
        if answer is None:
            raise PromptTimeoutError(seconds=f"{ANSWER_TIMEOUT:g}", prompt=prompt)
        return answer

    def answer(self, value: str) -> bool:
        """Pass an answer to :meth:`ask`; return False if no question is open."""
        with self._question_condition:
            if not self._is_question_open or self._answer is not None:
                return False
            self._answer = value
            self._question_condition.notify_all()
        return True

    def __call__(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None:
        """Report progress; raises :class:`CancelledOperationError` after a cancellation."""
        if self._cancel_event.is_set():
            raise CancelledOperationError
        now = time.monotonic()
        if now - self._last_update < PROGRESS_INTERVAL:
            return
        self._last_update = now
        rate = done / (now - self._started) if now > self._started else None
        self._on_update(
            {"done": done, "total": total, "unit": unit, "rate": rate, "message": message}
        )


class OperationManager:
    """Runs long work in threads and publishes its state on one stream.

    Lives on the event loop.
    """

    def __init__(self, threads: int = 4) -> None:
        self.stream = RingStream()
        self._operations: OrderedDict[str, Operation] = OrderedDict()
        self._progress: dict[str, Progress] = {}
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="mlws-operation")
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, kind: str, work: Callable[[Progress], Any]) -> Operation:
        """Start ``work`` in a thread; its return value becomes ``result``."""
        loop = asyncio.get_running_loop()
        identifier = uuid.uuid4().hex[:12]

        self._progress[identifier] = progress = Progress(
            lambda facts: loop.call_soon_threadsafe(self._update, identifier, facts)
        )
        self._store(Operation(id=identifier, kind=kind, state=OperationState.PENDING))

        async def run() -> None:
            self._update(identifier, {"state": OperationState.RUNNING})
            try:
                result = await loop.run_in_executor(self._executor, work, progress)
                end = {"state": OperationState.COMPLETED, "result": result}
            except CancelledOperationError:
                end = {"state": OperationState.CANCELLED}
            except MLWSError as error:
                end = {"state": OperationState.FAILED, "error": error}
            except Exception as error:  # noqa: BLE001  the edge: any error ends the operation
                system_error = of_system(error)
                failure = system_error or InternalError(id=identifier)
                end = {"state": OperationState.FAILED, "error": failure}
                if system_error is None:
                    loop.call_exception_handler(
                        {"message": f"operation {identifier} failed", "exception": error}
                    )
            del self._progress[identifier]
            self._update(identifier, {**end, "question": None})

        task = loop.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self._operations[identifier]

    def list(self) -> list[Operation]:
        """Return the operations that have not finished, oldest first."""
        return [
            operation
            for identifier, operation in self._operations.items()
            if identifier in self._progress
        ]

    def get(self, identifier: str) -> Operation:
        """Return the current state of an operation; OperationNotFoundError if it is unknown."""
        try:
            return self._operations[identifier]
        except KeyError:
            raise OperationNotFoundError(name=identifier) from None

    def answer(self, identifier: str, value: str) -> Operation:
        """Answer an operation's question; NoPromptError if it has none."""
        operation = self.get(identifier)
        progress = self._progress.get(identifier)
        if progress is None or not progress.answer(value):
            raise NoPromptError(name=identifier)
        return operation

    def cancel(self, identifier: str) -> Operation:
        """Request cancellation, which takes effect at the operation's next report."""
        operation = self.get(identifier)
        if identifier in self._progress:
            self._progress[identifier].cancel()
        return operation

    async def close(self) -> None:
        """Cancel all work and wait for it."""
        for progress in self._progress.values():
            progress.cancel()
        await asyncio.gather(*self._tasks)
        self._executor.shutdown()

    def _update(self, identifier: str, facts: dict[str, Any]) -> None:
        operation = self._operations.get(identifier)
        final_states = (OperationState.COMPLETED, OperationState.FAILED, OperationState.CANCELLED)
        if operation is None or operation.state in final_states:
            return
        self._store(operation.model_copy(update=facts))

    def _store(self, operation: Operation) -> None:
        self._operations[operation.id] = operation
        finished_ids = [key for key in self._operations if key not in self._progress]
        for key in finished_ids[: max(0, len(finished_ids) - MAX_FINISHED_OPERATIONS)]:
            del self._operations[key]
        self.stream.publish({"type": "operation", **dict(operation)})
