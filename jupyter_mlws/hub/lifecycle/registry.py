"""Live state of all containers of one Hub, and the stream of their changes."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing

from jupyter_mlws.containers.models import (
    Amount,
    Container,
    ContainerStatus,
    Disk,
    Machine,
    Me,
    QueuePlace,
    ResourceReport,
    Resources,
    Usage,
    Waiting,
    container_id,
    split_id,
)
from jupyter_mlws.core.errors import ContainerForbiddenError, ContainerNotFoundError
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.hub.docker.engine import DockerContainer, MachineSize
from jupyter_mlws.hub.hubapi import HubUser
from jupyter_mlws.hub.records.container_state import (
    ContainerState,
    Intent,
    now,
    to_config,
)
from jupyter_mlws.hub.records.store import RecordQueue, Records, ReservationRow
from jupyter_mlws.hub.records.usage import MAX_RUN_LENGTHS, SHARE_PERIOD, UsageAccounting
from jupyter_mlws.hub.scheduling.policy import Policy, ResolvedSpec
from jupyter_mlws.hub.scheduling.scheduler import Grant, Request, Reservation, Scheduler

STOPPED_STATUSES = (ContainerStatus.STOPPED, ContainerStatus.CRASHED)

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
        records: RecordQueue,
        on_start: Callable[[ContainerState], None],
    ) -> None:
        self.policy = policy
        self.scheduler = scheduler
        self.records = records
        self.entries: dict[str, ContainerState] = {}
        # Above the numbers of earlier processes, so that their readers are reset.
        self.stream = RingStream(first=int(time.time() * 1000))
        self.disks: dict[str, Disk] = {}
        """The disk of each machine, if the service can read it."""
        self.on_start = on_start
        self.is_synchronized = False
        """True once all running containers are counted; nothing is granted before."""
        self._last_report: ResourceReport | None = None
        self._stored_reservations: dict[str, Reservation] = {}
        self.usage_accounting = UsageAccounting(
            lambda rows: records.write(Records.save_all, [row.copy() for row in rows])
        )
        self.users: dict[str, HubUser] = {}
        """The users of the Hub, as of the last sweep."""
        self._machines: Mapping[str, MachineSize] = {}
        self._loads: dict[str, float | None] = {}

    def set_machines(self, machines: Mapping[str, MachineSize]) -> None:
        """Set the machines on which containers run."""
        self._machines = machines
        self.scheduler.nodes = {name: machine.capacity for name, machine in machines.items()}

    async def load(self) -> list[ContainerState]:
        """Load the records of an earlier process and return the containers."""
        read = self.records.read
        self.entries = {entry.id: entry for entry in await read(Records.all, ContainerState)}
        self.usage_accounting.load(
            await read(Records.running_usage),
            await read(Records.last_usage, MAX_RUN_LENGTHS),
            await read(Records.usage_totals),
            await read(Records.usage_since, now() - SHARE_PERIOD, None),
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
        self.usage_accounting.expect(identifier)
        return entry

    def drop(self, entry: ContainerState) -> None:
        """Remove a container that no longer exists."""
        self.scheduler.withdraw(entry.id)
        self.scheduler.release(entry.id)
        self.usage_accounting.forget(entry.id)
        del self.entries[entry.id]
        self.records.write(Records.delete, ContainerState, entry.id)
        self.stream.publish({"type": "removed", "id": entry.id, "user": entry.user})
        self.settle()

    # Starts in the order of the queue, and messages about all changes

    def settle(self) -> None:
        """Start the containers that can start now, then publish the changes."""
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
        entry.queued_at = entry.turn_at = entry.turn_as = None
        entry.valid_since = time.monotonic()
        entry.reset_result()
        entry.intent = Intent.START
        if not entry.hub_waits:
            self.on_start(entry)

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
        """Return once the stream has a message about a container after ``seq``."""
        async with aclosing(self.stream.follow(seq)) as stream:  # type: ignore[type-var]
            async for message in stream:
                container = message.get("container")
                subject_id = message.get("id") if container is None else container.id
                if message["type"] == "reset" or subject_id == identifier:
                    return

    def apply_usage(self, usage: dict[str, Usage]) -> None:
        """Publish changes of usage."""
        self._loads = {name: machine.load for name, machine in self._machines.items()}
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
        """Return a container.

        ContainerNotFoundError if it does not exist, ContainerForbiddenError if it is another
        user's.
        """
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
        return self.usage_accounting.ends(self.entries.values()) if self.scheduler.waiting else {}

    def groups_of(self, user: str) -> Sequence[str]:
        """Return the groups of a user in the Hub."""
        row = self.users.get(user)
        return () if row is None else row.groups

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
            entry.turn_as or "",
        )

    def report(self, positions: dict[str, QueuePlace]) -> ResourceReport:
        """Return the report of all machines and the whole queue."""
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
                    cores=self._machines[name].cores,
                    load=self._loads.get(name),
                    capacity=capacity,
                    allocated=allocation,
                    used=used,
                    containers=len(here),
                    disk=self.disks.get(name),
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
        """Return the running containers by id, as Docker describes them."""
        return {
            key: entry.docker_container
            for key, entry in self.entries.items()
            if entry.running and entry.docker_container is not None
        }
