"""Compares tables in two versions of a project, by row."""

from __future__ import annotations

import json
import posixpath
import shutil
import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.versioning.models import (
    CellState,
    ChangeState,
    DifferingValue,
    HiddenText,
    RowChange,
    TableChange,
    TableDiffQuery,
)
from jupyter_mlws.versioning.snapshots.compare import (
    Comparison,
    ContentRefusedError,
    VersionFiles,
)
from jupyter_mlws.workflows.table_diff import (
    FORMATS,
    MAX_TABLE_BYTES,
    ROWS_FILE,
    compare_tables,
    is_table,
)
from jupyter_mlws.workflows.table_process import TableRefusedError
from mlws.core.i18n import Message

REASONS = {
    HiddenText.TOO_LARGE: Message("it is larger than 2 GB"),
    HiddenText.NOT_STORED: Message(
        "its content is not stored here: get it with `jupyter mlws data pull`"
    ),
}
NOT_A_TABLE = Message("only files with these extensions are tables: {extensions}")
MAX_RESULTS = 4
"""Comparisons whose rows are kept for the next page."""
MAX_VALUES_A_ROW = 200
MAX_VALUE_CHARACTERS = 200
FIRST_ROWS = TableDiffQuery(path="")
"""The rows that are shown where there are no pages."""


class _Result:
    """A comparison; the rows that differ are in a folder until it is no longer used."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="mlws-table-"))
        self.lock = threading.Lock()
        self.change: TableChange | None = None
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


class TableComparisons:
    """Comparisons of the tables of a project, of which the last ones are kept. Thread-safe."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._lock = threading.Lock()
        self._results: OrderedDict[Any, _Result] = OrderedDict()

    def compare(self, query: TableDiffQuery) -> TableChange:
        """Return the differences of a table in two versions, with the rows of a query.

        Raises VersionItemNotFoundError if neither version has the file.
        """
        old: str
        new: str | None
        if query.staged is None:
            old = self._comparison.resolve_start(query.from_)
            new = query.to and self._comparison.resolve_start(query.to)
        else:
            old, new = (self._comparison.resolve_start("HEAD"), "") if query.staged else ("", None)
        key = tuple(self._comparison.identity(query.path, version) for version in (old, new))
        with self._lock:
            result = self._results.pop((query.path, key), None) or _Result()
            self._results[query.path, key] = result
            while len(self._results) > MAX_RESULTS:
                self._results.popitem(last=False)
        with result.lock:
            change = result.change
            if change is None:
                with self._comparison.open_files(MAX_TABLE_BYTES) as files:
                    change = _compare(files, query.path, old, new, result.folder)
                if change.problem is None:
                    result.change = change
        return with_rows(change, result.folder, query)


def compare_table(
    files: VersionFiles,
    path: str,
    old: str,
    new: str | None,
    *,
    old_path: str | None = None,
    state: ChangeState = ChangeState.MODIFIED,
) -> TableChange:
    """Return the differences of a table, with the first rows.

    See :func:`_compare`.
    """
    result = _Result()
    change = _compare(files, path, old, new, result.folder, old_path=old_path, state=state)
    return with_rows(change, result.folder, FIRST_ROWS)


def _compare(
    files: VersionFiles,
    path: str,
    old: str,
    new: str | None,
    folder: Path,
    *,
    old_path: str | None = None,
    state: ChangeState = ChangeState.MODIFIED,
) -> TableChange:
    """Return the differences of a table without rows; ``problem`` says why they are not known.

    ``old`` and ``new`` are versions as :meth:`.VersionFiles.get` has them. ``old_path`` is the path
    in the old one, if it was another. ``state`` is that of a table which cannot be read. The rows
    that differ are written to ``folder``. Raises VersionItemNotFoundError if neither version has
    the file.
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
        return TableChange(path=path, state=state, **compare_tables(one, other, kind, folder))
    except TableRefusedError as error:
        return TableChange(path=path, state=state, problem=error.reason)


def with_rows(change: TableChange, folder: Path, query: TableDiffQuery) -> TableChange:
    """Return a comparison with the rows of a query, which are in a folder."""
    file = folder / ROWS_FILE
    if change.problem is not None or not file.exists():
        return change
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import ipc

    with pa.OSFile(str(file)) as stream:
        schema = ipc.open_file(stream).schema
    names: list[str] = json.loads(schema.metadata[b"names"])

    def read(columns: list[str]) -> pa.Table:
        numbers = [schema.get_field_index(name) for name in columns]
        with pa.OSFile(str(file)) as stream:
            options = ipc.IpcReadOptions(included_fields=numbers)
            return ipc.open_file(stream, options=options).read_all()

    states = read(["state"]).column(0)
    mask = pc.is_valid(states)
    if query.state is not None:
        mask = pc.equal(states, query.state.value)
    if query.column is not None:
        number = names.index(query.column) if query.column in names else None
        column = None if number is None else read([f"changed{number}"]).column(0)
        mask = pc.and_(mask, False if column is None else pc.fill_null(column, False))
    numbers = pc.indices_nonzero(mask)
    numbers_shown = numbers.slice(query.offset, query.limit)
    table = _take(file, numbers_shown.to_pylist())
    return change.model_copy(
        update={
            "rows": [_row(change, names, row) for row in table],
            "offset": query.offset,
            "match_count": len(numbers),
            "kept": len(states),
        }
    )


def _take(file: Path, numbers_shown: list[int]) -> list[dict[str, Any]]:
    """Return rows of a file, by their sorted numbers, and only read the batches that have them."""
    import bisect

    import pyarrow as pa
    from pyarrow import ipc

    rows: list[dict[str, Any]] = []
    with pa.OSFile(str(file)) as stream:
        reader, start = ipc.open_file(stream), 0
        for index in range(reader.num_record_batches):
            if not numbers_shown or start > numbers_shown[-1]:
                break
            batch = reader.get_batch(index)
            first = bisect.bisect_left(numbers_shown, start)
            last = bisect.bisect_left(numbers_shown, start + batch.num_rows)
            if last > first:
                inside = pa.array([number - start for number in numbers_shown[first:last]])
                rows += batch.take(inside).to_pylist()
            start += batch.num_rows
    return rows


def _row(change: TableChange, names: list[str], row: dict[str, Any]) -> RowChange:
    state = CellState(row["state"])
    side = "from" if state is CellState.DELETED else "to"
    key = None
    if change.key is not None:
        key = _text(row[f"{side}{names.index(change.key)}"])
    elif state is CellState.MODIFIED:
        key = str(row["after"])
    values = []
    for number, name in enumerate(names):
        if name == change.key or (state is CellState.MODIFIED and not row[f"changed{number}"]):
            continue
        values.append(
            DifferingValue(
                name=name,
                from_=None if state is CellState.ADDED else _text(row[f"from{number}"]),
                to=None if state is CellState.DELETED else _text(row[f"to{number}"]),
            )
        )
    return RowChange(state=state, key=key, values=values[:MAX_VALUES_A_ROW])


def _text(value: Any) -> str:
    """Return a value as text; a long one is cut, and a missing one is empty."""
    text = "" if value is None or value != value else str(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[:MAX_VALUE_CHARACTERS]}…"
