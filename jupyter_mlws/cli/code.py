"""Commands of merges, staging, branches, remotes, tags, stashes, verification and models."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial

import click

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import code_views, experiment_views, snapshot_views
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.context import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.client.project import JSON, path_segment
from jupyter_mlws.core.errors import VersionItemNotFoundError

MAX_MODELS = 10_000
"""Maximum number of models in a list."""


@cli.command(
    "Merge REF and its data into the current branch. REF is a branch, tag or "
    "snapshot. Without REF, list conflicts. Exits with 1 while there are conflicts.",
    cli.argument("ref", shell_complete=cli.complete_branch),
    cli.MESSAGE,
    cli.option("Finish the merge after its conflicts are resolved.", "--continue", "go_on"),
    cli.option("Abort the merge and restore the state before it.", "--abort"),
    cli.option(
        "Resolve PATHS with the current branch's side.", "--ours", "side", flag_value="ours"
    ),
    cli.option("Resolve PATHS with REF's side.", "--theirs", "side", flag_value="theirs"),
    cli.option("Resolve PATHS with their common ancestor.", "--base", "side", flag_value="base"),
    cli.option("Resolve PATHS with both sides, ours first.", "--both", "side", flag_value="both"),
    cli.option(
        "Resolve PATHS, tables of git or DVC, by row. Cells that both sides changed are listed.",
        "--rows",
        "side",
        flag_value="rows",
    ),
    cli.option(
        "With --rows: the side to take for cells that both sides changed.",
        "--prefer",
        type=click.Choice(["ours", "theirs", "base"]),
    ),
)
def merge(
    context: CommandContext,
    ref: str | None,
    message: str | None,
    go_on: bool,
    abort: bool,
    side: str | None,
    prefer: str | None,
    paths: Sequence[str],
) -> int:
    if side is not None:
        # With a side, all arguments are paths.
        all_paths = [*([ref] if ref is not None else []), *paths]
        if not all_paths:
            raise UsageFaultError(context.views.say("Specify the paths to resolve."))
        conflicts = {}
        for path in context.paths(all_paths):
            address = f"git/conflicts/{path_segment(path)}"
            if side == "rows":
                merged = context.client.get(f"{address}/table")
                if merged["problem"] or (merged["unresolved"] and prefer is None):
                    context.answer(merged, code_views.table_merge)
                    return EXIT_FAILURE
                choices = {"choices": {"*": prefer} if prefer else {}}
                conflicts = context.client.post(f"{address}/table", choices)
            else:
                conflicts = context.client.post(address, {"take": side})
        return context.answer(conflicts, code_views.conflicts)
    if sum([ref is not None, go_on, abort]) > 1 or paths:
        raise UsageFaultError(
            context.views.say(
                "Use only one of REF, --continue, --abort and a side, such as --ours."
            )
        )
    if abort:
        response = context.client.post("git/merge/abort", {})
        return context.answer(response, code_views.abort_result)
    if ref is None and not go_on:
        conflicts = context.client.get("git/conflicts")
        context.answer(conflicts, code_views.conflicts)
        return EXIT_FAILURE if conflicts["items"] else EXIT_SUCCESS
    request = {"ref": ref or None, "message": message or None}
    result = context.follow("git/merge" if ref else "git/merge/continue", request)
    context.answer(result, code_views.merge_result)
    return EXIT_FAILURE if result["outcome"] == "conflicts" else EXIT_SUCCESS


@cli.command(
    "Continue, skip or abort an unfinished operation. It is a merge, a rebase, "
    "cherry-pick, revert or bisect of git, or an interrupted restore or stash. "
    "Without ACTION, show it.",
    cli.argument("action", type=click.Choice(["continue", "skip", "abort"])),
)
def operation(context: CommandContext, action: str | None) -> int:
    if action is None:
        status = context.client.get("git/status")
        return context.answer(status, code_views.operation)
    step = context.follow(f"git/operation/{action}", {})
    context.answer(step, code_views.operation_step)
    return EXIT_FAILURE if step["conflicts"] else EXIT_SUCCESS


@cli.command(
    "Create a new snapshot that reverts the last one. With SNAPSHOT, everything after "
    "it is reverted, or with --only SNAPSHOT itself.",
    cli.MESSAGE,
    cli.option("Revert what SNAPSHOT changed, and keep what came after it.", "--only"),
)
def revert(context: CommandContext, snapshot: str | None, message: str | None, only: bool) -> int:
    if only:
        if message is not None:
            raise UsageFaultError(context.views.say("Use either -m or --only, not both."))
        return _rewrite(context, "revert", {"commit": snapshot or "HEAD"})
    request = {"to": snapshot or "HEAD~1", "mode": "revert", "message": message or None}
    return context.answer(context.follow("git/rollback", request), code_views.revert_result)


@cli.command(
    "Undo the last commit and leave its changes staged. The branch goes back to the "
    "commit before. Files and data stay as they are.",
    cli.option("Also a commit that a remote branch has.", "--pushed"),
)
def uncommit(context: CommandContext, pushed: bool) -> int:
    result = context.client.post("git/undo", {"pushed": pushed})
    return context.answer(result, code_views.undo_result)


@cli.command(
    "Apply the changes of SNAPSHOT to the current branch. Data is included. Exits "
    "with 1 while there are conflicts.",
    name="cherry-pick",
)
def cherry_pick(context: CommandContext, snapshot: str) -> int:
    return _rewrite(context, "cherry-pick", {"commit": snapshot})


@cli.command(
    "Replace SNAPSHOT and all after it by one snapshot. Files and data stay as they are.",
    cli.MESSAGE,
    cli.option("Also snapshots that a remote branch has.", "--pushed"),
)
def squash(context: CommandContext, snapshot: str, message: str | None, pushed: bool) -> int:
    body = {"commit": snapshot, "message": message or None, "pushed": pushed}
    return _rewrite(context, "squash", body)


@cli.command(
    "Apply the snapshots of the current branch on top of REF. Data is included. "
    "Default: its upstream branch. Exits with 1 while there are conflicts.",
    cli.argument("ref", default="@{upstream}", shell_complete=cli.complete_branch),
    cli.option("Also snapshots that a remote branch has.", "--pushed"),
)
def rebase(context: CommandContext, ref: str, pushed: bool) -> int:
    return _rewrite(context, "rebase", {"onto": ref, "pushed": pushed})


def _rewrite(context: CommandContext, operation: str, body: JSON) -> int:
    result = context.follow(f"git/{operation}", body)
    context.answer(result, partial(code_views.rewrite_result, operation=operation))
    return EXIT_FAILURE if result["outcome"] == "conflicts" else EXIT_SUCCESS


@cli.command(
    "Show who last changed each line of PATH. PATH is the file on disk, or that of SNAPSHOT.",
    cli.argument("snapshot", shell_complete=cli.complete_snapshot),
)
def blame(context: CommandContext, path: str, snapshot: str | None) -> int:
    result = context.client.get("git/blame", {"path": context.path(path), "at": snapshot})
    return context.answer(result, code_views.blame)


@cli.command("Stage changes for the next commit. Without PATHS, stage all changes.")
def stage(context: CommandContext, paths: Sequence[str]) -> int:
    return _update_index(context, paths, "stage")


@cli.command("Unstage changes; all if no PATHS are given. The files are not changed.")
def unstage(context: CommandContext, paths: Sequence[str]) -> int:
    return _update_index(context, paths, "unstage")


def _update_index(context: CommandContext, paths: Sequence[str], action: str) -> int:
    request = {"paths": context.paths(paths)} if paths else {"all": True}
    status = context.client.post(f"git/{action}", request)
    return context.answer(status, code_views.staging_status)


@cli.command(
    "List tags, or tag REF (default: HEAD) as NAME.",
    cli.argument("ref", default="HEAD", shell_complete=cli.complete_snapshot),
    cli.option("Tag message.", "-m", "--message"),
    cli.DELETE,
    has_wide=True,
)
def tag(
    context: CommandContext, name: str | None, ref: str, message: str | None, delete: bool
) -> int:
    if name is None:
        if delete:
            raise UsageFaultError(context.views.say("Specify the tag to delete."))
        return context.answer(context.client.list("git/tags"), code_views.tags)
    if delete:
        row = context.client.delete(f"git/tag/{path_segment(name)}")
    else:
        request = {"name": name, "ref": ref, "message": message or None}
        row = context.client.post("git/tag", request)
    return context.answer_one(row, code_views.tags)


@cli.command(
    "Stash all changes, including data; list, pop or drop stashes. Pop and drop take "
    "the latest if no ID is given.",
    cli.argument("action", type=click.Choice(["push", "pop", "list", "drop"]), default="push"),
    cli.argument("identifier", metavar="[ID]"),
    cli.option("Stash message.", "-m", "--message"),
    cli.option("Keep the stash after pop.", "--keep"),
    has_wide=True,
)
def stash(
    context: CommandContext, action: str, identifier: str | None, message: str | None, keep: bool
) -> int:
    if action == "list":
        return context.answer(context.client.list("git/stashes"), code_views.stashes)
    if action == "push":
        new_stash = context.follow("git/stashes", {"message": message or None})
        return context.answer_one(new_stash, code_views.stashes)
    ids = [str(row["id"]) for row in context.client.list("git/stashes")]
    if not ids:
        raise VersionItemNotFoundError(kind="stash", name=identifier or "stash@{0}")
    address = f"git/stashes/{segment(_match_prefix(ids, identifier))}"
    if action == "drop":
        return context.answer_one(context.client.delete(address), code_views.stashes)
    response = context.follow(f"{address}/apply", {"keep": keep})
    return context.answer(response, code_views.stash_result)


@cli.command(
    "List safety copies, or restore COPY. They have what restores, discards and "
    "aborted merges replaced, including what was staged.",
    cli.argument("identifier", metavar="[COPY]"),
    has_wide=True,
)
def safety(context: CommandContext, identifier: str | None) -> int:
    rows = context.client.list("git/safety")
    if identifier is None:
        return context.answer(rows, code_views.safety_copies)
    copy_id = _match_prefix([str(row["id"]) for row in rows], identifier)
    result = context.follow(f"git/safety/{segment(copy_id)}/restore")
    return context.answer(result, snapshot_views.restored)


def _match_prefix(ids: Sequence[str], prefix: str | None) -> str:
    """Return the only ID that starts with ``prefix``, or the first; without a match, ``prefix``."""
    if prefix is None and ids:
        return ids[0]
    matches = [identifier for identifier in ids if prefix and identifier.startswith(prefix)]
    return matches[0] if len(matches) == 1 else prefix or ""


@cli.command(
    "Update the remote-tracking branches of REMOTE. Nothing else changes.",
    cli.option("Delete remote-tracking branches that no longer exist on the remote.", "--prune"),
)
def fetch(context: CommandContext, remote: str | None, prune: bool) -> int:
    request = {"prune": prune, "remote": remote or None}
    return context.answer(context.follow("git/fetch", request), code_views.fetch_result)


@cli.command(
    "List branches, or create branch NAME at START. Default: at HEAD.",
    cli.argument("name", shell_complete=cli.complete_branch),
    cli.argument("start", shell_complete=cli.complete_branch),
    cli.DELETE,
    cli.option("Delete the branch even if it has unmerged commits.", "-f", "--force"),
    cli.option("Rename NAME to this.", "--rename", metavar="NEW"),
    has_wide=True,
)
def branch(
    context: CommandContext,
    name: str | None,
    start: str | None,
    delete: bool,
    force: bool,
    rename: str | None,
) -> int:
    if name is None:
        if delete or rename:
            raise UsageFaultError(context.views.say("Specify the branch."))
        return context.answer(context.client.list("git/branches"), code_views.branches)
    if rename is not None:
        row = context.client.patch(f"git/branch/{path_segment(name)}", {"name": rename})
        return context.answer_one(row, code_views.branches)
    if delete:
        row = context.client.delete(f"git/branch/{path_segment(name)}", {"force": force})
        return context.answer(row, code_views.branch_deletion)
    new_branch = context.client.post("git/branch", {"name": name, "from": start or "HEAD"})
    return context.answer_one(new_branch, code_views.branches)


@cli.command(
    "Switch to REF and its data. REF is a branch, tag or snapshot.",
    cli.argument("place", metavar="REF", shell_complete=cli.complete_branch),
    cli.option("Create the branch first.", "-b", "--create"),
)
def checkout(context: CommandContext, place: str, create: bool) -> int:
    branch_names = {row["name"] for row in context.client.list("git/branches")}
    body = {"branch": place} if create or place in branch_names else {"ref": place}
    response = context.follow("git/checkout", {**body, "create": create})
    return context.answer(response, code_views.checkout_result)


@cli.command(
    "Push a branch, its data and its runs to REMOTE. The data is pushed first.",
    cli.option("Leave out the data, which others cannot pull until it is pushed.", "--code-only"),
)
def push(context: CommandContext, remote: str | None, branch: str | None, code_only: bool) -> int:
    body = {"remote": remote, "branch": branch, "code_only": code_only}
    response = context.follow("git/push", body)
    return context.answer(response, code_views.push_result)


@cli.command("Pull a branch of REMOTE into the current branch. Its data and runs are included.")
def pull(context: CommandContext, remote: str | None, branch: str | None) -> int:
    response = context.follow("git/pull", {"remote": remote, "branch": branch})
    return context.answer(response, code_views.pull_result)


@cli.command(
    "Verify all objects of SNAPSHOT in git, cache and remote. Exits with 1 if an "
    "object is missing or damaged, or the remote can't be reached.",
    cli.SNAPSHOT,
    cli.QUICK,
)
def verify(context: CommandContext, snapshot: str, quick: bool) -> int:
    report = context.follow(f"snapshots/{segment(snapshot)}/verify", {"quick": quick})
    context.answer(report, code_views.verification_report)
    return EXIT_FAILURE if report["problems"] or report["unreachable"] else EXIT_SUCCESS


@cli.command(
    "Restore missing or damaged objects of SNAPSHOT. Any available copy is used. "
    "Exits with 1 if an object is lost, or the remote can't be reached.",
    cli.SNAPSHOT,
    cli.QUICK,
)
def repair(context: CommandContext, snapshot: str, quick: bool) -> int:
    result = context.follow(f"snapshots/{segment(snapshot)}/repair", {"quick": quick})
    context.answer(result, code_views.repair_result)
    return EXIT_FAILURE if result["lost"] or result["unreachable"] else EXIT_SUCCESS


@cli.command(
    "List models, the versions of NAME, or the best versions. `best METRIC` ranks "
    "versions by a metric.",
    cli.argument("name", metavar="[NAME | best METRIC]"),
    cli.argument("metric", metavar=""),
    cli.MODE,
    cli.option("Show the alias history.", "--aliases"),
    cli.NAME_QUERY,
    has_wide=True,
)
def models(
    context: CommandContext,
    name: str | None,
    metric: str | None,
    query: str | None,
    mode: str | None,
    aliases: bool,
) -> int:
    if name == "best" and metric:
        ranking = context.client.get("models/best", {"metric": metric, "mode": mode})
        similar: list[str] = []
        if not ranking["items"] and not context.as_json:
            names = context.client.get("runs/columns")["metrics"]
            # A workflow's metrics have the names of their nodes before them.
            similar = [one for one in names if one.endswith(f".{metric}")]
            similar = similar or get_close_matches(metric, names)
        return context.answer(ranking, partial(experiment_views.best, similar=similar))
    if metric is not None or mode is not None:
        raise UsageFaultError(context.views.say("Usage: models best METRIC"))
    if name is None:
        rows = context.client.list("models", MAX_MODELS, {"q": query})
        return context.answer(rows, partial(code_views.models, wide=context.is_wide))
    address = f"models/{path_segment(name)}"
    if aliases:
        changes = context.client.list(f"{address}/aliases/history")
        return context.answer(changes, code_views.alias_history)
    return context.answer(
        context.client.get(address), partial(code_views.model, wide=context.is_wide)
    )
