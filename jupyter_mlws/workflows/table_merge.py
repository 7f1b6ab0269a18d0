"""Merges three versions of a table by row and cell, in a separate process.

``python -m jupyter_mlws.workflows.table_merge`` reads the paths of the versions, their format, the
choices and the path of the result as JSON from stdin, and prints the fields of a
:class:`.TableMerge`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlws.components.table_files import find_encoding, find_separator
from jupyter_mlws.workflows.table_process import TableRefusedError, answer, ask_process
from mlws.core.i18n import Message

MAX_BYTES = 50_000_000
"""Bytes of a larger table, which is not merged by row."""
MAX_CONFLICTS = 1000
"""Conflicts that are listed."""
SIDES = ("base", "ours", "theirs")
MISSING = object()
FRACTION = re.compile(r"[-+]?\d*\.\d+(e[-+]?\d+)?", re.IGNORECASE)
"""A measurement, which does not identify a row."""
MARK = "\ufeff"


@dataclass
class Row:
    """A row: its values by column, and how it is written."""

    values: dict[str, Any]
    source: Any
    """Of CSV, its cells as they are in the file; of JSON lines, its line."""


@dataclass
class Rows:
    """The rows of one version; ``write`` returns a file with rows in the format of this one."""

    columns: list[str]
    rows: list[Row]
    write: Callable[[list[Row]], bytes]
    combine: Callable[[dict[str, Row], Row], Row]
    """Returns a row with each cell of the row that it is taken from."""


@dataclass
class Result:
    """A merged table. Conflicts without a choice have the value of ours."""

    key: str
    rows: list[Row]
    from_theirs: int = 0
    combinations: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def merge_tables(
    versions: Mapping[str, Path], kind: str, choices: Mapping[str, str], result: Path
) -> dict[str, Any]:
    """Write the merged table to a file, and return the fields of a TableMerge.

    ``choices`` are sides by the ids of conflicts, or by ``*`` for all others. Raises
    TableRefusedError.
    """
    request = {
        **{side: str(path) for side, path in versions.items()},
        "format": kind,
        "choices": dict(choices),
        "result": str(result),
    }
    return ask_process(__name__, request)


def merge(base: Rows, ours: Rows, theirs: Rows, choices: Mapping[str, str]) -> Result:
    """Return the rows of both sides: what one side changed is taken, by cell where both did."""
    if not set(base.columns) == set(ours.columns) == set(theirs.columns):
        raise TableRefusedError(Message("its versions have different columns"))
    key = find_key(base, ours, theirs)
    old, mine, other = ({row.values[key]: row for row in one.rows} for one in (base, ours, theirs))
    result = Result(key, [])
    places: dict[Any, list[Row]] = {}
    before: Any = None
    for name, row in other.items():
        if name not in mine:
            was = old.get(name)
            if was is None:
                places.setdefault(before, []).append(row)
                result.from_theirs += 1
            elif was.values != row.values and (
                _choose(result, name, None, was, None, row, choices) == "theirs"
            ):
                # Ours deleted what theirs changed.
                places.setdefault(before, []).append(row)
            else:
                continue
        before = name

    def add(rows: Sequence[Row]) -> None:
        """Add rows, each with the rows of theirs that follow it."""
        remaining = [*reversed(rows)]
        while remaining:
            row = remaining.pop()
            result.rows.append(row)
            remaining += reversed(places.pop(row.values[key], ()))

    add(places.pop(None, ()))
    for name, row in mine.items():
        merged = _merge_row(ours, result, name, old.get(name), row, other.get(name), choices)
        add([merged] if merged is not None else places.pop(name, ()))
    return result


def _merge_row(
    ours: Rows,
    result: Result,
    name: Any,
    base: Row | None,
    mine: Row,
    other: Row | None,
    choices: Mapping[str, str],
) -> Row | None:
    """Return the merged row of one that ours has; None if it is deleted."""
    if other is None:
        if base is None:
            return mine
        if base.values == mine.values:
            result.from_theirs += 1
            return None
        side = _choose(result, name, None, base, mine, None, choices)
        return {"ours": mine, "theirs": None, "base": base}[side]
    if other.values == mine.values or (base is not None and other.values == base.values):
        return mine
    if base is not None and base.values == mine.values:
        result.from_theirs += 1
        return other
    cells: dict[str, Row] = {}
    for column in dict.fromkeys([*mine.values, *other.values]):
        was, own, their = (
            row.values.get(column, MISSING) if row is not None else MISSING
            for row in (base, mine, other)
        )
        if own == their or their == was:
            cells[column] = mine
        elif own == was:
            cells[column] = other
        else:
            side = _choose(result, name, column, base, mine, other, choices)
            cells[column] = {"ours": mine, "theirs": other, "base": base or mine}[side]
    result.combinations += 1
    return ours.combine(cells, mine)


def _choose(
    result: Result,
    name: Any,
    column: str | None,
    base: Row | None,
    mine: Row | None,
    other: Row | None,
    choices: Mapping[str, str],
) -> str:
    """Note a conflict, and return the side that is chosen for it, ours if none is."""
    identity = json.dumps([str(name), column], ensure_ascii=False)
    side = choices.get(identity) or choices.get("*")

    def text(row: Row | None) -> str | None:
        if row is None:
            return None
        value = row.values if column is None else row.values.get(column)
        if isinstance(value, dict):
            return ", ".join(f"{name}: {one}" for name, one in value.items())
        return "" if value is None else str(value)

    result.conflicts.append(
        {
            "id": identity,
            "key": str(name),
            "column": column,
            **{side: text(row) for side, row in zip(SIDES, (base, mine, other), strict=True)},
            "take": side,
        }
    )
    return side or "ours"


def find_key(*versions: Rows) -> str:
    """Return the column that identifies the rows in all versions; NotMergeableError."""
    best, most = None, min(len(one.rows) for one in versions) / 2
    for name in versions[0].columns:
        sets = []
        for one in versions:
            values = [row.values.get(name) for row in one.rows]
            if any(is_no_key(value) for value in values) or len({*values}) < len(values):
                break
            sets.append({*values})
        else:
            matches = len(sets[0] & sets[1]) + len(sets[0] & sets[2])
            if matches / 2 > most or (best is None and matches / 2 >= most):
                best, most = name, matches / 2
    if best is None:
        raise TableRefusedError(Message("no column identifies its rows in all three versions"))
    return best


def is_no_key(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, (float, dict, list))
        or (isinstance(value, str) and (not value or FRACTION.fullmatch(value) is not None))
    )


def read_csv(content: bytes) -> Rows:
    """Return the rows of a CSV file, with the cells as they are written."""
    encoding = find_encoding(content)
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    text = content.decode(encoding)
    if text.encode(encoding) != content:
        raise TableRefusedError(Message("its encoding cannot be written again"))
    separator = find_separator(text.removeprefix(MARK))
    line_end = "\r\n" if "\r\n" in text else "\n"
    records: list[tuple[list[str], list[str]]] = []
    lines: list[str] = []

    def read_lines() -> Any:
        for line in io.StringIO(text.removeprefix(MARK), newline=""):
            lines.append(line)
            yield line

    for values in csv.reader(read_lines(), delimiter=separator, strict=True):
        source = "".join(lines)
        lines.clear()
        if not values:
            continue
        cells = split_cells(source.removesuffix("\n").removesuffix("\r"), separator)
        if len(cells) != len(values):
            raise TableRefusedError(Message("its quotes are not those of CSV"))
        records.append((values, cells))
    if not records:
        raise TableRefusedError(Message("it is empty"))
    from jupyter_mlws.workflows.table_batches import different_names

    columns = different_names(records[0][0])
    rows = []
    for values, cells in records[1:]:
        if len(values) != len(columns):
            raise TableRefusedError(Message("its rows have different numbers of values"))
        rows.append(
            Row(dict(zip(columns, values, strict=True)), dict(zip(columns, cells, strict=True)))
        )
    mark = MARK if text.startswith(MARK) else ""
    last_end = line_end if text.endswith("\n") else ""

    def write(rows: list[Row]) -> bytes:
        head = separator.join(records[0][1])
        body = [separator.join(row.source[name] for name in columns) for row in rows]
        return (mark + line_end.join([head, *body]) + last_end).encode(encoding)

    def combine(cells: dict[str, Row], _: Row) -> Row:
        return Row(
            {name: row.values[name] for name, row in cells.items()},
            {name: row.source[name] for name, row in cells.items()},
        )

    return Rows(columns, rows, write, combine)


def split_cells(line: str, separator: str) -> list[str]:
    """Return the cells of a record as they are written, with their quotes."""
    cells, start, is_quoted = [], 0, False
    for at, character in enumerate(line):
        if character == '"':
            is_quoted = not is_quoted
        elif character == separator and not is_quoted:
            cells.append(line[start:at])
            start = at + 1
    return [*cells, line[start:]]


def read_json_lines(content: bytes) -> Rows:
    """Return the rows of a file of JSON lines, with the lines as they are written."""
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for line in content.splitlines():
        if line.strip():
            values = json.loads(line)
            if not isinstance(values, dict):
                raise TableRefusedError(Message("its lines are not objects"))
            rows.append(Row(values, line))
            columns |= dict.fromkeys(values)
    line_end = b"\r\n" if b"\r\n" in content else b"\n"

    def write(rows: list[Row]) -> bytes:
        last_end = line_end if content.endswith(b"\n") else b""
        return line_end.join(row.source for row in rows) + last_end

    def combine(cells: dict[str, Row], _: Row) -> Row:
        values = {name: row.values[name] for name, row in cells.items() if name in row.values}
        return Row(values, json.dumps(values, ensure_ascii=False).encode())

    return Rows(list(columns), rows, write, combine)


def read_parquet(content: bytes) -> Rows:
    """Return the rows of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(content))
    if len({*table.column_names}) < table.num_columns:
        raise TableRefusedError(Message("two of its columns have the same name"))
    rows = [Row(values, table.schema) for values in table.to_pylist()]

    def write(rows: list[Row]) -> bytes:
        if any(row.source != table.schema for row in rows):
            raise TableRefusedError(Message("its versions have columns of different types"))
        merged = pa.Table.from_pylist([row.values for row in rows], schema=table.schema)
        stream = io.BytesIO()
        pq.write_table(merged, stream)
        return stream.getvalue()

    def combine(cells: dict[str, Row], own: Row) -> Row:
        is_same = all(row.source == own.source for row in cells.values())
        values = {name: row.values[name] for name, row in cells.items()}
        return Row(values, own.source if is_same else None)

    return Rows(table.column_names, rows, write, combine)


READERS: dict[str, Callable[[bytes], Rows]] = {
    "csv": read_csv,
    "json_lines": read_json_lines,
    "parquet": read_parquet,
}


def answer_request(request: dict[str, Any]) -> dict[str, Any]:
    """Write the merged table of a request of :func:`merge_tables`, and return what was merged."""
    read = READERS[request["format"]]
    base, ours, theirs = (read(Path(request[side]).read_bytes()) for side in SIDES)
    result = merge(base, ours, theirs, request["choices"])
    Path(request["result"]).write_bytes(ours.write(result.rows))
    return {
        "key": result.key,
        "rows": len(result.rows),
        "from_theirs": result.from_theirs,
        "combined": result.combinations,
        "conflicts": result.conflicts[:MAX_CONFLICTS],
        "conflict_count": len(result.conflicts),
        "unresolved": sum(one["take"] is None for one in result.conflicts),
    }


def main() -> None:
    """Answer the request on stdin."""
    answer(answer_request)


if __name__ == "__main__":
    main()
