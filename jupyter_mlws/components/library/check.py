"""Check tables against conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component
from jupyter_mlws.components.columns import like
from jupyter_mlws.components.expressions import evaluate
from jupyter_mlws.components.parameters import ColumnNames, ColumnOf, Labels
from jupyter_mlws.components.source_columns import table_schema

MAX_ROWS_NAMED = 5
"""Rows that the message about a violation names."""
COLUMN_TYPES = ("integer", "number", "boolean", "text", "date")


class CheckResult(NamedTuple):
    """The table as it was, and the number of violations of each check."""

    table: Table
    report: Metrics


@component(category="Clean", title="Check Table", columns=like("data"))
def check_table(
    data: Table,
    *,
    columns: Annotated[list[str], Field(title="Required columns"), ColumnOf(required=False)] = [],  # noqa: B006  never changed
    types: Annotated[list[str], Field(title="Column types")] = [],  # noqa: B006  never changed
    complete: Annotated[ColumnNames, Field(title="Columns without missing values")] = [],  # noqa: B006
    unique: Annotated[ColumnNames, Field(title="Columns without repeated values")] = [],  # noqa: B006
    conditions: list[str] = [],  # noqa: B006  never changed
    minimum_rows: Annotated[int, Field(ge=0, title="Minimum rows")] = 1,
    violations: Annotated[
        Literal["stop", "warn"], Labels(stop="Stop with an error", warn="Print and continue")
    ] = "stop",
) -> CheckResult:
    """Check the columns, types and values of a table.

    data: Input table.
    table: The same table.
    report: Number of rows that violate each check, and of all violations.
    columns: Columns that the table must have.
    types: Each as column=type, such as age=integer. Types: integer, number, boolean, text, date.
    complete: Columns whose values must not be missing.
    unique: Columns whose values must differ in all rows.
    conditions: Conditions that every row must meet, such as 0 <= age <= 120 or city in ['Bonn'].
        Missing values do not meet comparisons.
    minimum_rows: Rows that the table must have at least.
    violations: What to do if a check fails.
    """
    faults = dict(_faults(data, columns, types, complete, unique, conditions))
    if len(data) < minimum_rows:
        faults["minimum_rows"] = 0, f"{len(data)} rows, fewer than {minimum_rows}"
    messages = [message for _, message in faults.values()]
    for message in messages:
        print(message)  # noqa: T201
    if faults and violations == "stop":
        raise ValueError("the table fails its checks: " + "; ".join(messages))
    report = {"rows": len(data), "violations": len(faults)}
    return CheckResult(data, report | {check: rows for check, (rows, _) in faults.items()})


def _faults(
    data: Table,
    columns: list[str],
    types: list[str],
    complete: list[str],
    unique: list[str],
    conditions: list[str],
) -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield each check that fails, with the number of rows, and a message."""
    import pandas as pd

    for name in dict.fromkeys((*columns, *complete, *unique)):
        if name not in data.columns:
            yield f"columns: {name}", (0, f"column {name!r} is missing")
    actual = table_schema(data).columns if types else {}
    for pair in types:
        name, _, kind = (part.strip() for part in pair.rpartition("="))
        if kind not in COLUMN_TYPES or not name:
            raise ValueError(f"{pair!r} is not column=type with one of {', '.join(COLUMN_TYPES)}")
        current = actual[name].type if name in actual else "missing"
        # A column without values has no type, and an integer is a number, too.
        if current not in (None, kind) and (current, kind) != ("integer", "number"):
            yield f"types: {name}", (0, f"column {name!r} is {current}, not {kind}")
    masks: dict[str, tuple[Any, str]] = {}
    for name in (one for one in complete if one in data.columns):
        masks[f"complete: {name}"] = data[name].isna(), f"column {name!r} has missing values"
    for name in (one for one in unique if one in data.columns):
        repeated = data[name].duplicated(keep=False) & data[name].notna()
        masks[f"unique: {name}"] = repeated, f"column {name!r} has repeated values"
    for condition in conditions:
        meets = evaluate(condition, data)
        if not isinstance(meets, pd.Series) or not pd.api.types.is_bool_dtype(meets):
            raise ValueError(f"{condition!r} is not true or false for each row")
        unmet = ~meets.fillna(False).astype(bool)
        masks[f"conditions: {condition}"] = unmet, f"the condition {condition} is not met"
    for check, (mask, message) in masks.items():
        rows = [int(n) + 1 for n in mask.to_numpy().nonzero()[0]]
        if rows:
            numbers = ", ".join(map(str, rows[:MAX_ROWS_NAMED]))
            more = ", …" if len(rows) > MAX_ROWS_NAMED else ""
            yield check, (len(rows), f"{message} in {len(rows)} rows ({numbers}{more})")
