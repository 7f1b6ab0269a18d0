"""Judge models and use them."""

from __future__ import annotations

from typing import Any, NamedTuple

from jupyter_mlws.components import Metrics, Model, Table, component
from jupyter_mlws.components.values import names_of


class Comparison(NamedTuple):
    """Several models side by side."""

    metrics: Metrics
    table: Table


@component(category="Evaluate", title="Compare classifiers")
def compare_classifiers(models: list[Model], test: Table, *, target: str = "target") -> Comparison:
    """Test one or more classifiers on the same data: accuracy, precision, recall, F1.

    models: The models, each named after its node.
    test: The table to test on.
    metrics: The measures of each model.
    table: The same measures as a table, the best model first.
    target: The column that the models predict.
    """
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    truth, features = test[target], test.drop(columns=[target])
    measured: dict[str, dict[str, float]] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        predicted = model.predict(features)
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, predicted, average="macro", zero_division=0
        )
        measured[name] = {
            "accuracy": float(accuracy_score(truth, predicted)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        }
    return _compared(measured, best="accuracy", largest=True)


@component(category="Evaluate", title="Compare regressors")
def compare_regressors(models: list[Model], test: Table, *, target: str = "target") -> Comparison:
    """Test one or more regressors on the same data: R², mean absolute and squared error.

    models: The models, each named after its node.
    test: The table to test on.
    metrics: The measures of each model.
    table: The same measures as a table, the best model first.
    target: The column that the models predict.
    """
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    truth, features = test[target], test.drop(columns=[target])
    measured: dict[str, dict[str, float]] = {}
    for name, model in zip(names_of(models, "model"), models, strict=True):
        predicted = model.predict(features)
        measured[name] = {
            "r2": float(r2_score(truth, predicted)),
            "mae": float(mean_absolute_error(truth, predicted)),
            "rmse": float(root_mean_squared_error(truth, predicted)),
        }
    return _compared(measured, best="r2", largest=True)


def _compared(measured: dict[str, dict[str, float]], best: str, largest: bool) -> Comparison:
    import pandas as pd

    rows: list[dict[str, Any]] = [{"model": name, **row} for name, row in measured.items()]
    table = pd.DataFrame(rows).sort_values(best, ascending=not largest, kind="stable")
    return Comparison(dict(measured), table.reset_index(drop=True))


@component(category="Evaluate", title="Predict")
def predict(model: Model, data: Table, *, column: str = "prediction") -> Table:
    """Add a model's predictions to a table.

    model: The model.
    data: The table; columns that the model was not trained on are ignored.
    column: The name of the new column.
    """
    known = getattr(model, "feature_names_in_", None)
    features = data[list(known)] if known is not None else data
    predicted: Table = data.assign(**{column: model.predict(features)})
    return predicted
