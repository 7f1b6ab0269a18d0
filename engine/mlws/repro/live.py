"""Lines below what is printed on a terminal: one for each stage that runs."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from unicodedata import combining, east_asian_width

import click

from mlws.core.i18n import Message
from mlws.core.progress import format_duration
from mlws.engine.node_logs import log_path, tail

INTERVAL = 0.2
"""Seconds between two refreshes."""
MAX_BLANK_LINES = 10
"""Lines at the end of a log among which the last one with text is searched."""
MAX_NAME_SHARE = 0.5
"""Share of a terminal's width above which names of stages are cut."""
GAP = "  "
WIDE = "WF"
"""Unicode's classes of characters that take two columns."""


def can_replace_lines() -> bool:
    """Return whether the standard output is a terminal that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class LiveStages:
    """Shows the stages that run, with their times and what they printed last.

    ``logs`` is the folder of the logs of the stages. A context: the lines are shown in it, and
    removed at its end.
    """

    def __init__(self, language: str, logs: Path) -> None:
        self._language = language
        self._logs = logs
        self._running: dict[str, tuple[str, float]] = {}
        self._height = 0
        self._lock = threading.RLock()
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self.refresh, daemon=True)
        # https://no-color.org
        self._has_style = not os.environ.get("NO_COLOR")

    def __enter__(self) -> LiveStages:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._has_ended.set()
        self._thread.join()
        with self._lock:
            self._running.clear()
            self._draw()

    def start(self, node: str, name: str) -> None:
        """Show a stage, under the name that it has where the command was given."""
        with self._lock:
            self._running[node] = name, time.monotonic()
            self._draw()

    def end(self, node: str) -> None:
        """Remove the line of a stage, if it has one."""
        with self._lock:
            if self._running.pop(node, None) is not None:
                self._draw()

    @contextmanager
    def above(self) -> Iterator[None]:
        """Make room above the lines, for whole lines to be printed."""
        with self._lock:
            sys.stdout.write(self._erasure())
            sys.stdout.flush()
            self._height = 0
            yield
            self._draw()

    def refresh(self) -> None:
        """Redraw the lines at an interval, until the end."""
        while not self._has_ended.wait(INTERVAL):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size()
        lines = list(self._lines(columns - 1))
        # Lines that scroll out of the screen cannot be replaced.
        room = max(1, rows - 2)
        if len(lines) > room:
            more = Message("… {count} more", count=len(lines) - room + 1)
            lines = [*lines[: room - 1], more.in_(self._language)]
        # In one piece, or the screen flickers.
        sys.stdout.write(self._erasure() + "".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
        self._height = len(lines)

    def _erasure(self) -> str:
        return f"\x1b[{self._height}A\x1b[J" if self._height else ""

    def _lines(self, columns: int) -> Iterator[str]:
        now = time.monotonic()
        names = [name for name, _ in self._running.values()]
        width = min(max(map(text_width, names), default=0), int(columns * MAX_NAME_SHARE))
        for node, (name, started) in self._running.items():
            head = cut(name, width)
            head += " " * (width - text_width(head))
            elapsed = f"{GAP}{format_duration(now - started):>7}"
            texts = reversed(tail(log_path(self._logs, node), MAX_BLANK_LINES))
            text = next((text for text in map(printable, texts) if text), "")
            text = cut(f"{GAP}{text}", columns - width - len(elapsed)).rstrip()
            if self._has_style:
                head, text = click.style(head, bold=True), click.style(text, dim=True)
            yield f"{head}{elapsed}{text}"


def printable(text: str) -> str:
    """Return a line that a program printed without what would move the cursor."""
    text = click.unstyle(text).replace("\t", " ")
    return "".join(character for character in text if character.isprintable()).strip()


def text_width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(0 if combining(one) else 2 if east_asian_width(one) in WIDE else 1 for one in text)


def cut(text: str, columns: int) -> str:
    """Return a text cut to a number of columns, with an ellipsis if something is missing."""
    if text_width(text) <= columns:
        return text
    while text and text_width(text) >= columns:
        text = text[:-1]
    return f"{text}…" if columns > 0 else ""
