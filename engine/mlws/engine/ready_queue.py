"""The nodes of a run that may start, and those that still wait for others."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping

from mlws.engine.graph import S, StageGraph, closure, longest_paths, reverse


class ReadyQueue:
    """Nodes whose needs are met, the longest path first; equal ones in DVC's order.

    ``durations``: the seconds that nodes took before.
    """

    def __init__(
        self,
        graph: StageGraph[S],
        targets: Collection[str],
        durations: Mapping[str, float],
        jobs: int,
    ) -> None:
        self._order = graph.order
        self._positions = {node: place for place, node in enumerate(self._order)}
        self._dependents = reverse(graph.needs)
        required = graph.required(targets)
        waits = {node: set(graph.needs[node]) for node in self._order if node in required}
        for first, second in graph.turns(required):
            waits[second].add(first)
        self._followers = reverse(waits)
        self._unmet_needs = {node: len(others) for node, others in waits.items()}
        # With one job the order is DVC's own: it shows where a failure ends the run.
        self._weights = dict.fromkeys(self._order, 0.0)
        if jobs > 1:
            weights = {node: durations.get(node, 1.0) for node in self._order}
            self._weights = longest_paths(graph.needs, weights)
        self._queued: list[tuple[float, int, str]] = []
        self.put(node for node, count in self._unmet_needs.items() if count == 0)

    def __bool__(self) -> bool:
        return bool(self._queued)

    def put(self, nodes: Iterable[str]) -> None:
        """Add nodes that may start, or that had to wait for resources."""
        for node in nodes:
            heapq.heappush(self._queued, (-self._weights[node], self._positions[node], node))

    def pop(self) -> str:
        """Remove and return the first node."""
        return heapq.heappop(self._queued)[2]

    def clear(self) -> None:
        """Remove all nodes."""
        self._queued.clear()

    def finish(self, node: str) -> list[str]:
        """Return the nodes that have waited only for this one, which has ended."""
        ready = []
        for follower in self._followers.get(node, ()):
            if follower in self._unmet_needs:
                self._unmet_needs[follower] -= 1
                if self._unmet_needs[follower] == 0:
                    ready.append(follower)
        return ready

    def drop_dependents(self, node: str) -> list[str]:
        """Remove the nodes that depend on one, directly or not, and return them in order."""
        unreachable = closure(self._dependents, self._dependents.get(node, ()))
        unreachable &= self._unmet_needs.keys()
        for dependent in unreachable:
            del self._unmet_needs[dependent]
        return [one for one in self._order if one in unreachable]
