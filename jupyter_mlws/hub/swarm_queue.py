"""The queue where Docker Swarm places and queues by itself: counted and told, not decided."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jupyter_mlws.core.errors import SwarmUnsupportedError
from jupyter_mlws.hub.scheduler import Grant, Request, Reservation, Scheduler


@dataclass
class SwarmQueue(Scheduler):
    """Everything that can ever fit goes to Swarm at once; ``held`` is what Swarm holds back.

    To be used from one thread. What Swarm does not do is refused with error 10211.
    """

    held: set[str] = field(default_factory=set)

    def dispatch(self, now: float) -> list[Grant]:
        """Grant all that Swarm was not yet asked for."""
        granted = []
        free = self.free()
        for request in self.queue(now):
            if request.id in self.held:
                continue
            placed = self._place(request, free)
            node, amount = placed or (self._largest(), request.amount)
            del self.waiting[request.id]
            self.grants[request.id] = Grant(request.id, request.user, node, amount)
            free[node] = free[node] - amount
            granted.append(self.grants[request.id])
        return granted

    def hold(self, request: Request) -> None:
        """Swarm has no room for it now: it waits there, and here it is told so."""
        self.grants.pop(request.id, None)
        before = self.waiting.get(request.id)
        arrival = before.arrival if before is not None else request.arrival
        self.waiting[request.id] = replace(request, arrival=arrival)
        self.held.add(request.id)

    def restore(self, grant: Grant) -> None:
        """Swarm has placed it, or it runs."""
        self.held.discard(grant.id)
        self.grants[grant.id] = grant
        self.waiting.pop(grant.id, None)

    def withdraw(self, identifier: str) -> bool:
        """Leave the queue; whether it waited."""
        self.held.discard(identifier)
        return super().withdraw(identifier)

    def reserve(self, request: Request, now: float, expires: float) -> Reservation | None:
        """Error 10211: Swarm holds nothing for anybody."""
        raise SwarmUnsupportedError(operation="reservations")

    def move(self, identifier: str, position: int, now: float) -> None:
        """Error 10211: the order is Swarm's own."""
        raise SwarmUnsupportedError(operation="reordering the queue")

    def _largest(self) -> str:
        """Where it could run if nothing else did; Swarm says later where it does."""
        return max(self.nodes, key=lambda name: (self.nodes[name].cpu, self.nodes[name].memory))
