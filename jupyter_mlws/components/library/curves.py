"""Draw curves that judge models."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jupyter_mlws.components import Figure, Table, component
from jupyter_mlws.components.artifacts import ClassifierModel, RegressorModel, SupervisedModel
from jupyter_mlws.components.estimators import class_probabilities
from jupyter_mlws.components.figures import Inches, new_figure
from jupyter_mlws.components.needs import judged
from jupyter_mlws.components.parameters import FigureTitle, Seed, TargetColumn
from jupyter_mlws.components.preparation import features_of, rows_with_target


@component(category="Plot", title="Precision-Recall Curve", needs=judged("models", "test"))
def plot_precision_recall(
    models: list[ClassifierModel],
    test: Table,
    *,
    target: TargetColumn | None = None,
    title: FigureTitle = "",
    width: Inches = 6.0,
    height: Inches = 5.0,
) -> Figure:
    """Plot precision against recall, with the average precision.

    models: Classifiers with predict_proba, labeled with their node names.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    from sklearn.metrics import PrecisionRecallDisplay

    figure = new_figure(width, height)
    axes = figure.subplots()
    for label, truth, probabilities in class_probabilities(models, test, target):
        PrecisionRecallDisplay.from_predictions(truth, probabilities, name=label, ax=axes)
    axes.set_title(title)
    return figure


@component(category="Plot", title="Calibration Curve", needs=judged("models", "test"))
def plot_calibration(
    models: list[ClassifierModel],
    test: Table,
    *,
    target: TargetColumn | None = None,
    bins: Annotated[int, Field(ge=2, le=100)] = 10,
    title: FigureTitle = "",
    width: Inches = 6.0,
    height: Inches = 5.0,
) -> Figure:
    """Plot how often a class occurs against the probability that was predicted for it.

    models: Classifiers with predict_proba, labeled with their node names.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    bins: Number of bins of probabilities, with equal numbers of rows.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    from sklearn.calibration import CalibrationDisplay

    figure = new_figure(width, height)
    axes = figure.subplots()
    for label, truth, probabilities in class_probabilities(models, test, target):
        CalibrationDisplay.from_predictions(
            truth, probabilities, n_bins=bins, strategy="quantile", name=label, ax=axes
        )
    axes.set_title(title)
    return figure


@component(category="Plot", title="Residuals", needs=judged("model", "test"))
def plot_residuals(
    model: RegressorModel,
    test: Table,
    *,
    target: TargetColumn | None = None,
    title: FigureTitle = "",
    width: Inches = 6.0,
    height: Inches = 4.5,
) -> Figure:
    """Plot the errors of a regression model against its predictions.

    model: Trained model.
    test: Test data.
    target: Column with the true target values. Leave empty for the table's target column.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    rows = rows_with_target(test, target)
    predictions = model.predict(features_of(model, rows.features))
    figure = new_figure(width, height)
    axes = figure.subplots()
    axes.scatter(predictions, rows.target - predictions, s=12)
    axes.axhline(0, linestyle="--", color="gray", linewidth=1)
    axes.set_xlabel("prediction")
    axes.set_ylabel(f"{rows.target.name} - prediction")
    axes.set_title(title)
    return figure


@component(category="Plot", title="Learning Curve", needs=judged("model", "data"))
def plot_learning_curve(
    model: SupervisedModel,
    data: Table,
    *,
    target: TargetColumn | None = None,
    folds: Annotated[int, Field(ge=2, le=50)] = 5,
    points: Annotated[int, Field(ge=2, le=20)] = 5,
    random_state: Seed = 0,
    title: FigureTitle = "",
    width: Inches = 6.0,
    height: Inches = 4.5,
) -> Figure:
    """Plot the score of a model by the number of training rows, with cross-validation.

    model: Model with the settings to judge; it is trained again on parts of the data.
    data: Table of all rows.
    target: Column to predict. Leave empty for the table's target column.
    folds: Number of folds of the cross-validation.
    points: Number of sizes of the training part.
    random_state: Seed for the order of the rows.
    title: Title shown above the figure.
    width: In inches.
    height: In inches.
    """
    import numpy as np
    from sklearn.model_selection import learning_curve

    rows = rows_with_target(data, target)
    sizes, training, validation = learning_curve(
        model,
        rows.features,
        rows.target,
        cv=folds,
        train_sizes=np.linspace(0.1, 1.0, points),
        shuffle=True,
        random_state=random_state,
    )
    figure = new_figure(width, height)
    axes = figure.subplots()
    for name, scores in (("training", training), ("validation", validation)):
        mean, spread = scores.mean(axis=1), scores.std(axis=1)
        axes.plot(sizes, mean, marker="o", label=name)
        axes.fill_between(sizes, mean - spread, mean + spread, alpha=0.15)
    axes.set_xlabel("rows")
    axes.set_ylabel("score")
    axes.legend(loc="lower right")
    axes.set_title(title)
    return figure
