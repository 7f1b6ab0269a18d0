"""Applies what was learned of one table (a scale, categories, words) to another."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.preparation import columns_of
from jupyter_mlws.components.tables import check_columns


def apply_transformer(transformer: Any, table: Table) -> Table:
    """Return the table with a fitted transformer's output columns in place of its inputs.

    Columns that keep their name keep their position, others come last; columns that the
    transformer does not take stay as they are. Raises KeyError for a missing column.
    """
    # One that was fitted on no column has no names, and changes nothing.
    names = [str(name) for name in getattr(transformer, "feature_names_in_", ())]
    if not names:
        return table
    if prepared := columns_of(transformer):
        # A column that it ignores may be gone.
        unused = {column.name for column in prepared if column.step == "ignored"}
        table = table.drop(columns=[name for name in table.columns if name in unused])
        names = [name for name in names if name not in unused]
    check_columns(table, names)
    output = _transform_columns(transformer, table[names])
    if set(output.columns) <= set(names):
        obsolete_names = [name for name in names if name not in output.columns]
        new_table: Table = table.drop(columns=obsolete_names).assign(**output)
        return new_table
    rest: Table = table.drop(columns=names)
    clash = [name for name in output.columns if name in rest.columns]
    if clash:
        raise ValueError(f"the table already has columns {clash}; rename them first")
    result: Table = rest.join(output)
    return result


def without_nullable(table: Table) -> Table:
    """Return the table with gaps as NaN in columns of nullable numbers, which imputers take."""
    floats = {
        name: table[name].astype("float64")
        for name in table.columns
        if str(table[name].dtype).startswith(("Int", "UInt", "Float")) and table[name].hasnans
    }
    return table.assign(**floats) if floats else table


def as_texts(columns: Table) -> Table:
    """Return the columns to vectorize as texts; a missing text has no words."""
    texts: Table = columns.apply(
        lambda column: column.astype("object").where(column.notna(), "").map(str)
    )
    return texts


def _transform_columns(transformer: Any, columns: Table) -> Table:
    import pandas as pd
    from sklearn import config_context
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer

    if isinstance(transformer, ColumnTransformer) and not columns_of(transformer):
        if all(isinstance(part, SimpleImputer) for _, part, _ in transformer.transformers_):
            # As an array, all columns would get one type.
            with config_context(transform_output="pandas"):
                table: Table = transformer.transform(without_nullable(columns))
                return table
        columns = as_texts(columns)
    values = transformer.transform(columns)
    values = values.toarray() if hasattr(values, "toarray") else values
    names = [str(name) for name in transformer.get_feature_names_out()]
    output: Table = pd.DataFrame(values, columns=names, index=columns.index)
    return output
