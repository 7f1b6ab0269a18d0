"""Errors of built-in components in plain words: the column, the value, the row, and what to do.

What a library says is explained here once, by looking at the input tables; its own words and the
stack stay in the log.
"""

from __future__ import annotations

import dis
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.kinds import columns_with_role, guess_kind
from jupyter_mlws.components.tables import TARGET as TARGET_NAME
from jupyter_mlws.components.tables import numeric, target_of

PACKAGE = str(Path(__file__).parents[1])
MAX_VALUE = 60
"""Characters of a value in a message."""
MAX_SEARCHED = 10_000
"""Values at fault that are compared with the text of an error."""
LARGEST = 3.4e38
"""Trees and networks calculate with 32 bits, which hold no larger number."""
FLAWS = (
    (r"could not convert string to float|unable to parse string", "text"),
    (r"float\(\) argument must be|could not be promoted|setting an array element", "text"),
    (r"not supported between instances|not support (operation|aggregation)", "text"),
    (r"does not support \w+ operations|non-ordered Categorical", "text"),
    (r"agg function failed|has no attribute 'lower'|Cannot convert .* to numeric", "text"),
    (r"unhashable type", "list"),
    (r"infinity|not finite|infs or NaNs", "infinite"),
    (r"contains? NaN|not finite|infs or NaNs", "missing"),
    # Large numbers become infinite when they are scaled.
    (r"contains? NaN", "infinite"),
)
"""Texts of libraries, and the flaw of a value that they are about."""
ADVICE = {
    "text": ", which is no number: encode or convert the column before this node, or leave it out",
    "list": ", which cannot be compared: leave the column out, or make texts of it with “Convert "
    "Types”",
    "infinite": ", which is no number to calculate with: correct it, or leave out the row with "
    "“Filter Rows”",
    "missing": ": fill the gaps with “Impute Missing Values”, or leave out the rows with “Clean "
    "Rows”",
}
"""Repairs of each flaw."""
TARGET = r"Unknown label type|Supported target types|[Ll]abels? .* not supported|multi-label"
"""Texts of libraries about classes that are none."""
SENTENCES = (
    (
        r"Expected (\d+) fields in line (\d+), saw (\d+)",
        r"line \2 of the file has \3 values instead of \1: correct it, choose another separator, "
        "or leave out lines that do not fit",
    ),
    (
        r"No columns to parse|Excel file format cannot be determined",
        "the file has no table: choose another one",
    ),
    (
        r"codec can't decode byte|unknown encoding",
        "encoding: the file has another one; leave the setting empty to find it",
    ),
    (
        r"Worksheet named '(.*)' not found",
        r"sheet: the file has no sheet '\1'; leave the setting empty for the first",
    ),
    (
        r"not a zip file|Parquet magic bytes|Parquet file|object or value|Trailing data",
        "format: the file is not of the format that is chosen, or that its extension says",
    ),
    (
        r"empty vocabulary|no terms remain",
        "no words are left of the texts: choose another column, split into characters, or keep "
        "stop words and rare words",
    ),
    (
        r"No feature in X meets the variance threshold",
        "every column varies less than the variance threshold: choose a smaller one",
    ),
    (
        r"n_splits=|number of splits|members in each class|only 1 member",
        "the table has too few rows, or rows of a class, for so many folds: choose fewer folds, or "
        "another target column",
    ),
    (
        r"n_clusters|n_components|n_neighbors|sample\(s\)|minimum of \d+",
        "the table has too few rows for these settings: choose smaller numbers, or look at the "
        "node before that leaves out rows",
    ),
    (
        r"one class|2 classes|single class|number of classes has to be greater|2 labels",
        "the rows have only one class: choose another target column, or more rows",
    ),
)
"""Texts of libraries that are about no value, and what they mean; with groups of the text."""


DATABASES = frozenset({"sqlite3", "psycopg", "pymysql", "duckdb", "_duckdb"})
"""Libraries whose words are about the query of a person."""
ALIKE = {
    "number": "number",
    "date": "date",
    "category": "text",
    "text": "text",
    "boolean": "text",
    "other": "other",
}
"""Kinds of columns that a model takes instead of each other."""


class ComponentError(ValueError):
    """An error of a built-in component, in words of its own."""


def run_component(
    function: Callable[..., Any], inputs: Mapping[str, Any], settings: Mapping[str, Any]
) -> Any:
    """Call a built-in component; raises ComponentError for what goes wrong with its tables."""
    try:
        return function(**inputs, **settings)
    except (MemoryError, ModuleNotFoundError, OSError):
        raise
    except Exception as error:
        if is_own(error):
            text = error.args[0] if isinstance(error, KeyError) else error
            # The same stack, without the name of a class of Python.
            raise ComponentError(str(text)).with_traceback(error.__traceback__) from None
        raise ComponentError(explain(error, inputs, settings)) from error


