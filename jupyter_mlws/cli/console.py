"""Screens that show tables and lines: a terminal, a pipe or a notebook."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
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
    """A piece of text with its tone."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    A terminal wraps the cells of a table without ``required``. With it, a terminal hides the
    columns that do not fit, the last one first or by ``order``, except ``required`` ones, and shows
    ``hint``. ``flexible``: the column whose texts are cut to make room.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    required: int | None = None
    hint: str = ""
    order: Sequence[int] = ()
    flexible: int | None = None

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
        from rich.cells import cell_len, chop_cells, set_cell_size

        widths = self.widths
        least = list(widths)
        if self.flexible is not None:
            share = max(MIN_FLEXIBLE_WIDTH, round(width * FLEXIBLE_SHARE))
            least[self.flexible] = min(widths[self.flexible], share + len(GAP))
        places = list(self.order or range(len(self.columns)))
        while len(places) > (self.required or 0) and sum(least[one] for one in places) > width:
            places.pop()
        places.sort()
        room = width - len(GAP) - sum(widths[one] for one in places if one != self.flexible)

        def cut(place: int, cell: Cell) -> Cell:
            if place != self.flexible or cell_len(cell.text) <= room:
                return cell
            # In the middle: some texts differ in their ends.
            end = chop_cells(cell.text[::-1], max(room // 3, 1))[0][::-1]
            end = end.partition(" ")[2] or end
            start = set_cell_size(cell.text, max(room - 1 - cell_len(end), 0)).rstrip()
            return Cell(f"{start}…{end}", cell.tone)

        return Table(
            [self.columns[place] for place in places],
            [[cut(place, row[place]) for place in places] for row in self.rows],
        )


@dataclass(frozen=True)
class Lines:
    """Lines of text; ``fixed`` ones, such as a diff, keep their spaces.

    A terminal cuts those to ``clip`` at its width.
    """

    lines: Sequence[Sequence[Cell]]
    fixed: bool = False
    clip: bool = False


Block = Table | Lines
GAP = "  "
"""Space between two columns."""
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
        for block in blocks:
            if not self._has_color:
                self._out.write(plain(block))
            elif isinstance(block, Table) and block.required is not None:
                # The columns that fit, without wrapping cells, so that IDs can be copied.
                visible = block.fit(self._console.width)
                self._create_console(sum(visible.widths)).print(_rich(visible))
                if len(visible.columns) < len(block.columns):
                    self._console.print(_rich(line(block.hint, Tone.FAINT)), soft_wrap=True)
            elif isinstance(block, Lines) and block.clip:
                self._console.print(_rich(block), no_wrap=True, overflow="ellipsis")
            else:
                self._console.print(_rich(block), soft_wrap=isinstance(block, Lines))
        self._out.flush()

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
        return self._create_console(None if self._out.isatty() else 200)

    def _create_console(self, width: int | None) -> Console:
        # Lazy: importing it, and its layout of a long table, take longer than most commands.
        from rich.console import Console

        return Console(file=self._out, width=width, highlight=False, emoji=False, markup=False)


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
