"""Judge models and use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.artifacts import (
    ClassifierModel,
    PredictiveModel,
    RegressorModel,
    SupervisedModel,
)
from jupyter_mlws.components.parameters import Seed, TargetColumn
from jupyter_mlws.components.preparation import features_of, rows_with_target
from jupyter_mlws.components.values import names_of

NUMBER_MEASURES = {
    "r2": "r2",
    "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error",
}
"""scikit-learn's words for our measures."""
ERRORS = frozenset({"mae", "rmse"})


class Comparison(NamedTuple):
    """Several models side by side."""

    metrics: Metrics
    table: Table


class ClassifierComparison(NamedTuple):
    """Several classifiers side by side, and the best of them."""

    metrics: Metrics
    table: Table
    best: ClassifierModel


class RegressorComparison(NamedTuple):
    """Several regressors side by side, and the best of them."""

    metrics: Metrics
    table: Table
    best: RegressorModel


@component(category="Evaluate", title="Compare Classifiers")
def compare_classifiers(
    models: list[ClassifierModel], test: Table, *, target: TargetColumn | None = None
) -> ClassifierComparison:
    """Evaluate one or more classifiers on the same test data: accuracy, balanced accuracy, and
    macro-averaged precision, recall and F1.

    models: Models to compare, labeled with their node names.
    test: Test data.
    metrics: Metrics of each model.
    table: Metrics as a table, best model first.
    best: The best model.
    target: Column with the true target values. Leave empty for the table's target column.
    """
    from sklearn.metrics import (
        accuracy_score,
        balanced_accuracy_score,
        precision_recall_fscore_support,
    )

    rows = rows_with_target(test, target)
    truth, features = rows.target, rows.features
    metrics: dict[str, dict[str, float]] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        predictions = model.predict(features_of(model, features))
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, predictions, average="macro", zero_division=0
        )
        metrics[name] = {
            "accuracy": float(accuracy_score(truth, predictions)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "balanced_accuracy": float(balanced_accuracy_score(truth, predictions)),
        }
    table = _best_first(metrics, "accuracy")
    return ClassifierComparison(metrics, table, models[list(metrics).index(table["model"][0])])


@component(category="Evaluate", title="Compare Regressors")
def compare_regressors(
    models: list[RegressorModel], test: Table, *, target: TargetColumn | None = None
) -> RegressorComparison:
    """Evaluate one or more regressors on the same test data: R², MAE and RMSE.

    models: Models to compare, labeled with their node names.
    test: Test data.
    metrics: Metrics of each model.
    table: Metrics as a table, best model first.
    best: The best model.
    target: Column with the true target values. Leave empty for the table's target column.
    """
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    rows = rows_with_target(test, target)
    truth, features = rows.target, rows.features
    metrics: dict[str, dict[str, float]] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        predictions = model.predict(features_of(model, features))
        metrics[name] = {
            "r2": float(r2_score(truth, predictions)),
            "mae": float(mean_absolute_error(truth, predictions)),
            "rmse": float(mean_squared_error(truth, predictions)) ** 0.5,
        }
    table = _best_first(metrics, "r2")
    return RegressorComparison(metrics, table, models[list(metrics).index(table["model"][0])])


@component(category="Evaluate", title="Cross-Validate")
def cross_validate(
    models: list[SupervisedModel],
    data: Table,
    *,
    target: TargetColumn | None = None,
    folds: Annotated[int, Field(ge=2)] = 5,
    seed: Seed = 0,
) -> Comparison:
    """K-fold cross-validation of one or more models.

    models: Models to cross-validate, labeled with their node names. Only their hyperparameters are
        used.
    data: Input table.
    metrics: Mean and standard deviation of each metric across the folds, per model.
    table: Metrics as a table, best model first.
    target: Column with the true target values. Leave empty for the table's target column.
    folds: Number of folds.
    seed: Seed for a reproducible split.
    """
    from sklearn.base import clone, is_classifier
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.model_selection import cross_validate as validate

    kinds = {bool(is_classifier(model)) for model in models}
    if len(kinds) != 1:
        raise ValueError("can't compare classifiers with regressors")
    classes = kinds.pop()
    parts = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=seed)
    measures = _class_measures() if classes else NUMBER_MEASURES
    rows = rows_with_target(data, target)
    truth, features = rows.target.to_numpy(), rows.features
    metrics: dict[str, dict[str, float]] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        results = validate(
            clone(model), features, truth, cv=parts, scoring=measures, error_score="raise"
        )
        scores = {measure: results[f"test_{measure}"] for measure in measures}
        # scikit-learn gives errors below zero, so that more is better.
        metrics[name] = {
            measure: abs(float(values.mean())) if measure in ERRORS else float(values.mean())
            for measure, values in scores.items()
        } | {f"{measure}_deviation": float(values.std()) for measure, values in scores.items()}
    return Comparison(metrics, _best_first(metrics, "accuracy" if classes else "r2"))


def _class_measures() -> dict[str, Any]:
    from sklearn.metrics import f1_score, make_scorer, precision_score, recall_score

    def macro(score: Any) -> Any:
        return make_scorer(score, average="macro", zero_division=0)

    return {
        "accuracy": "accuracy",
        "precision": macro(precision_score),
        "recall": macro(recall_score),
        "f1": macro(f1_score),
    }


def _best_first(metrics: Mapping[str, Mapping[str, float]], measure: str) -> Table:
    """Return a row for each model, by a measure of which more is better."""
    import pandas as pd

    rows: list[dict[str, Any]] = [{"model": name, **row} for name, row in metrics.items()]
    table = pd.DataFrame(rows).sort_values(measure, ascending=False, kind="stable")
    result: Table = table.reset_index(drop=True)
    return result


@component(category="Evaluate", title="Predict", columns=rules.predict)
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
