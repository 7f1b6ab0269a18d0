"""What is shown of each result: JSON of the API to tables and lines, in the reader's language."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from jupyter_mlws.cli.console import Block, Cell, Lines, Table, Tone, line
from jupyter_mlws.core.i18n import Message, term
from jupyter_mlws.core.locking import Holder
from jupyter_mlws.core.paths import fold_paths

JSON = dict[str, Any]
DASH = "–"
TRACK_HINT = Message("To track a data folder: jupyter mlws data add PATH")
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


def _format_note(place: str, reason: str) -> list[Cell]:
    return [Cell(f"  {place}: " if place else "  ", Tone.FAINT), Cell(reason)]


class Views:
    """Renders every result in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def say(self, text: str, **facts: Any) -> str:
        """One sentence in the reader's language."""
        return Message(text, **facts).in_(self._language)

    def error(self, body: JSON) -> list[Block]:
        """Render the code and message of an error, its invalid fields, and the solution."""
        rows = [[Cell(f"{body['code']}  ", Tone.BAD), Cell(str(body["message"]))]]
        for fault in body.get("errors") or []:
            field = f"  {fault['field']}: " if fault["field"] else "  "
            rows.append([Cell(field, Tone.STRONG), Cell(fault["message"])])
        if body.get("solution"):
            rows.append([Cell(f"→ {body['solution']}", Tone.FAINT)])
        return [Lines(rows)]

    def text(self, text: str) -> Lines:
        """Return the output of a program, unchanged."""
        return Lines([[Cell(row)] for row in text.splitlines()], fixed=True)

    def status(self, status: JSON) -> list[Block]:
        branch = status["branch"] or self.say("detached HEAD")
        head = (status["head"] or DASH)[:8]
        blocks: list[Block] = [
            Lines([[Cell(branch, Tone.STRONG), Cell(f"  {head}", Tone.FAINT)]]),
        ]
        if status.get("operation"):
            blocks.append(
                line(
                    self.say("In progress: {what}", what=status["operation"]),
                    Tone.WARN,
                )
            )
        lock, outbox = status.get("lock"), status.get("outbox")
        if lock:
            text = self.say("Busy: {operation} by {who} since {since}", **lock)
            blocks.append(line(text, Tone.BUSY))
        if outbox:
            text = self.say(
                "Snapshots whose data is not uploaded yet: {shown}",
                shown=", ".join(sha[:8] for sha in outbox),
            )
            blocks.append(line(text, Tone.WARN))
        snapshot = status.get("restored")
        if snapshot:
            text = self.say(
                "The files were restored to {short} “{subject}”. Return with "
                "`jupyter mlws restore HEAD`, or keep them with `jupyter mlws commit`.",
                **snapshot,
            )
            blocks.append(line(text, Tone.WARN))
        if not status["changes"]:
            return [*blocks, line(self.say("No changes."), Tone.FAINT)]
        changes = {change["path"]: change for change in status["changes"]}
        new = {path for path, change in changes.items() if change["state"] == "untracked"}
        folders = [row for row in fold_paths(new) if row[1] > 1]
        inside = tuple(folder for folder, _ in folders)
        rows = [
            self._format_change(change)
            for path, change in changes.items()
            if path not in new or not path.startswith(inside)
        ]
        for folder, count in folders:
            size = sum(changes[path]["size"] or 0 for path in new if path.startswith(folder))
            count_text = self.say("{count} files", count=count)
            rows.append(
                [
                    self.word("untracked"),
                    Cell(count_text, Tone.FAINT),
                    Cell(folder),
                    Cell(size_of(size)),
                ]
            )
        columns = [Message("State"), Message("Kind"), Message("Path"), Message("Size")]
        return [
            *blocks,
            self.table(columns, rows),
            *self.pull_hint(change["state"] for change in status["changes"]),
            *([line(TRACK_HINT.in_(self._language), Tone.FAINT)] if folders else []),
        ]

    def _format_change(self, change: JSON) -> list[Cell]:
        # Nothing says yet what a new file is: it may be code or data.
        new = change["state"] == "untracked" and change["kind"] == "code"
        kind = Cell(self.say("file")) if new else self.word(change["kind"])
        return [
            self.word(change["state"]),
            kind,
            Cell(_format_path(change)),
            Cell(size_of(change["size"])),
        ]

    def pull_hint(self, states: Iterable[str]) -> list[Block]:
        """Return a hint how to pull data if one of ``states`` is "not pulled"."""
        if NOT_PULLED not in states:
            return []
        text = self.say("To pull the data: jupyter mlws data pull")
        return [line(text, Tone.FAINT)]

    def waiting(self, holder: Holder) -> str:
        """Return a message about the operation that is waited for."""
        return self.say(
            "Waiting for another operation to finish: {operation} by {who}, since {since}.",
            operation=holder.operation,
            who=holder.who,
            since=holder.since,
        )

    def committed(self, snapshot: JSON) -> list[Block]:
        counts = self.say("code {code}, data {data}, notebooks {notebook}", **snapshot["stats"])
        head = [Cell(f"{snapshot['short']}  ", Tone.WARN), Cell(snapshot["subject"], Tone.STRONG)]
        warnings = [[Cell(warning, Tone.WARN)] for warning in snapshot.get("warnings", [])]
        return [Lines([head, [Cell(counts, Tone.FAINT)], *warnings])]

    def history(self, snapshots: Sequence[JSON]) -> list[Block]:
        if not snapshots:
            return [line(self.say("No snapshots yet."), Tone.FAINT)]
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
            Message("Snapshot"),
            Message("Message"),
            Message("Refs"),
            Message("Author"),
            Message("Time"),
            Message("Runs"),
        ]
        return [self.table(columns, rows)]

    def diff(self, diff: JSON) -> list[Block]:
        if "unified" in diff:
            return [self._format_unified_diff(diff)]
        blocks: list[Block] = []
        if diff["files"]:
            rows = [
                [
                    self.word(f["state"]),
                    Cell(_format_path(f)),
                    # Data and binary files have no lines.
                    Cell("" if f["additions"] is None else f"+{f['additions']}", Tone.GOOD),
                    Cell("" if f["deletions"] is None else f"-{f['deletions']}", Tone.BAD),
                ]
                for f in diff["files"]
            ]
            blocks.append(
                self.table([Message("State"), Message("Path"), Message("+"), Message("-")], rows)
            )
        if diff.get("data"):
            blocks.append(self._data(diff["data"]))
        for name, title in (("metrics", Message("Metric")), ("params", Message("Parameter"))):
            if diff.get(name):
                blocks.append(self._values(diff[name], title))
        return blocks or [line(self.say("No differences."), Tone.FAINT)]

    def restore_plan(self, plan: JSON) -> list[Block]:
        if plan["nothing"]:
            text = self.say("Nothing to restore: the files already match this snapshot.")
            return [line(text, Tone.FAINT)]
        rows = [
            [self.word(f["action"]), Cell(f["path"]), Cell(size_of(f.get("size")))]
            for f in [*plan["code"], *plan["data"]]
        ]
        blocks: list[Block] = [
            self.table([Message("Action"), Message("Path"), Message("Size")], rows)
        ]
        if plan["bytes_to_fetch"]:
            text = self.say("To download: {size}", size=size_of(plan["bytes_to_fetch"]))
            blocks.append(line(text))
        if plan["lost"]:
            title = self.say(
                "Uncommitted changes that will be replaced (a safety copy keeps them):"
            )
            lost_rows = [
                [Cell(f"  {row['path']}  "), Cell(row["reason"], Tone.FAINT)]
                for row in plan["lost"]
            ]
            blocks.append(Lines([[Cell(title, Tone.WARN)], *lost_rows]))
        if plan["missing"]:
            text = self.say("Data not stored anywhere:")
            if plan["unreachable"]:
                text = self.say(
                    "Can't reach the remote {remote} ({reason}). It is needed for:",
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
        lines = [[Cell(self.say("Restored: {count}", count=count), Tone.GOOD)]]
        if result["safety"]:
            text = self.say("Your previous work was kept as {sha}.", sha=result["safety"][:8])
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
            Message("Category"),
            Message("Name"),
            Message("Inputs"),
            Message("Outputs"),
            Message("Description"),
        ]
        return [self.table(columns, rows)]

    def import_result(self, result: JSON) -> list[Block]:
        """Render the nodes with their upstream nodes, the notes, and the text if not written."""
        workflow = result["workflow"]
        before: dict[str, list[str]] = {}
        for edge in workflow["edges"]:
            names = before.setdefault(edge["target"], [])
            if edge["source"] not in names:
                names.append(edge["source"])
        rows = [
            [
                Cell(node["id"], Tone.STRONG),
                Cell(term(node["type"], self._language)),
                Cell(", ".join(before.get(node["id"], ())) or DASH, Tone.FAINT),
            ]
            for node in workflow["nodes"]
        ]
        columns = [Message("Node"), Message("Kind"), Message("Upstream")]
        blocks: list[Block] = [self.table(columns, rows)]
        if result["notes"]:
            title = self.say("Could not be imported as is:")
            blocks.append(line(title, Tone.WARN))
            blocks.append(Lines([_format_note(n["place"], n["reason"]) for n in result["notes"]]))
        blocks += [
            line(f"{p['node'] or ''}: {p['message']}", Tone.WARN) for p in workflow["problems"]
        ]
        return [*blocks, *self._format_import_outcome(result)]

    def _format_import_outcome(self, result: JSON) -> list[Block]:
        path = result["workflow"]["path"]
        if result["written"]:
            return [line(self.say("Created {path}.", path=path), Tone.GOOD)]
        files = [file["path"] for file in result["files"]]
        header = [line(self.say("Would create {path}:", path=path), Tone.STRONG)]
        preview = Lines([[Cell(row)] for row in result["text"].splitlines()], fixed=True)
        return [*header, preview, *(line(f"+ {file}", Tone.FAINT) for file in files)]

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
        text = self.say("{run} to run, {restorable} to restore, {cached} cached", **plan["summary"])
        columns = [Message("Node"), Message("Action"), Message("Reason"), Message("Estimate")]
        return [self.table(columns, rows), line(text, Tone.STRONG), *self._format_plan_notes(plan)]

    def _format_plan_notes(self, plan: JSON) -> list[Block]:
        """Render the estimated duration, and the nodes that could be accepted as unchanged."""
        blocks: list[Block] = []
        if plan["summary"]["run"] and plan["estimate_seconds"] is not None:
            about = self.say(
                "About {time} with {jobs} in parallel",
                time=_seconds(plan["estimate_seconds"]),
                jobs=plan["jobs"],
            )
            if plan["without_estimate"]:
                about += self.say(
                    ", excluding {count} that never ran", count=plan["without_estimate"]
                )
            blocks.append(line(about, Tone.FAINT))
        waiting = [n["id"] for n in plan["nodes"] if n["cosmetic"] and n["action"] == "run"]
        if waiting:
            text = self.say(
                "Only cosmetic changes: {nodes}. Use --accept-cosmetic to treat them as unchanged.",
                nodes=", ".join(waiting),
            )
            blocks.append(line(text, Tone.GOOD))
        return blocks

    def sweeps(self, sweeps: JSON) -> list[Block]:
        """A table for every sweep, the best variant first."""
        if not sweeps["items"]:
            text = self.say("No sweeps in this workflow.")
            return [line(text, Tone.FAINT)]
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
        columns = [Message("#"), Message("Variant"), Message("Status"), Message("Duration")]
        columns += [Message.verbatim(name) for name in [*values, *metrics]]
        blocks: list[Block] = [
            Lines(
                [
                    [
                        Cell(sweep["name"], Tone.STRONG),
                        Cell(f"  {self._describe_ranking(sweep)}", Tone.FAINT),
                    ]
                ]
            ),
            self.table(columns, rows),
        ]
        errors = [v["error"] for v in sweep["variants"] if v["error"]]
        return [*blocks, *(line(error, Tone.BAD) for error in errors)]

    def _describe_ranking(self, sweep: JSON) -> str:
        if not sweep["metric"]:
            return self.say("no metrics yet")
        if sweep["mode"] == "min":
            return self.say("{metric}, lower is better", metric=sweep["metric"])
        return self.say("{metric}, higher is better", metric=sweep["metric"])

    def promoted(self, result: JSON) -> list[Block]:
        text = self.say("Replaced the sweep {sweep} with {variant}.", **result)
        note = self.say("The previous text is kept in .git/{kept_in}", **result)
        return [Lines([[Cell(text, Tone.GOOD)], [Cell(note, Tone.FAINT)]])]

    def run(self, run: JSON) -> list[Block]:
        """A run with a line for every node."""
        now = time.time()
        rows = [
            [
                Cell(n["id"], Tone.STRONG),
                self.word(n["status"]),
                Cell(_seconds(_elapsed_seconds(n, now)), Tone.FAINT),
                Cell(_reason(n), Tone.FAINT),
            ]
            for n in run["nodes"]
        ]
        return [
            self.table(
                [Message("Node"), Message("Status"), Message("Duration"), Message.verbatim("")],
                rows,
            ),
            *self.run_end(run),
        ]

    def run_end(self, run: JSON) -> list[Block]:
        """Render the status of a run on one line, and its error below."""
        head = [
            Cell(f"{run['id']}  ", Tone.FAINT),
            self.word(run["status"]),
            Cell(f"  {_seconds(_elapsed_seconds(run, time.time()))}", Tone.FAINT),
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
        """Render the stages that DVC's own code hashed and stored, grouped by the reason."""
        stages: dict[str, list[str]] = {}
        for node in nodes:
            if node["dvc_reason"]:
                stages.setdefault(node["dvc_reason"], []).append(node["id"])
        return [
            line(
                self.say(
                    "Stages run by DVC itself, which is slower ({reason}): {stages}",
                    reason=reason,
                    stages=", ".join(names),
                ),
                Tone.FAINT,
            )
            for reason, names in stages.items()
        ]

    def node_line(self, node: JSON) -> list[Block]:
        """Render the status of one node, for output that can only be appended to."""
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
            return [line(self.say("No runs yet."), Tone.FAINT)]
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
            Message("Run"),
            Message("Status"),
            Message("Started"),
            Message("Time"),
            *(Message.verbatim(name) for name in metrics),
            Message("Commit"),
            Message("Workflow"),
        ]
        return [self.responsive_table(columns, rows, "runs", wide=wide)]

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
            return [line(self.say("No projects yet."), Tone.FAINT)]
        return [
            self.table(
                [Message("Name"), Message("Path"), Message("Branch"), Message("Commit")], rows
            )
        ]

    def trust(self, answer: JSON) -> list[Block]:
        path = answer["path"]
        if answer["trusted"]:
            return [line(self.say("{path} is now trusted.", path=path), Tone.GOOD)]
        return [line(self.say("{path} is no longer trusted.", path=path))]

    def table(self, columns: Sequence[Message], rows: Sequence[Sequence[Cell]]) -> Table:
        """Rows below the names of their columns."""
        return Table([column.in_(self._language) for column in columns], rows)

    def responsive_table(
        self,
        columns: Sequence[Message],
        rows: Sequence[Sequence[Cell]],
        command: str,
        *,
        wide: bool,
    ) -> Table:
        """A table that a terminal shows with the columns that fit, or all of them if ``wide``."""
        hint = self.say(
            "Some columns are hidden. Use `{command} --wide` to show all.", command=command
        )
        table = self.table(columns, rows)
        return replace(table, required=len(columns) if wide else 2, hint=hint)

    def word(self, word: str) -> Cell:
        """Return a term of the API in the reader's language and in its color."""
        text = term(word, self._language).replace("_", " ")
        return Cell(text, _TONES.get(word, Tone.PLAIN))

    def _format_unified_diff(self, diff: JSON) -> Lines:
        if diff["binary"]:
            return line(self.say("Binary file {path} differs.", path=diff["path"]))
        rows = [[Cell(text, _diff_tone(text))] for text in diff["unified"].splitlines()]
        if diff["truncated"]:
            rows.append([Cell(self.say("… diff truncated"), Tone.FAINT)])
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
        columns = [Message("State"), Message("Data"), Message("From"), Message("To")]
        return self.table(columns, cells)

    def _values(self, rows: Sequence[JSON], title: Message) -> Table:
        cells = [
            [
                Cell(row["name"], Tone.STRONG),
                Cell(number_of(row["from"])),
                Cell(number_of(row["to"])),
            ]
            for row in rows
        ]
        return self.table([title, Message("From"), Message("To")], cells)


