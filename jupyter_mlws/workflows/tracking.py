"""A run as an experiment: its settings and measures, and its record in MLflow."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.project import Project
from jupyter_mlws.workflows.document import Document, Stage
from jupyter_mlws.workflows.journal import Journal, Row

LARGEST = 1_000_000
"""Bytes; a larger metrics file holds no measures for a table."""


def params_of(document: Document, stages: Sequence[Stage]) -> dict[str, Any]:
    """The settings written in the file, by ``node.key``."""
    return {f"{stage.id}.{key}": value for stage in stages for key, value in _flat(stage.settings)}


def metrics_of(root: Path, stages: Sequence[Stage]) -> dict[str, float]:
    """The numbers in the metrics files that are there; the node's id in front where two clash."""
    measured: dict[str, float] = {}
    for stage in stages:
        for path in stage.metrics:
            for key, value in _flat(_read(root / path)):
                if isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                if math.isfinite(value):
                    name = f"{stage.id}.{key}" if key in measured else key
                    measured[name or stage.id] = value
    return measured


def _read(path: Path) -> Any:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        if path.suffix in (".yaml", ".yml"):
            from ruamel.yaml import YAML

            return YAML(typ="safe", pure=True).load(text)
        return json.loads(text)
    except Exception as error:  # noqa: BLE001  a person's file: whatever it holds, the run goes on
        return {"unreadable": str(error)}


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(part, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def track(project: Project, journal: Journal, run: str, name: str) -> None:
    """Record an ended run in MLflow and tell its id. Whatever fails here fails nobody's run."""
    row = journal.record(run)
    try:
        identifier = _log(project, row, name)
    except Exception as error:
        journal.set_run(run, tracking_error=f"{type(error).__name__}: {error}")
        raise
    journal.set_run(run, mlflow_run=identifier)


def _log(project: Project, row: Row, name: str) -> str:
    from jupyter_mlws.versioning.mlflow import MLflowStore, tracking_uri

    tags = {"mlws.run": row["id"], "mlws.workflow": row["workflow"], "mlws.origin": row["origin"]}
    if row.get("commit"):
        tags["mlflow.source.git.commit"] = row["commit"]
    return MLflowStore(tracking_uri(project.root)).log_run(
        experiment=name,
        params=row.get("params", {}),
        metrics=row.get("metrics", {}),
        tags=tags,
        start=row["started"],
        end=row["ended"],
        status=row["status"],
        name=row["id"],
    )
