"""What a run would do with each node and why, in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.dvc.stages import Cause, Change, Forecast, Verdict
from jupyter_mlws.workflows.document import Stage
from jupyter_mlws.workflows.graph import closure, ordered, upstream
from jupyter_mlws.workflows.semantic_diff import cosmetic_reason
from jupyter_mlws.workflows.terms import Action

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component
    from jupyter_mlws.versioning.dvc.native.pipeline import FastPipeline
    from jupyter_mlws.versioning.dvc.stages import Pipeline
    from jupyter_mlws.workflows.models import NodePlan, Plan

FORCED = Message("forced")
NEVER_RAN = Message("never ran")
ALWAYS = Message("runs every time")
FROZEN = Message("frozen")
DEFAULT = Message("default")
CACHED = Message("up to date")
RESTORED = Message("in the run cache")
RESTORED_FROM = Message("in the run cache, from run {run}")
RESTORED_NOW = Message("restored from the run cache")
SKIPPED = Message("skipped as requested")
AGAIN = Message("rerun requested")
ACCEPTED = Message("accepted as is")
STATES = {
    "modified": Message("changed"),
    "deleted": Message("is missing"),
    "new": Message("is new"),
    "not in cache": Message("is not in the cache"),
}


class Lane(Protocol):
    """What a plan asks of a pipeline; see :class:`~jupyter_mlws.versioning.dvc.stages.Pipeline`."""

    def examine(self, name: str, forecast: Forecast) -> Verdict: ...
    def expect_rerun(self, name: str, forecast: Forecast) -> None: ...
    def expect_kept(self, name: str, forecast: Forecast) -> None: ...


class Looks(Protocol):
    """Tells whether a file changed in its looks alone; see :mod:`.contents`."""

    def only_looks_changed(self, path: str, old: str, new: str | None) -> bool: ...


class AllCounts:
    """Takes every change for one that counts."""

    def only_looks_changed(self, path: str, old: str, new: str | None) -> bool:
        return False


@dataclass(frozen=True)
class Planned:
    """What a run would do with one node.

    ``cosmetic``: only looks have changed, so that it could be accepted as unchanged.
    ``restored``: the hashes of what would be restored, by path.
    """

    id: str
    action: Action
    reasons: tuple[Message, ...]
    cosmetic: bool = False
    restored: Mapping[str, str] = field(default_factory=dict)

    def as_model(self, estimates: Mapping[str, float], run: str | None = None) -> NodePlan:
        """With the time that it took before; ``run`` made what is restored."""
        from jupyter_mlws.workflows.models import NodePlan

        estimate = estimates.get(self.id) if self.action is Action.RUN else None
        reasons = list(self.reasons)
        if run is not None:
            reasons = [
                RESTORED_FROM.fill(run=run) if reason is RESTORED else reason for reason in reasons
            ]
        return NodePlan(
            id=self.id,
            action=self.action,
            reasons=reasons,
            estimate_seconds=round(estimate, 3) if estimate is not None else None,
            cosmetic=self.cosmetic,
            restored_from=run,
        )


def remember_renamed(lane: FastPipeline | Pipeline, stages: Sequence[Stage], root: Path) -> None:
    """Let nodes that were renamed with their files have their results, and those that read them.

    What takes several files tells them apart by their names, and has to be made again.
    """
    by_id = {stage.id: stage for stage in stages}

    @cache
    def components() -> Mapping[str, Component]:
        from jupyter_mlws.components.registry import Registry

        return Registry(root).all()

    def names_inputs(name: str) -> bool:
        stage = by_id[name]
        component = components().get(stage.component or "")
        ports = component.inputs if component else []
        return any(port.multiple and port.name in stage.ports for port in ports)

    lane.remember_renamed(names_inputs)


def make(
    pipeline: Lane,
    stages: Sequence[Stage],
    targets: Sequence[str] = (),
    force: bool = False,
    looks: Looks | None = None,
    accept: bool = False,
) -> list[Planned]:
    """The plan of the targets and what they need, in the order of the graph.

    ``accept``: of a run that accepts nodes of which only looks have changed.
    """
    needs = upstream(stages)
    wanted = closure(needs, targets or [stage.id for stage in stages])
    order = [stage.id for stage in ordered(stages) if stage.id in wanted]
    walk = _Walk(pipeline, needs, force, looks or AllCounts())
    planned = walk.along(order, accept)
    if not accept and walk.met_looks:
        # A node below one that could be accepted can be accepted with it, and only then.
        accepted = walk.along(order, True)
        planned = {
            name: replace(node, cosmetic=accepted[name].cosmetic) for name, node in planned.items()
        }
    return [planned[stage.id] for stage in stages if stage.id in planned]


def summarise(
    planned: Sequence[Planned],
    stages: Sequence[Stage],
    known: Mapping[str, float],
    makers: Mapping[str, str],
    jobs: int,
) -> Plan:
    """The plan as the API tells it.

    ``known``: seconds that nodes took before. ``makers``: the runs that made what is restored, by
    node.
    """
    from jupyter_mlws.workflows.estimates import makespan
    from jupyter_mlws.workflows.models import Plan, PlanSummary

    actions = [node.action for node in planned]
    running = [node.id for node in planned if node.action is Action.RUN]
    seconds = {name: known[name] for name in running if name in known}
    within = {node.id for node in planned}
    there = [stage for stage in stages if stage.id in within]
    complete = bool(seconds) or not running
    return Plan(
        nodes=[node.as_model(known, makers.get(node.id)) for node in planned],
        summary=PlanSummary(
            run=actions.count(Action.RUN),
            cached=actions.count(Action.CACHED) + actions.count(Action.FROZEN),
            restorable=actions.count(Action.RESTORABLE),
            cosmetic=sum(node.cosmetic for node in planned),
        ),
        jobs=jobs,
        estimate_seconds=round(makespan(there, seconds, jobs), 3) if complete else None,
        without_estimate=len(running) - len(seconds),
    )


class _Walk:
    """Goes through the nodes, each after those it needs."""

    def __init__(
        self, pipeline: Lane, needs: Mapping[str, Sequence[str]], force: bool, looks: Looks
    ) -> None:
        self._pipeline = pipeline
        self._needs = needs
        self._force = force
        self._looks = looks
        self.met_looks = False

    def along(self, order: Sequence[str], accept: bool) -> dict[str, Planned]:
        forecast = Forecast()
        planned: dict[str, Planned] = {}
        for name in order:
            running = [n for n in self._needs[name] if _runs(planned.get(n))]
            planned[name] = self._one(name, forecast, running, accept)
        return planned

    def _one(self, name: str, forecast: Forecast, running: Sequence[str], accept: bool) -> Planned:
        verdict = self._pipeline.examine(name, forecast)
        if verdict.frozen:
            return Planned(name, Action.FROZEN, (FROZEN,))
        if self._force:
            self._pipeline.expect_rerun(name, forecast)
            return Planned(name, Action.RUN, (FORCED,))
        looks = [c for c in verdict.changes if only_looks(c, self._looks)]
        self.met_looks |= bool(looks)
        reasons = [
            reason
            for change in verdict.changes
            for reason in ([cosmetic_reason(change.name)] if change in looks else describe(change))
        ]
        if running and Cause.NEVER_RAN not in {change.cause for change in verdict.changes}:
            reasons += [Message("upstream {one} will run", one=one) for one in running]
        if verdict.restorable:
            restored = verdict.restored
            return Planned(name, Action.RESTORABLE, (*reasons, RESTORED), restored=restored)
        if accept and looks and len(looks) == len(verdict.changes) and not running:
            self._pipeline.expect_kept(name, forecast)
            return Planned(name, Action.CACHED, (*reasons, ACCEPTED), cosmetic=True)
        if verdict.changes or running:
            return Planned(name, Action.RUN, tuple(reasons))
        return Planned(name, Action.CACHED, (CACHED,))


def _runs(planned: Planned | None) -> bool:
    return planned is not None and planned.action is Action.RUN


def only_looks(change: Change, looks: Looks) -> bool:
    """Whether a change is one of a dependency's looks alone."""
    if change.cause is not Cause.DEPENDENCY or change.state != "modified" or not change.old:
        return False
    return looks.only_looks_changed(change.name, change.old, change.new)


