"""How work tells of itself, and is told to stop."""

from __future__ import annotations

from typing import Protocol

from jupyter_mlws.core.locking import Waiting


class Telling(Protocol):
    """Hears of progress, and may raise to stop; the signature of an operation's progress."""

    def __call__(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None: ...


def quiet(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
    """Nobody listens."""


def waiting_in(progress: Telling) -> Waiting:
    """Tells by ``progress`` for whose work it is waited; the wait ends where that raises."""
    return lambda holder: progress(0, message=f"wait for {holder.operation} by {holder.who}")
