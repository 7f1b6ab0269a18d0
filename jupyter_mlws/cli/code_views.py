"""Views of merges, staging, branches, tags, stashes, safety copies, verification and models."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.views import (
    COMMIT,
    DASH,
    JSON,
    TIME,
    Column,
    Views,
    columns_of,
)
from mlws.core.i18n import Message, term
from mlws.core.paths import format_size


def merge_result(views: Views, result: JSON) -> list[Block]:
    """Render the result of a merge; with conflicts, also the steps to resolve them."""
    if result["outcome"] == "conflicts":
        return conflicts(views, {"items": result["conflicts"], "operation": "merge"})
    head = [views.word(result["outcome"]), Cell(f"  {result['commit'][:8]}", Tone.WARN)]
    return [Lines([head, *data_lines(views, result["data"])])]


def conflicts(views: Views, result: JSON) -> list[Block]:
    """Render the paths in conflict and the ways to resolve them."""
    command = "merge --" if result["operation"] == "merge" else "operation "
    if not result["items"]:
        if not result["operation"]:
            return [line(views.say("No conflicts."), Tone.FAINT)]
        text = views.say("No conflicts are left. Go on with: {command}continue", command=command)
        return [line(text, Tone.GOOD)]
    table = views.table(
        result["items"],
        Column(Message("Path"), "path", Tone.STRONG),
        Column(Message("Conflict"), lambda row: views.word(row["how"])),
        Column(Message("Kind"), lambda row: views.word(row["kind"])),
    )
    text = views.say(
        "Edit and stage the files, or use merge --ours PATH (or --theirs, --both). Then go on "
        "with {command}continue, or go back with {command}abort.",
        command=command,
    )
    return [table, line(text, Tone.FAINT)]


def operation(views: Views, status: JSON) -> list[Block]:
    """Render the unfinished operation, and the commands that it offers."""
    if not status["operation"]:
        return [line(views.say("Nothing is in progress."), Tone.FAINT)]
    return in_progress(views, status)


def in_progress(views: Views, status: JSON) -> list[Block]:
    """Render the unfinished operation of a status."""
    what = term(status["operation"], views.language)
    blocks: list[Block] = [line(views.say("In progress: {what}", what=what), Tone.WARN)]
    if status["actions"]:
        ways = ", ".join(f"`jupyter mlws operation {action}`" for action in status["actions"])
        blocks.append(line(views.say("Go on with {ways}.", ways=ways), Tone.FAINT))
    return blocks


def operation_step(views: Views, step: JSON) -> list[Block]:
    """Render what an action led to: the end of the operation, or its next conflicts."""
    if step["unfinished"]:
        return conflicts(views, {"items": step["conflicts"], "operation": step["unfinished"]})
    what = term(step["operation"], views.language)
    rows = [[Cell(views.say("Ended: {what}", what=what), Tone.GOOD)]]
    if step["safety"]:
        text = views.say("Your changes were kept as {short}.", short=step["safety"][:8])
        rows.append([Cell(text, Tone.FAINT)])
    return [Lines(rows)]


def abort_result(views: Views, result: JSON) -> list[Block]:
    """Render HEAD after an aborted merge, and the safety copy of the resolved changes."""
    text = views.say("Merge aborted. HEAD is at {commit}.", commit=result["commit"][:8])
    blocks: list[Block] = [line(text, Tone.GOOD)]
    if result["safety"]:
        short_id = result["safety"][:8]
        text = views.say("Your resolved changes were kept as {kept}.", kept=short_id)
        blocks.append(line(text, Tone.FAINT))
    return blocks


def revert_result(views: Views, result: JSON) -> list[Block]:
    """Render the commit that a revert created, and the commit whose content it has."""
    text = views.say(
        "Reverted to {to} in commit {commit}.", commit=result["commit"][:8], to=result["to"][:8]
    )
    return [Lines([[Cell(text, Tone.GOOD)], *data_lines(views, result["data"])])]


def rewrite_result(views: Views, result: JSON, operation: str) -> list[Block]:
    """Render the branch's commit after a cherry-pick, revert, squash or rebase, or conflicts."""
    if result["outcome"] == "conflicts":
        return conflicts(views, {"items": result["conflicts"], "operation": operation})
    commit = result["commit"][:8]
    if result["outcome"] == "up_to_date":
        return [line(views.say("Already up to date."), Tone.GOOD)]
    text = views.say(
        "The branch is at {commit}; new commits: {count}.", commit=commit, count=result["count"]
    )
    rows = [[Cell(text, Tone.GOOD)]]
    if result["safety"]:
        hint = views.say(
            "`jupyter mlws safety {short}` moves the branch back.", short=result["safety"][:8]
        )
        rows.append([Cell(hint, Tone.FAINT)])
    return [Lines([*rows, *data_lines(views, result["data"])])]


