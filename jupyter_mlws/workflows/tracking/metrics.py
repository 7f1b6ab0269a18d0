"""The numbers in metrics files, by dotted names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from mlws.dvc import yaml_loader

MAX_FILE_BYTES = 1_000_000
"""Bytes; a larger file holds no measures to rank by."""
MAX_DEPTH = 50
INTERVAL = "interval"
"""The group of a comparison that says how sure a score is; its numbers are no scores."""
VALIDATION = "cross_validation"
"""The group with the mean score of folds, which has an interval of its own."""
BARE_NUMBER_NAME = "value"
"""The name of a number that is the whole file."""


class UnreadableError(Exception):
    """Error of a metrics file without measures; the message gives the reason."""


def merge_metrics(files: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    """Merge the measures of several files; prefix a name that clashes with its file's stem."""
    result: dict[str, float] = {}
    for path, metrics in files:
        for name, value in metrics.items():
            result[f"{PurePosixPath(path).stem}.{name}" if name in result else name] = value
    return result


def read(path: str, content: bytes) -> Any:
    """Parse a JSON or YAML file; :class:`UnreadableError` if it is neither."""
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        if PurePosixPath(path).suffix in (".yaml", ".yml"):
            return yaml_loader.read_by_ruamel(content)[0]
        return json.loads(content)
    except Exception as error:
        # The file of a user: the reason is that of the parser, which may raise anything.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableError(f"{path}: {reason}") from error


def read_file(file: Path, path: str) -> Any:
    """Parse the file that has the content of ``path``; also :class:`OSError`."""
    with file.open("rb") as stream:
        return read(path, stream.read(MAX_FILE_BYTES + 1))


def flat(data: Any) -> dict[str, float]:
    """Return the finite numbers of a file's parsed content, by dotted names."""
    return {name or BARE_NUMBER_NAME: value for name, value in numbers(data)}


def numbers(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    """Yield the finite numbers in a value by dotted names, which begin with ``name``."""
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        for key, part in value.items():
            if key == INTERVAL and certainty(value):
                continue
            yield from numbers(part, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # An integer may be one that no float holds.
        with suppress(OverflowError):
            if math.isfinite(value):
                yield name, value


def certainty(content: Any, metric: str | None = None) -> Mapping[str, Any]:
    """Return how sure a score of a model is: its limits, and the rows or folds behind it.

    Without a metric, that of the test rows. Empty if it is not known: only the first score, and the
    first of the folds, have limits.
    """
    if metric is not None and metric.startswith(f"{VALIDATION}."):
        content, metric = content.get(VALIDATION), metric.partition(".")[2]
    group = content.get(INTERVAL) if isinstance(content, Mapping) else None
    if not isinstance(group, Mapping) or not ("rows" in group or "folds" in group):
        return {}
    first = next(
        (key for key, part in content.items() if not isinstance(part, Mapping | str)), None
    )
    return group if metric in (None, first) else {}
