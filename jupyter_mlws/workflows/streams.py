"""Event stream of the runs of workflows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from jupyter_mlws.api.base import StreamHandler
from jupyter_mlws.api.rest import in_thread

if TYPE_CHECKING:
    from jupyter_mlws.workflows.run.runs import Runs

MAX_EVENTS_PER_READ = 500
POLL_INTERVAL = 5.0
"""Seconds after which the journal is read without a change event, in case one was lost."""


class WorkflowStream(StreamHandler):
    """Events of all runs of the project, replayed from the journal."""

    resource = "workflows"

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
                except asyncio.TimeoutError:
                    # A run whose process was killed causes no change event.
                    await self.watcher.read_once(runs.reconcile)


def _read_events(runs: Runs, since: int) -> list[dict[str, Any]]:
    return runs.journal.events_after(since, MAX_EVENTS_PER_READ)
