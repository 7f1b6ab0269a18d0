"""Train models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component, needs
from jupyter_mlws.components.artifacts import (
    ClassifierModel,
    ClusteringModel,
    ColumnSteps,
    RegressorModel,
)
from jupyter_mlws.components.columns import like, predictor
from jupyter_mlws.components.estimators import DEFAULTS, Task, check_features, estimator
from jupyter_mlws.components.folds import FOLD_SCORES, fold_rows, fold_scores
from jupyter_mlws.components.kinds import columns_with_role
from jupyter_mlws.components.optional_dependencies import BOOSTING_LABELS, BOOSTING_NEEDS
from jupyter_mlws.components.parameters import (
    AppliesTo,
    ColumnName,
    Count,
    ExcludedColumns,
    Folds,
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
    Preparation,
    Rows,
    fit_options,
    preparing_pipeline,
    rows_with_target,
)
from jupyter_mlws.components.tables import target_of

Classifier = Literal[
    "baseline",
    "random_forest",
    "logistic_regression",
    "gradient_boosting",
    "hist_gradient_boosting",
    "xgboost",
    "lightgbm",
    "decision_tree",
    "svm",
    "k_neighbors",
]
Regressor = Literal[
    "baseline",
    "naive",
    "random_forest",
    "linear_regression",
    "ridge",
    "gradient_boosting",
    "hist_gradient_boosting",
    "xgboost",
    "lightgbm",
    "decision_tree",
    "svm",
]
BOOSTING = ("gradient_boosting", "hist_gradient_boosting", "xgboost", "lightgbm")
LEARN_FEATURES = tuple(sorted({*get_args(Classifier), *get_args(Regressor)} - {"baseline"}))
"""Algorithms but for the baseline, which looks at the target alone."""
BASELINE = "Baseline (guesses)"
HISTOGRAM = "Gradient boosting (histogram)"
SVM = "Support vector machine"
Clustering = Literal["k_means", "gaussian_mixture", "dbscan", "hierarchical"]


class ClusteringResult(NamedTuple):
    """A clustering model, the table with cluster numbers, and the metrics."""

    model: ClusteringModel
    table: Table
    metrics: Metrics


@component(
    category="Train",
    title="Train Classifier",
    columns=predictor,
    needs=unless_prepared(needs.classifier),
)
def train_classifier(
    data: Table,
    steps: ColumnSteps | None = None,
    *,
    target: TargetColumn | None = None,
    preparation: Annotated[Prepare, AppliesTo(algorithm=LEARN_FEATURES)] = "none",
    algorithm: Annotated[
        Classifier,
        Field(json_schema_extra=BOOSTING_NEEDS),
        Labels(
            baseline=BASELINE,
            k_neighbors="K-nearest neighbors",
            svm=SVM,
            hist_gradient_boosting=HISTOGRAM,
            **BOOSTING_LABELS,
        ),
    ] = "random_forest",
    n_estimators: Annotated[Trees, AppliesTo(algorithm=("random_forest", *BOOSTING))] = 100,
    max_depth: Annotated[
        MaximumDepth, AppliesTo(algorithm=("random_forest", *BOOSTING, "decision_tree"))
    ] = None,
    learning_rate: Annotated[Positive, AppliesTo(algorithm=BOOSTING)] = 0.1,
    C: Annotated[  # noqa: N803  scikit-learn's name
        Positive,
        Field(title="Inverse regularization strength (C)"),
        AppliesTo(algorithm=("logistic_regression", "svm")),
    ] = 1.0,
    n_neighbors: Annotated[
        Count, Field(title="Number of neighbors"), AppliesTo(algorithm=("k_neighbors",))
    ] = 5,
    scale: Standardize = True,
    random_state: Annotated[
        Seed, AppliesTo(algorithm=("random_forest", *BOOSTING, "decision_tree"))
    ] = 0,
    cross_validation: Folds | None = None,
) -> ClassifierModel:
    """Train a classification model (random forest, logistic regression, gradient boosting,
    decision tree, support vector machine or k-nearest neighbors).

    data: Training data.
    steps: Steps of “Prepare Columns”, in place of the setting “Preparation”.
    target: Column to predict. Leave empty for the table's target column.
    preparation: Automatic encodes categories, dates and texts, fills gaps and ignores identifiers
        and constants, inside the model. None takes numbers without gaps only.
    algorithm: Learning algorithm. XGBoost and LightGBM are optional packages.
    n_estimators: Used by random forest and gradient boosting.
    max_depth: Maximum depth of each tree. Leave empty for no limit (gradient boosting: 3).
    learning_rate: Contribution of each tree (gradient boosting). Smaller values need more trees.
    C: Smaller values mean stronger regularization (logistic regression, support vector machine).
    n_neighbors: Used by k-nearest neighbors.
    scale: Scale features to mean 0 and standard deviation 1 before training.
    random_state: Seed for reproducible training.
    cross_validation: Parts of the training data that judge models of the other parts in turn; a
        comparison shows the mean. Leave empty for none.
    """
    settings = {
        "n_estimators": n_estimators,
        "max_depth": max_depth,
        "learning_rate": learning_rate,
        "C": C,
        "n_neighbors": n_neighbors,
        "seed": random_state,
    }
    model = estimator(algorithm, "classification", {**DEFAULTS, **settings})
    preparing = (preparation, algorithm, scale, random_state)
    return _fit(model, data, steps, target, "classification", *preparing, cross_validation)


@component(
    category="Train",
    title="Train Regressor",
    columns=predictor,
    needs=unless_prepared(needs.regressor),
)
def train_regressor(
    data: Table,
    steps: ColumnSteps | None = None,
    *,
    target: TargetColumn | None = None,
    preparation: Annotated[Prepare, AppliesTo(algorithm=LEARN_FEATURES)] = "none",
    algorithm: Annotated[
        Regressor,
        Field(json_schema_extra=BOOSTING_NEEDS),
        Labels(
            baseline=BASELINE,
            naive="Naive forecast (repeats a value)",
            ridge="Ridge regression",
            svm=SVM,
            hist_gradient_boosting=HISTOGRAM,
            **BOOSTING_LABELS,
        ),
    ] = "random_forest",
    repeat: Annotated[
        ColumnName | None, Field(title="Column to repeat"), AppliesTo(algorithm=("naive",))
    ] = None,
    n_estimators: Annotated[Trees, AppliesTo(algorithm=("random_forest", *BOOSTING))] = 100,
    max_depth: Annotated[
        MaximumDepth, AppliesTo(algorithm=("random_forest", *BOOSTING, "decision_tree"))
    ] = None,
    learning_rate: Annotated[Positive, AppliesTo(algorithm=BOOSTING)] = 0.1,
    alpha: Annotated[
        Positive, Field(title="Regularization strength (alpha)"), AppliesTo(algorithm=("ridge",))
    ] = 1.0,
    C: Annotated[  # noqa: N803  scikit-learn's name
        Positive,
        Field(title="Inverse regularization strength (C)"),
        AppliesTo(algorithm=("svm",)),
    ] = 1.0,
    scale: Standardize = True,
    random_state: Annotated[
        Seed, AppliesTo(algorithm=("random_forest", *BOOSTING, "decision_tree"))
    ] = 0,
    cross_validation: Folds | None = None,
) -> RegressorModel:
    """Train a regression model (random forest, linear regression, ridge, gradient boosting,
    decision tree or support vector machine).

    data: Training data.
    steps: Steps of “Prepare Columns”, in place of the setting “Preparation”.
    target: Column to predict. Leave empty for the table's target column.
    preparation: Automatic encodes categories, dates and texts, fills gaps and ignores identifiers
        and constants, inside the model. None takes numbers without gaps only.
    algorithm: Learning algorithm. XGBoost and LightGBM are optional packages.
    repeat: Column whose value is predicted (naive forecast). Leave empty for the target of the row
        before, which “Add Lags” adds.
    n_estimators: Used by random forest and gradient boosting.
    max_depth: Maximum depth of each tree. Leave empty for no limit (gradient boosting: 3).
    learning_rate: Contribution of each tree (gradient boosting). Smaller values need more trees.
    alpha: Larger values mean stronger regularization (ridge regression).
    C: Smaller values mean stronger regularization (support vector machine).
    scale: Scale features to mean 0 and standard deviation 1 before training.
    random_state: Seed for reproducible training.
    cross_validation: Parts of the training data that judge models of the other parts in turn; a
        comparison shows the mean. Leave empty for none.
    """
    settings = {
        "n_estimators": n_estimators,
        "max_depth": max_depth,
        "learning_rate": learning_rate,
        "alpha": alpha,
        "C": C,
        "seed": random_state,
    }
    if algorithm == "naive":
        from jupyter_mlws.components.naive_models import NaiveRegressor

        model: Any = NaiveRegressor(repeat or f"{target_of(data, target)}_lag_1")
    else:
        model = estimator(algorithm, "regression", {**DEFAULTS, **settings})
    preparing = (preparation, algorithm, scale, random_state)
    return _fit(model, data, steps, target, "regression", *preparing, cross_validation)


@component(
    category="Train",
    title="Find Clusters",
    columns=like("data", add={"cluster": "integer"}),
    needs=unless_prepared(needs.clusters),
)
def train_clusters(
    data: Table,
    steps: ColumnSteps | None = None,
    *,
    algorithm: Annotated[Clustering, Labels(k_means="K-means", dbscan="DBSCAN")] = "k_means",
    clusters: Annotated[
        int, Field(ge=2), AppliesTo(algorithm=("k_means", "gaussian_mixture", "hierarchical"))
    ] = 3,
    distance: Annotated[
        Positive, Field(title="Maximum distance (eps)"), AppliesTo(algorithm=("dbscan",))
    ] = 0.5,
    min_rows: Annotated[
        Count, Field(title="Minimum samples"), AppliesTo(algorithm=("dbscan",))
    ] = 5,
    ignore: ExcludedColumns = ["target"],  # noqa: B006  never changed
    preparation: Prepare = "none",
    scale: Standardize = True,
    random_state: Annotated[Seed, AppliesTo(algorithm=("k_means", "gaussian_mixture"))] = 0,
) -> ClusteringResult:
    """Cluster rows (k-means, Gaussian mixture, DBSCAN, hierarchical).

    data: Input table.
    steps: Steps of “Prepare Columns”, in place of the setting “Preparation”.
    model: Fitted model. DBSCAN and hierarchical models cannot assign new rows to clusters.
    table: Table with the cluster number of each row in the column “cluster”.
    metrics: Number of clusters and silhouette score.
    algorithm: Clustering algorithm.
    clusters: Number of clusters (k-means, Gaussian mixture, hierarchical).
    distance: Rows within this distance of each other are neighbors (DBSCAN).
    min_rows: Neighbors, including the row itself, that make a row the core of a cluster (DBSCAN).
        Rows in no cluster get the number -1.
    ignore: Columns to leave out of the clustering, such as a known class.
    preparation: Automatic encodes categories, dates and texts, fills gaps and ignores identifiers
        and constants, inside the model. None takes numbers without gaps only.
    scale: Scale features to mean 0 and standard deviation 1 before training.
    random_state: Seed for reproducible training.
    """
    from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.mixture import GaussianMixture
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    factories: dict[str, Callable[[], Any]] = {
        "k_means": lambda: KMeans(n_clusters=clusters, n_init=10, random_state=random_state),
        "gaussian_mixture": lambda: GaussianMixture(
            n_components=clusters, random_state=random_state
        ),
        "dbscan": lambda: DBSCAN(eps=distance, min_samples=min_rows),
        "hierarchical": lambda: AgglomerativeClustering(n_clusters=clusters),
    }
    others = {*ignore, *columns_with_role(data, "target", "ignored", "group", "weight")}
    features = data.drop(columns=[name for name in data.columns if name in others])
    if steps is not None or preparation == "automatic":
        ignored = data[columns_with_role(data, "ignored")]
        rows = Rows(features, None, None, 0, ignored)
        model = preparing_pipeline(
            factories[algorithm](), rows, "clustering", algorithm, scale, random_state, steps
        )
    else:
        check_features(features)
        model = make_pipeline(*([StandardScaler()] if scale else []), factories[algorithm]())
    # Threads add up the centres in the order in which they end: other bytes each time.
    with threadpool_limits(1):
        labels = model.fit_predict(features)
    count = len(set(labels) - {-1})
    inside = labels >= 0
    metrics: dict[str, Any] = {"clusters": count, "rows_outside": int((~inside).sum())}
    if 2 <= count < int(inside.sum()):
        places = model[:-1].transform(features) if len(model) > 1 else features.to_numpy()
        metrics["silhouette"] = float(silhouette_score(places[inside], labels[inside]))
    return ClusteringResult(model, data.assign(cluster=labels), metrics)


def _fit(
    model: Any,
    data: Table,
    steps: Any,
    target: str | None,
    kind: Task,
    preparation: Preparation,
    algorithm: str,
    scale: bool,
    seed: int,
    folds: int | None,
) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    goal = target_of(data, target)
    rows = rows_with_target(data, goal)
    truth: Any = rows.target.to_numpy()
    options: dict[str, Any] = {}
    if algorithm in ("baseline", "naive"):
        # They look at the target, or at one column.
        untrained_model = model
    elif steps is not None or preparation == "automatic":
        untrained_model = preparing_pipeline(model, rows, kind, algorithm, scale, seed, steps)
        options = fit_options(untrained_model, rows)
    else:
        parts = [StandardScaler(), model] if scale else [model]
        untrained_model, truth = make_pipeline(*parts), rows.target
    scores = {}
    if folds:
        is_classes = kind == "classification"
        groups = fold_rows(data, goal, is_classes, folds, seed)
        scores = fold_scores(untrained_model, data, goal, is_classes, groups, options)
        for measure, values in scores.items():
            print(f"{folds} folds: {measure} {values.mean():.3g} ± {values.std():.2g}")  # noqa: T201
    trained_model = untrained_model.fit(rows.features, truth, **options)
    if scores:
        setattr(trained_model, FOLD_SCORES, {name: one.tolist() for name, one in scores.items()})
    return trained_model
