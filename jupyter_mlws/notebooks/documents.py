"""Cells of notebook documents: their ids, sources and outputs.

With jupyter-collaboration, a document that several users edit is held by its server, ahead of the
file. Outputs are then inserted there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlws.notebooks.models import Execution, StaleNotebook

COLLABORATION_EXTENSION = "jupyter_server_ydoc"

CellResults = Mapping[str, tuple[list[Any], int | None]]
"""Outputs and execution counts by the ids of cells."""


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


def fill(content: Any, results: CellResults) -> None:
    """Write outputs and execution counts into the cells of a document."""
    for position, cell in enumerate(content["cells"], 1):
        result = results.get(cell_id(cell, position))
        if result is not None:
            cell["outputs"], cell["execution_count"] = result
            # As in a tab: outputs of code that the user ran are shown with their scripts.
            cell["metadata"]["trusted"] = True


def has_results(content: Any, results: CellResults) -> bool:
    """Return whether the cells of a document have these outputs and execution counts."""
    return all(
        (list(cell["outputs"]), cell["execution_count"]) == results[identifier]
        for position, cell in enumerate(content["cells"], 1)
        if (identifier := cell_id(cell, position)) in results and cell["cell_type"] == "code"
    )


async def shared_document(extensions: Any, path: str) -> Any | None:
    """Return the live document of a notebook; None if it is not open or not shared."""
    apps = extensions.extension_apps.get(COLLABORATION_EXTENSION)
    if not apps:
        return None
    (app,) = apps
    return await app.get_document(
        path=path, content_type="notebook", file_format="json", copy=False
    )


def fill_shared(document: Any, results: CellResults) -> None:
    """Write outputs and execution counts into a live document, in one transaction."""
    # Installed with the extension that the document belongs to.
    from pycrdt import Map, Text

    with document.ydoc.transaction():
        for position, cell in enumerate(document.ycells, 1):
            result = results.get(cell_id(cell, position))
            if result is None or cell["cell_type"] != "code":
                continue
            outputs, cell["execution_count"] = result
            cell_outputs = cell["outputs"]
            cell_outputs.clear()
            for output in outputs:
                facts = dict(output)
                if facts["output_type"] == "stream":
                    facts["text"] = Text(facts["text"])
                cell_outputs.append(Map(facts))


def stale_outputs(path: str, content: Any, newest: Iterable[Execution]) -> StaleNotebook:
    """Return the cells of a document whose outputs are from other code or in another order.

    ``newest`` are the last executions of its cells. A cell whose execution is in no history is
    judged by its execution count only.
    """
    executions = {execution.cell: execution for execution in newest}
    edited, out_of_order = [], []
    highest = 0
    for number, cell in enumerate(content["cells"], 1):
        count = cell.get("execution_count")
        if cell["cell_type"] != "code" or count is None:
            continue
        execution = executions.get(cell_id(cell, number))
        is_that_run = execution is not None and execution.execution_count == count
        if execution is not None and is_that_run and execution.source != cell["source"]:
            edited.append(number)
        if count < highest:
            out_of_order.append(number)
        highest = max(highest, count)
    return StaleNotebook(path=path, edited=edited, out_of_order=out_of_order)
