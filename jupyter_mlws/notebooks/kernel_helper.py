"""Describes the variables of a kernel. Its text is executed in the kernel, in a module of its own.

It imports no library, changes no variable, and calls no method of a class that is not Python's or a
well-known library's: the representation of a user's object may take minutes or print.
"""

from __future__ import annotations

import json
import sys
import time
import types
from typing import Any

TIME_LIMIT = 0.04
"""Seconds after which the remaining variables get their name and type only."""
MAX_VARIABLES = 500
MAX_PREVIEW = 120
"""Characters."""
MAX_ITEMS = 4
MAX_DEPTH = 2
SCALARS = (bool, int, float, complex, type(None))
TEXTS = (str, bytes, bytearray)
COLLECTIONS = (list, tuple, set, frozenset, dict)
ARRAYS = ("numpy", "torch", "scipy", "jax", "cupy")
FRAMES = ("pandas", "polars", "pyarrow")
HIDDEN_TYPES = (
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    type,
)


def variables(shell: Any) -> str:
    """Return the variables of an IPython shell as JSON."""
    started = time.perf_counter()
    hidden = shell.user_ns_hidden
    names = [
        name
        for name, value in list(shell.user_ns.items())
        if isinstance(name, str)
        and not name.startswith("_")
        and not (name in hidden and hidden[name] is value)
        and not isinstance(value, HIDDEN_TYPES)
    ]
    items = []
    for name in names[:MAX_VARIABLES]:
        value = shell.user_ns.get(name)
        item: dict[str, Any] = {"name": name, "type": type(value).__name__}
        item.update(shape=None, memory=None, preview="")
        if time.perf_counter() - started < TIME_LIMIT:
            try:
                item.update(_describe(value))
            except Exception as error:  # noqa: BLE001  a library may refuse, e.g. for a closed file
                item["preview"] = type(error).__name__
        items.append(item)
    return json.dumps({"items": items, "total": len(names)})


def _describe(value: Any) -> dict[str, Any]:
    kind, library = type(value), (type(value).__module__ or "").partition(".")[0]
    if kind in SCALARS or kind in TEXTS or kind in COLLECTIONS or kind is range:
        shape = [len(value)] if kind in TEXTS + COLLECTIONS or kind is range else None
        return {"shape": shape, "memory": sys.getsizeof(value), "preview": _preview(value)}
    if library in FRAMES:
        return _describe_frame(value, library)
    if library in ARRAYS and hasattr(value, "shape") and hasattr(value, "dtype"):
        memory = getattr(value, "nbytes", None)
        if memory is None and hasattr(value, "element_size"):
            memory = value.element_size() * value.nelement()
        return {
            "shape": [int(size) for size in value.shape],
            "memory": None if memory is None else int(memory),
            "preview": str(value.dtype),
        }
    return {}


def _describe_frame(value: Any, library: str) -> dict[str, Any]:
    shape = getattr(value, "shape", None)
    facts: dict[str, Any] = {}
    if isinstance(shape, tuple):
        facts["shape"] = [int(size) for size in shape]
    if library == "pandas" and hasattr(value, "memory_usage"):
        memory = value.memory_usage(deep=False)
        facts["memory"] = int(memory.sum() if hasattr(memory, "sum") else memory)
    elif library == "polars" and hasattr(value, "estimated_size"):
        facts["memory"] = int(value.estimated_size())
    elif library == "pyarrow" and hasattr(value, "nbytes"):
        facts["memory"] = int(value.nbytes)
    columns = getattr(value, "column_names", None) if library == "pyarrow" else None
    columns = getattr(value, "columns", None) if columns is None else columns
    if columns is not None:
        names = [str(name) for name in columns[: MAX_ITEMS * 3]]
        facts["preview"] = _cut(", ".join(names))
    elif hasattr(value, "dtype"):
        facts["preview"] = str(value.dtype)
    return facts


def _preview(value: Any, depth: int = 0) -> str:
    kind = type(value)
    if kind in SCALARS or kind is range:
        return _cut(repr(value) if kind is not int or value.bit_length() < 1000 else "int")
    if kind in TEXTS:
        return _cut(repr(value[:MAX_PREVIEW]))
    if kind not in COLLECTIONS or depth > MAX_DEPTH:
        return "<" + kind.__name__ + ">"
    parts: list[str] = []
    for item in value:
        if len(parts) == MAX_ITEMS:
            parts.append("…")
            break
        text = _preview(item, depth + 1)
        parts.append(text + ": " + _preview(value[item], depth + 1) if kind is dict else text)
    left, right = "[]" if kind is list else "()" if kind is tuple else "{}"
    return _cut(left + ", ".join(parts) + right)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_PREVIEW else text[: MAX_PREVIEW - 1] + "…"
