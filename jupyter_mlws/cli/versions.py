"""What the words of branches, remotes, models and data do."""

from __future__ import annotations

from jupyter_mlws.cli import experiment_views, proof_views, version_views
from jupyter_mlws.cli.commands import FAILED, OK, CommandContext, UsageFaultError
from jupyter_mlws.cli.views import NOT_PULLED
from jupyter_mlws.client import RemoteError
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
        rows = desk.session.branches()
        desk.answer(rows, lambda found: version_views.branches(desk.views, found))
        return OK
    if delete:
        gone = desk.session.delete_branch(name, force)
        desk.answer(gone, lambda found: version_views.deleted(desk.views, found))
        return OK
    made = desk.session.create_branch(name, start or "HEAD")
    desk.answer(made, lambda found: version_views.branches(desk.views, [found]))
    return OK


def checkout(desk: CommandContext, place: str, create: bool) -> int:
    known = {row["name"] for row in desk.session.branches()}
    body = {"branch": place} if create or place in known else {"ref": place}
    went = desk.session.checkout({**body, "create": create}, desk.screen.note)
    desk.answer(went, lambda found: version_views.checked_out(desk.views, found))
    return OK


def push(desk: CommandContext, remote: str | None, branch: str | None) -> int:
    sent = desk.session.push(_place(remote, branch), desk.screen.note)
    desk.answer(sent, lambda found: version_views.pushed(desk.views, found))
    return OK


def pull(desk: CommandContext, remote: str | None, branch: str | None) -> int:
    got = desk.session.pull(_place(remote, branch), desk.screen.note)
    desk.answer(got, lambda found: version_views.pulled(desk.views, found))
    return OK


def verify(desk: CommandContext, snapshot: str, quick: bool) -> int:
    found = desk.session.verify(snapshot, quick, desk.screen.note)
    desk.answer(found, lambda row: proof_views.verified(desk.views, row))
    return FAILED if found["problems"] or found["unreachable"] else OK


def repair(desk: CommandContext, snapshot: str, quick: bool) -> int:
    done = desk.session.repair(snapshot, quick, desk.screen.note)
    desk.answer(done, lambda row: proof_views.repaired(desk.views, row))
    return FAILED if done["lost"] or done["unreachable"] else OK


def collect(desk: CommandContext, confirm: bool) -> int:
    found = desk.session.collect(confirm, desk.screen.note)
    desk.answer(found, lambda row: proof_views.collected(desk.views, row))
    return OK


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
        ranked = desk.session.best_models(
            {"metric": metric, "mode": mode} if mode else {"metric": metric}
        )
        desk.answer(ranked, lambda found: experiment_views.best(desk.views, found))
        return OK
    if metric is not None or mode is not None:
        text = desk.views.say("Usage: models best METRIC")
        raise UsageFaultError(text)
    if name is not None and aliases:
        changes = desk.session.alias_history(name)
        desk.answer(changes, lambda found: version_views.alias_history(desk.views, found))
        return OK
    if name is not None:
        model = desk.session.model(name)
        desk.answer(model, lambda found: version_views.model(desk.views, found, wide=wide))
        return OK
    rows = desk.session.models(query, MANY)
    desk.answer(rows, lambda found: version_views.models(desk.views, found, wide=wide))
    return OK


def list_data(desk: CommandContext, query: str | None) -> int:
    rows = desk.session.datasets(query, MANY)
    desk.answer(rows, lambda found: version_views.datasets(desk.views, found))
    return OK


def add_data(desk: CommandContext, path: str) -> int:
    made = desk.session.add_dataset(desk.path(path))
    desk.answer(made, lambda found: version_views.datasets(desk.views, [found]))
    return OK


def show_data(desk: CommandContext, path: str) -> int:
    dataset = desk.session.dataset(desk.path(path))
    desk.answer(dataset, lambda found: version_views.dataset(desk.views, found))
    return OK


def checkout_data(desk: CommandContext, path: str, version: str) -> int:
    result = desk.session.checkout_dataset(desk.path(path), version, desk.screen.note)
    desk.answer(result, desk.views.restored)
    return OK


def push_data(desk: CommandContext, path: str) -> int:
    moved = desk.session.push_dataset(desk.path(path), desk.screen.note)
    desk.answer(moved, lambda found: version_views.moved(desk.views, [found]))
    return OK


def pull_data(desk: CommandContext, path: str | None) -> int:
    if path is not None:
        moved = desk.session.pull_dataset(desk.path(path), desk.screen.note)
        desk.answer(moved, lambda found: version_views.moved(desk.views, [found]))
        return OK
    pulled = []
    for row in desk.session.datasets(None, MANY):
        if row["state"] != NOT_PULLED:
            continue
        try:
            pulled.append(desk.session.pull_dataset(row["path"], desk.screen.note))
        except (MLWSError, RemoteError) as error:
            # An output that the remote does not have is made again by a run.
            if not row["output"] or error.as_dict(ENGLISH)["code"] != "30402":
                raise
    desk.answer(pulled, lambda found: version_views.moved(desk.views, found))
    return OK


def _place(remote: str | None, branch: str | None) -> dict[str, str]:
    given = {"remote": remote, "branch": branch}
    return {key: value for key, value in given.items() if value is not None}
