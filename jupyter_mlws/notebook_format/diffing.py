"""Cell-by-cell diff of two versions of a notebook, by nbdime."""

from __future__ import annotations

import difflib
from typing import Any

from nbdime.diffing.notebooks import compare_cell_by_ids, diff_notebooks, notebook_predicates

from jupyter_mlws.notebook_format.alignment import make_unique, transfer_ids
from jupyter_mlws.notebook_format.document import WITH_IDS, parse, without_outputs


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
            rows.append(_to_row("added", None, after.cells[at]))
            at += 1
        if index == len(before.cells):
            break
        if index in deletions:
            rows.append(_to_row("deleted", before.cells[index], None))
            continue
        state = "modified" if index in patches else "unchanged"
        rows.append(_to_row(state, before.cells[index], after.cells[at]))
        at += 1
    return rows


def _to_row(state: str, old: Any, new: Any) -> dict[str, Any]:
    cell = old if new is None else new
    before = None if old is None else old.source
    after = None if new is None else new.source
    unified = ""
    if state != "unchanged" and before != after:
        old_lines, new_lines = (before or "").splitlines(), (after or "").splitlines()
        unified = "\n".join(list(difflib.unified_diff(old_lines, new_lines, lineterm=""))[2:])
    return {
        "id": cell["id"],
        "type": cell.cell_type,
        "state": state,
        "old": before,
        "new": after,
        "outputs_changed": _outputs(old) != _outputs(new),
        "unified": unified,
    }


def _outputs(cell: Any) -> Any:
    return (cell.get("outputs") or []) if cell is not None else []
