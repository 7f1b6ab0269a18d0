"""Views of components, workflows, runs and projects."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.views import (
    DASH,
    JSON,
    Column,
    Views,
    columns_of,
    timestamp_of,
)
from mlws.core.i18n import Message, term
from mlws.core.progress import format_duration

if TYPE_CHECKING:
    from jupyter_mlws.projects.programs import Programs

MAX_NAMED_PROGRAMS = 8
NODE = Column(Message("Node"), "id", Tone.STRONG, is_id=True)


def components(views: Views, components: Iterable[JSON]) -> list[Block]:
    def ports(rows: Sequence[JSON]) -> str:
        return ", ".join(f"{port['name']}: {port['type']}" for port in rows)

    table = views.table(
        components,
        Column(Message("Category"), "category", Tone.FAINT),
        Column(
            Message("Name"),
            lambda row: Cell(row["name"], Tone.BAD if row["error"] else Tone.STRONG),
            is_id=True,
        ),
        Column(Message("Inputs"), lambda row: ports(row["inputs"])),
        Column(Message("Outputs"), lambda row: ports(row["outputs"])),
        Column(Message("Description"), lambda row: row["error"] or row["description"]),
    )
    return [table]


def import_result(views: Views, result: JSON) -> list[Block]:
    """Render the nodes with their upstream nodes, the notes, and the text if not written."""
    workflow = result["workflow"]
    before: dict[str, list[str]] = {}
    for edge in workflow["edges"]:
        names = before.setdefault(edge["target"], [])
        if edge["source"] not in names:
            names.append(edge["source"])
    table = views.table(
        workflow["nodes"],
        NODE,
        Column(Message("Kind"), lambda row: term(row["type"], views.language)),
        Column(
            Message("Upstream"),
            lambda row: ", ".join(before.get(row["id"], ())) or DASH,
            Tone.FAINT,
        ),
    )
    blocks: list[Block] = [table]
    if result["notes"]:
        title = views.say("Could not be imported as is:")
        blocks.append(line(title, Tone.WARN))
        notes = [
            [
                Cell(f"  {note['place']}: " if note["place"] else "  ", Tone.FAINT),
                Cell(note["reason"]),
            ]
            for note in result["notes"]
        ]
        blocks.append(Lines(notes))
    blocks += [line(f"{p['node'] or ''}: {p['message']}", Tone.WARN) for p in workflow["problems"]]
    path = workflow["path"]
    if result["written"]:
        return [*blocks, line(views.say("Created {path}.", path=path), Tone.GOOD)]
    header = line(views.say("Would create {path}:", path=path), Tone.STRONG)
    files = [line(f"+ {file['path']}", Tone.FAINT) for file in result["files"]]
    return [*blocks, header, views.text(result["text"]), *files]


def _reasons(row: JSON) -> Cell:
    """Return a node's reasons, or that its environment is another one."""
    if row["environment"]:
        return Cell(row["environment"], Tone.WARN)
    return Cell(", ".join(row["reasons"]), Tone.FAINT)


def plan(views: Views, plan: JSON) -> list[Block]:
    table = views.table(
        plan["nodes"],
        NODE,
        Column(Message("Action"), lambda row: views.word(row["action"])),
        Column(Message("Reason"), _reasons),
        Column(
            Message("Estimate"), lambda row: format_duration(row["estimate_seconds"]), Tone.FAINT
        ),
    )
    text = views.say("{run} to run, {restorable} to restore, {cached} cached", **plan["summary"])
    blocks: list[Block] = [table, line(text, Tone.STRONG)]
    if plan["summary"]["run"] and plan["estimate_seconds"] is not None:
        about = views.say(
            "About {time} with {jobs} in parallel",
            time=format_duration(plan["estimate_seconds"]),
            jobs=plan["jobs"],
        )
        if plan["without_estimate"]:
            about += views.say(", excluding {count} that never ran", count=plan["without_estimate"])
        blocks.append(line(about, Tone.FAINT))
    waiting = [n["id"] for n in plan["nodes"] if n["cosmetic"] and n["action"] == "run"]
    if waiting:
        text = views.say(
            "Only cosmetic changes: {nodes}. Use --accept-cosmetic to treat them as unchanged.",
            nodes=", ".join(waiting),
        )
        blocks.append(line(text, Tone.GOOD))
    return blocks


def sweeps(views: Views, sweeps: JSON) -> list[Block]:
    """Render a table for every sweep, the best variant first."""

    def value_text(value: Any) -> str:
        if value is None:
            return DASH
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    if not sweeps["items"]:
        return [line(views.say("No sweeps in this workflow."), Tone.FAINT)]
    blocks: list[Block] = []
    for sweep in sweeps["items"]:
        if not sweep["metric"]:
            ranking = views.say("no metrics yet")
        elif sweep["mode"] == "min":
            ranking = views.say("{metric}, lower is better", metric=sweep["metric"])
        else:
            ranking = views.say("{metric}, higher is better", metric=sweep["metric"])
        values = dict.fromkeys(name for row in sweep["variants"] for name in row["values"])
        metrics = sorted(sweep["metrics"], key=lambda name: name != sweep["metric"])
        table = views.table(
            sweep["variants"],
            Column(Message("#"), lambda row: "★" if row["best"] else str(row["rank"] or DASH)),
            Column(
                Message("Variant"),
                lambda row: Cell(
                    row["id"].partition("@")[2], Tone.GOOD if row["best"] else Tone.STRONG
                ),
            ),
            Column(Message("Status"), lambda row: views.word(row["status"] or DASH)),
            Column(Message("Duration"), lambda row: format_duration(row["duration"]), Tone.FAINT),
            *columns_of("values", values, value_text),
            *columns_of("metrics", metrics),
        )
        head = [Cell(sweep["name"], Tone.STRONG), Cell(f"  {ranking}", Tone.FAINT)]
        blocks += [Lines([head]), table]
        blocks += [line(row["error"], Tone.BAD) for row in sweep["variants"] if row["error"]]
    return blocks


