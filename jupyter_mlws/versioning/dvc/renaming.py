"""The result of a stage under another name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from jupyter_mlws.versioning.dvc.fast.lockfile import LockFile, holding
from jupyter_mlws.versioning.dvc.fast.unusual import UnusualError


def carry_result(root: Path, path: str, state: Path, source: str, target: str) -> bool:
    """Let the lock file beside ``path`` have of ``target`` what it has of ``source``.

    False where it has nothing, or is written in a way that only DVC reads.
    """
    lock = LockFile((root / path).with_suffix(".lock"), state)
    with suppress(UnusualError, OSError), holding(root):
        lock.read()
        entry = lock.entries.get(source)
        if entry is not None:
            lock.write({target: entry}, [target], set(lock.entries))
            return True
    return False
