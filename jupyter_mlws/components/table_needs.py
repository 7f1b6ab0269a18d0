"""Requirements of components that are no learners for the columns of their input tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from jupyter_mlws.components.artifacts import Repair
from jupyter_mlws.components.columns import (
    ANY,
    Column,
    Inputs,
    Schema,
    Settings,
    protected,
    table_of,
    target_of_schema,
)
from jupyter_mlws.components.needs import (
    Misfit,
    Needs,
    every,
    group_of,
    ignoring,
    is_empty,
    names_of_columns,
)
from mlws.core.i18n import Message

NUMBERS = frozenset({"integer", "number", "boolean"})
ISO_DATE = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([ T].*)?)?$")
TRUTHS = frozenset({"true", "yes", "1", "1.0", "false", "no", "0", "0.0"})


NO_NUMBERS = Message("No numbers: {columns}.")
OTHER_VALUES = Message("Perhaps lists or other values that cannot be compared: {columns}.")
CHOOSE_OTHERS = Message("Take other columns, or encode them before this node.")
CONVERT_FIRST = Message("Take other columns, or convert them with “Convert Types” before.")


def columns_are(
    fits: Callable[[Column], bool],
    message: Message,
    fix: Message,
    *settings: str,
    is_certain: bool = True,
    when: Mapping[str, Collection[Any]] | None = None,
    port: str = "data",
) -> Needs:
    """Return the requirement that the columns that some settings name fit.

    ``message`` has the field ``columns``; ``when``: only with these values of other settings.
    """

    def check(values: Settings, inputs: Inputs) -> Iterator[Misfit]:
        for name, choices in (when or {}).items():
            chosen = values[name] if isinstance(values[name], list) else [values[name]]
            if not set(choices).intersection(chosen):
                return
        table = table_of(inputs, port)
        for setting in settings:
            value = values.get(setting) or []
            names = [
                name
                for name in (value if isinstance(value, list) else [value])
                if (column := table.columns.get(name)) and not fits(column)
            ]
            if names:
                words = message.fill(columns=names_of_columns(names))
                yield Misfit(words, fix, setting, is_certain=is_certain)

    return check


def is_number(column: Column) -> bool:
    """Return whether a column can be calculated with, as far as is known."""
    return column.type is None or column.type in NUMBERS


def is_comparable(column: Column) -> bool:
    """Return whether a column is known to hold no lists or other values that do not compare."""
    return column.type != "other" or column.kind not in (None, "other")


def range_types(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `check_table`: numbers and dates have ranges."""
    columns = table_of(inputs, "data").columns
    others = []
    for pair in settings["ranges"]:
        name, _, limits = (part.strip() for part in pair.rpartition("="))
        kind = columns.get(name, ANY).type
        is_date = all(ISO_DATE.match(text.strip()) for text in limits.split("..") if text.strip())
        if kind in ("text", "other") or (kind == "date" and not is_date):
            others.append(name)
    if others:
        yield Misfit(
            Message(
                "Not of the type of their limits: {columns}.", columns=names_of_columns(others)
            ),
            CONVERT_FIRST,
            "ranges",
        )


def comparable(*settings: str, port: str = "data") -> Needs:
    """Return the requirement that values of columns are equal or not, as lists are not."""
    return columns_are(
        is_comparable, OTHER_VALUES, CONVERT_FIRST, *settings, is_certain=False, port=port
    )


def statistics(values: str, statistic: str) -> Needs:
    """Return the requirement that columns have the statistics that are chosen for them."""
    average = {"mean", "median", "std"}
    return every(
        columns_are(
            lambda column: column.type != "text" or is_empty(column),
            NO_NUMBERS,
            CHOOSE_OTHERS,
            values,
            when={statistic: average},
        ),
        columns_are(
            lambda column: is_number(column) or column.type == "text",
            NO_NUMBERS,
            CONVERT_FIRST,
            values,
            is_certain=False,
            when={statistic: average | {"sum", "min", "max", "distinct"}},
        ),
    )


