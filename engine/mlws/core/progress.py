"""Long work: callbacks for progress, which can also stop it, and for questions; its duration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mlws.core.locking import Waiting

Ask = Callable[[str, bool], str]
"""Prompts the user; the second argument is True if the answer is secret."""


class ProgressCallback(Protocol):
    """Receives the progress of an operation; an exception that it raises stops the work."""

    def __call__(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None: ...


def no_progress(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
    """Ignore progress."""


def report_waiting(progress: ProgressCallback) -> Waiting:
    """Return a callback that reports the lock's holder by ``progress``.

    An exception that ``progress`` raises ends the wait.
    """
    return lambda holder: progress(0, message=f"wait for {holder.operation} by {holder.who}")


def format_duration(seconds: float | None) -> str:
    """Return a duration in seconds as text; a dash for None."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
