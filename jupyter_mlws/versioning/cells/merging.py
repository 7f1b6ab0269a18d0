"""Merges three versions of a notebook: source by nbdime, outputs by whose source they belong to.

Where both sides changed notebook or cell metadata differently, ours stays.
"""

from __future__ import annotations

import copy
import re
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbdime.diffing.notebooks import compare_cell_by_ids, diff_notebooks, notebook_predicates
from nbdime.merging.decisions import apply_decisions
from nbdime.merging.generic import decide_merge_with_diff
from nbdime.merging.notebooks import notebook_merge_strategies

from jupyter_mlws.versioning.cells.alignment import adopt, make_unique, new_id
from jupyter_mlws.versioning.cells.document import (
    WITH_IDS,
    check,
    parse,
    without_outputs,
    write,
)

OURS, THEIRS, BASE, BOTH = "ours", "theirs", "base", "both"
Choice = str | Mapping[str, str]
"""A side, ``both``, or ``{"source": …}``: what the cell says in the end."""
ALL = "*"
"""In choices: every conflict that is not named."""
OPTIONS = Namespace(
    # Cells that both sides added at one place stay, ours first.
    merge_strategy="union",
    input_strategy="inline",
    output_strategy="remove",
    ignore_transients=True,
    log_level="ERROR",
)


NOTE = re.compile(r"<<<<<<< (LOCAL|REMOTE) CELL DELETED >>>>>>>")
"""What nbdime writes into a cell that one side deleted or moved, and the other changed."""


@dataclass
class Merge:
    """The merged notebook; cells in conflict hold both sides between markers, as text does."""

    text: bytes
    conflicts: list[str]
    rows: list[dict[str, Any]] = field(default_factory=list)


def merge(
    base: bytes | None,
    ours: bytes | None,
    theirs: bytes | None,
    choices: Mapping[str, Choice] | None = None,
) -> Merge:
    """Merge; ``choices`` resolve conflicts: from a cell's id, or ``*``, to how they end.

    The result validates. Raises :class:`NotANotebookError` where a side is no notebook.
    """
    sides = {BASE: parse(base), OURS: parse(ours), THEIRS: parse(theirs)}
    minor = max(sides[OURS].nbformat_minor, sides[THEIRS].nbformat_minor)
    _realign(sides)
    merged = _merged(sides)
    cells = {name: {cell["id"]: cell for cell in side.cells} for name, side in sides.items()}
    _without_notes(merged, cells)
    for name in (OURS, THEIRS):
        _complete(merged, sides[name].cells, cells)
    conflicts = _conflicts(cells, merged)
    merged.cells = [
        part for cell in merged.cells for part in _resolved(cell, conflicts, cells, choices or {})
    ]
    make_unique(merged.cells)
    open_conflicts = [i for i in conflicts if not _choice(i, choices or {})]
    rows = [_row(cell, cells, open_conflicts) for cell in merged.cells]
    _bring_outputs(merged, cells)
    _finish(merged, minor)
    check(merged)
    return Merge(write(merged), open_conflicts, rows)


def _realign(sides: Mapping[str, Any]) -> None:
    """Let a cell have one id in all versions, and no two cells one id in any."""
    make_unique(sides[BASE].cells)
    adopt(sides[BASE].cells, sides[OURS].cells)
    adopt(sides[BASE].cells, sides[THEIRS].cells, sides[OURS].cells)
    for side in sides.values():
        side.nbformat_minor = max(side.nbformat_minor, WITH_IDS)


def _merged(sides: Mapping[str, Any]) -> Any:
    base, ours, theirs = (without_outputs(sides[name]) for name in (BASE, OURS, THEIRS))
    # The ids tell which cells are one. By likeness nbdime would take two short new ones for one.
    notebook_predicates["/cells"] = [compare_cell_by_ids]
    strategies = notebook_merge_strategies(OPTIONS)
    strategies.update({"/metadata": "use-local", "/cells/*/metadata": "use-local"})
    decisions = decide_merge_with_diff(
        base,
        ours,
        theirs,
        diff_notebooks(base, ours),
        diff_notebooks(base, theirs),
        strategies,
    )
    return apply_decisions(base, decisions)


def _without_notes(merged: Any, cells: Mapping[str, Mapping[str, Any]]) -> None:
    for cell in merged.cells:
        note = NOTE.search(cell.source)
        side = cells[THEIRS if note and note[1] == "LOCAL" else OURS].get(cell.get("id"))
        if note and side is not None:
            cell.source = side.source


