"""Train and test a model of any kind, in one node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Model, Table, component
from jupyter_mlws.components.estimators import Task, checked, estimator, task_of
from jupyter_mlws.components.extras import TORCH
from jupyter_mlws.components.tables import target_of

ModelType = Literal[
    "random_forest",
    "gradient_boosting",
    "decision_tree",
    "logistic_regression",
    "svm",
    "k_neighbors",
    "mlp",
    "linear_regression",
    "ridge",
    "cnn",
]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
IN_EPOCHS = frozenset({"logistic_regression", "mlp", "gradient_boosting", "cnn"})
"""Kinds of model that are trained step by step, so that a number of epochs means something."""


class Trained(NamedTuple):
    """A model and how well it does."""

    model: Model
    metrics: Metrics


@component(category="Train", title="Model training")
def model_training(
    data: Table,
    test: Table | None = None,
    *,
    model_type: Annotated[
        ModelType, Field(json_schema_extra={"x-needs": {"cnn": TORCH.schema()}})
    ] = "random_forest",
    epochs: Count | None = None,
    target: str | None = None,
    task: Task = "auto",
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    scale: bool = True,
    n_estimators: Count = 100,
    max_depth: Count | None = None,
    learning_rate: Positive | None = None,
    C: Positive = 1.0,  # noqa: N803  scikit-learn's name
    alpha: Positive = 1.0,
    n_neighbors: Count = 5,
    hidden_layers: list[Count] = [100],  # noqa: B006  never changed
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Trained:
    """Train a model and measure it on rows that it has not seen.

    data: The table to train on.
    test: The table to test on; if not connected, a part of the data is set aside.
    model: The trained model.
    metrics: How well it predicts the rows of the test.
    model_type: Which kind of model.
    epochs: Steps of training (cnn, mlp, logistic_regression, gradient_boosting); others ignore it.
    target: The column to predict; if empty, "target" or the last column.
    task: Tell classes apart or predict a number; auto goes by the target's values.
    test_size: The share of rows that is set aside to test.
    scale: Bring all columns to the same scale first.
    n_estimators: How many trees (random_forest, gradient_boosting).
    max_depth: How deep a tree may grow (the tree models).
    learning_rate: How much each step changes (gradient_boosting, mlp, cnn).
    C: Less is more regularisation (logistic_regression, svm).
    alpha: More is more regularisation (ridge).
    n_neighbors: How many neighbours are asked (k_neighbors).
    hidden_layers: How many neurons each layer has (mlp, cnn).
    seed: The same number makes the same model.
    """
    if model_type == "cnn":
        TORCH.demand()
    goal = target_of(data, target)
    kind = task_of(data[goal], goal, model_type, task)
    if epochs is not None and model_type not in IN_EPOCHS:
        print(f"epochs: {model_type} is not trained in epochs; ignored")  # noqa: T201
    given = {
        "epochs": epochs,
        "n_estimators": n_estimators,
        "max_depth": max_depth,
        "learning_rate": learning_rate,
        "C": C,
        "alpha": alpha,
        "n_neighbors": n_neighbors,
        "hidden_layers": hidden_layers,
        "seed": seed,
    }
    made = _network(kind, given) if model_type == "cnn" else estimator(model_type, kind, given)
    train, held_back = (
        (data, test) if test is not None else divided(data, goal, kind, seed, test_size)
    )
    model = _fitted(made, train, goal, scale)
    measures = measured(model, held_back, goal, kind)
    said = {"model_type": model_type, "task": kind, "target": goal}
    rows = {"rows_train": len(train), "rows_test": len(held_back)}
    learned = _learned(model) if model_type == "cnn" else {}
    return Trained(model, {**said, **measures, **rows, **learned})


def _network(kind: str, given: Mapping[str, Any]) -> Any:
    from jupyter_mlws.components.networks import network

    return network("cnn", kind, given)


def _learned(model: Any) -> dict[str, Any]:
    from jupyter_mlws.components.networks import facts

    return facts(model)


def divided(data: Table, goal: str, kind: str, seed: int, share: float) -> tuple[Table, Table]:
    """The rows to train on and those to test on, with equal shares of each class if possible."""
    import math

    from sklearn.model_selection import train_test_split

    if len(data) < 2:
        raise ValueError("the table has too few rows to set some aside; connect a table to test on")
    # As scikit-learn rounds; of a few rows at least one must be left on each side.
    tests = min(max(1, math.ceil(len(data) * share)), len(data) - 1)
    counts = data[goal].value_counts()
    fits = kind == "classification" and counts.min() >= 2
    fits = fits and len(counts) <= min(tests, len(data) - tests)
    train, test = train_test_split(
        data, test_size=tests, random_state=seed, stratify=data[goal] if fits else None
    )
    return train, test


def _fitted(made: Any, data: Table, goal: str, scale: bool) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if hasattr(made, "network"):
        # Networks look at what they are given themselves, and bring it to one scale.
        return made.fit(data.drop(columns=[goal]), data[goal].to_numpy())
    features = checked(data, goal)
    steps = [StandardScaler(), made] if scale else [made]
    return make_pipeline(*steps).fit(features, data[goal].to_numpy())


def measured(model: Any, test: Table, goal: str, kind: str) -> dict[str, float]:
    from sklearn import metrics

    truth, predicted = test[goal].to_numpy(), model.predict(test.drop(columns=[goal]))
    if kind == "regression":
        return {
            "r2": float(metrics.r2_score(truth, predicted)) if len(truth) > 1 else float("nan"),
            "mae": float(metrics.mean_absolute_error(truth, predicted)),
            "rmse": float(metrics.mean_squared_error(truth, predicted)) ** 0.5,
        }
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predicted, average="macro", zero_division=0
    )
    return {
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }
