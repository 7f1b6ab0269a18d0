"""Train models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from jupyter_mlws.components import Model, Table, component

Classifier = Literal[
    "random_forest", "logistic_regression", "gradient_boosting", "decision_tree", "k_neighbors"
]
Regressor = Literal[
    "random_forest", "linear_regression", "ridge", "gradient_boosting", "decision_tree"
]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


@component(category="Train", title="Train classifier")
def train_classifier(
    data: Table,
    *,
    target: str = "target",
    algorithm: Classifier = "random_forest",
    n_estimators: Count = 100,
    max_depth: Count | None = None,
    learning_rate: Positive = 0.1,
    C: Positive = 1.0,  # noqa: N803  scikit-learn's name
    n_neighbors: Count = 5,
    scale: bool = True,
    random_state: Annotated[int, Field(ge=0)] = 0,
) -> Model:
    """Train a model that tells classes apart.

    data: The table to train on.
    target: The column to predict.
    algorithm: Which kind of model.
    n_estimators: How many trees (random_forest, gradient_boosting).
    max_depth: How deep a tree may grow (the tree models).
    learning_rate: How much each tree corrects (gradient_boosting).
    C: Less is more regularisation (logistic_regression).
    n_neighbors: How many neighbours vote (k_neighbors).
    scale: Bring all columns to the same scale first.
    random_state: The same number makes the same model.
    """
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    made = {
        "random_forest": lambda: RandomForestClassifier(
            n_estimators=n_estimators, max_depth=max_depth, random_state=random_state
        ),
        "logistic_regression": lambda: LogisticRegression(
            C=C, max_iter=1000, random_state=random_state
        ),
        "gradient_boosting": lambda: GradientBoostingClassifier(
            n_estimators=n_estimators,
            learning_rate=learning_rate,
            max_depth=max_depth or 3,
            random_state=random_state,
        ),
        "decision_tree": lambda: DecisionTreeClassifier(
            max_depth=max_depth, random_state=random_state
        ),
        "k_neighbors": lambda: KNeighborsClassifier(n_neighbors=n_neighbors),
    }
    return _fit(made[algorithm](), data, target, scale)


@component(category="Train", title="Train regressor")
def train_regressor(
    data: Table,
    *,
    target: str = "target",
    algorithm: Regressor = "random_forest",
    n_estimators: Count = 100,
    max_depth: Count | None = None,
    learning_rate: Positive = 0.1,
    alpha: Positive = 1.0,
    scale: bool = True,
    random_state: Annotated[int, Field(ge=0)] = 0,
) -> Model:
    """Train a model that predicts numbers.

    data: The table to train on.
    target: The column to predict.
    algorithm: Which kind of model.
    n_estimators: How many trees (random_forest, gradient_boosting).
    max_depth: How deep a tree may grow (the tree models).
    learning_rate: How much each tree corrects (gradient_boosting).
    alpha: More is more regularisation (ridge).
    scale: Bring all columns to the same scale first.
    random_state: The same number makes the same model.
    """
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
    from sklearn.linear_model import LinearRegression, Ridge
    from sklearn.tree import DecisionTreeRegressor

    made = {
        "random_forest": lambda: RandomForestRegressor(
            n_estimators=n_estimators, max_depth=max_depth, random_state=random_state
        ),
        "linear_regression": LinearRegression,
        "ridge": lambda: Ridge(alpha=alpha, random_state=random_state),
        "gradient_boosting": lambda: GradientBoostingRegressor(
            n_estimators=n_estimators,
            learning_rate=learning_rate,
            max_depth=max_depth or 3,
            random_state=random_state,
        ),
        "decision_tree": lambda: DecisionTreeRegressor(
            max_depth=max_depth, random_state=random_state
        ),
    }
    return _fit(made[algorithm](), data, target, scale)


def _fit(estimator: Any, data: Table, target: str, scale: bool) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if target not in data.columns:
        raise KeyError(f"the table has no column {target!r}; it has {list(data.columns)}")
    features = data.drop(columns=[target])
    steps = [StandardScaler(), estimator] if scale else [estimator]
    return make_pipeline(*steps).fit(features, data[target])
