"""What the words of data do that reach beyond the project: addresses, versions, stores, remotes."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from jupyter_mlws.cli import data_views
from jupyter_mlws.cli.commands import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.client.http import segment
from jupyter_mlws.client.project import dataset_address

CREDENTIAL_FIELDS = {
    "s3": ("access_key_id", "secret_access_key"),
    "ssh": ("password",),
}
"""What is asked for, by the protocol of an address."""


def import_data(desk: CommandContext, url: str, path: str, no_link: bool) -> int:
    request = {"url": url, "path": desk.path(path), "link": not no_link}
    dataset = desk.client.follow("datasets/import", request, desk.screen.note)
    desk.answer(dataset, lambda row: data_views.datasets(desk.views, [row]))
    return EXIT_SUCCESS


def diff_data(desk: CommandContext, path: str, start: str | None, end: str | None) -> int:
    result = desk.client.get(f"{dataset_address(desk.path(path))}/diff", {"from": start, "to": end})
    desk.answer(result, lambda diff: data_views.diff(desk.views, diff))
    return EXIT_SUCCESS


def verify_data(desk: CommandContext, path: str, version: str | None, remote: str) -> int:
    request: dict[str, Any] = {"remote": remote}
    if version is not None:
        request["version"] = version
    report = desk.client.follow(
        f"{dataset_address(desk.path(path))}/verify", request, desk.screen.note
    )
    desk.answer(report, lambda result: data_views.verification_report(desk.views, result))
    return EXIT_SUCCESS if report["whole"] else EXIT_FAILURE


def storage(desk: CommandContext) -> int:
    desk.answer(
        desk.client.get("datasets/storage"), lambda usage: data_views.storage(desk.views, usage)
    )
    return EXIT_SUCCESS


def remote(
    desk: CommandContext,
    name: str | None,
    url: str | None,
    delete: bool,
    credentials: bool,
    **options: Any,
) -> int:
    if name is None:
        rows = desk.client.list("datasets/remotes")
        desk.answer(rows, lambda result: data_views.remotes(desk.views, result))
        return EXIT_SUCCESS
    if delete:
        deleted_remote = desk.client.delete(f"datasets/remotes/{segment(name)}")
        desk.answer(deleted_remote, lambda result: data_views.remotes(desk.views, [result]))
        return EXIT_SUCCESS
    settings = {key: value for key, value in options.items() if value not in (None, False)}
    if url is None:
        if settings or credentials:
            raise UsageFaultError(desk.views.say("Specify the URL of the remote as well."))
        answer = desk.client.post(f"datasets/remotes/{segment(name)}/check", {})
        desk.answer(answer, lambda result: data_views.reachable(desk.views, result))
        return EXIT_SUCCESS
    if credentials:
        settings.update(_prompt_credentials(desk, url))
    new_remote = desk.client.put(f"datasets/remotes/{segment(name)}", {"url": url, **settings})
    desk.answer(new_remote, lambda result: data_views.remotes(desk.views, [result]))
    return EXIT_SUCCESS


def _prompt_credentials(desk: CommandContext, url: str) -> dict[str, str]:
    """Prompt for credentials without echo: command lines end up in histories and notebooks."""
    names = CREDENTIAL_FIELDS.get(url.partition("://")[0])
    if names is None:
        text = desk.views.say("Folder remotes do not use credentials.")
        raise UsageFaultError(text)
    return {name: getpass(f"{name}: ") for name in names}
