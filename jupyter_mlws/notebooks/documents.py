"""The cells of a notebook's document: which there are, and their outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def cell_id(cell: Any, position: int) -> str:
    """A cell's id; documents before nbformat 4.5 have none, there it is ``#1``, ``#2``…"""
    return str(cell.get("id") or f"#{position}")


def code_cells(content: Any) -> dict[str, str]:
    """The sources of all code cells, from the top."""
    return {
        cell_id(cell, position): cell["source"]
        for position, cell in enumerate(content["cells"], 1)
        if cell["cell_type"] == "code"
    }


def fill(content: Any, ran: Mapping[str, tuple[list[Any], int | None]]) -> None:
    """Put the outputs and counts of what ran into its cells."""
    for position, cell in enumerate(content["cells"], 1):
        written = ran.get(cell_id(cell, position))
        if written is not None:
            cell["outputs"], cell["execution_count"] = written
            # As in a tab: what a person ran is shown with its scripts.
            cell["metadata"]["trusted"] = True
