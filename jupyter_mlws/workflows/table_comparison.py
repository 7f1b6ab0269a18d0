"""Compares tables in two versions of a project, by row."""

from __future__ import annotations

import posixpath

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.models import ChangeState, HiddenText, TableChange, TableDiffQuery
from jupyter_mlws.versioning.snapshots.compare import (
    Comparison,
    ContentRefusedError,
    VersionFiles,
)
from jupyter_mlws.workflows.table_diff import (
    FORMATS,
    MAX_TABLE_BYTES,
    TableRefusedError,
    compare_tables,
    is_table,
)

REASONS = {
    HiddenText.TOO_LARGE: Message("it is larger than 200 MB"),
    HiddenText.NOT_STORED: Message(
        "its content is not stored here: get it with `jupyter mlws data pull`"
    ),
}
NOT_A_TABLE = Message("only files with these extensions are tables: {extensions}")


def compare_versions(comparison: Comparison, query: TableDiffQuery) -> TableChange:
    """Return the differences of a table in two versions, as a query names them.

    Raises VersionItemNotFoundError if neither version has the file.
    """
    old: str
    new: str | None
    if query.staged is None:
        old = comparison.resolve_start(query.from_)
        new = query.to and comparison.resolve_start(query.to)
    else:
        old, new = (comparison.resolve_start("HEAD"), "") if query.staged else ("", None)
    with comparison.open_files(MAX_TABLE_BYTES) as files:
        return compare_table(files, query.path, old, new)


def compare_table(
    files: VersionFiles,
    path: str,
    old: str,
    new: str | None,
    *,
    old_path: str | None = None,
    state: ChangeState = ChangeState.MODIFIED,
) -> TableChange:
    """Return the differences of a table; ``problem`` says why they are not known.

    ``old`` and ``new`` are versions as :meth:`.VersionFiles.get` has them. ``old_path`` is the path
    in the old one, if it was another. ``state`` is that of a table which cannot be read. Raises
    VersionItemNotFoundError if neither version has the file.
    """
    if not is_table(path):
        problem = NOT_A_TABLE.fill(extensions=", ".join(FORMATS))
        return TableChange(path=path, state=state, problem=problem)
    try:
        one, other = files.get(old_path or path, old), files.get(path, new)
    except ContentRefusedError as error:
        return TableChange(path=path, state=state, problem=REASONS[error.reason])
    if one is None and other is None:
        raise VersionItemNotFoundError(kind="file", name=path)
    if one is None or other is None:
        state = ChangeState.ADDED if one is None else ChangeState.DELETED
    kind = FORMATS[posixpath.splitext(path)[1].lower()]
    try:
        return TableChange(path=path, state=state, **compare_tables(one, other, kind))
    except TableRefusedError as error:
        return TableChange(path=path, state=state, problem=error.reason)
