"""Requests about containers, of users and of the Hub: permissions, validation, the queue."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from jupyter_mlws.containers.models import (
    AllocateRequest,
    Allocation,
    Amount,
    Container,
    ContainerChange,
    ContainerCreate,
    ContainerStatus,
    Me,
    QueuePlace,
    Resources,
    container_id,
    is_server_name,
)
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    AlreadyExistsError,
    ContainerQueuedError,
    ContainerStoppingError,
    HomeUnavailableError,
    InvalidContainerError,
    NotQueuedError,
)
from jupyter_mlws.hub.budgets.manager import Budgets
from jupyter_mlws.hub.environments import Environments
from jupyter_mlws.hub.hubapi import HubAPI, HubRefusedError
from jupyter_mlws.hub.lifecycle.controller import LifecycleController
from jupyter_mlws.hub.lifecycle.monitor import Monitor
from jupyter_mlws.hub.lifecycle.registry import STOPPED_STATUSES, ContainerRegistry
from jupyter_mlws.hub.lifecycle.resizing import Resizer
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.container_state import STOP_INTENTS, ContainerState, Intent
from jupyter_mlws.hub.scheduling.admission import Admission, AdmissionRequest
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from jupyter_mlws.hub.scheduling.scheduler import Request
from jupyter_mlws.hub.storage_guard import StorageGuard
from jupyter_mlws.hub.volumes import Volumes
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

RESERVATION_DURATION = 300.0
"""Seconds until a reservation expires."""
INVALID_NAME = Message(
    "must have at most 40 lowercase letters, digits, and single hyphens between them"
)
NOT_OWN = Message("can name another user for administrators only")
UNKNOWN_USER = Message("{user!r} is not a user of this Hub")
NOT_ADMIN = Message("can be above 0 for administrators only")
REMOVED_FROM_QUEUE = Message("Removed from the queue by {by}.")
STOPPED_BY = Message("Stopped by {by}.")
IDLE = Message("Nothing ran in it, so the Hub stopped it.")
CULLER = "idle-culler"
"""The service of the Hub that stops idle labs."""


class Containers:
    """Requests about containers. Lives on the event loop."""

    def __init__(
        self,
        hub: HubAPI,
        registry: ContainerRegistry,
        controller: LifecycleController,
        monitor: Monitor,
        resizer: Resizer,
        environments: Environments,
        volumes: Volumes,
        storage: StorageGuard,
        audit: Audit,
        budgets: Budgets,
        read_nodes: Callable[[], Awaitable[None]],
    ) -> None:
        self._hub = hub
        self._registry = registry
        self._scheduler = registry.scheduler
        self._controller = controller
        self._monitor = monitor
        self._resizer = resizer
        self._environments = environments
        self._volumes = volumes
        self._storage = storage
        self._audit = audit
        self._budgets = budgets
        self._read_nodes = read_nodes

    def list(self, user: Me) -> list[Container]:
        """Return the user's own containers, or all for an administrator."""
        positions = self._registry.positions()
        return [
            entry.container(positions.get(entry.id))
            for _, entry in sorted(self._registry.entries.items())
            if user.may_see(entry.user)
        ]

    def get(self, user: Me, identifier: str) -> Container:
        return self._registry.container(self._registry.find(user, identifier))

    async def create(self, user: Me, request: ContainerCreate) -> Container:
        """Create a container: CREATED if it starts now, QUEUED if it waits."""
        owner = request.user or user.name
        if owner != user.name and not user.admin:
            raise InvalidContainerError(faults=[Fault("user", NOT_OWN)])
        if owner != user.name and await self._hub.user(owner) is None:
            raise InvalidContainerError(faults=[Fault("user", UNKNOWN_USER.fill(user=owner))])
        spec = self._check(user, request, owner)
        await self._budgets.refresh_user(owner)
        await self._require_home(owner, spec.resources)
        name = request.name or ""
        identifier = container_id(owner, name)
        self._require_stopped(identifier)
        if not spec.rescue:
            await self._storage.require_space()
        self._check_room(
            Request(
                identifier,
                owner,
                spec.resources,
                request.priority,
                time.time(),
                request.degrade,
            ),
            request.wait,
        )
        try:
            if name:
                server = await self._hub.create(owner, name)
                if server is not None:
                    self._monitor.assume(identifier, server)
        except HubRefusedError as refused:
            message = Message.verbatim(refused.message)
            raise InvalidContainerError(faults=[Fault("name", message)]) from refused
        # Another request may have created it meanwhile.
        self._require_stopped(identifier)
        entry = self._register(owner, name, request, spec)
        self._configure_start(entry, user, spec)
        self._audit.record(user, "container.create", identifier, image=entry.config.image)
        self._controller.queue(entry)
        return await self._respond_when_stored(entry)

    async def start(self, user: Me, identifier: str) -> Container:
        """Start or queue a stopped container; do nothing if it runs or waits already."""
        entry = self._registry.find(user, identifier)
        if self._registry.status(entry) in STOPPED_STATUSES:
            await self._storage.require_space()
            await self._require_home(entry.user, entry.resources.amount)
        await self._budgets.refresh_user(entry.user)
        self._budgets.enforcer.check_start(entry.user, entry.resources.amount)
        status = self._registry.status(entry)
        if entry.intent is Intent.STOP:
            self._configure_start(entry, user)
            entry.intent = Intent.RESTART
        elif status is ContainerStatus.STOPPING and entry.intent is Intent.NONE:
            # The Hub stops it, as it does after a crash.
            self._configure_start(entry, user)
            self._controller.request_stop(entry, Intent.RESTART)
            self._audit.record(user, "container.start", identifier)
        elif status in STOPPED_STATUSES:
            self._check_room(self._registry.request(entry), True)
            self._configure_start(entry, user)
            self._controller.queue(entry)
            self._audit.record(user, "container.start", identifier)
        return await self._respond_when_stored(entry)

    async def stop(self, user: Me, identifier: str) -> Container:
        """Stop a container, or remove it from the queue."""
        entry = self._registry.find(user, identifier)
        self.explain_stop(user.name, identifier)
        self._controller.request_stop(entry, Intent.STOP)
        self._audit.record(user, "container.stop", identifier)
        return await self._respond_when_stored(entry)

    def explain_stop(self, actor: str, identifier: str) -> None:
        """Note why a container stops if somebody else than its user, or a service, stops it."""
        entry = self._registry.entries.get(identifier)
        if entry is None:
            return
        if actor == entry.user:
            entry.stop_reason = None
            return
        entry.stop_reason = IDLE if actor == CULLER else STOPPED_BY.fill(by=actor or "service")
        self._registry.settle()

    async def restart(self, user: Me, identifier: str) -> Container:
        """Stop a container and start it with the same resources."""
        entry = self._registry.find(user, identifier)
        if not entry.active:
            return await self.start(user, identifier)
        self._budgets.enforcer.check_start(entry.user, entry.resources.amount)
        if not entry.config.rescue:
            # Before it stops: it could not start again.
            await self._storage.require_space()
        self._controller.request_stop(entry, Intent.RESTART)
        self._audit.record(user, "container.restart", identifier)
        return await self._respond_when_stored(entry)

    async def delete(self, user: Me, identifier: str) -> Container:
        """Stop and remove a container; the user's home stays."""
        entry = self._registry.find(user, identifier)
        self._controller.request_stop(entry, Intent.DELETE)
        self._audit.record(user, "container.delete", identifier)
        return await self._respond_when_stored(entry)

    async def resize(self, user: Me, identifier: str, change: ContainerChange) -> Container:
        """Change the size of a container, live if it runs."""
        entry = self._registry.find(user, identifier)
        await self._resizer.resize(entry, change.resources)
        size = entry.resources.model_dump(exclude_none=True)
        self._audit.record(user, "container.resize", identifier, **size)
        return await self._respond_when_stored(entry)

    # The Hub's spawner

    async def admit(self, request: AdmissionRequest) -> Admission:
        """Return what the Hub may spawn now, or its position in the queue.

        Return a position that differs from ``last_place`` at once, an equal one after ``patience``
        seconds; the spawner then repeats the request with that position. Without patience, raise
        ContainerQueuedError; the service starts the container later. InsufficientResourcesError if
        it can never fit. A container that the service starts has its resources already.
        """
        if request.server and not is_server_name(request.server):
            raise InvalidContainerError(faults=[Fault("name", INVALID_NAME)])
        identifier = container_id(request.user, request.server)
        entry = self._registry.entries.get(identifier)
        was_started_here = (
            entry is not None
            and entry.intent is Intent.START
            and identifier in self._scheduler.grants
        )
        user = Me(name=request.user, admin=request.admin)
        wish: ContainerCreate | None = None
        if entry is not None and (request.last_place is not None or was_started_here):
            # Validated when it was created, unless the service was restarted since.
            spec = entry.spec or self._check(user, self._registry.policy.read(request.options))
        else:
            wish = self._registry.policy.read(request.options)
            spec = self._check(user, wish)
        if not spec.rescue:
            await self._storage.require_space()
        if request.last_place is None:
            await self._require_home(request.user, spec.resources)
        if not was_started_here:
            await self._budgets.refresh_user(request.user)
        volume = await self._volumes.mounted(request.user, request.home, spec.rescue)
        try:
            if wish is not None:
                if entry is not None and entry.intent in STOP_INTENTS:
                    raise ContainerStoppingError(name=identifier)
                entry = self._register(request.user, request.server, wish, spec)
                self._scheduler.release(identifier)
                self._check_room(self._registry.request(entry), wish.wait)
                entry.hub_waits = True
                self._controller.queue(entry)
            assert entry is not None
            position = await self._wait_for_grant(entry, request.last_place, request.patience)
        finally:
            await self._registry.records.written()
        if position is not None:
            return Admission(queue=position)
        self._controller.spawned(entry)
        entry.spec = None
        grant = self._scheduler.grants[identifier]
        # Swarm would start it elsewhere, with an empty home, if that node is lost.
        self._volumes.note_node(request.user, grant.node)
        return Admission(
            spec=replace(spec, resources=grant.amount, devices=grant.devices),
            volume=volume,
            node=self._volumes.node_of(request.user),
        )

    async def _wait_for_grant(
        self, entry: ContainerState, last_place: QueuePlace | None, patience: float
    ) -> QueuePlace | None:
        """Return None once the container has its resources, else its position in the queue.

        Raises NotQueuedError if it was removed from the queue meanwhile.
        """
        deadline = time.monotonic() + patience
        while True:
            seq = self._registry.stream.seq
            if entry.intent in STOP_INTENTS:
                raise ContainerStoppingError(name=entry.id)
            if entry.id in self._scheduler.grants:
                return None
            position = self._registry.positions().get(entry.id)
            entry.hub_waits = position is not None and patience > 0
            if position is None:
                raise NotQueuedError(name=entry.id)
            if not patience:
                raise ContainerQueuedError(**position.model_dump())
            remaining = deadline - time.monotonic()
            if position != last_place or remaining <= 0:
                return position
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._registry.changed(entry.id, seq), remaining)

    # The queue

    async def allocate(self, user: Me, allocate_request: AllocateRequest) -> Allocation:
        """Plan a container's resources and, if requested, reserve them for the user."""
        self._check(
            user,
            ContainerCreate(
                resources=allocate_request.resources, priority=allocate_request.priority
            ),
        )
        moment = time.time()
        request = Request(
            uuid.uuid4().hex,
            user.name,
            allocate_request.resources.amount,
            allocate_request.priority,
            moment,
            allocate_request.degrade,
        )
        self._scheduler.check(request)
        if allocate_request.reserve:
            reservation = self._scheduler.reserve(request, moment, moment + RESERVATION_DURATION)
            self._registry.settle()
            await self._registry.records.written()
            if reservation is not None:
                return Allocation(
                    success=True,
                    node=reservation.node,
                    resources=Resources.of(reservation.amount),
                    reservation=reservation.id,
                    expires_at=datetime.fromtimestamp(reservation.expires, UTC),
                )
        plan = None if allocate_request.reserve else self._scheduler.plan(request, moment)
        if plan is not None:
            return Allocation(success=True, node=plan[0], resources=Resources.of(plan[1]))
        position = self._scheduler.position_of_new(request, moment, self._registry.ends())
        return Allocation(success=False, queue=position)

    async def move(self, user: Me, identifier: str, position: int) -> Container:
        """Move a container to another position of the queue, from 1; for administrators."""
        entry = self._registry.find(user, identifier)
        if not user.admin:
            raise AdministratorRequiredError()
        self._require_queued(identifier)
        self._scheduler.move(identifier, position, time.time())
        for request in self._scheduler.waiting.values():
            other = self._registry.entries[request.id]
            turn = datetime.fromtimestamp(request.arrival, UTC)
            if turn != (other.turn_at or other.queued_at) or request.id == identifier:
                other.turn_at, other.turn_as = turn, request.share_of or None
                self._registry.store(other)
        entry.priority = self._scheduler.waiting[identifier].priority
        self._registry.store(entry)
        self._registry.note(entry, f"moved to position {position} in the queue")
        self._registry.settle()
        self._audit.record(user, "queue.move", identifier, position=position)
        return await self._respond_when_stored(entry)

    async def drop(self, user: Me, identifier: str) -> Container:
        """Remove a container from the queue: one's own, or any for an administrator."""
        entry = self._registry.find(user, identifier)
        self._require_queued(identifier)
        was_held = entry.held
        self._scheduler.withdraw(identifier)
        entry.queued_at = entry.turn_at = entry.turn_as = None
        entry.intent = Intent.NONE
        entry.reason = REMOVED_FROM_QUEUE.fill(by=user.name or "service")
        self._registry.note(entry, "removed from the queue")
        self._registry.settle()
        if was_held:
            self._controller.request_stop(entry, Intent.STOP)
        self._audit.record(user, "queue.drop", identifier)
        return await self._respond_when_stored(entry)

    # Parts

    def _configure_start(
        self, entry: ContainerState, user: Me, spec: ResolvedSpec | None = None
    ) -> None:
        """Set for the next start who starts it, and that it is a rescue only if ``spec`` says so.

        Its owner sees the administrator who starts it.
        """
        is_own = user.name in ("", entry.user)
        entry.configure(
            rescue=spec is not None and spec.rescue, started_by=None if is_own else user.name
        )
        entry.spec = spec
        if not is_own:
            # The log refers to a stored container.
            self._registry.store(entry)
            self._registry.note(entry, f"started by {user.name}")

    def _check(self, user: Me, request: ContainerCreate, owner: str | None = None) -> ResolvedSpec:
        """Return the request with its defaults; ``owner`` is by default the user.

        InvalidContainerError names every field at fault.
        """
        faults: list[Fault] = []
        if request.priority > 0 and not user.admin:
            faults.append(Fault("priority", NOT_ADMIN))
        try:
            spec = self._environments.policy(owner or user.name).check(request)
        except MLWSError as error:
            raise InvalidContainerError(faults=[*error.faults, *faults]) from None
        if faults:
            raise InvalidContainerError(faults=faults)
        return spec

    def _check_room(self, request: Request, wait: bool) -> None:
        """Raise InsufficientResourcesError unless the request is granted now, or can wait.

        BudgetExceededError if a hard budget of the user is used up.
        """
        self._budgets.enforcer.check_start(request.user, request.amount)
        self._scheduler.check(request)
        reservation = self._scheduler.reservations.get(request.user)
        fits_reservation = reservation is not None and request.amount.fits(reservation.amount)
        moment = time.time()
        if not wait and not fits_reservation and self._scheduler.plan(request, moment) is None:
            available = self._scheduler.available(request, moment)
            raise self._scheduler.shortage(request.amount, available)

    async def _require_home(self, user: str, amount: Amount) -> None:
        """Raise an error if the only node with the user's files is away, or too small."""
        if not self._volumes.is_on_one_node:
            return
        await self._read_nodes()
        node, nodes = self._volumes.node_of(user), self._scheduler.nodes
        if node is None:
            return
        if node not in nodes:
            raise HomeUnavailableError(node=node)
        if not amount.fits(nodes[node]):
            raise self._scheduler.shortage(amount, {node: nodes[node]})

    def _require_stopped(self, identifier: str) -> None:
        entry = self._registry.entries.get(identifier)
        if entry is not None and self._registry.status(entry) not in STOPPED_STATUSES:
            raise AlreadyExistsError(name=identifier)

    def _require_queued(self, identifier: str) -> None:
        if identifier not in self._scheduler.waiting:
            raise NotQueuedError(name=identifier)

    def _register(
        self, user: str, name: str, request: ContainerCreate, spec: ResolvedSpec
    ) -> ContainerState:
        entry = self._registry.enter(user, name, spec)
        entry.priority, entry.degrade, entry.spec = request.priority, request.degrade, spec
        self._controller.seal(entry, spec.environment)
        self._monitor.track(entry.id)
        return entry

    async def _respond_when_stored(self, entry: ContainerState) -> Container:
        """Return the container, once its state is on disk."""
        container = self._registry.container(entry)
        await self._registry.records.written()
        return container
