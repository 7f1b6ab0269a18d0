"""Shutdown of AnyIO's worker threads, in which Jupyter's contents manager and watchfiles work."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading

WORKER = "AnyIO worker thread"
"""The name of such a thread."""


@functools.cache
def end_workers_at_exit() -> None:
    """Stop these threads at the exit of Python, which would otherwise wait for them forever.

    A worker stops when the task that created it ends. A task may not end, such as that of a
    WebSocket that is open when the server stops. `atexit` runs too late, after Python has waited
    for the threads.
    """

    def stop_workers() -> None:
        for thread in threading.enumerate():
            if thread.name == WORKER and hasattr(thread, "stop"):
                # The queue is full if it was asked to stop before.
                with contextlib.suppress(queue.Full):
                    thread.stop()

    threading._register_atexit(stop_workers)  # type: ignore[attr-defined]
