"""The sections of a run's page in the reader's language, each only if it has something to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from markdown_it import MarkdownIt

from jupyter_mlws.core.errors import PreviewError
from jupyter_mlws.reports.blocks import (
    Block,
    Chart,
    Details,
    Image,
    Markup,
    Paragraph,
    Section,
    Table,
    Text,
    code,
)
from jupyter_mlws.versioning.experiments.models import CurvesQuery, RunDetail, RunFile, RunMetric
from jupyter_mlws.workflows.experiments import Experiments
from jupyter_mlws.workflows.run_manager import RunManager
from mlws.core.i18n import Message, term
from mlws.core.paths import format_size

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
MAX_CHARTS = 50
MAX_POINTS = 300
"""Points of a chart; of more, first, last and the extremes are drawn."""
MAX_FIGURES = 20
MAX_FIGURE_BYTES = 1_000_000
MAX_ROWS = 500


class RunSections:
    """Builds the sections of the page of one run."""

    def __init__(self, runs: RunManager, experiments: Experiments, run: str, language: str) -> None:
        self._experiments = experiments
        self._language = language
        self.run: RunDetail = runs.get(run)
        self._page = runs.page

    def say(self, text: str, **facts: Any) -> str:
        """Return a text in the reader's language."""
        return Message(text, **facts).in_(self._language)

    def build(self) -> Iterator[Section]:
        """Yield the sections."""
        run, say = self.run, self.say
        note: list[Block] = [Markup(MARKDOWN.render(run.note))] if run.note else []
        yield Section("", [*note, self.facts()])
        yield from self._table(say("Metrics"), say("Metric"), run.metrics)
        yield from self._table(say("Parameters"), say("Parameter"), run.params)
        if run.id is None:
            return
        charts = list(self.charts(self._page.metrics(run.id).items))
        if charts:
            yield Section(say("Curves"), charts)
        files = self._page.files(run.id).items
        figures = list(self.figures(files))
        if figures:
            yield Section(say("Figures"), figures)
        if run.parts:
            titles = [say("Part"), say("Status"), say("Time")]
            rows = [
                [code(one.title), Text(self._word(one.status)), Text(self._seconds(one.duration))]
                for one in run.parts[:MAX_ROWS]
            ]
            yield Section(say("Nested runs"), [Table(titles, rows)])
        if files:
            rows = [
                [code(one.path), Text(format_size(one.size) if one.size is not None else "–")]
                for one in files[:MAX_ROWS]
            ]
            yield Section(say("Files"), [Table([say("File"), say("Size")], rows)])
        yield from self._table(say("Data"), say("Path"), run.data, say("Hash"))
        environments = list(self.environments())
        if environments:
            yield Section(say("Environment"), environments)
        if run.snapshots:
            rows = [[code(one.commit[:8]), Text(str(one.subject))] for one in run.snapshots]
            yield Section(say("Snapshots"), [Table([say("Commit"), say("Message")], rows)])

    def facts(self) -> Table:
        """Return what identifies the run."""
        run, say = self.run, self.say
        started = datetime.fromisoformat(run.started) if run.started else None
        facts = {
            say("Status"): self._word(run.status),
            # In UTC: readers may be anywhere.
            say("Started"): started.strftime("%Y-%m-%d %H:%M UTC") if started else "",
            say("Time"): self._seconds(run.duration),
            say("Experiment"): run.experiment or "",
            say("Source"): run.workflow or run.source or "",
            say("Commit"): run.commit or "",
            say("Tags"): ", ".join(f"{key}={value}" for key, value in run.tags.items()),
            say("ID"): run.id or run.run,
        }
        rows = [[Text(name), Text(value)] for name, value in facts.items() if value]
        return Table([say("Run"), run.title], rows)

    def charts(self, metrics: Iterable[RunMetric]) -> Iterator[Block]:
        """Yield a chart of each metric with several values."""
        names = [metric.name for metric in metrics if metric.is_curve][:MAX_CHARTS]
        for name in names:
            query = CurvesQuery(metric=name, ids=[str(self.run.id)], points=MAX_POINTS)
            (curve,) = self._experiments.curves(query).items
            if curve.count > 1 and any(value is not None for value in curve.values):
                yield Chart(name, curve.steps, curve.values)

    def figures(self, files: Iterable[RunFile]) -> Iterator[Block]:
        """Yield the images among the files; those that are too large or gone are named."""
        figures = [one for one in files if one.kind == "Figure"]
        for one in figures[:MAX_FIGURES]:
            if not one.available or (one.size or 0) > MAX_FIGURE_BYTES:
                yield Paragraph([code(one.path), Text(self.say("is not included"))])
                continue
            try:
                preview = self._page.preview(str(self.run.id), one.path)
            except PreviewError as error:
                yield Paragraph([code(one.path), Text(error.message.in_(self._language))])
                continue
            yield Image(f"data:{preview.mime};base64,{preview.data}", one.path)

    def environments(self) -> Iterator[Block]:
        """Yield the packages of each environment, folded."""
        for one in self._page.packages(str(self.run.id), None).environments:
            titles = [self.say("Package"), self.say("Version")]
            rows = [[code(name), Text(version)] for name, version in one.packages.items()]
            yield Details([Text(one.title)], [Table(titles, rows)])

    def _table(
        self, title: str, name: str, values: Mapping[str, Any], column: str = ""
    ) -> Iterator[Section]:
        rows = [
            [code(key), Text("NaN" if value is None else str(value))]
            for key, value in list(values.items())[:MAX_ROWS]
        ]
        if rows:
            blocks: list[Block] = [Table([name, column or self.say("Value")], rows)]
            if len(values) > MAX_ROWS:
                more = self.say("{count} more", count=len(values) - MAX_ROWS)
                blocks.append(Paragraph([Text(more)]))
            yield Section(title, blocks)

    def _word(self, status: str) -> str:
        return term(status, self._language).replace("_", " ")

    def _seconds(self, seconds: float | None) -> str:
        return "" if seconds is None else f"{seconds:.1f} s"
