"""Train and test a model of any kind, in one node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Model, Table, component
from jupyter_mlws.components.tables import numeric, target_of

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
Task = Literal["auto", "classification", "regression"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
CLASSIFIERS = frozenset({"logistic_regression"})
"""Kinds of model that only tell classes apart."""
REGRESSORS = frozenset({"linear_regression", "ridge"})
"""Kinds of model that only predict numbers."""
IN_EPOCHS = frozenset({"logistic_regression", "mlp", "gradient_boosting"})
"""Kinds of model that are trained step by step, so that a number of epochs means something."""
MOST_CLASSES = 20
"""Whole numbers with more different values than this are taken for quantities, not classes."""
UNAVAILABLE = {
    "cnn": (
        "model_type cnn needs PyTorch (pip install 'jupyter-mlws[torch]'), and this version "
        "does not train it yet even where PyTorch is installed; choose another model_type.",
        "model_type 为 cnn 时需要 PyTorch（pip install 'jupyter-mlws[torch]'），且本版本即使已安装 "
        "PyTorch 也尚不能训练它；请选择其他 model_type。",
    )
}
"""Values that may be drawn and not yet run, and what is said then in English and Chinese."""


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
        ModelType, Field(json_schema_extra={"x-unavailable": UNAVAILABLE})
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
    epochs: Steps of training (mlp, logistic_regression, gradient_boosting); others ignore it.
    target: The column to predict; if empty, "target" or the last column.
    task: Tell classes apart or predict a number; auto goes by the target's values.
    test_size: The share of rows that is set aside to test.
    scale: Bring all columns to the same scale first.
    n_estimators: How many trees (random_forest, gradient_boosting).
    max_depth: How deep a tree may grow (the tree models).
    learning_rate: How much each step changes (gradient_boosting, mlp).
    C: Less is more regularisation (logistic_regression, svm).
    alpha: More is more regularisation (ridge).
    n_neighbors: How many neighbours are asked (k_neighbors).
    hidden_layers: How many neurons each layer has (mlp).
    seed: The same number makes the same model.
    """
    if model_type in UNAVAILABLE:
        raise ValueError(UNAVAILABLE[model_type][0])
    goal = target_of(data, target)
    kind = _task(data[goal], goal, model_type, task)
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
    estimator = _estimator(model_type, kind, given)
    train, held_back = (
        (data, test) if test is not None else _divided(data, goal, kind, given, test_size)
    )
    model = _fitted(estimator, train, goal, scale)
    measures = _measured(model, held_back, goal, kind)
    facts = {"model_type": model_type, "task": kind, "target": goal}
    rows = {"rows_train": len(train), "rows_test": len(held_back)}
    return Trained(model, {**facts, **measures, **rows})


def _task(
    values: Any, goal: str, model_type: str, asked: Task
) -> Literal["classification", "regression"]:
    """What kind of prediction the target's values ask for; refuses a model that cannot do it."""
    import pandas as pd

    if len(values) == 0:
        raise ValueError("the table has no rows")
    words = not numeric(values) or pd.api.types.is_bool_dtype(values)
    whole = words or bool((values.dropna() % 1 == 0).all())
    classes = words or (whole and values.nunique() <= MOST_CLASSES)
    if model_type in REGRESSORS or asked == "regression":
        if words:
            raise ValueError(f"{model_type} predicts numbers, and {goal!r} holds none")
        if model_type in CLASSIFIERS:
            raise ValueError(f"{model_type} tells classes apart; choose another for numbers")
        return "regression"
    if model_type in CLASSIFIERS or asked == "classification":
        if not whole:
            raise ValueError(
                f"{goal!r} holds numbers with fractions, which are no classes: choose "
                "linear_regression, ridge or another model that predicts numbers"
            )
        return "classification"
    return "classification" if classes else "regression"


def _estimator(model_type: str, kind: str, given: Mapping[str, Any]) -> Any:
    """The scikit-learn estimator, with what is given in place of its defaults."""
    makers = _classifiers(given) if kind == "classification" else _regressors(given)
    return makers[model_type]()


def _classifiers(given: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    seed = given["seed"]
    return {
        "random_forest": lambda: RandomForestClassifier(**_forest(given)),
        "gradient_boosting": lambda: GradientBoostingClassifier(**_boosting(given)),
        "decision_tree": lambda: DecisionTreeClassifier(
            max_depth=given["max_depth"], random_state=seed
        ),
        "logistic_regression": lambda: LogisticRegression(
            C=given["C"], max_iter=given["epochs"] or 1000, random_state=seed
        ),
        "svm": lambda: SVC(C=given["C"], random_state=seed),
        "k_neighbors": lambda: KNeighborsClassifier(n_neighbors=given["n_neighbors"]),
        "mlp": lambda: MLPClassifier(**_network(given)),
    }


def _regressors(given: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
    from sklearn.linear_model import LinearRegression, Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.svm import SVR
    from sklearn.tree import DecisionTreeRegressor

    seed = given["seed"]
    return {
        "random_forest": lambda: RandomForestRegressor(**_forest(given)),
        "gradient_boosting": lambda: GradientBoostingRegressor(**_boosting(given)),
        "decision_tree": lambda: DecisionTreeRegressor(
            max_depth=given["max_depth"], random_state=seed
        ),
        "svm": lambda: SVR(C=given["C"]),
        "k_neighbors": lambda: KNeighborsRegressor(n_neighbors=given["n_neighbors"]),
        "mlp": lambda: MLPRegressor(**_network(given)),
        "linear_regression": LinearRegression,
        "ridge": lambda: Ridge(alpha=given["alpha"], random_state=seed),
    }


def _forest(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "n_estimators": given["n_estimators"],
        "max_depth": given["max_depth"],
        "random_state": given["seed"],
    }


def _boosting(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # Each epoch adds a tree.
        "n_estimators": given["epochs"] or given["n_estimators"],
        "max_depth": given["max_depth"] or 3,
        "learning_rate": given["learning_rate"] or 0.1,
        "random_state": given["seed"],
    }


def _network(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hidden_layer_sizes": tuple(given["hidden_layers"]),
        "max_iter": given["epochs"] or 200,
        "learning_rate_init": given["learning_rate"] or 0.001,
        "random_state": given["seed"],
    }


def _divided(
    data: Table, goal: str, kind: str, given: Mapping[str, Any], share: float
) -> tuple[Table, Table]:
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
        data, test_size=tests, random_state=given["seed"], stratify=data[goal] if fits else None
    )
    return train, test


def _fitted(estimator: Any, data: Table, goal: str, scale: bool) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = data.drop(columns=[goal])
    words = [name for name in features if not numeric(features[name])]
    if words:
        raise ValueError(f"the columns {words} hold no numbers; encode them first")
    gaps = [name for name in data if data[name].isna().any()]
    if gaps:
        raise ValueError(f"values are missing in {gaps}; fill them or drop the rows first")
    steps = [StandardScaler(), estimator] if scale else [estimator]
    return make_pipeline(*steps).fit(features, data[goal].to_numpy())


def _measured(model: Any, test: Table, goal: str, kind: str) -> dict[str, float]:
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
