"""Draw figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from jupyter_mlws.components import Figure, Metrics, Table, component
from jupyter_mlws.components.artifacts import ClassifierModel, SupervisedModel
from jupyter_mlws.components.estimators import class_probabilities
from jupyter_mlws.components.figures import Inches, new_figure
from jupyter_mlws.components.needs import judged
from jupyter_mlws.components.parameters import ColumnName, FigureTitle, Seed, TargetColumn
from jupyter_mlws.components.preparation import features_of, rows_with_target
from jupyter_mlws.components.table_needs import comparable
from jupyter_mlws.components.tables import numeric

MOST_COLORS = 10
"""Numbers with more different values than this get a scale of colours, not a colour each."""


@component(category="Plot", title="Plot Metrics")
def plot_metrics(
    metrics: Metrics,
    *,
    title: FigureTitle = "",
    measures: Annotated[list[str], Field(title="Metrics")] = [],  # noqa: B006  never changed
    width: Inches = 7.0,
    height: Inches = 4.0,
) -> Figure:
    """Bar chart of model metrics, with the interval of the first where it is known.

    metrics: Metrics of one or more models, for example from “Compare Classifiers”.
    title: Title shown above the figure.
    measures: Metrics to plot. Leave empty for all.
    width: In inches.
    height: In inches.
    """
    by_model = {name: row for name, row in metrics.items() if isinstance(row, dict)}
    groups = by_model or {"": metrics}
    metric_names = measures or list(
        dict.fromkeys(
            m
            for row in groups.values()
            for m, value in row.items()
            if not isinstance(value, Mapping | str)
        )
    )
    figure = new_figure(width, height)
    axes = figure.subplots()
    thickness = 0.8 / max(1, len(groups))
    for n, (name, row) in enumerate(groups.items()):
        places = [m + (n - (len(groups) - 1) / 2) * thickness for m in range(len(metric_names))]
        label = row.get("title", name) or None
        axes.bar(places, [row.get(m) or 0 for m in metric_names], thickness, label=label)
        interval = row.get("interval", {})
        first = next((m for m in row if m in metric_names), None)
        if first is not None and "low" in interval:
            ends = [interval["low"], interval["high"]]
            axes.vlines(places[metric_names.index(first)], *ends, color="black", linewidth=1)
    axes.set_xticks(range(len(metric_names)), metric_names)
    axes.set_title(title)
    if by_model:
        axes.legend(loc="lower right")
    return figure


@component(category="Plot", title="Confusion Matrix", needs=judged("model", "test"))
def plot_confusion_matrix(
    model: ClassifierModel,
    test: Table,
    *,
    target: TargetColumn | None = None,
    title: FigureTitle = "",
    width: Inches = 5.0,
    height: Inches = 4.5,
) -> Figure:
    """Plot the confusion matrix.

    model: Trained model.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    figure = new_figure(width, height)
    axes = figure.subplots()
    rows = rows_with_target(test, target)
    ConfusionMatrixDisplay.from_estimator(
        model, features_of(model, rows.features), rows.target, ax=axes, colorbar=False, cmap="Blues"
    )
    axes.set_title(title)
    return figure


