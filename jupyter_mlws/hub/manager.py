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
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.docker.personal_images import PREFIX, PersonalImages
from jupyter_mlws.hub.environments import Environments
from jupyter_mlws.hub.hubapi import HubAPI, HubRefusedError
from jupyter_mlws.hub.lifecycle.container_state import (
    SECRETS_NOT_STORED,
    STOP_INTENTS,
    ContainerState,
    Intent,
    now,
)
from jupyter_mlws.hub.lifecycle.monitor import Monitor
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.lifecycle.resizing import Resizer
from jupyter_mlws.hub.logs import LogFollower
from jupyter_mlws.hub.metrics import format_metrics
from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.secrets import EnvironmentCipher
from jupyter_mlws.hub.records.store import Records
from jupyter_mlws.hub.records.usage import totals
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from jupyter_mlws.hub.scheduling.queue import AdmissionQueue
from jupyter_mlws.hub.scheduling.scheduler import Grant, Request, Scheduler
from jupyter_mlws.hub.scheduling.slots import ConcurrencyLimiter
from jupyter_mlws.hub.scheduling.swarm_queue import SwarmQueue
from jupyter_mlws.hub.settings import Settings
from jupyter_mlws.hub.shared_projects.manager import Limits, Team
from jupyter_mlws.hub.usage import Meter
from jupyter_mlws.hub.volumes import Volumes

