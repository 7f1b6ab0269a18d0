"""What people and the Hub can do with containers: the one place where parts of the service meet."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import (
    AllocateRequest,
    Allocation,
    AuditEntry,
    Container,
    ContainerChange,
    ContainerCreate,
    ContainerEvent,
    ContainerStatus,
    EnvironmentCreate,
    Hours,
    ImageInfo,
    LogLine,
    LogTail,
    QueuePlace,
    ResourceReport,
    Resources,
    SavedEnvironment,
    Usage,
    Volume,
    container_id,
    is_server_name,
    split_id,
)
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    AlreadyExistsError,
    ContainerBackendError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    ContainerQueuedError,
    ContainerStateError,
    ContainerStoppingError,
    EnvironmentNotFoundError,
    Fault,
    InvalidContainerError,
    MLWSError,
    SwarmUnsupportedError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.hub.audit import Audit
from jupyter_mlws.hub.engine import Engine
from jupyter_mlws.hub.environments import Environments
from jupyter_mlws.hub.hubapi import HubAPI, HubRefusedError
from jupyter_mlws.hub.lifecycle import ENDING, LOST, Entry, Intent, now
from jupyter_mlws.hub.logs import LogFollower
from jupyter_mlws.hub.metrics import written
from jupyter_mlws.hub.monitor import Monitor
from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.personal_images import PREFIX, PersonalImages
from jupyter_mlws.hub.policy import Wanted
from jupyter_mlws.hub.queue import AdmissionQueue
from jupyter_mlws.hub.records import Records
from jupyter_mlws.hub.registry import ContainerRegistry
from jupyter_mlws.hub.resizing import Resizer
from jupyter_mlws.hub.scheduler import Grant, Request, Scheduler
from jupyter_mlws.hub.secrets import EnvironmentCipher
from jupyter_mlws.hub.settings import Settings
from jupyter_mlws.hub.slots import ConcurrencyLimiter
from jupyter_mlws.hub.swarm_queue import SwarmQueue
from jupyter_mlws.hub.team import Limits, Team
from jupyter_mlws.hub.usage import Meter
from jupyter_mlws.hub.usage_records import totals
from jupyter_mlws.hub.volumes import Volumes

RESERVED_FOR = 300.0
"""Seconds that a reservation is held."""
MEASURE_EVERY = 2.0
NODES_EVERY = 30.0
END_LIMIT = 120.0
"""Seconds that a container has to stop."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 0.5
"""Seconds until what ends is looked at again."""
BUSY_WAIT = 2.0
"""Seconds until a Hub that starts as many as it may is asked again."""
START_PATIENCE = 40.0
END_PATIENCE = 15.0
"""Seconds for which a start or an end that takes long keeps others waiting."""
NOT_A_NAME = Message("must contain only lowercase letters, digits, and single hyphens between them")
NOT_ADMIN = Message("can be above 0 for administrators only")
STUCK = Message("The container does not stop. Contact the administrator.")
NEEDED = Message("is required")
AT_REST = (ContainerStatus.STOPPED, ContainerStatus.CRASHED)

log = logging.getLogger(__name__)


