"""Requirements of components for the columns of their input tables, checked before a run.

A component declares it with ``@component(needs=…)``: a function of its settings and inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from jupyter_mlws.components.columns import Column, Inputs, Schema, Settings, table_of
from jupyter_mlws.components.estimators import CLASSIFIERS, REGRESSORS
from jupyter_mlws.core.i18n import Message

NEED_VALUES = frozenset(
    {
        *("logistic_regression", "linear_regression", "ridge", "svm", "k_neighbors"),
        *("gradient_boosting", "mlp"),
    }
)
"""Kinds of model that cannot be trained with missing values."""
TARGET = "target"
MAX_NAMES = 5
"""Columns that a message names."""


class Repair(NamedTuple):
    """A change that makes the columns fit: settings of the node, or a node before it."""

    label: Message
    settings: Mapping[str, Any]
    component: str | None = None
    """Put before the input ``port``, with the settings; none: the settings are the node's own."""
    port: str = ""


class Misfit(NamedTuple):
    """Columns that do not fit, and what can be done.

    ``is_certain``: a run fails; else it may, as its rows are not known yet.
    """

    message: Message
    fix: Message
    setting: str
    repairs: tuple[Repair, ...] = ()
    is_certain: bool = True


Needs = Callable[[Settings, Inputs], Iterator[Misfit]]
AUTOMATIC = Repair(Message("Prepare Automatically"), {"preparation": "automatic"})


