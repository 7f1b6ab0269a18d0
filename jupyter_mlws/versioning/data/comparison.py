"""Comparison of two versions of a dataset, file by file."""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_mlws.core.paths import escape, unescape
from jupyter_mlws.dvc.pointers import DataPointer
from jupyter_mlws.versioning.data.models import (
    ChangedDataFile,
    DatasetDiff,
    DatasetDiffQuery,
    DatasetSide,
    FileState,
)

Files = Mapping[str, tuple[str, int | None]]
"""Path below the dataset (``""`` for a single file) → hash and size."""
Side = tuple[str | None, DataPointer | None]
"""A commit, None for the recorded data or the working tree, and the dataset there."""


def compare_versions(
    path: str, before: Side, after: Side, old: Files, new: Files, query: DatasetDiffQuery
) -> DatasetDiff:
    """Return the differences of two versions by path; one page of them, as ``query`` asks."""
    names = sorted({*old, *new})
    states: dict[str, FileState] = {}
    for name in names:
        if name not in old:
            states[name] = FileState.ADDED
        elif name not in new:
            states[name] = FileState.DELETED
        elif old[name][0] != new[name][0]:
            states[name] = FileState.MODIFIED
    start = unescape(query.cursor) if query.cursor is not None else None
    behind = [name for name in states if start is None or name > start]
    page = behind[: query.limit]
    counts = list(states.values())
    return DatasetDiff(
        path=path,
        from_=_to_dataset_side(before),
        to=_to_dataset_side(after),
        added=counts.count(FileState.ADDED),
        deleted=counts.count(FileState.DELETED),
        modified=counts.count(FileState.MODIFIED),
        unchanged=len(names) - len(counts),
        items=[
            ChangedDataFile(
                path=f"{path}/{name}" if name else path,
                state=states[name],
                from_size=old[name][1] if name in old else None,
                to_size=new[name][1] if name in new else None,
            )
            for name in page
        ],
        next_cursor=escape(page[-1]) if len(behind) > query.limit else None,
    )


def _to_dataset_side(side: Side) -> DatasetSide:
    commit, item = side
    return DatasetSide(
        commit=commit,
        md5=item.md5 if item else None,
        size=item.size if item else None,
        files=item.files if item else None,
    )
