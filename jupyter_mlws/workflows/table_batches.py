"""Tables that are read by columns and batches of rows, as often as needed, in bounded memory.

They are first converted to a file of Arrow, in which each column has one type: it is read faster
than Parquet, and its columns can be read alone.
"""

from __future__ import annotations

import csv as python_csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, json
from pyarrow.parquet import ParquetFile

from jupyter_mlws.components.table_files import Reading, read_table_file

BATCH_ROWS = 65_536
MAX_COPY_BYTES = 10_000_000_000
CSV_BLOCK = 4_000_000
EXACT_INTEGERS = 2.0**53
"""Larger whole numbers are not exact as floats."""
CSV_TYPES = (pa.int64(), pa.float64(), pa.bool_())
"""Types that a column of a CSV file may have, beside texts."""
LONG_INTEGER = r"^[+-]?[0-9]{16,}$"
MISSING_TEXTS = pa.array(csv.ConvertOptions().null_values)
NAMELESS_INDEX = "__index_level_0__"


class TableFile:
    """A table in a file. Its columns have different names."""

    def __init__(self, path: Path, kind: str, copy: Path) -> None:
        """Open a file of a format; its converted content is kept in the file ``copy``.

        Raises ValueError or OSError if it is no table.
        """
        self._path = path
        self._copy = copy
        self._csv = _CSV(path) if kind == "csv" and path.stat().st_size else None
        self.types: dict[str, pa.DataType] = {}
        self._counts: list[int] = []
        if kind == "parquet":
            self._write(parquet_batches(path))
        elif self._csv is not None:
            self._convert(self._csv)
        elif kind != "csv":
            self._write(other_table(path, kind).to_batches(BATCH_ROWS))

    @property
    def names(self) -> list[str]:
        return list(self.types)

    @property
    def size(self) -> int:
        """Return the bytes of the converted file."""
        return self._copy.stat().st_size if self.types else 0

    @property
    def rows(self) -> int:
        return sum(self._counts)

    @property
    def is_csv(self) -> bool:
        """Return whether its values are texts, whose types were results from them."""
        return self._csv is not None

    def read_as_texts(self, names: Collection[str]) -> None:
        """Read columns of a CSV file again as the texts that are in it."""
        assert self._csv is not None
        if any(self.types[name] != pa.string() for name in names):
            types = {**self.types, **dict.fromkeys(names, pa.string())}
            self._write(self._csv.batches(types))

    def _convert(self, file: _CSV) -> None:
        try:
            try:
                self._write(file.checked_batches(file.first_types()))
            except pa.ArrowInvalid:
                # The first values of a column do not tell its type.
                self._write(file.batches(file.all_types()))
        except (pa.ArrowInvalid, UnicodeDecodeError):
            # pandas also reads rows that are too short.
            self._csv = None
            self._write(other_table(self._path, "csv").to_batches(BATCH_ROWS))

    def _write(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Write batches to the copy; the first one tells the types."""
        self.types, self._counts = {}, []
        with ExitStack() as stack:
            writer: Any = None
            for batch in batches:
                if writer is None:
                    names = different_names(batch.schema.names)
                    self.types = dict(zip(names, batch.schema.types, strict=True))
                    schema = pa.schema([*self.types.items()])
                    writer = stack.enter_context(ipc.new_file(str(self._copy), schema))
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
                self._counts.append(batch.num_rows)
                if self._copy.stat().st_size > MAX_COPY_BYTES:
                    # A file of a few kB can hold gigabytes of values.
                    raise MemoryError

    def batches(
        self, names: Sequence[str], rows: Any = None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield columns of batches of rows, each with the number of its first row.

        If ``rows`` are given, sorted, batches that have none of them are left out.
        """
        if not self.types:
            return
        numbers = {name: number for number, name in enumerate(self.types)}
        options = ipc.IpcReadOptions(included_fields=[numbers[name] for name in names])
        start = 0
        with pa.OSFile(str(self._copy)) as stream:
            reader = ipc.open_file(stream, options=options)
            for index, count in enumerate(self._counts):
                if rows is None or _has_any(rows, start, count):
                    yield start, reader.get_batch(index).select(list(names))
                start += count

    def take(self, rows: Any, names: Sequence[str]) -> pa.Table:
        """Return columns of rows, by their numbers."""
        order = np.argsort(rows, kind="stable")
        numbers, parts = np.asarray(rows)[order], []
        for start, batch in self.batches(names, numbers):
            first, last = np.searchsorted(numbers, (start, start + batch.num_rows))
            if last > first:
                parts.append(batch.take(pa.array(numbers[first:last].astype(np.int64) - start)))
        schema = pa.schema([(name, self.types[name]) for name in names])
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return pa.Table.from_batches(parts, parts[0].schema if parts else schema).take(
            pa.array(back)
        )


def _has_any(rows: Any, start: int, count: int) -> bool:
    first, last = np.searchsorted(rows, (start, start + count))
    return bool(last > first)


def has_exact_floats(table: TableFile, name: str) -> bool:
    """Return whether the whole numbers of a column can be floats without loss."""
    for _, batch in table.batches([name]):
        low_high = pc.min_max(batch.column(name)).as_py()
        if any(abs(one or 0) > EXACT_INTEGERS for one in low_high.values()):
            return False
    return True


def different_names(names: Sequence[str]) -> list[str]:
    """Return names that differ, as pandas makes them: the second ``a`` is ``a.1``."""
    results: list[str] = []
    parts = set(names)
    for number, name in enumerate(names):
        name = name or f"Unnamed: {number}"
        new, copy = name, 0
        while new in results or (copy and new in parts):
            copy += 1
            new = f"{name}.{copy}"
        results.append(new)
    return results


def parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    file = ParquetFile(path)
    names = file.schema_arrow.names
    if NAMELESS_INDEX in names and "index" not in names:
        names = ["index" if name == NAMELESS_INDEX else name for name in names]
    is_empty = True
    for batch in file.iter_batches(BATCH_ROWS):
        is_empty = False
        yield batch.rename_columns(names)
    if is_empty:
        yield pa.RecordBatch.from_pylist([], file.schema_arrow).rename_columns(names)


def other_table(path: Path, kind: str) -> pa.Table:
    """Return a table of JSON lines or Excel."""
    if kind == "json_lines":
        try:
            return json_lines(path)
        except pa.ArrowInvalid:
            # Of values of several types, pandas makes texts.
            pass
    elif kind == "csv":
        table = read_table_file(path, Reading(format="csv"))
        if list(table.index[:1]) not in ([], [0]) or table.index.nlevels > 1:
            # pandas took the first values for names of the rows, and moved the others.
            raise ValueError("its rows have more values than its head has names")
        return pa.Table.from_pandas(table, preserve_index=False)
    table = read_table_file(path, Reading(format=kind))  # type: ignore[arg-type]
    table = table.set_axis([str(name) for name in table.columns], axis=1)
    return pa.Table.from_pandas(table, preserve_index=False)


def json_lines(path: Path) -> pa.Table:
    if not path.stat().st_size:
        return pa.table({})
    block = json.ReadOptions(block_size=CSV_BLOCK)
    table = json.read_json(path, block)
    dates = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    if not dates:
        return table
    # Dates are texts in JSON: whether all look like dates is chance.
    schema = pa.schema([(name, pa.string()) for name in dates])
    return json.read_json(path, block, json.ParseOptions(explicit_schema=schema)).select(
        table.column_names
    )


class _CSV:
    """A CSV file, whose columns have types that all their values fit."""

    def __init__(self, path: Path) -> None:
        how = Reading(format="csv").resolve(path)
        self._path = path
        self._parse = csv.ParseOptions(delimiter=how.separator, newlines_in_values=True)
        self._decimal = how.decimal
        with path.open(encoding=how.encoding, errors="replace", newline="") as stream:
            lines = python_csv.reader(stream, delimiter=how.separator)
            blank, self.names = next(
                ((at, row) for at, row in enumerate(lines) if row), (0, list[str]())
            )
        self._read = csv.ReadOptions(
            encoding="utf8" if how.encoding in ("utf-8", "utf-8-sig") else how.encoding,
            block_size=CSV_BLOCK,
            column_names=different_names(self.names),
            skip_rows_after_names=blank + 1,
        )

    def first_types(self) -> dict[str, pa.DataType]:
        """Return the types of the columns by the first block; raises ArrowInvalid if unsure."""
        with csv.open_csv(self._path, self._read, self._parse, self._convert({})) as reader:
            fields = list(reader.schema)
            if self._path.stat().st_size > CSV_BLOCK and any(
                pa.types.is_null(field.type) for field in fields
            ):
                raise pa.ArrowInvalid("a column begins with missing values")
        # Dates are texts: whether all look like dates is chance.
        return {
            field.name: field.type if field.type in CSV_TYPES else pa.string() for field in fields
        }

    def all_types(self) -> dict[str, pa.DataType]:
        """Return the types that all values of the columns fit."""
        remaining = {name: [*CSV_TYPES, pa.string()] for name in self._read.column_names}
        for batch in self.batches(dict.fromkeys(remaining, pa.string())):
            for name, types in remaining.items():
                values = batch.column(name)
                values = values.filter(pc.invert(pc.is_in(values, value_set=MISSING_TEXTS)))
                while types[0] != pa.string() and not fits(values, types[0]):
                    del types[0]
        return {name: types[0] for name, types in remaining.items()}

    def checked_batches(self, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Yield batches; raises ArrowInvalid where large whole numbers may be read as floats."""
        floats = [name for name, kind in types.items() if kind == pa.float64()]
        for batch in self.batches(types):
            for name in floats:
                low_high = pc.min_max(batch.column(name)).as_py()
                if any(abs(one or 0) >= EXACT_INTEGERS for one in low_high.values()):
                    raise pa.ArrowInvalid("it has large numbers")
            yield batch

    def batches(self, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Yield batches with columns of the given types; raises ArrowInvalid if a value is not."""
        convert = self._convert(types)
        with csv.open_csv(self._path, self._read, self._parse, convert) as reader:
            any_rows = False
            for batch in reader:
                any_rows = True
                yield batch
            if not any_rows:
                yield from reader.schema.empty_table().to_batches(1) or [
                    pa.RecordBatch.from_pylist([], reader.schema)
                ]

    def _convert(self, types: Mapping[str, pa.DataType]) -> csv.ConvertOptions:
        # A text is what is in the file, also where it is empty, or "NA".
        return csv.ConvertOptions(column_types=types, decimal_point=self._decimal)


def fits(values: pa.Array, kind: pa.DataType) -> bool:
    if kind == pa.float64() and pc.any(pc.match_substring_regex(values, LONG_INTEGER)).as_py():
        return False
    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
