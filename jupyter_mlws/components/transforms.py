"""Applies what was learned of one table (a scale, categories, words) to another."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.artifacts import Table


def apply_transformer(transformer: Any, table: Table) -> Table:
    """Return the table with a fitted transformer's output columns in place of its inputs.

    Columns that keep their name keep their position, others come last; columns that the
    transformer does not take stay as they are. Raises KeyError for a missing column.
    """
    names = [str(name) for name in transformer.feature_names_in_]
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise KeyError(f"the table has no columns {missing}; it has {list(table.columns)}")
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


def _transform_columns(transformer: Any, columns: Table) -> Table:
    import pandas as pd
    from sklearn import config_context
    from sklearn.compose import ColumnTransformer

    if isinstance(transformer, ColumnTransformer):
        if not any(hasattr(part, "vocabulary_") for _, part, _ in transformer.transformers_):
            with config_context(transform_output="pandas"):
                kept_types: Table = transformer.transform(columns)
                return kept_types
        # A missing text has no words.
        columns = columns.fillna("")
    values = transformer.transform(columns)
    values = values.toarray() if hasattr(values, "toarray") else values
    names = [str(name) for name in transformer.get_feature_names_out()]
    output: Table = pd.DataFrame(values, columns=names, index=columns.index)
    return output
