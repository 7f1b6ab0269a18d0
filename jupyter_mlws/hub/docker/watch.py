"""Docker's events brought to the spawners of one Hub, on the Hub's event loop."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from docker import APIClient

from jupyter_mlws.hub.background import BackgroundTasks
from jupyter_mlws.hub.docker.events import EngineEvent, EventWatcher

STATE_CHANGE_ACTIONS = frozenset({"start", "die", "oom", "destroy"})
"""Actions after which a lab may be unavailable, or have another address."""


class WatchedSpawner(Protocol):
    """A spawner, as far as events concern it."""

    object_id: str

    def is_about(self, event: EngineEvent) -> bool: ...

    async def handle_event(self, event: EngineEvent) -> None: ...

    async def refresh(self) -> None: ...


class EventDispatcher:
    """Informs each spawner of what happens to its container. Made on the event loop.

    It lives as long as the Hub's process, and its thread ends with it.
    """

    def __init__(self, client_factory: Callable[[], APIClient], hub_name: str) -> None:
        loop = asyncio.get_running_loop()
        self._spawners: weakref.WeakSet[Any] = weakref.WeakSet()
        self._tasks = BackgroundTasks("Could not track the container of a spawner")

        def deliver(event: EngineEvent) -> None:
            for spawner in self._spawners:
                if spawner.is_about(event):
                    self._tasks.run(spawner.handle_event(event))

        def refresh_all() -> None:
            for spawner in self._spawners:
                if spawner.object_id:
                    self._tasks.run(spawner.refresh())

        def handle_event(event: EngineEvent) -> None:
            if event.action in STATE_CHANGE_ACTIONS:
                loop.call_soon_threadsafe(deliver, event)

        def handle_gap() -> None:
            loop.call_soon_threadsafe(refresh_all)

        EventWatcher(client_factory, hub_name, handle_event, handle_gap).start()

    def add(self, spawner: WatchedSpawner) -> None:
        """Inform this spawner, by the container that it has at the time."""
        self._spawners.add(spawner)
