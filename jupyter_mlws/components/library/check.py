"""Check tables against rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Metrics, Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.expressions import evaluate
from jupyter_mlws.components.needs import every
from jupyter_mlws.components.parameters import (
    AppliesTo,
    ColumnNames,
    ColumnOf,
    ConditionExpression,
    Labels,
    PairsOf,
    RulesOf,
)
from jupyter_mlws.components.table_needs import comparable, range_types
from jupyter_mlws.components.table_schema import table_schema

MAX_ROWS_NAMED = 5
"""Rows that the message about a violation names."""
COLUMN_TYPES = ("integer", "number", "boolean", "text", "date")


class CheckResult(NamedTuple):
    """The table as it was, the number of violations of each rule, and a row for each."""

    table: Table
    report: Metrics
    failures: Table


class Violation(NamedTuple):
    """A rule that a table violates."""

    rule: str
    message: str
    rows: tuple[int, ...] = ()
    """Numbers of the rows at fault, from 1; none if the whole table is."""


@component(
    category="Clean",
    title="Check Table",
    columns=rules.check_table,
    needs=every(range_types, comparable("unique")),
)
def check_table(
    data: Table,
    *,
    columns: Annotated[list[str], Field(title="Required columns"), ColumnOf(required=False)] = [],  # noqa: B006  never changed
    types: Annotated[
        list[str],
        Field(title="Column types"),
        PairsOf("Type", COLUMN_TYPES, required=False),
    ] = [],  # noqa: B006  never changed
    ranges: Annotated[
        list[str], Field(title="Ranges of values"), PairsOf("Range", required=False, initial="0..")
    ] = [],  # noqa: B006  never changed
    complete: Annotated[ColumnNames, Field(title="Columns without missing values")] = [],  # noqa: B006
    unique: Annotated[ColumnNames, Field(title="Columns without repeated values")] = [],  # noqa: B006
    conditions: list[ConditionExpression] = [],  # noqa: B006  never changed
    minimum_rows: Annotated[int, Field(ge=0, title="Minimum rows")] = 1,
    violations: Annotated[
        Literal["stop", "warn"], Labels(stop="Stop with an error", warn="Print and continue")
    ] = "stop",
    warn: Annotated[
        list[str],
        Field(title="Rules that only warn"),
        RulesOf(
            "columns", "types", "ranges", "complete", "unique", "conditions", single="minimum_rows"
        ),
        AppliesTo(violations=("stop",)),
    ] = [],  # noqa: B006  never changed
) -> CheckResult:
    """Check the columns, types and values of a table.

    data: Input table.
    table: The same table.
    report: Number of rows that violate each rule, and of all violations.
    failures: A row for each violated rule: its effect, the number of rows, and the first of them.
    columns: Columns that the table must have.
    types: Types of columns.
    ranges: Smallest and largest value of a column, such as 0..120. One of them may be left out.
    complete: Columns whose values must not be missing.
    unique: Columns whose values must differ in all rows.
    conditions: Conditions that every row must meet, such as 0 <= age <= 120 or city in ['Bonn'].
        Missing values do not meet comparisons.
    minimum_rows: Rows that the table must have at least.
    violations: What to do if a rule is violated.
    warn: Rules whose violation is printed and does not stop the run.
    """
    import pandas as pd

    faults = [*_table_violations(data, columns, types, [*complete, *unique], minimum_rows)]
    faults += _row_violations(data, ranges, complete, unique, conditions)
    stops = [one for one in faults if violations == "stop" and one.rule not in warn]
    for one in faults:
        print(f"{'Error' if one in stops else 'Warning'}: {one.message}")  # noqa: T201
    if stops:
        reasons = "; ".join(one.message for one in stops)
        raise ValueError(f"the table fails its checks: {reasons}")
    failures = pd.DataFrame(
        [(one.rule, "warn", len(one.rows), _named(one.rows), one.message) for one in faults],
        columns=["rule", "effect", "rows", "first rows", "message"],
    )
    report = {"rows": len(data), "violations": len(faults)}
    return CheckResult(data, report | {one.rule: len(one.rows) for one in faults}, failures)


def _table_violations(
    data: Table, columns: list[str], types: list[str], others: list[str], minimum_rows: int
) -> Iterator[Violation]:
    """Yield the violations that no row is at fault of."""
    for name in dict.fromkeys((*columns, *others)):
        if name not in data.columns:
            yield Violation(f"columns: {name}", f"column {name!r} is missing")
    actual = table_schema(data).columns if types else {}
    for pair in types:
        name, _, kind = (part.strip() for part in pair.rpartition("="))
        if kind not in COLUMN_TYPES or not name:
            raise ValueError(f"{pair!r} is not column=type with one of {', '.join(COLUMN_TYPES)}")
        current = actual[name].type if name in actual else "missing"
        # A column without values has no type, and an integer is a number, too.
        if current not in (None, kind) and (current, kind) != ("integer", "number"):
            yield Violation(f"types: {name}", f"column {name!r} is {current}, not {kind}")
    if len(data) < minimum_rows:
        yield Violation("minimum_rows", f"{len(data)} rows, fewer than {minimum_rows}")


def _row_violations(
    data: Table,
    ranges: list[str],
    complete: list[str],
    unique: list[str],
    conditions: list[str],
) -> Iterator[Violation]:
    """Yield the violations with the rows at fault."""
    import pandas as pd

    masks: dict[str, tuple[Any, str]] = {}
    for pair in ranges:
        name, low, high = parse_range(pair)
        if name not in data.columns:
            yield Violation(f"ranges: {name}", f"column {name!r} is missing")
            continue
        outside = _outside(data[name], low, high)
        masks[f"ranges: {name}"] = outside, f"column {name!r} is not within {low}..{high}"
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
    for rule, (mask, message) in masks.items():
        rows = tuple(int(n) + 1 for n in mask.to_numpy().nonzero()[0])
        if rows:
            yield Violation(rule, f"{message} in {len(rows)} rows ({_named(rows)})", rows)


def parse_range(pair: str) -> tuple[str, str, str]:
    """Return the column and the limits of ``age=0..120``; raises ValueError."""
    name, equals, limits = (part.strip() for part in pair.rpartition("="))
    low, dots, high = (part.strip() for part in limits.partition(".."))
    if not equals or not name or not dots or not (low or high):
        raise ValueError(f"{pair!r} is not column=smallest..largest, such as age=0..120")
    return name, low, high


def _outside(column: Any, low: str, high: str) -> Any:
    """Return which values are outside a range; missing values are not."""
    import pandas as pd

    is_date = pd.api.types.is_datetime64_any_dtype(column)
    try:
        limits = [
            (pd.Timestamp(text) if is_date else float(text)) if text else None
            for text in (low, high)
        ]
        smaller = column < limits[0] if limits[0] is not None else False
        larger = column > limits[1] if limits[1] is not None else False
    except (TypeError, ValueError):
        raise ValueError(
            f"column {column.name!r} of type {column.dtype} cannot be within {low}..{high}"
        ) from None
    return (smaller | larger) & column.notna()


def _named(rows: tuple[int, ...]) -> str:
    more = ", …" if len(rows) > MAX_ROWS_NAMED else ""
    return ", ".join(map(str, rows[:MAX_ROWS_NAMED])) + more
