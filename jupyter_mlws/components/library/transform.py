"""Filter, join, group and reshape tables."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from jupyter_mlws.components import Table, component, table_needs
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.columns import like
from jupyter_mlws.components.expression_types import formula as formula_columns
from jupyter_mlws.components.expressions import evaluate
from jupyter_mlws.components.failures import shown
from jupyter_mlws.components.kinds import chosen_columns, with_choices
from jupyter_mlws.components.needs import every
from jupyter_mlws.components.parameters import (
    AppliesTo,
    ColumnName,
    ColumnNames,
    ColumnOf,
    ConditionExpression,
    Count,
    Expression,
    Labels,
    PairsOf,
    Seed,
)
from jupyter_mlws.components.table_needs import comparable, statistics
from jupyter_mlws.components.tables import check_columns, numeric

Condition = Literal[
    "equals",
    "not_equals",
    "greater",
    "at_least",
    "less",
    "at_most",
    "contains",
    "is_one_of",
    "is_missing",
    "is_not_missing",
]
Statistic = Literal[
    "mean", "sum", "min", "max", "median", "std", "count", "distinct", "first", "last"
]
MAX_INTEGER = 2.0**63
"""Larger numbers, and infinite ones, are no integers of 64 bits."""
METHODS: dict[str, Any] = {"distinct": "nunique"}
"""pandas' names of statistics, where they differ."""


@component(
    category="Transform", title="Filter Rows", columns=like("data"), needs=table_needs.comparison
)
def filter_rows(
    data: Table,
    *,
    by: Annotated[
        Literal["column", "expression"], Field(title="Filter by"), Labels(column="A column")
    ] = "column",
    column: Annotated[ColumnName, AppliesTo(by=("column",))] = "",
    condition: Annotated[
        Condition,
        AppliesTo(by=("column",)),
        Labels(
            greater="Is greater than",
            at_least="Is at least",
            less="Is less than",
            at_most="Is at most",
        ),
    ] = "equals",
    value: Annotated[
        str,
        AppliesTo(
            by=("column",),
            condition=(
                "equals",
                "not_equals",
                "greater",
                "at_least",
                "less",
                "at_most",
                "contains",
            ),
        ),
    ] = "",
    values: Annotated[list[str], AppliesTo(by=("column",), condition=("is_one_of",))] = [],  # noqa: B006  never changed
    expression: Annotated[ConditionExpression, AppliesTo(by=("expression",))] = "",
) -> Table:
    """Keep the rows that meet a condition.

    data: Input table.
    by: Filter by the values of one column, or by an expression.
    column: Column to test.
    condition: Condition that the values have to meet. Missing values only meet “Is missing”.
    value: Number, date or text to compare with.
    values: Values to keep.
    expression: Condition over columns, such as: price * quantity > 100 and city == 'Bonn'
    """
    import pandas as pd

    if by == "expression":
        mask = evaluate(expression, data)
        if not pd.api.types.is_bool_dtype(mask):
            raise ValueError(f"{expression!r} is not true or false for each row")
    else:
        check_columns(data, [column])
        mask = _meets(data[column], condition, value, values)
    rows: Table = data[mask.fillna(False)].reset_index(drop=True)
    print(f"{len(rows)} of {len(data)} rows")  # noqa: T201
    return rows


def _meets(column: Any, condition: Condition, value: str, values: list[str]) -> Any:
    if column.dtype == "category":
        # By their values: categories of pandas may have no order.
        column = column.astype(column.cat.categories.dtype)
    if condition == "is_missing":
        return column.isna()
    if condition == "is_not_missing":
        return column.notna()
    if condition == "contains":
        return column.astype("str").str.contains(value, regex=False) & column.notna()
    if condition == "is_one_of":
        return column.isin([_like(column, one) for one in values])
    limit = _like(column, value)
    comparison = {
        "equals": column.eq,
        "not_equals": column.ne,
        "greater": column.gt,
        "at_least": column.ge,
        "less": column.lt,
        "at_most": column.le,
    }[condition]
    try:
        return comparison(limit) & column.notna()
    except TypeError:
        raise ValueError(
            f"{value!r} cannot be compared with the column {column.name!r} of type {column.dtype}"
        ) from None


