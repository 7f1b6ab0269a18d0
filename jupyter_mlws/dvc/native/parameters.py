"""Reads parameters files as DVC does, each of them once as long as it does not change."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.dvc import yaml_loader
from jupyter_mlws.dvc.unsupported import UnsupportedStageError


class Parameters:
    """The parameters files of one repository."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[tuple[int, int, int], Any]] = {}

    def values(self, path: str, keys: Sequence[str]) -> dict[str, Any] | None:
        """Return the file's values by key, without missing keys; None if there is no file."""
        try:
            file_stat = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        state = (file_stat.st_mtime_ns, file_stat.st_size, file_stat.st_ino)
        if self._cache.get(path, (None,))[0] != state:
            self._cache[path] = (state, _read(path))
        data = self._cache[path][1]
        if not keys:
            return dict(data)
        values = {}
        for key in keys:
            if any(character in key for character in "*?[]!") or key != key.strip("."):
                raise UnsupportedStageError(Message("a parameter name with a pattern"))
            value = data
            for part in key.split("."):
                if isinstance(value, list):
                    raise UnsupportedStageError(Message("a parameter in a list"))
                if not isinstance(value, dict) or part not in value:
                    break
                value = value[part]
            else:
                values[key] = value
        return values


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (IsADirectoryError, UnicodeDecodeError) as error:
        raise UnsupportedStageError(Message("an unreadable parameters file")) from error
    if path.endswith(".json"):
        try:
            data = json.loads(text)
        except ValueError as error:
            raise UnsupportedStageError(Message("an unreadable parameters file")) from error
    else:
        data = yaml_loader.read(text)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise UnsupportedStageError(Message("a parameters file that is not a mapping"))
    return data
