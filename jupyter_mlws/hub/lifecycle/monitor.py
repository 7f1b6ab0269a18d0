"""What Docker and the Hub say of each container, told as soon as either changes its mind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import container_id, split_id
from jupyter_mlws.core.errors import ContainerBackendError, MLWSError
from jupyter_mlws.hub.docker.engine import ID_LABEL, DockerContainer, Engine
from jupyter_mlws.hub.docker.events import EngineEvent, EventWatcher
from jupyter_mlws.hub.hubapi import HUB_NOT_RESPONDING, Account, HubAPI, HubRefusedError, Server

SWEEP_INTERVAL = 30.0
"""Seconds; for what no event tells, such as a server that was deleted on the Hub's page."""
HUB_TIMEOUT = 0.6
"""Seconds in which the Hub must say its part; what Docker says is told without it after that."""
MIN_POLL_INTERVAL = 0.2
MAX_POLL_INTERVAL = 2.0
"""Seconds until a container that changes is looked at again, longer each time."""

log = logging.getLogger(__name__)

ObservationCallback = Callable[[str, DockerContainer | None, Server | None, float], Awaitable[bool]]
"""Told (id, Docker's view, the Hub's view, how old they are); says whether to look again soon."""


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
        self._on_container_event = on_event
        self._loop = asyncio.get_running_loop()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._servers: dict[str, Server | None] = {}
        self._known_ids: set[str] = set()
        self._removed_at: dict[str, float] = {}
        self._refresh_timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._watcher = EventWatcher(engine.connect, hub_name, self._on_event, self._on_gap)

    def start(self) -> None:
        """Start to follow events and to sweep periodically."""
        self._watcher.start()
        self._run_in_background(self._sweep_for_ever())

    async def close(self) -> None:
        await in_thread(self._watcher.close)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for look in self._refresh_timers.values():
            look.cancel()

    # Looking

    async def sweep(self) -> None:
        """Inspect every container that Docker, the Hub or the records list."""
        since = time.monotonic()
        containers, accounts = await asyncio.gather(
            in_thread(self._engine.all), self._hub.accounts()
        )
        servers = {_id(server): server for server in _servers(accounts)}
        self._servers = dict(servers)
        self._removed_at = {
            key: when for key, when in self._removed_at.items() if when > since - SWEEP_INTERVAL
        }
        for identifier in {*containers, *servers, *self._known_ids}:
            async with self._locks[identifier]:
                container = containers.get(identifier)
                if container is not None and not container.active:
                    # Ended by a fault, or just being stopped: a second look tells.
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
        look = self._refresh_timers.pop(identifier, None)
        if look is not None:
            look.cancel()

    async def refresh(self, identifier: str, wait: float = MIN_POLL_INTERVAL) -> None:
        """Inspect one container now, and again until its state is stable."""
        again = True
        try:
            async with self._locks[identifier]:
                again = await self._inspect(identifier)
        finally:
            if again:
                self._schedule_refresh(identifier, wait)

    async def _inspect(self, identifier: str) -> bool:
        since = time.monotonic()
        container = await in_thread(self._engine.find, identifier)
        if container is not None and container.active and identifier in self._servers:
            # What Docker does is told at once; the Hub may be busy.
            await self._report(identifier, container, self._servers[identifier], since)
        return await self._inspect_hub_and_docker(identifier, since)

    async def _inspect_hub_and_docker(self, identifier: str, since: float) -> bool:
        """Inspect a container in the Hub, then in Docker.

        A stop is visible in the Hub before Docker removes the container.
        """
        server = await self._server(identifier)
        container = await in_thread(self._engine.find, identifier)
        return await self._report(identifier, container, server, since)

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

    async def _server(self, identifier: str) -> Server | None:
        try:
            server = await asyncio.wait_for(self._hub.server(*split_id(identifier)), HUB_TIMEOUT)
            self._servers[identifier] = server
        except (asyncio.TimeoutError, MLWSError, HubRefusedError) as error:
            if identifier not in self._servers:
                # Not None, which would say that there is no such server.
                raise ContainerBackendError(
                    reason=HUB_NOT_RESPONDING.fill(error=str(error))
                ) from error
            log.info("Using the last known state of %s in the Hub: %s", identifier, error)
        return self._servers[identifier]

    def refresh_soon(self, identifier: str) -> None:
        """Inspect one container in the background."""
        self._schedule_refresh(identifier, 0)

    def _schedule_refresh(self, identifier: str, wait: float) -> None:
        before = self._refresh_timers.pop(identifier, None)
        if before is not None:
            before.cancel()

        def look() -> None:
            self._refresh_timers.pop(identifier, None)
            next_wait = min(MAX_POLL_INTERVAL, max(MIN_POLL_INTERVAL, wait * 1.5))
            self._run_in_background(self.refresh(identifier, next_wait))

        self._refresh_timers[identifier] = self._loop.call_later(wait, look)

    # Hearing

    def _on_event(self, event: EngineEvent) -> None:
        identifier = event.labels.get(ID_LABEL)
        if identifier is not None:
            self._loop.call_soon_threadsafe(self._on_container_event, identifier, event.action)
            self._loop.call_soon_threadsafe(self._schedule_refresh, identifier, 0)

    def _on_gap(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._run_in_background(self.sweep()))

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            try:
                await self.sweep()
            except (MLWSError, HubRefusedError) as error:
                log.warning("Could not inspect all containers: %s", error)

    def _run_in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        if isinstance(task.exception(), MLWSError | HubRefusedError):
            log.warning("Could not inspect a container: %s", task.exception())
        else:
            log.error("Could not inspect a container", exc_info=task.exception())


def _servers(accounts: list[Account]) -> list[Server]:
    return [server for account in accounts for server in account.servers.values()]


def _id(server: Server) -> str:
    return container_id(server.user, server.name)
