"""Scheduler of cores, memory and devices: without a clock and without I/O.

The queue is ordered by priority, then by fair share (who has used least recently comes first), then
by arrival. No request starves:

- A request that has waited for :data:`AGING_THRESHOLD` precedes those that have not, in order of
  arrival, so that a stream of urgent requests cannot delay the others for ever.
- Free resources are set aside for waiting requests in order, before later ones are granted. A small
  request may overtake a large one only with resources that the large one cannot use (a core while
  it waits for a device, another machine), so it never delays it. With a strict order, one wait for
  a device would stop every start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from jupyter_mlws.containers.models import Amount, QueuePlace
from jupyter_mlws.containers.quantities import write_quantity
from jupyter_mlws.core.errors import InsufficientResourcesError, InvalidContainerError
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message

AGING_THRESHOLD = 1800.0
"""Seconds."""
MIN_AMOUNT = Amount(cpu=0.25, memory=256 * 1024**2)
"""Minimum of a degraded grant: a lab does not start with less."""
ZERO_AMOUNT = Amount(cpu=0, memory=0)
ARRIVAL_STEP = 0.01
"""Seconds between the arrivals of two requests that are moved in the queue."""
LOWEST_PRIORITY = -1_000_000
"""Priority below all that can be requested."""
RESOURCE_KINDS = ("cpu", "memory", "gpu")
USER_LIMIT = Message("{wanted} more would exceed the limit of {limit} per user")
CONTAINER_LIMIT = Message("one more would exceed the limit of {limit} containers per user")


@dataclass(frozen=True)
class UserLimit:
    """Limit of all containers of a user together; None: no limit."""

    cpu: float | None = None
    memory: float | None = None
    gpu: float | None = None
    containers: float | None = None

    @classmethod
    def of(cls, amount: Amount | None) -> UserLimit:
        """Return the limit by an amount of resources; None: no limit."""
        return cls() if amount is None else cls(**amount.model_dump())

    @property
    def amount(self) -> Amount | None:
        """The limit as an amount; None unless CPU and memory are limited."""
        if self.cpu is None or self.memory is None:
            return None
        return Amount(cpu=self.cpu, memory=int(self.memory), gpu=int(self.gpu or 0))


Share = tuple[float, ...]
"""Recent usage, to be compared: of the group, then of the user."""


def _no_limit(user: str) -> UserLimit:
    return UserLimit()


def _same_share(user: str) -> Share:
    return ()


@dataclass(frozen=True)
class Request:
    """Request for resources; ``arrival`` is in seconds of the caller's clock."""

    id: str
    user: str
    amount: Amount
    priority: int
    arrival: float
    degrade: bool = False
    share_of: str = ""
    """The user whose share counts, if not its own: an administrator has moved it."""


@dataclass(frozen=True)
class Grant:
    """Resources that a container holds; ``devices`` are the numbers of its leased devices."""

    id: str
    user: str
    node: str
    amount: Amount
    devices: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reservation(Grant):
    """Resources that are held for a user's next container."""

    expires: float


