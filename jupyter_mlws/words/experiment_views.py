"""What is shown of runs: side by side, where things come from, what was reproduced."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.words.render import Block, Cell, Lines, Tone, line
from jupyter_mlws.words.version_views import data_lines
from jupyter_mlws.words.views import JSON, Views, number_of


def sentence(text: str) -> list[Block]:
    """One line that says what was done."""
    return [line(text, Tone.GOOD)]


def comparison(views: Views, names: Sequence[str], found: JSON) -> list[Block]:
    """Parameters and metrics, a column for each; what differs stands out."""
    rows = [
        [
            Cell(row["name"], Tone.STRONG if row["differs"] else Tone.FAINT),
            *(Cell(number_of(value)) for value in row["values"]),
        ]
        for part in ("params", "metrics")
        for row in found[part]
    ]
    return [views.table([("Name", "名称"), *((name, name) for name in names)], rows)]


def best(views: Views, found: JSON) -> list[Block]:
    """Versions by what they measured, the best first."""
    if not found["items"]:
        text = views.say("No model has measured {metric}.", "没有模型记录过 {metric}。", **found)
        return [line(text, Tone.FAINT)]
    rows = [
        [
            Cell(row["version"]["name"], Tone.STRONG),
            Cell(str(row["version"]["version"])),
            Cell(number_of(row["value"]), Tone.GOOD if place == 0 else Tone.PLAIN),
            Cell(", ".join(row["version"]["aliases"]), Tone.BUSY),
            Cell((row["version"]["commit"] or "")[:8], Tone.WARN),
        ]
        for place, row in enumerate(found["items"])
    ]
    columns = [
        ("Model", "模型"),
        ("Version", "版本"),
        (found["metric"], found["metric"]),
        ("Aliases", "别名"),
        ("Commit", "提交"),
    ]
    return [views.table(columns, rows)]


def lineage(views: Views, found: JSON) -> list[Block]:
    """A line for every step, from what came first."""
    labels = {node["id"]: node for node in found["nodes"]}

    def cell(identifier: str) -> Cell:
        node = labels[identifier]
        tone = Tone.STRONG if identifier == found["of"] else Tone.PLAIN
        return Cell(f"{node['kind']} {node['label']}", tone)

    if not found["edges"]:
        text = views.say("Nothing is known to come of it, or before it.", "没有已知的来源或去向。")
        return [line(text, Tone.FAINT)]
    rows = [
        [cell(edge["source"]), Cell(edge["relation"], Tone.FAINT), cell(edge["target"])]
        for edge in found["edges"]
    ]
    table = views.table([("From", "来源"), ("", ""), ("To", "去向")], rows)
    if not found["truncated"]:
        return [table]
    return [table, line(views.say("There is more.", "还有更多。"), Tone.FAINT)]


def begun(views: Views, run: JSON) -> list[Block]:
    """Which run goes on, and from which commit."""
    text = views.say("run {id}", "运行 {id}", id=run["id"][:8])
    kept = views.say("kept from uncommitted changes", "由未提交的更改保存") if run["dirty"] else ""
    commit = (run["commit"] or "")[:8]
    return [Lines([[Cell(f"{text}  "), Cell(commit, Tone.WARN), Cell(f"  {kept}", Tone.FAINT)]])]


def reproduction(views: Views, found: JSON) -> list[Block]:
    """Where it is, what does it again, and how it is removed."""
    rows = [
        [Cell(found["path"], Tone.STRONG), Cell(f"  {found['commit'][:8]}", Tone.WARN)],
    ]
    rows += data_lines(views, found["data"])
    for row in found["unavailable"]:
        made = views.say("{path}: a run makes it", "{path}：运行后生成", **row)
        if row["unreachable"]:
            gone = views.say(
                "{path}: the remote {remote} cannot be reached: {reason}",
                "{path}：无法连接远程存储 {remote}：{reason}",
                path=row["path"],
                **row["unreachable"],
            )
        else:
            gone = views.say("{path}: no store has it", "{path}：没有任何存储", **row)
        rows.append([Cell(made, Tone.FAINT) if row["made"] else Cell(gone, Tone.BAD)])
    if found["command"]:
        rows.append([Cell(found["command"])])
    text = views.say("to remove it: {remove}", "移除：{remove}", remove=found["remove"])
    rows.append([Cell(text, Tone.FAINT)])
    return [Lines(rows)]


def reproductions(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for each that is still there."""
    if not rows:
        return [line(views.say("No run is reproduced.", "没有重现的运行。"), Tone.FAINT)]
    cells = [
        [
            Cell(row["id"], Tone.STRONG),
            Cell(row["path"]),
            Cell(row["commit"][:8], Tone.WARN),
        ]
        for row in rows
    ]
    columns = [("Reproduction", "重现"), ("Path", "路径"), ("Commit", "提交")]
    return [views.table(columns, cells)]
