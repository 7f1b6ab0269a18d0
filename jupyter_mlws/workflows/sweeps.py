"""Lists the sweeps of a workflow, with the metrics of their variants, the best first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from jupyter_mlws.components.values import producer_of
from jupyter_mlws.core.errors import (
    MetricMissingError,
    MLWSError,
    PromotionError,
    WorkflowItemNotFoundError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.core.project import Project
from jupyter_mlws.dvc import resolved
from jupyter_mlws.versioning.experiments import ranking
from jupyter_mlws.workflows.document.parse import GENERATOR_KEYS, Document, Stage
from jupyter_mlws.workflows.run.journal import Journal
from jupyter_mlws.workflows.sweep_models import PromoteRequest, Sweep, SweepsQuery, Variant
from jupyter_mlws.workflows.tracking import metrics

TemplateVariables = Mapping[str, Any]
"""DVC's variables of a variant: ``item`` and, for some, ``key``."""


def list_sweeps(
    project: Project, journal: Journal, document: Document, query: SweepsQuery
) -> list[Sweep]:
    """Return the sweeps in file order.

    Errors: 40205 if DVC refuses the file, 40208 for a metric that no variant has.
    """
    groups = variants_of(project, document)
    if not groups:
        return []
    data = resolved.stages(project.root, document.path, document.text, document.data, project.state)
    stages = {stage.id: stage for stage in document.stages(data)}
    reader = _ResultReader(project, journal, document.path, list(stages))
    variants_by_sweep = {}
    for name, group in groups.items():
        judges = judges_of(list(stages.values()), group)
        variants_by_sweep[name] = [
            reader.variant(
                stages[one], values_of(variables, _kind(document, name) == "matrix"), judges[one]
            )
            for one, variables in group.items()
        ]
    metric_names = {
        name for variants in variants_by_sweep.values() for one in variants for name in one.metrics
    }
    # Any metric is accepted as long as there are none.
    if query.metric is not None and metric_names and query.metric not in metric_names:
        raise unknown_metric(", ".join(variants_by_sweep), query.metric, sorted(metric_names))
    return [
        _rank_variants(document, name, variants, query)
        for name, variants in variants_by_sweep.items()
    ]


def variants_of(project: Project, document: Document) -> dict[str, dict[str, TemplateVariables]]:
    """Return the template variables of each variant, by the sweep's name and the variant's ID."""
    return resolved.variants(
        project.root, document.path, document.text, document.data, project.state
    )


class Judges(NamedTuple):
    """Stages that measure a variant.

    ``own`` depend on it alone; ``shared`` depend on several variants and measure each by its name.
    """

    own: list[Stage]
    shared: list[Stage]


def judges_of(stages: Sequence[Stage], variants: Collection[str]) -> dict[str, Judges]:
    """Return the stages that measure each variant: those that depend on its outputs.

    The dependency may be indirect.
    """
    judges = {one: Judges([], []) for one in variants}
    sources = sources_of(stages, variants)
    for stage in stages:
        if stage.id not in judges and stage.metrics:
            for one in sources[stage.id]:
                alone = len(sources[stage.id]) == 1
                (judges[one].own if alone else judges[one].shared).append(stage)
    return judges


