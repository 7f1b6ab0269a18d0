"""Three-way merge of notebooks: sources by nbdime, outputs by the source that they belong to.

Metadata and attachments are merged by their names. nbdime drops or raises on attachments that both
sides added, and on metadata whose values have different types in two cells. Where both sides
changed one value of the metadata, ours stays; one attachment that both changed is a conflict.
"""

from __future__ import annotations

import copy
import json
import re
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from nbdime.diffing.notebooks import compare_cell_by_ids, diff_notebooks, notebook_predicates
from nbdime.merging.decisions import apply_decisions
from nbdime.merging.generic import decide_merge_with_diff
from nbdime.merging.notebooks import notebook_merge_strategies

from jupyter_mlws.notebook_format.alignment import make_unique, new_id, transfer_ids
from jupyter_mlws.notebook_format.document import (
    WITH_IDS,
    check,
    nbformat,
    parse,
    without_noise,
    without_outputs,
    write,
)
from jupyter_mlws.notebook_format.process import CellChoice, MergedNotebook

OURS, THEIRS, BASE, BOTH = "ours", "theirs", "base", "both"
ALL_CONFLICTS = "*"
"""In choices: every conflict that is not named."""
MERGE_OPTIONS = Namespace(
    # Cells that both sides added at one place stay, ours first.
    merge_strategy="union",
    input_strategy="inline",
    output_strategy="remove",
    ignore_transients=True,
    log_level="ERROR",
)
ABSENT: Any = object()
"""A key that one side does not have, while merging values."""
DELETED_CELL_NOTE = re.compile(r"<<<<<<< (LOCAL|REMOTE) CELL DELETED >>>>>>>")
"""nbdime's note in a cell that one side deleted or moved, and the other changed."""


def merge(
    base: bytes | None,
    ours: bytes | None,
    theirs: bytes | None,
    choices: Mapping[str, CellChoice] | None = None,
) -> MergedNotebook:
    """Merge three versions; ``choices`` maps a cell's id, or ``*``, to the resolution.

    The result is a valid notebook. Raises :class:`NotANotebookError` if a side is not one.
    """
    sides = {BASE: parse(base), OURS: parse(ours), THEIRS: parse(theirs)}
    if _is_same(sides[OURS], sides[THEIRS]) or _is_same(sides[BASE], sides[THEIRS]):
        return _take_side(sides, OURS)
    if _is_same(sides[BASE], sides[OURS]):
        return _take_side(sides, THEIRS)
    minor = max(sides[OURS].nbformat_minor, sides[THEIRS].nbformat_minor)
    make_unique(sides[BASE].cells)
    transfer_ids(sides[BASE].cells, sides[OURS].cells)
    transfer_ids(sides[BASE].cells, sides[THEIRS].cells, sides[OURS].cells)
    for side in sides.values():
        side.nbformat_minor = max(side.nbformat_minor, WITH_IDS)
    merged = _merge_sources(sides)
    cells = {name: {cell["id"]: cell for cell in side.cells} for name, side in sides.items()}
    merged.cells = _without_duplicates(merged.cells, cells)
    for cell in merged.cells:
        note = DELETED_CELL_NOTE.search(cell.source)
        side = cells[THEIRS if note and note[1] == "LOCAL" else OURS].get(cell.get("id"))
        if note and side is not None:
            cell.source = side.source
    for name in (OURS, THEIRS):
        _restore_dropped_cells(merged, sides[name].cells, cells)
    merged.metadata = _merge_values(*(sides[name].metadata for name in (BASE, OURS, THEIRS)))
    conflicts = _find_conflicts(cells, merged)
    for cell in merged.cells:
        _merge_properties(cell, *(cells[name].get(cell["id"]) for name in (BASE, OURS, THEIRS)))
    merged.cells = [
        part
        for cell in merged.cells
        for part in _resolve_cell(cell, conflicts, cells, choices or {})
    ]
    make_unique(merged.cells)
    open_conflicts = [i for i in conflicts if not _find_choice(i, choices or {})]
    rows = _to_rows(merged, cells, open_conflicts)
    _copy_outputs(merged, cells)
    for cell in merged.cells:
        if cell.cell_type != "code":
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
    return MergedNotebook(_finish(merged, minor), open_conflicts, rows)


def _take_side(sides: Mapping[str, Any], name: str) -> MergedNotebook:
    """Return one side as the result: also its outputs, ids and metadata stay."""
    merged = sides[name]
    minor = merged.nbformat_minor
    make_unique(merged.cells)
    cells = {
        side: {cell.get("id"): cell for cell in document.cells} for side, document in sides.items()
    }
    rows = _to_rows(merged, cells, [])
    return MergedNotebook(_finish(merged, minor), [], rows)


