"""Rules of `check_table` that a table meets, learned in a separate process, which has pandas.

``python -m jupyter_mlws.components.learned_checks`` reads a source as JSON from stdin and prints
the settings.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyter_mlws.components.reader_process import limit_memory, read_in_process
from jupyter_mlws.components.source_columns import Source, read_source
from jupyter_mlws.components.table_schema import table_schema

SLACK = 0.1
"""Share of a column's span by which its range is larger than the values of the table."""
LEAST_ROWS = 10
"""In fewer rows, values differ by chance."""
TIMEOUT = 60
"""Seconds."""


def learn_in_process(root: Path, source: Source) -> dict[str, Any]:
    """Return the settings for the table of a source; raises ValueError if it cannot be read."""
    files = {port: str(root / path) for port, path in source.files.items()}
    try:
        answer = read_in_process(__name__, vars(source) | {"files": files}, TIMEOUT)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise ValueError(lines[-1] if lines else str(error)) from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"reading takes more than {TIMEOUT} s") from None
    settings: dict[str, Any] = json.loads(answer)
    return settings


def learned_settings(table: Any) -> dict[str, Any]:
    """Return rules that a table meets, with some slack for the next table of its kind.

    All columns and their types are required. Ranges of numbers and dates are larger than the values
    by a tenth of their span, and do not go below zero where no value does. A column is unique if it
    is of integers, texts or dates. There have to be at least half as many rows.
    """
    schema = table_schema(table)
    types = {
        name: column.type
        for name, column in schema.columns.items()
        if column.type not in (None, "other")
    }
    ranges = [
        f"{name}={limits}"
        for name, kind in types.items()
        if kind in ("integer", "number", "date") and (limits := _range(table[name], kind))
    ]
    is_large = len(table) >= LEAST_ROWS
    return {
        "columns": list(schema.columns),
        "types": [f"{name}={kind}" for name, kind in types.items()],
        "ranges": ranges,
        "complete": [name for name in schema.columns if table[name].notna().all() and len(table)],
        "unique": [
            name
            for name, kind in types.items()
            if is_large and kind in ("integer", "text", "date") and table[name].is_unique
        ],
        "minimum_rows": len(table) // 2,
    }


def _range(column: Any, kind: str) -> str:
    """Return the range of a column with its slack; empty if it has no finite values."""
    import pandas as pd

    low, high = column.min(), column.max()
    if pd.isna(low) or pd.isna(high):
        return ""
    slack = (high - low) * SLACK
    if kind == "date":
        return f"{(low - slack).date()}..{(high + slack).ceil('D').date()}"
    low, high, slack = float(low), float(high), float(slack)
    if not math.isfinite(high - low):
        return ""
    floor = low - slack if low < 0 else max(0.0, low - slack)
    limits = (floor, high + slack)
    if kind == "integer":
        return f"{math.floor(limits[0])}..{math.ceil(limits[1])}"
    # Enough digits that rounding keeps the values inside.
    digits = max(0, 2 - math.floor(math.log10(slack))) if slack else None
    if digits is None:
        return f"{low!r}..{high!r}"
    return f"{round(limits[0], digits)!r}..{round(limits[1], digits)!r}"


def main() -> int:
    """Print the settings for the table of the source on stdin."""
    output, sys.stdout = sys.stdout, sys.stderr
    source = Source(**json.load(sys.stdin))
    limit_memory()
    json.dump(learned_settings(read_source(source)), output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
