"""Which tracked runs belong to a snapshot: read from the project's journal of runs."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.core.project import Project

NEWEST = 1000
"""Runs that are looked at; older ones were named long ago."""


@dataclass(frozen=True)
class TrackedRun:
    """A workflow run that has ended and is in MLflow; ``ended`` in epoch seconds."""

    id: str
    mlflow_run: str
    ended: float


def finished_runs(project: Project) -> list[TrackedRun]:
    """Return the tracked runs that have ended, oldest first."""
    with closing(project.history()) as history:
        rows = history.execute("SELECT id, record FROM runs ORDER BY created DESC LIMIT ?", NEWEST)
    runs = []
    for row in reversed(rows):
        record: dict[str, Any] = json.loads(row["record"])
        if record.get("mlflow_run") and record.get("ended"):
            runs.append(TrackedRun(row["id"], record["mlflow_run"], float(record["ended"])))
    return runs
