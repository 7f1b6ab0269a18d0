"""What components ask of a table before they work on it."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.artifacts import Table

TARGET = "target"


def target_of(table: Table, named: str | None) -> str:
    """The column to predict: the one that is named, else "target", else the last one."""
    if len(table.columns) == 0:
        raise ValueError("the table has no columns")
    if named is None:
        return TARGET if TARGET in table.columns else str(table.columns[-1])
    if named not in table.columns:
        raise KeyError(f"the table has no column {named!r}; it has {list(table.columns)}")
    return named


def numeric(column: Any) -> bool:
    """Whether a column holds numbers (or true and false)."""
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))
