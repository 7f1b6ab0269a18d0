"""The stages of a `dvc.yaml` with templates filled and variants made, remembered by what they are
made of: DVC's own resolver costs its import and a millisecond a stage."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlws.core.atomic import atomic_write
from jupyter_mlws.versioning.dvc.stages import resolve, resolve_variants

GENERATED = ("foreach", "matrix")
PARAMS = "params.yaml"
CONFIGS = (".dvc/config", ".dvc/config.local")
"""Say how DVC writes settings that are lists or false."""


def stages(
    root: Path, path: str, text: str, data: Mapping[str, Any], memory: Path
) -> Mapping[str, Any]:
    """The resolved stages of ``data``, which ``text`` was read to; ``memory`` is a folder for
    what was resolved before. Error 40205 where DVC refuses them."""
    written = data.get("stages") or {}
    if "${" not in text and not any(set(stage) & set(GENERATED) for stage in written.values()):
        return written
    digest = _digest(root, path, text, data)
    return _remembered(_place(memory, "stages", path), digest, lambda: resolve(root, path, data))


def variants(
    root: Path, path: str, text: str, data: Mapping[str, Any], memory: Path
) -> dict[str, Any]:
    """The variants of each stage that generates some: their ids with what DVC gives each as
    ``item`` (and ``key``). Error 40205 where DVC refuses them."""
    written = data.get("stages") or {}
    if not any(isinstance(s, Mapping) and set(s) & set(GENERATED) for s in written.values()):
        return {}
    digest = _digest(root, path, text, data)
    make = lambda: resolve_variants(root, path, data)  # noqa: E731
    return _remembered(_place(memory, "variants", path), digest, make)


def _place(memory: Path, what: str, path: str) -> Path:
    return memory / f"{what}-{hashlib.sha256(path.encode()).hexdigest()[:16]}.json"


def _remembered(place: Path, digest: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was made before of the same (without a digest nobody knows), else made now."""
    if digest:
        with suppress(FileNotFoundError, ValueError, KeyError):
            known = json.loads(place.read_text(encoding="utf-8"))
            if known["digest"] == digest:
                remembered: dict[str, Any] = known["stages"]
                return remembered
    found = make()
    if digest:
        with suppress(TypeError):
            plain = json.dumps({"digest": digest, "stages": found})
            if json.loads(plain)["stages"] == found:
                atomic_write(place, plain)
    return found


def sources(root: Path, path: str, data: Mapping[str, Any]) -> dict[str, str] | None:
    """The hashes of the files that the stages are made of beside their own, those that are not
    there too; None where that is not certain."""
    files = sorted({*CONFIGS, *_files(posixpath.dirname(path), data)})
    if any("${" in file for file in files):
        return None
    return {file: content(root / file) for file in files}


def content(file: Path) -> str:
    """The hash of a file; empty where there is none."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""


def _digest(root: Path, path: str, text: str, data: Mapping[str, Any]) -> str:
    """Changes with everything that the stages are made of; empty where that is not certain."""
    files = sources(root, path, data)
    if files is None:
        return ""
    return hashlib.sha256(json.dumps([text, files]).encode()).hexdigest()


def _files(folder: str, data: Mapping[str, Any]) -> Iterator[str]:
    """The files that values may come from."""
    yield posixpath.normpath(posixpath.join(folder, PARAMS))
    for entry in data.get("vars") or ():
        if isinstance(entry, str):
            yield posixpath.normpath(posixpath.join(folder, entry.partition(":")[0]))
    for stage in (data.get("stages") or {}).values():
        written = stage.get("do", stage) if isinstance(stage, Mapping) else {}
        if not isinstance(written, Mapping):
            continue
        wdir = posixpath.join(folder, str(written.get("wdir") or "."))
        yield posixpath.normpath(posixpath.join(wdir, PARAMS))
        for entry in written.get("vars") or ():
            if isinstance(entry, str):
                yield posixpath.normpath(posixpath.join(wdir, entry.partition(":")[0]))
