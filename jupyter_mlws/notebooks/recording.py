"""Records what kernels execute: in the history, on streams, in logs and in documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.core.errors import NotebookChangedError
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart, Histories, History, OrphanedExecution
from jupyter_mlws.notebooks.outputs import Event
from jupyter_mlws.notebooks.server import JupyterServer
from mlws.core.errors import MLWSError
from mlws.core.project import Project

OutcomeCallback = Callable[[ExecutionStart, Outcome], None]


@dataclass(frozen=True)
class NotebookContext:
    """Notebook that a kernel runs."""

    notebook: str
    path: str
    history: History


class Recording:
    """History, streams and documents of all notebooks. To be used on the event loop only."""

    def __init__(self, server: JupyterServer, histories: Histories) -> None:
        self.server = server
        self.histories = histories
        self.listeners: list[OutcomeCallback] = []
        """Called at the end of each execution, of any client."""
        self._streams: dict[str, RingStream] = {}
        self._timeouts: dict[str, float] = {}

    def stream_of(self, notebook: str) -> RingStream:
        """Return the event stream of a notebook."""
        return self._streams.setdefault(notebook, RingStream())

    def set_timeout(self, notebook: str, seconds: float | None) -> None:
        """Set the time limit in seconds of one cell run in a tab; None: no limit."""
        if seconds is None:
            self._timeouts.pop(notebook, None)
        else:
            self._timeouts[notebook] = seconds

    def timeout_of(self, notebook: str) -> float | None:
        """Return the time limit in seconds of one cell run in a tab; None: no limit."""
        return self._timeouts.get(notebook)

    def forget(self, notebook: str) -> None:
        """Drop the stream and the time limit of a deleted notebook."""
        self._streams.pop(notebook, None)
        self._timeouts.pop(notebook, None)

    async def context_of(self, kernel: str) -> NotebookContext | None:
        """Return the notebook whose session has the kernel; None if there is none."""
        path = await self.server.path_of_kernel(kernel)
        if path is None or not await self.server.exists(path):
            return None
        history = await asyncio.to_thread(self.histories.of, path)
        return NotebookContext(self.server.identify(path), path, history)

    async def commit_of(self, path: str) -> str | None:
        """Return the commit that is checked out in a notebook's project; None without a project."""
        from jupyter_mlws.git.adapter import Git

        def find() -> str | None:
            try:
                return Git(Project.open(self.server.root / path).root).find("HEAD")
            except MLWSError:
                return None

        return await asyncio.to_thread(find)

    def ended(self, execution: ExecutionStart, outcome: Outcome) -> None:
        """Inform the listeners that an execution has ended."""
        for listener in self.listeners:
            listener(execution, outcome)

    async def save_orphan(self, context: NotebookContext, orphan: OrphanedExecution) -> None:
        """Save the outputs of a call that an earlier server started, after the call has ended."""
        execution = orphan.execution
        if execution.saves is None:
            return
        rows = await asyncio.to_thread(
            context.history.of_request, execution.notebook, execution.request
        )
        results: dict[str, tuple[list[Any], int | None]] = {
            row.cell: (outputs, row.execution_count)
            for row, outputs in rows
            if row.cell is not None and outputs is not None
        }
        try:
            path = await self.server.path_of(execution.notebook)
            document = await self.server.read(path)
            if document.shared is None and document.hash != execution.saves:
                raise NotebookChangedError(path=path)
            await self.server.save_outputs(execution.notebook, document, results)
        except MLWSError as error:
            # The outputs are in the history only: the document has changed since.
            event: Event = {"type": "unsaved", "request": execution.request, "error": error}
            self.stream_of(context.notebook).publish(event)
