"""Checks of the columns of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.kinds import columns_with_role

TARGET = "target"


def target_of(table: Table, column: str | None) -> str:
    """Return the column to predict.

    ``column`` if given, else the one with the role of the target, else “target”, else the last one.
    """
    if len(table.columns) == 0:
        raise ValueError("the table has no columns")
    if column is None:
        names = columns_with_role(table, "target")
        default = TARGET if TARGET in table.columns else str(table.columns[-1])
        return names[0] if names else default
    if column not in table.columns:
        raise KeyError(f"the table has no column {column!r}; it has {list(table.columns)}")
    return column


def numeric(column: Any) -> bool:
    """Return whether a column holds numbers (or true and false)."""
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))


def has_lists(column: Any) -> bool:
    """Return whether values of a column cannot be counted or compared, as lists and dicts."""
    return column.dtype == "object" and any(
        type(value).__hash__ is None for value in column.dropna()
    )


def without_repetitions(table: Table) -> Table:
    """Return the rows that do not equal an earlier one."""
    texts = {name: table[name].map(repr) for name in table.columns if has_lists(table[name])}
    rows: Table = table[~table.assign(**texts).duplicated()]
    return rows


def check_columns(table: Table, names: Iterable[str], what: str = "the table") -> None:
    """Raise KeyError, with the columns that there are, if the table lacks one of ``names``."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise KeyError(f"{what} has no columns {missing}; it has {list(table.columns)}")
