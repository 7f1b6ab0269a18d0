"""The sections of a report in the reader's language, each only if there is something to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from jupyter_mlws.reports.blocks import (
    Block,
    Details,
    Diff,
    Paragraph,
    Picture,
    Section,
    Table,
    Text,
    Tone,
    code,
)
from jupyter_mlws.reports.graph_picture import reduce_graph
from jupyter_mlws.reports.models import (
    GraphChange,
    MetricDelta,
    NodeChange,
    NodePart,
    NotebookChange,
    PlannedWorkflow,
    Report,
    as_text,
)
from jupyter_mlws.versioning.models import CellState, DifferingValue, TableChange
from mlws.core.i18n import Message, term
from mlws.core.paths import format_size
from mlws.document.terms import Action

Item = TypeVar("Item")
PARTS = {
    NodePart.COMMAND: Message("command"),
    NodePart.DEPENDENCIES: Message("dependencies"),
    NodePart.OUTPUTS: Message("outputs"),
    NodePart.PARAMETERS: Message("parameters"),
    NodePart.OPTIONS: Message("options"),
}
LINES_PER_ITEM = 4
"""Lines of a diff for each item that a list may have."""
MAX_LINE_CHARACTERS = 300
MAX_VALUES_A_ROW = 12
"""Values of a row of a table that are shown."""


class Sections:
    """Builds the sections of one report; lists and tables have at most ``limit`` items."""

    def __init__(self, report: Report, language: str, limit: int) -> None:
        self._report = report
        self._language = language
        self._limit = limit

    def say(self, text: str, **facts: Any) -> str:
        """Return a text in the reader's language."""
        return Message(text, **facts).in_(self._language)

    @property
    def title(self) -> str:
        """The title of the report."""
        return self.say("Changes from {base} to {head}", **self._names)

    @property
    def _names(self) -> dict[str, str]:
        return {"base": self._report.base.short, "head": self._report.head.short}

    def part_names(self, node: NodeChange) -> str:
        """Return the parts of a node that changed."""
        return ", ".join(PARTS[one.part].in_(self._language) for one in node.parts)

    def caption(self, graph: GraphChange) -> str:
        """Return what the signs in the picture of a graph mean."""
        text = self.say("+ added, − removed, ~ changed")
        left_out_count = len(graph.nodes) - len(reduce_graph(graph).nodes)
        if not left_out_count:
            return text
        left_out = self.say("Nodes that are not drawn: {count}", count=left_out_count)
        return f"{text}. {left_out}"

    def build(self) -> Iterator[Section]:
        """Yield the sections."""
        report, say = self._report, self.say
        text = say("Commits: {count}", count=report.commits)
        if report.is_empty:
            nothing = say("No differences.")
            text = f"{text}. {nothing}"
        yield Section("", [self.commits(), Paragraph([Text(text)])])
        yield from self._section(say("Workflows"), report.graphs, self.graph)
        metrics = self._values_table(report.metrics, say("Metric"), compare=True)
        yield from section_unless_empty(say("Metrics"), metrics)
        yield from section_unless_empty(
            say("Parameters"), self._values_table(report.params, say("Parameter"), compare=False)
        )
        yield from self._section(say("Notebooks"), report.notebooks, self.notebook)
        tables = [*self._items(report.tables, self.table)]
        if report.more_tables:
            tables.append(self._more(report.more_tables))
        yield from section_unless_empty(say("Tables"), tables)
        yield from section_unless_empty(say("Data"), self.data())
        yield from section_unless_empty(
            say("Environment"), self._values_table(report.environments, say("Package"))
        )
        yield from section_unless_empty(say("Other files"), self.files())
        yield from section_unless_empty(say("What will rerun"), list(self.plans()))
        yield from section_unless_empty(say("Verification"), list(self.verification()))

    # Parts of several sections

    def _section(
        self, title: str, items: Sequence[Item], build: Callable[[Item], Iterator[Block]]
    ) -> Iterator[Section]:
        yield from section_unless_empty(title, self._items(items, build))

    def _items(
        self, items: Sequence[Item], build: Callable[[Item], Iterator[Block]]
    ) -> list[Block]:
        blocks = [block for item in items[: self._limit] for block in build(item)]
        if len(items) > self._limit:
            blocks.append(self._more(len(items) - self._limit))
        return blocks

    def _more(self, count: int) -> Paragraph:
        return Paragraph([Text(self.say("… {count} more", count=count))])

    def _list(
        self, columns: Sequence[str], items: Sequence[Item], row: Callable[[Item], Sequence[Text]]
    ) -> list[Paragraph | Table]:
        """Return a table with a row for each item, as many as the limit allows."""
        blocks: list[Paragraph | Table] = []
        if items and self._limit:
            blocks.append(Table(columns, [row(item) for item in items[: self._limit]]))
        if len(items) > self._limit:
            blocks.append(self._more(len(items) - self._limit))
        return blocks

    def _diff(self, lines: Sequence[str]) -> list[Paragraph | Diff]:
        """Return the lines of a diff, as many as the limit allows."""
        limit = LINES_PER_ITEM * self._limit
        cut = [
            line if len(line) <= MAX_LINE_CHARACTERS else f"{line[:MAX_LINE_CHARACTERS]}…"
            for line in lines[:limit]
        ]
        blocks: list[Paragraph | Diff] = [Diff("\n".join(cut))] if cut else []
        if len(lines) > limit:
            text = self.say("… {count} more lines", count=len(lines) - limit)
            blocks.append(Paragraph([Text(text)]))
        return blocks

    def _state(self, state: str) -> Text:
        tones = {"added": Tone.GOOD, "deleted": Tone.BAD}
        return Text(term(state, self._language), tone=tones.get(state, Tone.PLAIN))

    def _problem(self, path: str, problem: Message) -> Paragraph:
        return Paragraph([code(path), Text(f": {problem.in_(self._language)}")])

    # Sections

    def commits(self) -> Table:
        """Return both commits."""
        report, say = self._report, self.say
        rows = [
            [
                Text(label),
                Text(commit.id),
                code(commit.subject),
                code(commit.author),
                Text(commit.timestamp.replace("T", " ")[:16]),
            ]
            for label, commit in ((say("Base"), report.base), (say("Head"), report.head))
        ]
        return Table(["", say("Commit"), say("Subject"), say("Author"), say("Date")], rows)

    def graph(self, graph: GraphChange) -> Iterator[Block]:
        """Yield a picture of a workflow and what changed in its nodes."""
        if graph.problem is not None:
            yield self._problem(graph.path, graph.problem)
            return
        counts = self._counts([node.state.value for node in graph.nodes])
        summary = counts or self.say("no node changed")
        yield Paragraph([code(graph.path), Text(f": {summary}")])
        yield Picture(graph)
        nodes = [node for node in graph.nodes if node.state is not CellState.UNCHANGED]
        if not nodes:
            return
        blocks: list[Paragraph | Table | Diff] = []
        for node in nodes[: self._limit]:
            title = [code(node.id), Text(" "), self._state(node.state.value)]
            if node.state is CellState.MODIFIED:
                title.append(Text(f": {self.part_names(node)}"))
            blocks.append(Paragraph(title))
            lines = []
            for one in node.parts:
                lines.append(f"  {PARTS[one.part].in_(self._language)}:")
                lines += [f"- {text}" for text in one.before if text not in one.after]
                lines += [f"+ {text}" for text in one.after if text not in one.before]
            blocks += self._diff(lines)
        if len(nodes) > self._limit:
            blocks.append(self._more(len(nodes) - self._limit))
        yield Details([Text(self.say("Changed nodes"))], blocks)

    def _counts(self, states: Sequence[str]) -> str:
        """Return how many items were added, modified and deleted."""
        return ", ".join(
            f"{term(state, self._language)}: {states.count(state)}"
            for state in ("added", "modified", "deleted")
            if state in states
        )

    def _values_table(
        self,
        values: Sequence[DifferingValue],
        title: str,
        *,
        compare: bool = False,
    ) -> list[Block]:
        say = self.say
        columns = [title, say("From"), say("To")]
        if compare:
            columns += [say("Difference"), ""]

        def row(value: DifferingValue) -> list[Text]:
            cells = [code(value.name), code(as_text(value.from_)), code(as_text(value.to))]
            if isinstance(value, MetricDelta):
                change = "" if value.change is None else f"{value.change:+.5g}"
                verdict = Text("")
                if value.better is not None:
                    word = say("✓ better") if value.better else say("✗ worse")
                    verdict = Text(word, tone=Tone.GOOD if value.better else Tone.BAD)
                cells += [Text(change), verdict]
            return cells

        return [*self._list(columns, values, row)]

    def notebook(self, notebook: NotebookChange) -> Iterator[Block]:
        """Yield the cells of a notebook that changed."""
        if notebook.problem is not None:
            yield self._problem(notebook.path, notebook.problem)
            return
        say = self.say
        counts = self._counts([cell.state.value for cell in notebook.cells])
        outputs = sum(cell.outputs_changed for cell in notebook.cells)
        facts = [counts] if counts else []
        if outputs:
            facts.append(say("outputs differ: {count}", count=outputs))
        title = [code(notebook.path), Text(f": {', '.join(facts)}")]
        if not notebook.cells:
            text = say("Only metadata differs.")
            yield Paragraph([code(notebook.path), Text(f": {text}")])
            return
        blocks: list[Paragraph | Table | Diff] = []
        for cell in notebook.cells[: self._limit]:
            state = "modified" if cell.state is CellState.UNCHANGED else cell.state.value
            heading = say("Cell {number} ({type}):", number=cell.number, type=cell.type)
            parts = [Text(f"{heading} "), self._state(state)]
            if cell.outputs_changed:
                parts += [Text(", "), Text(say("outputs differ"))]
            blocks.append(Paragraph(parts))
            lines = cell.unified.splitlines()
            blocks += self._diff([line for line in lines if not line.startswith(("---", "+++"))])
        if len(notebook.cells) > self._limit:
            blocks.append(self._more(len(notebook.cells) - self._limit))
        yield Details(title, blocks)

    def table(self, table: TableChange) -> Iterator[Block]:
        """Yield the columns and rows of a table that changed."""
        if table.problem is not None:
            yield self._problem(table.path, table.problem)
            return
        say = self.say
        rows = say(
            "rows: {before} → {after}",
            before=0 if table.rows_before is None else table.rows_before,
            after=0 if table.rows_after is None else table.rows_after,
        )
        facts = [rows]
        if table.added or table.modified or table.deleted:
            facts.append(
                say(
                    "added {added}, changed {modified}, removed {deleted}",
                    added=table.added,
                    modified=table.modified,
                    deleted=table.deleted,
                )
            )
        if table.reordered:
            facts.append(say("the same rows in another order"))
        title = [code(table.path), Text(f": {'; '.join(facts)}")]
        blocks: list[Paragraph | Table | Diff] = []
        if table.key is not None:
            text = say("Rows are matched by the column")
            blocks.append(Paragraph([Text(f"{text} "), code(table.key)]))
        columns = [say("Column"), say("Type before"), say("Type after")]
        blocks += self._list(
            columns,
            table.columns,
            lambda one: [code(one.name), code(one.before), code(one.after)],
        )
        headings = [say("Row"), "", say("Values")]
        blocks += self._list(
            headings if table.has_row_keys else headings[1:],
            table.rows,
            lambda row: [
                *([code(row.key)] if table.has_row_keys else []),
                self._state(row.state.value),
                code(", ".join(map(_value_change, row.values[:MAX_VALUES_A_ROW]))),
            ],
        )
        if blocks:
            yield Details(title, blocks)
        else:
            yield Paragraph(title)

    def data(self) -> list[Block]:
        """Return the sizes of data that changed."""
        say = self.say
        columns = [say("Path"), "", say("From"), say("To")]
        return [
            *self._list(
                columns,
                self._report.data,
                lambda one: [
                    code(one.path),
                    self._state(one.state.value),
                    Text(format_size(one.from_size)),
                    Text(format_size(one.to_size)),
                ],
            )
        ]

    def files(self) -> list[Block]:
        """Return the files that no other section has, with their lines."""
        return [
            *self._list(
                [self.say("Path"), "", "+", "−"],
                self._report.files,
                lambda file: [
                    code(f"{file.old_path} → {file.path}" if file.old_path else file.path),
                    self._state(file.state.value),
                    Text(as_text(file.additions)),
                    Text(as_text(file.deletions)),
                ],
            )
        ]

    def plans(self) -> Iterator[Block]:
        """Yield the nodes that the next run of each workflow runs."""
        report, say = self._report, self.say
        if report.plans is None:
            text = say("Not known: the files are not those of {head}.", **self._names)
            if report.is_checked_out:
                text = say("Not known: data is missing here. Get it with `jupyter mlws data pull`.")
            yield Paragraph([Text(text)])
            return
        if report.dirty:
            yield Paragraph([Text(say("The working tree has uncommitted changes, which count."))])
        yield from self._items(report.plans, self.plan)

    def plan(self, plan: PlannedWorkflow) -> Iterator[Block]:
        """Yield the nodes that the next run of a workflow runs, and why."""
        if plan.problem is not None:
            yield self._problem(plan.path, plan.problem)
            return
        nodes = [node for node in plan.nodes if node.action is Action.RUN]
        summary = self.say("{count} of {total} nodes", count=len(nodes), total=len(plan.nodes))
        yield Paragraph([code(plan.path), Text(f": {summary}")])
        yield from self._list(
            [self.say("Node"), self.say("Reason")],
            nodes,
            lambda node: [
                code(node.id),
                Text("; ".join(reason.in_(self._language) for reason in node.reasons)),
            ],
        )

    def verification(self) -> Iterator[Block]:
        """Yield the result of the verification of the head."""
        check, say = self._report.check, self.say
        facts = {"objects": check.objects, "size": format_size(check.bytes), **self._names}
        text = say("Checked {head}. Objects: {objects} ({size}). All are intact.", **facts)
        if check.problems:
            facts["count"] = len(check.problems)
            text = say(
                "Checked {head}. Objects: {objects} ({size}). Damaged or missing: {count}", **facts
            )
        yield Paragraph([Text(text, tone=Tone.BAD if check.problems else Tone.PLAIN)])
        if check.problem is not None:
            yield Paragraph([Text(check.problem.in_(self._language))])
        yield from self._list(
            [say("Path"), say("Location"), say("Problem")],
            check.problems,
            lambda one: [
                code(one.path),
                Text(term(one.where.value, self._language)),
                Text(term(one.problem.value, self._language), tone=Tone.BAD),
            ],
        )
        if check.absent:
            title = say("Not in the cache here: {count}", count=len(check.absent))
            yield Details(
                [Text(title)],
                self._list([say("Path")], check.absent, lambda path: [code(path)]),
            )


def section_unless_empty(title: str, blocks: Sequence[Block]) -> Iterator[Section]:
    """Yield a section unless it is empty."""
    if blocks:
        yield Section(title, [*blocks])


def _value_change(value: DifferingValue) -> str:
    if value.from_ is None or value.to is None:
        return f"{value.name} = {as_text(value.to if value.from_ is None else value.from_)}"
    return f"{value.name}: {as_text(value.from_)} → {as_text(value.to)}"
