"""The variables of a kernel, each in a line."""

from __future__ import annotations

import sys
import time
import types
from itertools import islice
from typing import Any

from .tables import is_table, plain
from .trees import is_tree
from .values import (
    COLLECTIONS,
    MAX_ITEMS,
    SCALARS,
    TEXTS,
    cut,
    label,
    library_of,
    preview,
    type_name,
)

TIME_LIMIT = 0.04
"""Seconds of computing after which the remaining variables get their name and type only."""
MAX_VARIABLES = 500
ARRAYS = ("numpy", "torch", "scipy", "jax", "cupy")
FRAMES = ("pandas", "polars", "pyarrow")
HIDDEN_TYPES = (
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    type,
)


def list_variables(shell: Any) -> dict[str, Any]:
    """Return the variables of an IPython shell."""
    started = time.thread_time()
    hidden = shell.user_ns_hidden
    names = [
        name
        for name, value in list(shell.user_ns.items())
        if type(name) is str
        and not name.startswith("_")
        and not (name in hidden and hidden[name] is value)
        and not issubclass(type(value), HIDDEN_TYPES)
    ]
    items = []
    for name in names[:MAX_VARIABLES]:
        is_late = time.thread_time() - started >= TIME_LIMIT
        items.append(describe(name, shell.user_ns.get(name), is_brief=is_late))
    return {"items": items, "total": len(names)}


def describe(name: str, value: Any, *, is_brief: bool = False) -> dict[str, Any]:
    """Return what is shown of a value in a line; if ``is_brief``, without what takes time."""
    view = "table" if is_table(value) else "tree" if is_tree(value) else None
    item = {"name": name, "type": type(value).__name__, "view": view}
    item.update(shape=None, memory=None, preview="")
    if not is_brief:
        try:
            item.update(_facts(plain(value)))
        except Exception as error:  # noqa: BLE001  a library may refuse, e.g. for a closed file
            item["preview"] = type(error).__name__
    return item


def _facts(value: Any) -> dict[str, Any]:
    kind, library = type(value), library_of(value)
    if kind in SCALARS or kind in TEXTS or kind in COLLECTIONS or kind is range:
        shape = [len(value)] if kind in TEXTS + COLLECTIONS or kind is range else None
        return {"shape": shape, "memory": sys.getsizeof(value), "preview": preview(value)}
    if library in FRAMES:
        return _frame_facts(value, library)
    if library in ARRAYS and hasattr(value, "shape") and hasattr(value, "dtype"):
        memory = getattr(value, "nbytes", None)
        if memory is None and hasattr(value, "element_size"):
            memory = value.element_size() * value.nelement()
        return {
            "shape": [int(size) for size in value.shape],
            "memory": None if memory is None else int(memory),
            "preview": type_name(value.dtype),
        }
    return {}


def _frame_facts(value: Any, library: str) -> dict[str, Any]:
    shape = getattr(value, "shape", None)
    facts: dict[str, Any] = {}
    if isinstance(shape, tuple):
        facts["shape"] = [int(size) for size in shape]
    if library == "pandas" and hasattr(value, "memory_usage"):
        arrays = value._mgr.arrays if hasattr(value, "_mgr") else [value.array]
        if all(library_of(array) in ("numpy", "pandas") for array in arrays):
            memory = value.memory_usage(deep=False)
            facts["memory"] = int(memory.sum() if hasattr(memory, "sum") else memory)
    elif library == "polars" and hasattr(value, "estimated_size"):
        facts["memory"] = int(value.estimated_size())
    elif library == "pyarrow" and hasattr(value, "nbytes"):
        facts["memory"] = int(value.nbytes)
    columns = getattr(value, "column_names", None) if library == "pyarrow" else None
    columns = getattr(value, "columns", None) if columns is None else columns
    if columns is not None:
        names = [label(name) for name in islice(plain(columns), MAX_ITEMS * 3)]
        facts["preview"] = cut(", ".join(names))
    elif hasattr(value, "dtype"):
        facts["preview"] = type_name(value.dtype)
    return facts
