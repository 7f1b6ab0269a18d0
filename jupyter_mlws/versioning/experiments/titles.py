"""Titles, which tell runs apart.

The title of a run is the name that a person gave it. Without one it consists of the parameters in
which the run differs from the newest runs of its experiment, or from the others in the run that
it is nested in, and of its main metric:
``random_forest, max_depth 6 → 0.907``. A workflow with several models has the best of them:
``C 0.1 → linear 0.944``. The run of a node has the node's name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.mlflow.run_tags import ARCHIVED, PARENT
from jupyter_mlws.versioning.experiments.ranking import Mode, by_use, guess_mode

MAX_PEERS = 50
"""Newest runs of an experiment that a run is compared with."""
MAX_PARAMS = 3
MAX_TEXT_LENGTH = 24
"""Characters of a name or a value of a parameter."""
KIND_PARAMS = ("algorithm", "kind", "model", "model_type", "estimator", "classifier", "regressor")
"""Parameters whose value needs no name."""
GENERATED_NAME = re.compile(r"[a-z]+-([a-z]+)-\d{1,4}")
GENERATED_NOUNS = frozenset(
    {
        *("ant", "ape", "asp", "auk", "bass", "bat", "bear", "bee", "bird", "boar", "bug"),
        *("calf", "carp", "cat", "chimp", "cod", "colt", "conch", "cow", "crab", "crane"),
        *("croc", "crow", "cub", "deer", "doe", "dog", "dolphin", "donkey", "dove", "duck"),
        *("eel", "elk", "fawn", "finch", "fish", "flea", "fly", "foal", "fowl", "fox", "frog"),
        *("gnat", "gnu", "goat", "goose", "grouse", "grub", "gull", "hare", "hawk", "hen"),
        *("hog", "horse", "hound", "jay", "kit", "kite", "koi", "lamb", "lark", "loon", "lynx"),
        *("mare", "midge", "mink", "mole", "moose", "moth", "mouse", "mule", "newt", "owl"),
        *("ox", "panda", "penguin", "perch", "pig", "pug", "quail", "ram", "rat", "ray"),
        *("robin", "roo", "rook", "seal", "shad", "shark", "sheep", "shoat", "shrew", "shrike"),
        *("shrimp", "skink", "skunk", "sloth", "slug", "smelt", "snail", "snake", "snipe"),
        *("sow", "sponge", "squid", "squirrel", "stag", "steed", "stoat", "stork", "swan"),
        *("tern", "toad", "trout", "turtle", "vole", "wasp", "whale", "wolf", "worm", "wren"),
        *("yak", "zebra"),
    }
)
"""Second words of the names that MLflow generates, such as ``bold-cat-12``."""

Run = Mapping[str, Any]
"""A run as MLflow's process or the API has it."""


@dataclass(frozen=True)
class Peers:
    """Runs of an experiment: their values by parameter, and the last part of the main metric.

    A parameter that some of the runs lack has the value None, too.
    """

    values: Mapping[str, frozenset[str | None]]
    metric: str

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Peers:
        """Return the peers from the ``params`` and ``metrics`` of runs."""
        # A run in progress has no parameters in MLflow yet.
        params = [run["params"] for run in runs if run["params"]]
        names = dict.fromkeys(name for one in params for name in one)
        values = {name: frozenset(_text(one.get(name)) for one in params) for name in names}
        return cls(values, _main_metric(run["metrics"] for run in runs))


NO_PEERS = Peers({}, "")


def group_of(run: Run) -> tuple[str | None, str | None]:
    """Return the experiment of a run, and the run that it is nested in: its peers have the same."""
    return run["experiment"], run["parent"]


def read_peers(
    tracking: TrackingClient, experiment: str | None, parent: str | None
) -> Sequence[Run]:
    """Return the newest runs of an experiment, or those nested in the run ``parent``.

    Raises MLflowFailedError.
    """
    runs: Sequence[Run] = tracking.ask(
        "search",
        filter="",
        sort=[],
        limit=MAX_PEERS,
        cursor=None,
        lacking=[ARCHIVED],
        experiment=experiment,
        nested=parent is not None,
        tags={PARENT: parent} if parent else {},
    )["items"]
    return runs


def title_of(run: Run, peers: Peers) -> str:
    """Return the title of a run among its peers."""
    if is_named(run):
        return str(run["name"])
    if run["node"]:
        return str(run["node"])
    parts = _param_parts(run["params"], peers)
    metric = _metric_part(run["metrics"], peers.metric)
    if metric and not parts:
        parts = [run["experiment"] or ""]
    return f"{', '.join(parts)} {metric}".strip() or run["name"] or run["run"] or run["id"]


def is_named(run: Run) -> bool:
    """Return whether a person gave the run its name; MLflow and workflows generate others."""
    match = GENERATED_NAME.fullmatch(run["name"])
    if match is not None and match[1] in GENERATED_NOUNS:
        return False
    return run["name"] not in ("", run["id"], run["run"], run["node"])


def _param_parts(params: Mapping[str, Any], peers: Peers) -> list[str]:
    """Return the parameters that differ from those of the peers, a kind of model first."""
    kinds = [name for name in params if _last(name) in KIND_PARAMS]
    differing = []
    for name, value in params.items():
        values = peers.values.get(name, frozenset({None})) | {_text(value)}
        if peers.values and len(values) > 1:
            differing.append((name not in kinds, -len(values - {None}), name))
    names = [name for _, _, name in sorted(differing)]
    if len(kinds) == 1 and kinds[0] not in names:
        names.insert(0, kinds[0])
    names = names[:MAX_PARAMS]
    labels = Counter(map(_last, names))
    parts = []
    for name in names:
        value = _clip(_number(params[name]))
        label = _last(name) if labels[_last(name)] == 1 else name
        parts.append(value if [name] == kinds else f"{_clip(label)} {value}")
    return parts


def _metric_part(metrics: Mapping[str, Any], name: str) -> str:
    """Return the main metric; of several models, that of the best one."""
    finite = {
        key: value
        for key, value in metrics.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
    own = [key for key in finite if _last(key) == name]
    if not own:
        name = _main_metric([finite])
        own = [key for key in finite if _last(key) == name]
    if not own:
        return ""
    sign = -1 if guess_mode(name) is Mode.MAX else 1
    best = min(own, key=lambda key: (sign * finite[key], key))
    model = f"{best.rpartition('.')[0]} " if len(own) > 1 and "." in best else ""
    return f"→ {model}{finite[best]:.3g}"


def _main_metric(runs: Iterable[Mapping[str, Any]]) -> str:
    """Return the last part of the metric that most runs have, a well-known one of several."""
    return next(iter(by_use({_last(key) for key in metrics} for metrics in runs)), "")


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _text(value: Any) -> str | None:
    """Return a value as MLflow stores it; None stays, for a run that lacks it."""
    return None if value is None else str(value)


def _number(value: Any) -> str:
    """Return a value as text; a float has no more than six digits."""
    text = str(value)
    try:
        return text if text.isdigit() else f"{float(text):g}"
    except ValueError:
        return text


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[: MAX_TEXT_LENGTH - 1]}…"
