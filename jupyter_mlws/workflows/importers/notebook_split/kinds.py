"""Kinds of values, and the file formats in which they are passed from node to node."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Kind(StrEnum):
    """Kind of a value; one without an entry in ``EXTENSIONS`` stays in the node that makes it."""

    SCALAR = "scalar"
    PLAIN = "plain"
    TABLE = "table"
    SERIES = "series"
    FRAME = "frame"
    ARRAY = "array"
    MODEL = "model"
    BUNCH = "bunch"
    CODE = "code"
    OPAQUE = "opaque"


EXTENSIONS = {
    Kind.SCALAR: ".json",
    Kind.PLAIN: ".json",
    Kind.TABLE: ".parquet",
    Kind.SERIES: ".parquet",
    Kind.FRAME: ".parquet",
    Kind.ARRAY: ".npy",
    Kind.MODEL: ".skops",
}
PANDAS = frozenset((Kind.TABLE, Kind.SERIES, Kind.FRAME))
SIMPLE = frozenset((Kind.SCALAR, Kind.PLAIN))
Result = Kind | tuple[Kind, ...]
"""The kind of an expression, or those of the parts of a tuple."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def join(kinds: Sequence[Result]) -> Result:
    """Return the kind that all of ``kinds`` have in common."""
    unique_kinds = set(kinds)
    if len(unique_kinds) == 1:
        return next(iter(unique_kinds))
    if unique_kinds <= SIMPLE:
        return Kind.PLAIN
    if unique_kinds <= PANDAS:
        return Kind.FRAME
    return Kind.OPAQUE


def one(result: Result) -> Kind:
    """Return one kind for a whole; a tuple of scalars is a scalar, others are plain or opaque."""
    if isinstance(result, Kind):
        return result
    if all(part is Kind.SCALAR for part in result):
        return Kind.SCALAR
    return Kind.PLAIN if set(result) <= {*SIMPLE, Kind.ARRAY} else Kind.OPAQUE


def combine_kinds(parts: Sequence[Kind]) -> Kind:
    for kind in (Kind.OPAQUE, Kind.MODEL, Kind.BUNCH, Kind.CODE):
        if kind in parts:
            return Kind.OPAQUE
    for kind in (Kind.FRAME, Kind.TABLE, Kind.SERIES, Kind.ARRAY, Kind.PLAIN):
        if kind in parts:
            return kind
    return Kind.SCALAR
