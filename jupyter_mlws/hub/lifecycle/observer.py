"""Updates of the registry to what Docker and the Hub report of containers."""

from __future__ import annotations

import logging
import time
from copy import copy

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import LogLine, Resources, split_id
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub.docker.engine import DockerContainer, Engine
from jupyter_mlws.hub.hubapi import HubAPI, Server
from jupyter_mlws.hub.lifecycle.container_state import (
    ContainerState,
    Intent,
    StoredConfig,
    now,
    to_config,
)
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.records.store import Records
from jupyter_mlws.hub.scheduling.scheduler import Grant
from jupyter_mlws.hub.scheduling.swarm_queue import SwarmQueue

CRASH_LOG_LINES = 20
OOM_EVENT_INTERVAL = 5.0
"""Seconds in which further events of one lack of memory are not recorded."""

log = logging.getLogger(__name__)


class ContainerObserver:
    """Applies observations of Docker and the Hub to the registry. Lives on the event loop."""

    def __init__(self, registry: ContainerRegistry, engine: Engine, hub: HubAPI) -> None:
        self._registry = registry
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
        self._registry.usage_accounting.update(entry)
        self._registry.settle()
        restarting = docker_container is not None and docker_container.state == "restarting"
        is_settled = entry.running == (server is not None and server.ready) and not restarting
        pending = server is not None and server.pending is not None
        return pending or not is_settled or entry.intent is Intent.SPAWN

    def on_docker_event(self, identifier: str, action: str) -> None:
        """Record a lack of memory, which no state of Docker shows."""
        entry = self._registry.entries.get(identifier)
        if entry is None or action != "oom":
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
        config = StoredConfig(image=self._registry.policy.default_image)
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
            entry.queued_at = entry.turn_at = None
            queue.restore(Grant(entry.id, entry.user, node, docker_container.amount))
        return False

    def _follow(self, entry: ContainerState, lines: list[LogLine], failure: str | None) -> None:
        """Record starts and ends with their reasons.

        ``lines`` are the end of the log of a crash, ``failure`` is the Hub's reason of a failed
        start.
        """
        container, server = entry.docker_container, entry.server
        if container is not None and container.active:
            if container.restarts > entry.restarts:
                self._registry.note(
                    entry, f"restarted by Docker ({container.restarts} times so far)"
                )
            entry.started_at, entry.restarts = container.started, container.restarts
            entry.exit_code, entry.reason, entry.last_log = None, None, []
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
        if entry.intent is Intent.SPAWN and not entry.starting:
            entry.intent = Intent.NONE
