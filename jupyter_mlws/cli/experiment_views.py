"""Views of runs: comparison, ranking, lineage and reproductions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jupyter_mlws.cli.code_views import data_lines
from jupyter_mlws.cli.console import Block, Cell, Lines, Table, Tone, line
from jupyter_mlws.cli.views import COMMIT, JSON, Column, Views, number_of
from mlws.core.i18n import Message

RELATIONS = {
    "code": Message("code"),
    "held": Message("present"),
    "holds": Message("holds"),
    "logged": Message("logged"),
    "makes": Message("makes"),
    "needs": Message("needs"),
    "parameters": Message("parameters"),
    "part": Message("part"),
    "ran": Message("ran"),
    "read": Message("read"),
    "recorded": Message("recorded"),
    "wrote": Message("wrote"),
}
"""Relations of the lineage graph, by the API's words."""


def comparison(views: Views, names: Sequence[str], result: JSON) -> list[Block]:
    """Render parameters, metrics and packages in a column for each; differences stand out."""
    rows = [
        [
            Cell(row["name"], Tone.STRONG if row["differs"] else Tone.FAINT),
            *(Cell(number_of(value)) for value in row["values"]),
        ]
        for part in ("params", "metrics", "environments")
        for row in result[part]
    ]
    return [Table([views.say("Name"), *names], rows)]


def best(views: Views, ranking: JSON, similar: Sequence[str] = ()) -> list[Block]:
    """Render model versions ranked by a metric, the best first.

    ``similar`` are metrics to use instead of one that no version has.
    """
    if not ranking["items"]:
        text = views.say("No model version has the metric {metric}.", **ranking)
        if similar:
            text += " " + views.say("Did you mean {near}?", near=", ".join(similar))
        return [line(text, Tone.FAINT)]
    best_row = ranking["items"][0]

    def value(row: JSON) -> Cell:
        return Cell(number_of(row["value"]), Tone.GOOD if row is best_row else Tone.PLAIN)

    table = views.table(
        ranking["items"],
        Column(Message("Model"), lambda row: row["version"]["name"], Tone.STRONG),
        Column(Message("Version"), lambda row: str(row["version"]["version"])),
        Column(Message.verbatim(ranking["metric"]), value),
        Column(Message("Aliases"), lambda row: ", ".join(row["version"]["aliases"]), Tone.BUSY),
        COMMIT._replace(value=lambda row: (row["version"]["commit"] or "")[:8]),
    )
    return [table]


def lineage(views: Views, graph: JSON, depth: int) -> list[Block]:
    """Render an item as a tree of what it was made from, and one of what was made from it."""
    nodes = {node["id"]: node for node in graph["nodes"]}
    start = graph["of"]
    blocks: list[Block] = [Lines([_item(views, nodes[start], Tone.STRONG)], fixed=True, clip=True)]
    if not graph["edges"]:
        return [*blocks, line(views.say("No inputs or outputs are known."), Tone.FAINT)]
    for title, near, far in (
        (Message("Upstream"), "target", "source"),
        (Message("Downstream"), "source", "target"),
    ):
        steps: dict[str, list[tuple[str, str]]] = {}
        for edge in graph["edges"]:
            steps.setdefault(edge[near], []).append((edge[far], edge["relation"]))
        if start not in steps:
            continue
        levels = {start: 0}
        for item in (order := [start]):
            for other, _ in steps.get(item, ()):
                if other not in levels:
                    levels[other] = levels[item] + 1
                    order.append(other)
        rows = list(_Tree(views, nodes, steps, levels, depth, {start}).branches(start))
        count = sum(level > depth for level in levels.values())
        if count:
            facts = {"count": count, "depth": max(levels.values())}
            rows.append([Cell(views.say("… {count} more, --depth {depth}", **facts), Tone.FAINT)])
        blocks += [line(title.in_(views.language), Tone.STRONG), Lines(rows, fixed=True, clip=True)]
    if graph["truncated"]:
        blocks.append(line(views.say("Truncated."), Tone.FAINT))
    return blocks


def _item(views: Views, node: JSON, tone: Tone = Tone.PLAIN) -> list[Cell]:
    if node["kind"] == "params":
        # The relation says what it is.
        return [Cell(node["label"], tone)]
    label = node["facts"]["title"] if node["kind"] == "run" else node["label"]
    return [Cell(f"{views.word(node['kind']).text} ", Tone.FAINT), Cell(label, tone)]


