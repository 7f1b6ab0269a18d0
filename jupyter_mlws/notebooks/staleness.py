"""Outputs that the code of a notebook would not produce as it is now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_mlws.notebooks.documents import cell_id
from jupyter_mlws.notebooks.models import Execution, StaleNotebook


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
