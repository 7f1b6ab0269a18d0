"""Estimators of scikit-learn by their names in settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.comparison import model_titles
from jupyter_mlws.components.failures import value_fault
from jupyter_mlws.components.optional_dependencies import LIGHTGBM, XGBOOST
from jupyter_mlws.components.preparation import features_of, rows_with_target
from jupyter_mlws.components.tables import numeric

Task = Literal["auto", "classification", "regression"]
CLASSIFIERS = frozenset({"logistic_regression"})
"""Kinds of model for classification only."""
REGRESSORS = frozenset({"linear_regression", "ridge"})
"""Kinds of model for regression only."""
MAX_CLASSES = 20
"""Integers with more distinct values than this are quantities, not classes."""
DEFAULTS: Mapping[str, Any] = {
    "epochs": None,
    "n_estimators": 100,
    "max_depth": None,
    "learning_rate": None,
    "C": 1.0,
    "alpha": 1.0,
    "n_neighbors": 5,
    "hidden_layers": [100],
    "seed": 0,
}
"""Settings of an estimator, unless others are given."""


def task_of(
    values: Any, goal: str, model_type: str, task: Task
) -> Literal["classification", "regression"]:
    """Return the task that suits the target's values; raise ValueError if the model can't do it."""
    import pandas as pd

    if len(values) == 0:
        raise ValueError("the table has no rows")
    words = not numeric(values) or pd.api.types.is_bool_dtype(values)
    whole = words or bool((values.dropna() % 1 == 0).all())
    classes = words or (whole and values.nunique() <= MAX_CLASSES)
    if model_type in REGRESSORS or task == "regression":
        if words:
            raise ValueError(f"regression needs a numeric target, but {goal!r} is not numeric")
        if model_type in CLASSIFIERS:
            raise ValueError(f"{model_type} is a classification model; choose a regression model")
        return "regression"
    if model_type in CLASSIFIERS or task == "classification":
        if not whole:
            raise ValueError(
                f"{goal!r} has fractional values, which cannot be classes: choose "
                "linear_regression, ridge or another regression model"
            )
        return "classification"
    return "classification" if classes else "regression"


def estimator(model_type: str, kind: str, settings: Mapping[str, Any]) -> Any:
    """Return a scikit-learn estimator with ``settings`` in place of its defaults."""
    if model_type in ("xgboost", "lightgbm"):
        return _library_estimator(model_type, kind, settings)
    makers = _classifiers(settings) if kind == "classification" else _regressors(settings)
    return makers[model_type]()


def _classifiers(settings: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    seed = settings["seed"]
    return {
        "baseline": DummyClassifier,
        "random_forest": lambda: RandomForestClassifier(**_forest(settings)),
        "gradient_boosting": lambda: GradientBoostingClassifier(**_boosting(settings)),
        "hist_gradient_boosting": lambda: HistGradientBoostingClassifier(**_histogram(settings)),
        "decision_tree": lambda: DecisionTreeClassifier(
            max_depth=settings["max_depth"], random_state=seed
        ),
        "logistic_regression": lambda: LogisticRegression(
            C=settings["C"], max_iter=settings["epochs"] or 1000, random_state=seed
        ),
        "svm": lambda: SVC(C=settings["C"], random_state=seed),
        "k_neighbors": lambda: KNeighborsClassifier(n_neighbors=settings["n_neighbors"]),
        "mlp": lambda: MLPClassifier(**_network(settings)),
    }


def _regressors(settings: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    from sklearn.dummy import DummyRegressor
    from sklearn.ensemble import (
        GradientBoostingRegressor,
        HistGradientBoostingRegressor,
        RandomForestRegressor,
    )
    from sklearn.linear_model import LinearRegression, Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.neural_network import MLPRegressor
    from sklearn.svm import SVR
    from sklearn.tree import DecisionTreeRegressor

    seed = settings["seed"]
    return {
        "baseline": DummyRegressor,
        "random_forest": lambda: RandomForestRegressor(**_forest(settings)),
        "gradient_boosting": lambda: GradientBoostingRegressor(**_boosting(settings)),
        "hist_gradient_boosting": lambda: HistGradientBoostingRegressor(**_histogram(settings)),
        "decision_tree": lambda: DecisionTreeRegressor(
            max_depth=settings["max_depth"], random_state=seed
        ),
        "svm": lambda: SVR(C=settings["C"]),
        "k_neighbors": lambda: KNeighborsRegressor(n_neighbors=settings["n_neighbors"]),
        "mlp": lambda: MLPRegressor(**_network(settings)),
        "linear_regression": LinearRegression,
        "ridge": lambda: Ridge(alpha=settings["alpha"], random_state=seed),
    }


def _forest(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "n_estimators": settings["n_estimators"],
        "max_depth": settings["max_depth"],
        "random_state": settings["seed"],
    }


def _boosting(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # Each epoch adds a tree.
        "n_estimators": settings["epochs"] or settings["n_estimators"],
        "max_depth": settings["max_depth"] or 3,
        "learning_rate": settings["learning_rate"] or 0.1,
        "random_state": settings["seed"],
    }


def _histogram(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "max_iter": settings["epochs"] or settings["n_estimators"],
        "max_depth": settings["max_depth"],
        "learning_rate": settings["learning_rate"] or 0.1,
        "random_state": settings["seed"],
    }


def _library_estimator(library: str, kind: str, settings: Mapping[str, Any]) -> Any:
    """Return an estimator of XGBoost or LightGBM, which are optional."""
    classes, depth = kind == "classification", settings["max_depth"]
    options = {
        "n_estimators": settings["epochs"] or settings["n_estimators"],
        "learning_rate": settings["learning_rate"] or 0.1,
        "random_state": settings["seed"],
    }
    if library == "xgboost":
        XGBOOST.demand()
        from xgboost import XGBRegressor

        from jupyter_mlws.components.xgboost_models import LabeledXGBClassifier

        return (LabeledXGBClassifier if classes else XGBRegressor)(max_depth=depth, **options)
    LIGHTGBM.demand()
    from lightgbm import LGBMClassifier, LGBMRegressor

    # Equal runs give equal bytes.
    options |= {"deterministic": True, "force_row_wise": True, "verbose": -1}
    return (LGBMClassifier if classes else LGBMRegressor)(max_depth=depth or -1, **options)


def _network(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hidden_layer_sizes": tuple(settings["hidden_layers"]),
        "max_iter": settings["epochs"] or 200,
        "learning_rate_init": settings["learning_rate"] or 0.001,
        "random_state": settings["seed"],
    }


def class_probabilities(
    models: Sequence[Any], test: Table, target: str | None
) -> Iterator[tuple[str, Any, Any]]:
    """Yield a label, whether each row is of the class, and its predicted probability.

    One for each class of each model against the rest; of two classes, the second alone.
    """
    rows = rows_with_target(test, target)
    features, truth = rows.features, rows.target.to_numpy()
    for name, model in zip(model_titles(models), models, strict=True):
        probabilities = model.predict_proba(features_of(model, features))
        classes = model.classes_
        for n in range(1 if len(classes) == 2 else 0, len(classes)):
            yield f"{name}: {classes[n]}", truth == classes[n], probabilities[:, n]


def check_features(data: Table, goal: str | None = None) -> Table:
    """Return the feature columns; raise ValueError for text columns and missing values."""
    features = data if goal is None else data.drop(columns=[goal])
    fault = value_fault(features, "text") or value_fault(data, "missing")
    if fault:
        raise ValueError(fault)
    return features
