"""Kinds of columns (number, category, date, …), guessed from their values, and their roles.

A table carries the kinds and roles that a person chose in its ``attrs``, which Parquet files keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from jupyter_mlws.components import chinese
from jupyter_mlws.components.artifacts import Table

ColumnKind = Literal[
    "number", "category", "date", "text", "boolean", "identifier", "constant", "other"
]
ColumnRole = Literal["target", "feature", "ignored", "group", "time", "weight"]
Identifiers = Literal["transform", "leave"]
"""Treatment of identifiers that are not chosen by name."""
USELESS: frozenset[ColumnKind] = frozenset({"identifier", "constant", "other"})
"""Kinds of columns that nothing can be learned from."""
KINDS: tuple[ColumnKind, ...] = get_args(ColumnKind)
ROLES: tuple[ColumnRole, ...] = get_args(ColumnRole)
KindReason = Literal[
    "no_values",
    "one_value",
    "true_or_false",
    "dates",
    "numbers",
    "row_numbers",
    "all_different",
    "nearly_all_different",
    "long_texts",
    "few_values",
    "repeated_values",
    "unknown_type",
    "chosen",
]
"""Why a column is of a kind; ``chosen``: a person said so."""
SETTINGS = ("kinds", "roles")
"""Settings of components that load tables: what a person chose for columns."""
ATTRIBUTE = "jupyter_mlws"
"""Key of kinds and roles in a table's ``attrs``."""
LEAST_IDENTIFIERS = 20
"""In fewer rows, all values are different by chance."""
NEARLY_ALL = 0.9
"""Share of distinct values from which names and codes are identifiers."""
FEW_VALUES = 10
LONG_WORDS = 4
"""Words on average from which texts are sentences, not categories."""
LONG_CHARACTERS = 12
"""Characters on average from which texts without spaces, such as Chinese, are sentences."""
YEARS = (1500, 2200)
SAMPLE = 1000
"""Distinct values that are searched for dates and words."""
IDENTIFIER_NAME = re.compile(
    rf"^(unnamed: ?\d+|index|rownames?|ID|{chinese.IDENTIFIER_NAMES})$"
    r"|(^|[_\s.-])(id|uuid|guid)$|[a-z]I[dD]$"
)
TIME = r"([ T]\d{1,2}:\d{2}.*)?"
DATE = re.compile(
    rf"{chinese.DATE}|\d{{4}}[-/.]\d{{1,2}}([-/.]\d{{1,2}})?{TIME}"
    rf"|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}{TIME}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ,]+\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4}"
)


class Guess(NamedTuple):
    """The kind of a column, and why."""

    kind: ColumnKind
    reason: KindReason


def guess_kind(column: Any, name: str = "") -> Guess:
    """Return the kind of a pandas column; an empty one is a constant.

    Numbers that count the rows, and names or codes that (nearly) never repeat, are identifiers.
    """
    import pandas as pd

    values = column.dropna()
    if len(values) == 0:
        return Guess("constant", "no_values")
    try:
        distinct = values.nunique()
    except TypeError:  # lists and other values that cannot be compared
        return Guess("other", "unknown_type")
    if distinct == 1:
        return Guess("constant", "one_value")
    api = pd.api.types
    content = api.infer_dtype(values, skipna=True)
    if content == "boolean" or api.is_bool_dtype(values.dtype):
        return Guess("boolean", "true_or_false")
    if api.is_datetime64_any_dtype(values.dtype) or content in ("date", "datetime", "datetime64"):
        return Guess("date", "dates")
    if api.is_numeric_dtype(values.dtype) and not api.is_complex_dtype(values.dtype):
        return guess_number(values, distinct, name)
    if content not in ("string", "categorical") and not isinstance(
        values.dtype, pd.CategoricalDtype
    ):
        return Guess("other", "unknown_type")
    return guess_text(values.astype(str), distinct)


def guess_number(values: Any, distinct: int, name: str) -> Guess:
    if distinct < LEAST_IDENTIFIERS or not (values % 1 == 0).all():
        return Guess("number", "numbers")
    low, high = values.min(), values.max()
    is_named = bool(IDENTIFIER_NAME.search(name)) and distinct > len(values) / 2
    # A part of the rows has a part of the row numbers; years are numbered, too.
    is_numbered = distinct == len(values) and high - low + 1 < 2 * distinct
    is_years = YEARS[0] <= low and high <= YEARS[1]
    if is_named or (is_numbered and not is_years):
        return Guess("identifier", "row_numbers")
    return Guess("number", "numbers")


