"""Summaries of results: what each node of a workflow made, in one line, for the canvas.

Only headers and small files are read, and each content once: a table's footer, the first metric of
a metrics file, a small copy of a figure.
"""

from __future__ import annotations

import base64
import builtins
import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_mlws.components.preparation import step_counts, stored_columns
from jupyter_mlws.components.scores import SIGNIFICANCE
from jupyter_mlws.components.values import producer_of, table_files
from jupyter_mlws.versioning.experiments import ranking
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.models import (
    Measure,
    NodeSummary,
    OutputSummary,
    PreparationSummary,
    SettingChange,
    Thumbnail,
    WorkflowResults,
)
from jupyter_mlws.workflows.previews import MAX_IMAGE_BYTES
from jupyter_mlws.workflows.run.results import Results
from jupyter_mlws.workflows.run.runs import Runs
from jupyter_mlws.workflows.run_comparison import previous_run, setting_changes
from jupyter_mlws.workflows.sweep_models import Variant
from jupyter_mlws.workflows.sweeps import SweepManager
from jupyter_mlws.workflows.tracking import metrics
from mlws.document.parse import Stage

MAX_CSV_BYTES = 2_000_000
"""Bytes; the rows of a larger CSV file are not counted."""
MAX_TABLE_FILES = 100
"""Files of a table in a directory; more are not counted."""
MAX_SVG_BYTES = 30_000
"""Bytes; a larger drawing has no thumbnail."""
THUMBNAIL_SIZE = (320, 200)
"""Pixels."""
Content = tuple[Path, str]
"""A file and its stamp: its hash, or else its time and size."""


