"""Columns of a pandas table, as validation knows them."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.columns import Column, ColumnType, Schema
from jupyter_mlws.components.failures import LARGEST
from jupyter_mlws.components.kinds import chosen_columns, kinds_of

EXAMPLES = 3
MAX_EXAMPLE_LENGTH = 40


def table_schema(table: Any) -> Schema:
    """Return the columns of a pandas table, with the types that its Parquet file has."""
    import pyarrow as pa

    checks: dict[ColumnType, Any] = {
        "boolean": pa.types.is_boolean,
        "integer": pa.types.is_integer,
        "number": pa.types.is_floating,
        "text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one),
        "date": pa.types.is_timestamp,
    }
    columns = {}
    choices = chosen_columns(table)
    guesses = kinds_of(table)
    for name in table.columns:
        column = table[name]
        examples = column.dropna().drop_duplicates().head(EXAMPLES)
        texts = tuple(str(value)[:MAX_EXAMPLE_LENGTH] for value in examples)
        try:
            kind = pa.array(column, from_pandas=True).type
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            role = choices.get(name, {}).get("role")
            guess = guesses[name]
            columns[str(name)] = Column("other", texts, guess.kind, role, reason=guess.reason)
            continue
        types = [one for one, check in checks.items() if check(kind)] or ["other"]
        # Sums of unsigned and signed integers of 64 bits are floats.
        is_unknown = pa.types.is_null(kind) or pa.types.is_uint64(kind)
        is_number = types[0] in ("integer", "number")
        columns[str(name)] = Column(
            None if is_unknown else types[0],
            texts,
            guesses[name].kind,
            choices.get(name, {}).get("role"),
            bool(column.isna().any()),
            bool((column.dropna() % 1 == 0).all()) if is_number else None,
            guesses[name].reason,
            bool((column.dropna().abs() > LARGEST).any()) if is_number else None,
        )
    return Schema(columns)
