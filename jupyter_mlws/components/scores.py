"""Scores of models on the same rows, how sure they are, and which differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from jupyter_mlws.components.artifacts import Table

ClassMeasure = Literal["accuracy", "balanced_accuracy"]
NumberMeasure = Literal["r2", "mae"]
LESS_IS_BETTER = frozenset({"mae"})
CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
"""P-value from which two models do not differ significantly."""
MAX_PRECISION_CLASSES = 30
"""Classes up to which average precision is computed: each sorts all rows."""
MAX_SIGNS = 1000
"""Rows in which two models differ, up to which signs are drawn; of more, their sum is normal."""
DRAWS = 1999


class Interval(NamedTuple):
    """Limits between which a score lies with 95 % confidence."""

    low: float
    high: float


class Judgment(NamedTuple):
    """Scores of a model on test rows."""

    scores: dict[str, float]
    parts: Any
    """Contribution of each row to the main measure, of which more is better."""
    interval: Interval | None
    """Of the main measure; None where the rows do not say, such as a single one."""
    classes: Table | None = None
    """Scores of each class."""


def judge_classes(
    truth: Any, predictions: Any, probabilities: Any, classes: Sequence[Any], measure: ClassMeasure
) -> Judgment:
    """Return the scores of a classifier; ``probabilities`` of its ``classes``, or None.

    Precision, recall, F1 and average precision are the means of all classes, except that average
    precision of two classes is that of the rarer one.
    """
    import numpy as np
    import pandas as pd
    from sklearn.metrics import (
        accuracy_score,
        average_precision_score,
        balanced_accuracy_score,
        precision_recall_fscore_support,
    )

    # Codes, because scikit-learn sorts texts for each score.
    codes, labels = pd.factorize(np.concatenate([truth, predictions]), sort=True)
    truth, predictions = codes[: len(truth)], codes[len(truth) :]
    precision, recall, f1, counts = precision_recall_fscore_support(
        truth, predictions, zero_division=0
    )
    scores = {
        "accuracy": float(accuracy_score(truth, predictions)),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
        "balanced_accuracy": float(balanced_accuracy_score(truth, predictions)),
    }
    columns = {"class": labels, "precision": precision, "recall": recall, "f1": f1}
    table = pd.DataFrame({**columns, "rows": counts})
    names = np.flatnonzero(counts)
    if probabilities is not None and 1 < len(names) <= MAX_PRECISION_CLASSES:
        columns = dict(zip(classes, probabilities.T, strict=True))
        # The training rows may lack a class.
        none = np.zeros(len(truth))
        precisions = pd.Series(
            {
                n: average_precision_score(truth == n, columns.get(labels[n], none))
                for n in names.tolist()
            }
        )
        table["average_precision"] = precisions
        is_binary = len({*labels[names], *classes}) == 2
        rarest = names[::-1][counts[names][::-1].argmin()]
        scores["average_precision"] = float(precisions[rarest] if is_binary else precisions.mean())
    is_right = truth == predictions
    groups = truth if measure == "balanced_accuracy" else np.zeros(len(truth), dtype=int)
    _, groups = np.unique(groups, return_inverse=True)
    totals = np.bincount(groups)
    return Judgment(
        scores,
        is_right / (totals[groups] * len(totals)),
        share_interval(np.bincount(groups, weights=is_right), totals),
        table,
    )


def judge_numbers(truth: Any, predictions: Any, measure: NumberMeasure) -> Judgment:
    """Return the scores of a regressor."""
    import numpy as np
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    truth, predictions = np.asarray(truth, float), np.asarray(predictions, float).reshape(-1)
    scores = {
        "r2": float(r2_score(truth, predictions)) if len(truth) > 1 else float("nan"),
        "mae": float(mean_absolute_error(truth, predictions)),
        "rmse": float(mean_squared_error(truth, predictions)) ** 0.5,
    }
    if measure == "mae":
        errors = np.abs(truth - predictions)
        return Judgment(scores, -errors / len(errors), mean_interval(errors))
    squares, spread = (truth - predictions) ** 2, (truth - truth.mean()) ** 2
    parts = -squares / spread.sum() if spread.any() else -squares
    return Judgment(scores, parts, r2_interval(squares, spread))


def share_interval(right: Any, totals: Any) -> Interval:
    """Return Wilson's interval for the mean of the shares of several classes that are right.

    The shares of classes with few rows are the less certain: the number of rows is that of a single
    class as uncertain as all together.
    """
    import numpy as np
    from scipy.stats import norm

    shares = right / totals
    mean = shares.mean()
    weights = np.ones(len(totals))
    if 0 < mean < 1:
        weights = np.maximum(1, shares * (1 - shares) / (mean * (1 - mean)))
    rows = len(totals) ** 2 / (weights / totals).sum()
    z = norm.ppf((1 + CONFIDENCE) / 2)
    center = (mean + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * (mean * (1 - mean) / rows + z**2 / (4 * rows**2)) ** 0.5
    return Interval(float(max(center - half, 0)), float(min(center + half, 1)))


def mean_interval(values: Any) -> Interval | None:
    """Return Student's interval for the mean of positive numbers."""
    from scipy.stats import t

    rows = len(values)
    if rows < 2:
        return None
    half = t.ppf((1 + CONFIDENCE) / 2, rows - 1) * values.std(ddof=1) / rows**0.5
    return Interval(float(max(values.mean() - half, 0)), float(values.mean() + half))