def promoted(views: Views, result: JSON) -> list[Block]:
    text = views.say("Replaced the sweep {sweep} with {variant}.", **result)
    note = views.say("The previous text is kept in .git/{kept_in}", **result)
    return [Lines([[Cell(text, Tone.GOOD)], [Cell(note, Tone.FAINT)]])]


def run(views: Views, run: JSON) -> list[Block]:
    """Render a run with a line for every node."""
    now = time.time()

    def reason(node: JSON) -> str:
        error = node["error"]
        if error:
            return str(error.get("message") if isinstance(error, dict) else error)
        return ", ".join(node["reasons"] or [])

    table = views.table(
        run["nodes"],
        NODE,
        Column(Message("Status"), lambda row: views.word(row["status"])),
        Column(
            Message("Duration"), lambda row: format_duration(_elapsed_seconds(row, now)), Tone.FAINT
        ),
        Column(Message.verbatim(""), reason, Tone.FAINT),
    )
    return [table, *run_end(views, run)]


def run_end(views: Views, run: JSON) -> list[Block]:
    """Render the status of a run on one line, and its error below."""
    head = [
        Cell(f"{run['id']}  ", Tone.FAINT),
        views.word(run["status"]),
        Cell(f"  {format_duration(_elapsed_seconds(run, time.time()))}", Tone.FAINT),
    ]
    blocks: list[Block] = [Lines([head])]
    error = run["error"]
    if error:
        code = Cell(f"{error.get('code') or ''}  ", Tone.BAD)
        blocks.append(Lines([[code, Cell(str(error.get("message") or ""))]]))
    stages: dict[str, list[str]] = {}
    for node in run["nodes"]:
        if node["dvc_reason"]:
            stages.setdefault(node["dvc_reason"], []).append(node["id"])
    for reason, names in stages.items():
        text = views.say(
            "Stages run by DVC itself, which is slower ({reason}): {stages}",
            reason=reason,
            stages=", ".join(names),
        )
        blocks.append(line(text, Tone.FAINT))
    return blocks


def node_line(views: Views, node: JSON) -> list[Block]:
    """Render the status of one node, for output that can only be appended to."""
    duration = Cell(f"  {format_duration(node['duration'])}".rstrip(f" {DASH}"))
    return [Lines([[Cell(f"{node['id']}  "), views.word(node["status"]), duration]])]


def projects(views: Views, projects: Sequence[JSON]) -> list[Block]:
    return views.listing(
        projects,
        Message("No projects yet."),
        Column(Message("Name"), "name", Tone.STRONG),
        Column(Message("Path"), "path"),
        Column(Message("Branch"), lambda row: row["branch"] or DASH, Tone.BUSY),
        Column(Message("Commit"), lambda row: (row["head"] or DASH)[:8], Tone.WARN, is_id=True),
    )


def programs(views: Views, name: str, programs: Programs) -> list[Block]:
    """Show what of a project can run once it is trusted."""
    kinds = (
        (Message("Git hooks"), programs.hooks),
        (Message("Git settings that name programs"), programs.settings),
        (Message("Components"), programs.components),
        (Message("Workflow stages"), programs.stages),
    )
    rows = []
    for kind, names in kinds:
        if names:
            text = ", ".join(names[:MAX_NAMED_PROGRAMS])
            more = ", …" if len(names) > MAX_NAMED_PROGRAMS else ""
            count = len(names)
            rows.append(line(f"  {kind.in_(views.language)} ({count}): {printable(text)}{more}"))
    name = printable(name)
    if not rows:
        return [line(views.say("{name} is not trusted yet. It has no code that runs.", name=name))]
    about = views.say(
        "{name} is not trusted yet. If you trust its authors, this can run:", name=name
    )
    return [line(about, Tone.WARN), *rows]


def printable(text: str) -> str:
    """Return a text of a project without characters that control a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def trust(views: Views, answer: JSON) -> list[Block]:
    path = answer["path"]
    if answer["trusted"]:
        return [line(views.say("{path} is now trusted.", path=path), Tone.GOOD)]
    return [line(views.say("{path} is no longer trusted.", path=path))]


def _elapsed_seconds(record: JSON, now: float) -> float | None:
    if record["duration"] is not None:
        return float(record["duration"])
    started = timestamp_of(record["started"])
    return max(0.0, now - started) if started is not None else None
