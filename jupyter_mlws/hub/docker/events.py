"""Events of the Docker engine about the containers of one Hub.

JupyterHub only polls; with events the end of a container is known in a fraction of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from docker import APIClient
from docker.errors import DockerException

from jupyter_mlws.hub.background import BackgroundTasks

HUB_LABEL = "mlws.hub"
"""Label of the containers of a Hub, with the Hub's name as its value."""
ACTIONS = (
    "create",
    "start",
    "die",
    "oom",
    "health_status",
    "destroy",
    "kill",
    "stop",
    "restart",
    "pause",
    "unpause",
)
STATE_CHANGE_ACTIONS = frozenset({"start", "die", "oom", "destroy"})
"""Actions after which a lab may be unavailable, or have another address."""
MIN_RECONNECT_DELAY = 0.1
MAX_RECONNECT_DELAY = 5.0
"""Seconds between attempts to reach the engine; doubled up to the maximum."""
_ENGINE_ATTRIBUTES = frozenset({"name", "image", "exitCode", "execDuration", "signal"})
"""Attributes of an event that are not labels of the container."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineEvent:
    """An event of a container.

    ``action`` is one of :data:`ACTIONS`, ``container`` the engine's id,
    ``time`` in seconds since the epoch by the engine's clock.
    """

    action: str
    container: str
    name: str
    labels: Mapping[str, str]
    exit_code: int | None
    health: str | None
    time: float


def read_event(raw: Mapping[str, Any]) -> EngineEvent:
    """Parse the engine's JSON; split ``health_status: healthy`` into action and health."""
    action, _, detail = raw["Action"].partition(": ")
    actor = raw["Actor"]
    attributes: dict[str, str] = actor["Attributes"]
    code = attributes.get("exitCode")
    return EngineEvent(
        action=action,
        container=actor["ID"],
        name=attributes.get("name", ""),
        labels={key: value for key, value in attributes.items() if key not in _ENGINE_ATTRIBUTES},
        exit_code=int(code) if action == "die" and code is not None else None,
        health=detail if action == "health_status" else None,
        time=raw["timeNano"] / 1e9,
    )


class EventWatcher:
    """Follows the engine's events in a thread, and reconnects as needed.

    ``on_event`` is called with each event of the Hub ``hub_name`` once. ``on_gap`` is called after
    each (re)connection: events may have been missed, so the owner compares its state with the
    engine's. Both are called from the watcher's thread.
    """

    def __init__(
        self,
        client_factory: Callable[[], APIClient],
        hub_name: str,
        on_event: Callable[[EngineEvent], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._client_factory = client_factory
        self._hub_name = hub_name
        self._on_event = on_event
        self._on_gap = on_gap
        self._stop_event = threading.Event()
        self._stream: Any = None
        self._last_event_ns = time.time_ns()
        self._thread = threading.Thread(target=self._follow, name="docker-events", daemon=True)

    def start(self) -> None:
        """Start to follow in the background."""
        self._thread.start()

    def close(self) -> None:
        """Stop following; no callback is called after that."""
        self._stop_event.set()
        self._close_stream()
        if self._thread.is_alive():
            self._thread.join()

    def _follow(self) -> None:
        wait = MIN_RECONNECT_DELAY
        while not self._stop_event.is_set():
            try:
                self._connect()
                wait = MIN_RECONNECT_DELAY
            except (DockerException, requests.RequestException, OSError) as error:
                log.warning("Lost the connection to the Docker engine (%s); reconnecting", error)
                wait = min(wait * 2, MAX_RECONNECT_DELAY)
            self._stop_event.wait(wait)

    def _connect(self) -> None:
        """Follow one connection until it ends."""
        with contextlib.closing(self._client_factory()) as client:
            self._stream = client.events(
                # The engine replays the events since the last one, or since this object was
                # created; it stores the last few hundred.
                since=f"{self._last_event_ns // 10**9}.{self._last_event_ns % 10**9:09d}",
                filters={
                    "type": "container",
                    "label": f"{HUB_LABEL}={self._hub_name}",
                    "event": list(ACTIONS),
                },
                decode=True,
            )
            if self._stop_event.is_set():
                self._close_stream()
                return
            self._call_safely(self._on_gap)
            for raw in self._stream:
                if self._stop_event.is_set():
                    return
                if raw["timeNano"] > self._last_event_ns:
                    self._last_event_ns = raw["timeNano"]
                    self._call_safely(self._on_event, read_event(raw))

    def _call_safely(self, callback: Callable[..., None], *arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            # An error in one callback must not end the thread.
            log.exception("A Docker event listener failed")

    def _close_stream(self) -> None:
        if self._stream is not None:
            # A stream that has just ended has no socket.
            with contextlib.suppress(AttributeError, OSError, DockerException):
                self._stream.close()


class WatchedSpawner(Protocol):
    """Interface of a spawner that receives events."""

    object_id: str

    def is_about(self, event: EngineEvent) -> bool: ...

    async def handle_event(self, event: EngineEvent) -> None: ...

    async def refresh(self) -> None: ...


class EventDispatcher:
    """Passes Docker events to the spawners of the containers. Must be created on the event loop.

    Lives until the Hub's process ends.
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
        """Pass events of this spawner's current container to it."""
        self._spawners.add(spawner)
