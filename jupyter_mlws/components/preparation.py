"""Preparation of raw columns inside a model's own pipeline.

The steps are scikit-learn's, and skrub's for dates and texts, so a stored model takes raw tables
without this package.
"""

from __future__ import annotations

import inspect
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from jupyter_mlws.components import chinese
from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.kinds import USELESS, Guess, columns_with_role, kinds_of
from jupyter_mlws.components.tables import check_columns, target_of
from jupyter_mlws.components.values import PREPARATION_ENTRY

Preparation = Literal["none", "automatic"]
Step = Literal["numbers", "dates", "one_hot", "target_encoding", "texts", "ignored"]
STEPS: tuple[Step, ...] = get_args(Step)
FEW_CATEGORIES = 30
"""Categories up to which each becomes a column."""
MANY_CLASSES = 10
"""Of more classes, target encoding would make a column for each; frequent categories have one."""
FOLDS = 5
LEAST_TEXTS = 100
"""Rows from which the words of texts tell anything."""
TEXT_COLUMNS = 30
"""Columns that the words of a text become."""
HANDLE_GAPS = frozenset({"hist_gradient_boosting", "xgboost", "lightgbm"})
"""Kinds of model that take missing values as they are."""
NUMERIC: frozenset[Step] = frozenset({"numbers", "dates"})
"""Steps whose results are numbers, which may have gaps."""
MAX_ENTRY_BYTES = 10_000_000
"""Bytes of the steps in a model's file; a zip file of a few kB can hold gigabytes."""


class PreparedColumn(NamedTuple):
    """A column of a pipeline, and the step for it."""

    name: str
    kind: str
    reason: str
    step: Step
    gaps: int
    """Rows without a value, of those that it was fitted on."""
    date_format: str | None = None
    """Format of texts that are dates, where it cannot be found from the values."""
    fills_gaps: bool = False
    """True if a missing number or date is filled, false if the model takes it as it is."""


class Rows(NamedTuple):
    """The rows of a table that have a target."""

    features: Table
    target: Any
    weights: Any
    """None if no column has the role of a weight."""
    left_out: int
    """Rows without a target."""
    ignored: Any = None
    """Columns that are ignored by their role."""


def rows_with_target(table: Table, target: str | None) -> Rows:
    """Return features and target of the rows that have one.

    Columns that are ignored, groups or weights by their role are no features.
    """
    goal = target_of(table, target)
    rows = table[table[goal].notna()]
    if len(rows) == 0:
        raise ValueError(f"no row has a value in the target column {goal!r}")
    other = columns_with_role(rows, "ignored", "group", "weight", "target")
    weights = [name for name in columns_with_role(rows, "weight") if name != goal]
    return Rows(
        rows.drop(columns=list({goal, *other})),
        # True and false with a gap are objects.
        rows[goal].infer_objects(),
        rows[weights[0]] if weights else None,
        len(table) - len(rows),
        rows[[name for name in columns_with_role(rows, "ignored") if name != goal]],
    )


def plan_steps(
    features: Table, target: Any, task: str, choices: Mapping[str, Step] | None = None
) -> list[PreparedColumn]:
    """Return what the pipeline does with each column, by the rows that it is fitted on.

    ``choices``: steps of columns that a person chose; the others are by the kind of the column.
    """
    import pandas as pd

    columns = []
    for name, guess in kinds_of(features).items():
        column = features[name]
        step = _step(guess, column, target, task)
        choice = (choices or {}).get(str(name))
        if choice is not None and choice != step:
            guess, step = guess._replace(reason="chosen"), choice
            _check_choice(column, step, target, task)
        date_format = None
        if step == "dates" and column.dtype.kind != "M":
            is_date, date_format = readable_dates(column)
            if choice == "dates" and not is_date:
                raise ValueError(f"the column {name!r} has no dates: choose another step for it")
            step = "dates" if is_date else "ignored"
        if step == "numbers" and not pd.api.types.is_numeric_dtype(column):
            # A person called a text a number.
            numbers = pd.to_numeric(column, errors="coerce")
            texts = column[numbers.isna() & column.notna()]
            example = f", such as {texts.iloc[0]!r} in row {texts.index[0]}" if len(texts) else ""
            raise ValueError(
                f"the column {name!r} is to be a number, but holds texts{example}: "
                "convert it with “Convert Types”, or change its kind"
            )
        columns.append(
            PreparedColumn(
                str(name),
                guess.kind,
                guess.reason,
                step,
                int(column.isna().sum()),
                date_format,
            )
        )
    return columns


