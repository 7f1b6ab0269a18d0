"""Requirements of components for the columns of their input tables, checked before a run.

A component declares it with ``@component(needs=…)``: a function of its settings and inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from jupyter_mlws.components.artifacts import Repair
from jupyter_mlws.components.columns import (
    ANY,
    Column,
    Fitted,
    Inputs,
    Schema,
    Settings,
    Value,
    protected,
    table_of,
    target_of_schema,
)
from jupyter_mlws.components.estimators import CLASSIFIERS, REGRESSORS
from jupyter_mlws.components.kinds import USELESS
from jupyter_mlws.components.tables import TARGET
from mlws.core.i18n import Message

NEED_VALUES = frozenset(
    {
        *("logistic_regression", "linear_regression", "ridge", "svm", "k_neighbors"),
        *("gradient_boosting", "mlp"),
    }
)
"""Kinds of model that cannot be trained with missing values."""
MAX_NAMES = 5
"""Columns that a message names."""


class Misfit(NamedTuple):
    """Columns that do not fit, and what can be done.

    ``is_certain``: a run fails; else it may, as its rows are not known yet.
    """

    message: Message
    fix: Message
    setting: str
    repairs: tuple[Repair, ...] = ()
    is_certain: bool = False


Needs = Callable[[Settings, Inputs], Iterator[Misfit]]
AUTOMATIC = Repair(Message("Prepare Automatically"), {"preparation": "automatic"})
LEAVE_OUT = Repair(
    Message("Leave Out Rows"), {"duplicates": "keep"}, "clean_rows", "data", before_split=True
)


def every(*needs: Needs) -> Needs:
    """Return the requirement that all of some are met."""

    def check(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
        for need in needs:
            yield from need(settings, inputs)

    return check


def rows(*ports: str) -> Needs:
    """Return the requirement that tables have values, also in the target column."""

    def check(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
        for port in ports:
            table = table_of(inputs, port)
            columns = table.columns.values()
            if table.complete and columns and all(map(is_empty, columns)):
                yield Misfit(
                    Message("The table at the input {port} has no values.", port=port),
                    Message("Look at the node before, or load another file."),
                    "",
                )
            elif "target" in settings:
                goal = target_of_schema(table, settings["target"]) or ""
                target = table.columns.get(goal)
                if target is not None and is_empty(target):
                    yield Misfit(
                        Message("The target column {name!r} has no values.", name=goal),
                        Message("Choose another target column."),
                        "target",
                    )

    return check


def judged(models: str, port: str, is_trained: bool = True) -> Needs:
    """Return the requirement that a table has columns as those that models were trained on.

    ``is_trained``: the models predict; else only their settings are used.
    """

    def check(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
        yield from rows(port)(settings, inputs)
        table = table_of(inputs, port)
        learned = [
            value.before if isinstance(value, Fitted) else value for value in inputs.get(models, ())
        ]
        goal = target_of_schema(table, settings.get("target")) if "target" in settings else None
        if is_trained:
            yield from _predicts(table, goal, inputs.get(models, ()))
        features = {name: table.columns[name] for name in _features(table, goal)}
        yield from infinite_values(features)
        others = [
            name
            for name, column in features.items()
            for one in learned
            if (before := group_of(one.columns.get(name, ANY)))
            and (now := group_of(column))
            and before != now
        ]
        if others:
            yield Misfit(
                Message(
                    "{columns} had values of another type when the model was trained.",
                    columns=names_of_columns(dict.fromkeys(others)),
                ),
                Message("Convert them with “Convert Types”, as for the training."),
                "",
            )

    return check


def _predicts(table: Schema, goal: str | None, models: Sequence[Value]) -> Iterator[Misfit]:
    """Check that models predict a column of the table, from columns that it has."""
    missing: dict[str, None] = {}
    for model in models:
        if not isinstance(model, Fitted):
            continue
        own = next((n for n, one in model.after.columns.items() if one.role == "target"), None)
        if own is None or own not in model.before.columns:
            continue
        if goal in table.columns and own != goal:
            yield Misfit(
                Message("A model predicts {other!r}, not {name!r}.", other=own, name=goal),
                Message("Choose the same target column here and where the model is trained."),
                "target",
            )
        elif table.complete:
            missing |= dict.fromkeys(
                name
                for name in _features(model.before, own)
                if name not in table.columns
                # Automatic preparation ignores them.
                and model.before.columns[name].kind not in USELESS
            )
    if missing:
        yield Misfit(
            Message("Models were trained on {columns}.", columns=names_of_columns(missing)),
            Message("Take a table that has these columns, or train without them."),
            "",
        )


def group_of(column: Column) -> str | None:
    """Return the type of a column, with one for all numbers; None if it is not known."""
    if column.type == "boolean" and column.has_gaps:
        return "boolean"
    return "number" if column.type in ("integer", "number", "boolean") else column.type


def is_empty(column: Column) -> bool:
    """Return whether a column is known to have no values."""
    return column.kind == "constant" and not column.examples


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


def preparation(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `prepare_columns`."""
    yield from rows("data")(settings, inputs)
    table = table_of(inputs, "data")
    goal = None
    if settings["task"] != "clustering":
        goal = target_of_schema(table, settings["target"])
    if goal is not None and goal in table.columns:
        yield from _target_fits(goal, table.columns[goal], settings["task"])
    yield from infinite_values({name: table.columns[name] for name in _features(table, goal)})