def filled_columns(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `data_preprocessing`: without values in a column, every row would be dropped."""
    table = table_of(inputs, "input_path")
    goal = target_of_schema(table, settings["target"])
    empty = [
        name
        for name, column in table.columns.items()
        if name != goal and is_empty(column) and column.has_gaps
    ]
    if empty and settings["drop_missing"]:
        yield Misfit(
            Message("No values: {columns}.", columns=names_of_columns(empty)),
            Message("Every row has a missing value, so none would be left."),
            "drop_missing",
            (ignoring(empty, "input_path"),),
        )


def images(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `image_pixels`: images in a column of their own."""
    table = table_of(inputs, "data")
    if table.complete and "image" not in table.columns:
        yield Misfit(
            Message("The table has no column with images."),
            Message("Load it with “Load Images”."),
            "",
            is_certain=True,
        )


def numbers_left(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for components that take all numbers where no column is chosen."""
    table = table_of(inputs, "data")
    others = {*settings.get("ignore", ()), *protected(table)}
    if "target" in settings:
        others.add(target_of_schema(table, settings["target"]) or "")
    columns = [column for name, column in table.columns.items() if name not in others]
    if not settings.get("columns") and table.complete and not any(map(is_number, columns)):
        yield Misfit(
            Message("The table has no numbers."),
            Message("Encode or convert columns before this node."),
            "",
        )


def comparison(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `filter_rows`: a column, and values that can be compared with its own."""
    if settings["by"] != "column":
        return
    column = table_of(inputs, "data").columns.get(settings["column"])
    if not settings["column"]:
        yield Misfit(
            Message("No column is chosen."),
            Message("Choose the column to test."),
            "column",
            is_certain=True,
        )
    elif column is not None and settings["condition"] not in (
        *("is_missing", "is_not_missing", "contains"),
    ):
        is_list = settings["condition"] == "is_one_of"
        values: Sequence[str] = settings["values"] if is_list else [settings["value"]]
        is_order = settings["condition"] in ("greater", "at_least", "less", "at_most")
        for value in values:
            fits = is_like(column, value)
            if not fits or (is_order and column.type == "other"):
                yield Misfit(
                    Message(
                        "{value!r} cannot be compared with the column {name!r}.",
                        value=value,
                        name=settings["column"],
                    ),
                    Message(
                        "Write a value as the column has them, such as {examples}.",
                        examples=", ".join(column.examples) or column.type,
                    ),
                    "values" if is_list else "value",
                    is_certain=fits is False,
                )


def is_like(column: Column, text: str) -> bool | None:
    """Return whether a text is a value of a column's type; None if that is not sure."""
    if column.type == "boolean":
        # With gaps they are objects, which any text differs from.
        return text.strip().lower() in ("true", "false") or (None if column.has_gaps else False)
    if column.type in ("integer", "number"):
        return _is_float(text)
    if column.type == "date":
        return bool(ISO_DATE.match(text.strip())) or None
    return True


def convertible(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `convert_types`: values that are of the new type."""
    table = table_of(inputs, "data")
    kind = settings["to"]
    if settings["invalid"] != "error" or kind == "text":
        return
    for name in settings["columns"]:
        column = table.columns.get(name)
        if column is None or column.type is None:
            continue
        fits = [converts(column, text, kind) for text in column.examples]
        if not all(fits):
            yield Misfit(
                Message(
                    "{value!r} in the column {name!r} cannot become a value of the type {kind}.",
                    value=column.examples[fits.index(next(one for one in fits if not one))],
                    name=name,
                    kind=kind,
                ),
                Message("Choose another type, or let invalid values become missing."),
                "columns",
                (Repair(Message("Make Invalid Values Missing"), {"invalid": "missing"}),),
                is_certain=False in fits,
            )


def converts(column: Column, text: str, kind: str) -> bool | None:
    """Return whether a value of a column can become one of a type; None if that is not sure."""
    if column.has_infinite and kind in ("integer", "date"):
        return None
    if column.type == "boolean" and kind == "date":
        return False
    if kind == "boolean":
        return text.strip().lower() in TRUTHS
    if column.type == "text":
        if kind == "date":
            return bool(ISO_DATE.match(text.strip())) or None
        return _is_float(text)
    return True if column.type != "other" else None


def join_keys(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `join_tables`: keys of equal types, and values that can be compared."""
    left, right = table_of(inputs, "left"), table_of(inputs, "right")
    if not settings["columns"] and not (left.complete and right.complete):
        return
    keys = settings["columns"] or [name for name in left.columns if name in right.columns]
    if not keys:
        yield Misfit(
            Message("The tables have no column in common."),
            Message("Choose the key columns of both."),
            "columns",
            is_certain=True,
        )
    for name, other in zip(keys, settings["right_columns"] or keys, strict=False):
        one, partner = left.columns.get(name, ANY), right.columns.get(other, ANY)
        groups = [group_of(one), group_of(partner)]
        if None not in groups and groups[0] != groups[1]:
            yield Misfit(
                Message(
                    "{name!r} is {column_type} on the left, but {other_type} on the right.",
                    name=name,
                    column_type=one.type,
                    other_type=partner.type,
                ),
                Message("Convert one of them with “Convert Types” before."),
                "columns",
            )
        elif not (is_comparable(one) and is_comparable(partner)):
            words = OTHER_VALUES.fill(columns=name)
            yield Misfit(words, CONVERT_FIRST, "columns")


def equal_types(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `concatenate_tables`: a column of all tables has values of one type."""
    tables = [table for table in inputs.get("tables", ()) if isinstance(table, Schema)]
    mixed = [
        name
        for name in dict.fromkeys(name for table in tables for name in table.columns)
        if len({group_of(t.columns[name]) for t in tables if name in t.columns} - {None}) > 1
    ]
    if mixed:
        yield Misfit(
            Message(
                "The tables have values of different types in {columns}.",
                columns=names_of_columns(mixed),
            ),
            Message("Convert one of them with “Convert Types” before."),
            "",
        )


def one_kind(settings: Settings, inputs: Inputs) -> Iterator[Misfit]:
    """Check for `unpivot_table`: numbers alone, or no numbers."""
    table = table_of(inputs, "data")
    if not settings["columns"] and not table.complete:
        return
    names = settings["columns"] or [name for name in table.columns if name not in settings["keep"]]
    columns = {name: table.columns[name] for name in names if name in table.columns}
    groups: dict[Any, list[str]] = {}
    for name, column in columns.items():
        is_unsure = column.type is None or (column.type == "boolean" and column.has_gaps)
        groups.setdefault(None if is_unsure else is_number(column), []).append(name)
    # With gaps, true and false are objects, as values that are all missing.
    unsure = [
        name for name in groups.get(None, ()) if columns[name].type or is_empty(columns[name])
    ]
    if (groups.get(True) and groups.get(False)) or (unsure and len(columns) > len(unsure)):
        yield Misfit(
            Message(
                "{numbers} are numbers, and {others} are not.",
                numbers=names_of_columns(groups.get(True, unsure)),
                others=names_of_columns(groups.get(False, unsure)),
            ),
            Message("Choose columns of one kind."),
            "columns",
            is_certain=bool(groups.get(True) and groups.get(False)),
        )


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
