"""Questions in place of errors, where a person at a terminal can answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jupyter_mlws.cli.console import Tone, line
from jupyter_mlws.cli.context import CommandContext, prompt
from jupyter_mlws.client.project import JSON
from jupyter_mlws.core.errors import (
    FileTooLargeError,
    GitIdentityMissingError,
    ManyNewFilesError,
)


def solve(context: CommandContext, error: JSON) -> bool:
    """Ask how to solve an error; return True if the command is worth another try.

    Each question is asked once in a command. ``error`` is as a server sends it.
    """
    ask = QUESTIONS.get(error["code"])
    if ask is None or context.as_json or not context.screen.can_ask:
        return False
    if error["code"] in context.questions:
        return False
    context.questions.add(error["code"])
    context.screen.show(line(error["message"], Tone.WARN))
    return ask(context, error)


def ask_for_identity(context: CommandContext, _: JSON) -> bool:
    """Set the name and the address of the person's commits."""
    views = context.views
    context.screen.show(line(views.say("They are in every commit that you make.")))
    name = prompt(views.say("Your name:"), secret=False).strip()
    email = prompt(views.say("Your email:"), secret=False).strip()
    if not (name and email):
        return False
    context.client.put("git/identity", {"name": name, "email": email})
    return True


def ask_to_track(context: CommandContext, error: JSON) -> bool:
    """Track large files with DVC, or commit without them."""
    if context.screen.confirm(context.views.say("Track them with DVC?")):
        for path in error["details"]["paths"]:
            context.client.post("datasets", {"path": path})
    return True


def ask_to_track_folders(context: CommandContext, error: JSON) -> bool:
    """Track the folders and files with many new files with DVC."""
    if not context.screen.confirm(context.views.say("Track them with DVC?")):
        return False
    for path in error["details"]["paths"]:
        context.client.post("datasets", {"path": path.rstrip("/")})
    return True


QUESTIONS: Mapping[str, Callable[[CommandContext, JSON], bool]] = {
    GitIdentityMissingError.code: ask_for_identity,
    FileTooLargeError.code: ask_to_track,
    ManyNewFilesError.code: ask_to_track_folders,
}
