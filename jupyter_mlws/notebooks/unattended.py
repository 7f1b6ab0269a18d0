"""Outputs of cells that ran in tabs, until a saved file has them.

A tab shows its outputs and saves them with the document. If it goes before that, the next tab takes
them over. If none comes soon, they are saved in the document, unless the file has changed since the
tab left; then they stay here and in the history.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from jupyter_mlws.core.errors import NotebookChangedError
from jupyter_mlws.notebooks.documents import code_cells, has_results
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart, to_execution_error
from jupyter_mlws.notebooks.recording import NotebookContext, Recording
from jupyter_mlws.notebooks.tab_executions import EndedExecution
from mlws.core.errors import MLWSError

GRACE_PERIOD = 10.0
"""Seconds that a tab has to come back before the server saves the outputs of a cell."""
SAVE_DELAY = 5.0
"""Seconds after the end of a cell from which a document that a tab saves has its outputs. The tab
gets them a moment later than the server, and an upload takes a while."""
MAX_SAVED = 20
"""Number of ended executions of a kernel that are kept although a file has their outputs."""


class UnattendedOutputs:
    """Ended executions of one kernel. Must be used on the event loop.

    ``is_attended`` returns whether a tab with that session is connected.
    """

    def __init__(self, recording: Recording, is_attended: Callable[[str | None], bool]) -> None:
        self._recording = recording
        self._server = recording.server
        self._is_attended = is_attended
        self._ended: OrderedDict[str, EndedExecution] = OrderedDict()
        self._saves: set[asyncio.Task[None]] = set()
        self._save_lock = asyncio.Lock()
        self._file_hash: str | None = None

    async def take_over(self, context: NotebookContext, kernel: str) -> None:
        """Take over the outputs that the previous server had, and that no saved file has."""
        rows = await asyncio.to_thread(context.history.unsaved, context.notebook, kernel)
        for execution, outcome, ended in rows:
            self._ended[execution.id] = EndedExecution(execution, outcome, None, ended)
        await self.tab_left(context)

    async def tab_left(self, context: NotebookContext) -> None:
        """Save what no tab is responsible for, if none comes soon; into the file as it is now."""
        try:
            self._file_hash = await self._server.hash_of(context.path)
        except MLWSError:
            # Deleted or unreadable: the outputs cannot be saved there.
            self._file_hash = None
        for ended in self._ended.values():
            self._schedule(ended)

    def add(self, execution: ExecutionStart, outcome: Outcome, owner: str | None) -> None:
        """Keep an execution that has ended; save its outputs if it stays unattended."""
        for other in self._ended.values():
            same = other.execution.cell == execution.cell
            if same and other.execution.notebook == execution.notebook:
                # Its outputs are no longer those of the cell.
                self._settle(other)
        ended = EndedExecution(execution, outcome, owner, time.time())
        self._ended[execution.id] = ended
        self._schedule(ended)
        saved = [one.execution.id for one in self._ended.values() if one.is_saved]
        for identifier in saved[: max(0, len(saved) - MAX_SAVED)]:
            del self._ended[identifier]

    async def file_saved(self, path: str) -> None:
        """Handle that a tab has saved the document at ``path``, with the outputs that it shows."""
        latest = time.time() - SAVE_DELAY
        ended_before = [
            ended
            for ended in self._ended.values()
            if not ended.is_saved and ended.ended < latest and self._is_attended(ended.owner)
        ]
        saved = []
        try:
            for ended in ended_before:
                if await self._server.path_of(ended.execution.notebook) == path:
                    saved.append(ended)
            sources = code_cells((await self._server.read(path)).content) if saved else {}
        except MLWSError:
            # Deleted meanwhile, or not a notebook.
            return
        for ended in saved:
            # The next tab shows them only with the same code; the history keeps the others.
            if (
                not ended.is_taken
                or sources.get(str(ended.execution.cell)) == ended.execution.source
            ):
                await self._drop(ended)

    def take(
        self, notebook: str, waiting: list[str], session: str | None
    ) -> list[tuple[EndedExecution, bool]]:
        """Return ended executions for a tab: those that it waits for and those that no tab has.

        The second value is true if that tab is now responsible for saving the outputs; it is only
        if it is connected, as ``session``.
        """
        executions = []
        for ended in self._ended.values():
            is_free = not ended.is_saved and not self._is_attended(ended.owner)
            is_needed = is_free or ended.execution.id in waiting
            if ended.execution.notebook != notebook or not is_needed:
                continue
            executions.append((ended, is_free and session is not None))
            if is_free and session is not None:
                ended.owner, ended.is_taken = session, True
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
                await self._save(ended, keeps_history=True)
        await asyncio.gather(*self._saves)

    def _schedule(self, ended: EndedExecution) -> None:
        """Save the outputs of an execution after the grace period, if it is unattended."""
        is_free = not ended.is_saved and not self._is_attended(ended.owner)
        if is_free and ended.timer is None:
            loop = asyncio.get_running_loop()
            ended.timer = loop.call_later(GRACE_PERIOD, self._save_later, ended)

    def _settle(self, ended: EndedExecution) -> None:
        ended.is_saved = True
        if ended.timer is not None:
            ended.timer.cancel()
            ended.timer = None

    async def _drop(self, ended: EndedExecution) -> None:
        """Settle an execution whose outputs a saved file has."""
        self._settle(ended)
        history = await asyncio.to_thread(self._recording.histories.of, ended.execution.path)
        await asyncio.to_thread(history.drop_outputs, ended.execution.id)

    def _save_later(self, ended: EndedExecution) -> None:
        ended.timer = None
        if self._is_attended(ended.owner):
            # The tab has reconnected, and Jupyter sent it what it had missed.
            return
        task = asyncio.create_task(self._save(ended, keeps_history=False))
        self._saves.add(task)
        task.add_done_callback(self._saves.discard)

    async def _save(self, ended: EndedExecution, *, keeps_history: bool) -> None:
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
                if not has_results(document.content, results):
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
        if keeps_history:
            self._settle(ended)
        else:
            await self._drop(ended)
        if document.shared is None:
            stream.publish({"type": "saved", "request": execution.request, "cells": [cell]})
