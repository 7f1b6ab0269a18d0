"""Split tables."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Table, component
from jupyter_mlws.components.columns import like
from jupyter_mlws.components.parameters import AppliesTo, ColumnName, Seed


class Parts(NamedTuple):
    """The two parts of a table."""

    train: Table
    test: Table


@component(category="Split", title="Split Table", columns=like("data"))
def split(
    data: Table,
    *,
    test_size: Annotated[float, Field(gt=0, lt=1)] = 0.25,
    stratify: Annotated[
        ColumnName | None, Field(title="Stratify by"), AppliesTo(shuffle=(True,))
    ] = None,
    shuffle: bool = True,
    random_state: Annotated[Seed, AppliesTo(shuffle=(True,))] = 0,
) -> Parts:
    """Split a table into a training and a test set.

    data: Input table.
    train: Training set.
    test: Test set.
    test_size: Fraction of rows in the test set.
    stratify: Keep the class proportions of this column in both sets.
    shuffle: Shuffle rows before splitting.
    random_state: Seed for a reproducible split.
    """
    from sklearn.model_selection import train_test_split

    by = data[stratify] if stratify else None
    train, test = train_test_split(
        data, test_size=test_size, stratify=by, shuffle=shuffle, random_state=random_state
    )
    return Parts(train.reset_index(drop=True), test.reset_index(drop=True))
