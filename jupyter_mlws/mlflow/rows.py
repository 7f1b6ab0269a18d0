"""Runs, models and versions as plain data, however they were read from MLflow's store."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from jupyter_mlws.mlflow.run_tags import (
    ARCHIVED,
    COMMIT,
    DATA,
    DIRTY,
    INPUTS,
    NODE,
    NOTE,
    OUTPUTS,
    PARENT,
    RUN,
    SET,
    SOURCE,
    STARRED,
    WORKFLOW,
    hashes_of,
)

FOLDER_TAG = "mlws.folder"
"""Tag of a version whose source is a folder below the version's files: which one."""
ALIAS_TAG_PREFIX = "mlws.alias."
"""Prefix of a model's tags that record the changes of its aliases: `mlws.alias.NAME.TIME`."""
MAX_LISTED_FILES = 1000
"""Files of a version that are listed."""
INTERNAL_TAG_PREFIXES = ("mlflow.", "mlws.")
"""Prefixes of the tags that no user sets."""

JSON = dict[str, Any]


class RunValues(NamedTuple):
    """A run as MLflow stores it; times in milliseconds."""

    id: str
    name: str | None
    status: str
    start: int | None
    end: int | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    stage: str = "active"
    """MLflow's word: `active` or `deleted`."""


class VersionValues(NamedTuple):
    """A version of a model as MLflow stores it; the time in milliseconds."""

    name: str
    number: int
    created: int
    run: str | None
    tags: Mapping[str, str]


def run_row(run: RunValues, experiment: str, columns: Sequence[str] | None) -> JSON:
    """Return a run; ``columns``: only these parameters and metrics, as ``params.a``."""
    keep = None if columns is None else set(columns)
    tags = run.tags

    def chosen(kind: str, values: Mapping[str, Any]) -> JSON:
        return {k: v for k, v in values.items() if keep is None or f"{kind}.{k}" in keep}

    return {
        "id": run.id,
        "name": run.name or "",
        "experiment": experiment,
        "run": tags.get(RUN),
        "node": tags.get(NODE),
        "workflow": tags.get(WORKFLOW),
        "parent": tags.get(PARENT),
        "status": run.status,
        "started": run.start / 1000 if run.start else None,
        "duration": (run.end - run.start) / 1000 if run.end and run.start else None,
        "params": chosen("params", run.params),
        "metrics": _finite(chosen("metrics", run.metrics)),
        "commit": tags.get(COMMIT),
        "source": tags.get(SOURCE),
        "data": hashes_of(tags.get(DATA)),
        "dirty": {"true": True, "false": False}.get(tags.get(DIRTY, "")),
        "inputs": hashes_of(tags.get(INPUTS)),
        "outputs": hashes_of(tags.get(OUTPUTS)),
        "note": tags.get(NOTE, ""),
        "starred": tags.get(STARRED) == SET,
        "archived": tags.get(ARCHIVED) == SET,
        "deleted": run.stage == "deleted",
        "tags": {k: v for k, v in tags.items() if is_user_tag(k)},
    }


def is_user_tag(key: str) -> bool:
    """Return whether a tag is one that a user sets."""
    return not key.startswith(INTERNAL_TAG_PREFIXES)


def summarize(
    values: Mapping[str, str | None], metrics: Iterable[tuple[str, str, float]]
) -> list[JSON]:
    """Return the groups of runs with equal values, the largest first.

    ``values`` are by run, ``metrics`` are rows of run, name and value. Each group has its ``value``
    and ``count``, and of each metric how many runs have a finite value (``count``), the ``mean``
    and the ``deviation``: that of a sample, None for fewer than two values.
    """
    counts = Counter(values.values())
    numbers: dict[str | None, dict[str, list[float]]] = {value: {} for value in counts}
    for run, name, number in metrics:
        if run in values and math.isfinite(number):
            numbers[values[run]].setdefault(name, []).append(number)
    groups = []
    for value, count in sorted(counts.items(), key=lambda row: (-row[1], str(row[0]))):
        summaries = {}
        for name, own in sorted(numbers[value].items()):
            # Values near the largest float have no finite sum.
            mean = sum(number / len(own) for number in own)
            squares = math.hypot(*(number - mean for number in own))
            deviation = squares / math.sqrt(len(own) - 1) if len(own) > 1 else None
            if deviation is not None and not math.isfinite(deviation):
                deviation = None
            summaries[name] = {"count": len(own), "mean": mean, "deviation": deviation}
        groups.append({"value": value, "count": count, "metrics": summaries})
    return groups


def version_row(
    version: VersionValues, run: RunValues | None, paths: Iterable[str], aliases: Mapping[str, Any]
) -> JSON:
    """Return a version with the values of its run, and the files below its source."""
    inside = version.tags.get(FOLDER_TAG)
    files = islice(paths, MAX_LISTED_FILES)
    return {
        "name": version.name,
        "version": version.number,
        "params": dict(run.params) if run else {},
        "metrics": _finite(run.metrics) if run else {},
        "artifacts": sorted(f"{inside}/{path}" if inside else path for path in files),
        "created": version.created / 1000,
        "run": version.run or None,
        "commit": run.tags.get(COMMIT) if run else None,
        "tags": {key: value for key, value in version.tags.items() if key != FOLDER_TAG},
        "aliases": sorted(alias for alias, its in aliases.items() if int(its) == version.number),
    }


def model_row(
    name: str,
    description: str | None,
    created: int,
    updated: int,
    tags: Mapping[str, str],
    aliases: Mapping[str, Any],
    newest: JSON | None,
) -> JSON:
    """Return a model with its newest version; times in milliseconds."""
    return {
        "name": name,
        "description": description or "",
        "created": created / 1000,
        "updated": updated / 1000,
        "tags": {k: v for k, v in tags.items() if not k.startswith(ALIAS_TAG_PREFIX)},
        "aliases": {alias: int(number) for alias, number in aliases.items()},
        "newest": newest,
    }


def _finite(metrics: Mapping[str, float]) -> JSON:
    return {key: value if math.isfinite(value) else None for key, value in metrics.items()}
