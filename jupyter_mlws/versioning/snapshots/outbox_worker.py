"""Delivery of the outbox of one project in the background, while its server runs.

An unreachable remote is tried again with exponential back-off, only while snapshots wait.
"""

from __future__ import annotations

import logging
import threading

from jupyter_mlws.versioning.publishing.recovery import has_leftovers
from jupyter_mlws.versioning.repository import Needs, Repository
from mlws.core.errors import MLWSError

MIN_RETRY_DELAY, MAX_RETRY_DELAY = 15.0, 900.0
"""Seconds until the first retry, and at most between two."""
STOP_TIMEOUT = 5.0
"""Seconds that a transfer gets to stop."""

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """Raised inside a transfer when the server ends."""


class OutboxWorker:
    """Thread that delivers the outbox; it runs only while snapshots wait.

    Thread-safe.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        self._wake_event = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Check the outbox now."""
        with self._lock:
            self._wake_event.set()
            if self._stop_event.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="mlws-outbox", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop; waiting snapshots are delivered another time."""
        self._stop_event.set()
        self._wake_event.set()
        thread = self._thread
        if thread is not None:
            thread.join(STOP_TIMEOUT)

    def _run(self) -> None:
        if has_leftovers(self._repository.project):
            try:
                with self._repository.exclusive("recovery", needs=Needs.NOTHING):
                    pass
            except MLWSError as error:
                log.info("Recovery is postponed to the next command: %s", error)

        def check_stopped(
            done: float, total: float | None = None, unit: str = "", message: str = ""
        ) -> None:
            if self._stop_event.is_set():
                raise StoppedError

        delay = MIN_RETRY_DELAY
        while True:
            with self._lock:
                self._wake_event.clear()
                if self._stop_event.is_set() or not self._repository.outbox.waiting():
                    # Under the lock, so that a later `wake` starts a new thread.
                    self._thread = None
                    return
            try:
                self._repository.outbox.try_deliver(check_stopped)
            except StoppedError:
                return
            woken = self._wake_event.wait(delay)
            delay = MIN_RETRY_DELAY if woken else min(delay * 2, MAX_RETRY_DELAY)
