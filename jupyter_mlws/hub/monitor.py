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
from jupyter_mlws.hub.engine import ID_LABEL, Engine, Seen
from jupyter_mlws.hub.events import EngineEvent, EventWatcher
from jupyter_mlws.hub.hubapi import NO_HUB, Account, HubAPI, HubRefusedError, Server

SWEEP_EVERY = 30.0
"""Seconds; for what no event tells, such as a server that was deleted on the Hub's page."""
HUB_PATIENCE = 0.6
"""Seconds in which the Hub must say its part; what Docker says is told without it after that."""
LOOK_AGAIN = 0.2
LONGEST_LOOK = 2.0
"""Seconds until a container that changes is looked at again, longer each time."""

log = logging.getLogger(__name__)

Observed = Callable[[str, Seen | None, Server | None, float], Awaitable[bool]]
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
        on_observation: Observed,
        on_event: Callable[[str, str], None],
    ) -> None:
        self._engine = engine
        self._hub = hub
        self._observed = on_observation
        self._happened = on_event
        self._loop = asyncio.get_running_loop()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._servers: dict[str, Server | None] = {}
        self._known: set[str] = set()
        self._forgotten: dict[str, float] = {}
        self._looks: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._watcher = EventWatcher(engine.connect, hub_name, self._on_event, self._on_gap)

    def start(self) -> None:
        """Start to follow events and to sweep periodically."""
        self._watcher.start()
        self._begin(self._sweep_for_ever())

    async def close(self) -> None:
        await in_thread(self._watcher.close)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for look in self._looks.values():
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
        self._forgotten = {
            key: when for key, when in self._forgotten.items() if when > since - SWEEP_EVERY
        }
        for identifier in {*containers, *servers, *self._known}:
            async with self._locks[identifier]:
                container = containers.get(identifier)
                if container is not None and not container.active:
                    # Ended by a fault, or just being stopped: a second look tells.
                    again = await self._look_at_both(identifier, since)
                else:
                    again = await self._tell(identifier, container, servers.get(identifier), since)
            self._known.add(identifier)
            if again:
                self._look_in(identifier, LOOK_AGAIN)

    def know(self, identifier: str) -> None:
        """Include a container in sweeps even if neither Docker nor the Hub lists it."""
        self._known.add(identifier)

    def forget(self, identifier: str) -> None:
        """Exclude a deleted container and discard earlier observations of it."""
        self._known.discard(identifier)
        self._servers.pop(identifier, None)
        self._forgotten[identifier] = time.monotonic()
        look = self._looks.pop(identifier, None)
        if look is not None:
            look.cancel()

    async def refresh(self, identifier: str, wait: float = LOOK_AGAIN) -> None:
        """Inspect one container now, and again until its state is stable."""
        again = True
        try:
            async with self._locks[identifier]:
                again = await self._look(identifier)
        finally:
            if again:
                self._look_in(identifier, wait)

    async def _look(self, identifier: str) -> bool:
        since = time.monotonic()
        container = await in_thread(self._engine.find, identifier)
        if container is not None and container.active and identifier in self._servers:
            # What Docker does is told at once; the Hub may be busy.
            await self._tell(identifier, container, self._servers[identifier], since)
        return await self._look_at_both(identifier, since)

    async def _look_at_both(self, identifier: str, since: float) -> bool:
        """Inspect a container in the Hub, then in Docker.

        A stop is visible in the Hub before Docker removes the container.
        """
        server = await self._server(identifier)
        container = await in_thread(self._engine.find, identifier)
        return await self._tell(identifier, container, server, since)

    async def _tell(
        self, identifier: str, container: Seen | None, server: Server | None, since: float
    ) -> bool:
        if since < self._forgotten.get(identifier, 0.0):
            return False
        return await self._observed(identifier, container, server, since)

    async def _server(self, identifier: str) -> Server | None:
        try:
            server = await asyncio.wait_for(self._hub.server(*split_id(identifier)), HUB_PATIENCE)
            self._servers[identifier] = server
        except (asyncio.TimeoutError, MLWSError, HubRefusedError) as error:
            if identifier not in self._servers:
                # Not None, which would say that there is no such server.
                raise ContainerBackendError(reason=NO_HUB.fill(error=str(error))) from error
            log.info("Using the last known state of %s in the Hub: %s", identifier, error)
        return self._servers[identifier]

    def look_soon(self, identifier: str) -> None:
        """Inspect one container in the background."""
        self._look_in(identifier, 0)

    def _look_in(self, identifier: str, wait: float) -> None:
        before = self._looks.pop(identifier, None)
        if before is not None:
            before.cancel()

        def look() -> None:
            self._looks.pop(identifier, None)
            next_wait = min(LONGEST_LOOK, max(LOOK_AGAIN, wait * 1.5))
            self._begin(self.refresh(identifier, next_wait))

        self._looks[identifier] = self._loop.call_later(wait, look)

    # Hearing

    def _on_event(self, event: EngineEvent) -> None:
        identifier = event.labels.get(ID_LABEL)
        if identifier is not None:
            self._loop.call_soon_threadsafe(self._happened, identifier, event.action)
            self._loop.call_soon_threadsafe(self._look_in, identifier, 0)

    def _on_gap(self) -> None:
        self._loop.call_soon_threadsafe(lambda: self._begin(self.sweep()))

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self.sweep()
            except (MLWSError, HubRefusedError) as error:
                log.warning("Could not inspect all containers: %s", error)

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
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