def _like(column: Any, text: str) -> Any:
    """Return a text as a value of the column's type."""
    import pandas as pd

    try:
        if pd.api.types.is_bool_dtype(column):
            return {"true": True, "false": False}[text.strip().lower()]
        if pd.api.types.is_integer_dtype(column) and text.strip().lstrip("+-").isdecimal():
            # A large number would not be exact as a float.
            return int(text)
        if numeric(column):
            return float(text)
        if pd.api.types.is_datetime64_any_dtype(column):
            return pd.Timestamp(text)
    except (KeyError, ValueError):
        raise ValueError(
            f"{text!r} cannot be compared with the column {column.name!r} of type {column.dtype}"
        ) from None
    return text


@component(
    category="Transform", title="Sort Rows", columns=like("data"), needs=comparable("columns")
)
def sort_rows(
    data: Table,
    *,
    columns: ColumnNames,
    descending: bool = False,
) -> Table:
    """Sort the rows by one or more columns; missing values come last.

    data: Input table.
    columns: Columns to sort by, the most important first.
    descending: Largest values first.
    """
    check_columns(data, columns)
    result: Table = data.sort_values(
        columns, ascending=not descending, kind="stable", ignore_index=True
    )
    return result


@component(category="Transform", title="Sample Rows", columns=like("data"))
def sample_rows(
    data: Table,
    *,
    size: Annotated[
        Literal["rows", "share"], Labels(rows="Number of rows", share="Share of rows")
    ] = "rows",
    rows: Annotated[Count, Field(title="Number of rows"), AppliesTo(size=("rows",))] = 1000,
    share: Annotated[float, Field(gt=0, le=1), AppliesTo(size=("share",))] = 0.1,
    random_state: Seed = 0,
) -> Table:
    """Draw a random sample of the rows, in their order.

    data: Input table.
    size: Give the size of the sample as a number or as a share of the rows.
    rows: Rows of the sample. A table with fewer rows is kept whole.
    share: From 0 to 1.
    random_state: Seed for reproducible results.
    """
    count = min(rows, len(data)) if size == "rows" else round(share * len(data))
    sample: Table = data.sample(n=count, random_state=random_state).sort_index(ignore_index=True)
    return sample


@component(category="Transform", title="Rename Columns", columns=rules.rename_columns)
def rename_columns(
    data: Table,
    *,
    names: Annotated[
        list[str], Field(title="New names"), PairsOf("New name", initial="{column}")
    ] = [],  # noqa: B006  never changed
) -> Table:
    """Rename columns.

    data: Input table.
    names: Each as old=new.
    """
    pairs: dict[str, str] = {}
    for pair in names:
        old, equals, new = (part.strip() for part in pair.partition("="))
        if not equals or not new:
            raise ValueError(f"{pair!r} is not a new name: write old=new")
        pairs[old] = new
    check_columns(data, pairs)
    own = chosen_columns(data)
    # The former name of another column brings no role.
    choices = {new: {"role": "feature"} for new in pairs.values() if new in own}
    choices |= {pairs.get(name, name): one for name, one in own.items()}
    result = with_choices(data.rename(columns=pairs), choices)
    twice = sorted({str(name) for name in result.columns[result.columns.duplicated()]})
    if twice:
        raise ValueError(f"more than one column would be called {twice}")
    return result


@component(
    category="Transform",
    title="Convert Types",
    columns=rules.convert_types,
    needs=table_needs.convertible,
)
def convert_types(
    data: Table,
    *,
    columns: ColumnNames,
    to: Annotated[
        Literal["number", "integer", "text", "date", "boolean"], Field(title="Type")
    ] = "number",
    invalid: Annotated[
        Literal["error", "missing"],
        Field(title="Invalid values"),
        Labels(error="Stop with an error", missing="Become missing"),
    ] = "error",
) -> Table:
    """Convert columns to another type.

    data: Input table.
    columns: Columns to convert.
    to: New type of the columns.
    invalid: What to do with values that cannot be converted.
    """
    check_columns(data, columns)
    converted: Table = data.assign(
        **{
            name: _convert(data[name], to, "raise" if invalid == "error" else "coerce")
            for name in columns
        }
    )
    return converted


def _convert(column: Any, to: str, errors: Literal["raise", "coerce"]) -> Any:
    import pandas as pd

    try:
        if to == "text":
            return column.astype("str").where(column.notna())
        if to == "date":
            dates = pd.to_datetime(column, errors="coerce")
            check_values(column, dates, to, errors)
            return dates
        if to == "boolean":
            words = {
                "true": True,
                "yes": True,
                "1": True,
                "1.0": True,
                "false": False,
                "no": False,
                "0": False,
                "0.0": False,
            }
            truths = column.astype("str").str.strip().str.lower().map(words)
            check_values(column, truths, to, errors)
            return truths.astype("boolean")
        numbers = pd.to_numeric(column, errors="coerce")
        if to == "integer" and numbers.dtype.kind == "f":
            numbers = numbers.mask(numbers.abs() >= MAX_INTEGER)
        check_values(column, numbers, to, errors)
        return numbers.round().astype("Int64") if to == "integer" else numbers.astype("float64")
    except TypeError as error:
        raise ValueError(
            f"column {column.name!r} of type {column.dtype} cannot become {to}: choose another "
            "type, or convert it to text first"
        ) from error


