"""What is shown of merges, staging, going back, tags and stashes."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli.console import Block, Cell, Lines, Tone, line
from jupyter_mlws.cli.version_views import data_lines
from jupyter_mlws.cli.views import JSON, Views, when_of
from jupyter_mlws.core.i18n import Message


def merge_result(views: Views, result: JSON) -> list[Block]:
    """Render the result of a merge; with conflicts, also the steps to resolve them."""
    if result["outcome"] == "conflicts":
        return conflicts(views, {"items": result["conflicts"], "operation": "merge"})
    head = [views.word(result["outcome"]), Cell(f"  {result['commit'][:8]}", Tone.WARN)]
    return [Lines([head, *data_lines(views, result["data"])])]


def conflicts(views: Views, result: JSON) -> list[Block]:
    """Render the paths in conflict and the ways to resolve them."""
    if not result["items"]:
        if result["operation"] != "merge":
            return [line(views.say("No conflicts."), Tone.FAINT)]
        text = views.say("All conflicts resolved. Finish the merge with: merge --continue")
        return [line(text, Tone.GOOD)]
    cells = [
        [Cell(row["path"], Tone.STRONG), views.word(row["how"]), views.word(row["kind"])]
        for row in result["items"]
    ]
    columns = [Message("Path"), Message("Conflict"), Message("Kind")]
    text = views.say(
        "Edit and stage the files, or use merge --ours PATH (or --theirs, --both). Then finish "
        "with merge --continue, or abort with merge --abort."
    )
    return [views.table(columns, cells), line(text, Tone.FAINT)]


def abort_result(views: Views, result: JSON) -> list[Block]:
    """Render HEAD after an aborted merge, and the safety copy of the resolved changes."""
    text = views.say("Merge aborted. HEAD is at {commit}.", commit=result["commit"][:8])
    return [line(text, Tone.GOOD), *_format_safety_hint(views, result)]


def revert_result(views: Views, result: JSON) -> list[Block]:
    """Render the commit that a revert created, and the commit whose content it has."""
    text = views.say(
        "Reverted to {to} in commit {commit}.", commit=result["commit"][:8], to=result["to"][:8]
    )
    return [Lines([[Cell(text, Tone.GOOD)], *data_lines(views, result["data"])])]


def _format_safety_hint(views: Views, result: JSON) -> list[Block]:
    if not result["safety"]:
        return []
    short_id = result["safety"][:8]
    text = views.say("Your resolved changes were kept as {kept}.", kept=short_id)
    return [line(text, Tone.FAINT)]


def staging_status(views: Views, status: JSON) -> list[Block]:
    """Render the staged changes, which the next commit contains, and the unstaged ones."""
    if not status["changes"]:
        return [line(views.say("No changes."), Tone.FAINT)]
    cells = [
        [
            views.word(row["index_state"]) if row["index_state"] else Cell(""),
            views.word(row["worktree_state"]) if row["worktree_state"] else Cell(""),
            Cell(row["path"]),
        ]
        for row in status["changes"]
    ]
    columns = [Message("Staged"), Message("Not staged"), Message("Path")]
    return [views.table(columns, cells)]


def tags(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every tag."""
    if not rows:
        return [line(views.say("No tags yet."), Tone.FAINT)]
    cells = [
        [
            Cell(row["name"], Tone.STRONG),
            Cell(row["commit"][:8], Tone.WARN),
            Cell((row["message"] or row["subject"]).split("\n")[0]),
            Cell(when_of(row["timestamp"]), Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [Message("Tag"), Message("Commit"), Message("Message"), Message("Time")]
    return [views.table(columns, cells)]


def safety_copies(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every safety copy, and how one is restored."""
    if not rows:
        return [line(views.say("No safety copies yet."), Tone.FAINT)]
    cells = [
        [
            Cell(row["id"][:8], Tone.WARN),
            Cell(row["reason"]),
            Cell(when_of(row["timestamp"]), Tone.FAINT),
            Cell(", ".join(row["files"][:3]) + (", …" if len(row["files"]) > 3 else "")),
        ]
        for row in rows
    ]
    columns = [Message("Copy"), Message("Saved before"), Message("Time"), Message("Files")]
    hint = views.say("Restore a copy with: jupyter mlws safety COPY")
    return [views.table(columns, cells), line(hint, Tone.FAINT)]


def stashes(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """A line for every stash."""
    if not rows:
        return [line(views.say("No stashes yet."), Tone.FAINT)]
    cells = [
        [
            Cell(row["id"][:8], Tone.WARN),
            Cell(row["message"], Tone.STRONG),
            Cell(row["branch"] or ""),
            Cell(str(len(row["files"]))),
            Cell(when_of(row["timestamp"]), Tone.FAINT),
        ]
        for row in rows
    ]
    columns = [
        Message("Stash"),
        Message("Message"),
        Message("Branch"),
        Message("Files"),
        Message("Time"),
    ]
    return [views.table(columns, cells)]


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
