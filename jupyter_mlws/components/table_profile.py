"""Profile of a table: its columns, and of a file's, a proposal for a first model.

``python -m jupyter_mlws.components.table_profile`` reads a request as JSON from stdin, and prints a
profile: the process that reads a file has a limit of time and of memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from jupyter_mlws.components import chinese
from jupyter_mlws.components.estimators import MAX_CLASSES
from jupyter_mlws.components.kinds import SETTINGS, USELESS, Guess, kinds_of, parse_dates, sortable
from jupyter_mlws.components.reader_process import limit_memory, read_in_process
from jupyter_mlws.components.source_columns import Source, read_source
from jupyter_mlws.components.table_files import Reading, read_table_file, sheet_names

MAX_BYTES = 50_000_000
"""Of a larger file, the first rows are profiled."""
HEAD_ROWS = 100_000
MAX_COLUMNS = 2000
BARS = 10
"""Bars of a distribution."""
EXAMPLES = 3
MAX_TEXT = 60
"""Characters of a value that is shown."""
MAX_PROFILES = 100
"""Profiles that a project keeps."""
TIMEOUT = 60
"""Seconds."""
MISSING = ("?", "-")
"""Texts that mean a missing value, besides those of pandas."""
TARGET_NAMES = (
    "target|label|class|outcome|y",
    "survived|churn|churned|diagnosis|default|fraud|species|status|result|grade",
    "price|saleprice|medv|salary|income|revenue|sales|quality|rating|score|charges|amount|tip|mpg",
)
"""Names that people give the column to predict, the likeliest first."""
LEAK_ROWS = 50
LEAK_SHARE = 0.995
"""Share of rows whose target one column alone tells, from which it seems to be made of it."""
Task = Literal["classification", "regression"]
TargetReason = Literal["name", "last"]


@dataclass(frozen=True)
class Request:
    """The file to profile, and what is said of it."""

    file: str
    separator: str = ""
    encoding: str = ""
    decimal: str = ""
    sheet: str = ""


class SourceProfiles:
    """Profiles of the tables that a project's sources give, while their files stay. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cache: dict[str, Future[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def read(self, source: Source) -> dict[str, Any]:
        """Return the profile of a source whose files exist; ValueError if it cannot be read.

        Of equal requests at a time, one reads.
        """
        settings = {name: one for name, one in source.settings.items() if name not in SETTINGS}
        source = replace(source, settings=settings)
        key = source.key(self._root)
        if key is None:
            raise ValueError("the files are not there, or of another type")
        with self._lock:
            future = self._cache.get(key)
            is_new = future is None
            if future is None:
                if len(self._cache) >= MAX_PROFILES:
                    self._cache.pop(next(iter(self._cache)))
                future = self._cache[key] = Future()
        if is_new:
            files = {port: str(self._root / path) for port, path in source.files.items()}
            try:
                future.set_result(profile_in_process(replace(source, files=files)))
            finally:
                if not future.done():
                    # There may be more time or memory the next time.
                    self._cache.pop(key, None)
                    future.cancel()
        try:
            return future.result()
        except CancelledError:
            return self.read(source)


def profile_in_process(request: Request | Source) -> dict[str, Any]:
    """Return the profile of a file or source, whose paths are absolute.

    Raises ValueError if it cannot be read.
    """
    try:
        answer = read_in_process(__name__, vars(request), TIMEOUT)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise ValueError(lines[-1].removeprefix("ValueError: ") if lines else str(error)) from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"reading takes more than {TIMEOUT} s") from None
    profile: dict[str, Any] = json.loads(answer)
    return profile


def profile(request: Request) -> dict[str, Any]:
    """Return what the table of a file holds; raises ValueError where it is no table."""
    file = Path(request.file)
    words = {key: value for key, value in vars(request).items() if key != "file"}
    how = Reading(**words, missing=MISSING, skips_bad_lines=True).resolve(file)
    is_head = file.stat().st_size > MAX_BYTES
    table = checked_table(read_table_file(file, how, HEAD_ROWS if is_head else None))
    guesses = kinds_of(table)
    target, reason = propose_target(guesses)
    return describe_columns(table, guesses, is_head) | {
        "reading": {
            "format": how.format,
            "separator": how.separator,
            "encoding": how.encoding,
            "decimal": how.decimal,
            "sheet": how.sheet,
        },
        "sheets": sheet_names(file),
        "target": target,
        "target_reason": reason,
        "time": (time := time_order(table, guesses)),
        "season": None if time is None else season_of(table[time]),
        "repeated": repeated_rows(table, guesses),
        "leaks": [] if target is None else leaks_of(table, target, guesses),
    }


def profile_source(source: Source) -> dict[str, Any]:
    """Return what the table of a source holds; raises ValueError where it is no table."""
    own = source.settings.get("limit")
    limit = min(own or HEAD_ROWS, HEAD_ROWS)
    sizes = [Path(path).stat().st_size for path in source.files.values()]
    if source.component == "load_sql" or max(sizes, default=0) > MAX_BYTES:
        source = replace(source, settings={**source.settings, "limit": limit})
    table = checked_table(read_source(source))
    is_head = source.settings.get("limit") != own and len(table) == limit
    return describe_columns(table, kinds_of(table), is_head)


def checked_table(table: Any) -> Any:
    """Return a table whose names are texts; raises ValueError if its columns cannot be shown."""
    table = table.rename(columns=str)
    if len(table.columns) > MAX_COLUMNS:
        raise ValueError(f"the table has {len(table.columns)} columns, more than {MAX_COLUMNS}")
    if table.empty:
        raise ValueError("the table has no rows")
    if not table.columns.is_unique:
        raise ValueError("two columns have the same name")
    return table


