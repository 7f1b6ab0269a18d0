"""Train models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Model, Table, component
from jupyter_mlws.components.estimators import checked

Classifier = Literal[
    "random_forest", "logistic_regression", "gradient_boosting", "decision_tree", "k_neighbors"
]
Regressor = Literal[
    "random_forest", "linear_regression", "ridge", "gradient_boosting", "decision_tree"
]
Clustering = Literal["k_means", "gaussian_mixture", "dbscan", "hierarchical"]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class Clustered(NamedTuple):
    """A model that groups rows, and the groups."""

    model: Model
    table: Table
    metrics: Metrics


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


@component(category="Train", title="Find clusters")
def train_clusters(
    data: Table,
    *,
    algorithm: Clustering = "k_means",
    clusters: Annotated[int, Field(ge=2)] = 3,
    distance: Positive = 0.5,
    min_rows: Count = 5,
    ignore: list[str] = ["target"],  # noqa: B006  never changed
    scale: bool = True,
    random_state: Annotated[int, Field(ge=0)] = 0,
) -> Clustered:
    """Group rows that are alike.

    data: The table.
    model: The model; those of dbscan and hierarchical know their own rows only.
    table: The table with the number of each row's cluster in the column "cluster".
    metrics: How many clusters there are, and how well they stand apart (silhouette, up to 1).
    algorithm: How groups are found.
    clusters: How many (k_means, gaussian_mixture, hierarchical).
    distance: How near rows of a cluster are (dbscan).
    min_rows: How many near rows make a cluster (dbscan); rows that have fewer are in cluster -1.
    ignore: Columns that say nothing of how alike rows are, such as a class.
    scale: Bring all columns to the same scale first.
    random_state: The same number makes the same model.
    """
    from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.mixture import GaussianMixture
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    made: dict[str, Callable[[], Any]] = {
        "k_means": lambda: KMeans(n_clusters=clusters, n_init=10, random_state=random_state),
        "gaussian_mixture": lambda: GaussianMixture(
            n_components=clusters, random_state=random_state
        ),
        "dbscan": lambda: DBSCAN(eps=distance, min_samples=min_rows),
        "hierarchical": lambda: AgglomerativeClustering(n_clusters=clusters),
    }
    features = checked(data.drop(columns=[name for name in ignore if name in data.columns]))
    model = make_pipeline(*([StandardScaler()] if scale else []), made[algorithm]())
    # Threads add up the centres in the order in which they end: other bytes each time.
    with threadpool_limits(1):
        labels = model.fit_predict(features)
    count = len(set(labels) - {-1})
    inside = labels >= 0
    metrics: dict[str, Any] = {"clusters": count, "rows_outside": int((~inside).sum())}
    if 2 <= count < int(inside.sum()):
        places = model[:-1].transform(features) if scale else features.to_numpy()
        metrics["silhouette"] = float(silhouette_score(places[inside], labels[inside]))
    return Clustered(model, data.assign(cluster=labels), metrics)


def _fit(estimator: Any, data: Table, target: str, scale: bool) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if target not in data.columns:
        raise KeyError(f"the table has no column {target!r}; it has {list(data.columns)}")
    features = data.drop(columns=[target])
    steps = [StandardScaler(), estimator] if scale else [estimator]
    return make_pipeline(*steps).fit(features, data[target])
