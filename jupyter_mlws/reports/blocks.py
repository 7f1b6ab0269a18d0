"""Content of a report, independent of its format: a format escapes every text that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jupyter_mlws.reports.models import GraphChange


class Tone(StrEnum):
    """Meaning of a piece of text."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Text:
    """A piece of text; ``code`` is a name or value of the project."""

    text: str
    code: bool = False
    tone: Tone = Tone.PLAIN


def code(text: str | None) -> Text:
    """Return a name or value of the project."""
    return Text(text or "", code=bool(text))


@dataclass(frozen=True)
class Paragraph:
    """A line of text."""

    parts: Sequence[Text]


@dataclass(frozen=True)
class Table:
    """Rows below the titles of their columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]


@dataclass(frozen=True)
class Diff:
    """Lines that begin with ``+``, ``-`` or a space."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A graph with the nodes and edges that changed."""

    graph: GraphChange


@dataclass(frozen=True)
class Details:
    """Blocks below a title, folded at first."""

    title: Sequence[Text]
    blocks: Sequence[Paragraph | Table | Diff]


@dataclass(frozen=True)
class Image:
    """An image, as a URI with its data."""

    uri: str
    caption: str


@dataclass(frozen=True)
class Chart:
    """A metric by its steps. ``values`` are None where they are no finite numbers."""

    title: str
    steps: Sequence[int]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Markup:
    """HTML that was made safe: without scripts and handlers of events."""

    html: str


Block = Paragraph | Table | Diff | Picture | Details | Image | Chart | Markup


@dataclass(frozen=True)
class Section:
    """A part of a report with its title."""

    title: str
    blocks: list[Block] = field(default_factory=list)
