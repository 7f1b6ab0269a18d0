"""What the words of branches, remotes, models and data do."""

from __future__ import annotations

from jupyter_mlws.cli import experiment_views, proof_views, version_views
from jupyter_mlws.cli.commands import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.cli.views import NOT_PULLED
from jupyter_mlws.client.http import RemoteError, segment
from jupyter_mlws.client.project import dataset_address, path_segment
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import ENGLISH

MANY = 10_000
"""Rows that are listed at most."""


def branch(
    desk: CommandContext, name: str | None, start: str | None, delete: bool, force: bool
) -> int:
    if name is None:
        if delete:
            text = desk.views.say("Specify the branch to delete.")
            raise UsageFaultError(text)
        rows = desk.client.list("git/branches")
        desk.answer(rows, lambda result: version_views.branches(desk.views, result))
        return EXIT_SUCCESS
    if delete:
        deleted_branch = desk.client.delete(f"git/branch/{path_segment(name)}", {"force": force})
        desk.answer(
            deleted_branch, lambda result: version_views.branch_deletion(desk.views, result)
        )
        return EXIT_SUCCESS
    new_branch = desk.client.post("git/branch", {"name": name, "from": start or "HEAD"})
    desk.answer(new_branch, lambda result: version_views.branches(desk.views, [result]))
    return EXIT_SUCCESS


def checkout(desk: CommandContext, place: str, create: bool) -> int:
    branch_names = {row["name"] for row in desk.client.list("git/branches")}
    body = {"branch": place} if create or place in branch_names else {"ref": place}
    response = desk.client.follow("git/checkout", {**body, "create": create}, desk.screen.note)
    desk.answer(response, lambda result: version_views.checkout_result(desk.views, result))
    return EXIT_SUCCESS


def push(desk: CommandContext, remote: str | None, branch: str | None) -> int:
    response = desk.client.follow("git/push", _place(remote, branch), desk.screen.note)
    desk.answer(response, lambda result: version_views.push_result(desk.views, result))
    return EXIT_SUCCESS


def pull(desk: CommandContext, remote: str | None, branch: str | None) -> int:
    response = desk.client.follow("git/pull", _place(remote, branch), desk.screen.note)
    desk.answer(response, lambda result: version_views.pull_result(desk.views, result))
    return EXIT_SUCCESS


def verify(desk: CommandContext, snapshot: str, quick: bool) -> int:
    report = desk.client.follow(
        f"snapshots/{segment(snapshot)}/verify", {"quick": quick}, desk.screen.note
    )
    desk.answer(report, lambda row: proof_views.verification_report(desk.views, row))
    return EXIT_FAILURE if report["problems"] or report["unreachable"] else EXIT_SUCCESS


def repair(desk: CommandContext, snapshot: str, quick: bool) -> int:
    result = desk.client.follow(
        f"snapshots/{segment(snapshot)}/repair", {"quick": quick}, desk.screen.note
    )
    desk.answer(result, lambda row: proof_views.repair_result(desk.views, row))
    return EXIT_FAILURE if result["lost"] or result["unreachable"] else EXIT_SUCCESS


def collect(desk: CommandContext, confirm: bool) -> int:
    result = desk.client.follow("datasets/gc", {"confirm": confirm}, desk.screen.note)
    desk.answer(result, lambda row: proof_views.gc_result(desk.views, row))
    return EXIT_SUCCESS


def models(
    desk: CommandContext,
    name: str | None,
    metric: str | None,
    query: str | None,
    mode: str | None,
    aliases: bool,
    wide: bool,
) -> int:
    if name == "best" and metric:
        ranking = desk.client.get(
            "models/best", {"metric": metric, "mode": mode} if mode else {"metric": metric}
        )
        desk.answer(ranking, lambda result: experiment_views.best(desk.views, result))
        return EXIT_SUCCESS
    if metric is not None or mode is not None:
        text = desk.views.say("Usage: models best METRIC")
        raise UsageFaultError(text)
    if name is not None and aliases:
        changes = desk.client.list(f"models/{path_segment(name)}/aliases/history")
        desk.answer(changes, lambda result: version_views.alias_history(desk.views, result))
        return EXIT_SUCCESS
    if name is not None:
        model = desk.client.get(f"models/{path_segment(name)}")
        desk.answer(model, lambda result: version_views.model(desk.views, result, wide=wide))
        return EXIT_SUCCESS
    rows = desk.client.list("models", MANY, {"q": query})
    desk.answer(rows, lambda result: version_views.models(desk.views, result, wide=wide))
    return EXIT_SUCCESS


def list_data(desk: CommandContext, query: str | None) -> int:
    rows = desk.client.list("datasets", MANY, {"q": query})
    desk.answer(rows, lambda items: version_views.datasets(desk.views, items))
    return EXIT_SUCCESS


def add_data(desk: CommandContext, path: str) -> int:
    dataset = desk.client.post("datasets", {"path": desk.path(path)})
    desk.answer(dataset, lambda row: version_views.datasets(desk.views, [row]))
    return EXIT_SUCCESS


def show_data(desk: CommandContext, path: str) -> int:
    dataset = desk.client.get(dataset_address(desk.path(path)))
    desk.answer(dataset, lambda record: version_views.dataset(desk.views, record))
    return EXIT_SUCCESS


def checkout_data(desk: CommandContext, path: str, version: str) -> int:
    result = desk.client.follow(
        f"{dataset_address(desk.path(path))}/checkout", {"version": version}, desk.screen.note
    )
    desk.answer(result, desk.views.restored)
    return EXIT_SUCCESS


def push_data(desk: CommandContext, path: str) -> int:
    response = desk.client.follow(f"{dataset_address(desk.path(path))}/push", {}, desk.screen.note)
    desk.answer(response, lambda result: version_views.data_transfers(desk.views, [result]))
    return EXIT_SUCCESS


def pull_data(desk: CommandContext, path: str | None) -> int:
    if path is not None:
        response = desk.client.follow(
            f"{dataset_address(desk.path(path))}/pull", {}, desk.screen.note
        )
        desk.answer(response, lambda result: version_views.data_transfers(desk.views, [result]))
        return EXIT_SUCCESS
    responses = []
    for row in desk.client.list("datasets", MANY):
        if row["state"] != NOT_PULLED:
            continue
        try:
            responses.append(
                desk.client.follow(f"{dataset_address(row['path'])}/pull", {}, desk.screen.note)
            )
        except (MLWSError, RemoteError) as error:
            # An output that the remote does not have is made again by a run.
            if not row["output"] or error.as_dict(ENGLISH)["code"] != "30402":
                raise
    desk.answer(responses, lambda result: version_views.data_transfers(desk.views, result))
    return EXIT_SUCCESS


def _place(remote: str | None, branch: str | None) -> dict[str, str]:
    fields = {"remote": remote, "branch": branch}
    return {key: value for key, value in fields.items() if value is not None}
