"""Prepare columns by steps that a person can read and change."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Table, component, needs
from jupyter_mlws.components.artifacts import FittedSteps
from jupyter_mlws.components.estimators import task_of
from jupyter_mlws.components.parameters import (
    AppliesTo,
    Labels,
    PairsOf,
    Seed,
    Standardize,
    TargetColumn,
)
from jupyter_mlws.components.preparation import (
    STEPS,
    Rows,
    column_steps,
    plan_steps,
    rows_with_target,
    step_choices,
    with_filling,
)
from jupyter_mlws.components.tables import check_columns, target_of

STEP_LABELS = (
    "Number",
    "Date",
    "A column for each category",
    "Mean target of each category",
    "Words of a text",
    "Ignore",
)
"""In the order of the steps."""


class PreparationResult(NamedTuple):
    """A table with prepared columns, and the steps."""

    table: Table
    steps: FittedSteps


@component(category="Prepare", title="Prepare Columns", needs=needs.preparation)
def prepare_columns(
    data: Table,
    *,
    columns: Annotated[
        list[str],
        Field(title="Steps of columns"),
        PairsOf("Step", STEPS, labels=STEP_LABELS),
    ] = [],  # noqa: B006  never changed
    gaps: Annotated[
        Literal["median", "keep"],
        Field(title="Missing numbers and dates"),
        Labels(median="Fill with the median, and mark", keep="Leave to the model"),
    ] = "median",
    scale: Standardize = True,
    task: Annotated[
        Literal["auto", "classification", "regression", "clustering"],
        Labels(clustering="Clustering (no target)"),
    ] = "auto",
    target: Annotated[
        TargetColumn | None, AppliesTo(task=("auto", "classification", "regression"))
    ] = None,
    random_state: Seed = 0,
) -> PreparationResult:
    """Prepare columns for a learner: numbers, categories, dates and texts.

    data: Training data, as the learner has it.
    table: Training data with prepared columns, to look at.
    steps: For the input “steps” of learners, which fit them to their own training rows. Their
        models then take raw tables.
    columns: Columns without a step have that of their kind.
    gaps: Histogram boosting, XGBoost and LightGBM take missing values as they are.
    scale: Scale numbers, dates and mean targets to mean 0 and standard deviation 1.
    task: Classification or regression. Auto decides by the values of the target column.
    target: Column to predict. Leave empty for the table's target column, “target” or the last one.
    random_state: Seed for reproducible results.
    """
    import pandas as pd

    choices = step_choices(columns)
    check_columns(data, choices)
    if task == "clustering":
        rows, kind = Rows(data, None, None, 0), "clustering"
    else:
        goal = target_of(data, target)
        rows = rows_with_target(data, goal)
        kind = task_of(rows.target, goal, "the preparation", task)
    plan = with_filling(
        plan_steps(rows.features, rows.target, kind, choices), fills_gaps=gaps == "median"
    )
    steps = column_steps(plan, kind, scale, random_state)
    values = steps.fit_transform(rows.features, rows.target)
    names = [str(name) for name in steps.get_feature_names_out()]
    prepared = pd.DataFrame(values, columns=names, index=rows.features.index)
    others = data.loc[prepared.index].drop(columns=list(rows.features.columns))
    table: Table = prepared.join(others)
    return PreparationResult(table.reset_index(drop=True), steps)
