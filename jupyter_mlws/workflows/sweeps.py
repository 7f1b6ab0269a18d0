"""Lists the sweeps of a workflow, with the metrics of their variants, the best first."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from jupyter_mlws.components.values import producer_of
from jupyter_mlws.core.errors import (
    MetricMissingError,
    PromotionError,
    WorkflowChangedError,
    WorkflowItemNotFoundError,
    WorkflowRunningError,
)
from jupyter_mlws.versioning.experiments import ranking
from jupyter_mlws.workflows.document import promotion
from jupyter_mlws.workflows.document.definition import WorkflowChange
from jupyter_mlws.workflows.document.editing import Editor
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.journal.store import Journal
from jupyter_mlws.workflows.run.runs import Runs
from jupyter_mlws.workflows.sweep_models import (
    Promoted,
    PromoteRequest,
    Sweep,
    Sweeps,
    SweepsQuery,
    Variant,
)
from jupyter_mlws.workflows.tracking import metrics
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.document.parse import GENERATOR_KEYS, Document, Stage
from mlws.document.templates import resolve_stages, resolve_variants
from mlws.dvc.native.lock_copy import copy_lock_entry
from mlws.dvc.native.objects import object_path
from mlws.engine.graph import StageGraph, closure

TemplateVariables = Mapping[str, Any]
"""DVC's variables of a variant: ``item`` and, for some, ``key``."""


