"""The logs of a run's nodes: output of their commands, and lines of the run itself."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from mlws.engine.progress import NEWEST, newest_progress

MAX_TAIL_LINES = 20
"""Lines of a failed node's log that its error quotes."""
MAX_LOG_BYTES = 20 * 1024 * 1024
"""A node's log beyond this keeps its first and its last tenth."""
LOG_CUT = f"[left out here: a node's log is limited to {MAX_LOG_BYTES >> 20} MiB]\n".encode()


class NodeLogs:
    """The logs of one run in their directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, node: str) -> Path:
        """Return the path of a node's log; see :func:`log_path`."""
        return log_path(self._directory, node)

    def size(self, node: str) -> int:
        """Return the size of a node's log in bytes; 0 if there is none."""
        path = self.path(node)
        return path.stat().st_size if path.exists() else 0

    def append(self, node: str, line: str) -> None:
        """Append a line of the run itself."""
        with self.path(node).open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def tail(self, node: str) -> list[str]:
        """Return the last lines of a node's log."""
        return tail(self.path(node))

    def poll(self, node: str, start: int) -> tuple[int, float | None]:
        """Return the end of a log, and the newest progress in it from ``start`` on, if any.

        The log is kept within its limit.
        """
        self.shorten(node)
        try:
            with self.path(node).open("rb") as log:
                end = os.fstat(log.fileno()).st_size
                log.seek(max(start, end - NEWEST))
                return end, newest_progress(log.read(NEWEST))
        except FileNotFoundError:
            # It has not printed anything.
            return start, None

    def shorten(self, node: str) -> None:
        """Cut the middle out of a log that is over its limit, and note that in the log.

        The process continues to write at the end of the file; what it writes between the reading
        of the end and the cut is lost as well.
        """
        if self.size(node) <= MAX_LOG_BYTES:
            return
        path, part = self.path(node), MAX_LOG_BYTES // 10
        with path.open("rb") as log:
            head = log.read(part)
            head = head[: head.rfind(b"\n") + 1]
            log.seek(-part, os.SEEK_END)
            end = log.read()
        end = end[end.find(b"\n") + 1 :]
        with path.open("ab", buffering=0) as log:
            log.truncate(len(head))
            log.write(LOG_CUT + end)


def log_path(folder: Path, node: str) -> Path:
    """Return the path of a node's log.

    The name is quoted, as IDs of variants may contain characters that file names may not.
    """
    return folder / f"{quote(node, safe='@ ')}.log"


def tail(path: Path, lines: int = MAX_TAIL_LINES) -> list[str]:
    """Return the last lines of a log."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 20_000))
        return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]
