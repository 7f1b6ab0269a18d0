"""Train and test a model of any kind, in one node."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component, needs
from jupyter_mlws.components.artifacts import ColumnSteps, SupervisedModel
from jupyter_mlws.components.columns import predictor
from jupyter_mlws.components.estimators import Task, check_features, estimator, task_of
from jupyter_mlws.components.optional_dependencies import TORCH
from jupyter_mlws.components.parameters import (
    AppliesTo,
    Count,
    Labels,
    MaximumDepth,
    Positive,
    Prepare,
    Seed,
    Standardize,
    TargetColumn,
    Trees,
    unless_prepared,
)
from jupyter_mlws.components.preparation import (
    features_of,
    fit_options,
    preparing_pipeline,
    rows_with_target,
)
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
WITHOUT_NETWORKS = tuple(name for name in get_args(ModelType) if name != "cnn")
IN_EPOCHS = frozenset({"logistic_regression", "mlp", "gradient_boosting", "cnn"})
"""Kinds of model that are trained in epochs."""


class TrainingResult(NamedTuple):
    """A trained model and its metrics."""

    model: SupervisedModel
    metrics: Metrics


@component(
    category="Train",
    title="Model Training",
    columns=predictor,
    needs=unless_prepared(needs.any_learner),
)
def model_training(
    data: Table,
    test: Table | None = None,
    steps: ColumnSteps | None = None,
    *,
    model_type: Annotated[
        ModelType,
        Field(json_schema_extra={"x-needs": {"cnn": TORCH.schema()}}),
        Labels(
            svm="Support vector machine (SVM)",
            k_neighbors="K-nearest neighbors",
            mlp="Multilayer perceptron (MLP)",
            ridge="Ridge regression",
            cnn="Convolutional neural network (CNN)",
        ),
    ] = "random_forest",
    epochs: Annotated[
        Count | None,
        AppliesTo(model_type=("gradient_boosting", "logistic_regression", "mlp", "cnn")),
    ] = None,
    target: TargetColumn | None = None,
    preparation: Annotated[Prepare, AppliesTo(model_type=WITHOUT_NETWORKS)] = "none",
    task: Annotated[
        Task,
        AppliesTo(
            model_type=(
                "random_forest",
                "gradient_boosting",
                "decision_tree",
                "svm",
                "k_neighbors",
                "mlp",
                "cnn",
            )
        ),
    ] = "auto",
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.2,
    scale: Annotated[Standardize, AppliesTo(model_type=WITHOUT_NETWORKS)] = True,
    n_estimators: Annotated[
        Trees, AppliesTo(model_type=("random_forest", "gradient_boosting"))
    ] = 100,
    max_depth: Annotated[
        MaximumDepth, AppliesTo(model_type=("random_forest", "gradient_boosting", "decision_tree"))
    ] = None,
    learning_rate: Annotated[
        Positive | None, AppliesTo(model_type=("gradient_boosting", "mlp", "cnn"))
    ] = None,
    C: Annotated[  # noqa: N803  scikit-learn's name
        Positive,
        Field(title="Inverse regularization strength (C)"),
        AppliesTo(model_type=("logistic_regression", "svm")),
    ] = 1.0,
    alpha: Annotated[
        Positive, Field(title="Regularization strength (alpha)"), AppliesTo(model_type=("ridge",))
    ] = 1.0,
    n_neighbors: Annotated[
        Count, Field(title="Number of neighbors"), AppliesTo(model_type=("k_neighbors",))
    ] = 5,
    hidden_layers: Annotated[
        list[Count], Field(title="Hidden layer sizes"), AppliesTo(model_type=("mlp", "cnn"))
    ] = [100],  # noqa: B006  never changed
    seed: Seed = 0,
) -> TrainingResult:
    """Train a classification or regression model and evaluate it on held-out rows.

    data: Training data.
    test: Test data. If not connected, part of the training data is held out.
    steps: Steps of “Prepare Columns”, in place of the setting “Preparation”.
    model: Trained model.
    metrics: Metrics on the test data.
    model_type: Learning algorithm.
    epochs: Epochs (CNN, MLP), maximum iterations (logistic regression) or trees (gradient
        boosting). Leave empty for the default.
    target: Column to predict. Leave empty for the table's target column, “target” or the last one.
    preparation: Automatic encodes categories, dates and texts, fills gaps and ignores identifiers
        and constants, inside the model. None takes numbers without gaps only.
    task: Classification or regression. Auto decides by the values of the target column.
    test_size: Fraction of rows held out for testing.
    scale: Scale features to mean 0 and standard deviation 1 before training.
    n_estimators: Used by random forest and gradient boosting. For gradient boosting, “Epochs”
        overrides it.
    max_depth: Maximum depth of each tree. Leave empty for no limit (gradient boosting: 3).
    learning_rate: Step size of each update (gradient boosting, MLP, CNN). Leave empty for the
        default.
    C: Smaller values mean stronger regularization (logistic regression, SVM).
    alpha: Larger values mean stronger regularization (ridge regression).
    n_neighbors: Used by k-nearest neighbors.
    hidden_layers: Number of neurons in each hidden layer (MLP, CNN).
    seed: Seed for reproducible training.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if model_type == "cnn":
        if steps is not None:
            raise ValueError("a convolutional network prepares its columns itself: remove “steps”")
        TORCH.demand()
    goal = target_of(data, target)
    is_automatic = (steps is not None or preparation == "automatic") and model_type != "cnn"
    data = data[data[goal].notna()]
    kind = task_of(data[goal], goal, model_type, task)
    if epochs is not None and model_type not in IN_EPOCHS:
        print(f"epochs: {model_type} is not trained in epochs; ignored")  # noqa: T201
    settings = {
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
    if model_type == "cnn":
        # Imported here because it needs scikit-learn.
        from jupyter_mlws.components.networks import network, network_metrics

        untrained_model = network("cnn", kind, settings)
    else:
        untrained_model = estimator(model_type, kind, settings)
    train, held_back = (
        (data, test) if test is not None else split_rows(data, goal, kind, seed, test_size)
    )
    rows = rows_with_target(train, goal)
    truth = rows.target.to_numpy()
    if is_automatic:
        model = preparing_pipeline(untrained_model, rows, kind, model_type, scale, seed, steps)
        model.fit(rows.features, truth, **fit_options(model, rows))
    elif model_type == "cnn":
        # Networks check and scale their input themselves.
        model = untrained_model.fit(rows.features, truth)
    else:
        parts = [StandardScaler(), untrained_model] if scale else [untrained_model]
        model = make_pipeline(*parts).fit(check_features(rows.features), truth)
    measures = evaluate(model, held_back, goal, kind)
    summary = {"model_type": model_type, "task": kind, "target": goal}
    counts = {"rows_train": len(train), "rows_test": len(held_back)}
    network_facts = network_metrics(model) if model_type == "cnn" else {}
    return TrainingResult(model, {**summary, **measures, **counts, **network_facts})


def split_rows(data: Table, goal: str, kind: str, seed: int, share: float) -> tuple[Table, Table]:
    """Split rows into training and test rows, with equal shares of each class if possible."""
    import math

    from sklearn.model_selection import train_test_split

    if len(data) < 2:
        raise ValueError("the table has too few rows to split off a test set; connect a test table")
    # As scikit-learn rounds; of a few rows at least one must be left on each side.
    tests = min(max(1, math.ceil(len(data) * share)), len(data) - 1)
    counts = data[goal].value_counts()
    fits = kind == "classification" and counts.min() >= 2
    fits = fits and len(counts) <= min(tests, len(data) - tests)
    train, test = train_test_split(
        data, test_size=tests, random_state=seed, stratify=data[goal] if fits else None
    )
    return train, test


def evaluate(model: Any, test: Table, goal: str, kind: str) -> dict[str, float]:
    from sklearn import metrics

    rows = rows_with_target(test, goal)
    truth, predictions = rows.target.to_numpy(), model.predict(features_of(model, rows.features))
    if kind == "regression":
        return {
            "r2": float(metrics.r2_score(truth, predictions)) if len(truth) > 1 else float("nan"),
            "mae": float(metrics.mean_absolute_error(truth, predictions)),
            "rmse": float(metrics.mean_squared_error(truth, predictions)) ** 0.5,
        }
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, predictions, average="macro", zero_division=0
    )
    return {
        "accuracy": float(metrics.accuracy_score(truth, predictions)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }
