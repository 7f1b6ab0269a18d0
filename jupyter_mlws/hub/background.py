"""Background tasks with logged failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from jupyter_mlws.hub.hubapi import HubRefusedError
from mlws.core.errors import MLWSError

log = logging.getLogger(__name__)


class BackgroundTasks:
    """Background tasks of one owner; failures are logged as ``failure``."""

    def __init__(self, failure: str) -> None:
        self._failure = failure
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    async def close(self) -> None:
        """Cancel all tasks and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, MLWSError | HubRefusedError):
            log.warning("%s: %s", self._failure, error)
        elif error is not None:
            log.error(self._failure, exc_info=error)
