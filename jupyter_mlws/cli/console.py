"""Screens that show tables and lines: a terminal, a pipe or a notebook."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from io import StringIO
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text


class Tone(StrEnum):
    """Meaning of a piece of text, which determines its color."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"


_TERMINAL = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.FAINT: "dim",
    Tone.GOOD: "green",
    Tone.BUSY: "cyan",
    Tone.WARN: "yellow",
    Tone.BAD: "bold red",
}
_NOTEBOOK = {
    Tone.PLAIN: "",
    Tone.STRONG: "font-weight: 600",
    Tone.FAINT: "color: var(--jp-ui-font-color2, #666)",
    Tone.GOOD: "color: var(--jp-success-color0, #1b5e20)",
    Tone.BUSY: "color: var(--jp-info-color0, #006064)",
    Tone.WARN: "color: var(--jp-warn-color0, #b26a00)",
    Tone.BAD: "color: var(--jp-error-color0, #b71c1c); font-weight: 600",
}


@dataclass(frozen=True)
class Cell:
    """A piece of text with its tone; ``relative`` is a time in words, for a person who reads now.

    A terminal shows that unless all columns were asked for.
    """

    text: str
    tone: Tone = Tone.PLAIN
    relative: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    On a terminal, texts that do not fit are cut, except those of the columns ``whole``: IDs can be
    copied. With ``required``, a terminal hides the columns that do not fit, the last one first or
    by ``order``, except the first ``required`` ones, and shows ``hint``; only the texts of the
    column ``flexible`` are cut.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    required: int | None = None
    hint: str = ""
    order: Sequence[int] = ()
    flexible: int | None = None
    whole: frozenset[int] = frozenset()

    @property
    def widths(self) -> list[int]:
        """The width of each column in characters, gap included."""
        from rich.cells import cell_len

        texts = [self.columns, *([cell.text for cell in row] for row in self.rows)]
        return [
            max(cell_len(text) for row in texts for text in row[place].split("\n")) + len(GAP)
            for place in range(len(self.columns))
        ]

    def fit(self, width: int) -> Table:
        """Return the table with the columns that fit into a number of characters."""
        widths = self.widths
        least = list(widths)
        if self.flexible is not None:
            share = max(MIN_FLEXIBLE_WIDTH, round(width * FLEXIBLE_SHARE))
            least[self.flexible] = min(widths[self.flexible], share + len(GAP))
        places = list(self.order or range(len(self.columns)))
        required = len(places) if self.required is None else self.required
        while len(places) > required and sum(least[one] for one in places) > width:
            places.pop()
        places.sort()
        room = width - len(GAP) - sum(widths[one] for one in places if one != self.flexible)
        limits = {self.flexible: room}
        if self.required is None:
            limits = self.cuts(width)
        return Table(
            [self.columns[place] for place in places],
            [
                [
                    replace(cell, text=shorten(cell.text, limits[place]))
                    if place in limits
                    else cell
                    for place, cell in enumerate(row)
                    if place in places
                ]
                for row in self.rows
            ],
        )

    def cuts(self, width: int) -> dict[int | None, int]:
        """Return the characters to cut columns to, the widest ones first."""
        limits: dict[int | None, int] = {
            place: size - len(GAP)
            for place, size in enumerate(self.widths)
            if place not in self.whole
        }
        excess = sum(self.widths) - len(GAP) - width
        while excess > 0 and limits:
            widest = max(limits, key=lambda place: limits[place])
            if limits[widest] <= MIN_CUT_WIDTH:
                break
            limits[widest] -= 1
            excess -= 1
        return limits

    def with_relative_times(self) -> Table:
        """Return the table as a person reads it now."""
        rows = [
            [replace(cell, text=cell.relative or cell.text) for cell in row] for row in self.rows
        ]
        return replace(self, rows=rows)


