"""The worker threads of AnyIO, by which Jupyter's contents manager and watchfiles read files."""

from __future__ import annotations


def end_workers() -> None:
    """End those of the running event loop; whatever needs one from now on gets a new one.

    A worker ends with the task that it was made in. Where that task never does, as that of an open
    WebSocket when the server stops, Python waits for its thread for ever. AnyIO has no public way
    to end it.
    """
    from anyio._backends import _asyncio

    try:
        workers = _asyncio._threadpool_workers.get()
    except (AttributeError, LookupError):
        # None was made yet, or an AnyIO that keeps them elsewhere.
        return
    for worker in list(workers):
        worker.stop()
