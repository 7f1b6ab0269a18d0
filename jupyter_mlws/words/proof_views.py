"""What is shown of proof: verification, repair, collection."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.words.render import Block, Cell, Tone, line
from jupyter_mlws.words.views import JSON, Views, size_of


def verified(views: Views, found: JSON) -> list[Block]:
    """What is not as it should be, or that all is."""
    counted = views.say(
        "{short}: {objects} objects, {size} looked at",
        "{short}：已检查 {objects} 个对象，共 {size}",
        short=found["snapshot"][:8],
        objects=found["objects"],
        size=size_of(found["bytes"]),
    )
    blocks: list[Block] = [line(counted, Tone.FAINT), *_unreachable(views, found)]
    if found["problems"]:
        return [*blocks, _objects(views, found["problems"])]
    if not found["unreachable"]:
        text = views.say("Everything is there and whole.", "全部存在且完好。")
        blocks.append(line(text, Tone.GOOD))
    return blocks


def repaired(views: Views, done: JSON) -> list[Block]:
    """What was mended from where, and what is lost."""
    blocks: list[Block] = _unreachable(views, done)
    if done["mended"]:
        cells = [
            [
                Cell(row["path"], Tone.STRONG),
                Cell(row["hash"][:8], Tone.FAINT),
                views.word(row["where"]),
                views.word(row["source"]),
            ]
            for row in done["mended"]
        ]
        columns = [("Mended", "已修复"), ("Hash", "哈希"), ("Where", "位置"), ("From", "来源")]
        blocks.append(views.table(columns, cells))
    if done["lost"]:
        text = views.say("In no store any more:", "已不在任何存储中：")
        blocks += [line(text, Tone.BAD), _objects(views, done["lost"])]
        if any(row["output"] for row in done["lost"]):
            text = views.say(
                "Outputs of workflows can be made again by a run.", "工作流的输出可重新运行生成。"
            )
            blocks.append(line(text, Tone.FAINT))
    return blocks or [line(views.say("There was nothing to mend.", "无需修复。"), Tone.GOOD)]


def collected(views: Views, found: JSON) -> list[Block]:
    """How much is, or was, in no version."""
    facts = {"objects": found["objects"], "size": size_of(found["bytes"]) or "0 B"}
    if found["freed"]:
        text = views.say(
            "Freed {size} in {objects} objects.", "已释放 {size}（{objects} 个对象）。", **facts
        )
    else:
        text = views.say(
            "{size} in {objects} objects are named by no version; --confirm frees them.",
            "{size}（{objects} 个对象）没有被任何版本引用；加 --confirm 即释放。",
            **facts,
        )
    kept = views.say(
        "Kept: {size} in {objects} objects, for {versions} commits.",
        "保留：{size}（{objects} 个对象），供 {versions} 个提交使用。",
        objects=found["kept_objects"],
        size=size_of(found["kept_bytes"]) or "0 B",
        versions=found["versions"],
    )
    return [line(text, Tone.STRONG), line(kept, Tone.FAINT)]


def _unreachable(views: Views, row: JSON) -> list[Block]:
    if not row["unreachable"]:
        return []
    text = views.say("Not asked: {reason}", "未能检查：{reason}", reason=row["unreachable"])
    return [line(text, Tone.WARN)]


def _objects(views: Views, rows: Sequence[JSON]) -> Block:
    cells = [
        [
            Cell(row["path"], Tone.STRONG),
            Cell(row["hash"], Tone.FAINT),
            views.word(row["where"]),
            views.word(row["problem"]),
        ]
        for row in rows
    ]
    columns = [("Path", "路径"), ("Hash", "哈希"), ("Where", "位置"), ("Problem", "问题")]
    return views.table(columns, cells)