def guess_text(values: Any, distinct: int) -> Guess:
    sample = values.drop_duplicates().head(SAMPLE).str.strip()
    if sample.str.fullmatch(DATE).all() and parse_dates(sample).notna().all():
        return Guess("date", "dates")
    if distinct <= FEW_VALUES:
        return Guess("category", "few_values")
    is_chinese = sample.str.contains(chinese.CHARACTER).mean() > 0.5
    words = sample.str.len() / LONG_CHARACTERS if is_chinese else sample.str.count(r"\s+") + 1
    if words.mean() >= (1 if is_chinese else LONG_WORDS) and distinct > len(values) / 2:
        return Guess("text", "long_texts")
    if len(values) >= LEAST_IDENTIFIERS and distinct > NEARLY_ALL * len(values):
        reason: KindReason = "all_different" if distinct == len(values) else "nearly_all_different"
        return Guess("identifier", reason)
    return Guess("category", "repeated_values")


def parse_dates(texts: Any) -> Any:
    """Return dates of a column of texts; what is no date is missing.

    In 03/04/2025, the day is first if another value has a first number over 12, and in 03.04.2025.
    """
    import pandas as pd

    texts = texts.str.replace(chinese.YEAR_OR_MONTH, "-", regex=True)
    texts = texts.str.replace(chinese.DAY, "").str.strip("- ")
    parts = texts.str.extract(r"^(\d{1,2})([-/.])\d{1,2}[-/.]\d{2,4}").dropna()
    is_day_first = bool((parts[0].astype(int) > 12).any() or (parts[1] == ".").any())
    return pd.to_datetime(texts, errors="coerce", format="mixed", dayfirst=is_day_first)


def sortable(column: Any) -> Any:
    """Return a column of times in an order: texts as dates, if they are dates."""
    is_text = guess_kind(column).kind == "date" and column.dtype.kind != "M"
    return parse_dates(column.astype(str)) if is_text else column


def kinds_of(table: Table, columns: Iterable[str] | None = None) -> dict[str, Guess]:
    """Return the kind of each column: the one that a person chose, or a guess."""
    own = chosen_columns(table)
    return {
        name: Guess(kind, "chosen")
        if (kind := own.get(name, {}).get("kind"))
        else guess_kind(table[name], name)
        for name in (table.columns if columns is None else columns)
    }


def column_choices(kinds: Iterable[str], roles: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return ``{column: {"kind": …, "role": …}}`` of two lists of ``column=value``.

    Raises ValueError for what is no kind or role.
    """
    choices: dict[str, dict[str, str]] = {}
    for key, pairs, values in (("kind", kinds, KINDS), ("role", roles, ROLES)):
        for pair in pairs:
            name, equals, value = (part.strip() for part in pair.rpartition("="))
            if not equals or value not in values:
                raise ValueError(
                    f"{key}s: {pair!r} must have the form column={values[0]}, with one of "
                    + ", ".join(values)
                )
            choices.setdefault(name, {})[key] = value
    return choices


def chosen_columns(table: Table) -> dict[str, Any]:
    """Return what a person chose for columns of a table: ``{name: {"kind": …, "role": …}}``."""
    return dict(table.attrs.get(ATTRIBUTE, {}))


def with_choices(table: Table, choices: Mapping[str, Mapping[str, str]]) -> Table:
    """Return a table that carries kinds and roles, of the columns that it has."""
    present = {name: dict(one) for name, one in choices.items() if name in table.columns}
    if present == chosen_columns(table):
        return table
    result: Table = table.copy(deep=False)
    # A dict of its own: copies share it.
    result.attrs = {key: value for key, value in table.attrs.items() if key != ATTRIBUTE}
    if present:
        result.attrs[ATTRIBUTE] = present
    return result


def protected_columns(table: Table, identifiers: Identifiers = "transform") -> set[str]:
    """Return the columns that transformations leave alone unless they are chosen by name.

    They are those with a role, and with “leave” identifiers, which are printed.
    """
    roles = {
        name
        for name, one in chosen_columns(table).items()
        if one.get("role", "feature") != "feature"
    }
    guesses = kinds_of(table) if identifiers == "leave" else {}
    others = [name for name, guess in guesses.items() if guess.kind == "identifier"]
    if others:
        names = ", ".join(map(str, others))
        print(f"left as they are, since they are identifiers: {names}")  # noqa: T201
    return {*roles, *others}


def columns_with_role(table: Table, *roles: ColumnRole) -> list[str]:
    """Return the columns to which a person gave one of some roles."""
    return [
        name
        for name, one in chosen_columns(table).items()
        if one.get("role") in roles and name in table.columns
    ]
