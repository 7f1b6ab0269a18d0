"""Queue for Docker Swarm, which places and queues containers itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jupyter_mlws.core.errors import SwarmUnsupportedError
from jupyter_mlws.hub.scheduling.scheduler import Grant, Request, Reservation, Scheduler


@dataclass
class SwarmQueue(Scheduler):
    """Passes every request that can ever fit to Swarm at once. Must be used from one thread.

    ``held`` are the requests that wait in Swarm. SwarmUnsupportedError for what Swarm does not
    support.
    """

    held: set[str] = field(default_factory=set)

    def dispatch(self, now: float) -> list[Grant]:
        """Grant all requests that were not yet passed to Swarm."""
        grants = []
        free = self.free()
        for request in self.queue(now):
            if request.id in self.held:
                continue
            # Without room, the largest node is a provisional one; Swarm reports the actual one.
            largest = max(free, key=lambda name: (self.nodes[name].cpu, self.nodes[name].memory))
            node, amount = self._place(request, free) or (largest, request.amount)
            del self.waiting[request.id]
            self.grants[request.id] = Grant(request.id, request.user, node, amount)
            free[node] = free[node] - amount
            grants.append(self.grants[request.id])
        return grants

    def hold(self, request: Request) -> None:
        """Put a request back into the queue, because Swarm has no room for it now."""
        self.grants.pop(request.id, None)
        before = self.waiting.get(request.id)
        arrival = before.arrival if before is not None else request.arrival
        self.waiting[request.id] = replace(request, arrival=arrival)
        self.held.add(request.id)

    def restore(self, grant: Grant) -> None:
        """Record that Swarm has placed the container or runs it."""
        self.held.discard(grant.id)
        self.grants[grant.id] = grant
        self.waiting.pop(grant.id, None)

    def withdraw(self, identifier: str) -> bool:
        """Remove a request from the queue; return False if it was not queued."""
        self.held.discard(identifier)
        return super().withdraw(identifier)

    def reserve(self, request: Request, now: float, expires: float) -> Reservation | None:
        """Raise SwarmUnsupportedError: Swarm has no reservations."""
        raise SwarmUnsupportedError(operation="reservations")

    def move(self, identifier: str, position: int, now: float) -> None:
        """Raise SwarmUnsupportedError: Swarm decides the order itself."""
        raise SwarmUnsupportedError(operation="reordering the queue")
