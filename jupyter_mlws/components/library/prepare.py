"""Preprocess raw data for training, in one node."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.images import IMAGE, has_images, uniform
from jupyter_mlws.components.kinds import protected_columns
from jupyter_mlws.components.parameters import AppliesTo, Labels, TargetColumn
from jupyter_mlws.components.table_needs import filled_columns
from jupyter_mlws.components.tables import has_lists, numeric, target_of, without_repetitions

Filling = Literal["keep", "mean", "median", "most_frequent", "zero"]
Encoding = Literal["one_hot", "ordinal", "none"]
Scaling = Literal["none", "standard", "min_max"]
Pixels = Annotated[int, Field(ge=4, le=1024)]


class PreprocessingResult(NamedTuple):
    """The preprocessed table."""

    output_path: Table


@component(
    category="Prepare", title="Data Preprocessing", columns=rules.prepare, needs=filled_columns
)
def data_preprocessing(
    input_path: Table,
    *,
    target: TargetColumn | None = None,
    drop_missing: Annotated[bool, Field(title="Drop missing values")] = True,
    fill_missing: Annotated[
        Filling,
        Field(title="Fill missing values"),
        Labels(keep="Do not fill", most_frequent="Most frequent value"),
        AppliesTo(drop_missing=(False,)),
    ] = "keep",
    drop_duplicates: Annotated[bool, Field(title="Drop duplicate rows")] = False,
    encode: Annotated[
        Encoding,
        Field(title="Categorical encoding"),
        Labels(one_hot="One-hot", none="None (keep text)"),
    ] = "one_hot",
    max_categories: Annotated[
        int, Field(ge=2, title="Maximum categories"), AppliesTo(encode=("one_hot", "ordinal"))
    ] = 50,
    scale: Annotated[Scaling, Field(title="Scaling"), Labels(min_max="Min-max")] = "none",
    image_size: Annotated[Pixels | None, Field(title="Image size (pixels)")] = None,
) -> PreprocessingResult:
    """Clean, encode and scale raw data for training.

    input_path: A table, a folder of tables with the same columns, or a folder of images or arrays.
    output_path: Preprocessed table, with the target as its last column. Columns with another role
        are before it, as they were.
    target: Column to predict; it is not encoded or scaled. Leave empty to use “target” or, if there
        is none, the last column.
    drop_missing: Drop rows that contain missing values.
    fill_missing: How to fill missing values in the remaining rows. Text columns are filled with
        their most frequent value.
    drop_duplicates: Drop rows that equal an earlier row.
    encode: How to encode text columns.
    max_categories: Text columns with more distinct values than this are dropped.
    scale: How to scale numeric columns. Standard: mean 0, standard deviation 1. Min-max: 0 to 1.
    image_size: Resize images to this height and width. If empty, images of equal size are kept as
        they are, and images of different sizes are resized to 64 × 64.
    """
    if has_images(input_path):
        return PreprocessingResult(_prepare_images(input_path, target, drop_duplicates, image_size))
    goal = target_of(input_path, target)
    apart = protected_columns(input_path) - {goal}
    others = [name for name in input_path if name in apart]
    table = without_repetitions(input_path) if drop_duplicates else input_path
    table = table.dropna(subset=[goal]).reset_index(drop=True)
    if drop_missing:
        table = table.loc[_drop_missing(table.drop(columns=others)).index]
    table = table.reset_index(drop=True)
    features = _fill_missing(table.drop(columns=[goal, *others]), fill_missing)
    numbers = [str(name) for name in features if numeric(features[name])]
    if encode != "none":
        features = _encode_columns(features, encode, max_categories)
    # Columns that were words are left at 0 and 1.
    features = _scale_columns(features, [n for n in numbers if features[n].dtype != bool], scale)
    print(f"{len(table)} rows, {len(features.columns)} columns, target {goal!r}")  # noqa: T201
    rest = {str(name): table[name] for name in (*others, goal)}
    return PreprocessingResult(features.assign(**rest))


def _prepare_images(
    data: Table, target: str | None, drop_duplicates: bool, size: int | None
) -> Table:
    """Images of one size, each with its class as the last column; nothing else."""
    goal = target_of(data, target)
    if goal == IMAGE:
        raise ValueError(
            "the images have no class labels: put the images of each class into its own folder, "
            "or add an array of labels next to the array of images"
        )
    table = data[[IMAGE, goal]].dropna(subset=[goal])
    table = uniform(table.drop_duplicates() if drop_duplicates else table, size)
    print(f"{len(table)} images, {table[goal].nunique()} classes")  # noqa: T201
    return table


def _drop_missing(table: Table) -> Table:
    complete_rows: Table = table.dropna()
    if len(complete_rows) == 0 and len(table) > 0:
        worst = table.isna().sum().sort_values(ascending=False, kind="stable")
        raise ValueError(
            f"every row has a missing value, most often in {worst.index[0]!r} "
            f"({worst.iloc[0]} of {len(table)} rows): impute them, or drop that column first"
        )
    return complete_rows


def _fill_missing(features: Table, how: Filling) -> Table:
    if how == "keep":
        return features
    result: Table = features.copy()
    for name in [name for name in features if features[name].isna().any()]:
        column = features[name]
        if how == "zero" and numeric(column):
            result[name] = column.fillna(0)
        elif how in ("mean", "median") and numeric(column):
            result[name] = column.fillna(getattr(column, how)())
        elif column.notna().any():
            result[name] = column.fillna(column.mode().iloc[0])
    return result


def _encode_columns(features: Table, how: Encoding, most: int) -> Table:
    import pandas as pd

    words = [name for name in features if not numeric(features[name])]
    lists = [name for name in words if has_lists(features[name])]
    counts = {name: most + 1 if name in lists else features[name].nunique() for name in words}
    for name in [name for name in words if counts[name] > most]:
        what = "lists" if name in lists else f"{counts[name]} distinct values"
        print(f"dropped {name!r}: {what}")  # noqa: T201
    columns = [name for name in words if counts[name] <= most]
    table: Table = features.drop(columns=[name for name in words if name not in columns])
    if how == "one_hot":
        result: Table = pd.get_dummies(table, columns=columns, dtype="int8")
        return result
    for name in columns:
        codes = pd.Categorical(table[name]).codes
        table = table.assign(**{str(name): pd.Series(codes, index=table.index).where(codes >= 0)})
    return table


def _scale_columns(features: Table, names: list[str], how: Scaling) -> Table:
    if how == "none" or not names:
        return features
    numbers = features[names].astype("float64")
    lowest, width = numbers.mean(), numbers.std(ddof=0)
    if how == "min_max":
        lowest, width = numbers.min(), numbers.max() - numbers.min()
    # A column of equal values has no width; it becomes zeros.
    result: Table = features.assign(**((numbers - lowest) / width.where(width > 0, 1.0)))
    return result
