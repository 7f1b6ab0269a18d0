"""Folds of a table for cross-validation, by the roles of its columns."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.kinds import columns_with_role, sortable
from jupyter_mlws.components.preparation import rows_with_target
from jupyter_mlws.components.tables import target_of

NUMBER_MEASURES = {
    "r2": "r2",
    "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error",
}
"""scikit-learn's words for our measures."""
ERRORS = frozenset({"mae", "rmse"})
FOLD_SCORES = "cross_validation_"
"""Attribute of a model with its scores in each fold, by measure."""


def class_measures() -> dict[str, Any]:
    """Return scorers; precision, recall and F1 are the means of all classes."""
    from sklearn.metrics import f1_score, make_scorer, precision_score, recall_score

    def macro(score: Any) -> Any:
        return make_scorer(score, average="macro", zero_division=0)

    return {
        "accuracy": "accuracy",
        "precision": macro(precision_score),
        "recall": macro(recall_score),
        "f1": macro(f1_score),
        "balanced_accuracy": "balanced_accuracy",
    }


def fold_rows(
    table: Table, target: str | None, is_classes: bool, folds: int, seed: int
) -> list[tuple[Any, Any]]:
    """Return the numbers of the training and test rows of each fold, of the rows with a target.

    By the role of the time, rows are judged by models of earlier rows; rows of a group stay
    together; else, classes have equal shares in all folds.
    """
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import (
        GroupKFold,
        KFold,
        StratifiedGroupKFold,
        StratifiedKFold,
        TimeSeriesSplit,
    )

    goal = target_of(table, target)
    data = table[table[goal].notna()]
    times, groups = (
        [name for name in columns_with_role(data, role) if name != goal]
        for role in ("time", "group")
    )
    if len(data) < folds + bool(times):
        raise ValueError(f"{folds} folds need more rows than {len(data)}: choose fewer folds")
    classes = pd.factorize(data[goal])[0]
    can_stratify = is_classes and np.bincount(classes).max() >= folds
    if times:
        column = sortable(data[times[0]]).reset_index(drop=True)
        # Rows without a time are no latest ones.
        order = column.sort_values(kind="stable", na_position="first").index.to_numpy()
        parts = TimeSeriesSplit(folds).split(order)
        return [(order[train], order[test]) for train, test in parts]
    if groups:
        codes = pd.factorize(data[groups[0]], use_na_sentinel=False)[0]
        count = len(np.unique(codes))
        if count < folds:
            raise ValueError(
                f"{folds} folds need as many groups; the column {groups[0]!r} has {count}: choose "
                "fewer folds"
            )
        splitter: Any = GroupKFold(folds)
        if can_stratify:
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        return list(splitter.split(classes, classes, codes))
    splitter = (StratifiedKFold if can_stratify else KFold)(folds, shuffle=True, random_state=seed)
    return list(splitter.split(classes, classes))


def fold_scores(
    model: Any,
    table: Table,
    target: str | None,
    is_classes: bool,
    parts: list[tuple[Any, Any]],
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the scores in each fold, by measure, of models with the settings of this one.

    ``options``: arguments of ``fit``, such as weights of the rows.
    """
    from sklearn.base import clone
    from sklearn.model_selection import cross_validate

    rows = rows_with_target(table, target)
    results = cross_validate(
        clone(model),
        rows.features,
        rows.target.to_numpy(),
        cv=parts,
        scoring=class_measures() if is_classes else NUMBER_MEASURES,
        error_score="raise",
        params=options or None,
    )
    # scikit-learn gives errors below zero, so that more is better.
    return {
        name: abs(results[f"test_{name}"]) if name in ERRORS else results[f"test_{name}"]
        for name in (class_measures() if is_classes else NUMBER_MEASURES)
    }