@dataclass
class Scheduler:
    """Machines and the resources allocated on them. Must be used from one thread.

    ``limit_of`` returns the limit of a user, ``share_of`` the user's recent usage.
    """

    nodes: Mapping[str, Amount]
    limit_of: Callable[[str], UserLimit] = _no_limit
    share_of: Callable[[str], Share] = _same_share
    grants: dict[str, Grant] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)
    waiting: dict[str, Request] = field(default_factory=dict)

    # Requests

    def check(self, request: Request) -> None:
        """Check that the request can be granted at all.

        Raises InsufficientResourcesError if it can never fit, InvalidContainerError if it exceeds
        the user's limit.
        """
        self._check_user(request)
        fits = any(request.amount.fits(capacity) for capacity in self.nodes.values())
        if not request.degrade and not fits:
            raise self.shortage(request.amount, self.nodes)

    def submit(self, request: Request, now: float) -> Grant | None:
        """Queue the request, or grant it from the user's reservation.

        :meth:`dispatch` decides which of the queued requests can start now. Submitting the same id
        again replaces the queued request, which keeps its position unless it asks for more.
        """
        self.check(request)
        if request.id in self.grants:
            return self.grants[request.id]
        before = self.waiting.pop(request.id, None)
        self._expire(now)
        reservation = self.reservations.pop(request.user, None)
        if reservation is not None and request.amount.fits(reservation.amount):
            devices = reservation.devices[: request.amount.gpu]
            grant = Grant(request.id, request.user, reservation.node, request.amount, devices)
            self.grants[request.id] = grant
            return grant
        if before is not None and request.amount.fits(before.amount):
            request = replace(request, arrival=before.arrival, share_of=before.share_of)
        self.waiting[request.id] = request
        return None

    def dispatch(self, now: float) -> list[Grant]:
        """Grant every request that can start now, in order, and remove it from the queue."""
        self._expire(now)
        free = self.free()
        grants = []
        for request in self.queue(now):
            placement = self._place(request, free)
            if placement is None:
                self._set_aside(request.amount, free)
                continue
            node, amount = placement
            del self.waiting[request.id]
            grant = Grant(request.id, request.user, node, amount, self._lease(node, amount))
            self.grants[request.id] = grant
            free[node] = free[node] - amount
            grants.append(grant)
        return grants

    def plan(self, request: Request, now: float) -> tuple[str, Amount] | None:
        """Return the (node, amount) that the request would get now; None if it would wait."""
        return self._place(request, self.available(request, now))

    def available(self, request: Request, now: float) -> dict[str, Amount]:
        """Return what each node has left for the request, after those before it in the queue."""
        self._expire(now)
        free = self.free()
        for other in self._sort([*self.waiting.values(), request], now):
            if other.id == request.id:
                break
            placement = self._place(other, free)
            if placement is None:
                self._set_aside(other.amount, free)
            else:
                free[placement[0]] = free[placement[0]] - placement[1]
        return free

    def reserve(self, request: Request, now: float, expires: float) -> Reservation | None:
        """Reserve resources for the user's next container; return None if it would wait.

        The new reservation replaces an earlier one of the user.
        """
        self.reservations.pop(request.user, None)
        placement = self.plan(request, now)
        if placement is None:
            return None
        node, amount = placement
        reservation = Reservation(
            request.id, request.user, node, amount, self._lease(node, amount), expires=expires
        )
        self.reservations[request.user] = reservation
        return reservation

    # Releases and changes

    def release(self, identifier: str) -> bool:
        """Release what a container holds; return False if it held nothing."""
        return self.grants.pop(identifier, None) is not None

    def withdraw(self, identifier: str) -> bool:
        """Remove a request from the queue; return False if it was not queued."""
        return self.waiting.pop(identifier, None) is not None

    def resize(self, identifier: str, amount: Amount, now: float) -> Grant:
        """Change the size of a running container on its machine and return the new grant.

        InsufficientResourcesError if there is not enough room. Resources set aside for queued
        requests are not free, so a running container cannot overtake them by growing.
        """
        grant = self.grants[identifier]
        wish = Request(identifier, grant.user, amount, LOWEST_PRIORITY, now)
        self._check_user(wish)
        free = self.available(wish, now)[grant.node]
        most = larger(grant.amount, grant.amount + free)
        if not amount.fits(most):
            raise self.shortage(amount, {grant.node: most})
        self.grants[identifier] = replace(grant, amount=amount)
        return self.grants[identifier]

    # External changes

    def restore(self, grant: Grant) -> None:
        """Record the grant of a running container by its id, so that it counts only once."""
        self.waiting.pop(grant.id, None)
        leased_devices = self._leased_devices(grant.node, without=grant.id)
        previous_devices = [device for device in grant.devices if device not in leased_devices]
        spare = [device for device in self._devices(grant.node) if device not in leased_devices]
        rest = [device for device in spare if device not in previous_devices]
        devices = (*previous_devices, *rest)[: grant.amount.gpu]
        self.grants[grant.id] = replace(grant, devices=tuple(devices))

    def move(self, identifier: str, position: int, now: float) -> None:
        """Move a queued request to another position, from 1; to the end if there are fewer.

        It gets the priority and the share of the request after it (at the end: of the last one), so
        that new requests are ordered in the same way around both.
        """
        entry = self.waiting[identifier]
        others = [request for request in self.queue(now) if request.id != identifier]
        index = min(max(position, 1), len(others) + 1) - 1
        if not others:
            return
        if index == len(others):
            last = others[-1]
            arrival = max(last.arrival, entry.arrival) + ARRIVAL_STEP
            self.waiting[identifier] = replace(
                entry,
                priority=last.priority,
                arrival=arrival,
                share_of=last.share_of or last.user,
            )
            return
        next_ = others[index]
        # Requests of the same priority before it make room, so that no two arrivals are equal.
        for other in others[:index]:
            if other.priority == next_.priority:
                earlier = replace(other, arrival=other.arrival - ARRIVAL_STEP)
                self.waiting[other.id] = earlier
        self.waiting[identifier] = replace(
            entry,
            priority=next_.priority,
            arrival=next_.arrival - ARRIVAL_STEP / 2,
            share_of=next_.share_of or next_.user,
        )

    # State

    def queue(self, now: float) -> list[Request]:
        """Return the waiting requests in the order in which they are served."""
        return self._sort(self.waiting.values(), now)

    def positions(
        self, now: float, ends: Mapping[str, float] | None = None
    ) -> dict[str, QueuePlace]:
        """Return the queue position of every waiting request, by id.

        ``ends`` are the estimated end times of running containers. A wait is known only if all ends
        that it depends on are known.
        """
        ends = ends or {}
        future = self._copy()
        moments = {reservation.expires for reservation in self.reservations.values()}
        moments |= {ends[name] for name in self.grants if name in ends}
        starts: dict[str, float] = {}
        for moment in sorted(moments):
            if not future.waiting:
                break
            for name in list(future.grants):
                if name in self.grants and ends.get(name, math.inf) <= moment:
                    future.release(name)
            for grant in future.dispatch(moment):
                starts[grant.id] = max(0.0, moment - now)
        return {
            request.id: QueuePlace(position=position, eta_seconds=starts.get(request.id))
            for position, request in enumerate(self.queue(now), 1)
        }

    def position_of_new(
        self, request: Request, now: float, ends: Mapping[str, float] | None = None
    ) -> QueuePlace:
        """Return the queue position that a new request would get."""
        future = self._copy()
        future.waiting[request.id] = request
        return future.positions(now, ends)[request.id]

    def allocated(self, node: str) -> Amount:
        """Return the resources allocated on a node, including reservations."""
        claims = [*self.grants.values(), *self.reservations.values()]
        return sum((one.amount for one in claims if one.node == node), ZERO_AMOUNT)

    def free(self) -> dict[str, Amount]:
        """Return the unallocated resources by node; below zero if a node was made smaller."""
        return {node: all_ - self.allocated(node) for node, all_ in self.nodes.items()}

    def used_by(self, user: str, without: str) -> Amount:
        """Return what a user's containers hold and wait for, without the one with that id."""
        claims: list[Grant | Request] = [*self.grants.values(), *self.waiting.values()]
        mine = [one.amount for one in claims if one.user == user and one.id != without]
        return sum(mine, ZERO_AMOUNT)

    def shortage(self, demand: Amount, has: Mapping[str, Amount]) -> MLWSError:
        """Return InsufficientResourcesError with the resource that the best-fitting node lacks."""
        kind, nearest = find_lack(demand, has.values())
        available = max(0, getattr(nearest, kind))
        return InsufficientResourcesError(
            reason=Message("insufficient resources"),
            resource_type=kind,
            required=write_quantity(kind, getattr(demand, kind)),
            available=write_quantity(kind, available),
        )

    # Parts

    def _check_user(self, request: Request) -> None:
        limit = self.limit_of(request.user)
        claims: list[Grant | Request] = [*self.grants.values(), *self.waiting.values()]
        others = {one.id for one in claims if one.user == request.user} - {request.id}
        total = self.used_by(request.user, without=request.id) + request.amount
        faults = [
            Fault(
                f"resources.{kind}",
                USER_LIMIT.fill(
                    wanted=write_quantity(kind, getattr(request.amount, kind)),
                    limit=write_quantity(kind, getattr(limit, kind)),
                ),
            )
            for kind in RESOURCE_KINDS
            if (most := getattr(limit, kind)) is not None and getattr(total, kind) > most
        ]
        if limit.containers is not None and len(others) + 1 > limit.containers:
            faults.append(Fault("containers", CONTAINER_LIMIT.fill(limit=int(limit.containers))))
        if faults:
            raise InvalidContainerError(faults=faults)

    def _expire(self, now: float) -> None:
        for user, reservation in list(self.reservations.items()):
            if reservation.expires <= now:
                del self.reservations[user]

    def _place(self, request: Request, free: Mapping[str, Amount]) -> tuple[str, Amount] | None:
        fitting = [node for node, amount in free.items() if request.amount.fits(amount)]
        if fitting:

            def emptiness(node: str) -> float:
                capacity = self.nodes[node]
                return min(free[node].cpu / capacity.cpu, free[node].memory / capacity.memory)

            # The emptiest node: this spreads the load and avoids small remainders.
            return max(fitting, key=emptiness), request.amount
        if not request.degrade:
            return None
        cut = {node: _smaller(request.amount, amount) for node, amount in free.items()}
        enough = _smaller(request.amount, MIN_AMOUNT)
        usable = [
            node
            for node, amount in cut.items()
            if amount.cpu >= enough.cpu and amount.memory >= enough.memory
        ]
        if not usable:
            return None
        best = max(usable, key=lambda node: (cut[node].gpu, cut[node].cpu, cut[node].memory))
        return best, cut[best]

    def _set_aside(self, demand: Amount, free: dict[str, Amount]) -> None:
        """Subtract a waiting request's demand from ``free``, on the node that fits it best."""
        able = [node for node, all_ in self.nodes.items() if demand.fits(all_)] or list(free)
        node = min(able, key=lambda name: _missing_share(demand, free[name]))
        left = free[node] - demand
        free[node] = Amount(cpu=max(0, left.cpu), memory=max(0, left.memory), gpu=max(0, left.gpu))

    def _lease(self, node: str, amount: Amount) -> tuple[int, ...]:
        leased_devices = self._leased_devices(node)
        spare = [device for device in self._devices(node) if device not in leased_devices]
        return tuple(spare[: amount.gpu])

    def _leased_devices(self, node: str, without: str | None = None) -> set[int]:
        claims = [
            *(grant for grant in self.grants.values() if grant.id != without),
            *self.reservations.values(),
        ]
        return {device for one in claims if one.node == node for device in one.devices}

    def _devices(self, node: str) -> range:
        return range(self.nodes[node].gpu if node in self.nodes else 0)

    def _sort(self, requests: Iterable[Request], now: float) -> list[Request]:
        shares: dict[str, Share] = {}

        def key(request: Request) -> tuple[int, float, Share, float, str]:
            if now - request.arrival >= AGING_THRESHOLD:
                return 0, 0, (), request.arrival, request.id
            user = request.share_of or request.user
            if user not in shares:
                shares[user] = self.share_of(user)
            return 1, -request.priority, shares[user], request.arrival, request.id

        return sorted(requests, key=key)

    def _copy(self) -> Scheduler:
        return Scheduler(
            self.nodes,
            self.limit_of,
            self.share_of,
            dict(self.grants),
            dict(self.reservations),
            dict(self.waiting),
        )


