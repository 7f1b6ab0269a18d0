"""The worker threads of AnyIO, by which Jupyter's contents manager and watchfiles read files."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading

WORKER = "AnyIO worker thread"
"""The name of such a thread."""


@functools.cache
def end_workers_at_exit() -> None:
    """Have Python end these threads at its exit, where it would wait for them for ever.

    A worker ends with the task that it was made in. Where that task never does, as that of a
    WebSocket that is open when the server stops, nobody ends it; an ordinary `atexit` comes too
    late, after the threads were waited for.
    """
    threading._register_atexit(_end_workers)  # type: ignore[attr-defined]


def _end_workers() -> None:
    for thread in threading.enumerate():
        if thread.name == WORKER and hasattr(thread, "stop"):
            # A full queue: it was told before.
            with contextlib.suppress(queue.Full):
                thread.stop()
