"""Values that are shown as trees: dictionaries, lists, and the models of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from .columns import UnavailableError
from .values import library_of, preview

TREES = (dict, list, tuple, set, frozenset)


def is_tree(value: Any) -> bool:
    return type(value) in TREES or _is_bunch(value) or _is_model(value)


def children(value: Any) -> Iterator[tuple[str, Any]]:
    """Return the items of a value, each with its key as text."""
    if type(value) is dict or _is_bunch(value):
        return ((preview(key), item) for key, item in dict.items(value))
    if type(value) in TREES:
        return ((str(number), item) for number, item in enumerate(value))
    if not _is_model(value):
        raise UnavailableError("items", type=type(value).__name__)
    return iter(_attributes(value).items())


def child_count(value: Any) -> int:
    return len(_attributes(value)) if _is_model(value) else len(value)


def _is_bunch(value: Any) -> bool:
    """Return True for a data set of scikit-learn, which is a dictionary."""
    return library_of(value) == "sklearn" and issubclass(type(value), dict)


def _is_model(value: Any) -> bool:
    kind = type(value)
    has_attributes = bool(kind.__dictoffset__)
    return library_of(value) == "sklearn" and has_attributes and not issubclass(kind, (dict, type))


def descend(value: Any, path: list[int]) -> Any:
    """Return the item at a path of positions."""
    for position in path:
        for _, item in islice(children(value), position, position + 1):
            value = item
            break
        else:
            raise UnavailableError("position", position=position)
    return value


def role(value: Any, name: str) -> str | None:
    """Return what an attribute of a model is: a parameter, or an attribute of the fitted model."""
    if not _is_model(value):
        return None
    return "fitted" if name.endswith("_") else "parameter"


def _attributes(model: Any) -> dict[str, Any]:
    """Return parameters and fitted attributes; properties are not read: they are code."""
    attributes = object.__getattribute__(model, "__dict__")
    return {
        name: item
        for is_fitted in (False, True)
        for name, item in attributes.items()
        if not name.startswith("_") and name.endswith("_") is is_fitted
    }
