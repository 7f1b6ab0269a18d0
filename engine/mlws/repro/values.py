"""Metrics and parameters of a repository: read, and compared as DVC compares them."""

from __future__ import annotations

import json
import posixpath
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from mlws.document.templates import flatten, resolve_section, values_in_use
from mlws.dvc.native.parameter_files import ParametersFileError
from mlws.dvc.native.stage import DEFAULT_PARAMS_FILE
from mlws.repro.revisions import Revision

UNREADABLE = "unable to parse"
"""DVC's word for what is neither a mapping nor empty, beside a mapping."""
FORMATS = {".json": "JSON", ".toml": "TOML", ".py": "Python"}
"""Formats of values other than YAML, as in the names of DVC's errors."""


class Reading(NamedTuple):
    """The value of a file, or the error that prevents reading it."""

    value: Any = None
    fault: Exception | None = None


NOTHING = Reading({})

Readings = Mapping[str, Reading]
"""The values of files, by their paths from the root."""


class FileCorruptedError(Exception):
    """A file of values that cannot be read as one."""


def read_metrics(revision: Revision, targets: Sequence[str]) -> Readings:
    """Return the metrics of the targets, or of all metrics files."""
    readings = _read(revision, dict.fromkeys(targets or _metrics_files(revision), ()))
    return {
        path: one if one.fault else Reading(_metrics(one.value) or {})
        for path, one in readings.items()
    }


def read_parameters(revision: Revision, targets: Sequence[str], *, of_stages: bool) -> Readings:
    """Return the parameters of the targets, or of all parameters files.

    ``of_stages``: only those that stages depend on.
    """
    if targets:
        return _read(revision, dict.fromkeys(targets, ()))
    names = list(_parameter_names(revision))
    if not of_stages:
        names += ((path, ()) for path in _section_files(revision, "params"))
        if revision.has(DEFAULT_PARAMS_FILE):
            names.append((DEFAULT_PARAMS_FILE, ()))
    whole = {path for path, keys in names if not keys}
    keys_by_file: dict[str, list[str]] = {}
    for path, keys in names:
        merged = keys_by_file.setdefault(path, [])
        merged += () if path in whole else (key for key in keys if key not in merged)
    readings = _read(revision, keys_by_file)
    used: dict[str, dict[str, Any]] = {}
    for document in revision.repository.documents.values():
        for path, values in values_in_use(revision.root, document).items():
            used.setdefault(path, {}).update(values)
    return readings | {path: Reading(v) for path, v in used.items() if path not in readings}


def _metrics_files(revision: Revision) -> Iterator[str]:
    repository = revision.repository
    for file, document in repository.documents.items():
        for stage in document.stages(repository.files[file]):
            yield from stage.metrics
    yield from _section_files(revision, "metrics")


def _section_files(revision: Revision, section: str) -> Iterator[str]:
    for document in revision.repository.documents.values():
        for path in resolve_section(revision.root, document, section):
            yield posixpath.normpath(posixpath.join(document.folder, str(path)))


def _parameter_names(revision: Revision) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the files and keys that stages depend on; no keys mean all of a file."""
    repository = revision.repository
    for file, document in repository.documents.items():
        stages = repository.files[file]
        for stage in document.stages(stages):
            for entry in stages[stage.id].get("params") or ():
                keys_by_file = (
                    entry if isinstance(entry, Mapping) else {DEFAULT_PARAMS_FILE: [str(entry)]}
                )
                for name, keys in keys_by_file.items():
                    path = posixpath.normpath(posixpath.join(stage.wdir, str(name)))
                    yield path, [str(key) for key in keys or ()]


def _read(revision: Revision, keys_by_path: Mapping[str, Sequence[str]]) -> dict[str, Reading]:
    """Return the values of files, or of the files in a folder; without keys, all of them."""
    readings = {}
    for path, keys in keys_by_path.items():
        for file in revision.find(path):
            try:
                readings[file] = Reading(_select(revision.read(file), keys))
            except OSError as error:
                readings[file] = Reading(fault=error)
            except ParametersFileError as error:
                # DVC names errors by the format.
                word = FORMATS.get(PurePosixPath(file).suffix.lower(), "YAML")
                kind = type(f"{word}FileCorruptedError", (FileCorruptedError,), {})
                readings[file] = Reading(fault=kind(f"unable to read: '{file}', {error}"))
    return readings


def _select(values: Any, keys: Sequence[str]) -> Any:
    if not keys:
        return values
    import dpath

    selected: dict[str, Any] = {}
    for key in keys:
        dpath.merge(selected, dpath.search(values, key, separator="."), separator=".")
    return selected


def _metrics(value: Any) -> Any:
    """Return the numbers and texts in a value, in mappings or alone; None if there are none."""
    if isinstance(value, int | float | str):
        return value
    if not isinstance(value, Mapping):
        return None
    parts = ((key, _metrics(part)) for key, part in value.items())
    return {key: part for key, part in parts if part not in (None, {})}


# Comparing


def by_name(value: Any) -> dict[str, Any]:
    """Return the values of nested mappings by dotted names; lists as their text."""
    values = flatten(value) if isinstance(value, Mapping) else [("", value)]
    return {str(name): str(part) if isinstance(part, list) else part for name, part in values}


def compare(old: Readings, new: Readings, *, every: bool) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the differences of each file by dotted name, as ``dvc metrics diff --json`` has them.

    ``every``: values without a change, too.
    """
    changes = {}
    for path in sorted({*old, *new}):
        readings = (side.get(path, NOTHING) for side in (old, new))
        values = [_parse({} if one.fault else one.value) for one in readings]
        if any(isinstance(value, Mapping) for value in values):
            before, after = map(_values_by_name, values)
            names = sorted({*before, *after})
        else:
            (before, after), names = ({"": value} for value in values), [""]
        differences = {name: _difference(before[name], after[name], every) for name in names}
        if any(differences.values()):
            changes[path] = {name: change for name, change in differences.items() if change}
    return changes


def _parse(value: Any) -> Any:
    """Return the value that a text holds as JSON, and others unchanged."""
    if isinstance(value, list):
        value = str(value)
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _values_by_name(value: Any) -> Mapping[str, Any]:
    if value and not isinstance(value, Mapping):
        return defaultdict(lambda: UNREADABLE)
    return defaultdict(lambda: None, by_name(value or {}))


def _difference(old: Any, new: Any, every: bool) -> dict[str, Any]:
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 1:
        return _difference(old[0], new[0], every)
    if old == new and not every:
        return {}
    change = {"old": old, "new": new}
    if isinstance(old, int | float) and isinstance(new, int | float):
        change["diff"] = new - old
    return change
