"""What is shown of each result: JSON of the API to tables and lines, in the reader's language."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from jupyter_mlws.errors import Words
from jupyter_mlws.files import by_folder
from jupyter_mlws.locks import Holder
from jupyter_mlws.words.render import Block, Cell, Lines, Table, Tone, line

JSON = dict[str, Any]
DASH = "–"
TRACK_HINT = (
    "Track a folder of data with: jupyter mlws data add PATH",
    "跟踪数据文件夹：jupyter mlws data add PATH",
)
NOT_PULLED = "not_pulled"
"""The state of data that this machine does not have yet."""
UNITS = ("B", "kB", "MB", "GB", "TB")

_TONES = {
    "COMPLETED": Tone.GOOD,
    "CACHED": Tone.GOOD,
    "RESTORED": Tone.GOOD,
    "RUNNING": Tone.BUSY,
    "QUEUED": Tone.FAINT,
    "PENDING": Tone.FAINT,
    "SKIPPED": Tone.FAINT,
    "CANCELLED": Tone.WARN,
    "FAILED": Tone.BAD,
    "INTERRUPTED": Tone.BAD,
    "added": Tone.GOOD,
    "untracked": Tone.FAINT,
    "modified": Tone.WARN,
    "deleted": Tone.BAD,
    "not_pulled": Tone.WARN,
    "conflicted": Tone.BAD,
    "missing": Tone.BAD,
    "damaged": Tone.BAD,
    "unchanged": Tone.FAINT,
    "unrecorded": Tone.WARN,
    "run": Tone.BUSY,
    "cached": Tone.FAINT,
    "restorable": Tone.GOOD,
    "delete": Tone.WARN,
}
_CHINESE = {
    "COMPLETED": "已完成",
    "CACHED": "已缓存",
    "RESTORED": "已恢复",
    "RUNNING": "运行中",
    "QUEUED": "排队中",
    "PENDING": "等待中",
    "SKIPPED": "已跳过",
    "CANCELLED": "已取消",
    "FAILED": "失败",
    "INTERRUPTED": "已中断",
    "added": "新增",
    "untracked": "未跟踪",
    "modified": "修改",
    "deleted": "删除",
    "not_pulled": "未拉取",
    "renamed": "重命名",
    "conflicted": "冲突",
    "unchanged": "未更改",
    "unrecorded": "未记录",
    "up_to_date": "已是最新",
    "fast_forward": "快进",
    "merged": "已合并",
    "both_modified": "双方修改",
    "both_added": "双方新增",
    "both_deleted": "双方删除",
    "deleted_by_us": "我方删除",
    "deleted_by_them": "对方删除",
    "added_by_us": "我方新增",
    "added_by_them": "对方新增",
    "code": "代码",
    "notebook": "笔记本",
    "data": "数据",
    "run": "运行",
    "cached": "已缓存",
    "restorable": "可恢复",
    "frozen": "已冻结",
    "write": "写入",
    "delete": "删除",
    "checkout": "检出",
    "missing": "缺失",
    "damaged": "损坏",
    "git": "git",
    "cache": "缓存",
    "remote": "远程存储",
    "workspace": "工作区",
    "fetch": "获取",
    "library": "组件库",
    "script": "脚本",
    "shell": "命令",
    "project": "项目",
}


def _noted(place: str, reason: str) -> list[Cell]:
    return [Cell(f"  {place}: " if place else "  ", Tone.FAINT), Cell(reason)]


class Views:
    """Every result in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._chinese = language.startswith("zh")

    def say(self, en: str, zh: str, **facts: Any) -> str:
        """One sentence in the reader's language."""
        return Words(en, zh).fill(**facts).in_(self._language)

    def error(self, body: JSON) -> list[Block]:
        """Code and message, the fields at fault, what to do."""
        rows = [[Cell(f"{body['code']}  ", Tone.BAD), Cell(str(body["message"]))]]
        for fault in body.get("errors") or []:
            field = f"  {fault['field']}: " if fault["field"] else "  "
            rows.append([Cell(field, Tone.STRONG), Cell(fault["message"])])
        if body.get("solution"):
            rows.append([Cell(f"→ {body['solution']}", Tone.FAINT)])
        return [Lines(rows)]

    def text(self, text: str) -> Lines:
        """What a program printed, as it printed it."""
        return Lines([[Cell(row)] for row in text.splitlines()], fixed=True)

    def status(self, status: JSON) -> list[Block]:
        branch = status["branch"] or self.say("detached", "游离")
        head = (status["head"] or DASH)[:8]
        blocks: list[Block] = [
            Lines([[Cell(branch, Tone.STRONG), Cell(f"  {head}", Tone.FAINT)]]),
        ]
        if status.get("operation"):
            blocks.append(
                line(
                    self.say("In progress: {what}", "进行中：{what}", what=status["operation"]),
                    Tone.WARN,
                )
            )
        lock, outbox = status.get("lock"), status.get("outbox")
        if lock:
            text = self.say(
                "Busy: {operation} by {who} since {since}",
                "占用中：{operation}，由 {who} 自 {since} 起",
                **lock,
            )
            blocks.append(line(text, Tone.BUSY))
        if outbox:
            text = self.say(
                "Snapshots whose data waits for the remote: {shown}",
                "数据等待上传到远程存储的快照：{shown}",
                shown=", ".join(sha[:8] for sha in outbox),
            )
            blocks.append(line(text, Tone.WARN))
        restored = status.get("restored")
        if restored:
            text = self.say(
                "Files are as in {short} “{subject}”. Return with `jupyter mlws restore HEAD`, or "
                "keep them with `jupyter mlws commit`.",
                "文件内容与 {short}“{subject}”一致。用 `jupyter mlws restore HEAD` 返回，"
                "或用 `jupyter mlws commit` 保留。",
                **restored,
            )
            blocks.append(line(text, Tone.WARN))
        if not status["changes"]:
            return [*blocks, line(self.say("Nothing has changed.", "没有更改。"), Tone.FAINT)]
        changes = {change["path"]: change for change in status["changes"]}
        new = {path for path, change in changes.items() if change["state"] == "untracked"}
        folders = [row for row in by_folder(new) if row[1] > 1]
        inside = tuple(folder for folder, _ in folders)
        rows = [
            self._changed(change)
            for path, change in changes.items()
            if path not in new or not path.startswith(inside)
        ]
        for folder, count in folders:
            size = sum(changes[path]["size"] or 0 for path in new if path.startswith(folder))
            shown = self.say("{count} files", "{count} 个文件", count=count)
            rows.append(
                [self.word("untracked"), Cell(shown, Tone.FAINT), Cell(folder), Cell(size_of(size))]
            )
        columns = [("State", "状态"), ("Kind", "类型"), ("Path", "路径"), ("Size", "大小")]
        return [
            *blocks,
            self.table(columns, rows),
            *self.pull_hint(change["state"] for change in status["changes"]),
            *([line(self.say(*TRACK_HINT), Tone.FAINT)] if folders else []),
        ]

    def _changed(self, change: JSON) -> list[Cell]:
        # Nothing says yet what a new file is: it may be code or data.
        new = change["state"] == "untracked" and change["kind"] == "code"
        kind = Cell(self.say("file", "文件")) if new else self.word(change["kind"])
        return [
            self.word(change["state"]),
            kind,
            Cell(_moved(change)),
            Cell(size_of(change["size"])),
        ]

    def pull_hint(self, states: Iterable[str]) -> list[Block]:
        """How to get data that is not pulled, where a state says so."""
        if NOT_PULLED not in states:
            return []
        text = self.say(
            "Pull the data with: jupyter mlws data pull",
            "拉取数据：jupyter mlws data pull",
        )
        return [line(text, Tone.FAINT)]

    def waiting(self, holder: Holder) -> str:
        """For whose work it is waited."""
        return self.say(
            "Waiting: {operation} by {who} holds the workspace since {since}.",
            "等待中：{who} 自 {since} 起占用工作区（{operation}）。",
            operation=holder.operation,
            who=holder.who,
            since=holder.since,
        )

    def committed(self, snapshot: JSON) -> list[Block]:
        counts = self.say(
            "code {code}, data {data}, notebooks {notebook}",
            "代码 {code}，数据 {data}，笔记本 {notebook}",
            **snapshot["stats"],
        )
        head = [Cell(f"{snapshot['short']}  ", Tone.WARN), Cell(snapshot["subject"], Tone.STRONG)]
        warnings = [[Cell(warning, Tone.WARN)] for warning in snapshot.get("warnings", [])]
        return [Lines([head, [Cell(counts, Tone.FAINT)], *warnings])]

    def history(self, snapshots: Sequence[JSON]) -> list[Block]:
        if not snapshots:
            return [line(self.say("No snapshot yet.", "还没有快照。"), Tone.FAINT)]
        rows = [
            [
                Cell(s["short"], Tone.WARN),
                Cell(s["subject"], Tone.STRONG if s["current"] else Tone.PLAIN),
                Cell(", ".join(s["refs"]), Tone.BUSY),
                Cell(s["author"]["name"]),
                Cell(when_of(s["timestamp"]), Tone.FAINT),
                Cell(str(len(s["runs"]) or ""), Tone.FAINT),
            ]
            for s in snapshots
        ]
        columns = [
            ("Snapshot", "快照"),
            ("Message", "说明"),
            ("Refs", "引用"),
            ("Author", "作者"),
            ("Time", "时间"),
            ("Runs", "运行"),
        ]
        return [self.table(columns, rows)]

    def diff(self, diff: JSON) -> list[Block]:
        if "unified" in diff:
            return [self._unified(diff)]
        blocks: list[Block] = []
        if diff["files"]:
            rows = [
                [
                    self.word(f["state"]),
                    Cell(_moved(f)),
                    # Data and binary files have no lines.
                    Cell("" if f["additions"] is None else f"+{f['additions']}", Tone.GOOD),
                    Cell("" if f["deletions"] is None else f"-{f['deletions']}", Tone.BAD),
                ]
                for f in diff["files"]
            ]
            blocks.append(
                self.table([("State", "状态"), ("Path", "路径"), ("+", "+"), ("-", "-")], rows)
            )
        if diff.get("data"):
            blocks.append(self._data(diff["data"]))
        for name, title in (("metrics", ("Metric", "指标")), ("params", ("Parameter", "参数"))):
            if diff.get(name):
                blocks.append(self._values(diff[name], title))
        return blocks or [line(self.say("No difference.", "没有差异。"), Tone.FAINT)]

    def restore_plan(self, plan: JSON) -> list[Block]:
        if plan["nothing"]:
            return [
                line(self.say("Everything is as in that snapshot.", "已与该快照一致。"), Tone.FAINT)
            ]
        rows = [
            [self.word(f["action"]), Cell(f["path"]), Cell(size_of(f.get("size")))]
            for f in [*plan["code"], *plan["data"]]
        ]
        blocks: list[Block] = [
            self.table([("Action", "操作"), ("Path", "路径"), ("Size", "大小")], rows)
        ]
        if plan["bytes_to_fetch"]:
            text = self.say(
                "To fetch: {size}", "需要获取：{size}", size=size_of(plan["bytes_to_fetch"])
            )
            blocks.append(line(text))
        if plan["lost"]:
            kept = self.say(
                "Uncommitted work that is replaced; a safety snapshot keeps it:",
                "将被替换的未提交内容；安全快照会保留：",
            )
            lost = [
                [Cell(f"  {row['path']}  "), Cell(row["reason"], Tone.FAINT)]
                for row in plan["lost"]
            ]
            blocks.append(Lines([[Cell(kept, Tone.WARN)], *lost]))
        if plan["missing"]:
            text = self.say("Data that no store has:", "任何存储中都没有的数据：")
            if plan["unreachable"]:
                text = self.say(
                    "The remote {remote} cannot be reached ({reason}). It is needed for:",
                    "无法连接远程存储 {remote}（{reason}），以下数据需要它：",
                    **plan["unreachable"],
                )
            blocks.append(
                Lines(
                    [[Cell(text, Tone.BAD)], *([Cell(f"  {m['path']}")] for m in plan["missing"])]
                )
            )
        return blocks

    def restored(self, result: JSON) -> list[Block]:
        count = len(result["restored"])
        lines = [[Cell(self.say("Restored: {count}", "已恢复：{count}", count=count), Tone.GOOD)]]
        if result["safety"]:
            text = self.say(
                "What was there before: {sha}", "恢复前的内容：{sha}", sha=result["safety"][:8]
            )
            lines.append([Cell(text, Tone.FAINT)])
        return [Lines(lines)]

    def components(self, components: Iterable[JSON]) -> list[Block]:
        rows = [
            [
                Cell(c["category"], Tone.FAINT),
                Cell(c["name"], Tone.BAD if c["error"] else Tone.STRONG),
                Cell(", ".join(f"{p['name']}: {p['type']}" for p in c["inputs"])),
                Cell(", ".join(f"{p['name']}: {p['type']}" for p in c["outputs"])),
                Cell(c["error"] or c["description"]),
            ]
            for c in components
        ]
        columns = [
            ("Category", "类别"),
            ("Name", "名称"),
            ("Takes", "输入"),
            ("Makes", "输出"),
            ("Description", "说明"),
        ]
        return [self.table(columns, rows)]

    def imported(self, made: JSON) -> list[Block]:
        """The nodes with what comes before each, the notes, and a text that is not written."""
        workflow = made["workflow"]
        before: dict[str, list[str]] = {}
        for edge in workflow["edges"]:
            names = before.setdefault(edge["target"], [])
            if edge["source"] not in names:
                names.append(edge["source"])
        rows = [
            [
                Cell(node["id"], Tone.STRONG),
                Cell(self.say(node["type"], _CHINESE.get(node["type"], node["type"]))),
                Cell(", ".join(before.get(node["id"], ())) or DASH, Tone.FAINT),
            ]
            for node in workflow["nodes"]
        ]
        columns = [("Node", "节点"), ("Kind", "类型"), ("After", "前置节点")]
        blocks: list[Block] = [self.table(columns, rows)]
        if made["notes"]:
            title = self.say("Not carried over as it was:", "未能原样导入的内容：")
            blocks.append(line(title, Tone.WARN))
            blocks.append(Lines([_noted(n["place"], n["reason"]) for n in made["notes"]]))
        blocks += [
            line(f"{p['node'] or ''}: {p['message']}", Tone.WARN) for p in workflow["problems"]
        ]
        return [*blocks, *self._written(made)]

    def _written(self, made: JSON) -> list[Block]:
        path = made["workflow"]["path"]
        if made["written"]:
            return [line(self.say("Made {path}.", "已创建 {path}。", path=path), Tone.GOOD)]
        files = [file["path"] for file in made["files"]]
        told = [line(self.say("Would make {path}:", "将创建 {path}：", path=path), Tone.STRONG)]
        shown = Lines([[Cell(row)] for row in made["text"].splitlines()], fixed=True)
        return [*told, shown, *(line(f"+ {file}", Tone.FAINT) for file in files)]

    def plan(self, plan: JSON) -> list[Block]:
        rows = [
            [
                Cell(n["id"], Tone.STRONG),
                self.word(n["action"]),
                Cell(", ".join(n["reasons"]), Tone.FAINT),
                Cell(_seconds(n["estimate_seconds"]), Tone.FAINT),
            ]
            for n in plan["nodes"]
        ]
        text = self.say(
            "{run} to run, {restorable} to restore, {cached} cached",
            "{run} 个运行，{restorable} 个恢复，{cached} 个已缓存",
            **plan["summary"],
        )
        columns = [("Node", "节点"), ("Action", "操作"), ("Why", "原因"), ("About", "预计")]
        return [self.table(columns, rows), line(text, Tone.STRONG), *self._prospects(plan)]

    def _prospects(self, plan: JSON) -> list[Block]:
        """How long it would take, and what could be accepted as unchanged."""
        blocks: list[Block] = []
        if plan["summary"]["run"] and plan["estimate_seconds"] is not None:
            about = self.say(
                "About {time} with {jobs} at once",
                "并行 {jobs} 个时预计 {time}",
                time=_seconds(plan["estimate_seconds"]),
                jobs=plan["jobs"],
            )
            if plan["without_estimate"]:
                about += self.say(
                    ", without {count} that never ran",
                    "，不含从未运行的 {count} 个",
                    count=plan["without_estimate"],
                )
            blocks.append(line(about, Tone.FAINT))
        waiting = [n["id"] for n in plan["nodes"] if n["cosmetic"] and n["action"] == "run"]
        if waiting:
            text = self.say(
                "Only looks have changed: {nodes}. --accept-cosmetic takes them as unchanged.",
                "仅书写形式有更改：{nodes}。使用 --accept-cosmetic 可视为未更改。",
                nodes=", ".join(waiting),
            )
            blocks.append(line(text, Tone.GOOD))
        return blocks

    def sweeps(self, sweeps: JSON) -> list[Block]:
        """A table for every sweep, the best variant first."""
        if not sweeps["items"]:
            return [line(self.say("No sweep here.", "此处没有参数扫描。"), Tone.FAINT)]
        return [block for sweep in sweeps["items"] for block in self._sweep(sweep)]

    def _sweep(self, sweep: JSON) -> list[Block]:
        metrics = sorted(sweep["metrics"], key=lambda name: name != sweep["metric"])
        values = list(dict.fromkeys(name for v in sweep["variants"] for name in v["values"]))
        rows = [
            [
                Cell("★" if v["best"] else str(v["rank"] or DASH)),
                Cell(v["id"].partition("@")[2], Tone.GOOD if v["best"] else Tone.STRONG),
                self.word(v["status"] or DASH),
                Cell(_seconds(v["duration"]), Tone.FAINT),
                *(Cell(_value(v["values"].get(name))) for name in values),
                *(Cell(number_of(v["metrics"].get(name))) for name in metrics),
            ]
            for v in sweep["variants"]
        ]
        columns = [("#", "#"), ("Variant", "变体"), ("Status", "状态"), ("Time", "用时")]
        columns += [(name, name) for name in [*values, *metrics]]
        blocks: list[Block] = [
            Lines(
                [[Cell(sweep["name"], Tone.STRONG), Cell(f"  {self._ranked(sweep)}", Tone.FAINT)]]
            ),
            self.table(columns, rows),
        ]
        errors = [v["error"] for v in sweep["variants"] if v["error"]]
        return [*blocks, *(line(error, Tone.BAD) for error in errors)]

    def _ranked(self, sweep: JSON) -> str:
        if not sweep["metric"]:
            return self.say("no metrics yet", "尚无指标")
        if sweep["mode"] == "min":
            return self.say(
                "{metric}, less is better", "{metric}，越小越好", metric=sweep["metric"]
            )
        return self.say("{metric}, more is better", "{metric}，越大越好", metric=sweep["metric"])

    def promoted(self, promoted: JSON) -> list[Block]:
        text = self.say(
            "{sweep} is now what {variant} was.", "{sweep} 现为原来的 {variant}。", **promoted
        )
        kept = self.say("The text before: .git/{kept_in}", "原文本：.git/{kept_in}", **promoted)
        return [Lines([[Cell(text, Tone.GOOD)], [Cell(kept, Tone.FAINT)]])]

    def run(self, run: JSON) -> list[Block]:
        """A run with a line for every node."""
        now = time.time()
        rows = [
            [
                Cell(n["id"], Tone.STRONG),
                self.word(n["status"]),
                Cell(_seconds(_elapsed(n, now)), Tone.FAINT),
                Cell(_reason(n), Tone.FAINT),
            ]
            for n in run["nodes"]
        ]
        return [
            self.table([("Node", "节点"), ("Status", "状态"), ("Time", "用时"), ("", "")], rows),
            *self.run_end(run),
        ]

    def run_end(self, run: JSON) -> list[Block]:
        """How a run stands, in a line; its error below."""
        head = [
            Cell(f"{run['id']}  ", Tone.FAINT),
            self.word(run["status"]),
            Cell(f"  {_seconds(_elapsed(run, time.time()))}", Tone.FAINT),
        ]
        blocks: list[Block] = [Lines([head])]
        error = run["error"]
        if error:
            blocks.append(
                Lines(
                    [
                        [
                            Cell(f"{error.get('code') or ''}  ", Tone.BAD),
                            Cell(str(error.get("message") or "")),
                        ]
                    ]
                )
            )
        return [*blocks, *self._dvc_stages(run["nodes"])]

    def _dvc_stages(self, nodes: Sequence[JSON]) -> list[Block]:
        """The stages that DVC's own code hashed and stored, by the reason for it."""
        stages: dict[str, list[str]] = {}
        for node in nodes:
            if node["dvc_reason"]:
                stages.setdefault(node["dvc_reason"], []).append(node["id"])
        return [
            line(
                self.say(
                    "Stages run by DVC's own, slower code ({reason}): {stages}",
                    "由 DVC 自身（较慢）的代码运行的阶段（{reason}）：{stages}",
                    reason=reason,
                    stages=", ".join(names),
                ),
                Tone.FAINT,
            )
            for reason, names in stages.items()
        ]

    def node_line(self, node: JSON) -> list[Block]:
        """One node's news, for output that only grows."""
        return [
            Lines(
                [
                    [
                        Cell(f"{node['id']}  "),
                        self.word(node["status"]),
                        Cell(f"  {_seconds(node['duration'])}".rstrip(f" {DASH}")),
                    ]
                ]
            )
        ]

    def runs(self, runs: Sequence[JSON], *, wide: bool = False) -> list[Block]:
        if not runs:
            return [line(self.say("No run yet.", "还没有运行。"), Tone.FAINT)]
        metrics = sorted({name for run in runs for name in run["metrics"]})
        rows = [
            [
                Cell(r["run"] or r["id"] or "", Tone.STRONG),
                self.word(r["status"]),
                Cell(when_of(r["started"]), Tone.FAINT),
                Cell(_seconds(r["duration"]), Tone.FAINT),
                *(Cell(number_of(r["metrics"].get(name))) for name in metrics),
                Cell((r["commit"] or "")[:8], Tone.WARN),
                Cell(r["workflow"] or "", Tone.FAINT),
            ]
            for r in runs
        ]
        columns = [
            ("Run", "运行"),
            ("Status", "状态"),
            ("Started", "开始"),
            ("Time", "用时"),
            *((name, name) for name in metrics),
            ("Commit", "提交"),
            ("Workflow", "工作流"),
        ]
        return [self.fitted(columns, rows, "runs", wide=wide)]

    def projects(self, projects: Iterable[JSON]) -> list[Block]:
        rows = [
            [
                Cell(p["name"], Tone.STRONG),
                Cell(p["path"]),
                Cell(p["branch"] or DASH, Tone.BUSY),
                Cell((p["head"] or DASH)[:8], Tone.WARN),
            ]
            for p in projects
        ]
        if not rows:
            return [line(self.say("No project here.", "此处没有项目。"), Tone.FAINT)]
        return [
            self.table(
                [("Name", "名称"), ("Path", "路径"), ("Branch", "分支"), ("Commit", "提交")], rows
            )
        ]

    def trust(self, answer: JSON) -> list[Block]:
        path = answer["path"]
        if answer["trusted"]:
            return [line(self.say(f"{path} is trusted now.", f"已信任 {path}。"), Tone.GOOD)]
        return [line(self.say(f"{path} is not trusted any more.", f"已不再信任 {path}。"))]

    def table(self, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Cell]]) -> Table:
        """Rows below the names of their columns, each (English, Chinese)."""
        return Table([zh if self._chinese else en for en, zh in columns], rows)

    def fitted(
        self,
        columns: Sequence[tuple[str, str]],
        rows: Sequence[Sequence[Cell]],
        command: str,
        *,
        wide: bool,
    ) -> Table:
        """A table that a terminal shows with the columns that fit, or all of them if ``wide``."""
        hint = self.say(
            "Some columns do not fit: `{command} --wide` shows all.",
            "部分列未显示：`{command} --wide` 显示全部列。",
            command=command,
        )
        table = self.table(columns, rows)
        return replace(table, required=len(columns) if wide else 2, hint=hint)

    def word(self, word: str) -> Cell:
        """A word of the API in the reader's language and its colour."""
        shown = _CHINESE.get(word, word) if self._chinese else word.replace("_", " ")
        return Cell(shown, _TONES.get(word, Tone.PLAIN))

    def _unified(self, diff: JSON) -> Lines:
        if diff["binary"]:
            return line(
                self.say(
                    "Binary file {path} differs.", "二进制文件 {path} 不同。", path=diff["path"]
                )
            )
        rows = [[Cell(text, _diff_tone(text))] for text in diff["unified"].splitlines()]
        if diff["truncated"]:
            rows.append([Cell(self.say("… cut here", "…… 后续已截断"), Tone.FAINT)])
        return Lines(rows, fixed=True)

    def _data(self, rows: Sequence[JSON]) -> Table:
        cells = [
            [
                self.word(row["state"]),
                Cell(row["path"]),
                Cell(size_of(row["from_size"])),
                Cell(size_of(row["to_size"])),
            ]
            for row in rows
        ]
        columns = [("State", "状态"), ("Data", "数据"), ("From", "从"), ("To", "到")]
        return self.table(columns, cells)

    def _values(self, rows: Sequence[JSON], title: tuple[str, str]) -> Table:
        cells = [
            [
                Cell(row["name"], Tone.STRONG),
                Cell(number_of(row["from"])),
                Cell(number_of(row["to"])),
            ]
            for row in rows
        ]
        return self.table([title, ("From", "从"), ("To", "到")], cells)


