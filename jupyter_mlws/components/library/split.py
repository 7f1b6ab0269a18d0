"""Divide data."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Table, component


class Parts(NamedTuple):
    """The two parts of a table."""

    train: Table
    test: Table


@component(category="Split", title="Split table")
def split(
    data: Table,
    *,
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.25,
    stratify: str | None = None,
    shuffle: bool = True,
    random_state: Annotated[int, Field(ge=0)] = 0,
) -> Parts:
    """Divide a table into a part to train on and a part to test on.

    data: The table.
    train: The part to train on.
    test: The part to test on.
    test_size: The share of rows in the test part.
    stratify: A column whose values keep their shares in both parts.
    shuffle: Mix the rows before dividing them.
    random_state: The same number makes the same parts.
    """
    from sklearn.model_selection import train_test_split

    by = data[stratify] if stratify else None
    train, test = train_test_split(
        data, test_size=test_size, stratify=by, shuffle=shuffle, random_state=random_state
    )
    return Parts(train.reset_index(drop=True), test.reset_index(drop=True))
