"""What the words of merges, staging, going back, tags and stashes do."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli import code_views
from jupyter_mlws.cli.commands import EXIT_FAILURE, EXIT_SUCCESS, CommandContext, UsageFaultError
from jupyter_mlws.client.http import segment
from jupyter_mlws.client.project import path_segment
from jupyter_mlws.core.errors import VersionItemNotFoundError

PREVIOUS_COMMIT = "HEAD~1"


def merge(
    desk: CommandContext,
    ref: str | None,
    message: str | None,
    go_on: bool,
    abort: bool,
    side: str | None,
    take: str | None,
    paths: Sequence[str],
) -> int:
    side = side or take
    if side is not None:
        return _resolve(desk, side, ref, paths)
    if sum([ref is not None, go_on, abort]) > 1 or paths:
        raise UsageFaultError(
            desk.views.say("Use only one of REF, --continue, --abort and a side, such as --ours.")
        )
    if abort:
        response = desk.client.post("git/merge/abort", {})
        desk.answer(response, lambda result: code_views.abort_result(desk.views, result))
        return EXIT_SUCCESS
    if ref is None and not go_on:
        result = desk.client.get("git/conflicts")
        desk.answer(result, lambda rows: code_views.conflicts(desk.views, rows))
        return EXIT_FAILURE if result["items"] else EXIT_SUCCESS
    merge_result = desk.client.follow(
        "git/merge" if ref else "git/merge/continue",
        {key: value for key, value in (("ref", ref), ("message", message)) if value},
        desk.screen.note,
    )
    desk.answer(merge_result, lambda result: code_views.merge_result(desk.views, result))
    return EXIT_FAILURE if merge_result["outcome"] == "conflicts" else EXIT_SUCCESS


def _resolve(desk: CommandContext, side: str, first: str | None, paths: Sequence[str]) -> int:
    # With a side, all arguments are paths.
    all_paths = [*([first] if first is not None else []), *paths]
    if not all_paths:
        raise UsageFaultError(desk.views.say("Specify the paths to resolve."))
    conflicts = {}
    for path in all_paths:
        conflicts = desk.client.post(
            f"git/conflicts/{path_segment(desk.path(path))}", {"take": side}
        )
    desk.answer(conflicts, lambda rows: code_views.conflicts(desk.views, rows))
    return EXIT_SUCCESS


def revert(desk: CommandContext, snapshot: str | None, message: str | None) -> int:
    request = {
        "to": snapshot or PREVIOUS_COMMIT,
        "mode": "revert",
        **({"message": message} if message else {}),
    }
    response = desk.client.follow("git/rollback", request, desk.screen.note)
    desk.answer(response, lambda result: code_views.revert_result(desk.views, result))
    return EXIT_SUCCESS


def stage(desk: CommandContext, paths: Sequence[str]) -> int:
    return _update_index(desk, paths, "stage")


def unstage(desk: CommandContext, paths: Sequence[str]) -> int:
    return _update_index(desk, paths, "unstage")


def _update_index(desk: CommandContext, paths: Sequence[str], how: str) -> int:
    relative_paths = [desk.path(path) for path in paths]
    status = desk.client.post(
        f"git/{how}", {"paths": relative_paths} if relative_paths else {"all": True}
    )
    desk.answer(status, lambda result: code_views.staging_status(desk.views, result))
    return EXIT_SUCCESS


def tag(desk: CommandContext, name: str | None, ref: str, message: str | None, delete: bool) -> int:
    if name is None:
        if delete:
            text = desk.views.say("Specify the tag to delete.")
            raise UsageFaultError(text)
        rows = desk.client.list("git/tags")
    elif delete:
        rows = [desk.client.delete(f"git/tag/{path_segment(name)}")]
    else:
        request = {"name": name, "ref": ref, **({"message": message} if message else {})}
        rows = [desk.client.post("git/tag", request)]
    desk.answer(rows if name is None else rows[0], lambda _: code_views.tags(desk.views, rows))
    return EXIT_SUCCESS


def stash(
    desk: CommandContext, action: str, identifier: str | None, message: str | None, keep: bool
) -> int:
    if action == "list":
        rows = desk.client.list("git/stashes")
        desk.answer(rows, lambda result: code_views.stashes(desk.views, result))
    elif action == "push":
        new_stash = desk.client.follow(
            "git/stashes", {"message": message} if message else {}, desk.screen.note
        )
        desk.answer(new_stash, lambda result: code_views.stashes(desk.views, [result]))
    elif action == "drop":
        dropped_stash = desk.client.delete(f"git/stashes/{segment(_find_stash(desk, identifier))}")
        desk.answer(dropped_stash, lambda result: code_views.stashes(desk.views, [result]))
    else:
        response = desk.client.follow(
            f"git/stashes/{segment(_find_stash(desk, identifier))}/apply",
            {"keep": keep},
            desk.screen.note,
        )
        desk.answer(response, lambda result: code_views.stash_result(desk.views, result))
    return EXIT_SUCCESS


def safety(desk: CommandContext, identifier: str | None) -> int:
    rows = desk.client.list("git/safety")
    if identifier is None:
        desk.answer(rows, lambda copies: code_views.safety_copies(desk.views, copies))
        return EXIT_SUCCESS
    copy_id = _match_prefix([str(row["id"]) for row in rows], identifier)
    result = desk.client.follow(f"git/safety/{segment(copy_id)}/restore", {}, desk.screen.note)
    desk.answer(result, desk.views.restored)
    return EXIT_SUCCESS


def _find_stash(desk: CommandContext, prefix: str | None) -> str:
    """Return the ID that starts with ``prefix``, or the newest; error 30404 without stashes."""
    ids = [str(row["id"]) for row in desk.client.list("git/stashes")]
    if not ids:
        raise VersionItemNotFoundError(kind="stash", name=prefix or "stash@{0}")
    return _match_prefix(ids, prefix)


def _match_prefix(ids: Sequence[str], prefix: str | None) -> str:
    if prefix is None and ids:
        return ids[0]
    matches = [identifier for identifier in ids if prefix and identifier.startswith(prefix)]
    return matches[0] if len(matches) == 1 else prefix or ""


def fetch(desk: CommandContext, remote: str | None, prune: bool) -> int:
    request = {"prune": prune, **({"remote": remote} if remote else {})}
    response = desk.client.follow("git/fetch", request, desk.screen.note)
    desk.answer(response, lambda result: code_views.fetch_result(desk.views, result))
    return EXIT_SUCCESS
