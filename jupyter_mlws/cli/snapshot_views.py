"""Views of the working tree and of snapshots."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli import code_views
from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.views import (
    DASH,
    JSON,
    SIZES,
    SUBJECT,
    TIME,
    Column,
    Views,
    number_of,
    when_of,
)
from mlws.core.i18n import Message
from mlws.core.locking import Holder
from mlws.core.paths import fold_paths, format_size

TRACK_HINT = Message("To track a data folder: jupyter mlws data add PATH")


def status(views: Views, status: JSON) -> list[Block]:
    branch = status["branch"] or views.say("detached HEAD")
    head = (status["head"] or DASH)[:8]
    blocks: list[Block] = [
        Lines([[Cell(branch, Tone.STRONG), Cell(f"  {head}", Tone.FAINT)]]),
    ]
    if status.get("operation"):
        blocks += code_views.in_progress(views, status)
    lock, outbox = status.get("lock"), status.get("outbox")
    if lock:
        text = views.say("Busy: {operation} by {who} since {since}", **lock)
        blocks.append(line(text, Tone.BUSY))
    if outbox:
        text = views.say(
            "Snapshots whose data is not uploaded yet: {shown}",
            shown=", ".join(sha[:8] for sha in outbox),
        )
        blocks.append(line(text, Tone.WARN))
    snapshot = status.get("restored")
    if snapshot:
        text = views.say(
            "The files were restored to {short} “{subject}”. Return with "
            "`jupyter mlws restore HEAD`, or keep them with `jupyter mlws commit`.",
            **snapshot,
        )
        blocks.append(line(text, Tone.WARN))
    if not status["changes"]:
        return [*blocks, line(views.say("No changes."), Tone.FAINT)]
    changes = {change["path"]: change for change in status["changes"]}
    new = {path for path, change in changes.items() if change["state"] == "untracked"}
    folders = [row for row in fold_paths(new) if row[1] > 1]
    inside = tuple(folder for folder, _ in folders)
    rows = [
        row
        for row in changes.values()
        if not (row["path"] in new and row["path"].startswith(inside))
    ]
    for folder, count in folders:
        size = sum(changes[path]["size"] or 0 for path in new if path.startswith(folder))
        rows.append({"state": "untracked", "path": folder, "size": size, "count": count})

    def kind(row: JSON) -> Cell:
        if "count" in row:
            return Cell(views.say("{count} files", count=row["count"]), Tone.FAINT)
        # A new file may be code or data.
        new = row["state"] == "untracked" and row["kind"] == "code"
        return Cell(views.say("file")) if new else views.word(row["kind"])

    table = views.table(
        rows,
        Column(Message("State"), lambda row: views.word(row["state"])),
        Column(Message("Kind"), kind),
        Column(Message("Path"), _format_path),
        Column(Message("Size"), lambda row: format_size(row["size"])),
    )
    return [
        *blocks,
        table,
        *views.pull_hint(change["state"] for change in status["changes"]),
        *([line(TRACK_HINT.in_(views.language), Tone.FAINT)] if folders else []),
    ]


def waiting(views: Views, holder: Holder) -> str:
    """Return a message about the operation that is waited for."""
    return views.say(
        "Waiting for another operation to finish: {operation} by {who}, since {since}.",
        operation=holder.operation,
        who=holder.who,
        since=holder.since,
    )


def committed(views: Views, snapshot: JSON) -> list[Block]:
    counts = views.say("code {code}, data {data}, notebooks {notebook}", **snapshot["stats"])
    head = [Cell(f"{snapshot['short']}  ", Tone.WARN), Cell(snapshot["subject"], Tone.STRONG)]
    warnings = [[Cell(warning, Tone.WARN)] for warning in snapshot.get("warnings", [])]
    return [Lines([head, [Cell(counts, Tone.FAINT)], *warnings])]


def history(views: Views, snapshots: Sequence[JSON]) -> list[Block]:
    return views.listing(
        snapshots,
        Message("No snapshots yet."),
        Column(Message("Snapshot"), "short", Tone.WARN, is_id=True),
        SUBJECT,
        Column(Message("Refs"), lambda row: ", ".join(row["refs"]), Tone.BUSY),
        Column(Message("Author"), lambda row: row["author"]["name"]),
        TIME,
        Column(Message("Runs"), lambda row: str(len(row["runs"]) or ""), Tone.FAINT),
    )


def snapshot(views: Views, snapshot: JSON) -> list[Block]:
    """Render a snapshot and what it changed."""
    author = snapshot["author"]
    refs = ", ".join(snapshot["refs"])
    facts = (
        (Message("Author"), f"{author['name']} <{author['email']}>"),
        (Message("Time"), when_of(snapshot["timestamp"])),
        (Message("Runs"), ", ".join(run[:8] for run in snapshot["runs"])),
    )
    lines = [[Cell(snapshot["id"], Tone.WARN), Cell(f"  {refs}", Tone.BUSY)]]
    lines += [
        [Cell(f"{name.in_(views.language)}: ", Tone.FAINT), Cell(value)]
        for name, value in facts
        if value
    ]
    blocks = [Lines(lines), line(""), views.text(snapshot["message"].rstrip("\n")), line("")]
    if snapshot["diff"]:
        return [*blocks, *diff(views, snapshot["diff"])]
    changes = views.table(
        snapshot["changes"],
        Column(Message("State"), lambda row: views.word(row["state"])),
        Column(Message("Path"), _format_path),
    )
    return [*blocks, changes]


def diff(views: Views, diff: JSON) -> list[Block]:
    if "unified" in diff:
        if diff["hidden"]:
            return [hidden_text(views, diff)]
        if diff["cells"] is not None:
            return cell_diffs(views, diff)
        lines = _diff_lines(diff["unified"])
        if diff["truncated"]:
            lines.append([Cell(views.say("… diff truncated"), Tone.FAINT)])
        return [Lines(lines, fixed=True)]
    state = Column(Message("State"), lambda row: views.word(row["state"]))
    blocks: list[Block] = []
    if diff["files"]:
        # Data and binary files have no lines.
        table = views.table(
            diff["files"],
            state,
            Column(Message("Path"), _format_path),
            Column(Message("+"), lambda row: _signed("+", row["additions"]), Tone.GOOD),
            Column(Message("-"), lambda row: _signed("-", row["deletions"]), Tone.BAD),
        )
        blocks.append(table)
    if diff.get("data"):
        blocks.append(views.table(diff["data"], state, Column(Message("Data"), "path"), *SIZES))
    values = {
        "metrics": Message("Metric"),
        "params": Message("Parameter"),
        "environments": Message("Package"),
    }
    for name, title in values.items():
        if diff.get(name):
            table = views.table(
                diff[name],
                Column(title, "name", Tone.STRONG),
                Column(Message("From"), lambda row: number_of(row["from"])),
                Column(Message("To"), lambda row: number_of(row["to"])),
            )
            blocks.append(table)
    return blocks or [line(views.say("No differences."), Tone.FAINT)]


def hidden_text(views: Views, diff: JSON) -> Block:
    """Render why there is no text, and what is known about both versions."""
    path, hidden = diff["path"], diff["hidden"]
    sizes = []
    for side in ("old", "new"):
        size, count = diff[f"{side}_size"], diff[f"{side}_files"]
        text = DASH if size is None else format_size(size)
        if count is not None:
            text = views.say("{count} files, {size}", count=count, size=text)
        sizes.append(text)
    old, new = sizes
    facts = {"path": path, "old": old, "new": new}
    if hidden == "folder":
        text = views.say("{path} is a folder: {old} → {new}.", **facts)
        more = views.say("To list its files: jupyter mlws data diff {path}", path=path)
        return Lines([[Cell(text)], [Cell(more, Tone.FAINT)]])
    if hidden == "too_large":
        return line(views.say("{path} is too large to show here: {old} → {new}.", **facts))
    if hidden == "binary":
        return line(views.say("Binary file {path}: {old} → {new}.", **facts))
    return line(
        views.say(
            "The content of {path} is not stored here. Get it with "
            "`jupyter mlws data pull {path}`.",
            path=path,
        )
    )


def _diff_lines(unified: str) -> list[list[Cell]]:
    lines = []
    is_header = True
    for text in unified.splitlines():
        is_header = is_header and not text.startswith("@@")
        if is_header:
            tone = Tone.STRONG
        elif text.startswith("@@"):
            tone = Tone.BUSY
        else:
            tone = {"+": Tone.GOOD, "-": Tone.BAD}.get(text[:1], Tone.PLAIN)
        lines.append([Cell(text, tone)])
    return lines


def cell_diffs(views: Views, diff: JSON) -> list[Block]:
    """Render the cells of a notebook that differ, by their numbers in the notebook that has them.

    The number of a deleted cell is that in the old one.
    """
    lines = []
    old = new = 0
    for cell in diff["cells"]:
        old += cell["old"] is not None
        new += cell["new"] is not None
        if cell["state"] == "unchanged" and not cell["outputs_changed"]:
            continue
        title = views.say(
            "Cell {number} ({type}):", number=old if cell["new"] is None else new, type=cell["type"]
        )
        state = "modified" if cell["state"] == "unchanged" else cell["state"]
        row = [Cell(f"{title} ", Tone.STRONG), views.word(state)]
        if cell["outputs_changed"]:
            row.append(Cell(f"  {views.say('outputs differ')}", Tone.FAINT))
        lines += [row, *_diff_lines(cell["unified"])]
    if lines:
        return [Lines(lines, fixed=True)]
    text = views.say("Only metadata differs.") if diff["unified"] else views.say("No differences.")
    return [line(text, Tone.FAINT)]


def restore_plan(views: Views, plan: JSON) -> list[Block]:
    if plan["nothing"]:
        text = views.say("Nothing to restore: the files already match this snapshot.")
        return [line(text, Tone.FAINT)]
    table = views.table(
        [*plan["code"], *plan["data"]],
        Column(Message("Action"), lambda row: views.word(row["action"])),
        Column(Message("Path"), "path"),
        Column(Message("Size"), lambda row: format_size(row.get("size"))),
    )
    blocks: list[Block] = [table]
    if plan["bytes_to_fetch"]:
        text = views.say("To download: {size}", size=format_size(plan["bytes_to_fetch"]))
        blocks.append(line(text))
    if plan["lost"]:
        title = views.say("Uncommitted changes that will be replaced (a safety copy keeps them):")
        lost_rows = [
            [Cell(f"  {row['path']}  "), Cell(row["reason"], Tone.FAINT)] for row in plan["lost"]
        ]
        blocks.append(Lines([[Cell(title, Tone.WARN)], *lost_rows]))
    if plan["missing"]:
        text = views.say("Data not stored anywhere:")
        if plan["unreachable"]:
            text = views.say(
                "Can't reach the remote {remote} ({reason}). It is needed for:",
                **plan["unreachable"],
            )
        missing = [[Cell(f"  {row['path']}")] for row in plan["missing"]]
        blocks.append(Lines([[Cell(text, Tone.BAD)], *missing]))
    return blocks


def restored(views: Views, result: JSON) -> list[Block]:
    count = len(result["restored"])
    lines = [[Cell(views.say("Restored: {count}", count=count), Tone.GOOD)]]
    if result["safety"]:
        text = views.say("Your previous work was kept as {sha}.", sha=result["safety"][:8])
        lines.append([Cell(text, Tone.FAINT)])
    for name in result["environments"]:
        text = views.say(
            "Environment {name} has other packages than the restored lock: install them with "
            "`jupyter mlws env sync {name}`.",
            name=name,
        )
        lines.append([Cell(text, Tone.WARN)])
    return [Lines(lines)]


def _format_path(change: JSON) -> str:
    old = change.get("old_path")
    return f"{old} → {change['path']}" if old else str(change["path"])


def _signed(sign: str, count: int | None) -> str:
    return "" if count is None else f"{sign}{count}"