def ignored_columns(table: Table) -> list[PreparedColumn]:
    """Return the columns that a person ignores, with the reason if nothing can be learned."""
    return [
        PreparedColumn(
            str(name),
            guess.kind,
            guess.reason if guess.kind in USELESS else "chosen",
            "ignored",
            int(table[name].isna().sum()),
        )
        for name, guess in kinds_of(table).items()
    ]


def _check_choice(column: Any, step: Step, target: Any, task: str) -> None:
    """Raise ValueError if a column cannot have the step that a person chose."""
    import pandas as pd

    fault = ""
    if step == "numbers" and column.dtype.kind == "M":
        fault = "has dates, which are no numbers"
    elif step == "texts" and pd.api.types.infer_dtype(column.dropna()) != "string":
        fault = "has no texts"
    elif step == "target_encoding" and not can_encode_by_target(target, task):
        fault = (
            "cannot be replaced by the mean target, for which there are too many classes, too few "
            "rows or no target"
        )
    if fault:
        raise ValueError(f"the column {column.name!r} {fault}: choose another step for it")


def _step(guess: Guess, column: Any, target: Any, task: str) -> Step:
    import pandas as pd

    match guess.kind:
        case "number":
            return "numbers"
        case "boolean":
            # With gaps they are objects, which have no median.
            return "numbers" if pd.api.types.is_bool_dtype(column) else "one_hot"
        case "date":
            return "dates"
        case "category":
            if column.nunique() <= FEW_CATEGORIES or not can_encode_by_target(target, task):
                return "one_hot"
            return "target_encoding"
        case "text":
            return "texts" if len(column) >= LEAST_TEXTS else "ignored"
        case _:
            return "ignored"


def readable_dates(column: Any) -> tuple[bool, str | None]:
    """Return whether skrub reads texts as dates, and the format that it needs for it."""
    from skrub import ToDatetime

    for date_format in (None, *chinese.DATE_FORMATS):
        try:
            ToDatetime(format=date_format).fit_transform(column)
        except ValueError:  # skrub's RejectColumn is one
            continue
        return True, date_format
    return False, None


def can_encode_by_target(target: Any, task: str) -> bool:
    """Return whether categories can be encoded by the mean target of parts of the rows."""
    if target is None:
        return False
    if task == "regression":
        return len(target) >= FOLDS
    counts = target.value_counts()
    return len(counts) <= MANY_CLASSES and int(counts.max()) >= FOLDS


