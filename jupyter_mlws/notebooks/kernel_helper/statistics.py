"""The distribution of a column, found in slices: the kernel is free between two of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .columns import numpy_module
from .orders import SLICE_ROWS, Steps
from .tables import Table
from .values import cell

MAX_DISTINCT = 10_000
"""Distinct values that are counted."""
BINS = 20
TOP_VALUES = 10


def statistics(table: Table, name: str) -> Steps:
    """Find the range, moments and histogram of numbers, else the most frequent values."""
    column = table.column(name)
    keys, _ = column.keys(column.part(0, min(table.row_count, SLICE_ROWS)))
    is_number = not isinstance(keys, list) and keys.dtype.kind in "iuf"
    summary = yield from (number_statistics if is_number else value_statistics)(table, column)
    return {"column": name, "dtype": column.dtype, **summary}


def number_statistics(table: Table, column: Any) -> Steps:
    numpy = numpy_module()
    count, low, high, total, squares = 0, numpy.inf, -numpy.inf, 0.0, 0.0
    starts = range(0, table.row_count, SLICE_ROWS)

    def numbers(start: int) -> Any:
        stop = min(start + SLICE_ROWS, table.row_count)
        values = column.keys(column.part(start, stop))[0].astype(float)
        return values[numpy.isfinite(values)]

    for start in starts:
        values = numbers(start)
        count += len(values)
        if len(values):
            low, high = min(low, values.min()), max(high, values.max())
            total += float(values.sum())
        yield
    nulls = table.row_count - count
    if count == 0:
        return {"count": 0, "nulls": nulls}
    mean = total / count
    edges = numpy.linspace(low, high, BINS + 1) if high > low else numpy.array([low, high])
    bins = numpy.zeros(len(edges) - 1, dtype="int64")
    for start in starts:
        values = numbers(start)
        bins += numpy.histogram(values, bins=len(bins), range=(low, high))[0]
        # Of deviations: the difference of large squares would lose the digits of a small one.
        squares += float(numpy.square(values - mean).sum())
        yield
    return {
        "count": count,
        "nulls": nulls,
        "min": cell(float(low)),
        "max": cell(float(high)),
        "mean": cell(mean),
        "std": cell((squares / count) ** 0.5),
        "bins": [
            {"label": f"{edges[i]:.4g} – {edges[i + 1]:.4g}", "count": int(bins[i])}
            for i in range(len(bins))
        ],
    }


def value_statistics(table: Table, column: Any) -> Steps:
    counts: Counter[str] = Counter()
    nulls, is_complete = 0, True
    for start in range(0, table.row_count, SLICE_ROWS):
        stop = min(start + SLICE_ROWS, table.row_count)
        values = column.part(start, stop)
        keys, missing = column.keys(values)
        nulls += int(missing.sum())
        if is_complete:
            texts = keys if isinstance(keys, list) else map(str, column.cells(keys))
            counts.update(one for one, no in zip(texts, missing) if not no)  # noqa: B905
            is_complete = len(counts) <= MAX_DISTINCT
        yield
    return {
        "count": table.row_count - nulls,
        "nulls": nulls,
        "distinct": len(counts) if is_complete else None,
        "bins": [{"label": one, "count": n} for one, n in counts.most_common(TOP_VALUES)]
        if is_complete
        else [],
    }