class SweepManager:
    """The sweeps of a project's workflows, by the paths of their files. Thread-safe."""

    def __init__(self, project: Project, runs: Runs, editor: Editor) -> None:
        self._project = project
        self._runs = runs
        self._editor = editor

    def list(self, path: str, query: SweepsQuery | None = None) -> Sweeps:
        """Return the sweeps of a workflow in file order, with ranked variants.

        Raises WorkflowUnreadableError if DVC refuses the file, MetricMissingError for a metric that
        no variant has.
        """
        self._runs.reconcile()
        document = self._runs.documents.read(path)
        return Sweeps(items=self._list(document, query or SweepsQuery()), etag=document.etag)

    def promote(
        self,
        path: str,
        name: str,
        request: PromoteRequest,
        expected_etags: Sequence[str] | None = None,
    ) -> Promoted:
        """Replace a sweep by one of its variants: the requested one, else the best.

        The stage keeps the sweep's name, and gets the variant's command, outputs and result. Sweeps
        that are derived from it variant by variant are replaced too, and stages that read other
        variants read this one. ``expected_etags``: the accepted ETags of the file (None: any).
        Raises WorkflowItemNotFoundError for a sweep or variant that does not exist,
        MetricMissingError for a metric, PromotionError if no metric decides which is the best or
        the text cannot express the result, WorkflowRunningError while a run is in progress,
        WorkflowChangedError for another version of the file.
        """
        self._runs.reconcile()
        document = self._runs.documents.read(path)
        if expected_etags is not None and document.etag not in expected_etags:
            raise WorkflowChangedError(path=path, etag=document.etag)
        live = self._runs.live(path)
        if live:
            raise WorkflowRunningError(workflow=path, run=live[0]["id"])
        sweeps = self._list(document, SweepsQuery())
        sweep = next((one for one in sweeps if one.name == name), None)
        if sweep is None:
            raise WorkflowItemNotFoundError(kind="sweep", name=name)
        choice = choose_variant(sweep, request)
        root, state = self._project.root, self._project.state

        def resolve(candidate: Document) -> Mapping[str, Any]:
            return resolve_stages(root, candidate)

        groups = variants_of(self._project, document)
        graph = self._runs.documents.resolve(document)
        also = followers(graph, groups, name)
        key = choice.variant.partition("@")[2]
        draft = document
        for one in (name, *also):
            variant = f"{one}@{key}"
            draft = promotion.promote(draft, one, variant, groups[one][variant], resolve)
        replacements = promotion.moved_outputs(graph, [groups[one] for one in (name, *also)], key)
        text = promotion.replace_dependencies(draft, replacements)
        kept_in = self._editor.keep(document)
        new_document = self._editor.change(path, WorkflowChange(text=text), [document.etag])
        results = [copy_lock_entry(root, path, state, f"{one}@{key}", one) for one in (name, *also)]
        return Promoted(
            sweep=name,
            variant=choice.variant,
            also=also,
            metric=choice.metric,
            value=choice.value,
            result_kept=all(results),
            kept_in=kept_in,
            etag=new_document.etag,
        )

    def _list(self, document: Document, query: SweepsQuery) -> builtins.list[Sweep]:
        groups = variants_of(self._project, document)
        if not groups:
            return []
        graph = self._runs.documents.resolve(document)
        reader = _ResultReader(self._project, self._runs.journal, document.path, list(graph.by_id))
        variants_by_sweep = {}
        for name, group in groups.items():
            judges = judges_of(graph, group)
            is_matrix = _kind(document, name) == "matrix"
            variants_by_sweep[name] = [
                reader.variant(graph.by_id[one], values_of(variables, is_matrix), judges[one])
                for one, variables in group.items()
            ]
        metric_names = {
            name
            for variants in variants_by_sweep.values()
            for one in variants
            for name in one.metrics
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
    return resolve_variants(project.root, document)


class Judges(NamedTuple):
    """Stages that measure a variant.

    ``own`` depend on it alone; ``shared`` depend on several variants and measure each by its name.
    """

    own: list[Stage]
    shared: list[Stage]


def judges_of(graph: StageGraph[Stage], variants: Collection[str]) -> dict[str, Judges]:
    """Return the stages that measure each variant: those that depend on its outputs.

    The dependency may be indirect.
    """
    judges = {one: Judges([], []) for one in variants}
    sources = sources_of(graph, variants)
    for stage in graph.stages:
        if stage.id not in judges and stage.metrics:
            for one in sources[stage.id]:
                alone = len(sources[stage.id]) == 1
                (judges[one].own if alone else judges[one].shared).append(stage)
    return judges


def sources_of(graph: StageGraph[Stage], variants: Collection[str]) -> dict[str, AbstractSet[str]]:
    """Return the variants of a sweep that each stage depends on, directly or indirectly."""
    needs = {
        stage.id: [
            source.id
            for dep in stage.deps
            for source, out in graph.makers(dep)
            if stage.id not in variants and not out.startswith(f"{dep}/")
        ]
        for stage in graph.stages
    }
    return {name: closure(needs, [name]).intersection(variants) for name in needs}


def followers(
    graph: StageGraph[Stage], groups: Mapping[str, Collection[str]], name: str
) -> list[str]:
    """Return the sweeps whose variants depend on the variant of ``name`` with the same key only."""
    sources = sources_of(graph, groups[name])
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
        history = RunHistory(journal)
        self._records = history.newest_of(path, variants)
        self._durations = history.durations(path)
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
            places.append(object_path(self._project.root, md5))
        content = None
        for place in places:
            with suppress(OSError):
                content = metrics.read_file(place, path)
                break
        self._metrics_cache[path] = content
        return content


@dataclass(frozen=True)
class Choice:
    """A variant of a sweep, and the metric that decided for it, if one did."""

    variant: str
    metric: str | None
    value: float | None


def choose_variant(sweep: Sweep, request: PromoteRequest) -> Choice:
    """Return the requested variant, else the best; errors as :meth:`SweepManager.promote`."""
    metric = request.metric if request.metric is not None else sweep.metric
    if request.variant is not None:
        for one in sweep.variants:
            if request.variant in (one.id, one.id.partition("@")[2]):
                return Choice(one.id, metric, one.metrics.get(metric or ""))
        raise WorkflowItemNotFoundError(kind="variant", name=request.variant)
    if metric is None:
        raise PromotionError(sweep=sweep.name, reason=Message("no variant has a metric yet"))
    if metric not in sweep.metrics:
        raise unknown_metric(sweep.name, metric, sweep.metrics)
    mode = request.mode or ranking.guess_mode(metric)
    values = {one.id: one.metrics[metric] for one in sweep.variants if metric in one.metrics}
    places = ranking.ranks(values, mode)
    best = min(places, key=lambda one: places[one])
    return Choice(best, metric, values[best])