def _diff_tone(text: str) -> Tone:
    if text.startswith(("+++", "---", "diff ", "index ")):
        return Tone.STRONG
    if text.startswith("@@"):
        return Tone.BUSY
    return {"+": Tone.GOOD, "-": Tone.BAD}.get(text[:1], Tone.PLAIN)


def _moved(change: JSON) -> str:
    old = change.get("old_path")
    return f"{old} → {change['path']}" if old else str(change["path"])


def size_of(size: int | None) -> str:
    """Bytes for people."""
    if size is None:
        return ""
    amount = float(size)
    for unit in UNITS:
        if amount < 1000 or unit == UNITS[-1]:
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return DASH
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _elapsed(record: JSON, now: float) -> float | None:
    if record["duration"] is not None:
        return float(record["duration"])
    started = _time(record["started"])
    return max(0.0, now - started) if started is not None else None


def _time(moment: Any) -> float | None:
    """Seconds since 1970 of a time, which the API writes as such a number or in ISO 8601."""
    if moment is None:
        return None
    if isinstance(moment, int | float):
        return float(moment)
    # Python 3.10 reads no "Z".
    return datetime.fromisoformat(str(moment).replace("Z", "+00:00")).timestamp()


def when_of(moment: Any) -> str:
    """A time of the API, on this machine's clock."""
    seconds = _time(moment)
    if seconds is None:
        return DASH
    local = datetime.fromtimestamp(seconds, timezone.utc).astimezone()
    return local.strftime("%Y-%m-%d %H:%M")


def number_of(value: Any) -> str:
    """A value of a table, floats not too long."""
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _reason(node: JSON) -> str:
    error = node["error"]
    if error:
        return str(error.get("message") if isinstance(error, dict) else error)
    return ", ".join(node["reasons"] or [])


def _value(value: Any) -> str:
    """A value of a sweep on one line."""
    if value is None:
        return DASH
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
