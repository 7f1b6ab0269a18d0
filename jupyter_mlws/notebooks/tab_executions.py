"""Executions that clients of a kernel requested: before they begin, as they run, and ended."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_mlws.core.errors import ExecutionCanceledError, ExecutionTimeoutError
from jupyter_mlws.notebooks.execution import Outcome, error_from_reply
from jupyter_mlws.notebooks.history import ExecutionStart, OrphanedExecution, to_execution_error
from jupyter_mlws.notebooks.models import ExecutionStatus, InputPrompt, LiveExecution
from jupyter_mlws.notebooks.outputs import Event, OutputRate, Outputs
from jupyter_mlws.notebooks.recording import NotebookContext, Recording
from mlws.core.errors import MLWSError

MAX_EXPECTED_REQUESTS = 1000
"""Requests of tabs that are stored until the kernel runs them."""
OUTPUT_LIMIT_NOTE = "Further output was left out: the cell printed too much.\n"
log = logging.getLogger(__name__)


class ExecuteRequestInfo(NamedTuple):
    """Execution that a tab requests: the ids of the request, its cell and its tab, and the code."""

    request: str
    cell: str | None
    code: str
    session: str


class ExpectedRequests:
    """Executions that tabs requested and the kernel has not begun, in order.

    The kernel runs them even if the server is killed. So they are also in a file, which gets a line
    for each change: a request, or the id of one that has begun or was dropped.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._requests: OrderedDict[str, ExecuteRequestInfo] = OrderedDict()
        if file is None or not file.exists():
            return
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                # The server was killed meanwhile.
                continue
            request, *more = json.loads(line)
            if more:
                self._requests[request] = ExecuteRequestInfo(request, *more)
            else:
                self._requests.pop(request, None)

    def add(self, request: ExecuteRequestInfo) -> None:
        """Add a request; without an effect on the oldest ones beyond the limit."""
        self._requests[request.request] = request
        self._append(request)
        while len(self._requests) > MAX_EXPECTED_REQUESTS:
            self._requests.popitem(last=False)

    def get(self, request: str) -> ExecuteRequestInfo | None:
        """Return a request by its id."""
        return self._requests.get(request)

    def remove(self, request: str) -> None:
        """Remove a request that is stored, or was dropped by the kernel."""
        if self._requests.pop(request, None) is not None:
            self._append((request,))

    def all(self) -> list[ExecuteRequestInfo]:
        """Return the requests in order."""
        return list(self._requests.values())

    def _append(self, change: tuple[str | None, ...]) -> None:
        if self._file is None:
            return
        # Not in a thread: the kernel gets the request after this.
        try:
            with self._file.open("a" if self._requests else "w", encoding="utf-8") as file:
                if self._requests:
                    file.write(json.dumps(change) + "\n")
        except OSError as error:
            # The disk is full: cells run as before, and only a killed server would lose them.
            log.warning("Cannot write %s: %s", self._file.name, error)


@dataclass
class RunningExecution:
    """Execution in progress; `owner` is the session of the tab that shows and saves its outputs.

    ``timer`` stops it at its time limit, or ends it after its last outputs.
    """

    execution: ExecutionStart
    context: NotebookContext
    started: float
    owner: str | None = None
    outputs: Outputs = field(default_factory=Outputs)
    rate: OutputRate = field(default_factory=OutputRate)
    prompt: InputPrompt | None = None
    error: dict[str, Any] | None = None
    count: int | None = None
    timer: asyncio.TimerHandle | None = None
    stopped_by: MLWSError | None = None
    orphan: OrphanedExecution | None = None
    idle_at: float | None = None

    def end(self) -> tuple[ExecutionStatus, MLWSError | None]:
        """Return the status and error of code that has ended by itself or was interrupted."""
        if self.stopped_by is not None:
            timed_out = isinstance(self.stopped_by, ExecutionTimeoutError)
            return ExecutionStatus.TIMEOUT if timed_out else ExecutionStatus.ERROR, self.stopped_by
        if self.error is None:
            return ExecutionStatus.SUCCESS, None
        if self.error.get("ename") == "KeyboardInterrupt":
            return ExecutionStatus.CANCELLED, ExecutionCanceledError(by="interrupt")
        return ExecutionStatus.ERROR, error_from_reply(self.error, self.count)

    def outcome(
        self, status: ExecutionStatus, error: MLWSError | None, memory: int | None
    ) -> Outcome:
        """Return the outcome at its end."""
        outputs = self.outputs.items()
        if self.outputs.truncated:
            outputs.append({"output_type": "stream", "name": "stderr", "text": OUTPUT_LIMIT_NOTE})
        return Outcome(
            status=status,
            outputs=outputs,
            text=self.outputs.text(),
            count=self.count,
            duration=round((self.idle_at or time.time()) - self.started, 3),
            error=error,
            truncated=self.outputs.truncated,
            memory=memory,
        )

    def publish(self, recording: Recording, event: Event) -> None:
        """Publish an event of it, at a rate that clients can follow."""
        execution = self.execution
        whose = {"execution": execution.id, "request": execution.request, "cell": execution.cell}
        for one in self.rate.pass_on(event):
            recording.stream_of(self.context.notebook).publish(
                {**one, **whose, "origin": execution.origin.value}
            )

    def publish_status(
        self, recording: Recording, status: ExecutionStatus, outcome: Outcome | None
    ) -> None:
        """Publish that it has started, or ended with an outcome."""
        event = {
            "type": "execution",
            "status": status.value,
            "started": datetime.fromtimestamp(self.started, UTC).isoformat(),
            "duration": outcome.duration if outcome else None,
            "execution_count": self.count,
            "memory": outcome.memory if outcome else None,
            "error": to_execution_error(outcome.error if outcome else None),
        }
        self.publish(recording, event)

    def live(self, *, is_owned: bool) -> LiveExecution:
        """Return what a tab shows of it."""
        return LiveExecution(
            id=self.execution.id,
            cell=str(self.execution.cell),
            source=self.execution.source,
            status=ExecutionStatus.RUNNING,
            outputs=self.outputs.with_display_ids(),
            execution_count=self.count,
            is_owned=is_owned,
            clears_next=self.outputs.clears_next,
            truncated=self.outputs.truncated,
            prompt=self.prompt,
        )


@dataclass
class EndedExecution:
    """Execution of a tab that has ended; `is_saved`: a saved file has its outputs.

    ``owner`` is the session of the tab that saves them; ``is_taken``: it has not run the cell.
    ``ended`` is the time of the end in seconds.
    ``timer`` runs while it waits for a tab before its outputs are saved.
    """

    execution: ExecutionStart
    outcome: Outcome
    owner: str | None
    ended: float
    is_saved: bool = False
    is_taken: bool = False
    timer: asyncio.TimerHandle | None = None

    def live(self, *, is_owned: bool) -> LiveExecution:
        """Return what a tab shows of it."""
        return LiveExecution(
            id=self.execution.id,
            cell=str(self.execution.cell),
            source=self.execution.source,
            status=self.outcome.status,
            outputs=self.outcome.outputs,
            execution_count=self.outcome.count,
            is_owned=is_owned,
            truncated=self.outcome.truncated,
        )