def transformer(columns: Sequence[PreparedColumn], task: str, scale: bool, seed: int) -> Any:
    """Return an unfitted ColumnTransformer with a transformer for each step."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler, TargetEncoder

    fills_gaps = any(column.fills_gaps for column in columns)
    names: dict[tuple[Step, str | None], list[str]] = {}
    for column in columns:
        names.setdefault((column.step, column.date_format), []).append(column.name)

    def numeric(*first: Any) -> Any:
        fill = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        imputer = [fill] if fills_gaps else []
        steps = [*first, *imputer, *([StandardScaler()] if scale else [])]
        return make_pipeline(*steps) if steps else "passthrough"

    def step_of(step: Step, date_format: str | None) -> Any:
        match step:
            case "numbers":
                return numeric()
            case "one_hot":
                return OneHotEncoder(
                    handle_unknown="infrequent_if_exist",
                    max_categories=FEW_CATEGORIES,
                    sparse_output=False,
                )
            case "target_encoding":
                kind = "auto" if task == "classification" else "continuous"
                encoder = TargetEncoder(target_type=kind, **folds_of(task, seed))
                return make_pipeline(encoder, *([StandardScaler()] if scale else []))
            case "ignored":
                return "drop"
        # It takes a second to import.
        from skrub import ApplyToCols, DatetimeEncoder, StringEncoder, ToDatetime

        if step == "texts":
            return ApplyToCols(StringEncoder(n_components=TEXT_COLUMNS, random_state=seed))
        dates = make_pipeline(ToDatetime(format=date_format), DatetimeEncoder(add_weekday=True))
        return numeric(ApplyToCols(dates))

    return ColumnTransformer(
        [
            (f"{step} {date_format}" if date_format else step, step_of(step, date_format), group)
            for (step, date_format), group in names.items()
        ],
        verbose_feature_names_out=False,
    )


def folds_of(task: str, seed: int) -> dict[str, Any]:
    """Return how a TargetEncoder divides the rows, in the words of its version."""

    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    if "deprecated" in str(inspect.signature(TargetEncoder).parameters["random_state"].default):
        folds = StratifiedKFold if task == "classification" else KFold
        return {"cv": folds(FOLDS, shuffle=True, random_state=seed)}
    return {"cv": FOLDS, "random_state": seed}


def suited_parameters(estimator: Any, target: Any, task: str) -> dict[str, Any]:
    """Return parameters of histogram boosting with which few rows, or rare classes, can be learned.

    Its leaves have 20 rows by default: a class with fewer makes it diverge (as a share of rows that
    is right it can be worse than guessing), and a table of 30 rows has no split at all.
    """
    parameters = estimator.get_params()
    if "l2_regularization" not in parameters or target is None:
        return {}
    rows = parameters["min_samples_leaf"]
    changes: dict[str, Any] = {"min_samples_leaf": max(1, min(rows, len(target) // 4))}
    rarest = target.value_counts().min() if task == "classification" else rows
    if rarest < rows:
        changes["l2_regularization"] = 10.0
    if rarest < 2:
        # It would hold back a row of each class, and a class of one row has none left to learn.
        changes["early_stopping"] = False
    return changes


def step_choices(pairs: Sequence[str]) -> dict[str, Step]:
    """Return the steps of a list of ``column=step``; ValueError for what is none."""
    choices: dict[str, Step] = {}
    for pair in pairs:
        name, equals, value = (part.strip() for part in pair.rpartition("="))
        step = next((one for one in STEPS if one == value), None)
        if not equals or step is None:
            raise ValueError(
                f"columns: {pair!r} must have the form column={STEPS[0]}, with one of "
                + ", ".join(STEPS)
            )
        choices[name] = step
    return choices


def column_steps(columns: Sequence[PreparedColumn], task: str, scale: bool, seed: int) -> Any:
    """Return an unfitted transformer that says what it does, for the input ``steps`` of learners.

    Its attribute ``preparation_`` has the columns, and ``options_`` the other settings.
    """
    steps = transformer(columns, task, scale, seed)
    steps.preparation_ = [list(column) for column in columns]
    steps.options_ = {"scale": scale, "seed": seed}
    return steps


def steps_for(steps: Any, features: Table) -> list[PreparedColumn]:
    """Return the steps of the columns that a learner has; ValueError if one has none."""
    own = {column.name: column for column in columns_of(steps)}
    if missing := [str(name) for name in features.columns if name not in own]:
        raise ValueError(
            f"“Prepare Columns” has no steps for {missing}: connect it to the table of the learner"
        )
    return [
        own[str(name)]._replace(gaps=int(features[name].isna().sum())) for name in features.columns
    ]


def preparing_pipeline(
    estimator: Any,
    rows: Rows,
    task: str,
    algorithm: str,
    scale: bool,
    seed: int,
    steps: Any = None,
) -> Any:
    """Return an unfitted pipeline that prepares the raw columns of a table and then predicts.

    ``steps``: of `column_steps`; None has them chosen by the kinds of the columns. Its attribute
    ``preparation_`` says what it does with each column; it goes when the pipeline is cloned.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    options: dict[str, Any] = {"scale": scale, "seed": seed}
    scaler = []
    if steps is None:
        columns = with_filling(
            plan_steps(rows.features, rows.target, task), algorithm not in HANDLE_GAPS
        )
    else:
        columns = steps_for(steps, rows.features)
        options = steps.options_
        scaler = [("scale", StandardScaler())] if scale else []
    if all(column.step == "ignored" for column in columns):
        raise ValueError(
            "no column is left to learn from: all are identifiers, constants or ignored"
        )
    estimator.set_params(**suited_parameters(estimator, rows.target, task))
    prepare = transformer(columns, task, **options)
    pipeline = Pipeline([("prepare", prepare), *scaler, ("model", estimator)])
    if rows.ignored is not None:
        columns = [*columns, *ignored_columns(rows.ignored)]
    pipeline.preparation_ = [list(column) for column in columns]
    print(summary(columns, rows.left_out))  # noqa: T201
    return pipeline