def describe(change: Change) -> list[Message]:
    """A difference to the lock file, in words."""
    if change.cause is Cause.NEVER_RAN:
        return [NEVER_RAN]
    if change.cause is Cause.ALWAYS:
        return [ALWAYS]
    if change.cause is Cause.COMMAND:
        return _command(change.old, change.new)
    if change.cause is Cause.PARAMETER and change.state == "modified":
        return [_moved(change.name, repr(change.old), repr(change.new))]
    state = STATES.get(change.state, Message.verbatim(change.state))
    return [Message("{name} {state}", name=change.name, state=state)]


def _moved(name: str, old: str, new: str) -> Message:
    return Message("{name} {old} → {new}", name=name, old=old, new=new)


def _command(old: str, new: str) -> list[Message]:
    """The settings that differ between two commands of the same kind; else the command itself."""
    before, after = options(old), options(new)
    if before is None or after is None or before[0] != after[0]:
        return [Message("the command changed")]
    reasons = []
    for name in dict.fromkeys([*before[1], *after[1]]):
        one, other = before[1].get(name), after[1].get(name)
        if one != other:
            reasons.append(
                Message(
                    "{name} {one} → {other}", name=name, one=one or DEFAULT, other=other or DEFAULT
                )
            )
    return reasons or [Message("the command changed")]


def options(command: str) -> tuple[list[str], dict[str, str]] | None:
    """The words of a command before its first option, and the options; None if it is no such."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    plain: list[str] = []
    found: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            found[name] = value
        elif name:
            found[name] = f"{found[name]} {word}".strip()
        else:
            plain.append(word)
    return plain, {key: value or "true" for key, value in found.items()}
