"""What earlier failures teach of one: which are alike, and what mended them."""

from __future__ import annotations

import difflib

from jupyter_mlws.notebooks.history import History
from jupyter_mlws.notebooks.models import Execution, Failure, Fix, Similar

MOST = 5
"""Earlier failures that are told."""
PER_PANEL = 3
"""The same for each of several failures."""
CONTEXT = 2
"""Lines around a change."""


def similar(history: History, failure: Execution, most: int = MOST) -> list[Similar]:
    """Return earlier failures of the same kind: those with a fix first, then the most similar."""
    matches = [
        Similar(execution=execution, fix=_fix(execution, success))
        for execution, success in history.find_similar(failure, most)
    ]
    return sorted(matches, key=lambda one: one.fix is None)


def failures(history: History, notebook: str) -> list[Failure]:
    """Return a failure for each cell of a notebook whose last execution failed."""
    return [
        Failure(execution=one, similar=similar(history, one, PER_PANEL))
        for one in history.failed_cells(notebook)
    ]


def _fix(failure: Execution, success: Execution | None) -> Fix | None:
    """Return the change of the source between a failure and the later success.

    None if there was no later success, or if its source was the same.
    """
    if success is None or success.source == failure.source:
        return None
    lines = difflib.unified_diff(
        failure.source.splitlines(), success.source.splitlines(), lineterm="", n=CONTEXT
    )
    return Fix(execution=success.id, started=success.started, diff=list(lines)[2:])
