"""Pages and statistics of tables, read by row group: a table may be larger than the memory."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
from pyarrow import csv
from pyarrow.parquet import ParquetFile

from jupyter_mlws.components.values import table_files
from jupyter_mlws.core.errors import PreviewError, WorkflowItemNotFoundError
from jupyter_mlws.workflows.models import (
    Bin,
    Column,
    ColumnRequest,
    ColumnStatistics,
    TableFilter,
    TablePage,
    TableRequest,
)
from jupyter_mlws.workflows.previews import MAX_COLUMNS, to_cell

MAX_CACHE_BYTES = 256_000_000
"""Bytes of row groups that are kept for the next page."""
MAX_GROUP_VALUES = MAX_CACHE_BYTES // 8
"""Values of a row group that is read at once: a file of a few kB can hold gigabytes."""
MAX_PART_VALUES = 4_000_000
"""Values of the parts in which larger groups are read."""
MAX_ORDERED_ROWS = 50_000_000
"""Rows of a table that is sorted or filtered."""
MAX_ORDERS = 4
"""Filtered or sorted orders of rows that are kept."""
MAX_CSV_BYTES = 64_000_000
MAX_CSV_ROWS = 200_000
"""Rows that are read of a CSV file over MAX_CSV_BYTES: it has no index to read parts of it."""
MAX_DISTINCT = 10_000
"""Distinct values that are counted."""
BINS = 20
TOP_VALUES = 10
CSV_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class _Group:
    """Rows of a Parquet file that are read together."""

    file: Path
    index: int
    rows: int
    values: int

    @classmethod
    def of_file(cls, file: Path) -> list[_Group]:
        """Return the groups of a file; ValueError if one row is too large to be read."""
        metadata, groups = parquet.read_metadata(file), []
        for index in range(metadata.num_row_groups):
            group = metadata.row_group(index)
            values = sum(group.column(number).num_values for number in range(group.num_columns))
            groups.append(cls(file, index, group.num_rows, values))
            if values > group.num_rows * MAX_GROUP_VALUES:
                raise ValueError(f"its rows have more than {MAX_GROUP_VALUES:,} values each")
        return groups


class _Table:
    """A table as a sequence of groups of rows."""

    def __init__(self, path: Path, suffix: str) -> None:
        self.is_truncated = False
        self._memory: pa.Table | None = None
        self._groups: list[_Group] = []
        files = table_files(path) if path.is_dir() else [path]
        if not files:
            raise ValueError("the folder has no table")
        kind = files[0].suffix.lower() if path.is_dir() else suffix
        if kind in CSV_SUFFIXES:
            self._memory, self.is_truncated = read_csv(files[0], kind)
            schema = self._memory.schema
        else:
            schema = parquet.read_schema(files[0])
            self._groups = [group for file in files for group in _Group.of_file(file)]
        self.fields = [f for f in schema if not f.name.startswith("__index_level")][:MAX_COLUMNS]

    @property
    def group_rows(self) -> list[int]:
        """The number of rows of each group."""
        if self._memory is not None:
            return [self._memory.num_rows]
        return [group.rows for group in self._groups]

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    def read(self, index: int, columns: Sequence[str]) -> pa.Table:
        """Return columns of a group; texts as dictionaries."""
        if self._memory is not None:
            return self._memory.select(columns)
        group = self._groups[index]
        with self._parquet(group.file) as file:
            return file.read_row_group(group.index, columns=list(columns))

    def is_large(self, index: int) -> bool:
        """Return whether a group is too large to be read at once."""
        return self._memory is None and self._groups[index].values > MAX_GROUP_VALUES

    def parts(self, index: int, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of a group, a large one in parts."""
        if not self.is_large(index):
            yield self.read(index, columns)
            return
        group = self._groups[index]
        size = max(1, group.rows * MAX_PART_VALUES // group.values)
        with self._parquet(group.file) as file:
            for batch in file.iter_batches(size, row_groups=[group.index], columns=list(columns)):
                yield pa.Table.from_batches([batch])

    def take(self, index: int, rows: np.ndarray) -> pa.Table:
        """Return rows of a large group, by their numbers in it."""
        order, start, parts = np.argsort(rows), 0, []
        for part in self.parts(index, self.names):
            inside = rows[order][np.searchsorted(rows[order], start) :]
            inside = inside[inside < start + part.num_rows]
            parts.append(part.take(inside - start))
            start += part.num_rows
            if start > rows[order[-1]]:
                break
        return pa.concat_tables(parts).take(np.argsort(order))

    def column(self, name: str) -> Iterator[pa.ChunkedArray]:
        """Yield a column, one group or part of a group after the other."""
        for index in range(len(self.group_rows)):
            for part in self.parts(index, [name]):
                yield part.column(name)

    def _parquet(self, file: Path) -> ParquetFile:
        # A long text that is repeated is in memory once.
        texts = [f.name for f in self.fields if f.type in (pa.string(), pa.binary())]
        return ParquetFile(file, read_dictionary=texts)


class TableReader:
    """Reads pages of tables; keeps what the next page needs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tables: OrderedDict[Any, _Table] = OrderedDict()
        self._groups: OrderedDict[Any, pa.Table] = OrderedDict()
        self._orders: OrderedDict[Any, Any] = OrderedDict()

    def page(self, path: Path, suffix: str, request: TableRequest) -> TablePage:
        """Return rows of a table, filtered and sorted.

        Raises WorkflowItemNotFoundError if the file does not exist, PreviewError if it is no table
        or a filter does not fit.
        """
        with _preview_errors():
            key, table = self._open(path, suffix)
            total = sum(table.group_rows)
            order = self._order(key, table, request)
            count = total if order is None else len(order)
            stop = min(request.offset + request.limit, count)
            numbers = np.arange(request.offset, max(request.offset, stop))
            if order is not None:
                numbers = order[numbers]
            ends = np.cumsum(table.group_rows)
            groups = np.searchsorted(ends, numbers, side="right")
            rows: list[list[Any]] = [[]] * len(numbers)
            for group in np.unique(groups):
                places = np.flatnonzero(groups == group)
                start = ends[group - 1] if group else 0
                index, inside = int(group), numbers[places] - start
                part = (
                    table.take(index, inside)
                    if table.is_large(index)
                    else self._group(key, table, index).take(inside)
                )
                values = [part.column(name).to_pylist() for name in table.names]
                for place, row in zip(places, zip(*values, strict=True), strict=True):
                    rows[place] = [to_cell(value) for value in row]
            return TablePage(
                columns=[Column(name=f.name, dtype=str(f.type)) for f in table.fields],
                rows=rows,
                offset=request.offset,
                row_count=total,
                match_count=count,
                truncated=table.is_truncated,
            )

    def statistics(self, path: Path, suffix: str, request: ColumnRequest) -> ColumnStatistics:
        """Return counts and the distribution of a column."""
        with _preview_errors():
            _, table = self._open(path, suffix)
            field = next((f for f in table.fields if f.name == request.column), None)
            if field is None:
                raise WorkflowItemNotFoundError(kind="column", name=request.column)
            is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
            describe = number_statistics if is_number else value_statistics
            return describe(table, field)

    def _open(self, path: Path, suffix: str) -> tuple[Any, _Table]:
        if not path.exists():
            raise WorkflowItemNotFoundError(kind="output", name=path.name)
        status = path.stat()
        key = (path, status.st_mtime_ns, status.st_size)
        with self._lock:
            table = self._tables.get(key)
        if table is None:
            table = _Table(path, suffix)
            with self._lock:
                self._tables[key] = table
                while len(self._tables) > MAX_ORDERS:
                    self._tables.popitem(last=False)
        return key, table

    def _group(self, key: Any, table: _Table, index: int) -> pa.Table:
        with self._lock:
            group = self._groups.get((key, index))
            if group is not None:
                self._groups.move_to_end((key, index))
                return group
        group = table.read(index, table.names)
        with self._lock:
            self._groups[key, index] = group
            while (
                len(self._groups) > 1
                and sum(one.nbytes for one in self._groups.values()) > MAX_CACHE_BYTES
            ):
                self._groups.popitem(last=False)
        return group

    def _order(self, key: Any, table: _Table, request: TableRequest) -> Any:
        """Return the numbers of the rows that match, sorted; None for all as they are."""
        if request.sort is None and not request.filters:
            return None
        filters = tuple((f.column, f.operator, f.value) for f in request.filters)
        order_key = (key, filters, request.sort, request.descending)
        with self._lock:
            if order_key in self._orders:
                return self._orders[order_key]
        for name in [f.column for f in request.filters] + [request.sort or table.names[0]]:
            if name not in table.names:
                raise WorkflowItemNotFoundError(kind="column", name=name)
        count = sum(table.group_rows)
        if count > MAX_ORDERED_ROWS:
            raise ValueError(
                f"more than {MAX_ORDERED_ROWS:,} rows are not sorted and filtered here"
            )
        masks = np.ones(count, dtype=bool)
        for one in request.filters:
            parts = [matching_rows(part, one) for part in table.column(one.column)]
            masks &= np.concatenate(parts) if parts else masks
        order = np.flatnonzero(masks)
        if request.sort is not None:
            parts = [chunk for part in table.column(request.sort) for chunk in part.chunks]
            if parts:
                values = _sortable(pa.chunked_array(parts)).filter(pa.array(masks))
                direction = "descending" if request.descending else "ascending"
                order = order[pc.sort_indices(values, sort_keys=[("", direction)]).to_numpy()]
        with self._lock:
            self._orders[order_key] = order
            while len(self._orders) > MAX_ORDERS:
                self._orders.popitem(last=False)
        return order


@contextmanager
def _preview_errors() -> Iterator[None]:
    """Turn the errors of pyarrow into those of a preview."""
    try:
        yield
    except (OSError, ValueError, TypeError, NotImplementedError, KeyError) as error:
        # Those of pyarrow are subclasses of these.
        raise PreviewError(kind="table", reason=str(error)) from error


def read_csv(path: Path, suffix: str) -> tuple[pa.Table, bool]:
    """Return a CSV file, or its first rows if it is large, and whether rows were left out."""
    parse = csv.ParseOptions(delimiter="\t" if suffix == ".tsv" else ",", newlines_in_values=True)
    is_large = path.stat().st_size > MAX_CSV_BYTES

    def read(convert: csv.ConvertOptions | None = None) -> pa.Table:
        if not is_large:
            return csv.read_csv(path, parse_options=parse, convert_options=convert)
        batches, rows = [], 0
        with csv.open_csv(path, parse_options=parse, convert_options=convert) as reader:
            for batch in reader:
                batches.append(batch)
                rows += batch.num_rows
                if rows >= MAX_CSV_ROWS:
                    break
            return pa.Table.from_batches(batches, reader.schema).slice(0, MAX_CSV_ROWS)

    if path.stat().st_size == 0:
        return pa.table({}), False
    try:
        return read(), is_large
    except pa.ArrowInvalid:
        # A column that begins with numbers and goes on with words is text.
        with csv.open_csv(path, parse_options=parse) as reader:
            names = reader.schema.names
        types = dict.fromkeys(names, pa.string())
        return read(csv.ConvertOptions(column_types=types)), is_large


def _sortable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column itself, or the ranks of its texts."""
    if not pa.types.is_dictionary(column.type):
        return column
    texts = pa.chunked_array([column.unify_dictionaries().combine_chunks()]).chunk(0)
    return pa.chunked_array([pc.rank(texts.dictionary, tiebreaker="dense").take(texts.indices)])


def matching_rows(column: pa.ChunkedArray, one: TableFilter) -> Any:
    """Return a mask of the rows of a column that match a filter."""
    if pa.types.is_dictionary(column.type):
        masks = [np.empty(0, dtype=bool)]
        for chunk in column.chunks:
            distinct = pa.array(matching_rows(pa.chunked_array([chunk.dictionary]), one))
            mask = pc.fill_null(distinct.take(chunk.indices), one.operator == "empty")
            masks.append(mask.to_numpy(zero_copy_only=False))
        return np.concatenate(masks)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if one.operator == "empty":
        mask = pc.is_null(column, nan_is_null=True)
        if is_text:
            mask = pc.or_(mask, pc.fill_null(pc.equal(column, ""), False))
    elif one.operator == "contains":
        text = column if is_text else column.cast(pa.string())
        mask = pc.match_substring(text, one.value, ignore_case=True)
    else:
        scalar = pa.scalar(one.value).cast(column.type)
        mask = getattr(pc, one.operator)(column, scalar)
    return pc.fill_null(mask, False).to_numpy()


def number_statistics(table: _Table, field: pa.Field) -> ColumnStatistics:
    """Return the range, moments and histogram of a column of numbers, in two passes."""
    count = nulls = 0
    low, high, total, squares = np.inf, -np.inf, 0.0, 0.0

    def numbers(part: pa.ChunkedArray) -> Any:
        values = part.drop_null().to_numpy().astype(float)
        return values[np.isfinite(values)]

    for part in table.column(field.name):
        values = numbers(part)
        count += len(values)
        nulls += len(part) - len(values)
        if len(values):
            low, high = min(low, values.min()), max(high, values.max())
            total += float(values.sum())
    if count == 0:
        return ColumnStatistics(column=field.name, dtype=str(field.type), count=0, nulls=nulls)
    edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, high])
    bins = np.zeros(len(edges) - 1, dtype=np.int64)
    mean = total / count
    for part in table.column(field.name):
        values = numbers(part)
        bins += np.histogram(values, bins=len(bins), range=(low, high))[0]
        # Of deviations: the difference of large squares would lose the digits of a small one.
        squares += float(np.square(values - mean).sum())
    return ColumnStatistics(
        column=field.name,
        dtype=str(field.type),
        count=count,
        nulls=nulls,
        min=to_cell(float(low)),
        max=to_cell(float(high)),
        mean=to_cell(mean),
        std=to_cell((squares / count) ** 0.5),
        bins=[
            Bin(label=f"{a:.4g} – {b:.4g}", count=int(n))
            for a, b, n in zip(edges[:-1], edges[1:], bins, strict=True)
        ],
    )


def value_statistics(table: _Table, field: pa.Field) -> ColumnStatistics:
    """Return the most frequent values of a column."""
    counts: Counter[Any] = Counter()
    count = nulls = 0
    is_complete = True
    for part in table.column(field.name):
        nulls += part.null_count
        count += len(part) - part.null_count
        for pair in part.drop_null().value_counts().to_pylist() if is_complete else ():
            counts[str(to_cell(pair["values"]))] += pair["counts"]
        is_complete = is_complete and len(counts) <= MAX_DISTINCT
    return ColumnStatistics(
        column=field.name,
        dtype=str(field.type),
        count=count,
        nulls=nulls,
        distinct=len(counts) if is_complete else None,
        bins=[Bin(label=value, count=n) for value, n in counts.most_common(TOP_VALUES)]
        if is_complete
        else [],
    )