def scaled_columns(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `scale_columns`: numbers, also with gaps."""
    yield from numeric_features(settings, inputs, takes_gaps=True)


def numeric_features(
    settings: Settings, inputs: Inputs, takes_gaps: bool = False
) -> Iterator[Misfit]:
    """Check the columns for `select_features` and `reduce_dimensions`: numbers without gaps."""
    table = table_of(inputs, "data")
    columns = settings.get("columns") or ()
    others = {*settings.get("ignore", ()), settings.get("target") or TARGET}
    gaps = {
        name: column
        for name in columns or _features(table, None)
        if name not in others
        and (column := table.columns.get(name))
        and column.type in ("integer", "number", "boolean")
        and column.has_gaps
    }
    texts = [name for name in columns if _is_text(table.columns.get(name))]
    if texts:
        yield Misfit(
            Message("No numbers: {columns}.", columns=names_of_columns(texts)),
            Message("Take other columns, or encode them before this node."),
            "columns",
            tuple(encodings(texts, table.columns)),
            is_certain=True,
        )
    if gaps and not takes_gaps:
        yield _gaps(gaps)
    goal = target_of_schema(table, settings["target"]) if "target" in settings else None
    if goal is not None and goal in table.columns:
        yield from _target_fits(goal, table.columns[goal], settings["task"])
    yield from infinite_values(
        {name: table.columns.get(name, ANY) for name in columns or _features(table, None)}
    )


def split(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check the columns for `split`: rows with a time are not split at random by chance."""
    yield from rows("data")(settings, inputs)
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
                "The rows have dates ({columns}), and are split at random.",
                columns=names_of_columns(dates),
            ),
            Message(
                "A model that is to predict later rows has to be tested on the latest ones. If the "
                "dates are features like others, give them the role of a feature."
            ),
            "time",
            (Repair(Message("Split in Time Order"), {"time": dates[0]}),),
        )


def _learner(
    settings: Settings, inputs: Inputs, task: str, algorithm: str, takes_gaps: bool = True
) -> Iterator[Misfit]:
    table = table_of(inputs, "data")
    yield from rows("data")(settings, inputs)
    if inputs.get("test"):
        yield from judged("data", "test")(settings, inputs)
    goal = target_of_schema(table, settings["target"])
    target = table.columns.get(goal or "")
    if target is not None and goal is not None:
        yield from _target_fits(goal, target, task)
    features = {name: table.columns[name] for name in _features(table, goal)}
    if algorithm not in ("baseline", "naive"):
        gaps = takes_gaps and algorithm not in NEED_VALUES
        yield from _features_fit(settings, features, gaps, table.complete)


