"""Select, clean, encode and impute columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.artifacts import Transformer
from jupyter_mlws.components.kinds import protected_columns
from jupyter_mlws.components.needs import every, finite, rows
from jupyter_mlws.components.parameters import (
    AppliesTo,
    ColumnNames,
    ExcludedColumns,
    Labels,
    LeftIdentifiers,
    New,
)
from jupyter_mlws.components.table_needs import comparable
from jupyter_mlws.components.tables import (
    TARGET,
    check_columns,
    has_lists,
    numeric,
    without_repetitions,
)
from jupyter_mlws.components.transforms import apply_transformer, without_nullable

INTEGERS = frozenset({f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)})


class EncodingResult(NamedTuple):
    """A table with encoded columns, and the fitted encoder."""

    table: Table
    encoder: Transformer


class ImputationResult(NamedTuple):
    """A table without missing values, and the fitted imputer."""

    table: Table
    imputer: Transformer


@component(category="Clean", title="Select Columns", columns=rules.select_columns)
def select_columns(
    data: Table,
    *,
    columns: Annotated[ColumnNames, Field(title="Columns to keep")] = [],  # noqa: B006  never changed
    drop: Annotated[ColumnNames, Field(title="Columns to drop")] = [],  # noqa: B006  never changed
) -> Table:
    """Select or drop columns.

    data: Input table.
    columns: Columns to keep, in this order. Leave empty for all.
    drop: Columns to remove from the table.
    """
    check_columns(data, (*columns, *drop))
    selection = data[columns] if columns else data
    remaining: Table = selection.drop(columns=drop)
    return remaining


@component(category="Clean", title="Clean Rows", columns=rules.clean_rows)
def clean_rows(
    data: Table,
    *,
    missing: Annotated[
        Literal["drop", "mean", "median", "most_frequent", "zero", "keep"],
        Field(title="Missing values"),
        Labels(
            drop="Drop rows",
            mean="Fill with mean",
            median="Fill with median",
            most_frequent="Fill with most frequent value",
            zero="Fill with zero",
            keep="Keep missing values",
        ),
    ] = "drop",
    duplicates: Annotated[
        Literal["drop", "keep"],
        Field(title="Duplicate rows"),
        Labels(drop="Drop duplicates", keep="Keep duplicates"),
    ] = "drop",
) -> Table:
    """Drop or impute missing values, and handle duplicate rows.

    data: Input table.
    missing: Drop rows with missing values, or fill each column. Mean, median and zero fill
        numeric columns only.
    duplicates: What to do with rows that equal an earlier row.
    """
    table: Table = without_repetitions(data) if duplicates == "drop" else data
    if missing == "drop":
        table = table.dropna()
    elif missing == "zero":
        table = table.fillna(dict.fromkeys(filter(lambda name: numeric(table[name]), table), 0))
    elif missing == "most_frequent":
        modes = {name: table[name].mode() for name in table if not has_lists(table[name])}
        table = table.fillna({name: mode.iloc[0] for name, mode in modes.items() if len(mode)})
    elif missing in ("mean", "median"):
        fills = getattr(table, missing)(numeric_only=True).dropna()
        # Nullable integers take no fractions.
        floats = {n: table[n].astype("float64") for n in fills.index if table[n].dtype == "Int64"}
        table = table.assign(**floats).fillna(fills)
    result: Table = table.reset_index(drop=True)
    return result


@component(
    category="Clean",
    title="Encode Categories",
    columns=rules.encode_categories,
    needs=every(rows("data"), comparable("columns")),
)
def encode_categories(
    data: Table,
    *,
    columns: ColumnNames = [],  # noqa: B006  never changed
    method: Annotated[Literal["one_hot", "ordinal"], Labels(one_hot="One-hot")] = "one_hot",
    drop_first: Annotated[
        bool, Field(title="Drop first category"), AppliesTo(method=("one_hot",))
    ] = False,
    identifiers: LeftIdentifiers = "transform",
) -> EncodingResult:
    """Encode categorical columns (one-hot or ordinal).

    data: Input table.
    table: Table with encoded columns.
    encoder: Fitted transformer; use it with “Apply Transformer”.
    columns: Columns to encode. Leave empty for all text columns.
    method: One-hot: one 0/1 column per category. Ordinal: one number per category.
    drop_first: Drop the first category of each column (one-hot).
    identifiers: What to do with row numbers, and with names and codes that hardly repeat. Only used
        if “Columns” is empty.
    """
    import numpy as np
    import pandas as pd
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

    others = set() if columns else protected_columns(data, identifiers)
    names = columns or [
        name
        for name in data.columns
        if name not in others
        and not pd.api.types.is_numeric_dtype(data[name])
        and not pd.api.types.is_datetime64_any_dtype(data[name])
        and is_encodable(data[name])
    ]
    rest = [
        str(name)
        for name in data.columns
        if name not in {*names, *others} and not numeric(data[name])
    ]
    if rest and not columns:
        print(f"left as they are, since they are no categories: {', '.join(rest)}")  # noqa: T201
    for name in columns:
        if not is_encodable(data[name]):
            raise ValueError(
                f"column {name!r} has no categories: choose others, or make texts of it with "
                "“Convert Types”"
            )
    if not names:
        # Nothing to encode here, and so in other tables.
        return EncodingResult(
            data, FunctionTransformer(feature_names_out="one-to-one").fit(data[[]])
        )
    # What is missing is no category: zeros, or a missing number.
    categories = [np.sort(data[name].dropna().unique()) for name in names]
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
    encoder.fit(data[names])
    return EncodingResult(apply_transformer(encoder, data), encoder)


def is_encodable(column: Any) -> bool:
    """Return whether a column has values that are categories: no bytes, and no lists."""
    values = column.dropna()
    return len(values) > 0 and not has_lists(column) and not isinstance(values.iloc[0], bytes)


@component(
    category="Clean",
    title="Impute Missing Values",
    columns=rules.impute_missing,
    needs=every(rows("data"), finite, comparable("columns")),
)
def impute_missing(
    data: Table,
    *,
    columns: ColumnNames = [],  # noqa: B006  never changed
    ignore: ExcludedColumns = [TARGET],  # noqa: B006  never changed
    identifiers: LeftIdentifiers = "transform",
    numbers: Annotated[
        Literal["median", "mean", "most_frequent"],
        Field(title="Numeric columns"),
        Labels(most_frequent="Most frequent value"),
    ] = "median",
    integers: Annotated[
        Literal["fractions", "stay"],
        Labels(fractions="Become numbers with fractions", stay="Stay integers"),
        New("stay"),
        AppliesTo(numbers=("median", "mean")),
    ] = "fractions",
) -> ImputationResult:
    """Fill missing values with values learned from this table.

    data: Table to fit the imputer on, usually the training data.
    table: Table with the missing values filled.
    imputer: Fitted transformer; use it with “Apply Transformer” on test data and new data.
    columns: Columns to fill. Leave empty for all.
    ignore: Columns to leave as they are. Only used if “Columns” is empty.
    identifiers: What to do with row numbers, and with names and codes that hardly repeat. Only used
        if “Columns” is empty.
    numbers: What numeric columns are filled with. Other columns are filled with their most
        frequent value.
    integers: What becomes of integers without gaps. Those that stay are filled with a rounded value
        in other tables.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer

    check_columns(data, columns)
    others = {*ignore, *([] if columns else protected_columns(data, identifiers))}
    names = columns or [
        str(name) for name in data.columns if name not in others and not has_lists(data[name])
    ]
    groups = {
        numbers: [name for name in names if numeric(data[name])],
        "most_frequent": [name for name in names if not numeric(data[name])],
    }
    if numbers == "most_frequent":
        groups = {numbers: names}
    steps = []
    if integers == "stay" and numbers != "most_frequent":
        # Of pandas' nullable types, imputers make numbers.
        whole = [name for name in groups[numbers] if str(data[name].dtype) in INTEGERS]
        groups[numbers] = [name for name in groups[numbers] if name not in whole]
        for name in whole if len(data) else []:
            # The other strategies calculate with fractions.
            value = round(getattr(data[name], numbers)())
            fill = SimpleImputer(strategy="constant", fill_value=data[name].dtype.type(value))
            steps.append((f"integers {name}", fill, [name]))
    steps += [
        (strategy, SimpleImputer(strategy=strategy, keep_empty_features=True), group)
        for strategy, group in groups.items()
        if group
    ]
    imputer = ColumnTransformer(steps, verbose_feature_names_out=False)
    imputer.fit(without_nullable(data[names]))
    return ImputationResult(apply_transformer(imputer, data), imputer)