def r2_interval(squares: Any, spread: Any) -> Interval | None:
    """Return an interval for R², by the delta method on the logarithm of the unexplained share.

    ``squares``: squared errors; ``spread``: squared differences of the truth from its mean.
    """
    import numpy as np
    from scipy.stats import t

    rows = len(squares)
    if rows < 3 or not spread.any():
        return None
    unexplained = squares.mean() / spread.mean()
    if unexplained == 0:
        return Interval(1.0, 1.0)
    influence = squares / squares.mean() - spread / spread.mean()
    half = t.ppf((1 + CONFIDENCE) / 2, rows - 1) * influence.std(ddof=1) / rows**0.5
    return Interval(*(float(1 - unexplained * np.exp(sign * half)) for sign in (1, -1)))


def p_value(differences: Any) -> float:
    """Return how often chance makes such a difference of two models that are equally good.

    ``differences``: of the contributions of each row. A permutation test: of equally good models,
    either could have been the better one in a row.
    """
    import numpy as np
    from scipy.stats import norm, permutation_test

    signs = differences[differences != 0]
    if len(signs) < 2:
        return 1.0
    if len(signs) > MAX_SIGNS:
        return float(2 * norm.sf(abs(signs.sum()) / np.sqrt((signs**2).sum())))
    test = permutation_test(
        (signs,),
        lambda values, axis: values.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=DRAWS,
        random_state=np.random.default_rng(0),
    )
    return float(test.pvalue)


def fold_summary(scores: Any, measure: str) -> dict[str, Any]:
    """Return the mean of the scores in folds, and an interval for it (Nadeau and Bengio, 2003).

    The training rows of folds overlap, so that their scores vary less than those of other rows.
    """
    from scipy.stats import t

    folds, mean = len(scores), float(scores.mean())
    deviation = (scores.var(ddof=1) * (1 / folds + 1 / (folds - 1))) ** 0.5
    half = float(t.ppf((1 + CONFIDENCE) / 2, folds - 1) * deviation)
    low = mean - half if measure == "r2" else max(mean - half, 0.0)
    high = mean + half if measure in LESS_IS_BETTER else min(mean + half, 1.0)
    certainty = {"folds": folds, "low": low, "high": high, "deviation": float(scores.std())}
    return {measure: mean, "interval": certainty}


def rows_in_both(train: Table, test: Table, columns: Sequence[str]) -> int | None:
    """Return the number of test rows with the values of a training row in these columns.

    None where rows are alike by chance: less than half of the training rows differ.
    """
    import pandas as pd

    # Columns of both have the same type.
    both = pd.concat([train[list(columns)], test[list(columns)]], ignore_index=True)
    texts = {name: "str" for name in columns if both[name].dtype == object}
    hashes = pd.util.hash_pandas_object(both.astype(texts), index=False)
    own = hashes[: len(train)]
    return int(hashes[len(train) :].isin(own).sum()) if own.nunique() > len(own) / 2 else None
