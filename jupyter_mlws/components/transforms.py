"""Applies what was learned of one table (a scale, categories, words) to another."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.artifacts import Table


def applied(transformer: Any, table: Table) -> Table:
    """The table with the columns that a fitted transformer makes in place of those it takes.

    Columns that keep their name keep their place, others come last; what the transformer does
    not take stays as it is. Raises KeyError for a column that is not there.
    """
    names = [str(name) for name in transformer.feature_names_in_]
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise KeyError(f"the table has no columns {missing}; it has {list(table.columns)}")
    made = _made(transformer, table[names])
    if set(made.columns) <= set(names):
        gone = [name for name in names if name not in made.columns]
        replaced: Table = table.drop(columns=gone).assign(**made)
        return replaced
    rest: Table = table.drop(columns=names)
    clash = [name for name in made.columns if name in rest.columns]
    if clash:
        raise ValueError(f"the table already has columns {clash}; rename them first")
    joined: Table = rest.join(made)
    return joined


def _made(transformer: Any, columns: Table) -> Table:
    import pandas as pd
    from sklearn.compose import ColumnTransformer

    if isinstance(transformer, ColumnTransformer):
        # It takes texts, and a missing text has no words.
        columns = columns.fillna("")
    values = transformer.transform(columns)
    values = values.toarray() if hasattr(values, "toarray") else values
    names = [str(name) for name in transformer.get_feature_names_out()]
    made: Table = pd.DataFrame(values, columns=names, index=columns.index)
    return made
