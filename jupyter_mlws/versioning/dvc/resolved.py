"""The stages of a `dvc.yaml` with templates filled and variants made, remembered by what they are
made of: DVC's own resolver costs its import and a millisecond a stage."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_mlws.versioning.dvc.stages import resolve

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
    place = memory / f"stages-{hashlib.sha256(path.encode()).hexdigest()[:16]}.json"
    if digest:
        with suppress(FileNotFoundError, ValueError, KeyError):
            known = json.loads(place.read_text(encoding="utf-8"))
            if known["digest"] == digest:
                remembered: dict[str, Any] = known["stages"]
                return remembered
    found = resolve(root, path, data)
    if digest:
        with suppress(TypeError):
            plain = json.dumps({"digest": digest, "stages": found})
            if json.loads(plain)["stages"] == found:
                temporary = place.with_name(f"{place.name}.{os.getpid()}")
                temporary.write_text(plain, encoding="utf-8")
                temporary.replace(place)
    return found


def _digest(root: Path, path: str, text: str, data: Mapping[str, Any]) -> str:
    """Changes with everything that the stages are made of; empty where that is not certain."""
    digest = hashlib.sha256(text.encode())
    for file in sorted({*CONFIGS, *_files(posixpath.dirname(path), data)}):
        if "${" in file:
            return ""
        digest.update(f"\0{file}\0".encode())
        try:
            digest.update((root / file).read_bytes())
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            digest.update(b"-")
    return digest.hexdigest()


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
