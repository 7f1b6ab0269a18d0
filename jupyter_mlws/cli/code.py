"""What the words of merges, staging, going back, tags and stashes do."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.cli import code_views
from jupyter_mlws.cli.commands import FAILED, OK, CommandContext, UsageFaultError
from jupyter_mlws.client.http import segment
from jupyter_mlws.client.project import escaped
from jupyter_mlws.core.errors import VersionItemNotFoundError

BEFORE = "HEAD~1"


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
        gone = desk.client.post("git/merge/abort", {})
        desk.answer(gone, lambda found: code_views.aborted(desk.views, found))
        return OK
    if ref is None and not go_on:
        found = desk.client.get("git/conflicts")
        desk.answer(found, lambda rows: code_views.conflicts(desk.views, rows))
        return FAILED if found["items"] else OK
    merged = desk.client.follow(
        "git/merge" if ref else "git/merge/continue",
        {key: value for key, value in (("ref", ref), ("message", message)) if value},
        desk.screen.note,
    )
    desk.answer(merged, lambda found: code_views.merged(desk.views, found))
    return FAILED if merged["outcome"] == "conflicts" else OK


def _resolve(desk: CommandContext, side: str, first: str | None, paths: Sequence[str]) -> int:
    # With a side, all arguments are paths.
    named = [*([first] if first is not None else []), *paths]
    if not named:
        raise UsageFaultError(desk.views.say("Specify the paths to resolve."))
    left = {}
    for path in named:
        left = desk.client.post(f"git/conflicts/{escaped(desk.path(path))}", {"take": side})
    desk.answer(left, lambda rows: code_views.conflicts(desk.views, rows))
    return OK


def revert(desk: CommandContext, snapshot: str | None, message: str | None) -> int:
    asked = {
        "to": snapshot or BEFORE,
        "mode": "revert",
        **({"message": message} if message else {}),
    }
    done = desk.client.follow("git/rollback", asked, desk.screen.note)
    desk.answer(done, lambda found: code_views.undone(desk.views, found))
    return OK


def stage(desk: CommandContext, paths: Sequence[str]) -> int:
    return _staged(desk, paths, "stage")


def unstage(desk: CommandContext, paths: Sequence[str]) -> int:
    return _staged(desk, paths, "unstage")


def _staged(desk: CommandContext, paths: Sequence[str], how: str) -> int:
    named = [desk.path(path) for path in paths]
    status = desk.client.post(f"git/{how}", {"paths": named} if named else {"all": True})
    desk.answer(status, lambda found: code_views.staged(desk.views, found))
    return OK


def tag(desk: CommandContext, name: str | None, ref: str, message: str | None, delete: bool) -> int:
    if name is None:
        if delete:
            text = desk.views.say("Specify the tag to delete.")
            raise UsageFaultError(text)
        rows = desk.client.list("git/tags")
    elif delete:
        rows = [desk.client.delete(f"git/tag/{escaped(name)}")]
    else:
        asked = {"name": name, "ref": ref, **({"message": message} if message else {})}
        rows = [desk.client.post("git/tag", asked)]
    desk.answer(rows if name is None else rows[0], lambda _: code_views.tags(desk.views, rows))
    return OK


def stash(
    desk: CommandContext, action: str, identifier: str | None, message: str | None, keep: bool
) -> int:
    if action == "list":
        rows = desk.client.list("git/stashes")
        desk.answer(rows, lambda found: code_views.stashes(desk.views, found))
    elif action == "push":
        made = desk.client.follow(
            "git/stashes", {"message": message} if message else {}, desk.screen.note
        )
        desk.answer(made, lambda found: code_views.stashes(desk.views, [found]))
    elif action == "drop":
        gone = desk.client.delete(f"git/stashes/{segment(_stash(desk, identifier))}")
        desk.answer(gone, lambda found: code_views.stashes(desk.views, [found]))
    else:
        got = desk.client.follow(
            f"git/stashes/{segment(_stash(desk, identifier))}/apply",
            {"keep": keep},
            desk.screen.note,
        )
        desk.answer(got, lambda found: code_views.brought_back(desk.views, found))
    return OK


def safety(desk: CommandContext, identifier: str | None) -> int:
    rows = desk.client.list("git/safety")
    if identifier is None:
        desk.answer(rows, lambda found: code_views.safety_copies(desk.views, found))
        return OK
    chosen = _by_beginning([str(row["id"]) for row in rows], identifier)
    restored = desk.client.follow(f"git/safety/{segment(chosen)}/restore", {}, desk.screen.note)
    desk.answer(restored, desk.views.restored)
    return OK


def _stash(desk: CommandContext, given: str | None) -> str:
    """The id that begins with ``given``; without it the newest. Error 30404 without stashes."""
    ids = [str(row["id"]) for row in desk.client.list("git/stashes")]
    if not ids:
        raise VersionItemNotFoundError(kind="stash", name=given or "stash@{0}")
    return _by_beginning(ids, given)


def _by_beginning(known: Sequence[str], given: str | None) -> str:
    if given is None and known:
        return known[0]
    found = [identifier for identifier in known if given and identifier.startswith(given)]
    return found[0] if len(found) == 1 else given or ""


def fetch(desk: CommandContext, remote: str | None, prune: bool) -> int:
    asked = {"prune": prune, **({"remote": remote} if remote else {})}
    got = desk.client.follow("git/fetch", asked, desk.screen.note)
    desk.answer(got, lambda found: code_views.fetched(desk.views, found))
    return OK
