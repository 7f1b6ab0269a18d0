"""Progress of DVC's transfers in bytes, as its file systems report it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from fsspec.callbacks import Callback  # type: ignore[import-untyped]

from mlws.core.progress import ProgressCallback


class Meter(Callback):  # type: ignore[misc]  # fsspec has no types
    """Reports the sum of all transfers, and stops them when the callback raises.

    ``total``: the bytes that are expected so far.
    """

    def __init__(self, progress: ProgressCallback, message: str, total: int = 0) -> None:
        super().__init__()
        self._progress = progress
        self._message = message
        self._total = total
        self._transferred_bytes = 0
        self._lock = threading.Lock()
        self.stopped: BaseException | None = None

    def branched(self, path_1: str, path_2: str, **kwargs: Any) -> Callback:
        """The meter of one file; at least one end of a transfer is on this machine."""
        return _FileMeter(self, (path_1, path_2))

    def expect(self, size: int) -> None:
        """Add ``size`` bytes to the expected total."""
        self._total += size

    def relative_update(self, inc: int = 1) -> None:
        """Report a finished file; its own meter has counted its bytes."""
        self.count(0)

    def count(self, size: int) -> None:
        """Count ``size`` more bytes; raises the exception of the progress callback."""
        # Several files, or parts of one, are moved concurrently; their reports are serialized.
        with self._lock:
            self._transferred_bytes += size
            total = max(self._total, self._transferred_bytes) if self._total else None
            try:
                self._progress(self._transferred_bytes, total, "B", self._message)
            except BaseException as stop:
                # DVC collects the failures of files and goes on; this one stops the transfer.
                self.stopped = stop
                raise


class _FileMeter(Callback):  # type: ignore[misc]  # fsspec has no types
    def __init__(self, whole: Meter, paths: tuple[str, str]) -> None:
        super().__init__()
        self.value: int = 0
        self._meter = whole
        self._paths = paths

    def __exit__(self, *exc_info: Any) -> None:
        # Small files are moved in one call, without a report.
        here = [path for path in map(Path, self._paths) if path.is_file()]
        if exc_info[0] is None and here:
            self.absolute_update(here[0].stat().st_size)

    def relative_update(self, inc: int = 1) -> None:
        self.absolute_update(self.value + inc)

    def absolute_update(self, value: int) -> None:
        self._meter.count(value - self.value)
        self.value = value
