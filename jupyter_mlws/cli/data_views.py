"""What is shown of data beyond its list: differences, faults, stores, remotes."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.version_views import datasets
from jupyter_mlws.cli.views import DASH, JSON, Views, size_of
from jupyter_mlws.core.i18n import Message

__all__ = ["datasets", "diff", "reachable", "remotes", "storage", "verification_report"]


def diff(views: Views, result: JSON) -> list[Block]:
    """A line for every file that differs, and how many there are."""
    text = views.say(
        "{path}: {added} added, {modified} modified, {deleted} deleted, {unchanged} unchanged",
        **{key: result[key] for key in ("path", "added", "modified", "deleted", "unchanged")},
    )
    head = line(text, Tone.STRONG)
    if not result["items"]:
        return [head]
    cells = [
        [
            views.word(row["state"]),
            Cell(row["path"]),
            Cell(size_of(row["from_size"])),
            Cell(size_of(row["to_size"])),
        ]
        for row in result["items"]
    ]
    columns = [Message("State"), Message("File"), Message("From"), Message("To")]
    return [head, views.table(columns, cells)]


def verification_report(views: Views, report: JSON) -> list[Block]:
    """A line for every store, and one for each object that is faulty there."""
    rows = []
    for store in report["stores"]:
        how = views.say("all objects read") if store["read"] else views.say("all objects looked up")
        tone = Tone.GOOD if store["whole"] else Tone.BAD
        state = views.say("intact") if store["whole"] else views.say("damaged or incomplete")
        rows.append([Cell(f"{store['name']}  "), Cell(state, tone), Cell(f"  {how}", Tone.FAINT)])
        rows += [
            [
                Cell("  "),
                views.word(fault["state"]),
                Cell(f"  {', '.join(fault['files'])}  "),
                Cell(fault["md5"][:8], Tone.FAINT),
            ]
            for fault in store["faulty"]
        ]
    text = views.say("{path} (objects: {objects})", path=report["path"], objects=report["objects"])
    return [line(text, Tone.STRONG), Lines(rows)]


def storage(views: Views, usage: JSON) -> list[Block]:
    """Render the disk usage of data, one line for each category."""
    titles = {
        "size": views.say("cache"),
        "current": views.say("used by this version"),
        "unfinished": views.say("unfinished transfers"),
        "damaged": views.say("quarantined as damaged"),
        "free": views.say("free disk space"),
    }
    rows = [
        [Cell(f"{title}  ", Tone.FAINT), Cell(size_of(usage[k]))] for k, title in titles.items()
    ]
    return [Lines(rows)]


def remotes(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every remote, with the names of its credentials but not their values."""
    if not rows:
        return [line(views.say("No data remotes yet."), Tone.FAINT)]
    cells = [
        [
            Cell(row["name"], Tone.STRONG),
            Cell(row["url"]),
            Cell(views.say("default") if row["default"] else "", Tone.GOOD),
            Cell(", ".join(f"{key}={value}" for key, value in row["options"].items())),
            Cell(", ".join(row["credentials"]) or DASH, Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [
        Message("Name"),
        Message("URL"),
        Message.verbatim(""),
        Message("Options"),
        Message("Credentials set"),
    ]
    return [views.table(columns, cells)]


def reachable(views: Views, remote: JSON) -> list[Block]:
    """Render the confirmation that a remote is reachable."""
    text = views.say("Connected to {name}.", name=remote["name"])
    return [line(text, Tone.GOOD)]
