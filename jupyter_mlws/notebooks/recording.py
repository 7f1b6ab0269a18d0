"""What a server does with what its kernels executed: history, streams, logs and documents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import MLWSError, NotebookChangedError
from jupyter_mlws.core.project import Project
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.notebooks.collaboration import fill_shared
from jupyter_mlws.notebooks.documents import fill
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart, Histories, OrphanedExecution
from jupyter_mlws.notebooks.kernel_listener import NotebookContext
from jupyter_mlws.notebooks.outputs import Event
from jupyter_mlws.notebooks.server import JupyterServer

OutcomeCallback = Callable[[ExecutionStart, Outcome], None]


class Recording:
    """The environment of every kernel listener: history, streams and documents.

    To be used on the event loop only.
    """

    def __init__(self, server: JupyterServer, histories: Histories) -> None:
        self._server = server
        self._histories = histories
        self._streams: dict[str, RingStream] = {}
        self._timeouts: dict[str, float] = {}
        self.listeners: list[OutcomeCallback] = []
        """Hear of each execution that has ended, whoever asked for it."""

    def stream_of(self, notebook: str) -> RingStream:
        """Return the event stream of a notebook."""
        return self._streams.setdefault(notebook, RingStream())

    def set_timeout(self, notebook: str, seconds: float | None) -> None:
        """Set the time limit in seconds of one cell run in a tab; None: no limit."""
        if seconds is None:
            self._timeouts.pop(notebook, None)
        else:
            self._timeouts[notebook] = seconds

    def forget(self, notebook: str) -> None:
        """Drop the stream and the time limit of a deleted notebook."""
        self._streams.pop(notebook, None)
        self._timeouts.pop(notebook, None)

    def timeout_of(self, notebook: str) -> float | None:
        return self._timeouts.get(notebook)

    async def place_of(self, kernel: str) -> NotebookContext | None:
        path = await self._server.path_of_kernel(kernel)
        if path is None or not await self._server.exists(path):
            return None
        history = await asyncio.to_thread(self._histories.of, path)
        return NotebookContext(self._server.identify(path), path, history)

    async def commit_of(self, path: str) -> str | None:
        return await asyncio.to_thread(_commit, self._server.root / path)

    def tell(self, place: NotebookContext, event: Event) -> None:
        self.stream_of(place.notebook).publish(event)

    def ended(self, execution: ExecutionStart, outcome: Outcome) -> None:
        for listener in self.listeners:
            listener(execution, outcome)

    async def found(
        self, place: NotebookContext, orphan: OrphanedExecution, outcome: Outcome
    ) -> None:
        """Save the outputs of a call that an earlier server started, after the call has ended."""
        execution = orphan.begun
        if execution.saves is None:
            return
        rows = await asyncio.to_thread(
            place.history.of_request, execution.notebook, execution.request
        )
        cell_outputs: dict[str, tuple[list[Any], int | None]] = {
            row.cell: (outputs, row.execution_count)
            for row, outputs in rows
            if row.cell is not None and outputs is not None
        }
        try:
            path = await self._server.path_of(execution.notebook)
            document = await self._server.read(path)
            if document.shared is not None:
                fill_shared(document.shared, cell_outputs)
                return
            if document.hash != execution.saves:
                raise NotebookChangedError(path=path)
            self._server.trust(path, document.content)
            fill(document.content, cell_outputs)
            await self._server.save(path, document.content)
        except MLWSError as error:
            # The outputs are in the history; the document is newer than what was asked of it.
            self.tell(place, {"type": "unsaved", "request": execution.request, "error": error})


def _commit(path: Path) -> str | None:
    from jupyter_mlws.git.adapter import Git

    try:
        return Git(Project.open(path).root).find("HEAD")
    except MLWSError:
        # In no project: there is nothing that it could be a version of.
        return None
