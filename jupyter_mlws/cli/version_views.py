"""What is shown of branches, remotes, models and data."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.views import DASH, JSON, Views, number_of, size_of, when_of
from jupyter_mlws.core.i18n import Message


def branches(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every branch; the current one stands out."""
    if not rows:
        return [line(views.say("No branches yet."), Tone.FAINT)]
    cells = [
        [
            Cell(
                f"{row['remote']}/{row['name']}" if row["remote"] else row["name"],
                Tone.STRONG if row["current"] else Tone.PLAIN,
            ),
            Cell(row["commit"][:8], Tone.WARN),
            Cell(_format_upstream(row), Tone.BUSY),
            Cell(row["subject"]),
            Cell(when_of(row["timestamp"]), Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [
        Message("Branch"),
        Message("Commit"),
        Message("Upstream"),
        Message("Message"),
        Message("Time"),
    ]
    return [views.table(columns, cells)]


def _format_upstream(row: JSON) -> str:
    counts = [f"+{row['ahead']}" if row["ahead"] else "", f"-{row['behind']}"]
    parts = [row["upstream"] or "", counts[0], counts[1] if row["behind"] else ""]
    return " ".join(part for part in parts if part)


def branch_deletion(views: Views, row: JSON) -> list[Block]:
    """Render the name of a deleted branch, and the commit from which it can be restored."""
    text = views.say(
        "Deleted branch {name} (was {commit}).", name=row["name"], commit=row["commit"][:8]
    )
    return [line(text)]


def checkout_result(views: Views, result: JSON) -> list[Block]:
    """Render the branch or commit of HEAD after a checkout, and the data that changed."""
    place = result["branch"] or views.say("detached HEAD")
    head = [Cell(place, Tone.STRONG), Cell(f"  {result['commit'][:8]}", Tone.WARN)]
    return [Lines([head, *data_lines(views, result["data"])])]


def push_result(views: Views, result: JSON) -> list[Block]:
    """Render the branch and commit of the remote after a push, and the pushed data."""
    place = f"{result['remote']}/{result['branch']}"
    head = [Cell(place, Tone.STRONG), Cell(f"  {result['commit'][:8]}", Tone.WARN)]
    text = views.say("commits: {count}", count=result["commits"])
    return [Lines([head, [Cell(text, Tone.FAINT)], *data_lines(views, result["data"])])]


def pull_result(views: Views, result: JSON) -> list[Block]:
    """Render the commit of the branch after a pull, the outcome (e.g. merged), and the data."""
    head = [Cell(result["branch"], Tone.STRONG), Cell(f"  {result['commit'][:8]}  ", Tone.WARN)]
    text = views.say("commits: {count}", count=result["commits"])
    outcome = [*head, views.word(result["outcome"])]
    return [Lines([outcome, [Cell(text, Tone.FAINT)], *data_lines(views, result["data"])])]


def data_lines(views: Views, paths: Sequence[str]) -> list[list[Cell]]:
    """Return a line with the data paths of a result; no line if there are none."""
    if not paths:
        return []
    text = views.say("data: {paths}", paths=", ".join(paths))
    return [[Cell(text, Tone.FAINT)]]


def models(views: Views, rows: Sequence[JSON], *, wide: bool) -> list[Block]:
    """A line for every model, with the metrics of its newest version."""
    if not rows:
        return [line(views.say("No models yet."), Tone.FAINT)]
    newest = [row["newest"] or {"version": DASH, "metrics": {}, "commit": None} for row in rows]
    names = sorted({name for version in newest for name in version["metrics"]})
    cells = [
        [
            Cell(row["name"], Tone.STRONG),
            Cell(str(version["version"])),
            Cell(_aliases(row["aliases"]), Tone.BUSY),
            *(Cell(number_of(version["metrics"].get(name))) for name in names),
            Cell((version["commit"] or "")[:8], Tone.WARN),
            Cell(when_of(row["updated"]), Tone.FAINT),
        ]
        for row, version in zip(rows, newest, strict=True)
    ]
    columns = [
        Message("Model"),
        Message("Latest"),
        Message("Aliases"),
        *(Message.verbatim(name) for name in names),
        Message("Commit"),
        Message("Time"),
    ]
    return [views.responsive_table(columns, cells, "models", wide=wide)]


def _aliases(aliases: JSON) -> str:
    return ", ".join(f"{alias} → {number}" for alias, number in sorted(aliases.items()))


def model(views: Views, record: JSON, *, wide: bool) -> list[Block]:
    """A line for every version of one model."""
    versions = record["versions"]
    names = sorted({name for version in versions for name in version["metrics"]})
    cells = [
        [
            Cell(str(version["version"]), Tone.STRONG),
            Cell(", ".join(version["aliases"]), Tone.BUSY),
            *(Cell(number_of(version["metrics"].get(name))) for name in names),
            Cell((version["commit"] or "")[:8], Tone.WARN),
            Cell(when_of(version["timestamp"]), Tone.FAINT),
            Cell(", ".join(f"{key}={value}" for key, value in version["params"].items())),
        ]
        for version in versions
    ]
    columns = [
        Message("Version"),
        Message("Aliases"),
        *(Message.verbatim(name) for name in names),
        Message("Commit"),
        Message("Time"),
        Message("Parameters"),
    ]
    table = views.responsive_table(columns, cells, "models NAME", wide=wide)
    return [line(record["name"], Tone.STRONG), table]


def alias_history(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every change of an alias."""
    if not rows:
        return [line(views.say("No aliases yet."), Tone.FAINT)]
    cells = [
        [
            Cell(row["alias"], Tone.STRONG),
            Cell(str(row["before"] or DASH), Tone.FAINT),
            Cell(str(row["version"] or DASH)),
            Cell(row["by"]),
            Cell(when_of(row["timestamp"]), Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [
        Message("Alias"),
        Message("Previous"),
        Message("Version"),
        Message("By"),
        Message("Time"),
    ]
    return [views.table(columns, cells)]


def datasets(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every dataset."""
    if not rows:
        return [line(views.say("No data tracked yet."), Tone.FAINT)]
    cells = [
        [
            Cell(row["path"], Tone.STRONG),
            views.word(row["state"]),
            Cell(size_of(row["size"])),
            Cell(str(row["files"] or "")),
            Cell((row["md5"] or "")[:8], Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [
        Message("Path"),
        Message("State"),
        Message("Size"),
        Message("Files"),
        Message("Hash"),
    ]
    return [views.table(columns, cells), *views.pull_hint(row["state"] for row in rows)]


def dataset(views: Views, record: JSON) -> list[Block]:
    """A line for every version of a dataset, and the nodes that create or use it."""
    cells = [
        [
            Cell(version["short"], Tone.WARN),
            Cell(version["subject"], Tone.STRONG if version["current"] else Tone.PLAIN),
            Cell(when_of(version["timestamp"]), Tone.FAINT),
            Cell(size_of(version["size"])),
            Cell(version["md5"][:8], Tone.FAINT),
        ]
        for version in record["versions"]
    ]
    columns = [
        Message("Snapshot"),
        Message("Message"),
        Message("Time"),
        Message("Size"),
        Message("Hash"),
    ]
    titles = {
        "producers": views.say("Created by: "),
        "consumers": views.say("Used by: "),
    }
    uses = [
        [Cell(title, Tone.FAINT), Cell(", ".join(f"{u['workflow']}: {u['node']}" for u in rows))]
        for key, title in titles.items()
        if (rows := record[key])
    ]
    return [
        *datasets(views, [record]),
        views.table(columns, cells),
        *([Lines(uses)] if uses else []),
    ]


def data_transfers(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every dataset that is stored both here and on its remote."""
    if not rows:
        return [line(views.say("No data to pull."), Tone.FAINT)]
    return [
        line(
            views.say("{path} is stored on this machine and on {remote}.", **row),
            Tone.GOOD,
        )
        for row in rows
    ]