def _to_rows(
    merged: Any, cells: Mapping[str, Mapping[str, Any]], conflicts: list[str]
) -> list[dict[str, Any]]:
    return [
        {
            "id": cell["id"],
            "type": cell.cell_type,
            **{
                name: cells[name][cell["id"]].source if cell["id"] in cells[name] else None
                for name in (BASE, OURS, THEIRS)
            },
            "merged": cell.source,
            "conflict": cell["id"] in conflicts,
        }
        for cell in merged.cells
    ]


def _finish(merged: Any, minor: int) -> bytes:
    """Return the text of the result, in the format of ``minor``."""
    merged.nbformat_minor = minor
    if minor < WITH_IDS:
        for cell in merged.cells:
            cell.pop("id", None)
    check(merged)
    return write(merged)


def _merge_sources(sides: Mapping[str, Any]) -> Any:
    """Merge the sources only: copies without outputs, metadata and attachments."""
    base, ours, theirs = (without_outputs(sides[name]) for name in (BASE, OURS, THEIRS))
    for document in (base, ours, theirs):
        document.metadata = nbformat.from_dict({})
        for cell in document.cells:
            cell.metadata = nbformat.from_dict({})
            cell.pop("attachments", None)
    # Cells are matched by id: by similarity nbdime would take two short new ones for one.
    notebook_predicates["/cells"] = [compare_cell_by_ids]
    decisions = decide_merge_with_diff(
        base,
        ours,
        theirs,
        diff_notebooks(base, ours),
        diff_notebooks(base, theirs),
        notebook_merge_strategies(MERGE_OPTIONS),
    )
    return apply_decisions(base, decisions)


