"""The sweeps of a workflow: their variants with what they measured, the best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.errors import MLWSError
from jupyter_mlws.project import Project
from jupyter_mlws.versioning.dvc import resolved
from jupyter_mlws.versioning.tracking import ranking
from jupyter_mlws.workflows import metrics
from jupyter_mlws.workflows.document import GENERATED, Document, Stage
from jupyter_mlws.workflows.journal import Journal
from jupyter_mlws.workflows.sweep_models import PromoteRequest, Sweep, SweepsQuery, Variant

Given = Mapping[str, Any]
"""What DVC gives a variant: ``item`` and perhaps ``key``."""


def listed(
    project: Project, journal: Journal, document: Document, asked: SweepsQuery
) -> list[Sweep]:
    """The sweeps in file order.

    Errors: 40205 where DVC refuses the file, 40208 for a metric that no variant has.
    """
    groups = variants_of(project, document)
    if not groups:
        return []
    data = resolved.stages(project.root, document.path, document.text, document.data, project.state)
    stages = {stage.id: stage for stage in document.stages(data)}
    known = _Known(project, journal, document.path, [v for group in groups.values() for v in group])
    made = {
        name: [
            known.variant(stages[one], values_of(given, _kind(document, name) == "matrix"))
            for one, given in group.items()
        ]
        for name, group in groups.items()
    }
    _refuse_unknown(asked.metric, made)
    return [_ranked(document, name, variants, asked) for name, variants in made.items()]


def variants_of(project: Project, document: Document) -> dict[str, dict[str, Given]]:
    """What each variant of each sweep is made of, by the sweep's name and the variant's id."""
    return resolved.variants(
        project.root, document.path, document.text, document.data, project.state
    )


def values_of(given: Given, matrix: bool) -> dict[str, Any]:
    """A variant's values by name: those of a mapping, else ``item``; with the ``key`` that a
    ``foreach`` gives it (a matrix makes it of the values)."""
    item = given["item"]
    values = dict(item) if isinstance(item, Mapping) else {"item": item}
    return values if matrix or "key" not in given else {"key": given["key"], **values}


def _kind(document: Document, name: str) -> str:
    return next(kind for kind in sorted(GENERATED) if kind in document.stages_data[name])


def _refuse_unknown(metric: str | None, made: Mapping[str, Sequence[Variant]]) -> None:
    """A metric that no variant has is a mistake, unless nothing has been measured yet."""
    known = {name for variants in made.values() for one in variants for name in one.metrics}
    if metric is not None and known and metric not in known:
        raise unknown_metric(", ".join(made), metric, sorted(known))


def unknown_metric(sweep: str, metric: str, known: Sequence[str]) -> MLWSError:
    """The error that names the metrics there are."""
    return MLWSError("40208", sweep=sweep, metric=metric, known=", ".join(known) or "-")


def _ranked(
    document: Document, name: str, variants: Sequence[Variant], asked: SweepsQuery
) -> Sweep:
    names = ranking.names([variant.metrics for variant in variants])
    metric = asked.metric if asked.metric is not None else next(iter(names), None)
    mode = None if metric is None else asked.mode or ranking.guessed(metric)
    ranks: dict[str, int] = {}
    if metric is not None and mode is not None:
        values = {one.id: one.metrics[metric] for one in variants if metric in one.metrics}
        ranks = ranking.ranks(values, mode)
    best = min(ranks, key=lambda one: ranks[one], default=None)
    placed = [
        one.model_copy(update={"rank": ranks.get(one.id), "best": one.id == best})
        for one in variants
    ]
    placed.sort(key=lambda one: one.rank or len(variants) + 1)
    return Sweep(
        name=name,
        kind=_kind(document, name),
        line=document.line("stages", name),
        metrics=names,
        metric=metric,
        mode=mode,
        best=best,
        variants=placed,
    )


class _Known:
    """What the journal and the files tell of variants."""

    def __init__(
        self, project: Project, journal: Journal, path: str, variants: Sequence[str]
    ) -> None:
        self._project = project
        self._records = journal.newest_of(path, variants)
        self._durations = journal.durations(path)

    def variant(self, stage: Stage, values: dict[str, Any]) -> Variant:
        run, record = self._records.get(stage.id, (None, {}))
        measured, error = self._measures(stage, record.get("outputs") or {})
        started, ended = record.get("started"), record.get("ended")
        duration = ended - started if started and ended else self._durations.get(stage.id)
        return Variant(
            id=stage.id,
            values=values,
            status=record.get("status"),
            duration=None if duration is None else round(duration, 3),
            run=run,
            params=_params(record.get("lock")),
            metrics=measured,
            outputs=list(stage.outs),
            rank=None,
            best=False,
            error=error,
        )

    def _measures(
        self, stage: Stage, outputs: Mapping[str, str]
    ) -> tuple[dict[str, float], str | None]:
        files, error = [], None
        for path in stage.metrics:
            content = self._content(path, outputs.get(path))
            if content is None:
                continue
            try:
                files.append((path, metrics.numbers(path, content)))
            except metrics.UnreadableError as problem:
                error = error or str(problem)
        return metrics.merged(files), error

    def _content(self, path: str, md5: str | None) -> bytes | None:
        """What the file holds; where it was removed, what the newest run left in DVC's cache."""
        places = [self._project.resolve(path)]
        if md5:
            cache = self._project.root / ".dvc" / "cache" / "files" / "md5"
            places.append(cache / md5[:2] / md5[2:])
        for place in places:
            with suppress(OSError), place.open("rb") as file:
                return file.read(metrics.LARGEST + 1)
        return None


def _params(entry: Any) -> dict[str, Any]:
    """The parameters in an entry of a lock file, as ``file:key``."""
    files = entry.get("params", {}) if isinstance(entry, Mapping) else {}
    return {f"{file}:{key}": value for file, held in files.items() for key, value in held.items()}


@dataclass(frozen=True)
class Choice:
    """A variant of a sweep, and the measure that decided for it, where one did."""

    sweep: str
    variant: str
    metric: str | None
    value: float | None


def chosen(sweep: Sweep, asked: PromoteRequest) -> Choice:
    """The variant that is named, else the best; errors as :meth:`.WorkflowManager.promote`."""
    metric = asked.metric if asked.metric is not None else sweep.metric
    if asked.variant is not None:
        for one in sweep.variants:
            if asked.variant in (one.id, one.id.partition("@")[2]):
                return Choice(sweep.name, one.id, metric, one.metrics.get(metric or ""))
        raise MLWSError("40401", kind="variant", name=asked.variant)
    if metric is None:
        raise MLWSError("40209", sweep=sweep.name, reason="no variant has a metric yet")
    if metric not in sweep.metrics:
        raise unknown_metric(sweep.name, metric, sweep.metrics)
    mode = asked.mode or ranking.guessed(metric)
    values = {one.id: one.metrics[metric] for one in sweep.variants if metric in one.metrics}
    places = ranking.ranks(values, mode)
    best = min(places, key=lambda one: places[one])
    return Choice(sweep.name, best, metric, values[best])
