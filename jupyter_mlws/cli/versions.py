"""Commands of branches, remotes, verification and models."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import experiment_views, version_views
from jupyter_mlws.cli.context import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.client.project import path_segment

MAX_MODELS = 10_000
"""Maximum number of models in a list."""


@cli.command(
    "List branches, or create branch NAME at START (default: HEAD).",
    cli.argument("name", shell_complete=cli.complete_branch),
    cli.argument("start", shell_complete=cli.complete_branch),
    cli.DELETE,
    cli.option("Delete the branch even if it has unmerged commits.", "-f", "--force"),
)
def branch(
    context: CommandContext, name: str | None, start: str | None, delete: bool, force: bool
) -> int:
    if name is None:
        if delete:
            raise UsageFaultError(context.views.say("Specify the branch to delete."))
        return context.answer(context.client.list("git/branches"), version_views.branches)
    if delete:
        row = context.client.delete(f"git/branch/{path_segment(name)}", {"force": force})
        return context.answer(row, version_views.branch_deletion)
    new_branch = context.client.post("git/branch", {"name": name, "from": start or "HEAD"})
    return context.answer_one(new_branch, version_views.branches)


@cli.command(
    "Switch to REF (a branch, tag or snapshot), including its data.",
    cli.argument("place", metavar="REF", shell_complete=cli.complete_branch),
    cli.option("Create the branch first.", "-b", "--create"),
)
def checkout(context: CommandContext, place: str, create: bool) -> int:
    branch_names = {row["name"] for row in context.client.list("git/branches")}
    body = {"branch": place} if create or place in branch_names else {"ref": place}
    response = context.follow("git/checkout", {**body, "create": create})
    return context.answer(response, version_views.checkout_result)


@cli.command(
    "Push the data of a branch, then the branch, to REMOTE.",
    cli.option("Leave out the data, which others cannot pull until it is pushed.", "--code-only"),
)
def push(context: CommandContext, remote: str | None, branch: str | None, code_only: bool) -> int:
    body = {"remote": remote, "branch": branch, "code_only": code_only}
    response = context.follow("git/push", body)
    return context.answer(response, version_views.push_result)


@cli.command("Pull a branch of REMOTE, including its data, into the current branch.")
def pull(context: CommandContext, remote: str | None, branch: str | None) -> int:
    response = context.follow("git/pull", {"remote": remote, "branch": branch})
    return context.answer(response, version_views.pull_result)


@cli.command(
    "Verify every object of SNAPSHOT in git, the cache and the remote. Exits with 1 if an "
    "object is missing or damaged, or the remote can't be reached.",
    cli.SNAPSHOT,
    cli.QUICK,
)
def verify(context: CommandContext, snapshot: str, quick: bool) -> int:
    report = context.follow(f"snapshots/{segment(snapshot)}/verify", {"quick": quick})
    context.answer(report, version_views.verification_report)
    return EXIT_FAILURE if report["problems"] or report["unreachable"] else EXIT_SUCCESS


@cli.command(
    "Restore missing or damaged objects of SNAPSHOT from any available copy. Exits with 1 "
    "if an object is lost, or the remote can't be reached.",
    cli.SNAPSHOT,
    cli.QUICK,
)
def repair(context: CommandContext, snapshot: str, quick: bool) -> int:
    result = context.follow(f"snapshots/{segment(snapshot)}/repair", {"quick": quick})
    context.answer(result, version_views.repair_result)
    return EXIT_FAILURE if result["lost"] or result["unreachable"] else EXIT_SUCCESS


@cli.command(
    "List models, the versions of NAME, or the best versions by a metric (`best METRIC`).",
    cli.argument("name", metavar="[NAME | best METRIC]"),
    cli.argument("metric", metavar=""),
    cli.MODE,
    cli.option("Show the alias history.", "--aliases"),
    cli.NAME_QUERY,
    cli.WIDE,
)
def models(
    context: CommandContext,
    name: str | None,
    metric: str | None,
    query: str | None,
    mode: str | None,
    aliases: bool,
    wide: bool,
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
        return context.answer(rows, partial(version_views.models, wide=wide))
    address = f"models/{path_segment(name)}"
    if aliases:
        changes = context.client.list(f"{address}/aliases/history")
        return context.answer(changes, version_views.alias_history)
    return context.answer(context.client.get(address), partial(version_views.model, wide=wide))
