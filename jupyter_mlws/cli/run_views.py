"""Views of runs: list, details and changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from jupyter_mlws.cli.console import Block, Cell, Lines, Table, Tone, line
from jupyter_mlws.cli.views import (
    COMMIT,
    JSON,
    Column,
    Views,
    number_of,
    when_of,
)
from jupyter_mlws.versioning.experiments.ranking import by_use
from mlws.core.i18n import Message
from mlws.core.progress import format_duration

MIN_ID_LENGTH = 6
"""Characters of the ID of a run in a list."""
MAX_METRICS = 20
"""Columns of metrics in a list, however wide the terminal is, and where there is none."""
STAR = "★"


def short_ids(rows: Iterable[JSON]) -> dict[str, str]:
    """Return the shortest starts of the runs' IDs that tell them apart, by ID.

    A run that MLflow does not have has the workflow run's ID; of that, the end is returned.
    """
    rows = list(rows)
    ids = sorted({row["id"] for row in rows if row["id"]})
    lengths = dict.fromkeys(ids, MIN_ID_LENGTH)
    for pair in pairwise(ids):
        unequal = (n for n, (a, b) in enumerate(zip(*pair, strict=False), 1) if a != b)
        length = next(unequal, MIN_ID_LENGTH)
        for one in pair:
            lengths[one] = max(lengths[one], length)
    short = {row["run"]: row["run"].rpartition("-")[2] for row in rows if not row["id"]}
    return short | {one: one[:length] for one, length in lengths.items()}


def runs(
    views: Views,
    runs: Sequence[JSON],
    *,
    wide: bool = False,
    sort: Sequence[str] = (),
    migration: str | None = None,
) -> list[Block]:
    """Render a line for every run; ``sort`` are the columns that the list is sorted by.

    ``migration``: the command that adds the runs of MLflow 2, if it has some.
    """
    if not runs:
        lines: list[Block] = [line(views.say("No runs yet."), Tone.FAINT)]
        if migration:
            lines += [
                line(
                    views.say(
                        "MLflow 2 has runs in this folder. Bring them here: `{command}`",
                        command=migration,
                    )
                )
            ]
        return lines
    short = short_ids(runs)
    used = by_use(run["metrics"] for run in runs)
    sorted_by = [name for text in sort if (name := _metric_of(text)) in used]
    metrics = [*dict.fromkeys([*sorted_by, *used])][: None if wide else MAX_METRICS]

    columns = [
        Column(Message("ID"), lambda row: short[row["id"] or row["run"]], Tone.WARN, is_id=True),
        Column(Message("Run"), lambda row: title(views, row)),
        *(Column(Message.verbatim(name), partial(_metric, name=name)) for name in metrics),
        Column(Message("Status"), lambda row: views.word(row["status"])),
        Column(Message("Started"), "started", Tone.FAINT, is_time=True),
        Column(Message("Time"), lambda row: format_duration(row["duration"]), Tone.FAINT),
        COMMIT,
        Column(Message("Workflow"), lambda row: row["workflow"] or "", Tone.FAINT),
    ]
    table = views.table(runs, *columns)
    places = [
        place
        for place in range(len(table.columns))
        if place < 2 or any(row[place].text for row in table.rows)
    ]
    table = Table(
        [table.columns[place] for place in places],
        [[row[place] for place in places] for row in table.rows],
    )
    # Status and start come before the metrics, whose columns are the ones that do not fit.
    after = 2 + len(metrics)
    order = [0, 1, after, after + 1, *range(2, after), *range(after + 2, len(places))]
    return [views.responsive(table, "runs", wide=wide, order=order, flexible=1)]


def summaries(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render runs after a change: their titles, marks and tags."""
    short = short_ids(rows)
    tags = [", ".join(f"{key}={value}" for key, value in row["tags"].items()) for row in rows]
    cells = [
        [Cell(short[row["id"] or row["run"]], Tone.WARN), title(views, row), Cell(text)]
        for row, text in zip(rows, tags, strict=True)
    ]
    return [Table([views.say("ID"), views.say("Run"), views.say("Tags")], cells)]


def title(views: Views, row: JSON) -> Cell:
    """Return the title of a run, with a star or that it is archived."""
    star = f"{STAR} " if row["starred"] else ""
    end = f" ({views.say('archived')})" if row["archived"] else ""
    return Cell(f"{star}{row['title']}{end}", Tone.FAINT if row["archived"] else Tone.STRONG)


def _metric(row: JSON, name: str) -> str:
    """Return a metric as text. The API has null for what is not a number or infinite."""
    metrics = row["metrics"]
    return "NaN" if name in metrics and metrics[name] is None else number_of(metrics.get(name))


