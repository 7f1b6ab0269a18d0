"""Scale, select and reduce features."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component, needs
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.artifacts import Transformer
from jupyter_mlws.components.estimators import check_features, task_of
from jupyter_mlws.components.kinds import Identifiers, protected_columns
from jupyter_mlws.components.needs import every, judged, rows
from jupyter_mlws.components.parameters import (
    AppliesTo,
    ColumnNames,
    ExcludedColumns,
    Labels,
    LeftIdentifiers,
    Seed,
    Standardize,
    TargetColumn,
)
from jupyter_mlws.components.table_needs import numbers_left
from jupyter_mlws.components.tables import TARGET, check_columns, numeric, target_of
from jupyter_mlws.components.transforms import apply_transformer


class ScalingResult(NamedTuple):
    """A table with scaled columns, and the fitted scaler."""

    table: Table
    scaler: Transformer


class SelectionResult(NamedTuple):
    """A table with the selected columns, and the fitted selector."""

    table: Table
    selector: Transformer


class ReductionResult(NamedTuple):
    """A table with principal components, the fitted reducer, and the explained variance."""

    table: Table
    reducer: Transformer
    metrics: Metrics


@component(
    category="Features",
    title="Scale Columns",
    columns=rules.scale_columns,
    needs=every(rows("data"), needs.scaled_columns, numbers_left),
)
def scale_columns(
    data: Table,
    *,
    method: Annotated[
        Literal["standard", "min_max", "robust", "max_abs"],
        Labels(min_max="Min-max", max_abs="Max-abs"),
    ] = "standard",
    columns: ColumnNames = [],  # noqa: B006  never changed
    ignore: ExcludedColumns = [TARGET],  # noqa: B006  never changed
    identifiers: LeftIdentifiers = "transform",
) -> ScalingResult:
    """Scale numeric columns (standard, min-max, robust or max-abs).

    data: Table to fit the scaler on.
    table: Table with scaled columns.
    scaler: Fitted transformer; use it with “Apply Transformer”.
    method: Standard: mean 0, standard deviation 1. Min-max: 0 to 1. Robust: median and quartiles,
        less affected by outliers. Max-abs: maximum absolute value 1.
    columns: Columns to scale. Leave empty for all numeric columns.
    ignore: Columns to leave unscaled. Only used if “Columns” is empty.
    identifiers: What to do with row numbers, and with names and codes that hardly repeat. Only used
        if “Columns” is empty.
    """
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

    scalers = {
        "standard": StandardScaler,
        "min_max": MinMaxScaler,
        "robust": RobustScaler,
        "max_abs": MaxAbsScaler,
    }
    apart = {*ignore, *([] if columns else protected_columns(data, identifiers))}
    numbers = [name for name in data.columns if numeric(data[name]) and name not in apart]
    names = columns or numbers
    if not names:
        raise ValueError("the table has no numeric columns")
    scaler = scalers[method]().fit(data[names].astype("float64"))
    return ScalingResult(apply_transformer(scaler, data), scaler)


@component(
    category="Features",
    title="Select Features",
    columns=rules.select_features,
    needs=every(rows("data"), needs.numeric_features, numbers_left),
)
def select_features(
    data: Table,
    *,
    method: Annotated[
        Literal["importance", "f_test", "variance"],
        Labels(importance="Random forest importance", f_test="F-test"),
    ] = "importance",
    count: Annotated[
        int, Field(ge=1, title="Number of features"), AppliesTo(method=("importance", "f_test"))
    ] = 10,
    threshold: Annotated[
        float, Field(ge=0, title="Variance threshold"), AppliesTo(method=("variance",))
    ] = 0.0,
    target: TargetColumn | None = None,
    identifiers: LeftIdentifiers = "transform",
    task: Annotated[
        Literal["auto", "classification", "regression"], AppliesTo(method=("importance", "f_test"))
    ] = "auto",
    random_state: Annotated[Seed, AppliesTo(method=("importance",))] = 0,
) -> SelectionResult:
    """Select the most informative features.

    data: Table to fit the selector on.
    table: Table with the selected features and the target.
    selector: Fitted transformer; use it with “Apply Transformer”.
    method: Random forest importance and F-test keep the highest-scoring features. Variance drops
        features that hardly vary.
    count: Number of features to keep (importance, F-test).
    threshold: Columns with a variance up to this value are dropped (variance).
    target: Column to predict. Leave empty to use “target” or, if there is none, the last column.
    identifiers: What to do with row numbers, and with names and codes that hardly repeat.
    task: Classification or regression. Auto decides by the values of the target column.
    random_state: Seed for reproducible results.
    """
    goal = target_of(data, target)
    rows = data[data[goal].notna()]
    features = _numeric_features(rows, {goal}, identifiers)
    kind = task_of(rows[goal], goal, "the selection", task)
    selector = _selector(method, kind, min(count, len(features.columns)), threshold, random_state)
    selector.fit(features, rows[goal].infer_objects())
    if method == "f_test":
        # The scores are in the selector; a stored model that names a function is not read again.
        selector.set_params(score_func=None)
    return SelectionResult(apply_transformer(selector, data), selector)


def _numeric_features(table: Table, ignored: set[str], identifiers: Identifiers) -> Table:
    """Return the numeric columns, and print which others stay as they are.

    Raises ValueError for missing values.
    """
    apart = {*ignored, *protected_columns(table, identifiers)}
    names = [name for name in table.columns if name not in apart]
    numbers = [name for name in names if numeric(table[name])]
    if not numbers:
        raise ValueError("the table has no numeric columns")
    others = [str(name) for name in names if name not in numbers]
    if others:
        print(f"left as they are, since they are no numbers: {', '.join(others)}")  # noqa: T201
    return check_features(table[numbers])


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


@component(
    category="Features",
    title="Principal Components (PCA)",
    columns=rules.reduce_dimensions,
    needs=every(rows("data"), needs.numeric_features, numbers_left),
)
def reduce_dimensions(
    data: Table,
    *,
    components: Annotated[int, Field(ge=1, title="Number of components")] = 2,
    columns: ColumnNames = [],  # noqa: B006  never changed
    ignore: ExcludedColumns = [TARGET],  # noqa: B006  never changed
    identifiers: LeftIdentifiers = "transform",
    scale: Standardize = True,
) -> ReductionResult:
    """Replace numeric columns with their principal components.

    data: Table to fit the components on.
    table: Table with the components “pca0”, “pca1”, … in place of the columns.
    reducer: Fitted transformer; use it with “Apply Transformer”.
    metrics: Share of the variance that each component and all together explain.
    components: At most as many as there are columns.
    columns: Columns to replace. Leave empty for all numeric columns.
    ignore: Columns to leave as they are. Only used if “Columns” is empty.
    identifiers: What to do with row numbers, and with names and codes that hardly repeat. Only used
        if “Columns” is empty.
    scale: Scale columns to mean 0 and standard deviation 1 first.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    check_columns(data, columns)
    features = (
        check_features(data[columns])
        if columns
        else _numeric_features(data, {*ignore}, identifiers)
    )
    count = min(components, *features.shape)
    pca = PCA(n_components=count, svd_solver="full")
    reducer = make_pipeline(*([StandardScaler()] if scale else []), pca).fit(features)
    shares = {f"pca{n}": float(share) for n, share in enumerate(pca.explained_variance_ratio_)}
    metrics = {**shares, "explained_variance": sum(shares.values())}
    return ReductionResult(apply_transformer(reducer, data), reducer, metrics)


@component(
    category="Features",
    title="Apply Transformer",
    columns=rules.transform_table,
    needs=judged("transformer", "data"),
)
def transform_table(transformer: Transformer, data: Table) -> Table:
    """Apply a fitted transformer (scaler, encoder, …) to another table.

    transformer: Fitted scaler, encoder, vectorizer or selector.
    data: Input table.
    """
    return apply_transformer(transformer, data)
