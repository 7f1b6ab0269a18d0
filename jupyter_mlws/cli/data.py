"""What the words of data do that reach beyond the project: addresses, versions, stores, remotes."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from jupyter_mlws.cli import data_views
from jupyter_mlws.cli.commands import FAILED, OK, CommandContext, UsageFaultError
from jupyter_mlws.client.http import segment
from jupyter_mlws.client.project import dataset_address

SECRETS = {
    "s3": ("access_key_id", "secret_access_key"),
    "ssh": ("password",),
}
"""What is asked for, by the protocol of an address."""


def import_data(desk: CommandContext, url: str, path: str, no_link: bool) -> int:
    request = {"url": url, "path": desk.path(path), "link": not no_link}
    made = desk.client.follow("datasets/import", request, desk.screen.note)
    desk.answer(made, lambda found: data_views.datasets(desk.views, [found]))
    return OK


def diff_data(desk: CommandContext, path: str, start: str | None, end: str | None) -> int:
    found = desk.client.get(f"{dataset_address(desk.path(path))}/diff", {"from": start, "to": end})
    desk.answer(found, lambda diff: data_views.diff(desk.views, diff))
    return OK


def verify_data(desk: CommandContext, path: str, version: str | None, remote: str) -> int:
    asked: dict[str, Any] = {"remote": remote}
    if version is not None:
        asked["version"] = version
    found = desk.client.follow(
        f"{dataset_address(desk.path(path))}/verify", asked, desk.screen.note
    )
    desk.answer(found, lambda result: data_views.verified(desk.views, result))
    return OK if found["whole"] else FAILED


def storage(desk: CommandContext) -> int:
    desk.answer(
        desk.client.get("datasets/storage"), lambda found: data_views.storage(desk.views, found)
    )
    return OK


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
        desk.answer(rows, lambda found: data_views.remotes(desk.views, found))
        return OK
    if delete:
        gone = desk.client.delete(f"datasets/remotes/{segment(name)}")
        desk.answer(gone, lambda found: data_views.remotes(desk.views, [found]))
        return OK
    given = {key: value for key, value in options.items() if value not in (None, False)}
    if url is None:
        if given or credentials:
            raise UsageFaultError(desk.views.say("Specify the URL of the remote as well."))
        answer = desk.client.post(f"datasets/remotes/{segment(name)}/check", {})
        desk.answer(answer, lambda found: data_views.reachable(desk.views, found))
        return OK
    if credentials:
        given.update(_asked(desk, url))
    made = desk.client.put(f"datasets/remotes/{segment(name)}", {"url": url, **given})
    desk.answer(made, lambda found: data_views.remotes(desk.views, [found]))
    return OK


def _asked(desk: CommandContext, url: str) -> dict[str, str]:
    """Credentials are typed unseen: a command line stays in a history or a notebook."""
    names = SECRETS.get(url.partition("://")[0])
    if names is None:
        text = desk.views.say("Folder remotes do not use credentials.")
        raise UsageFaultError(text)
    return {name: getpass(f"{name}: ") for name in names}