def _target_fits(goal: str, target: Column, task: str) -> Iterator[Misfit]:
    if task == "regression" and target.type in ("text", "boolean", "date", "other"):
        is_text = target.type == "text"
        yield Misfit(
            Message("The target column {name!r} is no number.", name=goal),
            Message("Choose another target column, or train a classifier.")
            if is_text
            else Message("Choose another target column."),
            "target",
            is_certain=is_text,
        )
    if task != "regression" and (
        target.type in ("date", "other")
        or (task == "classification" and target.kind in ("date", "identifier", "text"))
    ):
        # Each date can be a class of its own.
        yield Misfit(
            Message("The target column {name!r} has no classes.", name=goal),
            Message("Choose another target column."),
            "target",
        )
    if task == "classification" and target.is_whole is False:
        yield Misfit(
            Message("The target column {name!r} has fractions, which are no classes.", name=goal),
            Message("Choose another target column, or train a regressor."),
            "target",
        )
    yield from infinite_values({goal: target})
    if target.kind == "constant":
        yield Misfit(
            Message("Every value of the target column {name!r} is the same.", name=goal),
            Message("Choose another target column."),
            "target",
        )


def _features_fit(
    settings: Settings, features: Mapping[str, Column], takes_gaps: bool, is_complete: bool = False
) -> Iterator[Misfit]:
    yield from infinite_values(features)
    if settings["preparation"] == "automatic":
        if is_complete and features and all(one.kind in USELESS for one in features.values()):
            yield Misfit(
                Message(
                    "No column is left to learn from: {columns}.",
                    columns=names_of_columns(features),
                ),
                Message("They are identifiers or constants. Change their kind where it is wrong."),
                "preparation",
            )
        return
    texts = [name for name, column in features.items() if _is_text(column)]
    if texts:
        yield Misfit(
            Message("No numbers: {columns}.", columns=names_of_columns(texts)),
            Message("Have this node prepare them, or do so before it."),
            "preparation",
            (AUTOMATIC, *encodings(texts, features), ignoring(texts)),
            is_certain=True,
        )
    gaps = {name: column for name, column in features.items() if column.has_gaps}
    if gaps and not takes_gaps:
        yield _gaps(gaps, AUTOMATIC)


def encodings(names: Iterable[str], columns: Mapping[str, Column]) -> Iterator[Repair]:
    """Yield the repair that encodes those of some columns that hold a few categories.

    A column for each category is known before the split without a look at the target.
    """
    categories = [name for name in names if columns[name].kind == "category"]
    if categories:
        settings = {"columns": categories}
        yield Repair(Message("Encode"), settings, "encode_categories", "data", before_split=True)


def ignoring(names: Iterable[str], port: str = "data") -> Repair:
    """Return the repair that leaves out columns."""
    return Repair(Message("Ignore"), {"drop": [*names]}, "select_columns", port)


def finite(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `impute_missing`: numbers to calculate with."""
    table = table_of(inputs, "data")
    others = {*settings["ignore"], *protected(table)}
    names = settings["columns"] or [name for name in table.columns if name not in others]
    yield from infinite_values({name: table.columns.get(name, ANY) for name in names})


def infinite_values(columns: Mapping[str, Column]) -> Iterator[Misfit]:
    """Yield that columns hold numbers that nothing is calculated with."""
    names = [name for name, column in columns.items() if column.has_infinite]
    if names:
        yield Misfit(
            Message("Infinite or too large numbers: {columns}.", columns=names_of_columns(names)),
            Message("Correct them, or leave out their rows with “Filter Rows”."),
            "",
            (ignoring(names),),
        )


def _gaps(columns: Mapping[str, Column], *repairs: Repair) -> Misfit:
    # Without values in a column, no row would be left.
    has_values = not any(map(is_empty, columns.values()))
    return Misfit(
        Message("Values are missing in {columns}.", columns=names_of_columns(columns)),
        Message("Fill them, or leave out the rows, before this node."),
        "preparation" if repairs else "columns",
        (*repairs, LEAVE_OUT if has_values else ignoring(columns)),
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


def names_of_columns(names: Iterable[str]) -> str:
    """Return names for a message, not all of many."""
    several = list(names)
    more = f", … ({len(several)})" if len(several) > MAX_NAMES else ""
    return ", ".join(several[:MAX_NAMES]) + more
