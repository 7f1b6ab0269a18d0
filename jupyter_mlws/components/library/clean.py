"""Put a table in order."""

from __future__ import annotations

from typing import Literal, NamedTuple

from jupyter_mlws.components import Model, Table, component
from jupyter_mlws.components.transforms import applied


class Encoded(NamedTuple):
    """A table of numbers, and what made it."""

    table: Table
    encoder: Model


@component(category="Clean", title="Select columns")
def select_columns(
    data: Table,
    *,
    columns: list[str] = [],  # noqa: B006  never changed
    drop: list[str] = [],  # noqa: B006  never changed
) -> Table:
    """Keep some columns of a table, or drop some.

    data: The table.
    columns: The columns to keep, in this order; all if empty.
    drop: The columns to leave out.
    """
    missing = [name for name in (*columns, *drop) if name not in data.columns]
    if missing:
        raise KeyError(f"the table has no columns {missing}; it has {list(data.columns)}")
    kept = data[columns] if columns else data
    remaining: Table = kept.drop(columns=drop)
    return remaining


@component(category="Clean", title="Clean rows")
def clean_rows(
    data: Table,
    *,
    missing: Literal["drop", "mean", "median", "most_frequent", "zero", "keep"] = "drop",
    duplicates: Literal["drop", "keep"] = "drop",
) -> Table:
    """Deal with missing values and with rows that are there twice.

    data: The table.
    missing: Drop rows with missing values, or fill them by column.
    duplicates: What happens to rows that equal an earlier one.
    """
    table: Table = data.drop_duplicates() if duplicates == "drop" else data
    if missing == "drop":
        table = table.dropna()
    elif missing == "zero":
        table = table.fillna(0)
    elif missing == "most_frequent":
        table = table.fillna(table.mode().iloc[0])
    elif missing in ("mean", "median"):
        table = table.fillna(getattr(table, missing)(numeric_only=True))
    cleaned: Table = table.reset_index(drop=True)
    return cleaned


@component(category="Clean", title="Encode categories")
def encode_categories(
    data: Table,
    *,
    columns: list[str] = [],  # noqa: B006  never changed
    method: Literal["one_hot", "ordinal"] = "one_hot",
    drop_first: bool = False,
) -> Encoded:
    """Turn columns of words into numbers: a column of zeros and ones each, or one of numbers.

    data: The table.
    table: The table with numbers in place of words.
    encoder: What does the same to another table, by the component "Apply to table".
    columns: The columns to encode; all columns of text if empty.
    method: A column of zeros and ones for each category, or the category's number.
    drop_first: Leave out the first category of each column (one_hot).
    """
    import numpy as np
    import pandas as pd
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

    chosen = columns or [
        name
        for name in data.columns
        if not pd.api.types.is_numeric_dtype(data[name])
        and not pd.api.types.is_datetime64_any_dtype(data[name])
    ]
    if not chosen:
        # Nothing to encode here, and so in other tables.
        return Encoded(data, FunctionTransformer(feature_names_out="one-to-one").fit(data[[]]))
    # What is missing is no category: zeros, or a missing number.
    categories = [np.sort(data[name].dropna().unique()) for name in chosen]
    if method == "one_hot":
        encoder = OneHotEncoder(
            categories=categories,
            drop="first" if drop_first else None,
            handle_unknown="ignore",
            sparse_output=False,
            dtype=np.int8,
        )
    else:
        encoder = OrdinalEncoder(
            categories=categories, handle_unknown="use_encoded_value", unknown_value=np.nan
        )
    encoder.fit(data[chosen])
    return Encoded(applied(encoder, data), encoder)
