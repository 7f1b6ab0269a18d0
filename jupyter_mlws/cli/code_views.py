"""Views of merges, staging, reverts, tags, safety copies and stashes."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.version_views import data_lines
from jupyter_mlws.cli.views import COMMIT, JSON, TIME, Column, Views
from jupyter_mlws.core.i18n import Message, term


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
        Column(Message("Tag"), "name", Tone.STRONG),
        COMMIT,
        Column(Message("Message"), lambda row: (row["message"] or row["subject"]).split("\n")[0]),
        TIME,
    )


def safety_copies(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every safety copy, and the command to restore one."""

    def files(row: JSON) -> str:
        return ", ".join(row["files"][:3]) + (", …" if len(row["files"]) > 3 else "")

    table = views.listing(
        rows,
        Message("No safety copies yet."),
        Column(Message("Copy"), lambda row: row["id"][:8], Tone.WARN),
        Column(Message("Saved before"), "reason"),
        TIME,
        Column(Message("Files"), files),
    )
    hint = views.say("Restore a copy with: jupyter mlws safety COPY")
    return [*table, line(hint, Tone.FAINT)] if rows else table


def stashes(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render a line for every stash."""
    return views.listing(
        rows,
        Message("No stashes yet."),
        Column(Message("Stash"), lambda row: row["id"][:8], Tone.WARN),
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
