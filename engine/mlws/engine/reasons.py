"""Messages that state why a stage runs or does not."""

from __future__ import annotations

import shlex
from typing import Protocol

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.dvc.stages import Cause, Change, StageError

FORCED_REASON = Message("forced")
NEVER_RAN_REASON = Message("never ran")
COMMAND_REASON = Message("the command changed")
ALWAYS_RUNS_REASON = Message("runs every time")
FROZEN_REASON = Message("frozen")
DEFAULT = Message("default")
UP_TO_DATE_REASON = Message("up to date")
RESTORABLE_REASON = Message("in the run cache")
RESTORABLE_FROM_REASON = Message("in the run cache, from run {run}")
RESTORED_REASON = Message("restored from the run cache")
SKIPPED_REASON = Message("skipped as requested")
RERUN_REASON = Message("rerun requested")
ACCEPTED_REASON = Message("accepted as is")
STATES = {
    "modified": Message("changed"),
    "deleted": Message("is missing"),
    "new": Message("is new"),
    "not in cache": Message("is not in the cache"),
}


class CosmeticChangeDetector(Protocol):
    """Detects cosmetic changes of files; see :mod:`~jupyter_mlws.workflows.contents`."""

    def is_cosmetic_change(self, path: str, old: str, new: str | None) -> bool: ...


def is_cosmetic(change: Change, looks: CosmeticChangeDetector) -> bool:
    """Return whether a change is a cosmetic change of a dependency."""
    if change.cause is not Cause.DEPENDENCY or change.state != "modified" or not change.old:
        return False
    return looks.is_cosmetic_change(change.name, change.old, change.new)


def describe(change: Change) -> list[Message]:
    """Return a difference to the lock file as messages.

    Of two commands of the same kind, the options that differ are named.
    """
    if change.cause is Cause.NEVER_RAN:
        return [NEVER_RAN_REASON]
    if change.cause is Cause.ALWAYS:
        return [ALWAYS_RUNS_REASON]
    if change.cause is Cause.COMMAND:
        before, after = split_options(change.old), split_options(change.new)
        if before is None or after is None or before[0] != after[0]:
            return [COMMAND_REASON]
        names = dict.fromkeys([*before[1], *after[1]])
        pairs = [(name, before[1].get(name), after[1].get(name)) for name in names]
        reasons = [
            Message("{name} {one} → {other}", name=name, one=one or DEFAULT, other=other or DEFAULT)
            for name, one, other in pairs
            if one != other
        ]
        return reasons or [COMMAND_REASON]
    if change.cause is Cause.PARAMETER and change.state == "modified":
        old, new = repr(change.old), repr(change.new)
        return [Message("{name} {old} → {new}", name=change.name, old=old, new=new)]
    state = STATES.get(change.state, Message.verbatim(change.state))
    return [Message("{name} {state}", name=change.name, state=state)]


def split_options(command: str) -> tuple[list[str], dict[str, str]] | None:
    """Split a command into the words before its first option and the options.

    None if it cannot be parsed.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    plain: list[str] = []
    values: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            values[name] = value
        elif name:
            values[name] = f"{values[name]} {word}".strip()
        else:
            plain.append(word)
    return plain, {key: value or "true" for key, value in values.items()}


def reason_of(error: BaseException | None) -> str:
    """Return why DVC's part of a node failed; of an unexpected error also its type."""
    if isinstance(error, StageError | OSError | MLWSError):
        return str(error)
    return f"{type(error).__name__}: {error}"
