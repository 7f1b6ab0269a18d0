"""DVC's run cache: what a command made of which dependencies, by hash (``.dvc/cache/runs``)."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlws.core.i18n import Message
from mlws.dvc import yaml_loader
from mlws.dvc.native import yaml_dumper
from mlws.dvc.unsupported import UnsupportedStageError

_json = json.JSONEncoder(sort_keys=True).encode
Entry = Mapping[str, Any]
UNHASHED_FIELDS = frozenset({"size", "nfiles"})
"""Fields that DVC leaves out of the hashes, wherever they stand."""


class RunCache:
    """The run cache of one repository. An entry is a stage's entry in `dvc.lock`."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def newest(self, query: Entry) -> dict[str, Any] | None:
        """Return the newest entry that matches ``query``; None if there is none.

        ``query`` has a stage's command, dependencies, parameters and output paths.
        """
        key = key_of(query)
        folder = f"{self._folder}/{key[:2]}/{key}"
        try:
            names = [name for name in os.listdir(folder) if not name.startswith(".")]
        except FileNotFoundError:
            return None
        names.sort(key=lambda name: os.path.getmtime(f"{folder}/{name}"), reverse=True)
        if not names:
            return None
        with open(f"{folder}/{names[0]}", encoding="utf-8") as file:
            entry = yaml_loader.read(file.read())
        if not isinstance(entry, dict) or not isinstance(entry.get("outs"), list):
            raise UnsupportedStageError(Message("an unsupported run cache entry"))
        return entry

    def save(self, entry: Entry) -> None:
        """Save an entry, unless the cache already has it."""
        parts = _parts(entry)
        key, value = _key(entry, parts), _digest(parts)
        folder = f"{self._folder}/{key[:2]}/{key}"
        place = f"{folder}/{value}"
        try:
            os.mkdir(folder)
        except FileExistsError:
            if os.path.exists(place):
                return
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.{value}.{os.getpid()}-{threading.get_ident()}.tmp"
        try:
            with open(temporary, "wb", buffering=0) as file:
                file.write(yaml_dumper.entry(entry).encode())
            os.rename(temporary, place)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def key_of(entry: Entry) -> str:
    """Return the key of an entry: a hash of everything but the results of the command."""
    return _key(entry, _parts(entry))


def _parts(entry: Entry) -> dict[str, str]:
    """Return the JSON of each field, without those that DVC leaves out of its hashes."""
    return {
        key: _json(_strip_unhashed(item))
        for key, item in entry.items()
        if key not in UNHASHED_FIELDS
    }


def _key(entry: Entry, parts: Mapping[str, str]) -> str:
    outs = _json([out["path"] for out in entry.get("outs", ())])
    return _digest({**parts, "outs": outs})


def _digest(parts: Mapping[str, str]) -> str:
    """The hash of the JSON of the whole entry, its keys sorted."""
    text = ", ".join(f"{_json(key)}: {parts[key]}" for key in sorted(parts))
    return hashlib.sha256(f"{{{text}}}".encode()).hexdigest()


def _strip_unhashed(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _strip_unhashed(item) if isinstance(item, dict | list) else item
            for key, item in value.items()
            if key not in UNHASHED_FIELDS
        }
    if isinstance(value, list):
        return [_strip_unhashed(item) for item in value]
    return value
