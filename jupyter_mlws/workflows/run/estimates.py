"""How long a run will take, from how long its nodes took before."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from jupyter_mlws.engine.graph import longest_paths, topological_order, upstream
from jupyter_mlws.engine.resources import Pool, of_this_machine
from jupyter_mlws.workflows.document.parse import Stage


def makespan(stages: Sequence[Stage], seconds: Mapping[str, float], jobs: int) -> float:
    """Return the seconds from the start of a run to the end of its last node.

    Nodes start as the engine starts them: those that are ready and fit, longest path first,
    ``jobs`` at once. Nodes that ``seconds`` leaves out take no time.
    """
    needs = upstream(stages)
    order = [stage.id for stage in topological_order(stages)]
    weights = longest_paths(needs, {node: seconds.get(node, 0.0) for node in order})
    policies = {stage.id: stage.policy for stage in stages}
    missing = {node: len(needs[node]) for node in order}
    dependents: dict[str, list[str]] = {}
    for node in order:
        for need in needs[node]:
            dependents.setdefault(need, []).append(node)
    pool = Pool(of_this_machine(jobs), jobs)
    ready = [(-weights[node], node) for node in order if missing[node] == 0]
    running: list[tuple[float, str]] = []
    now = 0.0
    heapq.heapify(ready)
    while ready or running:
        waiting = []
        while ready:
            entry = heapq.heappop(ready)
            if pool.take(entry[1], policies[entry[1]]) is None:
                waiting.append(entry)
                if len(running) >= jobs:
                    break
            else:
                heapq.heappush(running, (now + seconds.get(entry[1], 0.0), entry[1]))
        for entry in waiting:
            heapq.heappush(ready, entry)
        if not running:
            # Nothing that is left ever fits: such a run is refused.
            break
        now, finished_node = heapq.heappop(running)
        pool.give_back(finished_node)
        for dependent in dependents.get(finished_node, ()):
            missing[dependent] -= 1
            if missing[dependent] == 0:
                heapq.heappush(ready, (-weights[dependent], dependent))
    return now
