"""Make columns easier to learn from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Model, Table, component
from jupyter_mlws.components.estimators import checked, task_of
from jupyter_mlws.components.tables import TARGET, numeric, target_of
from jupyter_mlws.components.transforms import applied


class Scaled(NamedTuple):
    """A table on one scale, and what made it."""

    table: Table
    scaler: Model


class Selected(NamedTuple):
    """The columns that matter, and what chose them."""

    table: Table
    selector: Model


@component(category="Features", title="Scale columns")
def scale_columns(
    data: Table,
    *,
    method: Literal["standard", "min_max", "robust", "max_abs"] = "standard",
    columns: list[str] = [],  # noqa: B006  never changed
    ignore: list[str] = [TARGET],  # noqa: B006  never changed
) -> Scaled:
    """Bring columns of numbers to one scale.

    data: The table to learn the scale from.
    table: The table on that scale.
    scaler: What does the same to another table, by the component "Apply to table".
    method: Mean 0 and deviation 1, from 0 to 1, by quartiles (outliers matter less), or up to 1.
    columns: The columns to scale; all columns of numbers if empty.
    ignore: Columns that stay as they are.
    """
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

    made = {
        "standard": StandardScaler,
        "min_max": MinMaxScaler,
        "robust": RobustScaler,
        "max_abs": MaxAbsScaler,
    }
    numbers = [name for name in data.columns if numeric(data[name]) and name not in ignore]
    chosen = columns or numbers
    if not chosen:
        raise ValueError("no column holds numbers")
    scaler = made[method]().fit(data[chosen].astype("float64"))
    return Scaled(applied(scaler, data), scaler)


@component(category="Features", title="Select features")
def select_features(
    data: Table,
    *,
    method: Literal["importance", "f_test", "variance"] = "importance",
    count: Annotated[int, Field(ge=1)] = 10,
    threshold: Annotated[float, Field(ge=0)] = 0.0,
    target: str | None = None,
    task: Literal["auto", "classification", "regression"] = "auto",
    random_state: Annotated[int, Field(ge=0)] = 0,
) -> Selected:
    """Keep the columns that say most about the target.

    data: The table to judge the columns by.
    table: The table with the columns that stay, and the target.
    selector: What does the same to another table, by the component "Apply to table".
    method: By a forest's importance, by an F test, or drop columns that hardly vary.
    count: How many columns stay (importance, f_test).
    threshold: Columns that vary no more than this are left out (variance).
    target: The column to predict; if empty, "target" or the last column.
    task: Tell classes apart or predict a number; auto goes by the target's values.
    random_state: The same number makes the same choice.
    """
    goal = target_of(data, target)
    features = checked(data, goal)
    kind = task_of(data[goal], goal, "the selection", task)
    selector = _selector(method, kind, min(count, len(features.columns)), threshold, random_state)
    selector.fit(features, data[goal])
    if method == "f_test":
        # The scores are in the selector; a stored model that names a function is not read again.
        selector.set_params(score_func=None)
    return Selected(applied(selector, data), selector)


def _selector(method: str, kind: str, count: int, threshold: float, seed: int) -> Any:
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.feature_selection import (
        SelectFromModel,
        SelectKBest,
        VarianceThreshold,
        f_classif,
        f_regression,
    )

    classes = kind == "classification"
    if method == "variance":
        return VarianceThreshold(threshold)
    if method == "f_test":
        return SelectKBest(f_classif if classes else f_regression, k=count)
    forest = RandomForestClassifier if classes else RandomForestRegressor
    # Without a threshold of its own, the number of columns alone decides.
    return SelectFromModel(forest(random_state=seed), threshold=-np.inf, max_features=count)


@component(category="Features", title="Apply to table")
def transform_table(transformer: Model, data: Table) -> Table:
    """Do to a table what was learned of another: its scale, categories, words or features.

    transformer: A scaler, encoder, vectorizer or selector.
    data: The table.
    """
    return applied(transformer, data)