def _without_duplicates(merged: list[Any], cells: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Return the cells with those once that both sides added, in whatever order."""
    added_ids = (cells[OURS].keys() & cells[THEIRS].keys()) - cells[BASE].keys()
    ids = [cell.get("id") for cell in merged]
    return [
        cell
        for at, cell in enumerate(merged)
        if ids[at] not in added_ids or ids[at] not in ids[:at]
    ]


def _restore_dropped_cells(
    merged: Any, side: list[Any], cells: Mapping[str, Mapping[str, Any]]
) -> None:
    """Restore cells of a side that nbdime dropped, as it does if much changes in one place."""
    there = [cell.get("id") for cell in merged.cells]
    at = 0
    for cell in side:
        name = cell["id"]
        if name in there:
            at = there.index(name) + 1
            continue
        base = cells[BASE].get(name)
        is_deleted = name not in cells[OURS] or name not in cells[THEIRS]
        if base is None or not is_deleted or _is_edited(cell, base):
            there.insert(at, name)
            cell_copy = copy.deepcopy(cell)
            theirs = cells[THEIRS].get(name)
            if base is not None and theirs is not None and base.source != theirs.source:
                # Changed by both: shown as such.
                parts = (
                    "<<<<<<< local",
                    cell_copy.source,
                    "=======",
                    theirs.source,
                    ">>>>>>> remote",
                )
                cell_copy.source = "\n".join(parts)
            merged.cells.insert(at, cell_copy)
            at += 1


def _find_conflicts(cells: Mapping[str, Mapping[str, Any]], merged: Any) -> list[str]:
    """Return the cells that both sides changed and that do not simply match one side now.

    nbdime's own marks also name cells that were only edited beside an added one.
    """
    conflicts = []
    for cell in merged.cells:
        name = cell.get("id")
        base, ours, theirs = (cells[side].get(name) for side in (BASE, OURS, THEIRS))
        if base is None:
            if ours and theirs and _attachments_in_conflict({}, ours, theirs):
                conflicts.append(name)
            continue
        if ours is None or theirs is None:
            # One side deleted it, and as it still is there, the other one has changed it.
            left = ours if theirs is None else theirs
            if left is not None and _is_edited(left, base):
                conflicts.append(name)
        elif _attachments_in_conflict(base, ours, theirs) or (
            _has_conflict_markers(cell.source)
            and not any(_has_conflict_markers(side.source) for side in (base, ours, theirs))
        ):
            conflicts.append(name)
    return conflicts


def _is_edited(cell: Any, base: Any) -> bool:
    return bool(cell.source != base.source or _attachments(cell) != _attachments(base))


def _attachments(cell: Any) -> Any:
    return cell.get("attachments") or {}


def _attachments_in_conflict(base: Any, ours: Any, theirs: Any) -> bool:
    """Return True if both sides changed the same attachment differently."""
    base, ours, theirs = (_attachments(cell) for cell in (base, ours, theirs))
    return any(
        ours.get(name) != theirs.get(name)
        and base.get(name) != ours.get(name)
        and base.get(name) != theirs.get(name)
        for name in {*ours, *theirs}
    )


def _merge_properties(cell: Any, base: Any, ours: Any, theirs: Any) -> None:
    """Set a merged cell's metadata and attachments; ours wins in a conflict."""
    ours, theirs = ours or theirs, theirs or ours
    base = base or {}
    cell.metadata = _merge_values(
        base.get("metadata", {}), without_noise(ours.metadata), without_noise(theirs.metadata)
    )
    cell.pop("attachments", None)
    attachments = _merge_values(_attachments(base), _attachments(ours), _attachments(theirs), 1)
    has_key = _merge_values(*("attachments" in side for side in (base, ours, theirs)))
    if attachments or has_key:
        cell.attachments = attachments


def _merge_values(base: Any, ours: Any, theirs: Any, depth: int = -1) -> Any:
    """Merge JSON values: objects key by key, lists of names as sets; else ours if both changed."""
    if _is_same(ours, theirs) or _is_same(theirs, base):
        return ours
    if _is_same(ours, base):
        return theirs
    if depth and isinstance(ours, dict) and isinstance(theirs, dict):
        base = base if isinstance(base, dict) else {}
        merged = {
            key: _merge_values(
                base.get(key, ABSENT), ours.get(key, ABSENT), theirs.get(key, ABSENT), depth - 1
            )
            for key in {**ours, **theirs}
        }
        return nbformat.from_dict(
            {key: value for key, value in merged.items() if value is not ABSENT}
        )
    if _is_name_list(ours) and _is_name_list(theirs):
        base_names = base if _is_name_list(base) else []
        names = [name for name in ours if name in theirs or name not in base_names]
        return names + [name for name in theirs if name not in base_names and name not in ours]
    return ours


def _is_same(one: Any, other: Any) -> bool:
    """Compare two values as JSON: to Python, ``0`` and ``False`` are equal."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _is_name_list(value: Any) -> bool:
    """Return True if ``value`` is a list of strings, as a cell's tags are."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _has_conflict_markers(source: str) -> bool:
    lines = source.splitlines()
    return all(
        any(line.startswith(mark) for line in lines) for mark in ("<<<<<<<", "=======", ">>>>>>>")
    )


def _resolve_cell(
    cell: Any,
    conflicts: list[str],
    cells: Mapping[str, Mapping[str, Any]],
    choices: Mapping[str, CellChoice],
) -> list[Any]:
    """Return the cells of the merged notebook that replace one cell."""
    name = cell.get("id")
    if name not in conflicts:
        base = cells[BASE].get(name)
        ours, theirs = cells[OURS].get(name), cells[THEIRS].get(name)
        if base is not None and (ours is None or theirs is None):
            # Deleted on one side, and on the other only viewed or run.
            return []
        return [cell]
    choice = _find_choice(name, choices)
    if choice is None:
        return [cell]
    if isinstance(choice, Mapping):
        cell.source = choice["source"]
        # The outputs of a side with this source come with it.
        cell.pop("outputs", None)
        return [cell]
    if choice != BOTH:
        side = cells[choice].get(name)
        return [copy.deepcopy(side)] if side is not None else []
    copies = [copy.deepcopy(cells[side][name]) for side in (OURS, THEIRS) if name in cells[side]]
    if len(copies) == 2:
        copies[1]["id"] = new_id()
    return copies


def _find_choice(name: str, choices: Mapping[str, CellChoice]) -> CellChoice | None:
    return choices.get(name) or choices.get(ALL_CONFLICTS)


def _copy_outputs(merged: Any, cells: Mapping[str, Mapping[str, Any]]) -> None:
    """Set each cell's outputs to those of the side with the same source.

    If both sides ran the cell since the base, ours wins.
    """
    for cell in merged.cells:
        if cell.cell_type != "code" or cell.get("outputs"):
            continue
        cell.outputs = []
        cell.execution_count = None
        base, ours, theirs = (cells[side].get(cell["id"]) for side in (BASE, OURS, THEIRS))
        candidates = [side for side in (ours, theirs) if side and side.source == cell.source]
        # A side that has not run the cell since, or has another source, says nothing.
        ran = [
            side for side in candidates if not base or _execution_of(side) != _execution_of(base)
        ]
        best = ran or [side for side in candidates if side.get("outputs")] or candidates
        if len(best) > 1 and not best[0].get("outputs"):
            best = best[1:]
        if best:
            cell.outputs = best[0].get("outputs", [])
            cell.execution_count = best[0].get("execution_count")


def _execution_of(cell: Any) -> Any:
    return cell.source, cell.get("outputs", []), cell.get("execution_count")
