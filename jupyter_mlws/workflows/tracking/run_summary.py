"""A run as an experiment: its settings and its measures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.dvc.native import yaml_loader
from jupyter_mlws.workflows.document.parse import Stage

LARGEST = 1_000_000
"""Bytes; a larger metrics file holds no measures for a table."""


def params_of(stages: Sequence[Stage]) -> dict[str, Any]:
    """Return the settings written in the file, by ``node.key``."""
    return {f"{stage.id}.{key}": value for stage in stages for key, value in flat(stage.settings)}


def measures_of(root: Path, stages: Sequence[Stage]) -> dict[str, dict[str, float]]:
    """Return the numbers in the metrics files that exist, by node and key."""
    measures: dict[str, dict[str, float]] = {}
    for stage in stages:
        for path in stage.metrics:
            for key, value in flat(_read(root / path)):
                if isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                if math.isfinite(value):
                    measures.setdefault(stage.id, {})[key or stage.id] = value
    return measures


def metrics_of(measures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the measures of all nodes as those of their run; prefix the node's ID on a clash."""
    merged: dict[str, float] = {}
    for node, values in measures.items():
        for key, value in values.items():
            merged[f"{node}.{key}" if key in merged else key] = value
    return merged


def _read(path: Path) -> Any:
    if not path.is_file() or path.stat().st_size > LARGEST:
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        if path.suffix in (".yaml", ".yml"):
            return yaml_loader.read_by_ruamel(text)[0]
        return json.loads(text)
    except Exception as error:  # noqa: BLE001  a person's file: whatever it holds, the run goes on
        return {"unreadable": str(error)}


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by their keys, joined with dots."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat(part, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
