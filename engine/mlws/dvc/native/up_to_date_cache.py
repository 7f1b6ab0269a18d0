"""Cache of the fact that a workflow is up to date, which is valid while its files do not change.

The times, sizes and inodes of the files are stored after a whole run. If all of them are the same,
no stage is examined, which takes most of the time of a run of thousands of unchanged stages.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlws.core.atomic import atomic_write
from mlws.dvc.native.hash_cache import MIN_FILE_AGE_NS as AT_REST
from mlws.dvc.native.objects import READ_ONLY, is_legacy
from mlws.dvc.native.repository import read_setup
from mlws.dvc.unsupported import UnsupportedStageError

if TYPE_CHECKING:
    from mlws.dvc.native.pipeline import NativeBackend

FORMAT_VERSION = 1
Signature = list[int]


@dataclass(frozen=True)
class UpToDateEntry:
    """State of a workflow after a complete run.

    ``text``, ``lock`` and ``sources`` are the hashes of files: `dvc.yaml`, `dvc.lock`, and the
    others that define the stages. ``order``: the stages in the order of the graph. ``external``:
    the inputs that no stage produces. ``sound``: the text alone decides whether the workflow can
    run. ``outputs``: hashes by path, by stage. ``files`` and ``objects`` are its parts in the
    workspace and in the cache. ``facts`` are stored for later callers.
    """

    text: str
    lock: str
    sources: dict[str, str]
    order: list[str]
    external: list[str]
    sound: bool
    outputs: dict[str, dict[str, str]]
    files: dict[str, Signature]
    objects: list[str]
    facts: dict[str, Any]

    def holds(self, root: Path, path: str) -> bool:
        """Return True if nothing has changed since."""
        from mlws.dvc.stages import data_sources

        lock = (root / path).with_suffix(".lock")
        try:
            setup = read_setup(root)
            if setup.ignored:
                # The state does not tell whether the patterns have changed.
                return False
            if _digest(lock.read_bytes()) != self.lock:
                return False
            if any(content_hash(root / file) != old for file, old in self.sources.items()):
                return False
            if any(
                _file_signature(f"{root}/{file}") != previous
                for file, previous in self.files.items()
            ):
                return False
            modes = (
                os.stat(f"{setup.objects}/{md5[:2]}/{md5[2:]}").st_mode for md5 in self.objects
            )
            if any(stat.S_IMODE(mode) != READ_ONLY for mode in modes):
                return False
        except (OSError, UnsupportedStageError):
            return False
        return not any(data_sources(root, self.external))


def find(memory: Path, path: str, text: str) -> UpToDateEntry | None:
    """Return the stored state of a workflow with exactly this text; None if there is none.

    ``memory`` is this package's own directory.
    """
    try:
        record = json.loads(_entry_path(memory, path).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    if record.pop("format", None) != FORMAT_VERSION or record["text"] != _digest(text.encode()):
        return None
    return UpToDateEntry(**record)


def note(
    backend: NativeBackend,
    root: Path,
    memory: Path,
    path: str,
    text: str,
    sources: Mapping[str, str] | None,
    external: Sequence[str],
    **more: Any,
) -> bool:
    """Store a workflow's state, if it is up to date and consists of plain files.

    ``sources`` were taken before the stages were read; None if that is not certain. ``more``: the
    rest of :class:`UpToDateEntry` that only the caller knows. Return True if it was stored.
    """
    from mlws.dvc.stages import Forecast, data_sources

    place = _entry_path(memory, path)
    with suppress(FileNotFoundError):
        place.unlink()
    # The file system's clock is too coarse for outputs that the last stage has just written.
    time.sleep(AT_REST / 1e9)
    files = None if backend.unusual else _file_signatures(backend, root)
    if files is None or sources is None or any(data_sources(root, external)):
        return False
    forecast = Forecast()
    if any(backend.examine(name, forecast).changes for name in backend.names):
        return False
    if backend.unusual or _file_signatures(backend, root) != files:
        return False
    objects = sorted({md5 for name in backend.names for md5 in backend.stored(name)})
    if any(map(is_legacy, objects)):
        return False
    record = UpToDateEntry(
        text=_digest(text.encode()),
        lock=backend.base.digest,
        sources=dict(sources),
        external=list(external),
        outputs={name: backend.hashes(name) for name in backend.order},
        files=files,
        objects=objects,
        **more,
    )
    atomic_write(place, json.dumps({"format": FORMAT_VERSION, **asdict(record)}))
    return True


def _file_signatures(backend: NativeBackend, root: Path) -> dict[str, Signature] | None:
    """Return the signatures of all files of a workflow; None if they are not reliable.

    That is so if a path is not a plain file, or was changed so recently that its timestamp does
    not distinguish one content from the next.
    """
    now = time.time_ns()
    signatures: dict[str, Signature] = {}
    for full in dict.fromkeys(full for name in backend.names for full in backend.places(name)):
        signature = _file_signature(full)
        if signature is None or now - signature[0] < AT_REST:
            return None
        signatures[full[len(str(root)) + 1 :]] = signature
    return signatures


def _file_signature(path: str) -> Signature | None:
    """Return numbers that change with a file's content; None for anything but a regular file."""
    try:
        file_stat = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISREG(file_stat.st_mode):
        return None
    return [file_stat.st_mtime_ns, file_stat.st_size, file_stat.st_ino]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _entry_path(memory: Path, path: str) -> Path:
    return memory / f"settled-{_digest(path.encode())[:16]}.json"


def content_hash(file: Path) -> str:
    """Return the hash of a file; an empty string if there is none."""
    try:
        return _digest(file.read_bytes())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ""
