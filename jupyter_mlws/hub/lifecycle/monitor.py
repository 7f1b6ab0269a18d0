"""Observation of containers in Docker and the Hub, as soon as either changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    ContainerConfig,
    LogLine,
    Resources,
    container_id,
    split_id,
)
from jupyter_mlws.core.errors import ContainerBackendError
from jupyter_mlws.hub.background import BackgroundTasks
from jupyter_mlws.hub.docker.engine import ID_LABEL, DockerContainer, Engine
from jupyter_mlws.hub.docker.events import EngineEvent, EventWatcher
from jupyter_mlws.hub.hubapi import HUB_NOT_RESPONDING, HubAPI, HubRefusedError, HubUser, Server
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.records.container_state import (
    ContainerState,
    Intent,
    now,
    to_config,
)
from jupyter_mlws.hub.records.store import Records
from jupyter_mlws.hub.scheduling.scheduler import Grant
from jupyter_mlws.hub.scheduling.swarm_queue import SwarmQueue
from jupyter_mlws.hub.volumes import Volumes
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message

SWEEP_INTERVAL = 30.0
"""Seconds between sweeps, for changes without events, such as a server deleted in the Hub."""
HUB_TIMEOUT = 0.6
"""Seconds until the last known state is used because the Hub does not respond."""
MIN_POLL_INTERVAL = 0.2
MAX_POLL_INTERVAL = 2.0
"""Seconds until a container that changes is inspected again, longer each time."""

WAITS_FOR_HOME = Message("Waits for the machine {node}, which has your files.")
CRASH_LOG_LINES = 20
OOM_EVENT_INTERVAL = 5.0
"""Seconds in which further events of one lack of memory are not recorded."""

log = logging.getLogger(__name__)


class ContainerObserver:
    """Applies observations of Docker and the Hub to the registry. Lives on the event loop."""

    def __init__(
        self, registry: ContainerRegistry, engine: Engine, hub: HubAPI, volumes: Volumes
    ) -> None:
        self._registry = registry
        self._volumes = volumes
        self._scheduler = registry.scheduler
        self._engine = engine
        self._hub = hub

    async def apply(
        self,
        identifier: str,
        docker_container: DockerContainer | None,
        server: Server | None,
        since: float,
    ) -> bool:
        """Update a container to the views of Docker and the Hub.

        The views are not older than ``since``. Return whether to inspect the container again soon.
        """
        entry = self._registry.entries.get(identifier) or self._adopt(
            identifier, docker_container, server
        )
        if entry is None:
            return False
        if since < entry.valid_since:
            return True
        # Read the reason of an end first, so that both are published together.
        lines: list[LogLine] = []
        failure: str | None = None
        after = copy(entry)
        after.observe(docker_container, server)
        has_ended = not (after.running or after.starting or after.stopping)
        if has_ended and after.docker_container is not None and after.failed:
            if entry.exit_code is None:
                docker = after.docker_container.docker
                lines = await in_thread(self._engine.tail, docker, CRASH_LOG_LINES)
        elif has_ended and entry.intent is Intent.SPAWN:
            failure = await self._hub.failure(entry.user, entry.name)
        if since < entry.valid_since:
            return True
        # A sweep is slower than the inspection of one container, and may arrive after newer ones.
        entry.valid_since = since
        had_spawner = entry.hub_waits
        entry.observe(docker_container, server)
        if had_spawner and not entry.hub_waits and entry.intent is Intent.START:
            self._registry.on_start(entry)
        is_known = entry.server is not None or entry.docker_container is not None
        waits = entry.id in self._scheduler.waiting
        if not is_known and not waits and entry.intent is Intent.NONE:
            # The server or its user was deleted in the Hub.
            self._registry.drop(entry)
            return False
        self._count(entry)
        self._follow(entry, lines, failure)
        self._registry.usage_accounting.update(entry, self._registry.groups_of(entry.user))
        self._registry.settle()
        restarting = docker_container is not None and docker_container.state == "restarting"
        is_settled = entry.running == (server is not None and server.ready) and not restarting
        pending = server is not None and server.pending is not None
        return pending or not is_settled or entry.intent is Intent.SPAWN

    def on_users(self, users: Iterable[HubUser]) -> None:
        """Update the users of the Hub."""
        self._registry.users = {user.name: user for user in users}

    def on_docker_event(self, identifier: str, event: EngineEvent) -> None:
        """Record when containers exit, and a lack of memory, which no state of Docker shows."""
        accounting = self._registry.usage_accounting
        if event.action == "die":
            moment = accounting.clock.at(datetime.fromtimestamp(event.time, UTC))
            accounting.on_exit(event.container, moment)
        elif event.action == "start":
            accounting.on_start(event.container)
        entry = self._registry.entries.get(identifier)
        if entry is None or event.action != "oom":
            return
        # The kernel reports one lack of memory several times.
        if time.monotonic() - entry.last_oom_at > OOM_EVENT_INTERVAL:
            entry.last_oom_at = time.monotonic()
            self._registry.note(entry, "out of memory: a process was killed")

    def _adopt(
        self, identifier: str, docker_container: DockerContainer | None, server: Server | None
    ) -> ContainerState | None:
        """Create the entry of a container without a record; None if no such container exists."""
        if docker_container is None and (server is None or not (server.active or server.name)):
            return None
        user, name = split_id(identifier)
        amount = self._registry.policy.default_resources.amount
        config = ContainerConfig(image=self._registry.policy.default_image)
        if server is not None:
            try:
                spec = self._registry.policy.check(self._registry.policy.read(server.options))
                amount, config = spec.resources, to_config(spec)
            except MLWSError as error:
                log.info("Ignoring invalid options of %s: %s", identifier, error)
        if docker_container is not None:
            amount = docker_container.amount
            config = config.model_copy(update={"image": docker_container.image})
        created = docker_container.created if docker_container is not None else now()
        entry = ContainerState(
            id=identifier,
            user=user,
            name=name,
            config=config,
            resources=Resources.of(amount),
            created_at=created,
            updated_at=created,
        )
        self._registry.entries[identifier] = entry
        return entry

    def _count(self, entry: ContainerState) -> None:
        """Account for the container's resources in the scheduler until its end."""
        scheduler = self._scheduler
        if isinstance(scheduler, SwarmQueue) and self._sync_with_swarm(entry, scheduler):
            return
        if entry.id in scheduler.waiting and not entry.running:
            return  # The Hub's start waits for resources.
        if entry.active:
            docker_container, grant = entry.docker_container, scheduler.grants.get(entry.id)
            is_counted = grant is not None and (
                docker_container is None
                or entry.resizing
                or grant.amount == docker_container.amount
            )
            if not is_counted:
                amount = (
                    docker_container.amount
                    if docker_container is not None
                    else entry.resources.amount
                )
                devices = docker_container.devices if docker_container is not None else ()
                node = entry.node if entry.node in scheduler.nodes else None
                node = node or next(iter(scheduler.nodes))
                scheduler.restore(Grant(entry.id, entry.user, node, amount, devices))
            entry.node = scheduler.grants[entry.id].node
        elif entry.intent is not Intent.RESTART and not entry.starting:
            scheduler.release(entry.id)

    def _sync_with_swarm(self, entry: ContainerState, queue: SwarmQueue) -> bool:
        """Apply the node that Swarm chose; return whether the container waits."""
        docker_container = entry.docker_container
        if docker_container is None or entry.ended:
            return False
        if entry.held and not entry.stopping:
            entry.queued_at = entry.queued_at or docker_container.created
            queue.hold(self._registry.request(entry))
            return True
        if entry.id in queue.waiting or docker_container.node not in (None, entry.node):
            matching_nodes = [name for name in queue.nodes if name == docker_container.node]
            node = next(iter(matching_nodes or queue.nodes))
            entry.node = node
            entry.queued_at = entry.turn_at = entry.turn_as = None
            queue.restore(Grant(entry.id, entry.user, node, docker_container.amount))
        return False

    def _follow(self, entry: ContainerState, lines: list[LogLine], failure: str | None) -> None:
        """Record starts and ends with their reasons.

        ``lines`` are the end of the log of a crash, ``failure`` is the Hub's reason of a failed
        start.
        """
        container, server = entry.docker_container, entry.server
        home = self._volumes.node_of(entry.user) if entry.held else None
        if home is not None and home not in self._scheduler.nodes:
            entry.reason = WAITS_FOR_HOME.fill(node=home)
        if container is not None and container.active:
            if container.restarts > entry.restarts:
                self._registry.note(
                    entry, f"restarted by Docker ({container.restarts} times so far)"
                )
            entry.started_at, entry.restarts = container.started, container.restarts
            entry.exit_code, entry.reason, entry.last_log = None, None, []
            if container.node is not None:
                self._volumes.note_node(entry.user, container.node)
            if server is not None and server.ready:
                entry.sealed = None
                if entry.intent in (Intent.START, Intent.SPAWN):
                    entry.intent = Intent.NONE
        elif entry.starting or entry.stopping:
            return
        elif container is not None and container.failed:
            if entry.exit_code is None:
                entry.exit_code, entry.reason = container.exit_code, entry.describe_exit()
                entry.restarts = container.restarts
                entry.last_log = [line.text for line in lines]
                self._registry.store(entry)
                rows = [(line.stream, line.text, line.time) for line in lines]
                self._registry.records.write(Records.log, entry.id, rows)
        elif failure:
            entry.reason = Message.verbatim(failure)
        elif entry.stop_reason is not None:
            entry.reason = entry.stop_reason
        if entry.intent is Intent.SPAWN and not entry.starting:
            entry.intent = Intent.NONE


class Monitor:
    """Watches all containers of one Hub. Lives on the event loop."""

    def __init__(
        self,
        engine: Engine,
        hub: HubAPI,
        hub_name: str,
        observer: ContainerObserver,
    ) -> None:
        self._engine = engine
        self._hub = hub
        self._observer = observer
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
                loop.call_soon_threadsafe(observer.on_docker_event, identifier, event)
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
        containers, users = await asyncio.gather(in_thread(self._engine.all), self._hub.users())
        self._observer.on_users(users)
        servers = {
            container_id(server.user, server.name): server
            for user in users
            for server in user.servers.values()
        }
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
            known = replace(known, pending="spawn", ready=False, stopped=False)
            container = await in_thread(self._engine.find, identifier)
            await self._report(identifier, container, known, since)
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
        return await self._observer.apply(identifier, container, server, since)

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