RESERVATION_DURATION = 300.0
"""Seconds that a reservation is held."""
MEASURE_INTERVAL = 2.0
NODE_POLL_INTERVAL = 30.0
STOP_TIMEOUT = 120.0
"""Seconds that a container has to stop."""
MIN_STOP_POLL_INTERVAL, MAX_STOP_POLL_INTERVAL = 0.1, 0.5
"""Seconds until what ends is looked at again."""
BUSY_RETRY_DELAY = 2.0
"""Seconds until a Hub that starts as many as it may is asked again."""
START_SLOT_TIMEOUT = 40.0
STOP_SLOT_TIMEOUT = 15.0
"""Seconds for which a start or an end that takes long keeps others waiting."""
INVALID_NAME = Message(
    "must contain only lowercase letters, digits, and single hyphens between them"
)
NOT_ADMIN = Message("can be above 0 for administrators only")
NOT_STOPPING = Message("The container does not stop. Contact the administrator.")
REQUIRED_FIELD = Message("is required")
STOPPED_STATUSES = (ContainerStatus.STOPPED, ContainerStatus.CRASHED)

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
        self._cipher = seal
        self._meter = Meter(engine)
        self._follower = LogFollower()
        self._start_limiter = ConcurrencyLimiter(START_SLOT_TIMEOUT)
        self._stop_limiter = ConcurrencyLimiter(STOP_SLOT_TIMEOUT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping_ids: set[str] = set()
        self._listeners = 0
        self._measuring: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Load the records, restore the queue, and follow Docker and the Hub."""
        nodes = await in_thread(self._engine.machines, self.settings.capacity)
        await in_thread(self._records.migrate)
        kind = SwarmQueue if self.settings.swarm else Scheduler
        self.scheduler = kind(nodes, self.settings.user_limit)
        self.registry = ContainerRegistry(
            self.policy, self.scheduler, self._engine, self._hub, self._records, self._begin_start
        )
        self.audit = Audit(self._records, self.registry.record, self.registry.recorded)
        self.volumes = Volumes(
            self._records,
            self._engine,
            self.settings.home_quota,
            self.registry.record,
            self.registry.recorded,
            self._has_containers,
        )
        await self.volumes.load()
        self.team = Team(
            self.settings.team_folder,
            self.settings.addresses,
            Limits(self.settings.shared_projects, self.settings.shared_project_size),
            self._records,
            self.audit,
            self.registry.record,
            self.registry.recorded,
            self._is_known,
        )
        await self.team.load()
        self.environments = Environments(
            PersonalImages(self._engine),
            self.policy,
            self.settings.environments,
            self.settings.environment_size,
            self._run_in_background,
            self.registry.stream.publish,
        )
        await self.environments.load()
        self.queue = AdmissionQueue(self.scheduler, self.registry, self._begin_start)
        self._resizer = Resizer(self.policy, self.scheduler, self.registry, self._engine)
        self.monitor = Monitor(
            self._engine,
            self._hub,
            self.settings.hub_name,
            self.registry.apply_observation,
            self.registry.on_docker_event,
        )
        left = await self.registry.load()
        for entry in left:
            self.monitor.track(entry.id)
            if entry.queued_at is not None or entry.intent is Intent.START:
                self.scheduler.waiting[entry.id] = self.registry.request(entry)
        await self.monitor.sweep()
        self.registry.is_synchronized = True
        for entry in left:
            if entry.intent in STOP_INTENTS:
                self._begin_stop(entry)
            elif entry.id not in self.scheduler.waiting:
                entry.intent = Intent.NONE
        self.registry.settle()
        self.monitor.start()
        self._run_in_background(self.volumes.purge_periodically())
        if self.settings.swarm:
            self._run_in_background(self._follow_nodes())

    async def close(self) -> None:
        """Stop following, and finish all writes."""
        self.team.close()
        if self._measuring is not None:
            self._measuring.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.monitor.close()
        await self.registry.close()
        self._follower.close()
        self._hub.close()
        await in_thread(self._engine.close)
        await in_thread(self._records.close)

    # Reading

    def containers(self, person: Person) -> list[Container]:
        """The person's own; an administrator's list has all."""
        places = self.registry.places()
        return [
            entry.container(places.get(entry.id))
            for _, entry in sorted(self.registry.entries.items())
            if person.may_see(entry.user)
        ]

    def get(self, person: Person, identifier: str) -> Container:
        return self.registry.container(self._find_entry(person, identifier))

    async def stats(self, person: Person, identifier: str) -> Usage:
        """Return the current usage; zero if the container does not run."""
        entry = self._find_entry(person, identifier)
        limit = entry.resources.amount.memory
        nothing = Usage(cpu=0, memory=0, memory_limit=limit, processes=0, time=now())
        if not entry.running or entry.docker_container is None:
            return nothing
        usage = await self._meter.usage({identifier: entry.docker_container})
        return usage.get(identifier, nothing)

    async def logs(self, person: Person, identifier: str, tail: int) -> LogTail:
        """Return the end of the log: Docker's, or the lines stored when it ended."""
        entry = self._find_entry(person, identifier)
        docker = (
            entry.docker_container.docker
            if entry.docker_container is not None
            else entry.previous_container_id
        )
        if docker is not None:
            lines = await in_thread(self._engine.tail, docker, tail)
            return LogTail(lines=lines)
        rows = await self.registry.recorded(self._records.logs, identifier, tail)
        log_lines = [
            LogLine(seq=seq, stream=row.log_type, text=row.message, time=row.timestamp)
            for seq, row in enumerate(rows, 1)
        ]
        return LogTail(lines=log_lines)

    async def resources(self, person: Person) -> ResourceReport:
        """All machines, the person's own part of the queue, and what the person may choose."""
        await self._measure()
        return self._filter_report(person, self.registry.report(self.registry.places()))

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
        self._require_at_rest(identifier)
        wish = Request(
            identifier,
            person.name,
            spec.resources,
            request.priority,
            time.time(),
            request.degrade,
        )
        self._check_room(wish, request.wait)
        await self._create_server(person.name, name)
        # Somebody may have asked for the same meanwhile.
        self._require_at_rest(identifier)
        entry = self._register(person.name, name, request, spec)
        self.audit.tell(person, "container.create", identifier, image=entry.image)
        self._queue(entry)
        return await self._respond_when_saved(entry)

    async def start(self, person: Person, identifier: str) -> Container:
        """Start or queue a stopped container; do nothing if it runs or waits already."""
        entry = self._find_entry(person, identifier)
        if entry.intent is Intent.STOP:
            entry.intent = Intent.RESTART
        if self.registry.status(entry) in STOPPED_STATUSES:
            self._check_room(self.registry.request(entry), True)
            entry.rescue = False
            self._queue(entry)
            self.audit.tell(person, "container.start", identifier)
        return await self._respond_when_saved(entry)

    async def stop(self, person: Person, identifier: str) -> Container:
        """Stop it, or take it from the queue."""
        entry = self._find_entry(person, identifier)
        self._request_stop(entry, Intent.STOP)
        self.audit.tell(person, "container.stop", identifier)
        return await self._respond_when_saved(entry)

    async def restart(self, person: Person, identifier: str) -> Container:
        """Stop it and start it, with the resources that it has."""
        entry = self._find_entry(person, identifier)
        if not entry.active:
            return await self.start(person, identifier)
        self._request_stop(entry, Intent.RESTART)
        self.audit.tell(person, "container.restart", identifier)
        return await self._respond_when_saved(entry)

    async def delete(self, person: Person, identifier: str) -> Container:
        """Stop and remove it; the person's home stays."""
        entry = self._find_entry(person, identifier)
        self._request_stop(entry, Intent.DELETE)
        self.audit.tell(person, "container.delete", identifier)
        return await self._respond_when_saved(entry)

    async def change(self, person: Person, identifier: str, change: ContainerChange) -> Container:
        """Give it another size, live where it runs."""
        entry = self._find_entry(person, identifier)
        await self._resizer.resize(entry, change.resources)
        size = entry.resources.model_dump(exclude_none=True)
        self.audit.tell(person, "container.resize", identifier, **size)
        return await self._respond_when_saved(entry)

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
            raise InvalidContainerError(faults=[Fault("name", INVALID_NAME)])
        identifier = container_id(user, server)
        entry = self.registry.entries.get(identifier)
        grant = self.scheduler.grants.get(identifier)
        if entry is not None and entry.intent is Intent.START and grant is not None:
            return grant
        if entry is not None and last_place is not None:
            return await self._wait_for_grant(entry, last_place, patience)
        if entry is not None and entry.intent in STOP_INTENTS:
            raise ContainerStoppingError(name=identifier)
        account = await self._hub.account(user)
        spec = self._check(Person(user, account is not None and account.admin), request)
        entry = self._register(user, server, request, spec)
        self.monitor.track(identifier)
        self.scheduler.release(identifier)
        try:
            self._request_resources(entry, request)
            return await self._wait_for_grant(entry, None, patience)
        finally:
            await self.registry.written()

    async def _wait_for_grant(
        self, entry: ContainerState, last_place: QueuePlace | None, patience: float
    ) -> Grant | QueuePlace:
        if not patience and entry.id not in self.scheduler.grants:
            place = self.registry.places()[entry.id]
            raise ContainerQueuedError(**place.model_dump())
        result = await self.queue.granted(entry, last_place, patience)
        if isinstance(result, Grant):
            entry.spawning = True
            self.monitor.refresh_soon(entry.id)
        return result

    def _request_resources(self, entry: ContainerState, request: ContainerCreate) -> None:
        resource_request = self.registry.request(entry)
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
            reservation = self.scheduler.reserve(request, moment, moment + RESERVATION_DURATION)
            self.registry.settle()
            await self.registry.written()
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
        place = self.scheduler.place_of_new(request, moment, self.registry.ends())
        queue = QueuePlace(position=place.position, eta_seconds=place.eta)
        return Allocation(success=False, queue=queue)

    # The queue, what happened, and who used how much

    async def move(self, person: Person, identifier: str, position: int) -> Container:
        """Put it at another place of the queue; for administrators."""
        entry = self._find_entry(person, identifier)
        self.require_administrator(person)
        self.queue.move(entry, position)
        self.audit.tell(person, "queue.move", identifier, position=position)
        return await self._respond_when_saved(entry)

    async def drop(self, person: Person, identifier: str) -> Container:
        """Take it out of the queue: one's own, or as an administrator anybody's."""
        entry = self._find_entry(person, identifier)
        was_held = entry.held
        self.queue.drop(entry, person.name or "service")
        if was_held:
            self._request_stop(entry, Intent.STOP)
        self.audit.tell(person, "queue.drop", identifier)
        return await self._respond_when_saved(entry)

    async def events(self, person: Person, identifier: str, tail: int) -> list[ContainerEvent]:
        """Return the events of a container, oldest first."""
        self._find_entry(person, identifier)
        rows = await self.registry.recorded(self._records.logs, identifier, tail, "event")
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
            raise InvalidContainerError(faults=[Fault("container", REQUIRED_FIELD)])
        entry = self._find_entry(person, request.container)
        if not entry.running:
            raise ContainerStateError(name=entry.id)
        if self.settings.swarm:
            raise SwarmUnsupportedError(operation="saving environments")
        variables = self._environment(entry)

        def saved() -> None:
            if request.use and entry.id in self.registry.entries:
                entry.image = f"{PREFIX}{request.name}"
                self.registry.note(entry, f"the next start uses the environment {request.name}")
                self.registry.settle()

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
            for entry in self.registry.entries.values()
            if (entry.user, entry.image) == (user, label)
        ]
        in_use = any(self.registry.status(entry) not in STOPPED_STATUSES for entry in users)
        await self.environments.remove(person, identifier, in_use)
        for entry in users:
            entry.image = self.policy.default_image
        self.registry.settle()
        self.audit.tell(person, "environment.delete", identifier)

    async def metrics(self) -> bytes:
        """Return all metrics in Prometheus' format."""
        await self._measure()
        everybody = Person("", True)
        report = self.registry.report(self.registry.places())
        return format_metrics(report, self.containers(everybody))

    async def hours(self, person: Person, days: int) -> list[Hours]:
        """Hours of use in the last days: one's own, or everybody's for an administrator."""
        since = now() - timedelta(days=days)
        user = None if person.admin else person.name
        rows = await self.registry.recorded(self._records.usage_since, since, user)
        return totals(rows, since, now())

    async def read_audit_log(
        self, person: Person, before: int | None, limit: int, target: str | None
    ) -> list[AuditEntry]:
        """Return the audit log, newest first; for administrators."""
        self.require_administrator(person)
        return await self.audit.read(before, limit, target)

    @staticmethod
    def require_administrator(person: Person) -> None:
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
        async with self.listening(), aclosing(self.registry.stream.follow(since)) as stream:  # type: ignore[type-var]
            async for message in stream:
                visible_message = self._filter_message(message, person)
                if visible_message is not None:
                    yield visible_message

    def _filter_message(self, message: dict[str, Any], person: Person) -> dict[str, Any] | None:
        visible_message = dict(message)
        if message["type"] == "resources":
            visible_message["report"] = self._filter_report(person, message["report"])
        elif "user" in visible_message and not person.may_see(visible_message.pop("user")):
            return None
        return visible_message

    def _filter_report(self, person: Person, report: ResourceReport) -> ResourceReport:
        mine = [row for row in report.queue if person.may_see(row.user)]
        images = [*report.images, *self.environments.images(person.name)]
        return report.model_copy(update={"queue": mine, "images": images})

    async def log(
        self, person: Person, identifier: str, since: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the log after the line ``since`` as it grows, across restarts and new starts."""
        current = None
        while True:
            seq = self.registry.stream.seq
            entry = self._find_entry(person, identifier)
            docker_container = entry.docker_container
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
            await self.registry.changed(identifier, seq)

    async def _is_shorter(self, docker: str, since: int) -> bool:
        """Return whether a log lacks the line ``since``.

        In that case the number belongs to another container's log.
        """
        if not since:
            return False
        last = await in_thread(self._engine.tail, docker, 1)
        return not last or last[-1].seq < since

    # Inside: checks

    def _find_entry(self, person: Person, identifier: str) -> ContainerState:
        try:
            user, _ = split_id(identifier)
        except ValueError:
            raise ContainerNotFoundError(name=identifier) from None
        if not person.may_see(user):
            raise ContainerForbiddenError(name=identifier)
        entry = self.registry.entries.get(identifier)
        if entry is None:
            raise ContainerNotFoundError(name=identifier)
        return entry

    def _has_containers(self, user: str) -> bool:
        return any(
            entry.user == user and self.registry.status(entry) not in STOPPED_STATUSES
            for entry in self.registry.entries.values()
        )

    def _require_at_rest(self, identifier: str) -> None:
        entry = self.registry.entries.get(identifier)
        if entry is not None and self.registry.status(entry) not in STOPPED_STATUSES:
            raise AlreadyExistsError(name=identifier)

    def _check(self, person: Person, request: ContainerCreate) -> ResolvedSpec:
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

    def _register(
        self, user: str, name: str, request: ContainerCreate, spec: ResolvedSpec
    ) -> ContainerState:
        entry = self.registry.enter(user, name, spec)
        entry.priority, entry.degrade = request.priority, request.degrade
        entry.rescue = request.rescue
        if entry.hides_values:
            entry.sealed = self._cipher.close(spec.environment)
        self.monitor.track(entry.id)
        return entry

    async def _respond_when_saved(self, entry: ContainerState) -> Container:
        """Return the container, once its state is on disk."""
        container = self.registry.container(entry)
        await self.registry.written()
        return container

    def _queue(self, entry: ContainerState) -> None:
        """Add it to the queue, and grant its resources at once if they are free."""
        entry.queued_at = entry.queued_at or now()
        grant = self.scheduler.submit(self.registry.request(entry), time.time())
        waiting = self.scheduler.waiting.get(entry.id)
        if waiting is not None and entry.turn_at is None:
            entry.queued_at = datetime.fromtimestamp(waiting.arrival, timezone.utc)
        if grant is not None:
            self.registry.granted(entry, grant)
        self.registry.settle()

    async def _create_server(self, user: str, name: str) -> None:
        try:
            if name:
                await self._hub.name(user, name)
        except HubRefusedError as refused:
            message = Message.verbatim(refused.message)
            raise InvalidContainerError(faults=[Fault("name", message)]) from refused

    def _begin_start(self, entry: ContainerState) -> None:
        self._run_in_background(self._start(entry))

    async def _start(self, entry: ContainerState) -> None:
        async with self._start_limiter.one():
            await self._begin_to_start(entry)
            await self._wait_until_started(entry)

    async def _begin_to_start(self, entry: ContainerState) -> None:
        try:
            if entry.intent is not Intent.START:
                return
            entry.spawning = True
            self.monitor.refresh_soon(entry.id)
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

    async def _wait_until_started(self, entry: ContainerState) -> None:
        """Wait until the lab has started.

        The Hub responds before that, but the start of a lab takes a processor for seconds.
        """
        stream = self.registry.stream
        async with aclosing(stream.follow(stream.seq)) as news:  # type: ignore[type-var]
            while entry.spawning and entry.id in self.registry.entries:
                await anext(news)

    async def _start_at_hub(self, entry: ContainerState) -> None:
        options = self._options(entry)
        while True:
            try:
                await self._hub.start(entry.user, entry.name, options)
                return
            except HubRefusedError as refused:
                if refused.status != 429:
                    raise
            await asyncio.sleep(BUSY_RETRY_DELAY)

    def _options(self, entry: ContainerState) -> dict[str, Any]:
        """Return the options for the container's start."""
        return {
            "image": entry.image,
            "resources": entry.resources.model_dump(exclude_none=True),
            "environment": self._environment(entry),
            "rescue": entry.rescue,
        }

    def _environment(self, entry: ContainerState) -> dict[str, str]:
        """Return the unmasked variables: decrypted, or from the Hub's last start."""
        if not entry.hides_values:
            return entry.environment
        decrypted_values = self._cipher.open(entry.sealed) if entry.sealed is not None else None
        options = entry.server.options if entry.server is not None else {}
        for candidate in (decrypted_values, options.get("environment")):
            if candidate is not None and set(candidate) == set(entry.environment):
                return dict(candidate)
        raise InvalidContainerError(faults=[Fault("environment", SECRETS_NOT_STORED)])

    # Inside: ending

    def _request_stop(self, entry: ContainerState, intent: Intent) -> None:
        was_waiting = self.scheduler.withdraw(entry.id)
        entry.queued_at = entry.turn_at = None
        rests = (was_waiting and not entry.held) or self.registry.status(entry) in STOPPED_STATUSES
        nothing_to_stop = intent is Intent.STOP and rests
        if entry.intent is not Intent.DELETE and not nothing_to_stop:
            entry.intent, entry.spawning = intent, False
            self._begin_stop(entry)
        self.registry.settle()

    def _begin_stop(self, entry: ContainerState) -> None:
        if entry.id not in self._stopping_ids:
            self._stopping_ids.add(entry.id)
            self._run_in_background(self._run_stop(entry))

    async def _run_stop(self, entry: ContainerState) -> None:
        try:
            async with self._stop_limiter.one():
                await self._stop(entry)
            if entry.intent is Intent.DELETE:
                await self._remove(entry)
        except (HubRefusedError, MLWSError) as error:
            log.warning("Could not stop %s: %s", entry.id, error)
            message = error.message
            entry.reason = message if isinstance(message, Message) else Message.verbatim(message)
            entry.intent = Intent.NONE if entry.intent in STOP_INTENTS else entry.intent
        finally:
            self._stopping_ids.discard(entry.id)
        if entry.intent is Intent.START:
            return  # Somebody has started it again as soon as it had stopped.
        again = entry.intent is Intent.RESTART
        if entry.id in self.registry.entries:
            entry.intent = Intent.NONE
        if again:
            self._restart(entry)
        elif entry.id in self.registry.entries:
            await self.monitor.refresh(entry.id)

    def _restart(self, entry: ContainerState) -> None:
        grant = self.scheduler.grants.get(entry.id)
        if grant is None:
            self._queue(entry)
        else:
            self.registry.granted(entry, grant)
            self.registry.settle()

    async def _stop(self, entry: ContainerState) -> None:
        """Stop the container and wait until it has stopped."""
        deadline = time.monotonic() + STOP_TIMEOUT
        stop_pending, pause = False, MIN_STOP_POLL_INTERVAL
        while True:
            await self.monitor.refresh(entry.id)
            server = entry.server
            if entry.intent not in STOP_INTENTS:
                return
            if not entry.active and not (server is not None and server.pending):
                if entry.docker_container is not None:
                    # Docker was too slow for the Hub, which gave up; what it left is no crash.
                    await in_thread(self._engine.remove, entry.id)
                return
            if entry.held:
                # The Hub stops nothing that has not started; without its task, the start ends.
                await in_thread(self._engine.remove, entry.id)
            elif server is not None and server.active and not stop_pending:
                stop_pending = await self._stop_server(entry)
            elif entry.running and (server is None or server.stopped):
                # The Hub does not know that it runs, so it can't stop it.
                await in_thread(self._engine.remove, entry.id)
            if time.monotonic() > deadline:
                raise ContainerBackendError(reason=NOT_STOPPING)
            await asyncio.sleep(pause)
            pause = min(MAX_STOP_POLL_INTERVAL, pause * 1.2)

    async def _stop_server(self, entry: ContainerState) -> bool:
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

    async def _remove(self, entry: ContainerState) -> None:
        if entry.name:
            await self._hub.forget(entry.user, entry.name)
        await in_thread(self._engine.remove, entry.id)
        self.monitor.forget(entry.id)
        self.registry.drop(entry)

    # Inside: work of its own

    async def _measure(self) -> None:
        running = self.registry.running()
        usage = await self._meter.usage(running)
        self._meter.forget(self.registry.running())
        self.registry.measured(usage)

    async def _follow_nodes(self) -> None:
        """Update the nodes of the Swarm, which come and go."""
        while True:
            await asyncio.sleep(NODE_POLL_INTERVAL)
            try:
                nodes = await in_thread(self._engine.machines, self.settings.capacity)
            except MLWSError as error:
                log.info("Could not list the Swarm nodes: %s", error)
                continue
            # Where all are drained for a while, what they had still says what can ever fit.
            self.scheduler.nodes = nodes or self.scheduler.nodes
            self.registry.settle()

    async def _measure_for_ever(self) -> None:
        while True:
            try:
                await self._measure()
            except MLWSError as error:
                log.info("Could not measure resource usage: %s", error)
            await asyncio.sleep(MEASURE_INTERVAL)

    async def _is_known(self, user: str) -> bool:
        """Return whether the Hub has an account of that name."""
        return await self._hub.account(user) is not None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in the background, for a client that has disconnected."""
        self._run_in_background(work)

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("A container operation failed", exc_info=task.exception())
