"""Values that are shown as tables: frames, series and arrays."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .columns import (
    Column,
    UnavailableError,
    array_column,
    arrow_column,
    level_column,
    pandas_column,
    polars_column,
    range_column,
)
from .values import is_class_of, label, library_of

MAX_COLUMNS = 200
PANDAS = ("DataFrame", "Series", "Index")
ROW_NUMBER = "#"
"""Name of the column of row numbers of a table without an index."""


@dataclass
class Table:
    """A table: the first columns are its index, or the numbers of its rows.

    ``column_count`` counts also the columns beyond the limit, and no index.
    """

    columns: list[Column]
    row_count: int
    column_count: int

    def column(self, name: str) -> Column:
        for one in self.columns:
            if one.name == name:
                return one
        raise UnavailableError("column", column=name)


def is_table(value: Any) -> bool:
    return (
        is_class_of(value, "pandas", PANDAS)
        or is_class_of(value, "polars", ("DataFrame", "Series"), is_exact=True)
        or is_class_of(value, "pyarrow", ("Table", "RecordBatch", "ChunkedArray"), is_exact=True)
        or (is_class_of(value, "numpy", ("ndarray",)) and plain(value).ndim > 0)
    )


def plain(value: Any) -> Any:
    """Return a value of a user's subclass as one of the library's own class.

    Frames and series are without `attrs`, which pandas copies by code of the user's.
    """
    if is_class_of(value, "numpy", ("ndarray",)):
        base = sys.modules["numpy"].ndarray
        return base.view(value, base)
    for name in ("DataFrame", "Series"):
        if is_class_of(value, "pandas", (name,)):
            base = getattr(sys.modules["pandas"], name)
            manager = object.__getattribute__(value, "_mgr")
            axes = [plain(axis) for axis in manager.axes]
            if any(axis is not one for axis, one in zip(axes, manager.axes)):  # noqa: B905
                blocks = manager.blocks if name == "DataFrame" else manager.blocks[0]
                manager = type(manager)(blocks, axes if name == "DataFrame" else axes[0], False)
            result = base._from_mgr(manager, manager.axes)
            if name == "Series":
                result._name = object.__getattribute__(value, "_name")
            return result
    if is_class_of(value, "pandas", ("Index",)) and library_of(value) != "pandas":
        values, name = (object.__getattribute__(value, own) for own in ("_data", "_name"))
        return sys.modules["pandas"].Index(values, name=name)
    return value


def open_table(value: Any, indices: Sequence[int]) -> Table:
    """Return the columns of a value; ``indices`` select the table of an array with more axes."""
    if not is_table(value):
        raise UnavailableError("table", type=type(value).__name__)
    if is_class_of(value, "polars", ("DataFrame", "Series")):
        frame = value if type(value).__name__ == "DataFrame" else value.to_frame()
        names = frame.columns[:MAX_COLUMNS]
        columns = [polars_column(name, frame.get_column(name)) for name in names]
        return _numbered(columns, frame.height, frame.width)
    if is_class_of(value, "pyarrow", ("ChunkedArray",)):
        return _numbered([arrow_column("value", value)], len(value), 1)
    if is_class_of(value, "pyarrow", ("Table", "RecordBatch")):
        arrow = sys.modules["pyarrow"]
        table = arrow.Table.from_batches([value]) if type(value) is arrow.RecordBatch else value
        names = table.column_names[:MAX_COLUMNS]
        columns = [arrow_column(name, table.column(i)) for i, name in enumerate(names)]
        return _numbered(columns, table.num_rows, table.num_columns)
    value = plain(value)
    if is_class_of(value, "numpy", ("ndarray",)):
        return _array_table(value, indices)
    return _pandas_table(value)


def _pandas_table(value: Any) -> Table:
    pandas = sys.modules["pandas"]
    if issubclass(type(value), pandas.Index):
        return _numbered(_index_columns(value), len(value), value.nlevels)
    columns = _index_columns(value.index)
    if issubclass(type(value), pandas.Series):
        columns.append(pandas_column(label(value.name, "value"), value.array))
        return Table(_named(columns), len(value), 1)
    for number, name in enumerate(islice(plain(value.columns), MAX_COLUMNS)):
        columns.append(pandas_column(label(name, str(number)), value.iloc[:, number].array))
    return Table(_named(columns), len(value), value.shape[1])


def _index_columns(index: Any) -> list[Column]:
    pandas, index = sys.modules["pandas"], plain(index)
    if issubclass(type(index), pandas.RangeIndex):
        return [range_column(label(index.name, "index"), "int64", index.start, index.step)]
    if not issubclass(type(index), pandas.MultiIndex):
        return [pandas_column(label(index.name, "index"), index.array)]
    return [
        level_column(label(index.names[i], f"level {i}"), index.levels[i], index.codes[i])
        for i in range(index.nlevels)
    ]


def _array_table(array: Any, indices: Sequence[int]) -> Table:
    leading = array.ndim - 2
    if leading > 0:
        indices = [*indices, *[0] * leading][:leading]
        if any(not 0 <= i < size for i, size in zip(indices, array.shape)):  # noqa: B905
            raise UnavailableError("shape", shape=str(array.shape))
        array = array[tuple(indices)]
    if array.dtype.names is not None and array.ndim == 1:
        names = array.dtype.names[:MAX_COLUMNS]
        columns = [array_column(name, array[name]) for name in names]
        return _numbered(columns, len(array), len(array.dtype.names))
    if array.ndim == 1:
        return _numbered([array_column("value", array)], len(array), 1)
    columns = [array_column(str(i), array[:, i]) for i in range(min(array.shape[1], MAX_COLUMNS))]
    return _numbered(columns, array.shape[0], array.shape[1])


def _numbered(columns: list[Column], row_count: int, column_count: int) -> Table:
    """Return a table whose first column has the numbers of the rows."""
    if "numpy" in sys.modules:
        columns = [range_column(ROW_NUMBER, "int64", 0, 1), *columns]
    return Table(_named(columns), row_count, column_count)


def _named(columns: list[Column]) -> list[Column]:
    """Return columns with names that differ."""
    names: set[str] = set()
    for column in columns:
        name, count = column.name, 1
        while column.name in names:
            count += 1
            column.name = f"{name} ({count})"
        names.add(column.name)
    return columns
