"""Streams of workflows: the events of runs, and the output of a node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from typing_extensions import TypedDict
from watchfiles import awatch

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.core.watcher import WATCH_DEBOUNCE_MS, WATCH_STEP_MS
from jupyter_mlws.server.handlers import StreamHandler
from jupyter_mlws.workflows.models import NodeFailure, RunSummary
from mlws.core.paths import unescape
from mlws.engine.states import Status

if TYPE_CHECKING:
    from jupyter_mlws.workflows.run.runs import Runs

MAX_EVENTS_PER_READ = 500
POLL_INTERVAL = 5.0
"""Seconds after which the journal is read without a change event, in case one was lost."""


class _Event(TypedDict):
    seq: int
    time: str
    run: str
    workflow: str
    path: str
    status: Status


class NodeFacts(TypedDict, total=False):
    """Facts of a node of a run, as a ``NodeRun`` has them."""

    started: str | None
    ended: str | None
    duration: float | None
    exit_code: int | None
    reasons: list[str]
    attempt: int
    progress: float | None
    dvc_reason: str | None
    error: NodeFailure | None


class NodeEvent(_Event):
    """Message: a node of a run has changed."""

    type: Literal["node"]
    node: str
    data: NodeFacts


class RunEvent(_Event):
    """Message: a run has changed."""

    type: Literal["run"]
    node: None
    data: RunSummary


class WorkflowStream(StreamHandler):
    """Events of all runs of the project, replayed from the journal."""

    resource = "workflows"
    messages = (NodeEvent, RunEvent)

    async def attach(self, *ids: str) -> None:
        self.workspace = await self.open_workspace()
        self.watcher = self.services.watchers.of(self.workspace.project)

    async def newest(self) -> int:
        return await in_thread(lambda: self.workspace.runs.journal.last_seq())

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        runs = self.workspace.runs
        newest = await self.newest()
        if since > newest:
            # The number is from a deleted journal: the client must fetch everything again.
            yield {"seq": newest, "type": "reset"}
            since = newest
        while True:
            bell = self.watcher.bell()
            events = await self.watcher.read_once(_read_events, runs, since)
            for event in events:
                yield event
                since = event["seq"]
            if len(events) < MAX_EVENTS_PER_READ:
                try:
                    await asyncio.wait_for(bell.wait(), POLL_INTERVAL)
                except TimeoutError:
                    # A run whose process was killed causes no change event.
                    await self.watcher.read_once(runs.reconcile)


def _read_events(runs: Runs, since: int) -> list[dict[str, Any]]:
    return runs.journal.events_after(since, MAX_EVENTS_PER_READ)


class LogPart(TypedDict):
    """Message: text that a node has written."""

    type: Literal["output"]
    seq: int
    text: str


class NodeLogStream(StreamHandler):
    """Output of a node as it is written; the ``seq`` of a message is the size of the log in bytes.

    A reader that connects again with ``?since=`` gets the part that it missed.
    """

    resource = "workflows"
    messages = (LogPart,)

    async def attach(self, *ids: str) -> None:
        workflow, run, node = ids
        workspace = await self.open_workspace()
        results = workspace.workflows.results
        self.read = partial(results.log, unescape(workflow), run, node)
        self.file = await in_thread(results.log_file, unescape(workflow), run, node)

    async def newest(self) -> int:
        """Begin with the whole log."""
        return 0

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        changes = awatch(
            self.file.parent,
            watch_filter=lambda _, path: path == str(self.file),
            step=WATCH_STEP_MS,
            debounce=WATCH_DEBOUNCE_MS,
            rust_timeout=round(POLL_INTERVAL * 1000),
            yield_on_timeout=True,
            recursive=False,
        )
        async with aclosing(changes):
            change = asyncio.ensure_future(anext(changes))
            try:
                # The watch begins before the first read, which would miss a change in between.
                await asyncio.sleep(0)
                while True:
                    part = await in_thread(self.read, since)
                    if part.offset != since:
                        yield {"type": "reset", "seq": part.offset}
                    since = part.size
                    if part.text:
                        yield {"type": "output", "seq": since, "text": part.text}
                    else:
                        await change
                        change = asyncio.ensure_future(anext(changes))
            finally:
                change.cancel()