def sources_of(stages: Sequence[Stage], variants: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the variants of a sweep that each stage depends on, directly or indirectly."""
    makers = {out: stage.id for stage in stages for out in stage.outs}
    needs: dict[str, set[str]] = {stage.id: set() for stage in stages}
    for stage in stages:
        for path in stage.deps:
            # An output may also be a directory above the dependency.
            while path:
                if path in makers:
                    needs[stage.id].add(makers[path])
                path = path.rpartition("/")[0]
    sources = {name: frozenset({name} if name in variants else ()) for name in needs}
    waiting = [name for name in needs if name not in variants]
    while True:
        later = {
            name: frozenset().union(*(sources[one] for one in needs[name])) for name in waiting
        }
        if all(sources[name] == new_sources for name, new_sources in later.items()):
            return sources
        sources |= later


def followers(
    stages: Sequence[Stage], groups: Mapping[str, Collection[str]], name: str
) -> list[str]:
    """Return the sweeps whose variants depend on the variant of ``name`` with the same key only."""
    sources = sources_of(stages, groups[name])
    keys = {one.partition("@")[2] for one in groups[name]}
    return [
        other
        for other, group in groups.items()
        if other != name
        and {one.partition("@")[2] for one in group} == keys
        and all(sources[one] == {f"{name}@{one.partition('@')[2]}"} for one in group)
    ]


def values_of(variables: TemplateVariables, matrix: bool) -> dict[str, Any]:
    """Return a variant's values by name: those of a mapping, else ``item``.

    The ``key`` of a ``foreach`` is included; that of a matrix is left out, since it consists of
    the values.
    """
    item = variables["item"]
    values = dict(item) if isinstance(item, Mapping) else {"item": item}
    return values if matrix or "key" not in variables else {"key": variables["key"], **values}


def _kind(document: Document, name: str) -> str:
    return next(kind for kind in sorted(GENERATOR_KEYS) if kind in document.stages_data[name])


def unknown_metric(sweep: str, metric: str, metric_names: Sequence[str]) -> MLWSError:
    """Return the error for an unknown metric, which names the existing ones."""
    return MetricMissingError(sweep=sweep, metric=metric, known=", ".join(metric_names) or "-")


def _rank_variants(
    document: Document, name: str, variants: Sequence[Variant], query: SweepsQuery
) -> Sweep:
    names = ranking.names([variant.metrics for variant in variants])
    metric = query.metric if query.metric is not None else next(iter(names), None)
    mode = None if metric is None else query.mode or ranking.guess_mode(metric)
    ranks: dict[str, int] = {}
    if metric is not None and mode is not None:
        values = {one.id: one.metrics[metric] for one in variants if metric in one.metrics}
        ranks = ranking.ranks(values, mode)
    best = min(ranks, key=lambda one: ranks[one], default=None)
    ranked_variants = [
        one.model_copy(update={"rank": ranks.get(one.id), "best": one.id == best})
        for one in variants
    ]
    ranked_variants.sort(key=lambda one: one.rank or len(variants) + 1)
    return Sweep(
        name=name,
        kind=_kind(document, name),
        line=document.line("stages", name),
        metrics=names,
        metric=metric,
        mode=mode,
        best=best,
        variants=ranked_variants,
    )


class _ResultReader:
    """Reads the results of variants from the journal and from files."""

    def __init__(
        self, project: Project, journal: Journal, path: str, variants: Sequence[str]
    ) -> None:
        self._project = project
        self._records = journal.newest_of(path, variants)
        self._durations = journal.durations(path)
        self._metrics_cache: dict[str, Any] = {}

    def variant(self, stage: Stage, values: dict[str, Any], judges: Judges) -> Variant:
        run, record = self._records.get(stage.id, (None, {}))
        measures, error = self._measures(stage, judges)
        started, finished = record.get("started"), record.get("ended")
        duration = finished - started if started and finished else self._durations.get(stage.id)
        lock = record.get("lock")
        params = lock.get("params", {}) if isinstance(lock, Mapping) else {}
        return Variant(
            id=stage.id,
            values=values,
            status=record.get("status"),
            duration=None if duration is None else round(duration, 3),
            run=run,
            params={
                f"{file}:{key}": value
                for file, values_of_file in params.items()
                for key, value in values_of_file.items()
            },
            metrics=measures,
            outputs=list(stage.outs),
            rank=None,
            best=False,
            error=error,
        )

    def _measures(self, stage: Stage, judges: Judges) -> tuple[dict[str, float], str | None]:
        """Return a variant's metrics, from its own files and its judges', and the first error."""
        # Components name a model by its file, whose name does not change with the node's.
        names = [stage.id, *(producer_of(PurePosixPath(path).name) for path in stage.outs)]
        sources: list[tuple[Stage, list[str] | None]] = [
            (stage, None),
            *((one, None) for one in judges.own),
            *((one, names) for one in judges.shared),
        ]
        files, error = [], None
        for judge, below in sources:
            for path in judge.metrics:
                try:
                    content = self._read_metrics_file(judge, path)
                except metrics.UnreadableError as problem:
                    error = error or str(problem)
                    continue
                if below is not None:
                    by_name = content if isinstance(content, Mapping) else {}
                    content = next((by_name[name] for name in below if name in by_name), None)
                files.append((path, metrics.flat(content)))
        return metrics.merge_metrics(files), error

    def _read_metrics_file(self, stage: Stage, path: str) -> Any:
        """Return the content of a metrics file; None if there is none.

        That of a removed file is the one of the newest run, from DVC's cache.
        """
        if path in self._metrics_cache:
            return self._metrics_cache[path]
        places = [self._project.resolve(path)]
        _, record = self._records.get(stage.id, (None, {}))
        md5 = (record.get("outputs") or {}).get(path)
        if md5:
            places.append(self._project.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:])
        content = None
        for place in places:
            with suppress(OSError), place.open("rb") as file:
                content = metrics.read(path, file.read(metrics.MAX_FILE_BYTES + 1))
                break
        self._metrics_cache[path] = content
        return content


@dataclass(frozen=True)
class Choice:
    """A variant of a sweep, and the metric that decided for it, if one did."""

    sweep: str
    variant: str
    metric: str | None
    value: float | None


def choose_variant(sweep: Sweep, request: PromoteRequest) -> Choice:
    """Return the requested variant, else the best; errors as :meth:`.WorkflowManager.promote`."""
    metric = request.metric if request.metric is not None else sweep.metric
    if request.variant is not None:
        for one in sweep.variants:
            if request.variant in (one.id, one.id.partition("@")[2]):
                return Choice(sweep.name, one.id, metric, one.metrics.get(metric or ""))
        raise WorkflowItemNotFoundError(kind="variant", name=request.variant)
    if metric is None:
        raise PromotionError(sweep=sweep.name, reason=Message("no variant has a metric yet"))
    if metric not in sweep.metrics:
        raise unknown_metric(sweep.name, metric, sweep.metrics)
    mode = request.mode or ranking.guess_mode(metric)
    values = {one.id: one.metrics[metric] for one in sweep.variants if metric in one.metrics}
    places = ranking.ranks(values, mode)
    best = min(places, key=lambda one: places[one])
    return Choice(sweep.name, best, metric, values[best])
