"""How work tells of itself, and is told to stop."""

from __future__ import annotations

from typing import Protocol


class Telling(Protocol):
    """Hears of progress, and may raise to stop; the signature of an operation's progress."""

    def __call__(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None: ...


def quiet(done: float, total: float | None = None, unit: str = "", message: str = "") -> None:
    """Nobody listens."""