def with_filling(columns: Sequence[PreparedColumn], fills_gaps: bool) -> list[PreparedColumn]:
    """Return the steps with or without filling of missing numbers and dates."""
    return [one._replace(fills_gaps=fills_gaps and one.step in NUMERIC) for one in columns]


def columns_of(model: Any) -> list[PreparedColumn]:
    """Return what a model does with each column; empty if it prepares none."""
    return [PreparedColumn(*one) for one in getattr(model, "preparation_", ())]


def stored_columns(path: Path) -> list[PreparedColumn]:
    """Return what the model of a file does with each column, without loading the model.

    Raises OSError, ValueError or TypeError if the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        if PREPARATION_ENTRY not in archive.namelist():
            return []
        if archive.getinfo(PREPARATION_ENTRY).file_size > MAX_ENTRY_BYTES:
            raise ValueError(f"{PREPARATION_ENTRY} is larger than {MAX_ENTRY_BYTES} bytes")
        return [PreparedColumn(*row) for row in json.loads(archive.read(PREPARATION_ENTRY))]


def needed_columns(model: Any) -> list[str] | None:
    """Return the columns that a model predicts from; None if it does not know their names."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return None
    columns = columns_of(model)
    unused = {column.name for column in columns if column.step == "ignored"}
    return [str(name) for name in names if name not in unused]


def features_of(model: Any, table: Table) -> Table:
    """Return the columns that a model predicts from, in its order; KeyError if one is missing."""
    names = needed_columns(model)
    if names is None:
        return table
    check_columns(table, names)
    features: Table = table[names]
    return features


def fit_options(pipeline: Any, rows: Rows) -> dict[str, Any]:
    """Return the arguments of the pipeline's ``fit`` beside features and target."""
    from sklearn.utils.validation import has_fit_parameter

    if rows.weights is None:
        return {}
    if not has_fit_parameter(pipeline[-1], "sample_weight"):
        raise ValueError(
            f"{type(pipeline[-1]).__name__} does not weigh rows: choose another algorithm, or take "
            f"the role of a weight from the column {rows.weights.name!r}"
        )
    return {"model__sample_weight": rows.weights.to_numpy()}


def step_counts(columns: Sequence[PreparedColumn]) -> dict[str, int]:
    """Return how many columns were encoded, imputed and ignored."""
    return {
        "encoded": sum(one.step not in ("numbers", "ignored") for one in columns),
        "imputed": sum(one.gaps > 0 and one.fills_gaps for one in columns),
        "ignored": sum(one.step == "ignored" for one in columns),
    }


def summary(columns: list[PreparedColumn], left_out: int) -> str:
    """Return what was done, in a line for the log."""
    counts = {**step_counts(columns), "rows without a target left out": left_out}
    return "; ".join(f"{count} {words}" for words, count in counts.items())
