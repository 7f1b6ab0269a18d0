"""A report as one HTML file without scripts, which loads nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from jupyter_mlws.reports.blocks import Section
from jupyter_mlws.reports.chart_picture import draw
from jupyter_mlws.reports.graph_picture import NODE_HEIGHT, NODE_WIDTH, SIGNS, lay_out
from jupyter_mlws.reports.models import NodeChange, Report
from jupyter_mlws.reports.printable import printable
from jupyter_mlws.reports.sections import Sections

LIMIT = 500
"""Items of a list."""
LABEL_WIDTH = 21
"""Columns of a name in the picture of a graph; wide characters take two."""
LINE_CLASSES = {"+": "added", "-": "deleted", "@": "hunk"}


def render(report: Report, language: str) -> str:
    """Return the report in ``language``."""
    sections = Sections(report, language, LIMIT)
    return render_sections(
        sections.title,
        sections.build(),
        language,
        caption=sections.caption,
        part_names=sections.part_names,
    )


def render_sections(title: str, sections: Iterable[Section], language: str, **more: Any) -> str:
    """Return a page with these sections; pictures of graphs need more functions."""
    return _template().render(language=language, title=title, sections=list(sections), **more)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        draw=draw,
        lay_out=lay_out,
        label=label,
        kind_of=lambda block: type(block).__name__,
        lines_of=lines_of,
        node_width=NODE_WIDTH,
        node_height=NODE_HEIGHT,
    )
    environment.filters["printable"] = printable
    return environment.get_template("report.html.jinja")


def label(node: NodeChange) -> str:
    """Return the name of a node with the sign of its state, cut to the width of its box."""
    text = f"{SIGNS.get(node.state, '')}{printable(node.id)}"
    width, beginning = 0, ""
    for character in text:
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > LABEL_WIDTH:
            return f"{beginning}…"
        beginning += character
    return beginning


def lines_of(text: str) -> list[tuple[str, str]]:
    """Return the lines of a diff, each with its class."""
    return [(LINE_CLASSES.get(line[:1], ""), printable(line)) for line in text.split("\n")]
