"""Search for the settings with which a model does best."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Model, Table, component
from jupyter_mlws.components.estimators import DEFAULTS, Task, checked, estimator, task_of
from jupyter_mlws.components.tables import target_of

Algorithm = Literal[
    "random_forest",
    "gradient_boosting",
    "decision_tree",
    "logistic_regression",
    "svm",
    "k_neighbors",
    "ridge",
]
Measure = Literal["auto", "accuracy", "f1_macro", "roc_auc_ovr", "r2", "neg_mean_absolute_error"]
TRIED: dict[str, list[str]] = {
    "random_forest": ["n_estimators=50,100,200", "max_depth=none,5,10"],
    "gradient_boosting": ["n_estimators=50,100", "learning_rate=0.03,0.1,0.3"],
    "decision_tree": ["max_depth=none,3,5,10", "min_samples_leaf=1,5"],
    "logistic_regression": ["C=0.01,0.1,1,10"],
    "svm": ["C=0.1,1,10", "gamma=scale,auto"],
    "k_neighbors": ["n_neighbors=3,5,9,15", "weights=uniform,distance"],
    "ridge": ["alpha=0.01,0.1,1,10,100"],
}
"""What is tried where nothing is said."""
WORDS = {"none": None, "true": True, "false": False}


class Tuned(NamedTuple):
    """The best model and all that was tried."""

    model: Model
    metrics: Metrics
    table: Table


@component(category="Tune", title="Tune model")
def tune_model(
    data: Table,
    *,
    model_type: Algorithm = "random_forest",
    parameters: list[str] = [],  # noqa: B006  never changed
    search: Literal["grid", "random"] = "grid",
    trials: Annotated[int, Field(ge=1)] = 10,
    folds: Annotated[int, Field(ge=2)] = 5,
    measure: Measure = "auto",
    target: str | None = None,
    task: Task = "auto",
    scale: bool = True,
    seed: Annotated[int, Field(ge=0)] = 0,
) -> Tuned:
    """Try settings of a model by cross-validation, and train it with the best.

    data: The table to train on.
    model: The model with the best settings, trained on all rows.
    metrics: The best settings and their score.
    table: Every combination that was tried, the best first.
    model_type: Which kind of model.
    parameters: What to try, such as max_depth=none,5,10, by scikit-learn's names;
        if empty, what is usual for the kind of model.
    search: Try every combination, or some at random.
    trials: How many combinations are tried (random).
    folds: Into how many parts the rows are divided.
    measure: What counts as good; auto is accuracy for classes and R² for numbers.
    target: The column to predict; if empty, "target" or the last column.
    task: Tell classes apart or predict a number; auto goes by the target's values.
    scale: Bring all columns to the same scale first.
    seed: The same number makes the same search.
    """
    import pandas as pd
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

    goal = target_of(data, target)
    kind = task_of(data[goal], goal, model_type, task)
    grid = parsed(parameters or TRIED[model_type])
    model = _pipeline(estimator(model_type, kind, {**DEFAULTS, "seed": seed}), scale, grid)
    scoring = ("accuracy" if kind == "classification" else "r2") if measure == "auto" else measure
    named = {f"model__{name}": values for name, values in grid.items()}
    more = {"scoring": scoring, "cv": _folds(kind, folds, seed), "error_score": "raise"}
    if search == "grid":
        found = GridSearchCV(model, named, **more)
    else:
        most = min(trials, _combinations(grid))
        found = RandomizedSearchCV(model, named, n_iter=most, random_state=seed, **more)
    found.fit(checked(data, goal), data[goal].to_numpy())
    tried = pd.DataFrame(
        [{name: str(p[f"model__{name}"]) for name in grid} for p in found.cv_results_["params"]]
    ).assign(
        score=found.cv_results_["mean_test_score"], deviation=found.cv_results_["std_test_score"]
    )
    best = {name: found.best_params_[f"model__{name}"] for name in grid}
    metrics = {"model_type": model_type, "measure": scoring, "score": float(found.best_score_)}
    return Tuned(
        found.best_estimator_,
        {**metrics, "best": best, "tried": len(tried)},
        tried.sort_values("score", ascending=False, kind="stable").reset_index(drop=True),
    )


def parsed(parameters: list[str]) -> dict[str, list[Any]]:
    """``["max_depth=none,5"]`` → ``{"max_depth": [None, 5]}``; raises ValueError."""
    grid: dict[str, list[Any]] = {}
    for line in parameters:
        name, equals, values = line.partition("=")
        if not equals or not name.strip() or not values.strip():
            raise ValueError(f"parameters: {line!r} is not like max_depth=none,5,10")
        grid[name.strip()] = [_scalar(value.strip()) for value in values.split(",")]
    return grid


def _scalar(text: str) -> Any:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _pipeline(made: Any, scale: bool, grid: dict[str, list[Any]]) -> Any:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    known = made.get_params()
    unknown = [name for name in grid if name not in known]
    if unknown:
        raise ValueError(f"{type(made).__name__} has no {unknown}; it has {sorted(known)}")
    return Pipeline([*([("scale", StandardScaler())] if scale else []), ("model", made)])


def _folds(kind: str, count: int, seed: int) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    made = StratifiedKFold if kind == "classification" else KFold
    return made(count, shuffle=True, random_state=seed)


def _combinations(grid: dict[str, list[Any]]) -> int:
    count = 1
    for values in grid.values():
        count *= len(values)
    return count
