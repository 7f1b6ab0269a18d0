"""Sphinx extension: the directive ``diagram``, an SVG file whose labels are translated as text is.

The drawing is part of the page and not an image, so that it has the colors of the theme.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

LABEL = re.compile(r'(?<=aria-label=")[^"]+|(?<=>)[^<]+(?=</text>)')


class Drawing(nodes.General, nodes.Element, addnodes.translatable):
    """The SVG text of a diagram."""

    def preserve_original_messages(self) -> None:
        """Record the labels before the first of them is translated."""
        self["labels"] = LABEL.findall(self["svg"])

    def apply_translated_message(self, original_message: str, translated_message: str) -> None:
        """Replace a label wherever it is drawn."""
        self["svg"] = LABEL.sub(
            lambda match: translated_message if match[0] == original_message else match[0],
            self["svg"],
        )

    def extract_original_messages(self) -> list[str]:
        """Return the labels, and the text for screen readers last.

        Sphinx takes a node whose last message equals its translation ("Docker") for translated.
        """
        return list(reversed(self["labels"]))


class Diagram(SphinxDirective):
    """Draw an SVG file."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Read the file, whose changes make the page outdated."""
        name, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(name)
        drawing = Drawing(svg=Path(path).read_text(encoding="utf-8"))
        self.set_source_info(drawing)
        return [drawing]


def visit(translator: Any, drawing: Drawing) -> None:
    """Write the drawing as HTML."""
    translator.body.append(f'<div class="mlws-diagram">{drawing["svg"]}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(Drawing, html=(visit, None))
    app.add_directive("diagram", Diagram)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
