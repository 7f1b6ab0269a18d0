"""Plans a run: the action for each node with its reasons, and the estimated time."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from jupyter_mlws.workflows.document.semantic_diff import cosmetic_reason
from mlws.core.i18n import Message
from mlws.document.parse import Stage
from mlws.document.terms import Action
from mlws.dvc.stages import Cause, Forecast
from mlws.engine.graph import StageGraph
from mlws.engine.ready_queue import ReadyQueue
from mlws.engine.reasons import (
    ACCEPTED_REASON,
    FORCED_REASON,
    FROZEN_REASON,
    RESTORABLE_FROM_REASON,
    RESTORABLE_REASON,
    UP_TO_DATE_REASON,
    CosmeticChangeDetector,
    describe,
    is_cosmetic,
)
from mlws.engine.resources import Pool, of_this_machine

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component
    from jupyter_mlws.workflows.models import NodePlan, Plan
    from mlws.dvc.native.pipeline import NativeBackend
    from mlws.dvc.stages import DvcBackend


@dataclass(frozen=True)
class PlannedNode:
    """The planned action for one node.

    ``cosmetic``: only the formatting has changed, so that it could be accepted as unchanged.
    ``restored``: the hashes of the files to restore, by path.
    """

    id: str
    action: Action
    reasons: tuple[Message, ...]
    cosmetic: bool = False
    restored: Mapping[str, str] = field(default_factory=dict)
    environment: Message | None = None

    def as_model(self, estimates: Mapping[str, float], run: str | None = None) -> NodePlan:
        """Return the API model with the time estimate; ``run`` made the files to restore."""
        from jupyter_mlws.workflows.models import NodePlan

        estimate = estimates.get(self.id) if self.action is Action.RUN else None
        reasons = list(self.reasons)
        if run is not None:
            reasons = [
                RESTORABLE_FROM_REASON.fill(run=run) if reason is RESTORABLE_REASON else reason
                for reason in reasons
            ]
        return NodePlan(
            id=self.id,
            action=self.action,
            reasons=reasons,
            estimate_seconds=round(estimate, 3) if estimate is not None else None,
            cosmetic=self.cosmetic,
            restored_from=run,
            environment=self.environment,
        )


def remember_renamed(
    backend: NativeBackend | DvcBackend, graph: StageGraph[Stage], root: Path
) -> None:
    """Keep the results of nodes that were renamed with their files, and of their dependents.

    A dependent with several files on one port must run again: it distinguishes them by name.
    """

    @cache
    def components() -> Mapping[str, Component]:
        from jupyter_mlws.components.registry import Registry

        return Registry(root).all()

    def names_inputs(name: str) -> bool:
        stage = graph.by_id[name]
        component = components().get(stage.component or "")
        ports = component.inputs if component else []
        return any(port.multiple and port.name in stage.ports for port in ports)

    backend.remember_renamed(names_inputs)


def make_plan(
    backend: NativeBackend | DvcBackend,
    graph: StageGraph[Stage],
    targets: Sequence[str] = (),
    force: bool = False,
    looks: CosmeticChangeDetector | None = None,
    accept: bool = False,
    rerun: Mapping[str, Message] | None = None,
) -> list[PlannedNode]:
    """Return the plan of the targets and their dependencies, in file order.

    ``accept``: plan a run that accepts nodes with only cosmetic changes. ``rerun``: nodes that run
    even if nothing of theirs has changed, and why.
    """
    selection = graph.required(targets)
    order = [node for node in graph.order if node in selection]
    walk = _Planner(backend, graph.needs, force, looks, rerun or {})
    node_plans = walk.plan_nodes(order, accept)
    if not accept and walk.has_cosmetic_changes:
        # A node below one that could be accepted can be accepted with it, and only then.
        accepted_plans = walk.plan_nodes(order, True)
        node_plans = {
            name: replace(node, cosmetic=accepted_plans[name].cosmetic)
            for name, node in node_plans.items()
        }
    return [node_plans[node] for node in graph.by_id if node in node_plans]


def summarise(
    node_plans: Sequence[PlannedNode],
    graph: StageGraph[Stage],
    durations: Mapping[str, float],
    makers: Mapping[str, str],
    jobs: int,
) -> Plan:
    """Return the plan as the API's model.

    ``durations``: seconds that nodes took before. ``makers``: the runs that made the files to
    restore, by node.
    """
    from jupyter_mlws.workflows.models import Plan, PlanSummary

    durations = {**_variant_durations(node_plans, durations), **durations}
    actions = [node.action for node in node_plans]
    running = [node.id for node in node_plans if node.action is Action.RUN]
    seconds = {name: durations[name] for name in running if name in durations}
    complete = bool(seconds) or not running
    return Plan(
        nodes=[node.as_model(durations, makers.get(node.id)) for node in node_plans],
        summary=PlanSummary(
            run=actions.count(Action.RUN),
            cached=actions.count(Action.CACHED) + actions.count(Action.FROZEN),
            restorable=actions.count(Action.RESTORABLE),
            cosmetic=sum(node.cosmetic for node in node_plans),
        ),
        jobs=jobs,
        estimate_seconds=round(makespan(graph, seconds, jobs), 3) if complete else None,
        without_estimate=len(running) - len(seconds),
    )


def _variant_durations(
    node_plans: Sequence[PlannedNode], durations: Mapping[str, float]
) -> dict[str, float]:
    """Return the mean time of a sweep, or of the node that it was, for each of its variants."""
    times: dict[str, list[float]] = {}
    for name, seconds in durations.items():
        times.setdefault(name.partition("@")[0], []).append(seconds)
    return {
        node.id: fmean(times[name])
        for node in node_plans
        if "@" in node.id and (name := node.id.partition("@")[0]) in times
    }


def makespan(graph: StageGraph[Stage], seconds: Mapping[str, float], jobs: int) -> float:
    """Return the seconds from the start of a run to the end of its last node.

    Nodes start as the engine starts them: those that are ready and fit, longest path first,
    ``jobs`` at once. Nodes that ``seconds`` leaves out take no time.
    """
    queue = ReadyQueue(graph, (), {node: seconds.get(node, 0.0) for node in graph.order}, jobs)
    pool = Pool(of_this_machine(jobs), jobs)
    running: list[tuple[float, str]] = []
    now = 0.0
    while queue or running:
        waiting = []
        while queue:
            node = queue.pop()
            if pool.take(node, graph.by_id[node].policy) is None:
                waiting.append(node)
                if len(running) >= jobs:
                    break
            else:
                heapq.heappush(running, (now + seconds.get(node, 0.0), node))
        queue.put(waiting)
        if not running:
            # Nothing that is left ever fits: such a run is refused.
            break
        now, node = heapq.heappop(running)
        pool.give_back(node)
        queue.put(queue.finish(node))
    return now


@dataclass(eq=False)
class _Planner:
    """Examines the nodes, each after those that it needs."""

    _backend: NativeBackend | DvcBackend
    _needs: Mapping[str, Sequence[str]]
    _force: bool
    _change_detector: CosmeticChangeDetector | None
    _rerun: Mapping[str, Message]
    has_cosmetic_changes: bool = field(init=False, default=False)

    def plan_nodes(self, order: Sequence[str], accept: bool) -> dict[str, PlannedNode]:
        forecast = Forecast()
        node_plans: dict[str, PlannedNode] = {}
        for name in order:
            running = [
                need
                for need in self._needs[name]
                if need in node_plans and node_plans[need].action is Action.RUN
            ]
            node_plans[name] = self._plan_node(name, forecast, running, accept)
        return node_plans

    def _plan_node(
        self, name: str, forecast: Forecast, running: Sequence[str], accept: bool
    ) -> PlannedNode:
        verdict = self._backend.examine(name, forecast)
        if verdict.frozen:
            return PlannedNode(name, Action.FROZEN, (FROZEN_REASON,))
        if self._force:
            forecast.mark_rerun(self._backend.output_paths(name))
            return PlannedNode(name, Action.RUN, (FORCED_REASON,))
        if name in self._rerun and not verdict.changes:
            forecast.mark_rerun(self._backend.output_paths(name))
            return PlannedNode(name, Action.RUN, (self._rerun[name],))
        detector = self._change_detector
        looks = [c for c in verdict.changes if detector and is_cosmetic(c, detector)]
        self.has_cosmetic_changes |= bool(looks)
        reasons = [
            reason
            for change in verdict.changes
            for reason in ([cosmetic_reason(change.name)] if change in looks else describe(change))
        ]
        if running and Cause.NEVER_RAN not in {change.cause for change in verdict.changes}:
            reasons += [Message("upstream {one} will run", one=one) for one in running]
        if verdict.restorable:
            hashes = verdict.restored
            return PlannedNode(
                name, Action.RESTORABLE, (*reasons, RESTORABLE_REASON), restored=hashes
            )
        if accept and looks and len(looks) == len(verdict.changes) and not running:
            forecast.unmark_rerun(self._backend.output_paths(name))
            return PlannedNode(name, Action.CACHED, (*reasons, ACCEPTED_REASON), cosmetic=True)
        if verdict.changes or running:
            return PlannedNode(name, Action.RUN, tuple(reasons))
        return PlannedNode(name, Action.CACHED, (UP_TO_DATE_REASON,))