def _complete(merged: Any, side: list[Any], cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Put back what nbdime left out of a side: it gives up where much changes at one place."""
    there = [cell.get("id") for cell in merged.cells]
    at = 0
    for cell in side:
        name = cell["id"]
        if name in there:
            at = there.index(name) + 1
            continue
        base = cells[BASE].get(name)
        deleted = name not in cells[OURS] or name not in cells[THEIRS]
        if base is None or not deleted or cell.source != base.source:
            there.insert(at, name)
            kept = copy.deepcopy(cell)
            theirs = cells[THEIRS].get(name)
            if base is not None and theirs is not None and base.source != theirs.source:
                # Changed by both: shown as such.
                parts = ("<<<<<<< local", kept.source, "=======", theirs.source, ">>>>>>> remote")
                kept.source = "\n".join(parts)
            merged.cells.insert(at, kept)
            at += 1


def _conflicts(cells: Mapping[str, Mapping[str, Any]], merged: Any) -> list[str]:
    """The cells that both sides changed, and that are not plainly the one or the other now.

    nbdime's own marks also name cells that were only edited beside an added one.
    """
    found = []
    for cell in merged.cells:
        name = cell.get("id")
        base, ours, theirs = (cells[side].get(name) for side in (BASE, OURS, THEIRS))
        if base is None:
            continue
        if ours is None or theirs is None:
            # One side deleted it, and as it still is there, the other one has changed it.
            left = ours if theirs is None else theirs
            if left is not None and left.source != base.source:
                found.append(name)
        elif _marked(cell.source) and not any(
            _marked(side.source) for side in (base, ours, theirs)
        ):
            found.append(name)
    return found


def _marked(source: str) -> bool:
    lines = source.splitlines()
    return all(
        any(line.startswith(mark) for line in lines) for mark in ("<<<<<<<", "=======", ">>>>>>>")
    )


def _resolved(
    cell: Any,
    conflicts: list[str],
    cells: Mapping[str, Mapping[str, Any]],
    choices: Mapping[str, Choice],
) -> list[Any]:
    """What stands in the merged notebook for one cell."""
    name = cell.get("id")
    if name not in conflicts:
        base = cells[BASE].get(name)
        ours, theirs = cells[OURS].get(name), cells[THEIRS].get(name)
        if base is not None and (ours is None or theirs is None):
            # Deleted on one side, and on the other only looked at or run.
            return []
        return [cell]
    choice = _choice(name, choices)
    if choice is None:
        return [cell]
    if isinstance(choice, Mapping):
        side = copy.deepcopy(cells[OURS].get(name) or cells[THEIRS][name])
        if side.source != choice["source"]:
            side.source = choice["source"]
            # By another source they were made; those of a side that says the same are brought.
            side.pop("outputs", None)
        return [side]
    if choice != BOTH:
        side = cells[choice].get(name)
        return [copy.deepcopy(side)] if side is not None else []
    kept = [copy.deepcopy(cells[side][name]) for side in (OURS, THEIRS) if name in cells[side]]
    if len(kept) == 2:
        kept[1]["id"] = new_id()
    return kept


def _choice(name: str, choices: Mapping[str, Choice]) -> Choice | None:
    return choices.get(name) or choices.get(ALL)


def _row(cell: Any, cells: Mapping[str, Mapping[str, Any]], conflicts: list[str]) -> dict[str, Any]:
    """One cell as a view with three columns shows it."""
    sides = {
        name: cells[name][cell["id"]].source if cell["id"] in cells[name] else None
        for name in (BASE, OURS, THEIRS)
    }
    return {
        "id": cell["id"],
        "type": cell.cell_type,
        **sides,
        "merged": cell.source,
        "conflict": cell["id"] in conflicts,
    }


def _bring_outputs(merged: Any, cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Outputs belong to the source that made them; of two runs of one source, ours stays."""
    for cell in merged.cells:
        if cell.cell_type != "code" or cell.get("outputs"):
            continue
        cell.outputs = []
        cell.execution_count = None
        for side in (OURS, THEIRS):
            known = cells[side].get(cell["id"])
            if known is not None and known.source == cell.source and known.get("outputs"):
                cell.outputs = known.outputs
                cell.execution_count = known.get("execution_count")
                break


def _finish(merged: Any, minor: int) -> None:
    merged.nbformat_minor = minor
    for cell in merged.cells:
        if minor < WITH_IDS:
            cell.pop("id", None)
        if cell.cell_type != "code":
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
