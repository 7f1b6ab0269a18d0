"""Views of data: datasets, differences, verification, disk usage and remotes."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.views import DASH, JSON, SIZES, SUBJECT, TIME, Column, Views
from mlws.core.i18n import Message
from mlws.core.paths import format_size

COUNTS = ("path", "added", "modified", "deleted", "renamed", "unchanged")
MAX_VALUES_A_ROW = 12
"""Values of a row of a table that are shown."""
_HASH = Column(Message("Hash"), lambda row: (row["md5"] or "")[:8], Tone.FAINT)
_SIZE = Column(Message("Size"), lambda row: format_size(row["size"]))


def datasets(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every dataset."""
    table = views.listing(
        rows,
        Message("No data tracked yet."),
        Column(Message("Path"), "path", Tone.STRONG),
        Column(
            Message("Kind"),
            lambda row: views.say("output") if row["output"] else views.say("your data"),
        ),
        Column(Message("State"), lambda row: views.word(row["state"])),
        _SIZE,
        Column(Message("Files"), lambda row: str(row["files"] or "")),
        _HASH,
    )
    return [*table, *views.pull_hint(row["state"] for row in rows)]


def dataset(views: Views, record: JSON) -> list[Block]:
    """Render a line for every version of a dataset, and the nodes that create or use it."""
    table = views.table(
        record["versions"],
        Column(Message("Snapshot"), "short", Tone.WARN, is_id=True),
        SUBJECT,
        TIME,
        _SIZE,
        _HASH,
    )
    titles = {"producers": views.say("Created by: "), "consumers": views.say("Used by: ")}
    uses = [
        [Cell(title, Tone.FAINT), Cell(", ".join(f"{u['workflow']}: {u['node']}" for u in rows))]
        for key, title in titles.items()
        if (rows := record[key])
    ]
    return [*datasets(views, [record]), table, *([Lines(uses)] if uses else [])]


def data_transfers(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every dataset that is stored both here and on its remote."""
    if not rows:
        return [line(views.say("No data to pull."), Tone.FAINT)]
    return [
        line(views.say("{path} is stored on this machine and on {remote}.", **row), Tone.GOOD)
        for row in rows
    ]


def gc_result(views: Views, result: JSON) -> list[Block]:
    """Render how much data no snapshot uses, or how much of it was deleted."""
    facts = {"objects": result["objects"], "size": format_size(result["bytes"]) or "0 B"}
    if result["freed"]:
        text = views.say("Freed {size}. Objects deleted: {objects}.", **facts)
    else:
        text = views.say(
            "Unused objects: {objects} ({size}). Use --confirm to delete them.", **facts
        )
    details = views.say(
        "Objects kept: {objects} ({size}). Commits that use them: {versions}.",
        objects=result["kept_objects"],
        size=format_size(result["kept_bytes"]) or "0 B",
        versions=result["versions"],
    )
    return [line(text, Tone.STRONG), line(details, Tone.FAINT)]


def diff(views: Views, result: JSON) -> list[Block]:
    """Render a line for every file that differs, and their numbers."""
    text = views.say(
        "{path}: {added} added, {modified} modified, {deleted} deleted, {renamed} renamed, "
        "{unchanged} unchanged",
        **{key: result[key] for key in COUNTS},
    )
    head = line(text, Tone.STRONG)
    if not result["items"]:
        return [head]
    table = views.table(
        result["items"],
        Column(Message("State"), lambda row: views.word(row["state"])),
        Column(
            Message("File"),
            lambda row: " → ".join(filter(None, (row["old_path"], row["path"]))),
        ),
        *SIZES,
    )
    left_out = sum(result[key] for key in COUNTS[1:-1]) - len(result["items"])
    if left_out == 0:
        return [head, table]
    return [head, table, line(views.say("… {count} more", count=left_out), Tone.FAINT)]


def table_diff(views: Views, change: JSON) -> list[Block]:
    """Render how many rows of a table differ, its columns that differ, and the first rows."""
    if change["problem"]:
        reason = change["problem"]
        text = views.say("{path} was not compared: {reason}", path=change["path"], reason=reason)
        return [line(text, Tone.BAD)]
    counts = {key: change[key] for key in ("added", "modified", "deleted")}
    facts = [
        views.say(
            "rows: {before} → {after}",
            before=change["rows_before"] or 0,
            after=change["rows_after"] or 0,
        )
    ]
    if any(counts.values()):
        facts.append(views.say("added {added}, changed {modified}, removed {deleted}", **counts))
    if change["reordered"]:
        facts.append(views.say("the same rows in another order"))
    blocks: list[Block] = [line(f"{change['path']}: {'; '.join(facts)}", Tone.STRONG)]
    if change["columns"]:
        blocks.append(
            views.table(
                change["columns"],
                Column(Message("Column"), "name", Tone.STRONG),
                Column(Message("Type before"), lambda row: row["before"] or DASH),
                Column(Message("Type after"), lambda row: row["after"] or DASH),
            )
        )
    if change["rows"]:
        key = change["key"] or ("#" if counts["modified"] else None)
        blocks.append(
            views.table(
                change["rows"],
                Column(Message("State"), lambda row: views.word(row["state"])),
                *([Column(Message.verbatim(key), "key", Tone.STRONG)] if key else []),
                Column(
                    Message("Values"),
                    lambda row: "; ".join(map(_value, row["values"][:MAX_VALUES_A_ROW])),
                ),
            )
        )
        is_filtered = change["match_count"] < change["kept"]
        total = change["match_count"] if is_filtered else sum(counts.values())
        left_out = total - change["offset"] - len(change["rows"])
        if left_out > 0:
            blocks.append(line(views.say("… {count} more", count=left_out), Tone.FAINT))
    return blocks


def _value(value: JSON) -> str:
    """Return a value of a row that changed: both sides, or the only one."""
    sides = [str(one) for one in (value["from"], value["to"]) if one is not None]
    return f"{value['name']}: {' → '.join(sides)}"


def git_diff(views: Views, result: JSON) -> list[Block]:
    """Render whether git shows tables as text."""
    if result["is_on"]:
        text = views.say("git shows tables as text in this clone ({attributes}).", **result)
        return [line(text, Tone.GOOD)]
    return [line(views.say("git shows tables as binary files again."))]


def verification_report(views: Views, report: JSON) -> list[Block]:
    """Render a line for every store, and one for each object that is faulty there."""
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
        [Cell(f"{title}  ", Tone.FAINT), Cell(format_size(usage[k]))] for k, title in titles.items()
    ]
    return [Lines(rows)]


def remotes(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every remote, with the names of its credentials but not their values."""
    return views.listing(
        rows,
        Message("No data remotes yet."),
        Column(Message("Name"), "name", Tone.STRONG),
        Column(Message("URL"), "url"),
        Column(
            Message.verbatim(""),
            lambda row: views.say("default") if row["default"] else "",
            Tone.GOOD,
        ),
        Column(
            Message("Options"),
            lambda row: ", ".join(f"{key}={value}" for key, value in row["options"].items()),
        ),
        Column(
            Message("Credentials set"),
            lambda row: ", ".join(row["credentials"]) or DASH,
            Tone.FAINT,
        ),
    )


def reachable(views: Views, remote: JSON) -> list[Block]:
    """Render the confirmation that a remote is reachable."""
    return [line(views.say("Connected to {name}.", name=remote["name"]), Tone.GOOD)]
