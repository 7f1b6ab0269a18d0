"""Base of views, which render the API's JSON as tables and lines in the user's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from jupyter_mlws.cli.console import Block, Cell, Lines, Table, Tone, line
from mlws.core.i18n import Message, term
from mlws.core.paths import format_size

JSON = dict[str, Any]
DASH = "–"
MINUTE, HOUR = 60, 3600
MAX_RELATIVE_HOURS = 12
MAX_RELATIVE_DAYS = 30
NOT_PULLED = "not_pulled"
"""The state of data that this machine does not have yet."""

_TONES = {
    "COMPLETED": Tone.GOOD,
    "CACHED": Tone.GOOD,
    "RESTORED": Tone.GOOD,
    "RUNNING": Tone.BUSY,
    "QUEUED": Tone.FAINT,
    "PENDING": Tone.FAINT,
    "SKIPPED": Tone.FAINT,
    "CANCELLED": Tone.WARN,
    "FAILED": Tone.BAD,
    "INTERRUPTED": Tone.BAD,
    "added": Tone.GOOD,
    "untracked": Tone.FAINT,
    "modified": Tone.WARN,
    "deleted": Tone.BAD,
    "not_pulled": Tone.WARN,
    "conflicted": Tone.BAD,
    "missing": Tone.BAD,
    "damaged": Tone.BAD,
    "unchanged": Tone.FAINT,
    "unrecorded": Tone.WARN,
    "run": Tone.BUSY,
    "cached": Tone.FAINT,
    "restorable": Tone.GOOD,
    "delete": Tone.WARN,
}


class Column(NamedTuple):
    """Column of a table: its title, and the text of each row by the row's key or a function.

    ``is_id``: people type it, so it is never cut. ``is_time``: the values are times of the API.
    """

    title: Message
    value: str | Callable[[JSON], Any]
    tone: Tone = Tone.PLAIN
    is_id: bool = False
    is_time: bool = False

    def cell(self, row: JSON, language: str) -> Cell:
        """Return the cell of ``row``."""
        value = row[self.value] if isinstance(self.value, str) else self.value(row)
        if self.is_time:
            return Cell(when_of(value), self.tone, relative_time(value).in_(language))
        return value if isinstance(value, Cell) else Cell(value, self.tone)


class Views:
    """Renders texts, tables and terms in one language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def say(self, text: str, **facts: Any) -> str:
        """Return a text in the reader's language."""
        return Message(text, **facts).in_(self.language)

    def error(self, body: JSON) -> list[Block]:
        """Render the code and message of an error, its invalid fields, and the solution."""
        rows = [[Cell(f"{body['code']}  ", Tone.BAD), Cell(str(body["message"]))]]
        for fault in body.get("errors") or []:
            field = f"  {fault['field']}: " if fault["field"] else "  "
            rows.append([Cell(field, Tone.STRONG), Cell(fault["message"])])
        if body.get("solution"):
            rows.append([Cell(f"→ {body['solution']}", Tone.FAINT)])
        return [Lines(rows)]

    def text(self, text: str) -> Lines:
        """Return the output of a program, unchanged."""
        return Lines([[Cell(row)] for row in text.splitlines()], fixed=True)

    def pull_hint(self, states: Iterable[str]) -> list[Block]:
        """Return a hint how to pull data if one of ``states`` is "not pulled"."""
        if NOT_PULLED not in states:
            return []
        text = self.say("To pull the data: jupyter mlws data pull")
        return [line(text, Tone.FAINT)]

    def table(self, rows: Iterable[JSON], *columns: Column) -> Table:
        """Return a table with a line for every row."""
        return Table(
            [column.title.in_(self.language) for column in columns],
            [[column.cell(row, self.language) for column in columns] for row in rows],
            whole=frozenset(place for place, column in enumerate(columns) if column.is_id),
        )

    def listing(self, rows: Sequence[JSON], empty: Message, *columns: Column) -> list[Block]:
        """Return a table with a line for every row, or the text ``empty`` if there are none."""
        if not rows:
            return [line(empty.in_(self.language), Tone.FAINT)]
        return [self.table(rows, *columns)]

    def responsive(
        self,
        table: Table,
        command: str,
        *,
        wide: bool,
        order: Sequence[int] = (),
        flexible: int | None = None,
    ) -> Table:
        """Return a table that a terminal shows with the columns that fit, or all if ``wide``."""
        hint = self.say(
            "Some columns are hidden. Use `{command} --wide` to show all.", command=command
        )
        if wide:
            return replace(table, required=len(table.columns), hint=hint)
        return replace(table, required=2, hint=hint, order=order, flexible=flexible)

    def word(self, word: str) -> Cell:
        """Return a term of the API in the reader's language and in its color."""
        text = term(word, self.language).replace("_", " ")
        return Cell(text, _TONES.get(word, Tone.PLAIN))


def timestamp_of(moment: Any) -> float | None:
    """Return a time of the API (a number, or text in ISO 8601) as seconds since 1970."""
    if moment is None:
        return None
    if isinstance(moment, int | float):
        return float(moment)
    return datetime.fromisoformat(str(moment)).timestamp()


def when_of(moment: Any) -> str:
    """Return a time of the API in this machine's time zone."""
    seconds = timestamp_of(moment)
    if seconds is None:
        return DASH
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M")


def short_when_of(moment: Any) -> str:
    """Return a time of the API without the part of the date that is also today's."""
    text, today = when_of(moment), when_of(datetime.now(UTC).timestamp())
    if text[:10] == today[:10]:
        return text[11:]
    return text[5:] if text[:4] == today[:4] else text[:10]


def relative_time(moment: Any) -> Message:
    """Return how long ago a time of the API is; the date after some weeks."""
    seconds = timestamp_of(moment)
    if seconds is None:
        return Message.verbatim(DASH)
    now = datetime.now().astimezone()
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    age, days = now.timestamp() - seconds, (now.date() - local.date()).days
    if not 0 <= days < MAX_RELATIVE_DAYS or age < 0:
        return Message.verbatim(when_of(moment)[:10])
    if age < MINUTE:
        return Message("just now")
    if age < HOUR:
        return Message("{count} min ago", count=int(age // MINUTE))
    if days == 0 or age < MAX_RELATIVE_HOURS * HOUR:
        return Message("{count} h ago", count=int(age // HOUR))
    if days == 1:
        return Message("yesterday")
    return Message("{count} days ago", count=days)


def number_of(value: Any) -> str:
    """Return a value of a table as text; floats have five significant digits."""
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def columns_of(
    key: str, names: Iterable[str], format_value: Callable[[Any], str] = number_of
) -> list[Column]:
    """Return a column for each of ``names`` of the mapping that every row has at ``key``."""
    return [
        Column(Message.verbatim(name), lambda row, name=name: format_value(row[key].get(name)))  # type: ignore[misc]
        for name in names
    ]


SUBJECT = Column(
    Message("Message"),
    lambda row: Cell(row["subject"], Tone.STRONG if row["current"] else Tone.PLAIN),
)
TIME = Column(Message("Time"), "timestamp", Tone.FAINT, is_time=True)
COMMIT = Column(Message("Commit"), lambda row: (row["commit"] or "")[:8], Tone.WARN, is_id=True)
SIZES = (
    Column(Message("From"), lambda row: format_size(row["from_size"])),
    Column(Message("To"), lambda row: format_size(row["to_size"])),
)
