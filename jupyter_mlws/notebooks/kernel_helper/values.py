"""Texts of values, none of which calls a method of a user's class."""

from __future__ import annotations

import datetime
import decimal
import math
import sys
from collections.abc import Sequence
from typing import Any

MAX_PREVIEW = 120
"""Characters."""
MAX_CELL = 1000
"""Characters."""
MAX_ITEMS = 4
MAX_DEPTH = 2
MAX_SAFE_INTEGER = 2**53
"""Larger numbers are rounded by JavaScript."""
SCALARS = (bool, int, float, complex, type(None))
TEXTS = (str, bytes, bytearray)
COLLECTIONS = (list, tuple, set, frozenset, dict)
TIMES = (datetime.date, datetime.datetime, datetime.time, datetime.timedelta, decimal.Decimal)
DTYPE_LIBRARIES = ("numpy", "pandas", "torch", "jax", "polars", "pyarrow", "ml_dtypes")
PANDAS_SCALARS = ("Timestamp", "Timedelta", "Period", "Interval", "NaTType", "NAType")


def library_of(value: Any) -> str:
    """Return the top-level package that defines the class of a value."""
    return str(type(value).__module__ or "").partition(".")[0]


def preview(value: Any, depth: int = 0) -> str:
    """Return a short text of a value."""
    kind = type(value)
    if kind in SCALARS or kind is range:
        return cut(repr(value) if kind is not int or value.bit_length() < 1000 else "int")
    if kind in TEXTS:
        return cut(repr(value[:MAX_PREVIEW]))
    if kind in TIMES:
        return cut(str(value))
    if kind not in COLLECTIONS or depth > MAX_DEPTH:
        return "<" + kind.__name__ + ">"
    parts: list[str] = []
    # A dictionary is not asked for a key, which would compute the hash of that.
    for item in value.items() if kind is dict else value:
        if len(parts) == MAX_ITEMS:
            parts.append("…")
            break
        texts = [preview(part, depth + 1) for part in (item if kind is dict else (item,))]
        parts.append(": ".join(texts))
    left, right = "[]" if kind is list else "()" if kind is tuple else "{}"
    return cut(left + ", ".join(parts) + right)


def label(value: Any, default: str = "") -> str:
    """Return the text of a label of a column or an index."""
    if value is None:
        return default
    if type(value) is tuple:
        return cut(" / ".join(label(part) for part in value))
    if type(value) is str or type(value) in (*SCALARS, *TIMES):
        return cut(str(value))
    return preview(value)


def type_name(dtype: Any) -> str:
    """Return the name of a type of data; of a class of the user's, the name of that."""
    is_known = library_of(dtype) in DTYPE_LIBRARIES
    return str(dtype) if is_known else type(dtype).__name__


def cut(text: str, limit: int = MAX_PREVIEW) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def cell(value: Any) -> Any:
    """Return a value of a table as JSON; null for what is missing."""
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if kind is int:
        return value if abs(value) < MAX_SAFE_INTEGER else preview(value)
    if kind is str:
        return cut(value, MAX_CELL)
    if value is None or kind is bool:
        return value
    library, numpy = library_of(value), sys.modules.get("numpy")
    if library == "numpy" and numpy and issubclass(kind, numpy.generic):
        if value.dtype.kind in "biufU":
            # A long double has itself as item.
            return cell(float(value) if value.dtype.kind == "f" else value.item())
    elif not (library == "pandas" and kind.__name__ in PANDAS_SCALARS):
        return preview(value)
    text = str(value)
    return None if text in ("NaT", "<NA>") else cut(text, MAX_CELL)


def is_class_of(value: Any, library: str, names: Sequence[str], *, is_exact: bool = False) -> bool:
    """Return True if a value is of a class of a library that the kernel has loaded."""
    module, kind = sys.modules.get(library), type(value)
    classes = [one for one in (getattr(module, name, None) for name in names) if one is not None]
    return any(kind is one or (not is_exact and issubclass(kind, one)) for one in classes)
