"""Statistics of columns of a table in two versions, with the same bins for both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jupyter_mlws.workflows.table_batches import TableFile

BINS = 20
TOP_VALUES = 10
MAX_DISTINCT = 10_000
"""Distinct values that are counted."""
MAX_COLUMNS = 50
"""Columns that are described."""
MAX_LABEL_CHARACTERS = 100


def compare_columns(old: TableFile, new: TableFile, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return fields of ColumnComparison of the first columns."""
    return [{"name": name, **_compare(old, new, name)} for name in names[:MAX_COLUMNS]]


def _compare(old: TableFile, new: TableFile, name: str) -> dict[str, Any]:
    tables = [table if name in table.types else None for table in (old, new)]
    types = [table.types[name] for table in tables if table is not None]
    if all(pa.types.is_integer(one) or pa.types.is_floating(one) for one in types):
        return _compare_numbers(tables, name)
    return _compare_values(tables, name)


def _numbers(table: TableFile, name: str) -> Iterator[tuple[int, Any]]:
    """Yield the numbers of rows and the finite values of batches of a column."""
    for _, batch in table.batches([name]):
        column = batch.column(name)
        values = column.cast(pa.float64(), safe=False).drop_null().to_numpy(zero_copy_only=False)
        finite = np.isfinite(values)
        yield len(column), values if finite.all() else values[finite]


def _compare_numbers(tables: Sequence[TableFile | None], name: str) -> dict[str, Any]:
    sides: list[dict[str, Any] | None] = []
    for table in tables:
        if table is None:
            sides.append(None)
            continue
        rows, count, mean, squares = 0, 0, 0.0, 0.0
        low, high = np.inf, -np.inf
        for length, values in _numbers(table, name):
            rows += length
            if not len(values):
                continue
            low, high = min(low, values.min()), max(high, values.max())
            # Welford's method by batch: the difference of large squares loses digits.
            own = float(values.mean())
            weight = len(values) / (count + len(values))
            squares += float(np.square(values - own).sum())
            squares += (own - mean) ** 2 * count * weight
            mean += (own - mean) * weight
            count += len(values)
        facts: dict[str, Any] = {"count": count, "missing": rows - count}
        if count:
            facts |= {"min": low, "max": high, "mean": mean, "std": (squares / count) ** 0.5}
        sides.append(
            {key: one if isinstance(one, int) else float(one) for key, one in facts.items()}
        )
    ranges = [(one["min"], one["max"]) for one in sides if one is not None and "min" in one]
    if not ranges:
        return {"before": sides[0], "after": sides[1], "bins": []}
    low, high = min(a for a, _ in ranges), max(b for _, b in ranges)
    bins = BINS if high > low else 1
    scale = bins / (high - low) if high > low and np.isfinite(high - low) else 0.0
    counts = np.zeros((2, bins), dtype=np.int64)
    for side, table in enumerate(tables):
        for _, values in _numbers(table, name) if table is not None else ():
            places = np.minimum(((values - low) * scale).astype(np.int64), bins - 1)
            counts[side] += np.bincount(places, minlength=bins)
    edges = np.linspace(low, high, bins + 1)
    return {
        "before": sides[0],
        "after": sides[1],
        "is_histogram": True,
        "bins": [
            {
                "label": f"{edges[n]:.4g} – {edges[n + 1]:.4g}" if bins > 1 else f"{low:.6g}",
                "before": int(counts[0, n]) if tables[0] is not None else None,
                "after": int(counts[1, n]) if tables[1] is not None else None,
            }
            for n in range(bins)
        ],
    }


def _compare_values(tables: Sequence[TableFile | None], name: str) -> dict[str, Any]:
    sides: list[dict[str, Any] | None] = []
    counts: list[Counter[str] | None] = []
    for table in tables:
        if table is None:
            sides.append(None)
            counts.append(Counter())
            continue
        tally: Counter[str] | None = Counter()
        count = missing = 0
        is_nested = pa.types.is_nested(table.types[name])
        for _, batch in table.batches([name]):
            column = batch.column(name)
            is_missing = column.null_count
            if pa.types.is_string(column.type):
                is_missing += pc.sum(pc.equal(column, "")).as_py() or 0
            missing += is_missing
            count += len(column) - is_missing
            if tally is not None and not is_nested:
                # A sample tells columns with too many values without a table of them.
                if len(column) > MAX_DISTINCT and not tally:
                    few = pc.count_distinct(column.slice(0, 2 * MAX_DISTINCT)).as_py()
                    if few > MAX_DISTINCT:
                        tally = None
                        continue
                for pair in column.drop_null().value_counts().to_pylist():
                    tally[str(pair["values"])[:MAX_LABEL_CHARACTERS]] += pair["counts"]
                if len(tally) > MAX_DISTINCT:
                    tally = None
        if tally is not None:
            tally.pop("", None)
        is_counted = tally is not None and not is_nested
        distinct = len(tally) if tally is not None and is_counted else None
        sides.append({"count": count, "missing": missing, "distinct": distinct})
        counts.append(tally if is_counted else None)
    old, new = counts
    if old is None or new is None:
        return {"before": sides[0], "after": sides[1], "bins": []}
    top = [value for value, _ in (old + new).most_common(TOP_VALUES)]
    return {
        "before": sides[0],
        "after": sides[1],
        "bins": [
            {
                "label": value,
                "before": old[value] if tables[0] is not None else None,
                "after": new[value] if tables[1] is not None else None,
            }
            for value in top
        ],
    }