def _missing_share(demand: Amount, free: Amount) -> float:
    """Return the sum of the missing shares of ``demand``; 0 if ``free`` is enough."""
    lacking: float = sum(
        max(0.0, getattr(demand, kind) - getattr(free, kind)) / getattr(demand, kind)
        for kind in RESOURCE_KINDS
        if getattr(demand, kind)
    )
    return lacking


def find_lack(demand: Amount, has: Iterable[Amount]) -> tuple[str, Amount]:
    """Return the resource that the best-fitting amount lacks, and that amount; "cpu" if none."""
    nearest = min(has, key=lambda amount: _missing_share(demand, amount), default=ZERO_AMOUNT)
    lacking = (kind for kind in RESOURCE_KINDS if getattr(demand, kind) > getattr(nearest, kind))
    return next(lacking, RESOURCE_KINDS[0]), nearest


def larger(a: Amount, b: Amount) -> Amount:
    """Return the larger of the two amounts, resource by resource."""
    return Amount(cpu=max(a.cpu, b.cpu), memory=max(a.memory, b.memory), gpu=max(a.gpu, b.gpu))


def _smaller(a: Amount, b: Amount) -> Amount:
    return Amount(
        cpu=max(0, min(a.cpu, b.cpu)),
        memory=max(0, min(a.memory, b.memory)),
        gpu=max(0, min(a.gpu, b.gpu)),
    )