def blame(views: Views, result: JSON) -> list[Block]:
    """Render a line for each part of a file that one commit changed last."""

    def lines(row: JSON) -> str:
        last = row["start"] + row["count"] - 1
        return str(last) if last == row["start"] else f"{row['start']}-{last}"

    return [
        views.table(
            result["lines"],
            Column(Message("Lines"), lines),
            COMMIT,
            Column(Message("Author"), "author"),
            TIME,
            Column(Message("Message"), "subject"),
        )
    ]


def undo_result(views: Views, result: JSON) -> list[Block]:
    """Render the commit that was undone, and the one that the branch is at now."""
    text = views.say(
        "Undid commit {undone}; the branch is at {commit}, and the changes are staged.",
        undone=result["undone"][:8],
        commit=result["commit"][:8],
    )
    return [line(text, Tone.GOOD)]


def staging_status(views: Views, status: JSON) -> list[Block]:
    """Render the staged changes, which the next commit contains, and the unstaged ones."""

    def state(row: JSON, key: str) -> Cell:
        return views.word(row[key]) if row[key] else Cell("")

    return views.listing(
        status["changes"],
        Message("No changes."),
        Column(Message("Staged"), lambda row: state(row, "index_state")),
        Column(Message("Not staged"), lambda row: state(row, "worktree_state")),
        Column(Message("Path"), "path"),
    )