@component(category="Plot", title="Histogram", needs=comparable("column"))
def plot_histogram(
    data: Table,
    *,
    column: ColumnName,
    bins: Annotated[int, Field(ge=1, le=1000)] = 30,
    title: FigureTitle = "",
    width: Inches = 7.0,
    height: Inches = 4.0,
) -> Figure:
    """Plot the distribution of a column.

    data: Input table.
    column: Column to plot.
    bins: Number of bins.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    figure = new_figure(width, height)
    axes = figure.subplots()
    axes.hist(_drawable(data[column].dropna(), is_whole=True), bins=bins)
    axes.set_xlabel(column)
    axes.set_title(title)
    return figure


def _drawable(column: Any, is_whole: bool = False) -> Any:
    """Return values that an axis takes: days for spans of time; ``is_whole``: and no infinite."""
    import numpy as np
    import pandas as pd

    if pd.api.types.is_timedelta64_dtype(column):
        return column / pd.Timedelta(days=1)
    if not is_whole or pd.api.types.is_datetime64_any_dtype(column):
        return column
    if pd.api.types.is_bool_dtype(column) or column.map(type).eq(bool).all():
        return column.astype("str")
    if numeric(column):
        is_finite = np.isfinite(column.astype("float64"))
        if not is_finite.all():
            print(f"left out: {int((~is_finite).sum())} infinite values")  # noqa: T201
        return column[is_finite]
    return column


@component(category="Plot", title="Scatter Plot", needs=comparable("x", "y", "color"))
def plot_scatter(
    data: Table,
    *,
    x: Annotated[ColumnName, Field(title="X column")],
    y: Annotated[ColumnName, Field(title="Y column")],
    color: Annotated[ColumnName | None, Field(title="Color by")] = None,
    title: FigureTitle = "",
    width: Inches = 6.0,
    height: Inches = 4.5,
) -> Figure:
    """Scatter plot of two columns.

    data: Input table.
    x: Column for the x axis.
    y: Column for the y axis.
    color: Column that sets the color of the points, such as a class or cluster.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    figure = new_figure(width, height)
    axes = figure.subplots()
    columns = [x, y] if color is None else [x, y, color]
    others = [name for name in (x, y) if not numeric(data[name])]
    # A text that is missing has no place on an axis.
    data = data[list(dict.fromkeys(columns))].dropna(subset=others)
    data = data.assign(**{name: _drawable(data[name]) for name in others})
    if color is None:
        axes.scatter(data[x], data[y], s=12)
    elif numeric(data[color]) and data[color].nunique() > MOST_COLORS:
        points = axes.scatter(data[x], data[y], s=12, c=data[color])
        figure.colorbar(points, label=color)
    else:
        for name, part in data.groupby(color, sort=True):
            axes.scatter(part[x], part[y], s=12, label=str(name))
        axes.legend(title=color)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title)
    return figure


@component(category="Plot", title="ROC Curve", needs=judged("models", "test"))
def plot_roc_curve(
    models: list[ClassifierModel],
    test: Table,
    *,
    target: TargetColumn | None = None,
    title: FigureTitle = "",
    width: Inches = 6.0,
    height: Inches = 5.0,
) -> Figure:
    """Plot the ROC curve (true vs. false positive rate) with its AUC.

    models: Classifiers with predict_proba, labeled with their node names.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    from sklearn.metrics import RocCurveDisplay

    figure = new_figure(width, height)
    axes = figure.subplots()
    for label, truth, probabilities in class_probabilities(models, test, target):
        RocCurveDisplay.from_predictions(truth, probabilities, name=label, ax=axes)
    axes.plot([0, 1], [0, 1], "--", color="gray", linewidth=1)
    axes.set_title(title)
    return figure


@component(category="Plot", title="Predicted vs. True Values", needs=judged("model", "test"))
def plot_predictions(
    model: SupervisedModel,
    test: Table,
    *,
    target: TargetColumn | None = None,
    title: FigureTitle = "",
    width: Inches = 5.0,
    height: Inches = 5.0,
) -> Figure:
    """Plot predicted against true values.

    model: Trained model.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    figure = new_figure(width, height)
    axes = figure.subplots()
    rows = rows_with_target(test, target)
    truth = rows.target
    axes.scatter(truth, model.predict(features_of(model, rows.features)), s=12)
    if numeric(truth):
        ends = [float(truth.min()), float(truth.max())]
        axes.plot(ends, ends, "--", color="gray", linewidth=1)
    axes.set_xlabel(rows.target.name)
    axes.set_ylabel("prediction")
    axes.set_title(title)
    return figure


@component(category="Plot", title="Feature Importance", needs=judged("model", "test"))
def plot_importance(
    model: SupervisedModel,
    test: Table,
    *,
    target: TargetColumn | None = None,
    count: Annotated[int, Field(ge=1, le=100, title="Number of features")] = 15,
    repeats: Annotated[int, Field(ge=1, le=100)] = 5,
    seed: Seed = 0,
    title: FigureTitle = "",
    width: Inches = 7.0,
    height: Inches = 4.5,
) -> Figure:
    """Plot permutation feature importance.

    model: Trained model.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    count: Number of features to show, starting with the most important.
    repeats: Number of times each column is shuffled.
    seed: Seed for reproducible results.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    from sklearn.inspection import permutation_importance

    rows = rows_with_target(test, target)
    features = features_of(model, rows.features)
    result = permutation_importance(
        model, features, rows.target.to_numpy(), n_repeats=repeats, random_state=seed
    )
    order = result.importances_mean.argsort(kind="stable")[-count:]
    figure = new_figure(width, height)
    axes = figure.subplots()
    names = [str(features.columns[n]) for n in order]
    axes.barh(names, result.importances_mean[order], xerr=result.importances_std[order])
    axes.set_title(title)
    return figure