def _diff_tone(text: str) -> Tone:
    if text.startswith(("+++", "---", "diff ", "index ")):
        return Tone.STRONG
    if text.startswith("@@"):
        return Tone.BUSY
    return {"+": Tone.GOOD, "-": Tone.BAD}.get(text[:1], Tone.PLAIN)


def _format_path(change: JSON) -> str:
    old = change.get("old_path")
    return f"{old} → {change['path']}" if old else str(change["path"])


def size_of(size: int | None) -> str:
    """Return a number of bytes in human-readable units."""
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


def _elapsed_seconds(record: JSON, now: float) -> float | None:
    if record["duration"] is not None:
        return float(record["duration"])
    started = _time(record["started"])
    return max(0.0, now - started) if started is not None else None


def _time(moment: Any) -> float | None:
    """Return a time of the API (a number, or text in ISO 8601) as seconds since 1970."""
    if moment is None:
        return None
    if isinstance(moment, int | float):
        return float(moment)
    # Python 3.10 reads no "Z".
    return datetime.fromisoformat(str(moment).replace("Z", "+00:00")).timestamp()


def when_of(moment: Any) -> str:
    """Return a time of the API in this machine's time zone."""
    seconds = _time(moment)
    if seconds is None:
        return DASH
    local = datetime.fromtimestamp(seconds, timezone.utc).astimezone()
    return local.strftime("%Y-%m-%d %H:%M")


def number_of(value: Any) -> str:
    """Return a value of a table as text; floats have five significant digits."""
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