def _metric_of(order: str) -> str:
    """Return the metric in an order such as ``metrics.`acc` DESC``; empty for other columns."""
    kind, dot, name = order.strip().partition(".")
    if not dot or kind.lower() not in ("metrics", "metric"):
        return ""
    words = name.rsplit(" ", 1)
    name = words[0] if len(words) == 2 and words[1].upper() in ("ASC", "DESC") else name
    return name.strip().strip('`"')


def run(views: Views, row: JSON) -> list[Block]:
    """Render a run with everything that is known of it."""
    star = f"{STAR} " if row["starred"] else ""
    marks = [
        *([views.say("archived")] if row["archived"] else []),
        *([views.say("deleted")] if row["deleted"] else []),
    ]
    status = [
        views.word(row["status"]).text,
        when_of(row["started"]),
        format_duration(row["duration"]),
    ]
    commit = (row["commit"] or "")[:8]
    if row["dirty"]:
        commit += f"  {views.say('saved from uncommitted changes')}"
    environments = [f"{one['title']} ({one['id'][:8]})" for one in row["environments"]]
    facts = (
        (Message("ID"), row["id"]),
        (Message("Name"), row["name"] if row["name"] not in (row["title"], row["run"]) else ""),
        (Message("Workflow run"), row["run"] if row["run"] != row["id"] else ""),
        (Message("Node"), row["node"]),
        (Message("Status"), "  ".join([*status, *marks])),
        (Message("Experiment"), row["experiment"]),
        (Message("Source"), row["workflow"] or row["source"]),
        (Message("Commit"), commit),
        (Message("Environment"), ", ".join(environments)),
        (Message("Tags"), ", ".join(f"{key}={value}" for key, value in row["tags"].items())),
    )
    blocks: list[Block] = [
        Table(
            [views.say("Run"), f"{star}{row['title']}"],
            [
                [Cell(label.in_(views.language), Tone.FAINT), Cell(text)]
                for label, text in facts
                if text
            ],
        )
    ]
    if row["note"]:
        blocks += [line(""), views.text(row["note"])]
    values = (
        (Message("Parameter"), row["params"]),
        (Message("Metric"), {name: _metric(row, name) for name in by_use([row["metrics"]])}),
        (Message("Data"), {path: md5[:8] for path, md5 in row["data"].items()}),
    )
    for title, items in values:
        if items:
            cells = [[Cell(name), Cell(number_of(value))] for name, value in items.items()]
            blocks += [line(""), Table([title.in_(views.language), views.say("Value")], cells)]
    if row["parts"]:
        blocks += [
            line(""),
            views.table(
                row["parts"],
                Column(Message("Part"), lambda part: part["node"] or part["title"], Tone.STRONG),
                Column(Message("Status"), lambda part: views.word(part["status"])),
                Column(Message("Time"), lambda part: format_duration(part["duration"]), Tone.FAINT),
                Column(Message("ID"), lambda part: part["id"][:8], Tone.WARN, is_id=True),
            ),
        ]
    if row["snapshots"]:
        blocks += [line(""), line(views.say("Snapshots that name this run:"), Tone.STRONG)]
        blocks += snapshots(row["snapshots"])
    return blocks


def snapshots(rows: Sequence[JSON]) -> Iterator[Block]:
    """Yield a line for every snapshot that names a run."""
    for row in rows:
        yield Lines([[Cell(f"  {row['commit'][:8]}  ", Tone.WARN), Cell(row["subject"])]])


def deletion(views: Views, details: Sequence[JSON]) -> list[Block]:
    """Render what a deletion is about to delete."""
    blocks: list[Block] = []
    for row in details:
        text = row["title"]
        if row["parts"]:
            text += "  " + views.say("with {count} nested runs", count=len(row["parts"]))
        blocks.append(line(text, Tone.STRONG))
        if row["snapshots"]:
            blocks.append(line(f"  {views.say('Snapshots that name this run:')}", Tone.WARN))
            blocks += snapshots(row["snapshots"])
    return blocks


def deletions(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render the runs that were deleted, and how to restore them."""
    blocks: list[Block] = []
    for row in rows:
        blocks.append(line(views.say("Deleted {title}.", **row), Tone.GOOD))
        if row["snapshots"]:
            commits = ", ".join(one["commit"][:8] for one in row["snapshots"])
            text = views.say("Snapshots that name this run: {commits}", commits=commits)
            blocks.append(line(f"  {text}", Tone.WARN))
        blocks.append(line(f"  {views.say('To restore it: {restore}', **row)}", Tone.FAINT))
    return blocks
