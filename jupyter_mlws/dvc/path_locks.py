"""DVC's list of the paths that stages lock (``.dvc/tmp/rwlock``), after its writer was killed."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import psutil

log = logging.getLogger(__name__)

CLOCK_MARGIN = 2.0
"""Seconds by which the start of a process may seem later than it was."""


def discard_ended(folder: Path, *, hardlink: bool) -> None:
    """Remove the locks of processes that have ended, and the list itself if it is cut off.

    ``folder`` is DVC's temporary folder. DVC writes the list in place and refuses to work beside
    half of it. It takes a lock as held while any process has the pid: also one that nobody has
    reaped, for ever in a container whose first process reaps none, or one that got the pid after
    a restart.
    """
    path = folder / "rwlock"
    if not path.exists():
        return
    from dvc.lock import make_lock

    if _unchanged(path):
        return
    # DVC holds it while it writes: the file may have been read before its end was there.
    with make_lock(f"{path}.lock", tmp_dir=str(folder), hardlink_lock=hardlink):
        if not _unchanged(path):
            log.warning("Removing locks of ended processes from %s", path)
            path.write_text(json.dumps(_remaining(path)), "utf-8")


def _unchanged(path: Path) -> bool:
    """Return whether the list is complete and all of its processes still run."""
    try:
        return bool(json.loads(path.read_bytes()) == _remaining(path))
    except ValueError:
        return False


def _remaining(path: Path) -> Any:
    """Return the list with the locks of running processes only; DVC checks its shape."""
    mtime = path.stat().st_mtime
    try:
        locks = json.loads(path.read_bytes())
        # The format is that of `dvc.rwlock.SCHEMA`.
        writers = {
            place: info
            for place, info in locks.get("write", {}).items()
            if _is_running(info["pid"], mtime)
        }
        readers = {
            place: [info for info in infos if _is_running(info["pid"], mtime)]
            for place, infos in locks.get("read", {}).items()
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        return {}
    kept = {"write": writers, "read": {place: infos for place, infos in readers.items() if infos}}
    return {kind: entries for kind, entries in kept.items() if entries}


def _is_running(pid: int, mtime: float) -> bool:
    """Return whether the process that had ``pid`` when the list was written still runs."""
    try:
        process = psutil.Process(pid)
        return bool(
            process.status() != psutil.STATUS_ZOMBIE
            and process.create_time() <= mtime + CLOCK_MARGIN
        )
    except psutil.NoSuchProcess:
        return False