@dataclass(frozen=True)
class _Tree:
    """The steps of a lineage graph in one direction, by item.

    ``levels`` are the numbers of steps from the start. An item that is on several branches has its
    own branches once, nearest to the start; elsewhere an arrow points there.
    """

    views: Views
    nodes: Mapping[str, JSON]
    steps: Mapping[str, Sequence[tuple[str, str]]]
    levels: Mapping[str, int]
    depth: int
    branched: set[str] = field(default_factory=set)

    def branches(
        self, item: str, above: Sequence[tuple[str, str]] = (), indent: str = ""
    ) -> Iterator[list[Cell]]:
        """Yield a line for every step from an item, and those below it.

        Steps that the item ``above`` has, too, are left out.
        """
        level = self.levels[item] + 1
        own = self.steps.get(item, ())
        rows = [row for row in own if row not in above] if level <= self.depth else []
        for place, (other, relation) in enumerate(rows, 1):
            is_last = place == len(rows)
            word = RELATIONS[relation].in_(self.views.language)
            arrow = "  ↑" if other in self.branched else "  ↓"
            repeats = other in self.branched or self.levels[other] < level
            yield [
                Cell(f"{indent}{'└─' if is_last else '├─'} {word}  ", Tone.FAINT),
                *_item(self.views, self.nodes[other]),
                Cell(arrow if repeats else "", Tone.FAINT),
            ]
            if not repeats:
                self.branched.add(other)
                inner = indent + ("   " if is_last else "│  ")
                yield from self.branches(other, own, inner)


def started_run(views: Views, run: JSON) -> list[Block]:
    """Render the ID of a run that was started, and its commit."""
    text = views.say("Started run {id}", id=run["id"][:8])
    note = views.say("saved from uncommitted changes") if run["dirty"] else ""
    commit = (run["commit"] or "")[:8]
    return [Lines([[Cell(f"{text}  "), Cell(commit, Tone.WARN), Cell(f"  {note}", Tone.FAINT)]])]


def reproduction(views: Views, result: JSON) -> list[Block]:
    """Render a reproduction: its folder, the command to run, and how to delete it."""
    rows = [
        [Cell(result["path"], Tone.STRONG), Cell(f"  {result['commit'][:8]}", Tone.WARN)],
    ]
    rows += data_lines(views, result["data"])
    for row in result["unavailable"]:
        if row["made"]:
            text = views.say("{path}: can be regenerated by running the workflow", **row)
        elif row["unreachable"]:
            text = views.say(
                "{path}: can't reach the remote {remote}: {reason}",
                path=row["path"],
                **row["unreachable"],
            )
        else:
            text = views.say("{path}: not stored anywhere", **row)
        rows.append([Cell(text, Tone.FAINT if row["made"] else Tone.BAD)])
    for row in result["environments"]:
        rows += environment_lines(views, row)
    if result["command"]:
        rows.append([Cell(result["command"])])
    text = views.say("Delete it with: {remove}", remove=result["remove"])
    rows.append([Cell(text, Tone.FAINT)])
    return [Lines(rows)]


def environment_lines(views: Views, row: JSON) -> Iterator[list[Cell]]:
    """Yield the lines of an environment that was built again, with what differs from the run's."""
    if row["source"] == "present":
        text = views.say("{title}: the present environment is the same", **row)
    elif row["source"] == "lock":
        text = views.say("{title}: built from the lock of {name}", **row)
    elif row["prefix"]:
        text = views.say("{title}: built from the record of the run, in {prefix}", **row)
    else:
        text = views.say("{title}: not built, the present environment is used", **row)
    yield [Cell(text, Tone.GOOD if not row["unavailable"] else Tone.WARN)]
    for one in row["unavailable"]:
        package = f"{one['name']} {one['version'] or ''}".strip()
        if one["reason"] is None:
            text = views.say("{package}: not available, it came from a directory", package=package)
        else:
            reason = " ".join(one["reason"].split())
            text = views.say("{package}: not available: {reason}", package=package, reason=reason)
        yield [Cell(text, Tone.BAD)]
    for one in row["differences"]:
        change = f"{one['name']} {one['before'] or '–'} → {one['after'] or '–'}"
        yield [Cell(change, Tone.WARN)]


def reproductions(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every existing reproduction."""
    return views.listing(
        rows,
        Message("No reproductions yet."),
        Column(Message("Reproduction"), "id", Tone.STRONG),
        Column(Message("Path"), "path"),
        COMMIT,
    )
