"""What is shown of data beyond its list: differences, faults, stores, remotes."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.words.render import Block, Cell, Lines, Tone, line
from jupyter_mlws.words.version_views import datasets
from jupyter_mlws.words.views import DASH, JSON, Views, size_of

__all__ = ["datasets", "diff", "reachable", "remotes", "storage", "verified"]


def diff(views: Views, found: JSON) -> list[Block]:
    """A line for every file that differs, and how many there are."""
    text = views.say(
        "{path}: {added} added, {modified} modified, {deleted} deleted, {unchanged} unchanged",
        "{path}：新增 {added}，修改 {modified}，删除 {deleted}，未变 {unchanged}",
        **{key: found[key] for key in ("path", "added", "modified", "deleted", "unchanged")},
    )
    head = line(text, Tone.STRONG)
    if not found["items"]:
        return [head]
    cells = [
        [
            views.word(row["state"]),
            Cell(row["path"]),
            Cell(size_of(row["from_size"])),
            Cell(size_of(row["to_size"])),
        ]
        for row in found["items"]
    ]
    columns = [("State", "状态"), ("File", "文件"), ("From", "从"), ("To", "到")]
    return [head, views.table(columns, cells)]


def verified(views: Views, found: JSON) -> list[Block]:
    """A line for every store, and one for each object that is faulty there."""
    rows = []
    for store in found["stores"]:
        how = (
            views.say("each object was read", "已逐个读取对象")
            if store["read"]
            else views.say("each object was asked for", "已逐个查询对象")
        )
        state = views.say("whole", "完整") if store["whole"] else views.say("faulty", "有缺损")
        tone = Tone.GOOD if store["whole"] else Tone.BAD
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
    text = views.say(
        "{path}: {objects} objects", "{path}：{objects} 个对象",
        path=found["path"], objects=found["objects"],
    )  # fmt: skip
    return [line(text, Tone.STRONG), Lines(rows)]


def storage(views: Views, found: JSON) -> list[Block]:
    """What data takes, part by part."""
    titles = {
        "size": views.say("cache", "缓存"),
        "current": views.say("of it needed now", "其中当前所需"),
        "unfinished": views.say("unfinished transfers", "未完成的传输"),
        "damaged": views.say("put aside as damaged", "因损坏而搁置"),
        "free": views.say("free", "可用空间"),
    }
    rows = [
        [Cell(f"{title}  ", Tone.FAINT), Cell(size_of(found[k]))] for k, title in titles.items()
    ]
    return [Lines(rows)]


def remotes(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every remote; which credentials are set, not what they are."""
    if not rows:
        return [line(views.say("No remote for data yet.", "还没有数据远程存储。"), Tone.FAINT)]
    cells = [
        [
            Cell(row["name"], Tone.STRONG),
            Cell(row["url"]),
            Cell(views.say("default", "默认") if row["default"] else "", Tone.GOOD),
            Cell(", ".join(f"{key}={value}" for key, value in row["options"].items())),
            Cell(", ".join(row["credentials"]) or DASH, Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [
        ("Name", "名称"),
        ("Address", "地址"),
        ("", ""),
        ("Options", "选项"),
        ("Credentials set", "已设凭据"),
    ]
    return [views.table(columns, cells)]


def reachable(views: Views, found: JSON) -> list[Block]:
    """That a remote has answered."""
    text = views.say("{name} answers.", "{name} 可以访问。", name=found["name"])
    return [line(text, Tone.GOOD)]
