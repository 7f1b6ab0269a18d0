"""The cells of a notebook's document: which there are, and their outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cell_id(cell: Any, position: int) -> str:
    """Return a cell's id; ``#1``, ``#2``… in documents before nbformat 4.5, which have none."""
    return str(cell.get("id") or f"#{position}")


def code_cells(content: Any) -> dict[str, str]:
    """Return the sources of all code cells by id, from the top."""
    return {
        cell_id(cell, position): cell["source"]
        for position, cell in enumerate(content["cells"], 1)
        if cell["cell_type"] == "code"
    }


def fill(content: Any, ran: Mapping[str, tuple[list[Any], int | None]]) -> None:
    """Put the outputs and counts of what ran into the document's cells."""
    for position, cell in enumerate(content["cells"], 1):
        result = ran.get(cell_id(cell, position))
        if result is not None:
            cell["outputs"], cell["execution_count"] = result
            # As in a tab: what a person ran is shown with its scripts.
            cell["metadata"]["trusted"] = True
