"""Commands of branches, remotes, verification and models."""

from __future__ import annotations

from difflib import get_close_matches
from functools import partial

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import experiment_views, version_views
from jupyter_mlws.cli.commands import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.client.project import path_segment

MAX_MODELS = 10_000
"""Maximum number of models in a list."""


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


def checkout(context: CommandContext, place: str, create: bool) -> int:
    branch_names = {row["name"] for row in context.client.list("git/branches")}
    body = {"branch": place} if create or place in branch_names else {"ref": place}
    response = context.follow("git/checkout", {**body, "create": create})
    return context.answer(response, version_views.checkout_result)


def push(context: CommandContext, remote: str | None, branch: str | None, code_only: bool) -> int:
    body = {**_target(remote, branch), "code_only": code_only}
    response = context.follow("git/push", body)
    return context.answer(response, version_views.push_result)


def pull(context: CommandContext, remote: str | None, branch: str | None) -> int:
    response = context.follow("git/pull", _target(remote, branch))
    return context.answer(response, version_views.pull_result)


def _target(remote: str | None, branch: str | None) -> dict[str, str]:
    fields = {"remote": remote, "branch": branch}
    return {key: value for key, value in fields.items() if value is not None}


def verify(context: CommandContext, snapshot: str, quick: bool) -> int:
    report = context.follow(f"snapshots/{segment(snapshot)}/verify", {"quick": quick})
    context.answer(report, version_views.verification_report)
    return EXIT_FAILURE if report["problems"] or report["unreachable"] else EXIT_SUCCESS


def repair(context: CommandContext, snapshot: str, quick: bool) -> int:
    result = context.follow(f"snapshots/{segment(snapshot)}/repair", {"quick": quick})
    context.answer(result, version_views.repair_result)
    return EXIT_FAILURE if result["lost"] or result["unreachable"] else EXIT_SUCCESS


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
