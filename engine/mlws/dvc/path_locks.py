"""DVC's list of the paths that stages lock (``.dvc/tmp/rwlock``), after its writer was killed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

log = logging.getLogger(__name__)

CLOCK_MARGIN = 2.0
"""Seconds by which the start of a process may seem later than it was."""


def discard_ended(folder: Path, *, hardlink: bool) -> None:
    """Remove the locks of processes that have ended, and a list that is cut off.

    ``folder`` is DVC's temporary folder. DVC writes the list in place, so that a process that is
    killed leaves a part of it, beside which DVC refuses to work. DVC regards a lock as held while
    any process has its pid. That may be a zombie, which a container keeps if its first process
    reaps none, or a process that got the same pid after a restart.
    """
    path = folder / "rwlock"
    if _changed_text(path) is None:
        return
    from dvc.lock import make_lock

    # DVC holds it while it writes: the file may have been read before its end was there.
    with make_lock(f"{path}.lock", tmp_dir=str(folder), hardlink_lock=hardlink):
        text = _changed_text(path)
        if text is not None:
            log.warning("Removing locks of ended processes from %s", path)
            path.write_text(text, "utf-8")


def _changed_text(path: Path) -> str | None:
    """Return the list with the locks of running processes only; None if it is that already."""
    try:
        content, mtime = path.read_bytes(), path.stat().st_mtime
    except FileNotFoundError:
        return None
    try:
        # The format is that of `dvc.rwlock.SCHEMA`.
        locks = json.loads(content)
        write, read = locks.get("write", {}), locks.get("read", {})
        writers = {place: info for place, info in write.items() if _is_running(info["pid"], mtime)}
        readers = {
            place: running
            for place, infos in read.items()
            if (running := [info for info in infos if _is_running(info["pid"], mtime)])
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        return "{}"
    if (writers, readers) == (write, read):
        return None
    remaining = {"write": writers, "read": readers}
    return json.dumps({kind: entries for kind, entries in remaining.items() if entries})


def _is_running(pid: int, mtime: float) -> bool:
    """Return whether the process that had ``pid`` when the list was written still runs."""
    import psutil

    try:
        process = psutil.Process(pid)
        return bool(
            process.status() != psutil.STATUS_ZOMBIE
            and process.create_time() <= mtime + CLOCK_MARGIN
        )
    except psutil.NoSuchProcess:
        return False
