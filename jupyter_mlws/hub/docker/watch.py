"""Docker's events brought to the spawners of one Hub, on the Hub's event loop."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from docker import APIClient

from jupyter_mlws.hub.docker.events import EngineEvent, EventWatcher

STATE_CHANGE_ACTIONS = frozenset({"start", "die", "oom", "destroy"})
"""What can change whether or where a lab answers."""

log = logging.getLogger(__name__)


class WatchedSpawner(Protocol):
    """A spawner, as far as it is told."""

    object_id: str

    def is_about(self, event: EngineEvent) -> bool: ...

    async def heard(self, event: EngineEvent) -> None: ...

    async def look(self) -> None: ...


class EventDispatcher:
    """Tells each spawner what happens to its container. Made on the event loop.

    It lives as long as the Hub's process, and its thread ends with it.
    """

    def __init__(self, client_factory: Callable[[], APIClient], hub_name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._spawners: weakref.WeakSet[Any] = weakref.WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()
        self._events = EventWatcher(client_factory, hub_name, self._on_event, self._on_gap)
        self._events.start()

    def add(self, spawner: WatchedSpawner) -> None:
        """Tell this spawner, by the container that it has at the time."""
        self._spawners.add(spawner)

    def _on_event(self, event: EngineEvent) -> None:
        if event.action in STATE_CHANGE_ACTIONS:
            self._loop.call_soon_threadsafe(self._deliver, event)

    def _on_gap(self) -> None:
        self._loop.call_soon_threadsafe(self._refresh_all)

    def _deliver(self, event: EngineEvent) -> None:
        for spawner in self._spawners:
            if spawner.is_about(event):
                self._begin(spawner.heard(event))

    def _refresh_all(self) -> None:
        for spawner in self._spawners:
            if spawner.object_id:
                self._begin(spawner.look())

    def _begin(self, reaction: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(reaction)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("Could not track the container of a spawner", exc_info=task.exception())