def describe_columns(table: Any, guesses: Mapping[str, Guess], is_head: bool) -> dict[str, Any]:
    """Return the rows of a table and the profile of each column."""
    return {
        "rows": len(table),
        "is_head": is_head,
        "columns": [describe_column(table[name], name, guess) for name, guess in guesses.items()],
    }


def describe_column(column: Any, name: str, guess: Guess) -> dict[str, Any]:
    """Return the profile of a column."""
    values = column.dropna()
    texts = values.drop_duplicates() if guess.kind != "other" else values
    try:
        distinct = int(values.nunique())
    except TypeError:
        distinct = len(values)
    is_class = guess.kind in ("category", "boolean", "number")
    return {
        "name": name,
        "kind": guess.kind,
        "reason": guess.reason,
        "gaps": int(column.isna().sum()),
        "distinct": distinct,
        "examples": [str(value)[:MAX_TEXT] for value in texts.head(EXAMPLES)],
        "bars": distribution(values, guess),
        "smallest_class": int(values.value_counts().min()) if is_class else None,
        "task": task_of_column(values, guess, distinct),
    }


def task_of_column(values: Any, guess: Guess, distinct: int) -> Task | None:
    """Return the task of predicting a column; None if it cannot be predicted."""
    match guess.kind:
        case "category" | "boolean":
            return "classification"
        case "number":
            is_whole = bool((values % 1 == 0).all())
            return "classification" if is_whole and distinct <= MAX_CLASSES else "regression"
        case _:
            return None


def distribution(values: Any, guess: Guess) -> list[int]:
    """Return counts of ranges of numbers or dates, or of the most frequent values."""
    import numpy as np
    import pandas as pd

    if guess.kind in {*USELESS, "text"} or len(values) == 0:
        return []
    if guess.kind == "date":
        dates = values if values.dtype.kind == "M" else parse_dates(values.astype(str))
        values = pd.to_datetime(dates, utc=True).dropna().astype("int64")
    elif guess.kind != "number":
        return [int(count) for count in values.value_counts().head(BARS)]
    numbers = values.to_numpy(dtype="float64")
    numbers = numbers[np.isfinite(numbers)]
    return [int(count) for count in np.histogram(numbers, BARS)[0]] if len(numbers) else []


def propose_target(guesses: dict[str, Guess]) -> tuple[str | None, TargetReason | None]:
    """Return the column that a person probably wants to predict, and why; None if there is none."""
    able = [n for n, one in guesses.items() if one.kind in ("number", "category", "boolean")]
    for names in zip(TARGET_NAMES, chinese.TARGET_NAMES, strict=True):
        pattern = re.compile("|".join(names), re.IGNORECASE)
        names_found = [name for name in able if pattern.fullmatch(name.strip())]
        if names_found:
            return names_found[-1], "name"
    return (able[-1], "last") if able else (None, None)


def time_order(table: Any, guesses: dict[str, Guess]) -> str | None:
    """Return the column of dates by which the rows are in order, each with its own; or None."""
    import pandas as pd

    for name, guess in guesses.items():
        if guess.kind == "date":
            column = table[name]
            dates = column if column.dtype.kind == "M" else parse_dates(column.astype(str))
            dates = pd.to_datetime(dates, utc=True)
            if dates.is_unique and (dates.is_monotonic_increasing or dates.is_monotonic_decreasing):
                return name
    return None


def repeated_rows(table: Any, guesses: dict[str, Guess]) -> int:
    """Return the number of rows that are like an earlier one in all columns but identifiers."""
    able = [n for n, one in guesses.items() if one.kind not in USELESS]
    return int(table[able].duplicated().sum()) if able else 0


def season_of(column: Any) -> int | None:
    """Return the number of rows after which a season begins again, by the distance of dates.

    A week of days, a year of months or quarters, a day of hours; None of other distances.
    """
    import pandas as pd

    days = pd.to_datetime(sortable(column), utc=True).dropna().sort_values().diff().median()
    hours = days / pd.Timedelta(hours=1)
    seasons = ((0.9, 1.1, 24), (23, 25, 7), (28 * 24, 31 * 24, 12), (89 * 24, 93 * 24, 4))
    return next((rows for low, high, rows in seasons if low <= hours <= high), None)


def leaks_of(table: Any, target: str, guesses: dict[str, Guess]) -> list[str]:
    """Return the columns that alone tell the target of nearly all rows."""
    rows = table[table[target].notna()]
    if len(rows) < LEAK_ROWS:
        return []
    truth = rows[target]
    is_number = guesses[target].kind == "number" and truth.nunique() > MAX_CLASSES
    leaks = []
    for name, guess in guesses.items():
        if name == target or guess.kind in {*USELESS, "text", "date"}:
            continue
        if is_number:
            is_leak = guess.kind == "number" and abs(truth.corr(rows[name])) > LEAK_SHARE
        else:
            distinct = rows[name].nunique()
            counts = rows.groupby([name, target], observed=True).size()
            right_rows = counts.groupby(level=0).max().sum()
            # A column of many values tells each row by chance.
            is_leak = distinct <= len(rows) / 5 and right_rows > LEAK_SHARE * len(rows)
            is_leak = is_leak and truth.value_counts().iloc[0] < LEAK_SHARE * len(rows)
        if is_leak:
            leaks.append(name)
    return leaks


def main() -> int:
    """Print the profile of the file or source of the request on stdin."""
    output, sys.stdout = sys.stdout, sys.stderr
    request = json.load(sys.stdin)
    limit_memory()
    is_source = "files" in request
    answer = profile_source(Source(**request)) if is_source else profile(Request(**request))
    json.dump(answer, output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
