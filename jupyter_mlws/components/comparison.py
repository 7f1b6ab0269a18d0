"""Comparisons of models: their metrics side by side, and what is certain about them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.components.artifacts import Metrics, Table
from jupyter_mlws.components.folds import FOLD_SCORES
from jupyter_mlws.components.preparation import needed_columns
from jupyter_mlws.components.scores import (
    LESS_IS_BETTER,
    SIGNIFICANCE,
    Judgment,
    fold_summary,
    p_value,
    rows_in_both,
)
from jupyter_mlws.components.values import names_of

AUTOMATIC_NAME = re.compile(
    r"(train_classifier|train_regressor|model_training|tune_model|train_network)(_\d+)?(@.*)?"
)
"""Names that new nodes get, which do not say what the model is."""
ALGORITHMS = {
    "Dummy": "Baseline (guesses)",
    "SV": "Support vector machine",
    "MLP": "Multilayer perceptron",
    "LGBM": "LightGBM",
    "LabeledXGB": "XGBoost",
    "XGB": "XGBoost",
    "KNeighbors": "K-nearest neighbors",
    "HistGradientBoosting": "Gradient boosting (histogram)",
    "Network": "Neural network",
    "Naive": "Naive forecast",
}
"""By the name of a class without “Classifier” or “Regressor”; of others, its words."""
MAX_DIFFERENCES = 2
"""Parameters in a title that tell models of the same algorithm apart."""


def compare(
    models: Sequence[Any],
    judgments: Mapping[str, Judgment],
    measure: str,
    repeated: int | None,
) -> tuple[Metrics, Table, Any]:
    """Return the metrics of all models, their table, and the best model.

    ``repeated``: test rows that are also training rows, if that is known.
    """
    import numpy as np
    import pandas as pd

    folds = {
        name: {one: np.array(values) for one, values in scores.items()}
        for name, model in zip(judgments, models, strict=True)
        if (scores := getattr(model, FOLD_SCORES, None))
    }
    is_by_folds = len(folds) == len(judgments)
    sign = -1 if measure in LESS_IS_BETTER else 1
    ranking = {
        name: sign * (folds[name][measure].mean() if is_by_folds else one.scores[measure])
        for name, one in judgments.items()
    }
    # R² of a single row is no number.
    order = sorted(ranking, key=lambda name: np.nan_to_num(-ranking[name], nan=np.inf))
    best = order[0]
    titles = dict(zip(judgments, model_titles(models), strict=True))
    metrics: dict[str, Any] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name, judgment in judgments.items():
        limits = judgment.interval._asdict() if judgment.interval else {}
        p = p_value(judgments[best].parts - judgment.parts)
        certainty = {"rows": len(judgment.parts), **limits, "p_value": p}
        if repeated is not None:
            certainty["repeated"] = repeated
        both: dict[str, Any] = {measure: judgment.scores[measure], **judgment.scores}
        row = both | {f"{measure}_{end}": limit for end, limit in limits.items()}
        both["interval"] = certainty
        if name in folds:
            validation = fold_summary(folds[name][measure], measure)
            mean = {f"cross_validation_{measure}": validation[measure]}
            ends = {f"cross_validation_{k}": v for k, v in validation["interval"].items()}
            # What models are ranked by comes first.
            group = {"cross_validation": validation}
            both = {**group, **both} if is_by_folds else {**both, **group}
            row = {**mean, **ends, **row} if is_by_folds else {**row, **mean, **ends}
        metrics[name] = both if titles[name] == name else {"title": titles[name], **both}
        rows[name] = {"model": titles[name], **row, "p_value": p}
    describe(metrics, best, measure, titles)
    table: Table = pd.DataFrame([rows[name] for name in order])
    return metrics, table, models[list(judgments).index(best)]


def describe(
    metrics: Mapping[str, Any], best: str, measure: str, titles: Mapping[str, str]
) -> None:
    """Print what the test rows say about the best model."""
    certainty = metrics[best]["interval"]
    limits = ""
    if "low" in certainty:
        limits = f" ({certainty['low']:.3g} to {certainty['high']:.3g})"
    count = certainty["rows"]
    words = f"{titles[best]}: {measure} {metrics[best][measure]:.3g}{limits} on {count} rows"
    print(words)  # noqa: T201
    rivals = [
        titles[name]
        for name, one in metrics.items()
        if name != best and one["interval"]["p_value"] >= SIGNIFICANCE
    ]
    if rivals:
        names = ", ".join(rivals)
        words = f"{titles[best]} does not differ significantly from {names} on {count} rows"
        print(words)  # noqa: T201
    if certainty.get("repeated"):
        print(  # noqa: T201
            f"Warning: {certainty['repeated']} of {count} test rows are also training rows, by the "
            "columns that models learn from. Remove repeated rows before the split, unless they "
            "are different cases."
        )


def repeated_rows(models: Sequence[Any], test: Table, train: Table | None) -> int | None:
    """Return the number of test rows that are also training rows, by what the models learn from.

    None if that is not known.
    """
    if train is None:
        return None
    needs = [needed_columns(model) for model in models if not is_baseline(model)]
    names = dict.fromkeys(name for one in needs for name in one or test.columns)
    columns = [name for name in names if name in test.columns and name in train.columns]
    return rows_in_both(train, test, columns) if columns else None


def is_baseline(model: Any) -> bool:
    """Return whether a model guesses."""
    return type(model).__name__ in ("DummyClassifier", "DummyRegressor", "NaiveRegressor")


def model_titles(models: Sequence[Any]) -> list[str]:
    """Return the names of the nodes, or algorithms of nodes that have no name of their own.

    Models of the same algorithm have the parameters in which they differ.
    """
    names = names_of(models, "model")
    # The last step of a pipeline.
    estimators = [model[-1] if hasattr(model, "steps") else model for model in models]
    titles = []
    for name, own in zip(names, estimators, strict=True):
        if not AUTOMATIC_NAME.fullmatch(name):
            titles.append(name)
            continue
        algorithm = algorithm_title(own)
        twins = [one.get_params() for one in estimators if type(one) is type(own)]
        differences = [
            f"{key}={value}"
            for key, value in own.get_params().items()
            if any(one[key] != value for one in twins)
        ]
        some = ", ".join(differences[:MAX_DIFFERENCES])
        titles.append(f"{algorithm} ({some})" if some else algorithm)
    return [
        f"{title} {titles[: n + 1].count(title)}" if titles.count(title) > 1 else title
        for n, title in enumerate(titles)
    ]


def algorithm_title(estimator: Any) -> str:
    """Return the name of an estimator's algorithm, such as “Random forest”."""
    stem = re.sub(r"(Classifier|Regressor|CV|(?<=^SV)[CR])$", "", type(estimator).__name__)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    return ALGORITHMS.get(stem, words.capitalize())
