"""Draw figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from jupyter_mlws.components import Figure, Metrics, Model, Table, component

if TYPE_CHECKING:
    import matplotlib.figure

Inches = Annotated[float, Field(gt=0, le=40)]


@component(category="Plot", title="Plot metrics")
def plot_metrics(
    metrics: Metrics,
    *,
    title: str = "",
    measures: list[str] = [],  # noqa: B006  never changed
    width: Inches = 7.0,
    height: Inches = 4.0,
) -> Figure:
    """Draw the measures of several models as bars side by side.

    metrics: The measures, as a comparison makes them.
    title: The words above the figure.
    measures: Which measures to draw; all if empty.
    width: In inches.
    height: In inches.
    """
    grouped = {name: row for name, row in metrics.items() if isinstance(row, dict)}
    groups = grouped or {"": metrics}
    drawn = measures or list(dict.fromkeys(m for row in groups.values() for m in row))
    figure = _figure(width, height)
    axes = figure.subplots()
    thickness = 0.8 / max(1, len(groups))
    for n, (name, row) in enumerate(groups.items()):
        places = [m + (n - (len(groups) - 1) / 2) * thickness for m in range(len(drawn))]
        axes.bar(places, [row.get(m) or 0 for m in drawn], thickness, label=name or None)
    axes.set_xticks(range(len(drawn)), drawn)
    axes.set_title(title)
    if grouped:
        axes.legend(loc="lower right")
    return figure


@component(category="Plot", title="Confusion matrix")
def plot_confusion_matrix(
    model: Model,
    test: Table,
    *,
    target: str = "target",
    title: str = "",
    width: Inches = 5.0,
    height: Inches = 4.5,
) -> Figure:
    """Draw which classes a model takes for which.

    model: The model.
    test: The table to test on.
    target: The column that the model predicts.
    title: The words above the figure.
    width: In inches.
    height: In inches.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    figure = _figure(width, height)
    axes = figure.subplots()
    ConfusionMatrixDisplay.from_estimator(
        model, test.drop(columns=[target]), test[target], ax=axes, colorbar=False, cmap="Blues"
    )
    axes.set_title(title)
    return figure


@component(category="Plot", title="Histogram")
def plot_histogram(
    data: Table,
    *,
    column: str,
    bins: Annotated[int, Field(ge=1, le=1000)] = 30,
    title: str = "",
    width: Inches = 7.0,
    height: Inches = 4.0,
) -> Figure:
    """Draw how the values of a column are spread.

    data: The table.
    column: Which column.
    bins: How many bars.
    title: The words above the figure.
    width: In inches.
    height: In inches.
    """
    figure = _figure(width, height)
    axes = figure.subplots()
    axes.hist(data[column].dropna(), bins=bins)
    axes.set_xlabel(column)
    axes.set_title(title)
    return figure


def _figure(width: float, height: float) -> matplotlib.figure.Figure:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    # Chinese titles need a font that has the characters; the first that is installed serves.
    mpl.rcParams["font.sans-serif"] = [*CJK_FONTS, *mpl.rcParams["font.sans-serif"]]
    mpl.rcParams["axes.unicode_minus"] = False
    figure = NewFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


CJK_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "SimHei")