def is_own(error: Exception) -> bool:
    """Return whether this package raised an error for a reader, and no library."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not isinstance(error, ValueError | KeyError):
        return False
    code = trace.tb_frame.f_code
    is_statement = dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    return is_statement and code.co_filename.startswith(PACKAGE)


def explain(error: Exception, inputs: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return what the error of a library means, from its text and the input tables."""
    tables = list(tables_of(inputs))
    for port, table in tables:
        if len(table) == 0:
            return (
                f"the table at the input {port!r} has no rows: look at the node before, such as a "
                "filter, or load another file"
            )
    text = str(error)
    if type(error).__module__.partition(".")[0] in DATABASES:
        return f"query: the database cannot run it: {text}"
    for pattern, flaw in FLAWS:
        is_about = re.search(pattern, text) is not None
        if is_about and (fault := first_fault(tables, flaw, text, settings.get("target"))):
            return fault
    models = [one for value in inputs.values() for one in as_list(value)]
    if fault := changed_column(models, tables):
        return fault
    if re.search(TARGET, text) and tables:
        return target_fault(tables[0][1], settings.get("target"))
    for pattern, sentence in SENTENCES:
        if match := re.search(pattern, text):
            return match.expand(sentence)
    for path in (one for one in inputs.values() if isinstance(one, Path)):
        return (
            f"{path.name!r} cannot be read with these settings: correct them, or choose another "
            "file; its log has the reason"
        )
    sizes = ", ".join(
        f"{port!r} of {len(table)} rows and {len(table.columns)} columns" for port, table in tables
    )
    return f"this component cannot take {sizes or 'its inputs'}; its log has the reason"


def target_fault(table: Table, setting: str | None) -> str:
    """Return why the values of a target column are no classes."""
    goal = target_of(table, setting)
    kinds: dict[str, tuple[int, Any]] = {}
    for row, value in enumerate(table[goal], 1):
        if isinstance(value, float) and math.isfinite(value) and value % 1:
            return (
                f"the target column {goal!r} has the fraction {shown(value)} in row {row}, which "
                "is no class: choose another target column, or train a regressor"
            )
        kinds.setdefault(type(value).__name__, (row, value))
    examples = " and ".join(f"{shown(value)} in row {row}" for row, value in kinds.values())
    return (
        f"the values of the target column {goal!r} are no classes, such as {examples}: choose "
        "another target column, or make texts of it with “Convert Types”"
    )


def tables_of(inputs: Mapping[str, Any]) -> Iterator[tuple[str, Table]]:
    """Yield the input tables with their ports."""
    for port, value in inputs.items():
        for one in as_list(value):
            if hasattr(one, "columns") and hasattr(one, "isna"):
                yield port, one


def as_list(value: Any) -> list[Any]:
    """Return the values of an input, which may take several."""
    return value if isinstance(value, list) else [value]


def changed_column(models: Sequence[Any], tables: Sequence[tuple[str, Table]]) -> str:
    """Return a column that is not of the kind that models were trained on; empty if all are."""
    for model, (_, table) in product(models, tables):
        for name, kind, *_ in getattr(model, "preparation_", ()):
            if kind not in ALIKE or name not in table.columns:
                continue
            now = ALIKE.get(guess_kind(table[name], name).kind)
            # An identifier or a constant is a number or a text.
            now = now or ("number" if numeric(table[name]) else "text")
            if now != ALIKE[kind]:
                return (
                    f"column {name!r} has {shown(table[name].iloc[0])} in row 1, but was of the "
                    f"kind {kind!r} when the model was trained: convert it with “Convert Types”"
                )
    return ""


def value_fault(table: Table, flaw: str) -> str:
    """Return the first value of a table with a flaw, and what to do; empty if there is none."""
    return first_fault([("", table)], flaw)


def first_fault(
    tables: Sequence[tuple[str, Table]], flaw: str, text: str = "", target: str | None = None
) -> str:
    """Return the first value with a flaw, and what to do; empty if there is none.

    A value that the ``text`` names comes before others, and the target last.
    """
    faults: list[tuple[bool, bool, int, str]] = []
    for port, table in tables:
        apart = set(columns_with_role(table, "ignored", "group", "weight"))
        targets = {target or TARGET_NAME, *columns_with_role(table, "target")}
        place = f" of the input {port!r}" if len(tables) > 1 else ""
        for name in (name for name in table.columns if name not in apart):
            rows = has_flaw(table[name], flaw).to_numpy().nonzero()[0]
            values = table[name].iloc[rows[:MAX_SEARCHED]]
            matches = [
                row
                for row, value in zip(rows, values, strict=False)
                if text and (repr(value) in text or f"'{type(value).__name__}'" in text)
            ]
            for row in (matches or list(rows))[:1]:
                value = shown(table[name].iloc[row])
                sentence = f"column {name!r} has {value} in row {row + 1}{place}{ADVICE[flaw]}"
                faults.append((not matches, name in targets, len(faults), sentence))
    return min(faults)[-1] if faults else ""


def has_flaw(column: Any, flaw: str) -> Any:
    """Return which values of a column have a flaw."""
    import pandas as pd

    is_number = pd.api.types.is_numeric_dtype(column)
    if flaw == "missing":
        return column.isna()
    if flaw == "infinite":
        return column.abs() > LARGEST if is_number else column.isna() & False
    present = column.notna() & (not is_number)
    if flaw == "text" or is_number:
        return present
    return present & column.map(lambda value: type(value).__hash__ is None)


def shown(value: Any) -> str:
    """Return a value for a message."""
    import pandas as pd

    if not pd.api.types.is_list_like(value) and pd.isna(value):
        return "no value"
    text = repr(value.item() if hasattr(value, "item") and not hasattr(value, "__len__") else value)
    if hasattr(value, "isoformat"):
        text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"
