"""Compares a run with the one before: settings and metrics, old and new."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jupyter_mlws.versioning.experiments import ranking
from jupyter_mlws.workflows.models import (
    MetricChange,
    NodeSettingChange,
    RunComparison,
    RunEnvironments,
)
from jupyter_mlws.workflows.run.environments import RunEnvironmentReader
from jupyter_mlws.workflows.run.results import Results
from jupyter_mlws.workflows.run.runs import Runs
from jupyter_mlws.workflows.tracking import metrics
from mlws.core.errors import MLWSError
from mlws.engine.states import Status

MAX_EARLIER_RUNS = 50
"""Runs before this one that are searched for one that completed."""


CERTAINTY = ("low", "high", "rows", "p_value", "repeated")


class Value(NamedTuple):
    """A metric, and how sure it is."""

    number: float
    certainty: Mapping[str, Any]


Values = dict[tuple[str, str, str], Value]
"""By node, model and metric."""


def previous_run(runs: Runs, path: str, run: str) -> str | None:
    """Return the newest earlier run that completed, else the newest earlier one."""
    created = runs.journal.record(run)["created"]
    earlier = runs.journal.runs(path, MAX_EARLIER_RUNS, (created, run))
    completed = [one for one in earlier if one["status"] == Status.COMPLETED]
    return next((one["id"] for one in (*completed, *earlier)), None)


class RunComparer:
    """Compares the runs of one project. Thread-safe."""

    def __init__(self, runs: Runs, results: Results) -> None:
        self._runs = runs
        self._results = results
        self._environments = RunEnvironmentReader(runs)

    def compare(self, path: str, run: str) -> RunComparison:
        """Compare a run with the newest earlier one that completed, else with the one before.

        All metrics of both runs are returned, also those that one of them lacks.
        """
        identifier = self._runs.id_of(path, run)
        previous = previous_run(self._runs, path, identifier)
        values = self._measure(path, identifier)
        before = self._measure(path, previous) if previous else {}
        changes = []
        for node, model, metric in {**values, **before}:
            value = values.get((node, model, metric))
            old = before.get((node, model, metric))
            certainty = value.certainty if value else {}
            changes.append(
                MetricChange(
                    node=node,
                    model=model,
                    metric=metric,
                    mode=ranking.guess_mode(metric),
                    value=value.number if value else None,
                    previous=old.number if old else None,
                    **{name: certainty.get(name) for name in CERTAINTY},
                )
            )
        return RunComparison(
            run=identifier,
            previous=previous,
            settings=list(setting_changes(self._runs, path, previous, identifier))
            if previous
            else [],
            environments=self._environments.changes(path, previous, identifier) if previous else [],
            metrics=changes,
        )

    def environments(self, path: str, run: str, previous: str | None = None) -> RunEnvironments:
        """Return the environments of a run, compared with ``previous``, else with the run before.

        Raises WorkflowItemNotFoundError if one of the runs does not exist.
        """
        identifier = self._runs.id_of(path, run)
        previous = previous or previous_run(self._runs, path, identifier)
        return self._environments.read(path, identifier, previous)

    def _measure(self, path: str, run: str) -> Values:
        """Return the metrics of a run; a file with a mapping for each model has several models."""
        results = self._runs.journal.run(run)["results"]
        values: Values = {}
        for stage in self._runs.graph(path, run).stages:
            for _, kind, file in self._results.ports(stage):
                if kind != "Metrics":
                    continue
                content_path = self._results.find_content(file, results.get(stage.id, {}).get(file))
                if content_path is None:
                    continue
                try:
                    content = metrics.read_file(content_path, file)
                except (OSError, metrics.UnreadableError):
                    # The preview of the output says why.
                    continue
                models = content if has_models(content) else {stage.id: content}
                for model, numbers in models.items():
                    for name, value in metrics.flat(numbers).items():
                        certainty = metrics.certainty(numbers, name)
                        values[stage.id, str(model), name] = Value(value, certainty)
        return values


def setting_changes(runs: Runs, path: str, before: str, after: str) -> Iterator[NodeSettingChange]:
    """Yield the settings that differ between two runs; none if the text of one was removed."""
    try:
        old, new = (runs.document(path, run).variables for run in (before, after))
    except (MLWSError, OSError):
        return
    for node in dict.fromkeys([*new, *old]):
        was, now = dict(_flatten(old.get(node))), dict(_flatten(new.get(node)))
        for name in dict.fromkeys([*now, *was]):
            if was.get(name) != now.get(name):
                yield NodeSettingChange(
                    node=node, name=name, before=was.get(name), after=now.get(name)
                )


def has_models(content: Any) -> bool:
    """Return whether a metrics file compares models: it has a mapping of numbers for each."""
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(isinstance(one, Mapping) and metrics.flat(one) for one in content.values())
    )


def _flatten(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by dotted names."""
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            if isinstance(value, Mapping):
                yield from _flatten(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", value