def shorten(text: str, room: int) -> str:
    """Return a text with an ellipsis in place of what exceeds a number of columns."""
    from rich.cells import cell_len, chop_cells, set_cell_size

    if "\n" in text:
        return "\n".join(shorten(one, room) for one in text.split("\n"))
    if cell_len(text) <= room:
        return text
    # In the middle: some texts differ in their ends.
    end = chop_cells(text[::-1], max(room // 3, 1))[0][::-1]
    end = end.partition(" ")[2] or end
    start = set_cell_size(text, max(room - 1 - cell_len(end), 0)).rstrip()
    return f"{start}…{end}"


@dataclass(frozen=True)
class Lines:
    """Lines of text; ``fixed`` ones, such as a diff, keep their spaces.

    A terminal cuts those to ``clip`` at its width.
    """

    lines: Sequence[Sequence[Cell]]
    fixed: bool = False
    clip: bool = False


Block = Table | Lines
PAGER_VARIABLES = ("MLWS_PAGER", "PAGER")
DEFAULT_PAGER = "less -FRX"
PLAIN = re.compile(r"\x1b\[[0-9;]*m")
GAP = "  "
"""Space between two columns."""
MIN_CUT_WIDTH = 8
"""Columns below which no text of a table is cut; its lines wrap then."""
MIN_FLEXIBLE_WIDTH = 24
FLEXIBLE_SHARE = 0.3
"""Share of a terminal's width below which a flexible column is not cut."""


def line(text: str, tone: Tone = Tone.PLAIN) -> Lines:
    """Return one line of one tone."""
    return Lines([[Cell(text, tone)]])


class LiveRegion(Protocol):
    """A region of the screen whose content is replaced."""

    def update(self, blocks: Sequence[Block]) -> None:
        """Replace the content with ``blocks``."""


class Screen(Protocol):
    """Output device for the result and the messages of a command."""

    def show(self, *blocks: Block) -> None:
        """Show blocks, one below the other."""

    def show_result(self, *blocks: Block, is_wide: bool, is_paged: bool) -> None:
        """Show the result of a command, in a pager if it does not fit.

        ``is_wide``: nothing is cut.
        """

    def data(self, data: Any) -> None:
        """Output a result for programs."""

    def note(self, text: str) -> None:
        """Show the progress of the work; not part of the result."""

    def warn(self, text: str) -> None:
        """Show a warning; not part of the result."""

    @property
    def can_ask(self) -> bool:
        """Return whether there is a user who can be asked."""

    def confirm(self, question: str) -> bool | None:
        """Return the user's answer to a yes/no question; None if no user can be asked."""

    def live(self) -> Any:
        """Return a context with a :class:`LiveRegion`, or with None if lines cannot be replaced."""


class TerminalScreen:
    """A terminal or, without colors and live updates, a pipe."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def show(self, *blocks: Block) -> None:
        self.show_result(*blocks)

    def show_result(self, *blocks: Block, is_wide: bool = False, is_paged: bool = False) -> None:
        text = "".join(self._text(block, is_wide=is_wide) for block in blocks)
        if is_paged and self.can_ask:
            page(text, self._out)
        else:
            self._out.write(text)
            self._out.flush()

    def _text(self, block: Block, *, is_wide: bool) -> str:
        if not self._has_color:
            return plain(block)
        width = self._console.width
        if isinstance(block, Lines):
            overflow = "ellipsis" if block.clip else "fold"
            return self._render(block, width, no_wrap=block.clip, overflow=overflow)
        if is_wide:
            return self._render(block, sum(block.widths))
        block = block.with_relative_times()
        # Cells are not wrapped, so that IDs can be copied.
        visible = block.fit(width)
        text = self._render(visible, sum(visible.widths))
        if len(visible.columns) < len(block.columns):
            text += self._render(line(block.hint, Tone.FAINT), width)
        return text

    def _render(self, block: Block, width: int, **settings: Any) -> str:
        buffer = StringIO()
        console = self._create_console(width, buffer)
        # Lines that are not cut are left to the terminal, which joins them when they are copied.
        settings.setdefault("soft_wrap", isinstance(block, Lines) and not settings.get("no_wrap"))
        console.print(_rich(block), **settings)
        return buffer.getvalue()

    def data(self, data: Any) -> None:
        self._out.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
        self._out.flush()

    def note(self, text: str) -> None:
        if text and sys.stderr.isatty():
            sys.stderr.write(f"{text}\n")

    def warn(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    @property
    def can_ask(self) -> bool:
        return sys.stdin.isatty() and self._out.isatty()

    def confirm(self, question: str) -> bool | None:
        if not self.can_ask:
            return None
        import click

        return click.confirm(question, default=False)

    @contextmanager
    def live(self) -> Iterator[LiveRegion | None]:
        if not (self._has_color and self._console.is_terminal):
            yield None
            return
        from rich.live import Live

        with Live(console=self._console, refresh_per_second=8) as live:
            yield _TerminalLive(live)

    @cached_property
    def _has_color(self) -> bool:
        return self._out.isatty() or bool(os.environ.get("FORCE_COLOR"))

    @cached_property
    def _console(self) -> Console:
        # Wide enough for all paths if the output is not a terminal.
        return self._create_console(None if self._out.isatty() else 200, self._out)

    def _create_console(self, width: int | None, file: TextIO) -> Console:
        # Lazy: importing it, and its layout of a long table, take longer than most commands.
        from rich.console import Console

        # A part of the output, too, has the colors of the terminal.
        is_terminal = True if file is not self._out else None
        return Console(
            file=file,
            width=width,
            highlight=False,
            emoji=False,
            markup=False,
            force_terminal=is_terminal,
        )


def page(text: str, out: TextIO) -> None:
    """Write a text to the terminal, by git's rules in a pager if it does not fit.

    The pager is ``MLWS_PAGER``, ``PAGER`` or ``less -FRX``; empty or ``cat`` for none.
    """
    names = (os.environ.get(name) for name in PAGER_VARIABLES)
    pager = next((name for name in names if name is not None), DEFAULT_PAGER)
    words = shlex.split(pager)
    size = shutil.get_terminal_size()
    rows = sum(max(1, -(-len(PLAIN.sub("", row)) // size.columns)) for row in text.splitlines())
    if rows < size.lines or pager in ("", "cat") or shutil.which(words[0]) is None:
        out.write(text)
        out.flush()
        return
    # Ctrl-C is for the pager, which has the terminal.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        environment = {"LESS": "FRX", "LV": "-c", **os.environ}
        subprocess.run(words, input=text.encode(), env=environment, check=False)
    finally:
        signal.signal(signal.SIGINT, previous)


@dataclass(frozen=True)
class _TerminalLive:
    live: Live

    def update(self, blocks: Sequence[Block]) -> None:
        from rich.console import Group

        self.live.update(Group(*map(_rich, blocks)))


class NotebookScreen:
    """Output of a notebook cell: HTML, with plain text for front ends without HTML."""

    def __init__(self) -> None:
        self.result: Any = None

    def show(self, *blocks: Block) -> None:
        from IPython.display import display

        if blocks:
            display(_bundle(blocks), raw=True)  # type: ignore[no-untyped-call]

    def show_result(self, *blocks: Block, is_wide: bool, is_paged: bool) -> None:
        self.show(*blocks)

    def data(self, data: Any) -> None:
        """Store the result, which becomes the value of the magic."""
        self.result = data

    def note(self, text: str) -> None:
        """Ignore the progress of short work, which would clutter the notebook."""

    def warn(self, text: str) -> None:
        self.show(line(text, Tone.WARN))

    @property
    def can_ask(self) -> bool:
        return False

    def confirm(self, question: str) -> bool | None:
        return None

    @contextmanager
    def live(self) -> Iterator[LiveRegion | None]:
        from IPython.display import display

        empty = {"text/plain": ""}
        yield _NotebookLive(display(empty, raw=True, display_id=True))  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class _NotebookLive:
    handle: Any

    def update(self, blocks: Sequence[Block]) -> None:
        self.handle.update(_bundle(blocks), raw=True)


def _bundle(blocks: Sequence[Block]) -> dict[str, str]:
    return {
        "text/html": "".join(_html(block) for block in blocks),
        "text/plain": "".join(plain(block) for block in blocks).rstrip("\n"),
    }


def plain(block: Block) -> str:
    """Return ``block`` as text without colors; columns are padded by their display width."""
    if isinstance(block, Lines):
        return "".join("".join(cell.text for cell in cells) + "\n" for cells in block.lines)
    from rich.cells import cell_len

    texts = [block.columns, *([cell.text for cell in row] for row in block.rows)]
    # A text of several lines takes as many rows.
    rows = [
        row
        for cells in texts
        for row in zip_longest(*(text.splitlines() or [""] for text in cells), fillvalue="")
    ]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    lines = (
        GAP.join(
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        )
        for row in rows
    )
    return "".join(text.rstrip() + "\n" for text in lines)


def _rich(block: Block) -> Any:
    from rich.table import Table as RichTable
    from rich.text import Text

    if isinstance(block, Lines):
        return Text("\n").join(_rich_cells(cells) for cells in block.lines)
    table = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, len(GAP), 0, 0))
    for column in block.columns:
        table.add_column(column, overflow="fold")
    for row in block.rows:
        table.add_row(*(_rich_cells([cell]) for cell in row))
    return table


def _rich_cells(cells: Sequence[Cell]) -> Text:
    from rich.text import Text

    return Text.assemble(*((cell.text, _TERMINAL[cell.tone]) for cell in cells))


def _html(block: Block) -> str:
    if isinstance(block, Lines):
        tag, gap = ("pre", "\n") if block.fixed else ("div", "<br>")
        return f"<{tag}>{gap.join(map(_html_cells, block.lines))}</{tag}>"
    from html import escape

    head = "".join(f'<th style="text-align: left">{escape(c)}</th>' for c in block.columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td style="text-align: left">{_html_cells([cell])}</td>' for cell in row)
        + "</tr>"
        for row in block.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cells(cells: Sequence[Cell]) -> str:
    from html import escape

    return "".join(
        f'<span style="{_NOTEBOOK[cell.tone]}">{escape(cell.text)}</span>'
        if _NOTEBOOK[cell.tone]
        else escape(cell.text)
        for cell in cells
    )