class ResultSummaries:
    """The newest results of workflows, by the paths of their files. Thread-safe."""

    def __init__(self, runs: Runs, results: Results, sweeps: SweepManager) -> None:
        self._runs = runs
        self._results = results
        self._sweeps = sweeps

    def list(self, path: str) -> WorkflowResults:
        """Return a summary of the newest result of every node that has one or was changed.

        A sweep has the metric of its best variant. Raises WorkflowUnreadableError if the file
        cannot be read.
        """
        self._runs.reconcile()
        stages = self._runs.documents.graph(self._runs.documents.read(path)).stages
        history = RunHistory(self._runs.journal).results(path)
        newest = self._runs.journal.newest(path)
        results = self._summarize(path, stages, history, newest, self._content)
        results.nodes.extend(self._sweep_summaries(path, stages))
        return results

    def list_of_run(self, path: str, run: str) -> WorkflowResults:
        """Return a summary of what each node made in a run, of the workflow that the run read.

        Nodes that did not succeed in it have no result, and content that was replaced since and
        that DVC's cache does not have is left out.
        """
        identifier = self._runs.id_of(path, run)
        stages = self._runs.graph(path, identifier).stages
        created = self._runs.journal.record(identifier)["created"]
        history = {
            node: results
            for node, results in RunHistory(self._runs.journal).results(path, until=created).items()
            if results[0][0] == identifier
        }
        results = self._summarize(path, stages, history, identifier, self._content_of_run)
        sweeps: dict[str, dict[str, Measure]] = defaultdict(dict)
        for node in results.nodes:
            name, _, variant = node.id.partition("@")
            if variant and node.measure is not None:
                sweeps[name][variant] = node.measure
        for name, variants in sweeps.items():
            best = _best(variants)
            assert best is not None
            measure = variants[best].model_copy(update={"model": best})
            results.nodes.append(_sweep_summary(name, identifier, measure))
        return results

    def _summarize(
        self,
        path: str,
        stages: Sequence[Stage],
        history: Mapping[str, Sequence[tuple[str, Mapping[str, str]]]],
        run_id: str | None,
        content: Callable[[str, str | None], Content | None],
    ) -> WorkflowResults:
        measures = self._measures(stages, history, content)
        changes: dict[str, builtins.list[SettingChange]] = defaultdict(list)
        previous = previous_run(self._runs, path, run_id) if run_id else None
        if run_id and previous:
            for change in setting_changes(self._runs, path, previous, run_id):
                changes[change.node].append(change)
        summaries = []
        for stage in stages:
            run, hashes = history[stage.id][0] if stage.id in history else (None, {})
            if run or stage.id in changes:
                outputs, thumbnail = self._outputs(stage, hashes, content) if run else ([], None)
                summaries.append(
                    NodeSummary(
                        id=stage.id,
                        run=run,
                        outputs=outputs,
                        measure=measures.get(stage.id),
                        thumbnail=thumbnail,
                        changes=changes.get(stage.id, []),
                    )
                )
        return WorkflowResults(run=run_id, previous=previous, nodes=summaries)

    def _outputs(
        self,
        stage: Stage,
        hashes: Mapping[str, str],
        content_of: Callable[[str, str | None], Content | None],
    ) -> tuple[builtins.list[OutputSummary], Thumbnail | None]:
        outputs, thumbnail = [], None
        for port, kind, file in self._results.ports(stage):
            content = content_of(file, hashes.get(file))
            rows, columns, preparation = None, None, None
            suffix = PurePosixPath(file).suffix.lower()
            if content is not None and kind == "Table":
                rows, columns = _table_shape(*content, suffix)
            if content is not None and kind == "Model":
                preparation = _preparation(*content)
            if content is not None and kind == "Figure" and thumbnail is None:
                thumbnail = _thumbnail(*content, suffix)
            outputs.append(
                OutputSummary(
                    port=port,
                    type=kind,
                    path=file,
                    size=content[0].stat().st_size if content and content[0].is_file() else None,
                    rows=rows,
                    columns=columns,
                    preparation=preparation,
                )
            )
        return outputs, thumbnail

    def _content(self, path: str, md5: str | None) -> Content | None:
        """Return the content of a newest result, or what took its place; None where it is gone."""
        file = self._results.content_path(path, md5)
        try:
            status = file.stat()
        except OSError:
            return None
        return file, md5 or f"{status.st_mtime_ns}-{status.st_size}"

    def _content_of_run(self, path: str, md5: str | None) -> Content | None:
        """Return the content that an output had in a run; None where it is gone."""
        file = self._results.find_content(path, md5)
        return (file, md5) if file and md5 else None

    # Metrics

    def _measures(
        self,
        stages: Sequence[Stage],
        history: Mapping[str, Sequence[tuple[str, Mapping[str, str]]]],
        content: Callable[[str, str | None], Content | None],
    ) -> dict[str, Measure]:
        """Return the first metric of each node: of its own file, or of one that judges its model.

        The best models of each metric are marked.
        """
        producers = {
            name: stage.id
            for stage in stages
            for name in (*(producer_of(PurePosixPath(out).name) for out in stage.outs), stage.id)
        }
        own: dict[str, Measure] = {}
        judged: dict[str, Measure] = {}
        for stage in stages:
            results = history.get(stage.id, ())
            for path in stage.metrics if results else ():
                now = self._metrics_of(content(path, results[0][1].get(path)), path)
                before = None
                if len(results) > 1:
                    before = self._metrics_of(
                        self._content_of_run(path, results[1][1].get(path)), path
                    )
                if _is_comparison(now, producers):
                    models = {
                        name: measure
                        for name, numbers in now.items()
                        if (measure := _first_measure(numbers, (before or {}).get(name)))
                    }
                    for name, measure in models.items():
                        judged.setdefault(producers[name], measure)
                    best = _best(models)
                    if best is not None and stage.id not in own:
                        rivals = [
                            name
                            for name in models
                            if name != best
                            and metrics.certainty(now[name]).get("p_value", 0) >= SIGNIFICANCE
                        ]
                        own[stage.id] = models[best].model_copy(
                            update={"model": best, "rivals": rivals}
                        )
                elif measure := _first_measure(now, before):
                    own.setdefault(stage.id, measure)
                    for model in _models_read_by(stage, stages):
                        judged.setdefault(model, measure)
        return {**_with_best(judged), **own}

    def _metrics_of(self, content: Content | None, path: str) -> Any:
        return None if content is None else _read_metrics(*content, path)

    def _sweep_summaries(self, path: str, stages: Sequence[Stage]) -> Iterator[NodeSummary]:
        if not any("@" in stage.id for stage in stages):
            return
        for sweep in self._sweeps.list(path).items:
            best = next((one for one in sweep.variants if one.best), None)
            if best is not None and sweep.metric is not None and sweep.mode is not None:
                measure = Measure(
                    metric=sweep.metric,
                    mode=sweep.mode,
                    value=best.metrics[sweep.metric],
                    model=_variant_name(best),
                )
                yield _sweep_summary(sweep.name, best.run, measure)


def _sweep_summary(name: str, run: str | None, measure: Measure) -> NodeSummary:
    return NodeSummary(id=name, run=run, outputs=[], measure=measure, thumbnail=None, changes=[])


def _variant_name(variant: Variant) -> str:
    """Return ``setting=value`` for a variant of one setting, otherwise its name in dvc.yaml."""
    if len(variant.values) == 1 and "item" not in variant.values:
        ((setting, value),) = variant.values.items()
        return f"{setting}={value}"
    return variant.id.partition("@")[2]


def _is_comparison(content: Any, producers: Mapping[str, str]) -> bool:
    """Return whether a metrics file has a mapping for each of several models, by its node."""
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(name in producers and isinstance(one, Mapping) for name, one in content.items())
    )


