"""The numbers in metrics files, by dotted names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlws.dvc.native import yaml_loader

MAX_FILE_BYTES = 1_000_000
"""Bytes; a larger file holds no measures to rank by."""
MAX_DEPTH = 50
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


def numbers(path: str, content: bytes) -> dict[str, float]:
    """Return the finite numbers of a JSON or YAML file, by dotted names.

    :class:`UnreadableError` if it is neither.
    """
    return flat(read(path, content))


def read(path: str, content: bytes) -> Any:
    """Parse a JSON or YAML file; :class:`UnreadableError` if it is neither."""
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    try:
        if PurePosixPath(path).suffix in (".yaml", ".yml"):
            return yaml_loader.read_by_ruamel(content)[0]
        return json.loads(content)
    except Exception as error:
        # A person's file, read by whichever parser: whatever that says is the reason.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableError(f"{path}: {reason}") from error


def flat(data: Any) -> dict[str, float]:
    """Return the finite numbers of a file's parsed content, by dotted names."""
    return {name or BARE_NUMBER_NAME: value for name, value in _numbers(data, "", 0)}


def _numbers(value: Any, name: str, depth: int) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        for key, part in value.items():
            yield from _numbers(part, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # An integer may be one that no float holds.
        with suppress(OverflowError):
            if math.isfinite(value):
                yield name, value
