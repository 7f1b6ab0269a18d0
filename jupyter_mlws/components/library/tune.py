"""Search for the best hyperparameters of a model."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component, needs
from jupyter_mlws.components.artifacts import ColumnSteps, SupervisedModel
from jupyter_mlws.components.columns import predictor
from jupyter_mlws.components.estimators import DEFAULTS, Task, check_features, estimator, task_of
from jupyter_mlws.components.optional_dependencies import BOOSTING_LABELS, BOOSTING_NEEDS
from jupyter_mlws.components.parameters import (
    AppliesTo,
    Labels,
    Prepare,
    Seed,
    Standardize,
    TargetColumn,
    unless_prepared,
)
from jupyter_mlws.components.preparation import (
    fit_options,
    preparing_pipeline,
    rows_with_target,
)
from jupyter_mlws.components.tables import target_of

Algorithm = Literal[
    "random_forest",
    "gradient_boosting",
    "xgboost",
    "lightgbm",
    "decision_tree",
    "logistic_regression",
    "svm",
    "k_neighbors",
    "ridge",
]
Measure = Literal["auto", "accuracy", "f1_macro", "roc_auc_ovr", "r2", "neg_mean_absolute_error"]
DEFAULT_GRIDS: dict[str, list[str]] = {
    "random_forest": ["n_estimators=50,100,200", "max_depth=none,5,10"],
    "gradient_boosting": ["n_estimators=50,100", "learning_rate=0.03,0.1,0.3"],
    "xgboost": ["n_estimators=50,100", "learning_rate=0.03,0.1,0.3"],
    "lightgbm": ["n_estimators=50,100", "learning_rate=0.03,0.1,0.3"],
    "decision_tree": ["max_depth=none,3,5,10", "min_samples_leaf=1,5"],
    "logistic_regression": ["C=0.01,0.1,1,10"],
    "svm": ["C=0.1,1,10", "gamma=scale,auto"],
    "k_neighbors": ["n_neighbors=3,5,9,15", "weights=uniform,distance"],
    "ridge": ["alpha=0.01,0.1,1,10,100"],
}
"""Parameters to try by default."""
LITERALS = {"none": None, "true": True, "false": False}


class TuningResult(NamedTuple):
    """The best model, its metrics, and a table of all trials."""

    model: SupervisedModel
    metrics: Metrics
    table: Table


@component(
    category="Tune",
    title="Tune Model",
    columns=predictor,
    needs=unless_prepared(needs.any_learner),
)
def tune_model(
    data: Table,
    steps: ColumnSteps | None = None,
    *,
    model_type: Annotated[
        Algorithm,
        Field(json_schema_extra=BOOSTING_NEEDS),
        Labels(
            svm="Support vector machine (SVM)",
            k_neighbors="K-nearest neighbors",
            ridge="Ridge regression",
            **BOOSTING_LABELS,
        ),
    ] = "random_forest",
    parameters: Annotated[list[str], Field(title="Parameter grid")] = [],  # noqa: B006  never changed
    search: Annotated[
        Literal["grid", "random"],
        Field(title="Search method"),
        Labels(grid="Grid search", random="Random search"),
    ] = "grid",
    trials: Annotated[int, Field(ge=1), AppliesTo(search=("random",))] = 10,
    folds: Annotated[int, Field(ge=2)] = 5,
    measure: Annotated[
        Measure,
        Field(title="Metric"),
        Labels(
            f1_macro="F1 (macro)",
            roc_auc_ovr="ROC AUC (one-vs-rest)",
            r2="R²",
            neg_mean_absolute_error="Negative mean absolute error",
        ),
    ] = "auto",
    target: TargetColumn | None = None,
    preparation: Prepare = "none",
    task: Annotated[
        Task,
        AppliesTo(
            model_type=(
                "random_forest",
                "gradient_boosting",
                "xgboost",
                "lightgbm",
                "decision_tree",
                "svm",
                "k_neighbors",
            )
        ),
    ] = "auto",
    scale: Standardize = True,
    seed: Seed = 0,
) -> TuningResult:
    """Tune hyperparameters by cross-validation and train the best model.

    data: Training data.
    steps: Steps of “Prepare Columns”, in place of the setting “Preparation”.
    model: Model with the best hyperparameters, trained on all rows.
    metrics: Best hyperparameters and their score.
    table: All combinations with their scores, best first.
    model_type: Learning algorithm. XGBoost and LightGBM are optional packages.
    parameters: Parameters to try, in scikit-learn's names, e.g. max_depth=none,5,10. Leave empty
        for the default grid.
    search: Grid search tries all combinations; random search tries some of them.
    trials: Number of combinations to try (random search).
    folds: Number of folds.
    measure: Scoring metric. Auto uses accuracy for classification and R² for regression.
    target: Column to predict. Leave empty for the table's target column, “target” or the last one.
    preparation: Automatic encodes categories, dates and texts, fills gaps and ignores identifiers
        and constants, inside the model. None takes numbers without gaps only.
    task: Classification or regression. Auto decides by the values of the target column.
    scale: Scale features to mean 0 and standard deviation 1 before training.
    seed: Seed for reproducible results.
    """
    import pandas as pd
    from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    goal = target_of(data, target)
    rows = rows_with_target(data, goal)
    kind = task_of(rows.target, goal, model_type, task)
    grid = parse_grid(parameters or DEFAULT_GRIDS[model_type])
    untrained_model = estimator(model_type, kind, {**DEFAULTS, "seed": seed})
    _check_grid(untrained_model, grid)
    is_automatic = steps is not None or preparation == "automatic"
    if is_automatic:
        model = preparing_pipeline(untrained_model, rows, kind, model_type, scale, seed, steps)
    else:
        check_features(rows.features)
        scaler = [("scale", StandardScaler())] if scale else []
        model = Pipeline([*scaler, ("model", untrained_model)])
    scoring = ("accuracy" if kind == "classification" else "r2") if measure == "auto" else measure
    param_grid = {f"model__{name}": values for name, values in grid.items()}
    splitter_class = StratifiedKFold if kind == "classification" else KFold
    splitter = splitter_class(folds, shuffle=True, random_state=seed)
    more = {"scoring": scoring, "cv": splitter, "error_score": "raise"}
    if search == "grid":
        tuner = GridSearchCV(model, param_grid, **more)
    else:
        most = min(trials, math.prod(len(values) for values in grid.values()))
        tuner = RandomizedSearchCV(model, param_grid, n_iter=most, random_state=seed, **more)
    tuner.fit(rows.features, rows.target.to_numpy(), **fit_options(model, rows))
    if is_automatic:
        tuner.best_estimator_.preparation_ = model.preparation_
    results = pd.DataFrame(
        [{name: str(p[f"model__{name}"]) for name in grid} for p in tuner.cv_results_["params"]]
    ).assign(
        score=tuner.cv_results_["mean_test_score"], deviation=tuner.cv_results_["std_test_score"]
    )
    best = {name: tuner.best_params_[f"model__{name}"] for name in grid}
    metrics = {"model_type": model_type, "measure": scoring, "score": float(tuner.best_score_)}
    return TuningResult(
        tuner.best_estimator_,
        {**metrics, "best": best, "tried": len(results)},
        results.sort_values("score", ascending=False, kind="stable").reset_index(drop=True),
    )


def parse_grid(parameters: list[str]) -> dict[str, list[Any]]:
    """Parse ``["max_depth=none,5"]`` to ``{"max_depth": [None, 5]}``; raises ValueError."""
    grid: dict[str, list[Any]] = {}
    for line in parameters:
        name, equals, values = line.partition("=")
        if not equals or not name.strip() or not values.strip():
            raise ValueError(f"parameters: {line!r} must have the form max_depth=none,5,10")
        grid[name.strip()] = [_scalar(value.strip()) for value in values.split(",")]
    return grid


def _scalar(text: str) -> Any:
    if text.lower() in LITERALS:
        return LITERALS[text.lower()]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _check_grid(model: Any, grid: dict[str, list[Any]]) -> None:
    parameters = model.get_params()
    unknown = [name for name in grid if name not in parameters]
    if unknown:
        raise ValueError(
            f"{type(model).__name__} has no {unknown}; available: {sorted(parameters)}"
        )
