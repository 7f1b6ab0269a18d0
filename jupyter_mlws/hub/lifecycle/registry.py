"""All containers of one Hub: what is known of them, what they hold, and the news of them."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import aclosing
from copy import copy

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    Amount,
    Container,
    ContainerStatus,
    LogLine,
    Machine,
    Me,
    QueuePlace,
    ResourceReport,
    Resources,
    Usage,
    Waiting,
    container_id,
    mask_credentials,
    split_id,
)
from jupyter_mlws.core.errors import ContainerForbiddenError, ContainerNotFoundError, MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.hub.docker.engine import DockerContainer, Engine
from jupyter_mlws.hub.hubapi import HubAPI, Server
from jupyter_mlws.hub.lifecycle.container_state import (
    ContainerState,
    Intent,
    StoredConfig,
    now,
)
from jupyter_mlws.hub.records.store import RecordQueue, Records, ReservationRow
from jupyter_mlws.hub.records.usage import MAX_RUN_LENGTHS, UsageAccounting
from jupyter_mlws.hub.scheduling.policy import Policy, ResolvedSpec
from jupyter_mlws.hub.scheduling.scheduler import Grant, Request, Reservation, Scheduler
from jupyter_mlws.hub.scheduling.swarm_queue import SwarmQueue

STOPPED_STATUSES = (ContainerStatus.STOPPED, ContainerStatus.CRASHED)
CRASH_LOG_LINES = 20
OOM_EVENT_INTERVAL = 5.0
"""Seconds in which the same lack of memory may be told again."""

log = logging.getLogger(__name__)


class ContainerRegistry:
    """Live state of all containers of one Hub.

    Lives on the event loop; blocking calls run in threads. ``on_start`` is called with each
    container that has its resources and must be started.
    """

    def __init__(
        self,
        policy: Policy,
        scheduler: Scheduler,
        engine: Engine,
        hub: HubAPI,
        records: RecordQueue,
        on_start: Callable[[ContainerState], None],
    ) -> None:
        self.policy = policy
        self.scheduler = scheduler
        self.records = records
        self.entries: dict[str, ContainerState] = {}
        # Numbers of an earlier process are all smaller, so that its readers are reset.
        self.stream = RingStream(first=int(time.time() * 1000))
        self._engine = engine
        self._hub = hub
        self._on_start = on_start
        self.is_synchronized = False
        """Whether all that runs is counted; nothing is granted before."""
        self._last_report: ResourceReport | None = None
        self._stored_reservations: dict[str, Reservation] = {}
        self._usage_accounting = UsageAccounting(records)

    async def load(self) -> list[ContainerState]:
        """Load the records of an earlier process and return the containers."""
        read = self.records.read
        self.entries = {entry.id: entry for entry in await read(Records.all, ContainerState)}
        past_usage = await read(Records.last_usage, MAX_RUN_LENGTHS)
        self._usage_accounting.load(
            await read(Records.running_usage),
            [(row.ended_at - row.started_at).total_seconds() for row in past_usage if row.ended_at],
        )
        moment = time.time()
        for row in await read(Records.all, ReservationRow):
            if row.expires > moment and row.node in self.scheduler.nodes:
                reservation = Reservation(**{**row.values(), "devices": tuple(row.devices)})
                self.scheduler.reservations[row.user] = reservation
        return list(self.entries.values())

    def store(self, entry: ContainerState) -> None:
        """Store the container's state."""
        entry.last_stored = entry.unpublished_values
        entry.stored_status = self.status(entry).value
        self.records.save(entry)

    def note(self, entry: ContainerState, message: str) -> None:
        """Store an event in the container's log."""
        log.info("%s: %s", entry.id, message)
        self.records.write(Records.log, entry.id, [("event", message, now())])

    def enter(self, user: str, name: str, spec: ResolvedSpec) -> ContainerState:
        """Create or update the entry of a container that is requested now."""
        identifier = container_id(user, name)
        resources, config = Resources.of(spec.resources), to_config(spec)
        entry = self.entries.get(identifier)
        if entry is None:
            entry = ContainerState(
                id=identifier, user=user, name=name, config=config, resources=resources
            )
            self.entries[identifier] = entry
        entry.config, entry.resources = config, resources
        entry.created_at, entry.valid_since = now(), time.monotonic()
        return entry

    def drop(self, entry: ContainerState) -> None:
        """Remove a container that no longer exists."""
        self.scheduler.withdraw(entry.id)
        self.scheduler.release(entry.id)
        self._usage_accounting.forget(entry)
        del self.entries[entry.id]
        self.records.write(Records.delete, ContainerState, entry.id)
        self.stream.publish({"type": "removed", "id": entry.id, "user": entry.user})
        self.settle()

    # What Docker and the Hub say

    async def apply_observation(
        self,
        identifier: str,
        docker_container: DockerContainer | None,
        server: Server | None,
        since: float,
    ) -> bool:
        """Update a container to the views of Docker and the Hub.

        The views are not older than ``since``. Return whether to inspect the container again soon.
        """
        entry = self.entries.get(identifier) or self._adopt(identifier, docker_container, server)
        if entry is None:
            return False
        if since < entry.valid_since:
            return True
        # The reason of an end is read first, so that both are applied and published together.
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
        # A sweep takes longer than a look at one container, and may come after newer ones.
        entry.valid_since = since
        had_spawner = entry.hub_waits
        entry.observe(docker_container, server)
        if had_spawner and not entry.hub_waits and entry.intent is Intent.START:
            self._on_start(entry)
        is_known = entry.server is not None or entry.docker_container is not None
        waits = entry.id in self.scheduler.waiting
        if not is_known and not waits and entry.intent is Intent.NONE:
            # The server or its user was deleted in the Hub.
            self.drop(entry)
            return False
        self._count(entry)
        self._follow(entry, lines, failure)
        self._usage_accounting.update(entry)
        self.settle()
        restarting = docker_container is not None and docker_container.state == "restarting"
        is_settled = entry.running == (server is not None and server.ready) and not restarting
        pending = server is not None and server.pending is not None
        return pending or not is_settled or entry.intent is Intent.SPAWN

    def on_docker_event(self, identifier: str, action: str) -> None:
        """Record an event of Docker that no state shows: lack of memory."""
        entry = self.entries.get(identifier)
        if entry is None or action != "oom":
            return
        # The kernel tells of one lack of memory several times.
        if time.monotonic() - entry.last_oom_at > OOM_EVENT_INTERVAL:
            entry.last_oom_at = time.monotonic()
            self.note(entry, "out of memory: a process was killed")

    def _adopt(
        self, identifier: str, docker_container: DockerContainer | None, server: Server | None
    ) -> ContainerState | None:
        """Create the entry of a container that has no record; None if there is none."""
        if docker_container is None and (server is None or not (server.active or server.name)):
            return None
        user, name = split_id(identifier)
        amount = self.policy.default_resources.amount
        config = StoredConfig(image=self.policy.default_image)
        if server is not None:
            try:
                spec = self.policy.check(self.policy.read(server.options))
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
        self.entries[identifier] = entry
        return entry

    def _count(self, entry: ContainerState) -> None:
        """Account in the scheduler for what the container has, until its end."""
        if isinstance(self.scheduler, SwarmQueue) and self._sync_with_swarm(entry, self.scheduler):
            return
        if entry.id in self.scheduler.waiting and not entry.running:
            return  # The Hub says that it starts, and it waits for its resources.
        if entry.active:
            docker_container, grant = entry.docker_container, self.scheduler.grants.get(entry.id)
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
                node = entry.node if entry.node in self.scheduler.nodes else None
                node = node or next(iter(self.scheduler.nodes))
                self.scheduler.restore(Grant(entry.id, entry.user, node, amount, devices))
            entry.node = self.scheduler.grants[entry.id].node
        elif entry.intent is not Intent.RESTART and not entry.starting:
            self.scheduler.release(entry.id)

    def _sync_with_swarm(self, entry: ContainerState, queue: SwarmQueue) -> bool:
        """Take over the node that Swarm chose; return whether it waits."""
        docker_container = entry.docker_container
        if docker_container is None or entry.ended:
            return False
        if entry.held and not entry.stopping:
            entry.queued_at = entry.queued_at or docker_container.created
            queue.hold(self.request(entry))
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
                self.note(entry, f"restarted by Docker ({container.restarts} times so far)")
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
                self.store(entry)
                rows = [(line.stream, line.text, line.time) for line in lines]
                self.records.write(Records.log, entry.id, rows)
        elif failure:
            entry.reason = Message.verbatim(failure)
        if entry.intent is Intent.SPAWN and not entry.starting:
            entry.intent = Intent.NONE

    # Starts in the order of the queue, and messages about all changes

    def settle(self) -> None:
        """Start what can start now, then publish the changes."""
        if not self.is_synchronized:
            return
        for grant in self.scheduler.dispatch(time.time()):
            self.apply_grant(self.entries[grant.id], grant)
        if self._stored_reservations != self.scheduler.reservations:
            self._stored_reservations = dict(self.scheduler.reservations)
            rows = [
                ReservationRow(**{**vars(reservation), "devices": list(reservation.devices)})
                for reservation in self._stored_reservations.values()
            ]
            self.records.write(Records.save_reservations, rows)
        self._publish_changes()

    def apply_grant(self, entry: ContainerState, grant: Grant) -> None:
        """Start a container with its resources, unless a spawner of the Hub waits for them."""
        entry.node = grant.node
        entry.resources = Resources.of(grant.amount)
        entry.queued_at = entry.turn_at = None
        entry.valid_since = time.monotonic()
        entry.reset_result()
        entry.intent = Intent.START
        if not entry.hub_waits:
            self._on_start(entry)

    def _publish_changes(self) -> None:
        """Publish and store all changes of containers and of the report."""
        positions = self.positions()
        for entry in self.entries.values():
            container = entry.container(positions.get(entry.id))
            plain = container.model_copy(update={"usage": None, "updated_at": entry.created_at})
            if plain == entry.last_published:
                if entry.last_stored != entry.unpublished_values:
                    self.store(entry)
                continue
            before, entry.last_published = entry.last_published, plain
            entry.updated_at = now()
            self.store(entry)
            if before is not None and before.status is not container.status:
                self.note(entry, f"{before.status.value} → {container.status.value}")
            self._publish(entry, positions)
        report = self.report(positions)
        if report != self._last_report:
            self._last_report = report
            self.stream.publish({"type": "resources", "report": report})

    def _publish(self, entry: ContainerState, positions: dict[str, QueuePlace]) -> None:
        container = entry.container(positions.get(entry.id))
        self.stream.publish({"type": "container", "user": entry.user, "container": container})

    async def changed(self, identifier: str, seq: int) -> None:
        """Return once there are news of a container after ``seq`` in the stream."""
        async with aclosing(self.stream.follow(seq)) as stream:  # type: ignore[type-var]
            async for message in stream:
                container = message.get("container")
                subject_id = message.get("id") if container is None else container.id
                if message["type"] == "reset" or subject_id == identifier:
                    return

    def apply_usage(self, usage: dict[str, Usage]) -> None:
        """Publish changes of usage."""
        positions = self.positions()
        for identifier, new_usage in usage.items():
            entry = self.entries.get(identifier)
            if entry is None:
                continue
            before, entry.usage = entry.usage, new_usage
            same_time = {"time": new_usage.time}
            if before is None or before.model_copy(update=same_time) != new_usage:
                self._publish(entry, positions)
        self._publish_changes()

    # The current state

    def find(self, user: Me, identifier: str) -> ContainerState:
        """Return a container; error 10404 if it does not exist, 10301 if it is another user's."""
        try:
            owner, _ = split_id(identifier)
        except ValueError:
            raise ContainerNotFoundError(name=identifier) from None
        if not user.may_see(owner):
            raise ContainerForbiddenError(name=identifier)
        entry = self.entries.get(identifier)
        if entry is None:
            raise ContainerNotFoundError(name=identifier)
        return entry

    def has_containers(self, user: str) -> bool:
        """Return whether a container of a user runs, starts or waits."""
        return any(
            entry.user == user and self.status(entry) not in STOPPED_STATUSES
            for entry in self.entries.values()
        )

    def positions(self) -> dict[str, QueuePlace]:
        """Return each container's position in the queue.

        The wait is rounded up to ten seconds, so that the passing of time alone is not a change.
        """
        positions = self.scheduler.positions(time.time(), self.ends())
        return {
            name: position
            if position.eta_seconds is None
            else QueuePlace(
                position=position.position, eta_seconds=math.ceil(position.eta_seconds / 10) * 10.0
            )
            for name, position in positions.items()
        }

    def ends(self) -> dict[str, float]:
        """Return when running containers may end; empty if nothing waits."""
        return self._usage_accounting.ends(self.entries.values()) if self.scheduler.waiting else {}

    def container(self, entry: ContainerState) -> Container:
        """Return a container for the API."""
        return entry.container(self.positions().get(entry.id))

    def status(self, entry: ContainerState) -> ContainerStatus:
        return entry.status(entry.id in self.scheduler.waiting)

    def request(self, entry: ContainerState) -> Request:
        """Return the container's request to the scheduler."""
        arrival = entry.turn_at or entry.queued_at or now()
        return Request(
            entry.id,
            entry.user,
            entry.resources.amount,
            entry.priority,
            arrival.timestamp(),
            entry.degrade,
        )

    def report(self, positions: dict[str, QueuePlace]) -> ResourceReport:
        """All machines and the whole queue."""
        waiting = [
            Waiting(
                id=request.id,
                user=request.user,
                position=positions[request.id].position,
                priority=request.priority,
                resources=Resources.of(request.amount),
                since=self.entries[request.id].queued_at or now(),
                eta_seconds=positions[request.id].eta_seconds,
            )
            for request in self.scheduler.queue(time.time())
        ]
        machines = []
        for name, capacity in self.scheduler.nodes.items():
            here = [
                self.entries[grant.id]
                for grant in self.scheduler.grants.values()
                if grant.node == name and grant.id in self.entries
            ]
            usage = [entry.usage for entry in here if entry.usage is not None and entry.running]
            allocation = self.scheduler.allocated(name)
            used = Amount(
                cpu=round(sum(one.cpu for one in usage), 2),
                memory=sum(one.memory for one in usage),
                gpu=allocation.gpu,
            )
            machines.append(
                Machine(
                    name=name,
                    capacity=capacity,
                    allocated=allocation,
                    used=used,
                    containers=len(here),
                )
            )
        return ResourceReport(
            nodes=machines,
            queue=waiting,
            limits=self.policy.max_resources.amount,
            defaults=self.policy.default_resources,
            images=list(self.policy.images),
            profiles=self.policy.profiles,
        )

    def running(self) -> dict[str, DockerContainer]:
        """Return the running containers by id, as Docker has them."""
        return {
            key: entry.docker_container
            for key, entry in self.entries.items()
            if entry.running and entry.docker_container is not None
        }


def to_config(spec: ResolvedSpec) -> StoredConfig:
    """Return what is stored of a specification, with credentials masked."""
    environment = mask_credentials(dict(spec.environment))
    return StoredConfig(image=spec.label, environment=environment, rescue=spec.rescue)
