"""Commands of data: datasets, remotes and disk usage."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from jupyter_mlws.api.client import RemoteError, segment
from jupyter_mlws.cli import data_views, snapshot_views
from jupyter_mlws.cli.commands import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.cli.views import NOT_PULLED
from jupyter_mlws.client.project import dataset_address
from jupyter_mlws.core.errors import DataMissingError, MLWSError
from jupyter_mlws.core.i18n import ENGLISH

MAX_DATASETS = 10_000
"""Maximum number of datasets in a list."""
CREDENTIAL_FIELDS = {
    "s3": ("access_key_id", "secret_access_key"),
    "ssh": ("password",),
}
"""Credentials to prompt for, by the protocol of a URL."""


def list_data(context: CommandContext, query: str | None) -> int:
    rows = context.client.list("datasets", MAX_DATASETS, {"q": query})
    return context.answer(rows, data_views.datasets)


def add_data(context: CommandContext, path: str) -> int:
    dataset = context.client.post("datasets", {"path": context.path(path)})
    return context.answer_one(dataset, data_views.datasets)


def import_data(context: CommandContext, url: str, path: str, no_link: bool) -> int:
    request = {"url": url, "path": context.path(path), "link": not no_link}
    return context.answer_one(context.follow("datasets/import", request), data_views.datasets)


def show_data(context: CommandContext, path: str) -> int:
    dataset = context.client.get(dataset_address(context.path(path)))
    return context.answer(dataset, data_views.dataset)


def diff_data(context: CommandContext, path: str, start: str | None, end: str | None) -> int:
    address = f"{dataset_address(context.path(path))}/diff"
    return context.answer(context.client.get(address, {"from": start, "to": end}), data_views.diff)


def verify_data(context: CommandContext, path: str, version: str | None, remote: str) -> int:
    request: dict[str, Any] = {"remote": remote}
    if version is not None:
        request["version"] = version
    report = context.follow(f"{dataset_address(context.path(path))}/verify", request)
    context.answer(report, data_views.verification_report)
    return EXIT_SUCCESS if report["whole"] else EXIT_FAILURE


def checkout_data(context: CommandContext, path: str, version: str) -> int:
    address = f"{dataset_address(context.path(path))}/checkout"
    return context.answer(context.follow(address, {"version": version}), snapshot_views.restored)


def push_data(context: CommandContext, path: str) -> int:
    response = context.follow(f"{dataset_address(context.path(path))}/push")
    return context.answer_one(response, data_views.data_transfers)


def pull_data(context: CommandContext, path: str | None) -> int:
    if path is not None:
        response = context.follow(f"{dataset_address(context.path(path))}/pull")
        return context.answer_one(response, data_views.data_transfers)
    responses = []
    for row in context.client.list("datasets", MAX_DATASETS):
        if row["state"] != NOT_PULLED:
            continue
        try:
            responses.append(context.follow(f"{dataset_address(row['path'])}/pull"))
        except (MLWSError, RemoteError) as error:
            # A run can regenerate an output that the remote does not have.
            if not row["output"] or error.as_dict(ENGLISH)["code"] != DataMissingError.code:
                raise
    return context.answer(responses, data_views.data_transfers)


def storage(context: CommandContext) -> int:
    return context.answer(context.client.get("datasets/storage"), data_views.storage)


def collect(context: CommandContext, confirm: bool) -> int:
    return context.answer(context.follow("datasets/gc", {"confirm": confirm}), data_views.gc_result)


def remote(
    context: CommandContext,
    name: str | None,
    url: str | None,
    delete: bool,
    credentials: bool,
    **options: Any,
) -> int:
    if name is None:
        return context.answer(context.client.list("datasets/remotes"), data_views.remotes)
    address = f"datasets/remotes/{segment(name)}"
    if delete:
        return context.answer_one(context.client.delete(address), data_views.remotes)
    settings = {key: value for key, value in options.items() if value not in (None, False)}
    if url is None:
        if settings or credentials:
            raise UsageFaultError(context.views.say("Specify the URL of the remote as well."))
        answer = context.client.post(f"{address}/check", {})
        return context.answer(answer, data_views.reachable)
    if credentials:
        names = CREDENTIAL_FIELDS.get(url.partition("://")[0])
        if names is None:
            raise UsageFaultError(context.views.say("Folder remotes do not use credentials."))
        # Prompted without echo: command lines end up in histories and notebooks.
        settings.update({name: getpass(f"{name}: ") for name in names})
    new_remote = context.client.put(address, {"url": url, **settings})
    return context.answer_one(new_remote, data_views.remotes)
