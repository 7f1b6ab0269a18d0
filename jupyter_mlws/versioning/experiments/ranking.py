"""Ranking of results by a metric."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum


class Mode(StrEnum):
    """Direction of a metric: higher or lower values are better."""

    MAX = "max"
    MIN = "min"


WORD_PATTERN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
LESS_IS_BETTER = frozenset(
    {
        *("aic", "bic", "brier", "cer", "cost", "delay", "deviance", "distance", "divergence"),
        *("duration", "entropy", "err", "error", "errors", "fid", "fnr", "fpr", "hinge", "kl"),
        *("latency", "logloss", "loss", "losses", "mad", "mae", "mape", "mase", "mse", "msle"),
        *("nll", "nrmse", "perplexity", "ppl", "regret", "residual", "rmse", "rmsle", "rss"),
        *("runtime", "seconds", "size", "smape", "sse", "time", "wer"),
    }
)
PREFERRED_METRICS = ("accuracy", "f1", "f1_score", "roc_auc", "auc", "r2", "rmse", "mae", "loss")
SECONDARY_METRIC = re.compile(r"(train|training|std|rank)[_/]|system/|epoch$|.*[_/]time$")
"""Metrics that do not judge a model, such as MLflow's own of the machine or of a grid search."""
VALIDATION_PREFIX = "val_"
"""Of the metrics of Keras whose counterparts without it are of the training data."""
NEGATION_WORDS = frozenset({"neg", "negative"})


def guess_mode(metric: str) -> Mode:
    """Guess whether higher or lower values of a metric are better, by the words in its name."""
    words = [word.lower() for word in WORD_PATTERN.findall(metric.rpartition(".")[2])]
    if NEGATION_WORDS.intersection(words):
        return Mode.MAX
    joined_name = "".join(words)
    less = LESS_IS_BETTER.intersection(words) or joined_name.endswith(("loss", "error"))
    return Mode.MIN if less else Mode.MAX


def names(measures: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the metrics, those of the most variants first, else in order of appearance."""
    counts = Counter(name for measure in measures for name in measure)
    return sorted(counts, key=lambda name: -counts[name])


def by_use(measures: Iterable[Iterable[str]]) -> list[str]:
    """Return the names of metrics: first those of the most runs, well-known ones of equals.

    Metrics of the training data and of the machine come last.
    """
    counts = Counter(name for names in measures for name in names)
    validated = {name.rpartition(".")[2] for name in counts}

    def order(name: str) -> tuple[bool, int, int, str]:
        last = name.rpartition(".")[2]
        places = (
            2 * place + (last != metric)
            for place, metric in enumerate(PREFERRED_METRICS)
            if last == metric or last.endswith(f"_{metric}")
        )
        place = min(places, default=2 * len(PREFERRED_METRICS))
        is_secondary = SECONDARY_METRIC.match(last) or VALIDATION_PREFIX + last in validated
        return bool(is_secondary), -counts[name], place, name

    return sorted(counts, key=order)


def ranks(values: Mapping[str, float], mode: Mode) -> dict[str, int]:
    """Return ranks from 1; equal values share a rank."""
    better = sorted(set(values.values()), reverse=mode is Mode.MAX)
    sorted_values = sorted(values.values(), reverse=mode is Mode.MAX)
    places = {value: sorted_values.index(value) + 1 for value in better}
    return {name: places[value] for name, value in values.items()}