def classifier(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `train_classifier`."""
    yield from _learner(settings, inputs, "classification", settings["algorithm"])


def regressor(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `train_regressor`."""
    yield from _learner(settings, inputs, "regression", settings["algorithm"])


def any_learner(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `model_training` and `tune_model`."""
    algorithm = settings["model_type"]
    task = settings["task"]
    if algorithm in REGRESSORS:
        task = "regression"
    elif algorithm in CLASSIFIERS:
        task = "classification"
    if algorithm == "cnn" and "image" in table_of(inputs, "data").columns:
        return
    # These check for missing values, whatever the algorithm does with them.
    yield from _learner(settings, inputs, task, algorithm, takes_gaps=False)


def clusters(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `train_clusters`."""
    table = table_of(inputs, "data")
    names = [name for name in _features(table, None) if name not in settings["ignore"]]
    yield from _features_fit(settings, {name: table.columns[name] for name in names}, False)


def numeric_features(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `select_features` and `reduce_dimensions`: numbers without gaps."""
    table = table_of(inputs, "data")
    columns = settings.get("columns") or ()
    others = {*settings.get("ignore", ()), settings.get("target") or TARGET}
    gaps = [
        name
        for name in columns or _features(table, None)
        if name not in others
        and (column := table.columns.get(name))
        and column.type in ("integer", "number", "boolean")
        and column.has_gaps
    ]
    texts = [name for name in columns if _is_text(table.columns.get(name))]
    if texts:
        yield Misfit(
            Message("No numbers: {columns}.", columns=_names(texts)),
            Message("Take other columns, or encode them before this node."),
            "columns",
        )
    if gaps:
        yield _gaps(gaps)


def split(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `split`: rows with a time are not split at random by chance."""
    columns = table_of(inputs, "data").columns
    if not settings["shuffle"] or settings["time"] or settings["group"]:
        return
    if any(column.role in ("time", "group") for column in columns.values()):
        return
    dates = [
        name
        for name, column in columns.items()
        if column.role is None and "date" in (column.kind, column.type)
    ]
    if dates:
        yield Misfit(
            Message(
                "The rows have dates ({columns}), and are split at random.", columns=_names(dates)
            ),
            Message(
                "A model that is to predict later rows has to be tested on the latest ones. If the "
                "dates are features like others, give them the role of a feature."
            ),
            "time",
            (Repair(Message("Split in Time Order"), {"time": dates[0]}),),
            is_certain=False,
        )


def target_of_schema(table: Schema, setting: Any) -> str | None:
    """Return the column to predict, as `tables.target_of` does; None if it is not known."""
    if setting:
        return str(setting)
    for name, column in table.columns.items():
        if column.role == "target":
            return name
    if TARGET in table.columns or not table.complete:
        return TARGET
    return next(reversed(list(table.columns)), None)


def _learner(
    settings: Settings, inputs: Inputs, task: str, algorithm: str, takes_gaps: bool = True
) -> Iterator[Misfit]:
    table = table_of(inputs, "data")
    goal = target_of_schema(table, settings["target"])
    target = table.columns.get(goal or "")
    if target is not None and goal is not None:
        yield from _target_fits(goal, target, task)
    features = {name: table.columns[name] for name in _features(table, goal)}
    if algorithm not in ("baseline", "naive"):
        gaps = takes_gaps and algorithm not in NEED_VALUES
        yield from _features_fit(settings, features, gaps, table.complete)


def _target_fits(goal: str, target: Column, task: str) -> Iterator[Misfit]:
    if target.type in ("date", "other") or (
        task == "regression" and target.type in ("text", "boolean")
    ):
        yield Misfit(
            Message("The target column {name!r} is no number.", name=goal)
            if task == "regression"
            else Message("The target column {name!r} has no classes.", name=goal),
            Message("Choose another target column.")
            if target.type != "text"
            else Message("Choose another target column, or train a classifier."),
            "target",
            # Each date can be a class of its own.
            is_certain=task == "regression" and target.type == "text",
        )
    if task == "classification" and target.is_whole is False:
        yield Misfit(
            Message("The target column {name!r} has fractions, which are no classes.", name=goal),
            Message("Choose another target column, or train a regressor."),
            "target",
            is_certain=False,
        )
    if target.kind == "constant":
        yield Misfit(
            Message("Every value of the target column {name!r} is the same.", name=goal),
            Message("Choose another target column."),
            "target",
            is_certain=False,
        )


def _features_fit(
    settings: Settings, features: Mapping[str, Column], takes_gaps: bool, is_complete: bool = False
) -> Iterator[Misfit]:
    if settings["preparation"] == "automatic":
        useless = ("identifier", "constant", "other")
        if is_complete and features and all(one.kind in useless for one in features.values()):
            yield Misfit(
                Message("No column is left to learn from: {columns}.", columns=_names(features)),
                Message("They are identifiers or constants. Change their kind where it is wrong."),
                "preparation",
                is_certain=False,
            )
        return
    texts = [name for name, column in features.items() if _is_text(column)]
    if texts:
        ignore = Repair(Message("Ignore"), {"drop": texts}, "select_columns", "data")
        yield Misfit(
            Message("No numbers: {columns}.", columns=_names(texts)),
            Message("Have this node prepare them, or do so before it."),
            "preparation",
            (AUTOMATIC, ignore),
        )
    gaps = [name for name, column in features.items() if column.has_gaps]
    if gaps and not takes_gaps:
        yield _gaps(gaps, AUTOMATIC)


def _gaps(names: list[str], *repairs: Repair) -> Misfit:
    return Misfit(
        Message("Values are missing in {columns}.", columns=_names(names)),
        Message("Fill them, or leave out the rows, before this node."),
        "preparation" if repairs else "columns",
        repairs,
        is_certain=False,
    )


def _features(table: Schema, goal: str | None) -> list[str]:
    """Return the columns that a model learns from, by their roles."""
    return [
        name
        for name, column in table.columns.items()
        if name != goal and column.role in (None, "feature", "time")
    ]


def _is_text(column: Column | None) -> bool:
    return column is not None and column.type in ("text", "date", "other")


def _names(names: Any) -> str:
    several = list(names)
    more = f", … ({len(several)})" if len(several) > MAX_NAMES else ""
    return ", ".join(several[:MAX_NAMES]) + more
