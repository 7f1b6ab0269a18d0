"""Compares two versions of a table by row, in a separate process, which has pandas.

``python -m jupyter_mlws.workflows.table_diff`` reads the paths of both versions and their format as
JSON from stdin, and prints the fields of a :class:`.TableChange`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.reader_process import limit_memory, read_in_process
from jupyter_mlws.components.table_files import Reading, read_table_file
from jupyter_mlws.core.i18n import Message

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".xlsx": "excel",
}
"""Formats of the tables that are compared, by their extensions."""
MAX_TABLE_BYTES = 200_000_000
"""Bytes of a larger table, which is not compared."""
MAX_SAMPLES = 100
"""Changed rows that are named."""
MAX_VALUES_A_ROW = 12
"""Values of a changed row that are named."""
MAX_VALUE_CHARACTERS = 200
TIMEOUT = 120.0
"""Seconds for one table."""
TOO_MANY_VALUES = Message("it has too many values to compare")
KEY_KINDS = frozenset({"integer", "text", "date"})
"""Kinds of columns that identify rows: a measurement that happens to be unique does not."""


def is_table(path: str) -> bool:
    """Return whether a file is a table that can be compared, by its extension."""
    return PurePosixPath(path).suffix.lower() in FORMATS


class TableRefusedError(Exception):
    """The files are no tables, too large to compare, or not stored here."""

    def __init__(self, reason: Message) -> None:
        super().__init__(reason)
        self.reason = reason


def compare_tables(old: Path | None, new: Path | None, kind: str) -> dict[str, Any]:
    """Return the fields of a TableChange for two versions of a file; None where there is none.

    Raises TableRefusedError.
    """
    request = {"old": old and str(old), "new": new and str(new), "format": kind}
    try:
        fields: dict[str, Any] = json.loads(read_in_process(__name__, request, TIMEOUT))
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        reason = lines[-1] if lines else str(error)
        raise TableRefusedError(
            TOO_MANY_VALUES if reason == TOO_MANY_VALUES.en else Message.verbatim(reason)
        ) from None
    except subprocess.TimeoutExpired:
        raise TableRefusedError(
            Message("its comparison takes more than {limit} s", limit=int(TIMEOUT))
        ) from None
    return fields


def difference(old: Table | None, new: Table | None) -> dict[str, Any]:
    """Return the differences of two tables, as the fields of a TableChange."""
    before = {} if old is None else {name: _kind(old[name]) for name in old.columns}
    after = {} if new is None else {name: _kind(new[name]) for name in new.columns}
    fields: dict[str, Any] = {
        "rows_before": None if old is None else len(old),
        "rows_after": None if new is None else len(new),
    }
    if old is None or new is None:
        return fields
    fields["columns"] = [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]
    common = [name for name in before if name in after]
    old, new = old[common].copy(), new[common].copy()
    for name in common:
        # The same type on both sides, so that equal values are equal.
        kinds = {before[name], after[name]}
        for table in (old, new):
            if kinds == {"integer", "number"}:
                table[name] = table[name].astype("float64")
            elif len(kinds) > 1 or kinds & {"text", "date"}:
                table[name] = table[name].astype(object).map(str, na_action="ignore")
    key = find_key(old, new, after)
    rows = compare_by_content(old, new) if key is None else compare_by_key(old, new, key)
    return {**fields, "key": key, **rows}


def _kind(column: Any) -> str:
    from pandas.api import types

    if types.is_bool_dtype(column):
        return "boolean"
    if types.is_integer_dtype(column):
        return "integer"
    if types.is_numeric_dtype(column):
        return "number"
    return "date" if types.is_datetime64_any_dtype(column) else "text"


def find_key(old: Table, new: Table, kinds: Mapping[str, str]) -> str | None:
    """Return the column that identifies the rows of both tables; None if there is none.

    Its values are unique, and at least half of those of the smaller table are in the other one.
    """
    best, most = None, min(len(old), len(new)) / 2
    for name in old.columns:
        one, other = old[name], new[name]
        if kinds[name] not in KEY_KINDS or one.hasnans or other.hasnans:
            continue
        if one.is_unique and other.is_unique:
            matches = int(one.isin(other).sum())
            if matches and (matches > most or (best is None and matches == most)):
                best, most = name, matches
    return best


def compare_by_key(old: Table, new: Table, key: str) -> dict[str, Any]:
    """Return the rows that differ, matched by the values of a column."""
    old, new = old.set_index(key), new.set_index(key)
    new_rows = new[~new.index.isin(old.index)]
    old_rows = old[~old.index.isin(new.index)]
    matches = new.index[new.index.isin(old.index)]
    count, samples = _changed_rows(old.loc[matches], new.loc[matches], matches)
    samples += _whole_rows(new_rows, "added", has_key=True) + _whole_rows(
        old_rows, "deleted", has_key=True
    )
    counts = {"added": len(new_rows), "deleted": len(old_rows), "modified": count}
    is_reordered = not any(counts.values()) and not old.index.equals(new.index)
    return {**counts, "reordered": is_reordered, "rows": samples}


def _changed_rows(old: Table, new: Table, keys: Any) -> tuple[int, list[dict[str, Any]]]:
    """Return how many rows differ of two tables whose rows belong together, and the first ones."""
    import numpy as np

    new = new.set_axis(old.index)
    differing = {
        name: ~(
            (old[name] == new[name]).fillna(False).to_numpy(dtype=bool)
            | (old[name].isna() & new[name].isna()).to_numpy(dtype=bool)
        )
        for name in old.columns
    }
    changed = np.logical_or.reduce([*differing.values(), np.zeros(len(keys), dtype=bool)])
    samples = [
        {
            "state": "modified",
            "key": _text(keys[n]),
            "values": [
                {"name": name, "from_": _text(old[name].iloc[n]), "to": _text(new[name].iloc[n])}
                for name in old.columns
                if differing[name][n]
            ][:MAX_VALUES_A_ROW],
        }
        for n in np.flatnonzero(changed)[:MAX_SAMPLES]
    ]
    return int(changed.sum()), samples


def compare_by_content(old: Table, new: Table) -> dict[str, Any]:
    """Return the rows that only one table has, each as often as it has it more often.

    Rows that are at the same places of two tables of the same length are one row that changed,
    whose key is its number.
    """
    import numpy as np
    from pandas.util import hash_pandas_object

    if not len(old.columns):
        return {"added": len(new), "deleted": len(old), "modified": 0, "rows": []}
    hashes = [hash_pandas_object(table, index=False) for table in (old, new)]

    def places_in(own: Any, others: Any) -> Any:
        counts = own.map(others.value_counts()).fillna(0)
        return np.flatnonzero((own.groupby(own).cumcount() >= counts).to_numpy())

    old_places, new_places = places_in(*hashes), places_in(*reversed(hashes))
    old_rows, new_rows = old.iloc[old_places], new.iloc[new_places]
    if len(old_places) and len(old) == len(new) and np.array_equal(old_places, new_places):
        count, samples = _changed_rows(old_rows, new_rows, old_places + 1)
        return {"added": 0, "deleted": 0, "modified": count, "reordered": False, "rows": samples}
    return {
        "added": len(new_rows),
        "deleted": len(old_rows),
        "modified": 0,
        "reordered": not len(new_rows) and not len(old_rows) and not hashes[0].equals(hashes[1]),
        "rows": _whole_rows(new_rows, "added") + _whole_rows(old_rows, "deleted"),
    }


def _whole_rows(rows: Table, state: str, *, has_key: bool = False) -> list[dict[str, Any]]:
    """Return the first rows of a table as fields of RowChange."""
    side = "from_" if state == "deleted" else "to"
    empty = {"from_": None, "to": None}
    return [
        {
            "state": state,
            "key": _text(key) if has_key else None,
            "values": [
                {**empty, "name": name, side: _text(value)}
                for name, value in zip(rows.columns, values, strict=True)
            ][:MAX_VALUES_A_ROW],
        }
        for key, *values in rows.head(MAX_SAMPLES).itertuples(name=None)
    ]


def _text(value: Any) -> str:
    """Return a value as text; a long one is cut, and a missing one is empty."""
    import pandas as pd

    text = "" if value is None or value is pd.NA or value != value else str(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[:MAX_VALUE_CHARACTERS]}…"


def main() -> int:
    """Print the difference of the tables of the request on stdin."""
    import pandas as pd

    output, sys.stdout = sys.stdout, sys.stderr
    request = json.load(sys.stdin)
    limit_memory()
    tables: list[Table | None] = []
    try:
        for side in ("old", "new"):
            if request[side] is None:
                tables.append(None)
                continue
            table = read_table_file(Path(request[side]), Reading(format=request["format"]))
            is_numbered = table.index.equals(pd.RangeIndex(len(table)))
            if request["format"] == "csv" and not is_numbered:
                # pandas took the first values for names of the rows, and moved the others.
                raise ValueError("its rows have more values than its head has names")
            if list(table.index.names) != [None]:
                table = table.reset_index()
            tables.append(table.set_axis([str(name) for name in table.columns], axis=1))
        fields = difference(*tables)
    except MemoryError:
        print(TOO_MANY_VALUES.en)  # noqa: T201  to stderr
        return 1
    except Exception as error:  # noqa: BLE001  of whichever reader: the file is no table
        print(" ".join(str(error).split())[:MAX_VALUE_CHARACTERS])  # noqa: T201  to stderr
        return 1
    json.dump(fields, output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
