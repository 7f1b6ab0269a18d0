"""A run as an experiment: its settings and its measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlws.workflows.tracking import metrics
from mlws.document.parse import Stage


def params_of(stages: Sequence[Stage]) -> dict[str, Any]:
    """Return the settings written in the file, by ``node.key``."""
    return {f"{stage.id}.{key}": value for stage in stages for key, value in flat(stage.settings)}


def measures_of(root: Path, stages: Sequence[Stage]) -> dict[str, dict[str, float]]:
    """Return the numbers in the metrics files that can be read, by node and key."""
    measures: dict[str, dict[str, float]] = {}
    for stage in stages:
        for path in stage.metrics:
            with suppress(OSError, metrics.UnreadableError):
                for key, value in metrics.numbers(metrics.read_file(root / path, path)):
                    measures.setdefault(stage.id, {})[key or stage.id] = value
    return measures


def metrics_of(measures: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Return the measures of all nodes as those of their run; prefix the node's ID on a clash."""
    merged: dict[str, float] = {}
    for node, values in measures.items():
        for key, value in values.items():
            merged[f"{node}.{key}" if key in merged else key] = value
    return merged


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by their keys, joined with dots."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flat(part, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value
