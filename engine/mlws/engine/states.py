"""The states of runs and of their nodes, and the one table of allowed changes."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """State of a run or a node."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    CACHED = "CACHED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def ended(self) -> bool:
        """True if no further change is possible."""
        return not RUN_CHANGES.get(self) and not NODE_CHANGES.get(self)


S = Status
RUN_CHANGES: dict[Status, frozenset[Status]] = {
    S.PENDING: frozenset({S.RUNNING, S.FAILED, S.CANCELLED, S.INTERRUPTED}),
    S.RUNNING: frozenset({S.COMPLETED, S.FAILED, S.CANCELLED, S.INTERRUPTED}),
}
NODE_CHANGES: dict[Status, frozenset[Status]] = {
    S.PENDING: frozenset(
        {S.QUEUED, S.RUNNING, S.CACHED, S.FAILED, S.SKIPPED, S.CANCELLED, S.INTERRUPTED}
    ),
    S.QUEUED: frozenset({S.RUNNING, S.CACHED, S.FAILED, S.SKIPPED, S.CANCELLED, S.INTERRUPTED}),
    S.RUNNING: frozenset({S.COMPLETED, S.FAILED, S.QUEUED, S.CANCELLED, S.INTERRUPTED}),
}


class TransitionError(Exception):
    """A state change that the table does not allow: an internal error."""


def check(changes: dict[Status, frozenset[Status]], old: Status, new: Status) -> None:
    """Raise :class:`TransitionError` unless ``old`` may become ``new``."""
    if new not in changes.get(old, frozenset()):
        raise TransitionError(f"{old.value} cannot become {new.value}")