def _first_measure(content: Any, before: Any) -> Measure | None:
    numbers = metrics.flat(content)
    name = next(iter(numbers), None)
    if name is None:
        return None
    previous = metrics.flat(before).get(name)
    mode = ranking.guess_mode(name)
    limits = metrics.certainty(content, name)
    certainty = metrics.certainty(content)
    return Measure(
        metric=name,
        mode=mode,
        value=numbers[name],
        previous=previous,
        low=limits.get("low"),
        high=limits.get("high"),
        rows=certainty.get("rows"),
        repeated=certainty.get("repeated"),
    )


def _best(measures: Mapping[str, Measure]) -> str | None:
    """Return the name of the best measure, the first of equal ones."""
    if not measures:
        return None
    mode = next(iter(measures.values())).mode
    ranks = ranking.ranks({name: one.value for name, one in measures.items()}, mode)
    return min(ranks, key=lambda name: ranks[name])


def _with_best(judged: Mapping[str, Measure]) -> dict[str, Measure]:
    """Mark the best models of each metric, where several differ in it."""
    groups: dict[str, dict[str, Measure]] = defaultdict(dict)
    for node, measure in judged.items():
        groups[measure.metric][node] = measure
    marked = dict(judged)
    for group in groups.values():
        values = {node: measure.value for node, measure in group.items()}
        if len(set(values.values())) > 1:
            ranks = ranking.ranks(values, next(iter(group.values())).mode)
            for node, rank in ranks.items():
                marked[node] = group[node].model_copy(update={"best": rank == 1})
    return marked


def _models_read_by(judge: Stage, stages: Sequence[Stage]) -> Iterator[str]:
    """Yield the stage whose model a stage measures, if it reads exactly one."""
    makers = [
        stage.id
        for stage in stages
        if any(out in judge.deps for out in stage.outs if PurePosixPath(out).suffix == ".skops")
    ]
    if len(makers) == 1:
        yield makers[0]


# Contents, each read once


@lru_cache(maxsize=1024)
def _read_metrics(file: Path, stamp: str, path: str) -> Any:
    """Return the parsed metrics file; None if it has no measures that could be shown."""
    try:
        return metrics.read_file(file, path)
    except (OSError, metrics.UnreadableError):
        # The preview of the output says why.
        return None


@lru_cache(maxsize=4096)
def _table_shape(file: Path, stamp: str, suffix: str) -> tuple[int | None, int | None]:
    """Return a table's numbers of rows and columns, from its footer or header."""
    import pyarrow

    try:
        if file.is_dir():
            files = table_files(file)
            if not files or len(files) > MAX_TABLE_FILES:
                return None, None
            shapes = [_table_shape(one, stamp, one.suffix.lower()) for one in files]
            counts = [rows for rows, _ in shapes if rows is not None]
            return (sum(counts) if len(counts) == len(shapes) else None), shapes[0][1]
        if suffix in (".csv", ".tsv", ".txt"):
            return _csv_shape(file, "\t" if suffix == ".tsv" else ",")
        import pyarrow.parquet as parquet

        with parquet.ParquetFile(file) as table:
            names = [name for name in table.schema_arrow.names if not name.startswith("__index")]
            return table.metadata.num_rows, len(names)
    except (OSError, ValueError, pyarrow.ArrowException):
        # A damaged table: its preview says why.
        return None, None


def _csv_shape(file: Path, separator: str) -> tuple[int | None, int | None]:
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        reader = csv.reader(stream, delimiter=separator)
        columns = len(next(reader, []))
        rows = sum(1 for _ in reader) if file.stat().st_size <= MAX_CSV_BYTES else None
    return rows, columns


@lru_cache(maxsize=1024)
def _preparation(file: Path, stamp: str) -> PreparationSummary | None:
    """Return what a model does with columns; None if it prepares none or its file is damaged."""
    try:
        columns = stored_columns(file)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile):
        # The preview of the output says why.
        return None
    return PreparationSummary(**step_counts(columns)) if columns else None


@lru_cache(maxsize=512)
def _thumbnail(file: Path, stamp: str, suffix: str) -> Thumbnail | None:
    """Return a small copy of an image; None if it is damaged or too large."""
    from PIL import Image

    try:
        size = file.stat().st_size
        if suffix == ".svg":
            data = file.read_bytes() if size <= MAX_SVG_BYTES else b""
            return _image("image/svg+xml", data) if data else None
        if size > MAX_IMAGE_BYTES:
            return None
        with Image.open(file, formats=["PNG", "JPEG"]) as image:
            image.thumbnail(THUMBNAIL_SIZE)
            colors = image.convert("RGBA")
            paper = Image.new("RGBA", colors.size, "white")
            small = io.BytesIO()
            Image.alpha_composite(paper, colors).convert("RGB").save(small, "JPEG", quality=80)
            return _image("image/jpeg", small.getvalue())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        # Pillow raises these for a file that only looks like an image.
        return None


def _image(mime: str, data: bytes) -> Thumbnail:
    return Thumbnail(mime=mime, data=base64.b64encode(data).decode())
