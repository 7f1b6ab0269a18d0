"""Columns of tables: their values by range and by row numbers, for reading and for comparing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .values import cell, library_of

SAMPLE_ROWS = 1000
"""Values that tell whether a column of objects is one of numbers."""
NUMBERS = (bool, int, float)


class UnavailableError(Exception):
    """Something that the helper does not do; the server has a text for the reason and its facts."""

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


def numpy_module() -> Any:
    """Return NumPy if the kernel has loaded it; the helper itself imports nothing."""
    module = sys.modules.get("numpy")
    if module is None:
        raise UnavailableError("numpy")
    return module


@dataclass
class Column:
    """A column; ``part`` and ``take`` return a NumPy array, or a list of objects.

    ``ranks`` is the column to sort by, if that is another one.
    """

    name: str
    dtype: str
    part: Callable[[int, int], Any]
    take: Callable[[Any], Any]
    ranks: Column | None = None
    is_number: bool | None = None

    def keys(self, values: Any) -> tuple[Any, Any]:
        """Return what values are compared by, and a mask of those that are missing."""
        numpy = numpy_module()
        if not isinstance(values, list):
            if values.dtype.kind in "mM":
                return values, numpy.isnat(values)
            if values.dtype.kind in "biuf":
                return values, values != values
            values = values.tolist()
        if self.is_number is None:
            sample = self.part(0, SAMPLE_ROWS)
            kinds = {type(value) for value in sample if cell(value) is not None}
            self.is_number = bool(kinds) and all(
                kind in NUMBERS or issubclass(kind, (numpy.integer, numpy.floating, numpy.bool_))
                for kind in kinds
            )
        if self.is_number:
            numbers = numpy.array([_number(value) for value in values], dtype=float)
            return numbers, numpy.isnan(numbers)
        texts = [value if type(value) is str else text(cell(value)) for value in values]
        return texts, numpy.array([value is None for value in texts], dtype=bool)

    def cells(self, values: Any) -> list[Any]:
        """Return values as JSON."""
        if isinstance(values, list):
            return [cell(value) for value in values]
        kind, numpy = values.dtype.kind, numpy_module()
        if kind == "M":
            texts = numpy.datetime_as_string(values, unit="auto").tolist()
            return [None if t == "NaT" else t.replace("T", " ") for t in texts]
        if kind == "m" or (kind == "f" and values.dtype.itemsize < 8):
            # A short float has digits of its own, as 0.1 is 0.10000000149 as a long one.
            texts = values.astype(str).tolist()
            if kind == "f":
                return [cell(float(t)) for t in texts]
            return [None if t == "NaT" else t for t in texts]
        return [cell(value) for value in values.tolist()]


def text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float:
    kind, numpy = type(value), numpy_module()
    is_number = kind in NUMBERS or issubclass(kind, (numpy.number, numpy.bool_))
    return float(value) if is_number else float("nan")


def _values(array: Any) -> Any:
    """Return an array of pandas as one of NumPy, or as a list of objects."""
    values = numpy_module().asarray(array)
    return values if values.dtype.kind in "biufmM" else values.tolist()


def level_column(name: str, level: Any, codes: Any) -> Column:
    """A level of an index of pandas with several."""
    return Column(
        name,
        str(level.dtype),
        lambda a, b: _values(level.array.take(codes[a:b], allow_fill=True)),
        lambda rows: _values(level.array.take(codes[rows], allow_fill=True)),
    )


def array_column(name: str, array: Any) -> Column:
    """A column of a one-dimensional NumPy array."""
    return Column(name, str(array.dtype), lambda a, b: array[a:b], lambda rows: array[rows])


def range_column(name: str, dtype: str, start: int, step: int) -> Column:
    """A column of numbers that are not in memory."""
    return Column(
        name,
        dtype,
        lambda a, b: numpy_module().arange(start + a * step, start + b * step, step),
        lambda rows: start + numpy_module().asarray(rows, dtype="int64") * step,
    )


def pandas_column(name: str, array: Any) -> Column:
    """A column of an array of pandas."""
    numpy, kind = numpy_module(), type(array).__name__
    if type(array) is numpy.ndarray:
        return array_column(name, array)
    if library_of(array) != "pandas":
        # The class of a library that is not known here: its methods are not called.
        return Column(
            name,
            type(array).__name__,
            lambda a, b: [f"<{kind}>"] * (b - a),
            lambda rows: [f"<{kind}>"] * len(rows),
        )
    dtype = array.dtype
    if kind in ("NumpyExtensionArray", "PandasArray"):
        return array_column(name, array.to_numpy())
    if kind == "Categorical":
        # In the order of the categories; the missing value has the code -1.
        def ranks(part: Any) -> Any:
            return numpy.where(part < 0, numpy.nan, part)

        codes = array.codes
        return Column(
            name,
            "category",
            lambda a, b: _values(array[a:b]),
            lambda rows: _values(array[rows]),
            Column(name, "", lambda a, b: ranks(codes[a:b]), lambda rows: ranks(codes[rows])),
        )

    def values_of(part: Any) -> Any:
        if kind == "DatetimeArray":
            return numpy.asarray(part.tz_localize(None) if part.tz is not None else part)
        if kind == "TimedeltaArray":
            return _values(part)
        return part.astype(object).tolist()

    return Column(
        name,
        str(dtype),
        lambda a, b: values_of(array[a:b]),
        lambda rows: values_of(array.take(numpy.asarray(rows, dtype="int64"))),
    )


def polars_column(name: str, series: Any) -> Column:
    """A column of a Polars frame."""
    dtype = series.dtype

    def values_of(part: Any) -> Any:
        if dtype.is_numeric() and "numpy" in sys.modules and not dtype.is_decimal():
            return part.to_numpy()
        return part.to_list()

    return Column(
        name,
        str(dtype),
        lambda a, b: values_of(series.slice(a, b - a)),
        lambda rows: values_of(series.gather(rows)),
    )


def arrow_column(name: str, chunks: Any) -> Column:
    """A column of a table of PyArrow."""
    arrow = sys.modules["pyarrow"]
    dtype = chunks.type
    is_extension = isinstance(dtype, arrow.BaseExtensionType)

    def values_of(part: Any) -> Any:
        if is_extension:
            return [f"<{dtype}>"] * len(part)
        if (
            arrow.types.is_integer(dtype) or arrow.types.is_floating(dtype)
        ) and "numpy" in sys.modules:
            return part.to_numpy()
        return part.to_pylist()

    return Column(
        name,
        str(dtype),
        lambda a, b: values_of(chunks.slice(a, b - a)),
        lambda rows: values_of(chunks.take(arrow.array(rows))),
    )
