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


def similar(history: History, failed: Execution, most: int = MOST) -> list[Similar]:
    """Earlier failures of the same kind; those with a fix first, then the most alike."""
    found = [
        Similar(execution=execution, fix=_fix(execution, mended))
        for execution, mended in history.alike(failed, most)
    ]
    return sorted(found, key=lambda one: one.fix is None)


def failures(history: History, notebook: str) -> list[Failure]:
    """Each cell of a notebook that failed when it last ran."""
    return [
        Failure(execution=one, similar=similar(history, one, PER_PANEL))
        for one in history.failing(notebook)
    ]


def _fix(failed: Execution, mended: Execution | None) -> Fix | None:
    """How the source differs; None where nothing ran since, or the same ran well again."""
    if mended is None or mended.source == failed.source:
        return None
    lines = difflib.unified_diff(
        failed.source.splitlines(), mended.source.splitlines(), lineterm="", n=CONTEXT
    )
    return Fix(execution=mended.id, started=mended.started, diff=list(lines)[2:])