def tags(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every tag."""
    return views.listing(
        rows,
        Message("No tags yet."),
        Column(Message("Tag"), "name", Tone.STRONG, is_id=True),
        COMMIT,
        Column(Message("Message"), lambda row: (row["message"] or row["subject"]).split("\n")[0]),
        TIME,
    )


def safety_copies(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every safety copy, and the command to restore one."""

    def files(row: JSON) -> str:
        if row["branch"]:
            return views.say("branch {name}", name=row["branch"])
        return ", ".join(row["files"][:3]) + (", …" if len(row["files"]) > 3 else "")

    table = views.listing(
        rows,
        Message("No safety copies yet."),
        Column(Message("Copy"), lambda row: row["id"][:8], Tone.WARN, is_id=True),
        Column(Message("Saved before"), "reason"),
        TIME,
        Column(Message("Content"), files),
    )
    hint = views.say("Restore a copy with: jupyter mlws safety COPY")
    return [*table, line(hint, Tone.FAINT)] if rows else table


def stashes(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every stash."""
    return views.listing(
        rows,
        Message("No stashes yet."),
        Column(Message("Stash"), lambda row: row["id"][:8], Tone.WARN, is_id=True),
        Column(Message("Message"), "message", Tone.STRONG),
        Column(Message("Branch"), lambda row: row["branch"] or ""),
        Column(Message("Files"), lambda row: str(len(row["files"]))),
        TIME,
    )


def stash_result(views: Views, result: JSON) -> list[Block]:
    """Render the files that a stash restored to the working tree."""
    text = views.say("Restored: {paths}", paths=", ".join(result["files"]))
    return [Lines([[Cell(text, Tone.GOOD)], *data_lines(views, result["data"])])]


def fetch_result(views: Views, result: JSON) -> list[Block]:
    """Render the branches of the remote that changed."""
    if not result["branches"]:
        return [line(views.say("Nothing new."), Tone.FAINT)]
    rows = [
        [
            Cell(f"{result['remote']}/{row['name']}", Tone.STRONG),
            Cell(f"  {(row['previous'] or '')[:8]} → {(row['commit'] or '')[:8]}", Tone.WARN),
        ]
        for row in result["branches"]
    ]
    return [Lines(rows)]


def branches(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every branch; the current one stands out."""

    def name(row: JSON) -> Cell:
        text = f"{row['remote']}/{row['name']}" if row["remote"] else row["name"]
        return Cell(text, Tone.STRONG if row["current"] else Tone.PLAIN)

    def upstream(row: JSON) -> str:
        ahead = f"+{row['ahead']}" if row["ahead"] else ""
        behind = f"-{row['behind']}" if row["behind"] else ""
        return " ".join(part for part in (row["upstream"], ahead, behind) if part)

    return views.listing(
        rows,
        Message("No branches yet."),
        Column(Message("Branch"), name, is_id=True),
        COMMIT,
        Column(Message("Upstream"), upstream, Tone.BUSY),
        Column(Message("Message"), "subject"),
        TIME,
    )


def branch_deletion(views: Views, row: JSON) -> list[Block]:
    """Render the name of a deleted branch, and the commit from which it can be restored."""
    text = views.say(
        "Deleted branch {name} (was {commit}).", name=row["name"], commit=row["commit"][:8]
    )
    return [line(text)]


def checkout_result(views: Views, result: JSON) -> list[Block]:
    """Render the branch or commit of HEAD after a checkout, and the data that changed."""
    name = result["branch"] or views.say("detached HEAD")
    head = [Cell(name, Tone.STRONG), Cell(f"  {result['commit'][:8]}", Tone.WARN)]
    return [Lines([head, *data_lines(views, result["data"])])]


def push_result(views: Views, result: JSON) -> list[Block]:
    """Render the branch and commit of the remote after a push, and the pushed data."""
    name = f"{result['remote']}/{result['branch']}"
    head = [Cell(name, Tone.STRONG), Cell(f"  {result['commit'][:8]}", Tone.WARN)]
    return [Lines([head, *_transferred_lines(views, result)])]


def pull_result(views: Views, result: JSON) -> list[Block]:
    """Render the commit of the branch after a pull, the outcome (e.g. merged), and the data."""
    head = [
        Cell(result["branch"], Tone.STRONG),
        Cell(f"  {result['commit'][:8]}  ", Tone.WARN),
        views.word(result["outcome"]),
    ]
    return [Lines([head, *_transferred_lines(views, result)])]


def _transferred_lines(views: Views, result: JSON) -> list[list[Cell]]:
    """Return lines with the commits, data and runs of a push or pull, and its warnings."""
    text = views.say("commits: {count}", count=result["commits"])
    runs = views.say("runs: {count}", count=result["runs"])
    return [
        [Cell(text, Tone.FAINT)],
        *data_lines(views, result["data"]),
        *([[Cell(runs, Tone.FAINT)]] if result["runs"] else []),
        *([Cell(warning, Tone.WARN)] for warning in result["warnings"]),
    ]


def data_lines(views: Views, paths: Sequence[str]) -> list[list[Cell]]:
    """Return a line with the data paths of a result; no line if there are none."""
    if not paths:
        return []
    text = views.say("data: {paths}", paths=", ".join(paths))
    return [[Cell(text, Tone.FAINT)]]


def verification_report(views: Views, report: JSON) -> list[Block]:
    """Render the problems that a verification found, or that all objects are intact."""
    summary = views.say(
        "Checked {short}. Objects: {objects} ({size})",
        short=report["snapshot"][:8],
        objects=report["objects"],
        size=format_size(report["bytes"]),
    )
    blocks: list[Block] = [line(summary, Tone.FAINT), *_unreachable(views, report)]
    if report["problems"]:
        return [*blocks, _objects(views, report["problems"])]
    if not report["unreachable"]:
        blocks.append(line(views.say("All objects verified."), Tone.GOOD))
    return blocks


def repair_result(views: Views, result: JSON) -> list[Block]:
    """Render the repaired objects with their sources, and the objects that are lost."""
    blocks: list[Block] = _unreachable(views, result)
    if result["mended"]:
        table = views.table(
            result["mended"],
            Column(Message("Repaired"), "path", Tone.STRONG),
            Column(Message("Hash"), lambda row: row["hash"][:8], Tone.FAINT),
            Column(Message("Location"), lambda row: views.word(row["where"])),
            Column(Message("Source"), lambda row: views.word(row["source"])),
        )
        blocks.append(table)
    if result["lost"]:
        text = views.say("Not stored anywhere:")
        blocks += [line(text, Tone.BAD), _objects(views, result["lost"])]
        if any(row["output"] for row in result["lost"]):
            text = views.say("Workflow outputs can be regenerated by running the workflow.")
            blocks.append(line(text, Tone.FAINT))
    return blocks or [line(views.say("Nothing to repair."), Tone.GOOD)]


def _unreachable(views: Views, row: JSON) -> list[Block]:
    if not row["unreachable"]:
        return []
    text = views.say("Can't reach the remote: {reason}", reason=row["unreachable"])
    return [line(text, Tone.WARN)]


def _objects(views: Views, rows: Sequence[JSON]) -> Block:
    return views.table(
        rows,
        Column(Message("Path"), "path", Tone.STRONG),
        Column(Message("Hash"), "hash", Tone.FAINT),
        Column(Message("Location"), lambda row: views.word(row["where"])),
        Column(Message("Problem"), lambda row: views.word(row["problem"])),
    )


def models(views: Views, rows: Sequence[JSON], *, wide: bool) -> list[Block]:
    """Render a line for every model, with the metrics of its newest version."""
    if not rows:
        return [line(views.say("No models yet."), Tone.FAINT)]
    empty: JSON = {"version": DASH, "metrics": {}, "commit": None}
    rows = [{**row, **{key: (row["newest"] or empty)[key] for key in empty}} for row in rows]
    names = sorted({name for row in rows for name in row["metrics"]})
    table = views.table(
        rows,
        Column(Message("Model"), "name", Tone.STRONG),
        Column(Message("Latest"), lambda row: str(row["version"])),
        Column(
            Message("Aliases"),
            lambda row: ", ".join(
                f"{a} → {number}" for a, number in sorted(row["aliases"].items())
            ),
            Tone.BUSY,
        ),
        *columns_of("metrics", names),
        COMMIT,
        Column(Message("Time"), "updated", Tone.FAINT, is_time=True),
    )
    return [views.responsive(table, "models", wide=wide)]


def model(views: Views, record: JSON, *, wide: bool) -> list[Block]:
    """Render a line for every version of one model."""
    names = sorted({name for version in record["versions"] for name in version["metrics"]})
    table = views.table(
        record["versions"],
        Column(Message("Version"), lambda row: str(row["version"]), Tone.STRONG),
        Column(Message("Aliases"), lambda row: ", ".join(row["aliases"]), Tone.BUSY),
        *columns_of("metrics", names),
        COMMIT,
        TIME,
        Column(
            Message("Parameters"),
            lambda row: ", ".join(f"{key}={value}" for key, value in row["params"].items()),
        ),
    )
    return [
        line(record["name"], Tone.STRONG),
        views.responsive(table, "models NAME", wide=wide),
    ]


def alias_history(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every change of an alias."""
    return views.listing(
        rows,
        Message("No aliases yet."),
        Column(Message("Alias"), "alias", Tone.STRONG),
        Column(Message("Previous"), lambda row: str(row["before"] or DASH), Tone.FAINT),
        Column(Message("Version"), lambda row: str(row["version"] or DASH)),
        Column(Message("By"), "by"),
        TIME,
    )


def table_merge(views: Views, merged: JSON) -> list[Block]:
    """Render why a table is not merged by row, or the cells that both sides changed."""
    if merged["problem"]:
        text = views.say(
            "{path} cannot be merged by row: {reason}",
            path=merged["path"],
            reason=merged["problem"],
        )
        return [line(text, Tone.BAD)]
    text = views.say(
        "{path}: {count} conflicts. Choose a side with --prefer, or each in the lab.",
        path=merged["path"],
        count=merged["unresolved"],
    )
    table = views.table(
        merged["conflicts"],
        Column(Message.verbatim(merged["key"]), "key", Tone.STRONG),
        Column(Message("Column"), lambda row: row["column"] or views.say("(whole row)")),
        Column(Message("Base"), lambda row: _side_text(row["base"])),
        Column(Message("Ours"), lambda row: _side_text(row["ours"])),
        Column(Message("Theirs"), lambda row: _side_text(row["theirs"])),
    )
    return [line(text, Tone.WARN), table]


def _side_text(value: str | None) -> str:
    return DASH if value is None else value
