"""Converts plain values to JSON without loss: also tuples, sets, NumPy scalars and dates.

A type that JSON does not have becomes an object with the keys ``$`` (its type) and ``v`` (its
value).
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

TYPE, VALUE = "$", "v"
SCALARS = (
    *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "str_"),
)


def encode(value: Any) -> Any:
    """Return ``value`` in JSON's own types; :class:`TypeError` if it is not plain."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else _tag("float", repr(value))
    if type(value) is list:
        return [encode(part) for part in value]
    if type(value) is dict:
        if all(type(key) is str for key in value) and TYPE not in value:
            return {key: encode(part) for key, part in value.items()}
        return _tag("dict", [[encode(key), encode(part)] for key, part in value.items()])
    if type(value) in (tuple, set, frozenset):
        parts = sorted(value, key=repr) if type(value) is not tuple else value
        return _tag(type(value).__name__, [encode(part) for part in parts])
    if type(value) is range:
        return _tag("range", [value.start, value.stop, value.step])
    if type(value) is complex:
        return _tag("complex", [value.real, value.imag])
    if isinstance(value, Path):
        return _tag("path", str(value))
    for type_, name in ((datetime, "datetime"), (date, "date")):
        if type(value) is type_:
            return _tag(name, value.isoformat())
    if type(value) is timedelta:
        return _tag("timedelta", [value.days, value.seconds, value.microseconds])
    if type(value).__module__ != "numpy" or not hasattr(value, "dtype"):
        raise TypeError(f"{type(value).__name__} is not a plain value")
    if value.dtype.kind not in "biufUS" or type(value).__name__ not in ("ndarray", *SCALARS):
        raise TypeError(f"{value.dtype} is not a plain value")
    if value.dtype.kind == "S":
        raise TypeError("bytes are not a plain value")
    return _tag("numpy", [value.dtype.str, encode(value.tolist()), value.ndim])


def _tag(name: str, value: Any) -> dict[str, Any]:
    return {TYPE: name, VALUE: value}


def decode(value: Any) -> Any:
    """Return the value from which :func:`encode` made this JSON."""
    if isinstance(value, list):
        return [decode(part) for part in value]
    if not isinstance(value, dict):
        return value
    if TYPE not in value:
        return {key: decode(part) for key, part in value.items()}
    name, content = value[TYPE], value[VALUE]
    if name in ("tuple", "set", "frozenset"):
        constructor = {"tuple": tuple, "set": set, "frozenset": frozenset}[name]
        return constructor(decode(part) for part in content)
    if name == "dict":
        return {decode(key): decode(part) for key, part in content}
    if name == "numpy":
        import numpy as np

        dtype, inner, dimensions = content
        array = np.array(decode(inner), dtype=dtype)
        return array if dimensions else array[()]
    simple: dict[str, Any] = {
        "float": float,
        "path": Path,
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
    }
    if name in simple:
        return simple[name](content)
    several: dict[str, Any] = {"range": range, "complex": complex, "timedelta": timedelta}
    return several[name](*content)
