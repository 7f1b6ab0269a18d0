"""Outputs of cells that ended after their tab was gone.

The next tab takes them over. If none comes soon, they are saved in the document, unless the file
has changed since the tab left; then they stay here and in the history.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from jupyter_mlws.core.errors import MLWSError, NotebookChangedError
from jupyter_mlws.notebooks.documents import code_cells
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart, to_execution_error
from jupyter_mlws.notebooks.recording import NotebookContext, Recording
from jupyter_mlws.notebooks.tab_executions import EndedExecution

GRACE_PERIOD = 10.0
"""Seconds that a tab has to come back before the server saves the outputs of a cell."""
MAX_ENDED = 20
"""Number of ended executions of a kernel whose outputs are kept."""


class UnattendedOutputs:
    """Ended executions of one kernel. Must be used on the event loop."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._server = recording.server
        self._ended: OrderedDict[str, EndedExecution] = OrderedDict()
        self._saves: set[asyncio.Task[None]] = set()
        self._save_lock = asyncio.Lock()
        self._file_hash: str | None = None

    async def remember_file(self, context: NotebookContext) -> None:
        """Remember the state of the document: its last tab has left."""
        try:
            self._file_hash = await self._server.hash_of(context.path)
        except MLWSError:
            # Deleted or unreadable: the outputs cannot be saved there.
            self._file_hash = None

    def add(
        self, execution: ExecutionStart, outcome: Outcome, is_attended: Callable[[], bool]
    ) -> None:
        """Keep an execution that has ended; save its outputs if it stays unattended."""
        ended = EndedExecution(execution, outcome, is_saved=is_attended())
        self._ended[execution.id] = ended
        if not ended.is_saved:
            loop = asyncio.get_running_loop()
            ended.timer = loop.call_later(GRACE_PERIOD, self._save_later, ended, is_attended)
        excess = len(self._ended) - MAX_ENDED
        settled = [one.execution.id for one in self._ended.values() if one.timer is None]
        for identifier in settled[: max(0, excess)]:
            del self._ended[identifier]

    def take(
        self, notebook: str, waiting: list[str], *, is_connected: bool
    ) -> list[tuple[EndedExecution, bool]]:
        """Return ended executions for a tab: those that it waits for and those that no file has.

        The second value is true if that tab is now responsible for saving the outputs; it is only
        while it ``is_connected``.
        """
        executions = []
        for ended in self._ended.values():
            is_needed = not ended.is_saved or ended.execution.id in waiting
            if ended.execution.notebook != notebook or not is_needed:
                continue
            executions.append((ended, is_connected and not ended.is_saved))
            if is_connected:
                ended.is_saved = True
                if ended.timer is not None:
                    ended.timer.cancel()
                    ended.timer = None
        return executions

    async def close(self) -> None:
        """Save what is waiting for a tab; the server or the kernel ends."""
        for ended in list(self._ended.values()):
            if ended.timer is not None:
                ended.timer.cancel()
                ended.timer = None
                await self._save(ended)
        await asyncio.gather(*self._saves)

    def _save_later(self, ended: EndedExecution, is_attended: Callable[[], bool]) -> None:
        ended.timer = None
        if is_attended():
            # The tab has reconnected, and Jupyter sent it what it had missed.
            ended.is_saved = True
            return
        task = asyncio.create_task(self._save(ended))
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)

    async def _save(self, ended: EndedExecution) -> None:
        """Save the outputs of an execution in its cell, if the file is what the tab left."""
        execution, outcome = ended.execution, ended.outcome
        cell = str(execution.cell)
        stream = self._recording.stream_of(execution.notebook)
        async with self._save_lock:
            try:
                path = await self._server.path_of(execution.notebook)
                document = await self._server.read(path)
                is_same_file = document.shared is not None or document.hash == self._file_hash
                if not is_same_file or code_cells(document.content).get(cell) != execution.source:
                    raise NotebookChangedError(path=path)
                results = {cell: (outcome.outputs, outcome.count)}
                await self._server.save_outputs(execution.notebook, document, results)
                self._file_hash = await self._server.hash_of(path)
            except MLWSError as error:
                stream.publish(
                    {
                        "type": "unsaved",
                        "request": execution.request,
                        "cell": cell,
                        "error": to_execution_error(error),
                    }
                )
                return
        ended.is_saved = True
        if document.shared is None:
            stream.publish({"type": "saved", "request": execution.request, "cells": [cell]})