def check_values(column: Any, result: Any, to: str, errors: str) -> None:
    """Raise ValueError for the first value that did not become one of a type."""
    rows = (result.isna() & column.notna()).to_numpy().nonzero()[0]
    if len(rows) and errors == "raise":
        more = f" ({len(rows)} such values)" if len(rows) > 1 else ""
        raise ValueError(
            f"column {column.name!r} has {shown(column.iloc[rows[0]])} in row {rows[0] + 1}, which "
            f"is no {to}{more}: correct it, or let invalid values become missing"
        )


@component(category="Transform", title="Formula", columns=formula_columns)
def formula(
    data: Table,
    *,
    column: Annotated[str, Field(title="New column")],
    expression: Expression,
) -> Table:
    """Compute a column from others.

    data: Input table.
    column: Name of the new column. A column with this name is replaced.
    expression: For example: price * quantity, log(income), if_else(age >= 18, 'adult', 'child').
        Names with spaces are written in backticks.
    """
    result: Table = data.assign(**{column: evaluate(expression, data)})
    return result


@component(
    category="Transform",
    title="Join Tables",
    columns=rules.join_tables,
    needs=table_needs.join_keys,
)
def join_tables(
    left: Table,
    right: Table,
    *,
    columns: Annotated[ColumnNames, Field(title="Key columns")] = [],  # noqa: B006  never changed
    right_columns: Annotated[
        list[str], Field(title="Key columns of the right table"), ColumnOf("right")
    ] = [],  # noqa: B006
    how: Annotated[
        Literal["inner", "left", "right", "outer"],
        Field(title="Rows to keep"),
        Labels(
            inner="With a match in both (inner)",
            left="All of the left (left)",
            right="All of the right (right)",
            outer="All of both (outer)",
        ),
    ] = "inner",
    suffix: Annotated[str, Field(title="Suffix of the right table")] = "_right",
) -> Table:
    """Join two tables by key columns.

    left: Left table.
    right: Right table.
    columns: Columns whose values have to be equal. Leave empty for all that both tables have.
    right_columns: Their names in the right table, if they differ.
    how: Rows of the result.
    suffix: Added to the names of columns of the right table that the left table has, too.
    """
    keys = columns or [str(name) for name in left.columns if name in right.columns]
    if not keys:
        raise ValueError("the tables have no column in common; choose the key columns")
    other = right_columns or keys
    if len(other) != len(keys):
        raise ValueError(f"{len(keys)} key columns on the left, {len(other)} on the right")
    check_columns(left, keys, "the left table")
    check_columns(right, other, "the right table")
    # A key has one column in the result, with the name and values of both tables.
    clashes = [name for name in keys if name in right.columns and name not in other]
    renamed = right.rename(columns={name: f"{name}{suffix}" for name in clashes})
    renamed = renamed.rename(columns=dict(zip(other, keys, strict=True)))
    try:
        joined: Table = left.merge(renamed, how=how, on=keys, suffixes=("", suffix))
    except ValueError as error:
        for name in (one for one in keys if left[one].dtype != renamed[one].dtype):
            raise ValueError(
                f"the key column {name!r} is of type {left[name].dtype} in the left table, and "
                f"{renamed[name].dtype} in the right one: use “Convert Types” first"
            ) from error
        raise
    print(f"{len(left)} and {len(right)} rows: {len(joined)} rows")  # noqa: T201
    own = chosen_columns(left)
    choices: dict[str, dict[str, str]] = {}
    for name, one in chosen_columns(right).items():
        if name in other:
            choices[keys[other.index(name)]] = one
        elif name in left.columns:
            # The role is that of the other column of this name.
            choices |= {f"{name}{suffix}": one, name: {"role": "feature"}}
        else:
            choices[name] = one
    return with_choices(joined, {**choices, **own})


