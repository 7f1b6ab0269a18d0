"""Observation of containers in Docker and the Hub, as soon as either changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import container_id, split_id
from jupyter_mlws.core.errors import ContainerBackendError, MLWSError
from jupyter_mlws.hub.background import BackgroundTasks
from jupyter_mlws.hub.docker.engine import ID_LABEL, DockerContainer, Engine
from jupyter_mlws.hub.docker.events import EngineEvent, EventWatcher
from jupyter_mlws.hub.hubapi import HUB_NOT_RESPONDING, HubAPI, HubRefusedError, Server

SWEEP_INTERVAL = 30.0
"""Seconds between sweeps, for changes without events, such as a server deleted in the Hub."""
HUB_TIMEOUT = 0.6
"""Seconds until the last known state is used because the Hub does not respond."""
MIN_POLL_INTERVAL = 0.2
MAX_POLL_INTERVAL = 2.0
"""Seconds until a container that changes is inspected again, longer each time."""

log = logging.getLogger(__name__)

ObservationCallback = Callable[[str, DockerContainer | None, Server | None, float], Awaitable[bool]]
"""Called with (id, Docker's view, the Hub's view, monotonic time that neither is older than).

Returns whether to inspect the container again soon.
"""


class Monitor:
    """Watches all containers of one Hub; lives on the event loop.

    ``on_observation`` is called with the current views of Docker and the Hub. ``on_event`` is
    called with every event of Docker: the container's id and Docker's action.
    """

    def __init__(
        self,
        engine: Engine,
        hub: HubAPI,
        hub_name: str,
        on_observation: ObservationCallback,
        on_event: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._hub = hub
        self._on_observation = on_observation
        self._loop = loop = asyncio.get_running_loop()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._servers: dict[str, tuple[Server | None, float]] = {}
        """The Hub's last known view of each server, with the time of the request."""
        self._known_ids: set[str] = set()
        self._starting: set[str] = set()
        """Servers whose start the Hub has yet to answer."""
        self._removed_at: dict[str, float] = {}
        self._refresh_timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks = BackgroundTasks("Could not inspect a container")

        def handle_event(event: EngineEvent) -> None:
            identifier = event.labels.get(ID_LABEL)
            if identifier is not None:
                loop.call_soon_threadsafe(on_event, identifier, event.action)
                loop.call_soon_threadsafe(self._schedule_refresh, identifier, 0)

        def handle_gap() -> None:
            loop.call_soon_threadsafe(lambda: self._tasks.run(self.sweep()))

        self._watcher = EventWatcher(engine.connect, hub_name, handle_event, handle_gap)

    def start(self) -> None:
        """Start to follow events and to sweep periodically."""

        async def sweep_periodically() -> None:
            while True:
                await asyncio.sleep(SWEEP_INTERVAL)
                try:
                    await self.sweep()
                except (MLWSError, HubRefusedError) as error:
                    log.warning("Could not inspect all containers: %s", error)

        self._watcher.start()
        self._tasks.run(sweep_periodically())

    async def close(self) -> None:
        await in_thread(self._watcher.close)
        await self._tasks.close()
        for timer in self._refresh_timers.values():
            timer.cancel()

    async def sweep(self) -> None:
        """Inspect every container that Docker, the Hub or the records list."""
        since = time.monotonic()
        containers, rows = await asyncio.gather(in_thread(self._engine.all), self._hub.servers())
        servers = {container_id(server.user, server.name): server for server in rows}
        newer = {key: view for key, view in self._servers.items() if view[1] > since}
        self._servers = {key: (server, since) for key, server in servers.items()} | newer
        self._removed_at = {
            key: when for key, when in self._removed_at.items() if when > since - SWEEP_INTERVAL
        }
        for identifier in {*containers, *servers, *self._known_ids}:
            async with self._locks[identifier]:
                container = containers.get(identifier)
                if container is not None and not container.active:
                    # It has crashed, or is being stopped.
                    again = await self._inspect_hub_and_docker(identifier, since)
                else:
                    again = await self._report(
                        identifier, container, servers.get(identifier), since
                    )
            self._known_ids.add(identifier)
            if again:
                self._schedule_refresh(identifier, MIN_POLL_INTERVAL)

    def track(self, identifier: str) -> None:
        """Include a container in sweeps even if neither Docker nor the Hub lists it."""
        self._known_ids.add(identifier)

    def forget(self, identifier: str) -> None:
        """Exclude a deleted container and discard earlier observations of it."""
        self._known_ids.discard(identifier)
        self._servers.pop(identifier, None)
        self._removed_at[identifier] = time.monotonic()
        self._cancel_refresh(identifier)

    def assume(self, identifier: str, server: Server) -> None:
        """Use a view of a server that the Hub has returned for another request."""
        self._servers[identifier] = server, time.monotonic()

    @contextmanager
    def expect_start(self, identifier: str) -> Iterator[None]:
        """Treat a server as starting, without requests to the Hub, until the Hub has responded."""
        self._starting.add(identifier)
        try:
            yield
        finally:
            self._starting.discard(identifier)

    def expect_stop(self, identifier: str) -> None:
        """Request the state of a server again, also during its start."""
        self._starting.discard(identifier)

    async def apply_start(self, identifier: str, options: Mapping[str, Any]) -> None:
        """Apply the Hub's answer that a server has started with these options."""
        server, _ = self._servers.get(identifier, (None, 0.0))
        if server is None:
            await self.refresh(identifier)
            return
        server = replace(server, pending=None, ready=True, stopped=False, options=options)
        self.assume(identifier, server)
        self._cancel_refresh(identifier)
        async with self._locks[identifier]:
            container = await in_thread(self._engine.find, identifier)
            again = await self._report(identifier, container, server, time.monotonic())
        if again:
            self._schedule_refresh(identifier, MIN_POLL_INTERVAL)

    async def refresh(self, identifier: str, wait: float = MIN_POLL_INTERVAL) -> None:
        """Inspect one container now, and again until its state is stable."""
        again = True
        try:
            async with self._locks[identifier]:
                since = time.monotonic()
                container = await in_thread(self._engine.find, identifier)
                if container is not None and container.active and identifier in self._servers:
                    # Apply Docker's view at once; the Hub may be busy.
                    await self._report(identifier, container, *self._servers[identifier])
                again = await self._inspect_hub_and_docker(identifier, since)
        finally:
            if again:
                self._schedule_refresh(identifier, wait)

    async def _inspect_hub_and_docker(self, identifier: str, since: float) -> bool:
        """Inspect a container in the Hub, then in Docker.

        A stop is visible in the Hub before Docker removes the container.
        """

        known, _ = self._servers.get(identifier, (None, 0.0))
        if identifier in self._starting and known is not None:
            starting = replace(known, pending="spawn", ready=False, stopped=False)
            container = await in_thread(self._engine.find, identifier)
            await self._report(identifier, container, starting, since)
            return False

        async def ask_hub() -> None:
            asked_at = time.monotonic()
            server = await self._hub.server(*split_id(identifier))
            if self._servers.get(identifier, (None, 0.0))[1] < asked_at:
                self._servers[identifier] = server, asked_at

        # A late response is used by the next inspection.
        answer = self._tasks.run(ask_hub())
        is_known = identifier in self._servers
        await asyncio.wait({answer}, timeout=HUB_TIMEOUT if is_known else None)
        if identifier not in self._servers:
            # Not None, which would mean that the server does not exist.
            error = str(answer.exception())
            raise ContainerBackendError(reason=HUB_NOT_RESPONDING.fill(error=error))
        server, asked_at = self._servers[identifier]
        container = await in_thread(self._engine.find, identifier)
        return await self._report(identifier, container, server, min(since, asked_at))

    async def _report(
        self,
        identifier: str,
        container: DockerContainer | None,
        server: Server | None,
        since: float,
    ) -> bool:
        if since < self._removed_at.get(identifier, 0.0):
            return False
        return await self._on_observation(identifier, container, server, since)

    def refresh_soon(self, identifier: str) -> None:
        """Inspect one container in the background."""
        self._schedule_refresh(identifier, 0)

    def _schedule_refresh(self, identifier: str, wait: float) -> None:
        self._cancel_refresh(identifier)

        def refresh() -> None:
            self._refresh_timers.pop(identifier, None)
            next_wait = min(MAX_POLL_INTERVAL, max(MIN_POLL_INTERVAL, wait * 1.5))
            self._tasks.run(self.refresh(identifier, next_wait))

        self._refresh_timers[identifier] = self._loop.call_later(wait, refresh)

    def _cancel_refresh(self, identifier: str) -> None:
        timer = self._refresh_timers.pop(identifier, None)
        if timer is not None:
            timer.cancel()
