"""Calls of the server: short ones, and parts of long ones."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from itertools import islice
from typing import Any

from .columns import UnavailableError
from .orders import Steps, order
from .statistics import statistics
from .tables import MAX_COLUMNS, open_table, plain
from .trees import child_count, children, descend, is_tree, role
from .variables import describe, list_variables

STEP = 0.015
"""Seconds that a part of a call takes at most, but for one slice."""
MAX_JOBS = 8
MAX_CELLS = 50_000
"""Cells of a page."""


class Job:
    """Work that is done in parts."""

    def __init__(self, steps: Steps) -> None:
        self._steps: Steps | None = steps
        self._error: Exception | None = None
        self.result: Any = None

    def run(self) -> bool:
        """Work for a short time; return True if it is done."""
        until = time.perf_counter() + STEP
        while self._steps is not None:
            try:
                next(self._steps)
            except StopIteration as end:
                # What it held of the user's is let go.
                self._steps, self.result = None, end.value
            except Exception as error:  # noqa: BLE001  raised again for each request
                self._steps, self._error = None, error
            if time.perf_counter() > until:
                break
        if self._error is not None:
            raise self._error
        return self._steps is None


_jobs: OrderedDict[Any, Job] = OrderedDict()
"""By value, version of the kernel's variables and request."""


def call(shell: Any, name: str, request: str) -> str:
    """Answer a request, both as JSON; `{}` asks for another call, as the work is not done."""
    try:
        answer = CALLS[name](shell, **json.loads(request))
    except UnavailableError as error:
        answer = {"error": error.reason, "facts": error.facts}
    except Exception as error:  # noqa: BLE001  a library may refuse any of its own values
        answer = {"error": "library", "facts": {"text": f"{type(error).__name__}: {error}"}}
    return json.dumps(answer)


def read_variables(shell: Any) -> Any:
    _drop_stale(shell)
    return {"result": list_variables(shell)}


def _value(shell: Any, variable: str, path: list[int]) -> Any:
    if variable not in shell.user_ns:
        raise UnavailableError("missing")
    return descend(shell.user_ns[variable], path)


def read_items(shell: Any, variable: str, path: list[int], offset: int, limit: int) -> Any:
    value = _value(shell, variable, path)
    items = []
    if is_tree(value):
        for name, item in islice(children(value), offset, offset + limit):
            items.append({**describe(name, item), "role": role(value, name)})
    total = child_count(value) if is_tree(value) else 0
    return {"result": {"value": describe(variable, value), "items": items, "total": total}}


def read_table(
    shell: Any,
    variable: str,
    path: list[int],
    indices: list[int],
    offset: int,
    limit: int,
    sort: str | None,
    descending: bool,
    filters: list[Any],
) -> Any:
    value = _value(shell, variable, path)
    table = open_table(value, indices)
    rows, count = None, table.row_count
    if sort is not None or filters:
        key = (variable, path, indices, sort, descending, filters)
        job = _job(shell, value, key, lambda: order(table, sort, descending, filters))
        if not job.run():
            return {}
        rows = job.result
        count = len(rows)
    limit = min(limit, max(1, MAX_CELLS // max(1, len(table.columns))))
    stop = min(offset + limit, count)
    columns = [
        one.cells(one.part(offset, stop) if rows is None else one.take(rows[offset:stop]))
        for one in table.columns
        if offset < stop
    ]
    shape = getattr(plain(value), "shape", None)
    return {
        "result": {
            "columns": [{"name": one.name, "dtype": one.dtype} for one in table.columns],
            "rows": [list(row) for row in zip(*columns)],  # noqa: B905
            "offset": offset,
            "row_count": table.row_count,
            "match_count": count,
            "truncated": table.column_count > MAX_COLUMNS,
            "column_count": table.column_count,
            "shape": [int(n) for n in shape] if isinstance(shape, tuple) else [len(value)],
            "identity": str(id(value)),
        }
    }


def read_statistics(
    shell: Any, variable: str, path: list[int], indices: list[int], column: str
) -> Any:
    value = _value(shell, variable, path)
    key = (variable, path, indices, column)
    job = _job(shell, value, key, lambda: statistics(open_table(value, indices), column))
    return {"result": job.result} if job.run() else {}


def _job(shell: Any, value: Any, request: Any, start: Any) -> Job:
    """Return the work for a request, which is begun again after each cell."""
    _drop_stale(shell)
    key = (shell.execution_count, id(value), json.dumps(request))
    if key not in _jobs:
        _jobs[key] = Job(start())
    _jobs.move_to_end(key)
    while len(_jobs) > MAX_JOBS:
        _jobs.popitem(last=False)
    return _jobs[key]


def _drop_stale(shell: Any) -> None:
    for key in [key for key in _jobs if key[0] != shell.execution_count]:
        del _jobs[key]


CALLS: dict[str, Any] = {
    "variables": read_variables,
    "items": read_items,
    "table": read_table,
    "statistics": read_statistics,
}
