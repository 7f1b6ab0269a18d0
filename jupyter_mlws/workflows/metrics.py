"""The numbers in metrics files, by dotted names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlws.versioning.dvc.native import yaml_loader

LARGEST = 1_000_000
"""Bytes; a larger file holds no measures to rank by."""
DEEPEST = 50
BARE = "value"
"""The name of a number that is the whole file."""


class UnreadableError(Exception):
    """A metrics file that holds no measures; the message says why."""


def merged(files: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, float]:
    """The measures of several files; where names clash, the file's own goes in front."""
    found: dict[str, float] = {}
    for path, measured in files:
        for name, value in measured.items():
            found[f"{PurePosixPath(path).stem}.{name}" if name in found else name] = value
    return found


def numbers(path: str, content: bytes) -> dict[str, float]:
    """The finite numbers of a JSON or YAML file; :class:`UnreadableError` if it is neither."""
    return flat(read(path, content))


def read(path: str, content: bytes) -> Any:
    """What a JSON or YAML file holds; :class:`UnreadableError` if it is neither."""
    if len(content) > LARGEST:
        raise UnreadableError(f"{path}: larger than {LARGEST} bytes")
    try:
        return _parsed(path, content)
    except Exception as error:
        # A person's file, read by whichever parser: whatever that says is the reason.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableError(f"{path}: {reason}") from error


def flat(held: Any) -> dict[str, float]:
    """The finite numbers of what a file holds, by dotted names."""
    return {name or BARE: value for name, value in _numbers(held, "", 0)}


def _parsed(path: str, content: bytes) -> Any:
    if PurePosixPath(path).suffix not in (".yaml", ".yml"):
        return json.loads(content)
    return yaml_loader.read_by_ruamel(content)[0]


def _numbers(value: Any, name: str, depth: int) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping) and depth < DEEPEST:
        for key, part in value.items():
            yield from _numbers(part, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool) and _finite(value):
        yield name, value


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # An integer that no float holds.
        return False
