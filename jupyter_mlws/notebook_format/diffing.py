"""Compares two versions of a notebook cell by cell, by nbdime."""

from __future__ import annotations

import difflib
from typing import Any

from nbdime.diffing.notebooks import compare_cell_by_ids, diff_notebooks, notebook_predicates

from jupyter_mlws.notebook_format.alignment import make_unique, transfer_ids
from jupyter_mlws.notebook_format.document import WITH_IDS, parse, without_outputs

CELL_UNCHANGED, CELL_ADDED, CELL_DELETED, CELL_MODIFIED = (
    "unchanged",
    "added",
    "deleted",
    "modified",
)


def diff(old: bytes | None, new: bytes | None) -> list[dict[str, Any]]:
    """Return a row for every cell of either notebook, in document order.

    Raises :class:`NotANotebookError` if one is not a notebook.
    """
    before, after = parse(old), parse(new)
    make_unique(before.cells)
    transfer_ids(before.cells, after.cells)
    before.nbformat_minor = after.nbformat_minor = WITH_IDS
    first, second = without_outputs(before), without_outputs(after)
    notebook_predicates["/cells"] = [compare_cell_by_ids]
    patches: dict[int, Any] = {}
    insertions: dict[int, int] = {}
    deletions: set[int] = set()
    for change in diff_notebooks(first, second):
        for part in change.get("diff", ()) if change.key == "cells" else ():
            if part.op == "addrange":
                insertions[part.key] = insertions.get(part.key, 0) + len(part.valuelist)
            elif part.op == "removerange":
                deletions.update(range(part.key, part.key + part.length))
            else:
                patches[part.key] = part.diff
    rows: list[dict[str, Any]] = []
    at = 0
    for index in range(len(before.cells) + 1):
        for _ in range(insertions.get(index, 0)):
            rows.append(_to_row(CELL_ADDED, None, after.cells[at]))
            at += 1
        if index == len(before.cells):
            break
        if index in deletions:
            rows.append(_to_row(CELL_DELETED, before.cells[index], None))
            continue
        state = CELL_MODIFIED if index in patches else CELL_UNCHANGED
        rows.append(_to_row(state, before.cells[index], after.cells[at]))
        at += 1
    return rows


def _to_row(state: str, old: Any, new: Any) -> dict[str, Any]:
    cell = old if new is None else new
    before = None if old is None else old.source
    after = None if new is None else new.source
    return {
        "id": cell["id"],
        "type": cell.cell_type,
        "state": state,
        "old": before,
        "new": after,
        "outputs_changed": _outputs(old) != _outputs(new),
        "unified": _unified_diff(before, after)
        if state != CELL_UNCHANGED and before != after
        else "",
    }


def _outputs(cell: Any) -> Any:
    return (cell.get("outputs") or []) if cell is not None else []


def _unified_diff(old: str | None, new: str | None) -> str:
    lines = difflib.unified_diff((old or "").splitlines(), (new or "").splitlines(), lineterm="")
    return "\n".join(list(lines)[2:])
