"""Plain values as JSON that gives them back as they were: tuples, sets, numpy's scalars, dates.

What JSON has no word for is an object with the one key ``$`` for its type and ``v`` for its value.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

TYPE, VALUE = "$", "v"


def encoded(value: Any) -> Any:
    """``value`` in JSON's own types; :class:`TypeError` where it is not plain."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else _tagged("float", repr(value))
    if type(value) is list:
        return [encoded(part) for part in value]
    if type(value) is dict:
        return _mapping(value)
    if type(value) in (tuple, set, frozenset):
        parts = sorted(value, key=repr) if type(value) is not tuple else value
        return _tagged(type(value).__name__, [encoded(part) for part in parts])
    return _other(value)


def _mapping(value: dict[Any, Any]) -> Any:
    if all(type(key) is str for key in value) and TYPE not in value:
        return {key: encoded(part) for key, part in value.items()}
    return _tagged("dict", [[encoded(key), encoded(part)] for key, part in value.items()])


def _other(value: Any) -> Any:
    if type(value) is range:
        return _tagged("range", [value.start, value.stop, value.step])
    if type(value) is complex:
        return _tagged("complex", [value.real, value.imag])
    if isinstance(value, Path):
        return _tagged("path", str(value))
    for type_, name in ((datetime, "datetime"), (date, "date")):
        if type(value) is type_:
            return _tagged(name, value.isoformat())
    if type(value) is timedelta:
        return _tagged("timedelta", [value.days, value.seconds, value.microseconds])
    if type(value).__module__ == "numpy" and hasattr(value, "dtype"):
        return _numpy(value)
    raise TypeError(f"{type(value).__name__} is not a plain value")


def _numpy(value: Any) -> Any:
    if value.dtype.kind not in "biufUS" or type(value).__name__ not in ("ndarray", *SCALARS):
        raise TypeError(f"{value.dtype} is not a plain value")
    if value.dtype.kind == "S":
        raise TypeError("bytes are not a plain value")
    return _tagged("numpy", [value.dtype.str, encoded(value.tolist()), value.ndim])


SCALARS = (
    *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "str_"),
)


def _tagged(name: str, value: Any) -> dict[str, Any]:
    return {TYPE: name, VALUE: value}


def decoded(value: Any) -> Any:
    """Return the value from which :func:`encoded` made this JSON."""
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if TYPE not in value:
        return {key: decoded(part) for key, part in value.items()}
    return _untagged(value[TYPE], value[VALUE])


def _untagged(name: str, value: Any) -> Any:
    if name in ("tuple", "set", "frozenset"):
        constructor = {"tuple": tuple, "set": set, "frozenset": frozenset}[name]
        return constructor(decoded(part) for part in value)
    if name == "dict":
        return {decoded(key): decoded(part) for key, part in value}
    if name == "numpy":
        import numpy as np

        dtype, inner, dimensions = value
        array = np.array(decoded(inner), dtype=dtype)
        return array if dimensions else array[()]
    simple: dict[str, Any] = {
        "float": float,
        "path": Path,
        "datetime": datetime.fromisoformat,
        "date": date.fromisoformat,
    }
    if name in simple:
        return simple[name](value)
    several: dict[str, Any] = {"range": range, "complex": complex, "timedelta": timedelta}
    return several[name](*value)
