"""Which results are better, by a metric."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum


class Mode(str, Enum):
    """Which values of a metric are the better ones."""

    MAX = "max"
    MIN = "min"


WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
LESS_IS_BETTER = frozenset(
    {
        *("aic", "bic", "brier", "cer", "cost", "delay", "deviance", "distance", "divergence"),
        *("duration", "entropy", "err", "error", "errors", "fid", "fnr", "fpr", "hinge", "kl"),
        *("latency", "logloss", "loss", "losses", "mad", "mae", "mape", "mase", "mse", "msle"),
        *("nll", "nrmse", "perplexity", "ppl", "regret", "residual", "rmse", "rmsle", "rss"),
        *("runtime", "seconds", "size", "smape", "sse", "time", "wer"),
    }
)
NEGATED = frozenset({"neg", "negative"})


def guessed(metric: str) -> Mode:
    """Whether more or less of a metric is better, by the words of its name."""
    words = [word.lower() for word in WORDS.findall(metric.rpartition(".")[2])]
    if NEGATED.intersection(words):
        return Mode.MAX
    joined = "".join(words)
    less = LESS_IS_BETTER.intersection(words) or joined.endswith(("loss", "error"))
    return Mode.MIN if less else Mode.MAX


def names(measures: Sequence[Mapping[str, float]]) -> list[str]:
    """The metrics that there are, those of most variants first, else as they come."""
    counted = Counter(name for measured in measures for name in measured)
    return sorted(counted, key=lambda name: -counted[name])


def ranks(values: Mapping[str, float], mode: Mode) -> dict[str, int]:
    """Places from 1; equal values share one."""
    better = sorted(set(values.values()), reverse=mode is Mode.MAX)
    ordered = sorted(values.values(), reverse=mode is Mode.MAX)
    places = {value: ordered.index(value) + 1 for value in better}
    return {name: places[value] for name, value in values.items()}
