"""Compares a table in two versions of a project, by row."""

from __future__ import annotations

import posixpath
from pathlib import Path
from tempfile import TemporaryDirectory

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.models import ChangeState, HiddenText, TableChange, TableDiffQuery
from jupyter_mlws.versioning.snapshots.compare import Comparison, ContentRefusedError
from jupyter_mlws.workflows.table_diff import (
    FORMATS,
    MAX_TABLE_BYTES,
    TableRefusedError,
    compare_tables,
)

TOO_LARGE = Message("it is larger than 200 MB")
NOT_STORED = Message("its content is not stored here: get it with `jupyter mlws data pull`")
NOT_A_TABLE = Message("only files with these extensions are tables: {extensions}")


def compare_versions(comparison: Comparison, query: TableDiffQuery) -> TableChange:
    """Return what differs between two versions of a table; ``problem`` says why it is not known.

    Raises VersionItemNotFoundError if neither version has the file.
    """
    path = query.path
    if query.staged is None:
        versions = (query.from_, query.to)
    else:
        versions = ("HEAD", "") if query.staged else ("", None)
    kind = FORMATS.get(posixpath.splitext(path)[1].lower())
    if kind is None:
        extensions = ", ".join(FORMATS)
        problem = NOT_A_TABLE.fill(extensions=extensions)
        return TableChange(path=path, state=ChangeState.MODIFIED, problem=problem)
    with TemporaryDirectory(prefix="mlws-") as folder:
        try:
            old, new = (
                comparison.export(path, version, _subfolder(folder, name), MAX_TABLE_BYTES)
                for name, version in zip(("old", "new"), versions, strict=True)
            )
        except ContentRefusedError as error:
            problem = TOO_LARGE if error.reason is HiddenText.TOO_LARGE else NOT_STORED
            return TableChange(path=path, state=ChangeState.MODIFIED, problem=problem)
        if old is None and new is None:
            raise VersionItemNotFoundError(kind="file", name=path)
        state = ChangeState.MODIFIED
        if old is None or new is None:
            state = ChangeState.ADDED if old is None else ChangeState.DELETED
        try:
            fields = compare_tables(old, new, kind)
        except TableRefusedError as error:
            return TableChange(path=path, state=state, problem=error.reason)
    return TableChange(path=path, state=state, **fields)


def _subfolder(folder: str, name: str) -> Path:
    path = Path(folder, name)
    path.mkdir()
    return path
