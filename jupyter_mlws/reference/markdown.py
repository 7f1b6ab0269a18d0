"""Markdown of the reference: escapes, tables, and headings in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlws.core.i18n import CHINESE, ENGLISH, Message

CODE = re.compile(r"(`+)(.+?)\1")
SPECIAL = re.compile(r"([\\*_\[\]<>{}|~$#])")
HEADINGS = (
    Message("A WebSocket"),
    Message("Arguments"),
    Message("Body"),
    Message("Command"),
    Message("Commands"),
    Message("Commands of the lab"),
    Message("Components"),
    Message("Default"),
    Message("Description"),
    Message("Details"),
    Message("Errors"),
    Message("Field"),
    Message("HTTP status"),
    Message("Inputs"),
    Message("Keys"),
    Message("Magics of a cell"),
    Message("Message"),
    Message("Name"),
    Message("Option"),
    Message("Outputs"),
    Message("Parameter"),
    Message("Port"),
    Message("Programs that nodes start"),
    Message("Reply"),
    Message("Setting"),
    Message("Settings"),
    Message("Solution"),
    Message("Summary"),
    Message("Type"),
    Message("Values"),
    Message("Where"),
    Message("any"),
    Message("list"),
    Message("none"),
    Message("optional"),
    Message("required"),
    Message("several"),
    Message("Containers"),
    Message("Notebooks"),
    Message("Versions"),
    Message("Workflows"),
    Message("The server"),
    Message("Hidden"),
    Message("on the canvas"),
    Message("in the commit box"),
    Message("on a row of Changes"),
    Message("in a side-by-side diff"),
    Message("in a notebook"),
    Message("in the tab of a workflow"),
    Message("Warning"),
)
"""Headings of generated pages, for the catalogue of translations."""


def product_language(language: str) -> str:
    """Return the product's code of one of Sphinx's languages."""
    return CHINESE if language.startswith("zh") else ENGLISH


def translate(text: str, language: str) -> str:
    """Return a text of the product, or a heading, in ``language``."""
    return Message(text).in_(product_language(language))


def escape(text: str) -> str:
    """Return a text as Markdown that shows it: only its code in backticks keeps its meaning."""
    text = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    parts = []
    end = 0
    for match in CODE.finditer(text):
        parts += [SPECIAL.sub(r"\\\1", text[end : match.start()]), code(match[2])]
        end = match.end()
    return "".join([*parts, SPECIAL.sub(r"\\\1", text[end:])])


def code(text: object) -> str:
    """Return a text as code, also within a table."""
    return f"`{text}`".replace("|", "\\|") if str(text) else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without its empty columns; an empty text without rows."""
    rows = list(rows)
    full = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    if not full:
        return ""
    lines = [" | ".join(row[index] for index in full) for row in rows]
    head = [" | ".join(columns[index] for index in full), "|".join("---" for _ in full)]
    return "\n".join(f"| {line} |" for line in [*head, *lines]) + "\n"


def join(parts: Iterable[str]) -> str:
    """Return the parts that are not empty as paragraphs."""
    return "\n\n".join(part for part in parts if part) + "\n"
