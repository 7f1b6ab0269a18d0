"""Rows of a table in an order, found in slices: the kernel is free between two of them."""

from __future__ import annotations

import json
import random
from bisect import bisect_left
from collections.abc import Generator, Sequence
from typing import Any

from .columns import Column, UnavailableError, numpy_module
from .tables import Table

SLICE_ROWS = 20_000
SAMPLE_ROWS = 4096
"""Values of which the limits of the buckets are chosen."""
BUCKET_ROWS = 40_000
TEXT_BUCKET_ROWS = 6000
MAX_BUCKETS = 1000
COMPARISONS = {
    "equal": "__eq__",
    "not_equal": "__ne__",
    "less": "__lt__",
    "less_equal": "__le__",
    "greater": "__gt__",
    "greater_equal": "__ge__",
}
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
Steps = Generator[None, None, Any]


def order(table: Table, sort: str | None, is_descending: bool, filters: Sequence[Any]) -> Steps:
    """Find the numbers of the rows that match, sorted; None for all as they are."""
    rows = None
    if filters:
        rows = yield from filter_rows(table, filters)
    if sort is not None:
        column = table.column(sort)
        rows = yield from sort_rows(table.row_count, column.ranks or column, rows, is_descending)
    return rows


def filter_rows(table: Table, filters: Sequence[Any]) -> Steps:
    numpy = numpy_module()
    conditions = [(table.column(one["column"]), one) for one in filters]
    parts = [numpy.array([], dtype="uint32")]
    for start in range(0, table.row_count, SLICE_ROWS):
        stop = min(start + SLICE_ROWS, table.row_count)
        mask = numpy.ones(stop - start, dtype=bool)
        for column, one in conditions:
            mask &= matches(column, column.part(start, stop), one["operator"], one["value"])
        parts.append((numpy.flatnonzero(mask) + start).astype("uint32"))
        yield
    return numpy.concatenate(parts)


def matches(column: Column, values: Any, operator: str, value: str) -> Any:
    """Return a mask of the values that meet a condition."""
    numpy = numpy_module()
    keys, missing = column.keys(values)
    is_text = isinstance(keys, list)
    if operator == "empty":
        return missing | numpy.array([key == "" for key in keys]) if is_text else missing
    if operator == "contains":
        # As the view shows them.
        texts = keys if is_text else [json.dumps(one) for one in column.cells(keys)]
        part = value.lower()
        mask = numpy.array([one is not None and part in one.lower() for one in texts], dtype=bool)
        return mask & ~missing
    if is_text:
        compare = getattr(value, _MIRRORED[operator])
        mask = numpy.array([one is not None and compare(one) for one in keys], dtype=bool)
    else:
        mask = getattr(keys, COMPARISONS[operator])(typed_value(value, keys.dtype))
    return mask & ~missing


_MIRRORED = {
    **COMPARISONS,
    "less": "__gt__",
    "less_equal": "__ge__",
    "greater": "__lt__",
    "greater_equal": "__le__",
}
"""Comparisons of the text of a condition with a value."""


def typed_value(text: str, dtype: Any) -> Any:
    """Return the text of a condition as a value of the column's type."""
    numpy = numpy_module()
    try:
        if dtype.kind == "M":
            return numpy.datetime64(text)
        if dtype.kind == "b":
            return {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}[text.lower()]
        if dtype.kind in "iu" and text.lstrip("+-").isdigit():
            return int(text)
        if dtype.kind == "m":
            count, unit = text.split()
            return numpy.timedelta64(int(count), unit)
        return float(text)
    except (KeyError, TypeError, ValueError) as error:
        raise UnavailableError("value", value=text, type=str(dtype)) from error


def sort_rows(row_count: int, column: Column, rows: Any, is_descending: bool) -> Steps:
    """Sort by bucket: by limits from a sample, rows between two limits are sorted by themselves.

    Rows equal to a limit have a bucket of their own, so that a value of most rows is in none that
    must be sorted. Missing values are last.
    """
    numpy = numpy_module()
    count = row_count if rows is None else len(rows)
    if count == 0:
        return numpy.array([], dtype="uint32")
    choice = random.Random(0)  # noqa: S311  a sample
    sample = sorted(choice.randrange(count) for _ in range(min(count, SAMPLE_ROWS)))
    numbers = numpy.array(sample) if rows is None else rows[sample]
    keys, missing = column.keys(column.take(numbers))
    bucket_rows = TEXT_BUCKET_ROWS if isinstance(keys, list) else BUCKET_ROWS
    limits = bucket_limits(keys, missing, min(MAX_BUCKETS, 1 + count // bucket_rows))
    last = 2 * len(limits) + 1
    slices: list[tuple[Any, Any]] = []
    totals = numpy.zeros(last + 1, dtype="int64")
    for start in range(0, count, SLICE_ROWS):
        stop = min(start + SLICE_ROWS, count)
        values = column.part(start, stop) if rows is None else column.take(rows[start:stop])
        keys, missing = column.keys(values)
        buckets = numpy.where(missing, last, buckets_of(keys, limits)).astype("uint16")
        counts = numpy.bincount(buckets, minlength=last + 1)
        slices.append((numpy.argsort(buckets, kind="stable").astype("uint16"), counts))
        totals += counts
        yield
    ends = numpy.cumsum(totals)
    places, result = ends - totals, numpy.empty(count, dtype="uint32")
    for number, (positions, counts) in enumerate(slices):
        start = number * SLICE_ROWS
        within = numpy.arange(len(positions)) - numpy.repeat(numpy.cumsum(counts) - counts, counts)
        numbers = positions.astype("uint32") + start
        row_numbers = numbers if rows is None else rows[numbers]
        result[numpy.repeat(places, counts) + within] = row_numbers
        places = places + counts
        yield
    for bucket in range(0, last, 2):
        part = result[ends[bucket] - totals[bucket] : ends[bucket]]
        if len(part) > 1:
            keys, _ = column.keys(column.take(part))
            is_text = isinstance(keys, list)
            part[:] = part[
                sorted(range(len(keys)), key=keys.__getitem__)
                if is_text
                else numpy.argsort(keys, kind="stable")
            ]
            yield
    if is_descending:
        present_count = count - totals[last]
        result[:present_count] = result[:present_count][::-1]
    return result


def bucket_limits(keys: Any, missing: Any, count: int) -> Any:
    """Return values that split a sample into parts of about the same size."""
    numpy = numpy_module()
    if isinstance(keys, list):
        keys = sorted(key for key in keys if key is not None)
        return sorted(set(keys[:: max(1, len(keys) // count)]))
    keys = numpy.sort(keys[~missing])
    return numpy.unique(keys[:: max(1, len(keys) // count)])


def buckets_of(keys: Any, limits: Any) -> Any:
    """Return the buckets of values: even between two limits, odd for those equal to one."""
    numpy = numpy_module()
    if isinstance(keys, list):
        # Texts are often a few, and are compared slowly.
        bucket_by_key = {key: _bucket(key, limits) for key in set(keys) if key is not None}
        return numpy.array([bucket_by_key.get(key, 0) for key in keys])
    if len(limits) == 0:
        return numpy.zeros(len(keys), dtype="int64")
    left = numpy.searchsorted(limits, keys)
    return 2 * left + (limits[numpy.minimum(left, len(limits) - 1)] == keys)


def _bucket(key: str, limits: list[str]) -> int:
    left = bisect_left(limits, key)
    return 2 * left + (left < len(limits) and limits[left] == key)
