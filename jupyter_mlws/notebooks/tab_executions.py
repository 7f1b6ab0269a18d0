"""Executions that clients of a kernel requested, as they run and after their end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlws.core.errors import ExecutionCanceledError, ExecutionTimeoutError, MLWSError
from jupyter_mlws.notebooks.execution import Outcome, error_from_reply
from jupyter_mlws.notebooks.history import ExecutionStart, OrphanedExecution
from jupyter_mlws.notebooks.models import ExecutionStatus, InputPrompt, LiveExecution
from jupyter_mlws.notebooks.outputs import OutputRate, Outputs
from jupyter_mlws.notebooks.recording import NotebookContext


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
    """Execution of a tab that has ended; `is_saved`: a tab or the file has its outputs.

    ``timer`` runs while it waits for a tab before its outputs are saved.
    """

    execution: ExecutionStart
    outcome: Outcome
    is_saved: bool
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