class HubManager:
    """Creates, starts, stops and watches the containers of one Hub. Lives on the event loop."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        hub: HubAPI,
        records: Records,
        seal: EnvironmentCipher,
    ) -> None:
        self.settings = settings
        self.policy = settings.policy
        self._engine = engine
        self._hub = hub
        self._records = records
        self._seal = seal
        self._meter = Meter(engine)
        self._follower = LogFollower()
        self._starts = ConcurrencyLimiter(START_PATIENCE)
        self._ends = ConcurrencyLimiter(END_PATIENCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: set[str] = set()
        self._listeners = 0
        self._measuring: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Load the records, restore the queue, and follow Docker and the Hub."""
        nodes = await in_thread(self._engine.machines, self.settings.capacity)
        await in_thread(self._records.migrate)
        kind = SwarmQueue if self.settings.swarm else Scheduler
        self.scheduler = kind(nodes, self.settings.user_limit)
        self.fleet = ContainerRegistry(
            self.policy, self.scheduler, self._engine, self._hub, self._records, self._begin_start
        )
        self.audit = Audit(self._records, self.fleet.record, self.fleet.recorded)
        self.volumes = Volumes(
            self._records,
            self._engine,
            self.settings.home_quota,
            self.fleet.record,
            self.fleet.recorded,
            self._has_containers,
        )
        await self.volumes.load()
        self.team = Team(
            self.settings.team_folder,
            self.settings.addresses,
            Limits(self.settings.shared_projects, self.settings.shared_project_size),
            self._records,
            self.audit,
            self.fleet.record,
            self.fleet.recorded,
            self._is_known,
        )
        await self.team.load()
        self.environments = Environments(
            PersonalImages(self._engine),
            self.policy,
            self.settings.environments,
            self.settings.environment_size,
            self._begin,
            self.fleet.stream.publish,
        )
        await self.environments.load()
        self.queue = AdmissionQueue(self.scheduler, self.fleet, self._begin_start)
        self._resizer = Resizer(self.policy, self.scheduler, self.fleet, self._engine)
        self.monitor = Monitor(
            self._engine,
            self._hub,
            self.settings.hub_name,
            self.fleet.observed,
            self.fleet.happened,
        )
        left = await self.fleet.load()
        for entry in left:
            self.monitor.know(entry.id)
            if entry.queued_at is not None or entry.intent is Intent.START:
                self.scheduler.waiting[entry.id] = self.fleet.request(entry)
        await self.monitor.sweep()
        self.fleet.counted = True
        for entry in left:
            if entry.intent in ENDING:
                self._begin_end(entry)
            elif entry.id not in self.scheduler.waiting:
                entry.intent = Intent.NONE
        self.fleet.settle()
        self.monitor.start()
        self._begin(self.volumes.empty_for_ever())
        if self.settings.swarm:
            self._begin(self._follow_nodes())

    async def close(self) -> None:
        """Stop following, and finish all writes."""
        self.team.close()
        if self._measuring is not None:
            self._measuring.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.monitor.close()
        await self.fleet.close()
        self._follower.close()
        self._hub.close()
        await in_thread(self._engine.close)
        await in_thread(self._records.close)

    # Reading

    def containers(self, person: Person) -> list[Container]:
        """The person's own; an administrator's list has all."""
        places = self.fleet.places()
        return [
            entry.container(places.get(entry.id))
            for _, entry in sorted(self.fleet.entries.items())
            if person.may_see(entry.user)
        ]

    def get(self, person: Person, identifier: str) -> Container:
        return self.fleet.container(self._own(person, identifier))

    async def stats(self, person: Person, identifier: str) -> Usage:
        """Return the current usage; zero if the container does not run."""
        entry = self._own(person, identifier)
        limit = entry.resources.amount.memory
        nothing = Usage(cpu=0, memory=0, memory_limit=limit, processes=0, time=now())
        if not entry.running or entry.seen is None:
            return nothing
        usage = await self._meter.usage({identifier: entry.seen})
        return usage.get(identifier, nothing)

    async def logs(self, person: Person, identifier: str, tail: int) -> LogTail:
        """Return the end of the log: Docker's, or the lines stored when it ended."""
        entry = self._own(person, identifier)
        docker = entry.seen.docker if entry.seen is not None else entry.replaced
        if docker is not None:
            lines = await in_thread(self._engine.tail, docker, tail)
            return LogTail(lines=lines)
        rows = await self.fleet.recorded(self._records.logs, identifier, tail)
        log_lines = [
            LogLine(seq=seq, stream=row.log_type, text=row.message, time=row.timestamp)
            for seq, row in enumerate(rows, 1)
        ]
        return LogTail(lines=log_lines)

    async def resources(self, person: Person) -> ResourceReport:
        """All machines, the person's own part of the queue, and what the person may choose."""
        await self._measure()
        return self._for(person, self.fleet.report(self.fleet.places()))

    async def images(self, person: Person) -> list[ImageInfo]:
        """Return the images that the user may choose, including the user's own."""

        async def info(name: str, image: str) -> ImageInfo:
            local = await in_thread(self._engine.image, image)
            return ImageInfo(
                name=name,
                image=image,
                default=name == self.policy.default_image,
                present=local is not None,
                size=local.size if local else None,
                created=local.created if local else None,
            )

        pairs = self.environments.policy(person.name).images.items()
        return list(await asyncio.gather(*(info(name, image) for name, image in pairs)))

    # Creating, starting, stopping

    async def create(self, person: Person, request: ContainerCreate) -> Container:
        """Create a container: CREATED if it starts now, QUEUED if it waits."""
        spec = self._check(person, request)
        name = request.name or ""
        identifier = container_id(person.name, name)
        self._must_be_at_rest(identifier)
        wish = Request(
            identifier,
            person.name,
            spec.resources,
            request.priority,
            time.time(),
            request.degrade,
        )
        self._check_room(wish, request.wait)
        await self._name(person.name, name)
        # Somebody may have asked for the same meanwhile.
        self._must_be_at_rest(identifier)
        entry = self._enter(person.name, name, request, spec)
        self.audit.tell(person, "container.create", identifier, image=entry.image)
        self._queue(entry)
        return await self._answer(entry)

    async def start(self, person: Person, identifier: str) -> Container:
        """Start or queue a stopped container; do nothing if it runs or waits already."""
        entry = self._own(person, identifier)
        if entry.intent is Intent.STOP:
            entry.intent = Intent.RESTART
        if self.fleet.status(entry) in AT_REST:
            self._check_room(self.fleet.request(entry), True)
            entry.rescue = False
            self._queue(entry)
            self.audit.tell(person, "container.start", identifier)
        return await self._answer(entry)

    async def stop(self, person: Person, identifier: str) -> Container:
        """Stop it, or take it from the queue."""
        entry = self._own(person, identifier)
        self._end(entry, Intent.STOP)
        self.audit.tell(person, "container.stop", identifier)
        return await self._answer(entry)

    async def restart(self, person: Person, identifier: str) -> Container:
        """Stop it and start it, with the resources that it has."""
        entry = self._own(person, identifier)
        if not entry.active:
            return await self.start(person, identifier)
        self._end(entry, Intent.RESTART)
        self.audit.tell(person, "container.restart", identifier)
        return await self._answer(entry)

    async def delete(self, person: Person, identifier: str) -> Container:
        """Stop and remove it; the person's home stays."""
        entry = self._own(person, identifier)
        self._end(entry, Intent.DELETE)
        self.audit.tell(person, "container.delete", identifier)
        return await self._answer(entry)

    async def change(self, person: Person, identifier: str, change: ContainerChange) -> Container:
        """Give it another size, live where it runs."""
        entry = self._own(person, identifier)
        await self._resizer.resize(entry, change.resources)
        size = entry.resources.model_dump(exclude_none=True)
        self.audit.tell(person, "container.resize", identifier, **size)
        return await self._answer(entry)

    # The Hub's question, and plans

    async def admit(
        self,
        user: str,
        server: str,
        request: ContainerCreate,
        last_place: QueuePlace | None = None,
        patience: float = 0.0,
    ) -> Grant | QueuePlace:
        """Return the grant with which the Hub may start a server now, or its place in the queue.

        Error 10101 if it can never have as much. The place is returned at once or as soon as it
        differs from ``last_place``, and after ``patience`` seconds in any case; the Hub then asks
        again with that place. Without patience, the Hub gets error 10202 and this service starts
        the container when it is its turn. A container that this service starts has its resources
        already.
        """
        if server and not is_server_name(server):
            raise InvalidContainerError(faults=[Fault("name", NOT_A_NAME)])
        identifier = container_id(user, server)
        entry = self.fleet.entries.get(identifier)
        grant = self.scheduler.grants.get(identifier)
        if entry is not None and entry.intent is Intent.START and grant is not None:
            return grant
        if entry is not None and last_place is not None:
            return await self._granted(entry, last_place, patience)
        if entry is not None and entry.intent in ENDING:
            raise ContainerStoppingError(name=identifier)
        account = await self._hub.account(user)
        spec = self._check(Person(user, account is not None and account.admin), request)
        entry = self._enter(user, server, request, spec)
        self.monitor.know(identifier)
        self.scheduler.release(identifier)
        try:
            self._ask(entry, request)
            return await self._granted(entry, None, patience)
        finally:
            await self.fleet.written()

    async def _granted(
        self, entry: Entry, last_place: QueuePlace | None, patience: float
    ) -> Grant | QueuePlace:
        if not patience and entry.id not in self.scheduler.grants:
            place = self.fleet.places()[entry.id]
            raise ContainerQueuedError(**place.model_dump())
        result = await self.queue.granted(entry, last_place, patience)
        if isinstance(result, Grant):
            entry.spawning = True
            self.monitor.look_soon(entry.id)
        return result

    def _ask(self, entry: Entry, request: ContainerCreate) -> None:
        resource_request = self.fleet.request(entry)
        entry.asking = True
        try:
            self._check_room(resource_request, request.wait)
            self._queue(entry)
        finally:
            entry.asking = False

    async def allocate(self, person: Person, allocate_request: AllocateRequest) -> Allocation:
        """Plan a container's resources and, if requested, reserve them for the user."""
        self._check(
            person,
            ContainerCreate(
                resources=allocate_request.resources, priority=allocate_request.priority
            ),
        )
        moment = time.time()
        request = Request(
            uuid.uuid4().hex,
            person.name,
            allocate_request.resources.amount,
            allocate_request.priority,
            moment,
            allocate_request.degrade,
        )
        self.scheduler.check(request)
        if allocate_request.reserve:
            reservation = self.scheduler.reserve(request, moment, moment + RESERVED_FOR)
            self.fleet.settle()
            await self.fleet.written()
            if reservation is not None:
                return Allocation(
                    success=True,
                    node=reservation.node,
                    resources=Resources.of(reservation.amount),
                    reservation=reservation.id,
                    expires_at=datetime.fromtimestamp(reservation.expires, timezone.utc),
                )
        plan = None if allocate_request.reserve else self.scheduler.plan(request, moment)
        if plan is not None:
            return Allocation(success=True, node=plan[0], resources=Resources.of(plan[1]))
        place = self.scheduler.place_of_new(request, moment, self.fleet.ends())
        queue = QueuePlace(position=place.position, eta_seconds=place.eta)
        return Allocation(success=False, queue=queue)

    # The queue, what happened, and who used how much

    async def move(self, person: Person, identifier: str, position: int) -> Container:
        """Put it at another place of the queue; for administrators."""
        entry = self._own(person, identifier)
        self.must_be_administrator(person)
        self.queue.move(entry, position)
        self.audit.tell(person, "queue.move", identifier, position=position)
        return await self._answer(entry)

    async def drop(self, person: Person, identifier: str) -> Container:
        """Take it out of the queue: one's own, or as an administrator anybody's."""
        entry = self._own(person, identifier)
        was_held = entry.held
        self.queue.drop(entry, person.name or "service")
        if was_held:
            self._end(entry, Intent.STOP)
        self.audit.tell(person, "queue.drop", identifier)
        return await self._answer(entry)

    async def events(self, person: Person, identifier: str, tail: int) -> list[ContainerEvent]:
        """Return the events of a container, oldest first."""
        self._own(person, identifier)
        rows = await self.fleet.recorded(self._records.logs, identifier, tail, "event")
        return [ContainerEvent(time=row.timestamp, text=row.message) for row in rows]

    def trash(self, person: Person, name: str) -> Volume:
        """Put a volume into the trash."""
        volume = self.volumes.trash(person, name)
        self.audit.tell(person, "volume.trash", name)
        return volume

    def restore(self, person: Person, name: str) -> Volume:
        """Take a volume out of the trash."""
        volume = self.volumes.restore(person, name)
        self.audit.tell(person, "volume.restore", name)
        return volume

    async def purge(self, person: Person, name: str) -> None:
        """Remove a volume for good."""
        await self.volumes.purge(person, name)
        self.audit.tell(person, "volume.purge", name)

    # Saved environments

    async def save_environment(
        self, person: Person, request: EnvironmentCreate
    ) -> SavedEnvironment:
        """Begin to save what a container has installed; error 10204 where it does not run."""
        if request.container is None:
            raise InvalidContainerError(faults=[Fault("container", NEEDED)])
        entry = self._own(person, request.container)
        if not entry.running:
            raise ContainerStateError(name=entry.id)
        if self.settings.swarm:
            raise SwarmUnsupportedError(operation="saving environments")
        variables = self._environment(entry)

        def saved() -> None:
            if request.use and entry.id in self.fleet.entries:
                entry.image = f"{PREFIX}{request.name}"
                self.fleet.note(entry, f"the next start uses the environment {request.name}")
                self.fleet.settle()

        identifier = await self.environments.save(entry, request, variables, saved)
        self.audit.tell(person, "environment.save", identifier, container=entry.id)
        return self.environments.get(person, identifier)

    async def delete_environment(self, person: Person, identifier: str) -> None:
        """Remove it; containers at rest that were to start in it start in its base again."""
        try:
            user, name = split_id(identifier)
        except ValueError:
            raise EnvironmentNotFoundError(name=identifier) from None
        label = f"{PREFIX}{name}"
        users = [
            entry
            for entry in self.fleet.entries.values()
            if (entry.user, entry.image) == (user, label)
        ]
        in_use = any(self.fleet.status(entry) not in AT_REST for entry in users)
        await self.environments.remove(person, identifier, in_use)
        for entry in users:
            entry.image = self.policy.default_image
        self.fleet.settle()
        self.audit.tell(person, "environment.delete", identifier)

    async def metrics(self) -> bytes:
        """Return all metrics in Prometheus' format."""
        await self._measure()
        everybody = Person("", True)
        report = self.fleet.report(self.fleet.places())
        return written(report, self.containers(everybody))

    async def hours(self, person: Person, days: int) -> list[Hours]:
        """Hours of use in the last days: one's own, or everybody's for an administrator."""
        since = now() - timedelta(days=days)
        user = None if person.admin else person.name
        rows = await self.fleet.recorded(self._records.usage_since, since, user)
        return totals(rows, since, now())

    async def audited(
        self, person: Person, before: int | None, limit: int, target: str | None
    ) -> list[AuditEntry]:
        """Return the audit log, newest first; for administrators."""
        self.must_be_administrator(person)
        return await self.audit.read(before, limit, target)

    @staticmethod
    def must_be_administrator(person: Person) -> None:
        """Raise error 10302 if the user is not an administrator."""
        if not person.admin:
            raise AdministratorRequiredError()

    # News

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Measure usage while at least one such context is open."""
        self._listeners += 1
        if self._measuring is None:
            self._measuring = asyncio.create_task(self._measure_for_ever())
        try:
            yield
        finally:
            self._listeners -= 1
            if not self._listeners and self._measuring is not None:
                self._measuring.cancel()
                self._measuring = None

    async def news(self, person: Person, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield the changes that the user may see."""
        async with self.listening(), aclosing(self.fleet.stream.follow(since)) as stream:  # type: ignore[type-var]
            async for message in stream:
                visible_message = self._shown(message, person)
                if visible_message is not None:
                    yield visible_message

    def _shown(self, message: dict[str, Any], person: Person) -> dict[str, Any] | None:
        visible_message = dict(message)
        if message["type"] == "resources":
            visible_message["report"] = self._for(person, message["report"])
        elif "user" in visible_message and not person.may_see(visible_message.pop("user")):
            return None
        return visible_message

    def _for(self, person: Person, report: ResourceReport) -> ResourceReport:
        mine = [row for row in report.queue if person.may_see(row.user)]
        images = [*report.images, *self.environments.images(person.name)]
        return report.model_copy(update={"queue": mine, "images": images})

    async def log(
        self, person: Person, identifier: str, since: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the log after the line ``since`` as it grows, across restarts and new starts."""
        current = None
        while True:
            seq = self.fleet.stream.seq
            entry = self._own(person, identifier)
            docker_container = entry.seen
            if docker_container is not None and (
                docker_container.active or docker_container.docker != current
            ):
                reader = await in_thread(self._engine.follow, docker_container.docker)
                began_anew = current is not None or await self._is_shorter(
                    docker_container.docker, since
                )
                if docker_container.docker != current and began_anew:
                    yield {"seq": 0, "type": "reset"}
                    since = 0
                current = docker_container.docker
                async with aclosing(self._follower.lines(reader)) as lines:  # type: ignore[type-var]
                    async for line in lines:
                        if line.seq > since:
                            since = line.seq
                            yield {"type": "log", **line.model_dump(mode="json")}
            await self.fleet.changed(identifier, seq)

    async def _is_shorter(self, docker: str, since: int) -> bool:
        """Return whether a log lacks the line ``since``.

        In that case the number belongs to another container's log.
        """
        if not since:
            return False
        last = await in_thread(self._engine.tail, docker, 1)
        return not last or last[-1].seq < since

    # Inside: checks

    def _own(self, person: Person, identifier: str) -> Entry:
        try:
            user, _ = split_id(identifier)
        except ValueError:
            raise ContainerNotFoundError(name=identifier) from None
        if not person.may_see(user):
            raise ContainerForbiddenError(name=identifier)
        entry = self.fleet.entries.get(identifier)
        if entry is None:
            raise ContainerNotFoundError(name=identifier)
        return entry

    def _has_containers(self, user: str) -> bool:
        return any(
            entry.user == user and self.fleet.status(entry) not in AT_REST
            for entry in self.fleet.entries.values()
        )

    def _must_be_at_rest(self, identifier: str) -> None:
        entry = self.fleet.entries.get(identifier)
        if entry is not None and self.fleet.status(entry) not in AT_REST:
            raise AlreadyExistsError(name=identifier)

    def _check(self, person: Person, request: ContainerCreate) -> Wanted:
        faults: list[Fault] = []
        if request.priority > 0 and not person.admin:
            faults.append(Fault("priority", NOT_ADMIN))
        try:
            spec = self.environments.policy(person.name).check(request)
        except MLWSError as error:
            raise InvalidContainerError(faults=[*error.faults, *faults]) from None
        if faults:
            raise InvalidContainerError(faults=faults)
        return spec

    def _check_room(self, request: Request, wait: bool) -> None:
        self.scheduler.check(request)
        reservation = self.scheduler.reservations.get(request.user)
        fits_reservation = reservation is not None and request.amount.fits(reservation.amount)
        moment = time.time()
        if not wait and not fits_reservation and self.scheduler.plan(request, moment) is None:
            available = self.scheduler.available(request, moment)
            raise self.scheduler.shortage(request.amount, available)

    # Inside: starting

    def _enter(self, user: str, name: str, request: ContainerCreate, spec: Wanted) -> Entry:
        entry = self.fleet.enter(user, name, spec)
        entry.priority, entry.degrade = request.priority, request.degrade
        entry.rescue = request.rescue
        if entry.hides_values:
            entry.sealed = self._seal.close(spec.environment)
        self.monitor.know(entry.id)
        return entry

    async def _answer(self, entry: Entry) -> Container:
        """Return the container, once its state is on disk."""
        container = self.fleet.container(entry)
        await self.fleet.written()
        return container

    def _queue(self, entry: Entry) -> None:
        """Add it to the queue, and grant its resources at once if they are free."""
        entry.queued_at = entry.queued_at or now()
        grant = self.scheduler.submit(self.fleet.request(entry), time.time())
        waiting = self.scheduler.waiting.get(entry.id)
        if waiting is not None and entry.turn_at is None:
            entry.queued_at = datetime.fromtimestamp(waiting.arrival, timezone.utc)
        if grant is not None:
            self.fleet.granted(entry, grant)
        self.fleet.settle()

    async def _name(self, user: str, name: str) -> None:
        try:
            if name:
                await self._hub.name(user, name)
        except HubRefusedError as refused:
            message = Message.verbatim(refused.message)
            raise InvalidContainerError(faults=[Fault("name", message)]) from refused

    def _begin_start(self, entry: Entry) -> None:
        self._begin(self._start(entry))

    async def _start(self, entry: Entry) -> None:
        async with self._starts.one():
            await self._begin_to_start(entry)
            await self._until_started(entry)

    async def _begin_to_start(self, entry: Entry) -> None:
        try:
            if entry.intent is not Intent.START:
                return
            entry.spawning = True
            self.monitor.look_soon(entry.id)
            await self._start_at_hub(entry)
        except HubRefusedError as refused:
            log.warning("The Hub refused to start %s: %s", entry.id, refused)
            entry.reason = Message.verbatim(refused.message)
        except MLWSError as error:
            log.warning("Could not start %s: %s", entry.id, error)
            entry.reason = error.faults[0].message if error.faults else error.message
        finally:
            if entry.intent is Intent.START:
                entry.intent = Intent.NONE
        await self.monitor.refresh(entry.id)

    async def _until_started(self, entry: Entry) -> None:
        """Wait until the lab has started.

        The Hub responds before that, but the start of a lab takes a processor for seconds.
        """
        stream = self.fleet.stream
        async with aclosing(stream.follow(stream.seq)) as news:  # type: ignore[type-var]
            while entry.spawning and entry.id in self.fleet.entries:
                await anext(news)

    async def _start_at_hub(self, entry: Entry) -> None:
        options = self._options(entry)
        while True:
            try:
                await self._hub.start(entry.user, entry.name, options)
                return
            except HubRefusedError as refused:
                if refused.status != 429:
                    raise
            await asyncio.sleep(BUSY_WAIT)

    def _options(self, entry: Entry) -> dict[str, Any]:
        """Return the options for the container's start."""
        return {
            "image": entry.image,
            "resources": entry.resources.model_dump(exclude_none=True),
            "environment": self._environment(entry),
            "rescue": entry.rescue,
        }

    def _environment(self, entry: Entry) -> dict[str, str]:
        """Return the unmasked variables: decrypted, or from the Hub's last start."""
        if not entry.hides_values:
            return entry.environment
        decrypted_values = self._seal.open(entry.sealed) if entry.sealed is not None else None
        options = entry.server.options if entry.server is not None else {}
        for candidate in (decrypted_values, options.get("environment")):
            if candidate is not None and set(candidate) == set(entry.environment):
                return dict(candidate)
        raise InvalidContainerError(faults=[Fault("environment", LOST)])

    # Inside: ending

    def _end(self, entry: Entry, intent: Intent) -> None:
        was_waiting = self.scheduler.withdraw(entry.id)
        entry.queued_at = entry.turn_at = None
        rests = (was_waiting and not entry.held) or self.fleet.status(entry) in AT_REST
        nothing_to_stop = intent is Intent.STOP and rests
        if entry.intent is not Intent.DELETE and not nothing_to_stop:
            entry.intent, entry.spawning = intent, False
            self._begin_end(entry)
        self.fleet.settle()

    def _begin_end(self, entry: Entry) -> None:
        if entry.id not in self._ending:
            self._ending.add(entry.id)
            self._begin(self._run_end(entry))

    async def _run_end(self, entry: Entry) -> None:
        try:
            async with self._ends.one():
                await self._stop(entry)
            if entry.intent is Intent.DELETE:
                await self._remove(entry)
        except (HubRefusedError, MLWSError) as error:
            log.warning("Could not stop %s: %s", entry.id, error)
            message = error.message
            entry.reason = message if isinstance(message, Message) else Message.verbatim(message)
            entry.intent = Intent.NONE if entry.intent in ENDING else entry.intent
        finally:
            self._ending.discard(entry.id)
        if entry.intent is Intent.START:
            return  # Somebody has started it again as soon as it had stopped.
        again = entry.intent is Intent.RESTART
        if entry.id in self.fleet.entries:
            entry.intent = Intent.NONE
        if again:
            self._again(entry)
        elif entry.id in self.fleet.entries:
            await self.monitor.refresh(entry.id)

    def _again(self, entry: Entry) -> None:
        grant = self.scheduler.grants.get(entry.id)
        if grant is None:
            self._queue(entry)
        else:
            self.fleet.granted(entry, grant)
            self.fleet.settle()

    async def _stop(self, entry: Entry) -> None:
        """Stop the container and wait until it has stopped."""
        deadline = time.monotonic() + END_LIMIT
        stop_pending, pause = False, SHORTEST_PAUSE
        while True:
            await self.monitor.refresh(entry.id)
            server = entry.server
            if entry.intent not in ENDING:
                return
            if not entry.active and not (server is not None and server.pending):
                if entry.seen is not None:
                    # Docker was too slow for the Hub, which gave up; what it left is no crash.
                    await in_thread(self._engine.remove, entry.id)
                return
            if entry.held:
                # The Hub stops nothing that has not started; without its task, the start ends.
                await in_thread(self._engine.remove, entry.id)
            elif server is not None and server.active and not stop_pending:
                stop_pending = await self._ask_to_stop(entry)
            elif entry.running and (server is None or server.stopped):
                # The Hub does not know that it runs, so it can't stop it.
                await in_thread(self._engine.remove, entry.id)
            if time.monotonic() > deadline:
                raise ContainerBackendError(reason=STUCK)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.2)

    async def _ask_to_stop(self, entry: Entry) -> bool:
        """Ask the Hub to stop a server; return whether it does.

        The Hub stops nothing before it has started.
        """
        try:
            await self._hub.stop(entry.user, entry.name)
        except HubRefusedError as refused:
            # It says either, depending on how far the start is; who waits too long is told so.
            if refused.status not in (400, 500):
                raise
            return False
        return True

    async def _remove(self, entry: Entry) -> None:
        if entry.name:
            await self._hub.forget(entry.user, entry.name)
        await in_thread(self._engine.remove, entry.id)
        self.monitor.forget(entry.id)
        self.fleet.drop(entry)

    # Inside: work of its own

    async def _measure(self) -> None:
        running = self.fleet.running()
        usage = await self._meter.usage(running)
        self._meter.forget(self.fleet.running())
        self.fleet.measured(usage)

    async def _follow_nodes(self) -> None:
        """Update the nodes of the Swarm, which come and go."""
        while True:
            await asyncio.sleep(NODES_EVERY)
            try:
                nodes = await in_thread(self._engine.machines, self.settings.capacity)
            except MLWSError as error:
                log.info("Could not list the Swarm nodes: %s", error)
                continue
            # Where all are drained for a while, what they had still says what can ever fit.
            self.scheduler.nodes = nodes or self.scheduler.nodes
            self.fleet.settle()

    async def _measure_for_ever(self) -> None:
        while True:
            try:
                await self._measure()
            except MLWSError as error:
                log.info("Could not measure resource usage: %s", error)
            await asyncio.sleep(MEASURE_EVERY)

    async def _is_known(self, user: str) -> bool:
        """Return whether the Hub has an account of that name."""
        return await self._hub.account(user) is not None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in the background, for a client that has disconnected."""
        self._begin(work)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("A container operation failed", exc_info=task.exception())