@component(
    category="Transform",
    title="Concatenate Tables",
    columns=rules.concatenate_tables,
    needs=table_needs.equal_types,
)
def concatenate_tables(
    tables: list[Table],
    *,
    columns: Annotated[
        Literal["all", "common"],
        Labels(all="All columns", common="Only columns of every table"),
    ] = "all",
) -> Table:
    """Append tables below each other.

    tables: Tables to append, in this order.
    columns: What to do with columns that only some of the tables have; in the others they are
        missing values.
    """
    import pandas as pd

    for name in dict.fromkeys(name for table in tables for name in table.columns):
        kinds = {numeric(table[name]) for table in tables if name in table.columns}
        if len(kinds) > 1:
            raise ValueError(
                f"column {name!r} has numbers in one table and other values in another: use "
                "“Convert Types” first"
            )
    join: Literal["inner", "outer"] = "inner" if columns == "common" else "outer"
    result: Table = pd.concat(tables, join=join, ignore_index=True)
    return result


@component(
    category="Transform",
    title="Group and Aggregate",
    columns=rules.group_rows,
    needs=every(statistics("columns", "statistics"), comparable("by")),
)
def group_rows(
    data: Table,
    *,
    by: Annotated[ColumnNames, Field(title="Group by")],
    columns: Annotated[ColumnNames, Field(title="Columns to aggregate")] = [],  # noqa: B006  never changed
    statistics: Annotated[
        list[Statistic], Field(min_length=1), Labels(std="Standard deviation")
    ] = ["mean"],  # noqa: B006  never changed
) -> Table:
    """Group rows and compute statistics of each group.

    data: Input table.
    by: Columns whose combinations of values are the groups.
    columns: Leave empty for all other numeric columns.
    statistics: One column for each statistic of each column.
    """
    check_columns(data, [*by, *columns])
    names = columns or [
        str(name) for name in data.columns if name not in by and numeric(data[name])
    ]
    groups = data.groupby(by, dropna=False, sort=True)
    table: Table = groups[names].agg(
        [METHODS.get(statistic, statistic) for statistic in statistics]
    )
    table.columns = [f"{name}_{statistic}" for name in names for statistic in statistics]
    result: Table = table.reset_index()
    return result


@component(
    category="Transform",
    title="Pivot",
    columns=rules.pivot_table,
    needs=every(statistics("values", "statistic"), comparable("rows", "columns")),
)
def pivot_table(
    data: Table,
    *,
    rows: Annotated[ColumnNames, Field(title="Row columns")],
    columns: Annotated[ColumnName, Field(title="Column with the new columns")],
    values: Annotated[ColumnName, Field(title="Column with the values")],
    statistic: Annotated[Statistic, Labels(std="Standard deviation")] = "mean",
) -> Table:
    """Make the values of a column columns of their own.

    data: Input table.
    rows: Columns whose combinations of values become the rows.
    columns: Each of its values becomes a column.
    values: Column whose values fill the table.
    statistic: How to combine the values of several rows.
    """
    check_columns(data, [*rows, columns, values])
    table: Table = data.pivot_table(
        index=rows, columns=columns, values=values, aggfunc=METHODS.get(statistic, statistic)
    )
    table.columns = [str(name) for name in table.columns]
    result: Table = table.reset_index()
    return result


@component(
    category="Transform", title="Unpivot", columns=rules.unpivot_table, needs=table_needs.one_kind
)
def unpivot_table(
    data: Table,
    *,
    keep: Annotated[ColumnNames, Field(title="Columns to keep")] = [],  # noqa: B006  never changed
    columns: Annotated[ColumnNames, Field(title="Columns to unpivot")] = [],  # noqa: B006  never changed
    names: Annotated[str, Field(title="Column for the names", min_length=1)] = "variable",
    values: Annotated[str, Field(title="Column for the values", min_length=1)] = "value",
) -> Table:
    """Make columns rows: a row for each value, with the name of its column.

    data: Input table.
    keep: Columns that stay; their values are repeated.
    columns: Columns whose values go below each other. Leave empty for all others.
    names: New column with the names of the columns.
    values: New column with their values.
    """
    check_columns(data, [*keep, *columns])
    chosen = columns or [str(name) for name in data.columns if name not in keep]
    if not chosen:
        raise ValueError("all columns stay; there is none to unpivot")
    clash = sorted({names, values} & {*keep}) or ([names] if names == values else [])
    if clash:
        raise ValueError(f"more than one column would be called {clash}")
    if len({numeric(data[name]) for name in chosen}) > 1:
        raise ValueError(
            "some of the columns have numbers and others do not: choose columns of one kind"
        )
    renamed = data[[*keep, *chosen]].rename(columns=str)
    table: Table = renamed.melt(keep, chosen, var_name="\0name", value_name="\0value")
    long: Table = table.rename(columns={"\0name": names, "\0value": values})
    return long
