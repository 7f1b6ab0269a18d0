"""Split tables."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Table, component, needs
from jupyter_mlws.components.columns import like
from jupyter_mlws.components.kinds import columns_with_role, sortable
from jupyter_mlws.components.parameters import AppliesTo, ColumnName, ColumnOf, Seed
from jupyter_mlws.components.tables import check_columns


class Parts(NamedTuple):
    """The two parts of a table."""

    train: Table
    test: Table


@component(category="Split", title="Split Table", columns=like("data"), needs=needs.split)
def split(
    data: Table,
    *,
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.25,
    stratify: Annotated[
        ColumnName | None, Field(title="Stratify by"), AppliesTo(shuffle=(True,))
    ] = None,
    group: Annotated[str | None, Field(title="Keep together by"), ColumnOf(role="group")] = None,
    time: Annotated[str | None, Field(title="In order of"), ColumnOf(role="time")] = None,
    shuffle: bool = True,
    random_state: Annotated[Seed, AppliesTo(shuffle=(True,))] = 0,
) -> Parts:
    """Split a table into a training and a test set.

    data: Input table.
    train: Training set.
    test: Test set.
    test_size: Fraction of rows in the test set.
    stratify: Keep the class proportions of this column in both sets.
    group: Rows with the same value in this column, such as a customer, stay in the same set. Leave
        empty for the column with the role of a group, if there is one.
    time: The rows with the latest values in this column are the test set. Leave empty for the
        column with the role of the time, if there is one.
    shuffle: Shuffle rows before splitting.
    random_state: Seed for a reproducible split.
    """
    import pandas as pd
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    check_columns(data, [name for name in (stratify, group, time) if name])
    if len(data) < 2:
        raise ValueError(f"the table has {len(data)} rows; two sets need at least 2")
    time = time or next(iter(columns_with_role(data, "time")), None)
    group = group or next(iter(columns_with_role(data, "group")), None)
    if time:
        times = sortable(data[time]).reset_index(drop=True)
        # Rows without a time are no latest ones.
        data = data.iloc[times.sort_values(kind="stable", na_position="first").index]
        shuffle = False
    elif group and data[group].nunique(dropna=False) > 1:
        codes = pd.factorize(data[group], use_na_sentinel=False)[0]
        parts = GroupShuffleSplit(1, test_size=test_size, random_state=random_state)
        train, test = (data.iloc[rows] for rows in next(parts.split(data, groups=codes)))
        return Parts(train.reset_index(drop=True), test.reset_index(drop=True))
    train, test = train_test_split(
        data,
        test_size=test_size,
        stratify=_strata(data[stratify], test_size) if stratify and shuffle else None,
        shuffle=shuffle,
        random_state=random_state,
    )
    return Parts(train.reset_index(drop=True), test.reset_index(drop=True))


def _strata(column: Any, test_size: float) -> Any:
    """Return the class of each row, the rarest ones together; None if there are too many.

    A class of one row cannot be in both sets.
    """
    import math

    import pandas as pd

    tests = math.ceil(len(column) * test_size)
    strata = column
    # A missing value is a class, too.
    codes = pd.Series(pd.factorize(column, use_na_sentinel=False)[0], index=column.index)
    counts = codes.value_counts()
    rare = counts.index[counts < 2]
    if len(rare) or column.isna().any():
        strata = codes.where(~codes.isin(rare), -1 if len(rare) > 1 else counts.index[0])
    if strata.nunique() > min(tests, len(column) - tests):
        print(f"not stratified: {column.name!r} has more classes than a set has rows")  # noqa: T201
        return None
    return strata
