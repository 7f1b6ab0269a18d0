"""Earlier values of rows in order of time."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from jupyter_mlws.components import Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.kinds import columns_with_role, sortable
from jupyter_mlws.components.parameters import ColumnName, ColumnNames, Count
from jupyter_mlws.components.tables import check_columns, numeric, target_of


@component(category="Transform", title="Add Lags", columns=rules.add_lags)
def add_lags(
    data: Table,
    *,
    columns: ColumnNames = [],  # noqa: B006  never changed
    lags: list[Count] = [1, 2, 3],  # noqa: B006  never changed
    windows: Annotated[list[Annotated[int, Field(ge=2)]], Field(title="Windows of means")] = [],  # noqa: B006  never changed
    ahead: Annotated[Count, Field(title="Steps ahead")] = 1,
    time: Annotated[ColumnName | None, Field(title="In order of")] = None,
    group: Annotated[ColumnName | None, Field(title="Series by")] = None,
) -> Table:
    """Add earlier values of columns, and means of earlier values, to forecast the next ones.

    data: Input table. Its rows are put in order of time.
    columns: Columns whose earlier values are added. Leave empty for the target column.
    lags: How many rows earlier. A column for each, such as sales_lag_1.
    windows: Numbers of earlier rows. A column with their mean for each, such as sales_mean_7.
    ahead: How many rows ahead is forecast. Values that are not known then are left out.
    time: Column with the time. Leave empty for the column with that role; without one, the rows are
        in order.
    group: Column whose values are series of their own, such as a shop. Leave empty for the column
        with the role of a group, if there is one.
    """
    names = columns or [target_of(data, None)]
    time = time or next(iter(columns_with_role(data, "time")), None)
    group = group or next(iter(columns_with_role(data, "group")), None)
    check_columns(data, [*names, *(name for name in (time, group) if name)])
    known_lags = [lag for lag in lags if lag >= ahead]
    if not known_lags and not windows:
        raise ValueError(f"no value is known {ahead} steps ahead: add a lag of {ahead} or more")
    if time:
        times = sortable(data[time]).reset_index(drop=True)
        data = data.iloc[times.sort_values(kind="stable").index]
    table = data.reset_index(drop=True)

    def in_series(column: Any) -> Any:
        return column.groupby(table[group], sort=False, dropna=False) if group else column

    new: dict[str, Any] = {}
    for name in names:
        if not numeric(table[name]):
            raise ValueError(f"the column {name!r} is no number: convert it with “Convert Types”")
        column = table[name].astype("float64")
        for lag in known_lags:
            new[f"{name}_lag_{lag}"] = in_series(column).shift(lag)
        before = in_series(column).shift(ahead)
        for window in windows:
            means = in_series(before).rolling(window, min_periods=1).mean()
            # The mean of each series has the number of the series before that of the row.
            new[f"{name}_mean_{window}"] = means.droplevel(0).sort_index() if group else means
    result: Table = table.assign(**new)
    return result
