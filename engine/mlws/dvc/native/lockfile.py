"""`dvc.lock`: read, and written as DVC writes it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlws.core.atomic import atomic_write, remove_temp_paths
from mlws.core.i18n import Message
from mlws.dvc import yaml_loader
from mlws.dvc.native import yaml_dumper
from mlws.dvc.unsupported import UnsupportedStageError

TOP_LEVEL_KEYS = {"schema", "stages"}
LOCK_RETRY_INTERVAL = 0.02
"""Seconds between two tries for DVC's lock: there is nothing that could be waited for."""


class LockFile:
    """The lock file beside one `dvc.yaml`; ``memory`` is the directory for its parsed copy."""

    def __init__(self, path: Path, memory: Path) -> None:
        self._path = path
        self._cache_directory = memory
        self._stage_texts: dict[str, str] = {}
        self._is_plain = True
        self.digest = ""
        self.entries: dict[str, dict[str, Any]] = {}

    def read(self) -> None:
        """Read the file if it has changed.

        :class:`UnsupportedStageError` if only DVC can read it.
        """
        text = self._read_text()
        digest = _digest(text)
        if digest == self.digest:
            return
        with suppress(FileNotFoundError, ValueError, KeyError):
            record = json.loads(self._cache_path().read_text(encoding="utf-8"))
            if record["digest"] == digest:
                self.entries, self._is_plain = record["entries"], record["plain"]
                self.digest, self._stage_texts = digest, {}
                return
        data = yaml_loader.read(text) if text.strip() else {"schema": "2.0"}
        entries = data.get("stages") or {} if isinstance(data, dict) else None
        if (
            not isinstance(entries, dict)
            or data.get("schema") != "2.0"
            or set(data) - TOP_LEVEL_KEYS
            or not all(isinstance(entry, dict) for entry in entries.values())
        ):
            raise UnsupportedStageError(Message("unsupported dvc.lock format"))
        stage_texts = {name: yaml_dumper.stage(name, entry) for name, entry in entries.items()}
        self._is_plain = text in ("", yaml_dumper.LOCK_FILE_HEADER + "".join(stage_texts.values()))
        self.digest, self.entries, self._stage_texts = digest, entries, stage_texts
        self._save_cached(digest, entries, self._is_plain)

    def write(
        self,
        news: Mapping[str, dict[str, Any]],
        order: Sequence[str],
        existing_names: Collection[str],
    ) -> None:
        """Write new entries: ``existing_names`` keep their place, others follow in ``order``."""
        self.read()
        fresh = {name: entry for name, entry in news.items() if self.entries.get(name) != entry}
        if not fresh and self._path.exists():
            return
        every = {**self.entries, **fresh}
        new_names = [name for name in order if name in every and name not in existing_names]
        entries = {name: every[name] for name in every if name not in new_names}
        entries |= {name: every[name] for name in new_names}
        if self._is_plain:
            for name, entry in entries.items():
                if name in fresh or name not in self._stage_texts:
                    self._stage_texts[name] = yaml_dumper.stage(name, entry)
            stage_texts = [self._stage_texts[name] for name in entries]
            text = yaml_dumper.LOCK_FILE_HEADER + "".join(stage_texts)
        else:
            text = yaml_dumper.update(self._read_text(), entries)
        # Of a killed process: DVC's lock is held, so no other process writes one.
        remove_temp_paths(self._path)
        atomic_write(self._path, text)
        self.digest, self.entries = _digest(text), entries
        self._save_cached(self.digest, entries, self._is_plain)

    def _read_text(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except UnicodeDecodeError as error:
            raise UnsupportedStageError(Message("dvc.lock is not UTF-8")) from error

    # What was read before need not be parsed again

    def _cache_path(self) -> Path:
        name = hashlib.sha256(str(self._path).encode()).hexdigest()[:16]
        return self._cache_directory / f"lock-{name}.json"

    def _save_cached(self, digest: str, entries: Mapping[str, Any], plain: bool) -> None:
        """Save the parsed entries of a large file; the copy may be lost at any time."""
        if len(entries) < 50:
            return
        record = {"digest": digest, "plain": plain, "entries": entries}
        atomic_write(self._cache_path(), json.dumps(record))


@contextmanager
def hold_dvc_lock(root: Path) -> Iterator[None]:
    """Hold DVC's own lock of a repository, as its commands do; block until it is free."""
    folder = root / ".dvc" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(LOCK_RETRY_INTERVAL)
        file.seek(0)
        file.truncate()
        file.write(f" {os.getpid()}\n")
        file.flush()
        yield


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
