"""Columns that validation calls fine can be trained on by each kind of model.

All components are walked over in test_column_walk.py.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components.columns import Schema
from jupyter_mlws.components.declaration import MARK, settings_model
from jupyter_mlws.components.library.train import train_classifier, train_regressor
from jupyter_mlws.components.library.training import model_training
from jupyter_mlws.components.table_schema import table_schema

ROWS = 60
WORDS = ["slow", "fast", "friendly", "rude", "clean", "dirty", "cheap", "dear"]
RANDOM = np.random.default_rng(0)
FEATURES: dict[str, Any] = {
    "integers": RANDOM.integers(0, 30, ROWS),
    "floats": RANDOM.normal(size=ROWS),
    "booleans": [True, False] * (ROWS // 2),
    "categories": ["a", "b", "c"] * (ROWS // 3),
    "sentences": [" ".join(RANDOM.choice(WORDS, 6)) for _ in range(ROWS)],
    "texts of dates": pd.date_range("2024-01-01", periods=ROWS).strftime("%Y-%m-%d"),
    "dates": pd.date_range("2024-01-01", periods=ROWS),
    "identifiers": [f"{n * 7919:x}" for n in range(ROWS)],
    "constants": [1] * ROWS,
    "spans": pd.to_timedelta(range(ROWS), unit="D"),
}
TARGETS: dict[str, Any] = {
    "classes": ["yes", "no"] * (ROWS // 2),
    "whole": [0, 1, 2] * (ROWS // 3),
    "fractions": RANDOM.normal(size=ROWS),
    "booleans": [True, False] * (ROWS // 2),
    "dates": pd.date_range("2024-01-01", periods=ROWS),
}
LEARNERS: list[tuple[Any, str, tuple[str, ...]]] = [
    (train_classifier, "algorithm", ("random_forest", "logistic_regression", "k_neighbors")),
    (train_classifier, "algorithm", ("hist_gradient_boosting", "gradient_boosting", "baseline")),
    (train_regressor, "algorithm", ("random_forest", "ridge", "svm", "hist_gradient_boosting")),
    (model_training, "model_type", ("random_forest", "logistic_regression", "ridge")),
]


def tables(targets: tuple[str, ...]) -> list[tuple[str, pd.DataFrame]]:
    """A table for each kind of column, with and without gaps, beside a number."""
    cases = []
    for target, (name, cells), has_gaps in product(targets, FEATURES.items(), (False, True)):
        table = pd.DataFrame({"x": RANDOM.normal(size=ROWS), "feature": pd.Series(cells)})
        if has_gaps:
            table["feature"] = table["feature"].mask(table.index % 5 == 0)
        table["y"] = TARGETS[target]
        cases.append((f"{target}, {name}, {has_gaps}", table))
    return cases


def misfits(function: Any, settings: dict[str, Any], schema: Schema) -> list[Any]:
    defaults = settings_model(function).model_validate(settings).model_dump()
    return list(getattr(function, MARK).needs(defaults, {"data": [schema]}))


def check(function: Any, settings: dict[str, Any], table: pd.DataFrame, name: str) -> None:
    problems = misfits(function, settings, table_schema(table))
    failure = None
    try:
        function(table, **settings)
    except Exception as error:  # noqa: BLE001  the test is about all of them
        failure = error
    assert problems or failure is None, (name, settings, failure)
    assert failure or not any(one.is_certain for one in problems), (name, settings, problems)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("function", "setting", "algorithms"), LEARNERS)
@pytest.mark.parametrize("preparation", ["none", "automatic"])
@pytest.mark.filterwarnings("ignore")
def test_learners(
    function: Any, setting: str, algorithms: tuple[str, ...], preparation: str
) -> None:
    targets = ("fractions", "whole", "classes") if function is train_regressor else tuple(TARGETS)
    for algorithm, (name, table) in product(algorithms, tables(targets)):
        settings = {setting: algorithm, "preparation": preparation, "target": "y"}
        few = {"n_estimators": 2} if "forest" in algorithm or "boosting" in algorithm else {}
        check(function, settings | few, table, name)
