"""Judge models and use them."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.artifacts import (
    ClassifierModel,
    PredictiveModel,
    RegressorModel,
    SupervisedModel,
)
from jupyter_mlws.components.comparison import compare, model_titles, repeated_rows
from jupyter_mlws.components.folds import fold_rows, fold_scores
from jupyter_mlws.components.needs import judged
from jupyter_mlws.components.parameters import Labels, Seed, TargetColumn
from jupyter_mlws.components.preparation import features_of, rows_with_target
from jupyter_mlws.components.scores import (
    ClassMeasure,
    Judgment,
    NumberMeasure,
    judge_classes,
    judge_numbers,
)
from jupyter_mlws.components.values import names_of


class Comparison(NamedTuple):
    """Several models side by side."""

    metrics: Metrics
    table: Table


class ClassifierComparison(NamedTuple):
    """Several classifiers side by side, and the best of them."""

    metrics: Metrics
    table: Table
    best: ClassifierModel
    classes: Table


class RegressorComparison(NamedTuple):
    """Several regressors side by side, and the best of them."""

    metrics: Metrics
    table: Table
    best: RegressorModel


@component(category="Evaluate", title="Compare Classifiers", needs=judged("models", "test"))
def compare_classifiers(
    models: list[ClassifierModel],
    test: Table,
    train: Table | None = None,
    *,
    target: TargetColumn | None = None,
    measure: Annotated[ClassMeasure, Field(title="Rank by")] = "accuracy",
) -> ClassifierComparison:
    """Evaluate one or more classifiers on the same test data: accuracy, balanced accuracy, average
    precision, and macro-averaged precision, recall and F1.

    The first measure has an interval, and a p-value says whether a model differs from the best one
    by more than chance. Models that were cross-validated are ranked by that.

    models: Models to compare, labeled with their node names.
    test: Test data.
    train: Training data. If connected, test rows that are also training rows are counted.
    metrics: Metrics of each model.
    table: Metrics as a table, best model first.
    best: The best model.
    classes: Precision, recall and F1 of each class.
    target: Column with the true target values. Leave empty for the table's target column.
    measure: Balanced accuracy counts each class the same, however many rows it has.
    """
    import pandas as pd

    rows = rows_with_target(test, target)
    truth, titles = rows.target.to_numpy(), model_titles(models)
    judgments: dict[str, Judgment] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        features = features_of(model, rows.features)
        chances = model.predict_proba(features) if hasattr(model, "predict_proba") else None
        classes = list(getattr(model, "classes_", ()))
        judgments[name] = judge_classes(truth, model.predict(features), chances, classes, measure)
    tables = [
        one.classes.assign(model=title)
        for title, one in zip(titles, judgments.values(), strict=True)
        if one.classes is not None
    ]
    per_class = pd.concat(tables, ignore_index=True)
    per_class = per_class[["model", *(name for name in per_class if name != "model")]]
    comparison = compare(models, judgments, measure, repeated_rows(models, rows.features, train))
    return ClassifierComparison(*comparison, per_class)


@component(category="Evaluate", title="Compare Regressors", needs=judged("models", "test"))
def compare_regressors(
    models: list[RegressorModel],
    test: Table,
    train: Table | None = None,
    *,
    target: TargetColumn | None = None,
    measure: Annotated[
        NumberMeasure, Field(title="Rank by"), Labels(r2="R²", mae="Mean absolute error")
    ] = "r2",
) -> RegressorComparison:
    """Evaluate one or more regressors on the same test data: R², MAE and RMSE.

    The first measure has an interval, and a p-value says whether a model differs from the best one
    by more than chance. Models that were cross-validated are ranked by that.

    models: Models to compare, labeled with their node names.
    test: Test data.
    train: Training data. If connected, test rows that are also training rows are counted.
    metrics: Metrics of each model.
    table: Metrics as a table, best model first.
    best: The best model.
    target: Column with the true target values. Leave empty for the table's target column.
    measure: R² is the share of the variance that is explained.
    """
    rows = rows_with_target(test, target)
    judgments = {
        name: judge_numbers(
            rows.target.to_numpy(), model.predict(features_of(model, rows.features)), measure
        )
        for name, model in zip(names_of(models, "model"), models, strict=True)
    }
    comparison = compare(models, judgments, measure, repeated_rows(models, rows.features, train))
    return RegressorComparison(*comparison)


@component(category="Evaluate", title="Cross-Validate", needs=judged("models", "data", False))
def cross_validate(
    models: list[SupervisedModel],
    data: Table,
    *,
    target: TargetColumn | None = None,
    folds: Annotated[int, Field(ge=2)] = 5,
    seed: Seed = 0,
) -> Comparison:
    """K-fold cross-validation of one or more models.

    Rows of a group stay together, and rows are judged by models of earlier ones, where the table
    has columns with these roles.

    models: Models to cross-validate, labeled with their node names. Only their hyperparameters are
        used.
    data: Input table.
    metrics: Mean and standard deviation of each metric across the folds, per model.
    table: Metrics as a table, best model first.
    target: Column with the true target values. Leave empty for the table's target column.
    folds: Number of folds.
    seed: Seed for a reproducible split.
    """
    import pandas as pd
    from sklearn.base import is_classifier

    kinds = {bool(is_classifier(model)) for model in models}
    if len(kinds) != 1:
        raise ValueError("can't compare classifiers with regressors")
    is_classes = kinds.pop()
    parts = fold_rows(data, target, is_classes, folds, seed)
    metrics: dict[str, dict[str, float]] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        scores = fold_scores(model, data, target, is_classes, parts)
        metrics[name] = {measure: float(values.mean()) for measure, values in scores.items()} | {
            f"{measure}_deviation": float(values.std()) for measure, values in scores.items()
        }
    table = pd.DataFrame(
        [
            {"model": title, **row}
            for title, row in zip(model_titles(models), metrics.values(), strict=True)
        ]
    )
    best_first = table.sort_values(
        "accuracy" if is_classes else "r2", ascending=False, kind="stable"
    )
    return Comparison(metrics, best_first.reset_index(drop=True))


@component(
    category="Evaluate", title="Predict", columns=rules.predict, needs=judged("model", "data")
)
def predict(
    model: PredictiveModel,
    data: Table,
    *,
    column: Annotated[str, Field(title="Prediction column")] = "prediction",
    probabilities: Annotated[bool, Field(title="Add class probabilities")] = False,
) -> Table:
    """Add a model's predictions to a table.

    model: Trained model.
    data: Input table. Columns that the model was not trained on are ignored.
    column: Name of the new column.
    probabilities: Add one probability column per class (classifiers only).
    """
    if not hasattr(model, "predict"):
        raise ValueError("this model can't predict rows that it was not trained on")
    features = features_of(model, data)
    result: Table = data.assign(**{column: model.predict(features)})
    if probabilities:
        if not hasattr(model, "predict_proba"):
            raise ValueError("this model does not provide probabilities")
        names = [f"{column}_{name}" for name in model.classes_]
        values = model.predict_proba(features)
        result = result.assign(**{name: values[:, n] for n, name in enumerate(names)})
    return result
