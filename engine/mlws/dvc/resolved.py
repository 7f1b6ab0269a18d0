"""The stages of a `dvc.yaml` with templates filled and variants made, remembered by what they are
made of: DVC's own resolver costs its import and a millisecond a stage."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlws.core.atomic import atomic_write
from mlws.dvc.stages import resolve, resolve_variants

GENERATOR_KEYS = ("foreach", "matrix")
PARAMS_FILE = "params.yaml"
CONFIG_FILES = (".dvc/config", ".dvc/config.local")
"""Say how DVC writes settings that are lists or false."""


def stages(
    root: Path, path: str, text: str, data: Mapping[str, Any], memory: Path
) -> Mapping[str, Any]:
    """Return the resolved stages of ``data``, which is the parsed ``text``.

    ``memory`` is the directory for earlier results. Raises WorkflowUnreadableError if DVC refuses
    the stages.
    """
    definitions = data.get("stages") or {}
    if "${" not in text and not any(
        set(stage) & set(GENERATOR_KEYS) for stage in definitions.values()
    ):
        return definitions
    digest = _hash_definitions(root, path, text, data)
    return _get_or_create(
        _result_path(memory, "stages", path), digest, lambda: resolve(root, path, data)
    )


def variants(
    root: Path, path: str, text: str, data: Mapping[str, Any], memory: Path
) -> dict[str, Any]:
    """Return the variants of each stage that generates some, by id.

    Each has the ``item`` (and ``key``) that DVC gives to it. Raises WorkflowUnreadableError if DVC
    refuses the stages.
    """
    definitions = data.get("stages") or {}
    if not any(
        isinstance(s, Mapping) and set(s) & set(GENERATOR_KEYS) for s in definitions.values()
    ):
        return {}
    digest = _hash_definitions(root, path, text, data)
    make = lambda: resolve_variants(root, path, data)  # noqa: E731
    return _get_or_create(_result_path(memory, "variants", path), digest, make)


def _result_path(memory: Path, what: str, path: str) -> Path:
    return memory / f"{what}-{hashlib.sha256(path.encode()).hexdigest()[:16]}.json"


def _get_or_create(place: Path, digest: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the stored result for this digest, or make and store it.

    Without a digest nothing is stored.
    """
    if digest:
        with suppress(FileNotFoundError, ValueError, KeyError):
            record = json.loads(place.read_text(encoding="utf-8"))
            if record["digest"] == digest:
                cached_value: dict[str, Any] = record["stages"]
                return cached_value
    result = make()
    if digest:
        with suppress(TypeError):
            plain = json.dumps({"digest": digest, "stages": result})
            if json.loads(plain)["stages"] == result:
                atomic_write(place, plain)
    return result


def sources(root: Path, path: str, data: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the hashes of the other files that define the stages; None if that is not certain.

    Files that do not exist are included, with an empty hash.
    """
    directory = posixpath.dirname(path)
    # Values come from the parameters file and the entries of `vars` beside each definition.
    definitions = [(directory, data)]
    for stage in (data.get("stages") or {}).values():
        definition = stage.get("do", stage) if isinstance(stage, Mapping) else {}
        if isinstance(definition, Mapping):
            wdir = posixpath.join(directory, str(definition.get("wdir") or "."))
            definitions.append((wdir, definition))
    files = set(CONFIG_FILES)
    for wdir, definition in definitions:
        entries = (entry for entry in definition.get("vars") or () if isinstance(entry, str))
        for name in (PARAMS_FILE, *(entry.partition(":")[0] for entry in entries)):
            files.add(posixpath.normpath(posixpath.join(wdir, name)))
    if any("${" in file for file in files):
        return None
    return {file: content(root / file) for file in sorted(files)}


def content(file: Path) -> str:
    """Return the hash of a file; an empty string if there is none."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""


def _hash_definitions(root: Path, path: str, text: str, data: Mapping[str, Any]) -> str:
    """Return a hash of everything that defines the stages; empty if that is not certain."""
    files = sources(root, path, data)
    if files is None:
        return ""
    return hashlib.sha256(json.dumps([text, files]).encode()).hexdigest()
