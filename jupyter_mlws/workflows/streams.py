"""Event stream of the runs of workflows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.api.base import StreamHandler
from jupyter_mlws.api.rest import in_thread

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
        return await in_thread(self.workspace.workflows.last_seq)

    async def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        workflows = self.workspace.workflows
        newest = await in_thread(workflows.last_seq)
        if since > newest:
            # The number is from a deleted journal: the client must fetch everything again.
            yield {"seq": newest, "type": "reset"}
            since = newest
        while True:
            bell = self.watcher.bell()
            events = await self.watcher.read_once(
                workflows.events_after, since, MAX_EVENTS_PER_READ
            )
            for event in events:
                yield event
                since = event["seq"]
            if len(events) < MAX_EVENTS_PER_READ:
                try:
                    await asyncio.wait_for(bell.wait(), POLL_INTERVAL)
                except asyncio.TimeoutError:
                    # A run whose process was killed causes no change event.
                    await self.watcher.read_once(workflows.reconcile)
