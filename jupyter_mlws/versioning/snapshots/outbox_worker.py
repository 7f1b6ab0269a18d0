"""Empties the outbox of one project in the background, while its server runs.

A remote that can't be reached tells nobody when it is back: it is tried again, after longer and
longer times, and only while something waits.
"""

from __future__ import annotations

import logging
import threading

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.recovery import has_remains

FIRST, MOST = 15.0, 900.0
"""Seconds until the first try again, and at most between two."""
END = 5.0
"""Seconds that a transfer gets to stop."""

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """Raised inside a transfer when the server ends."""


class OutboxWorker:
    """Delivers the outbox in a thread that runs only while something waits.

    Thread-safe.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Check the outbox now."""
        with self._lock:
            self._woken.set()
            if self._over.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="mlws-outbox", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop; waiting snapshots are delivered another time."""
        self._over.set()
        self._woken.set()
        thread = self._thread
        if thread is not None:
            thread.join(END)

    def _run(self) -> None:
        self._recover()
        delay = FIRST
        while self._deliver():
            delay = FIRST if self._woken.wait(delay) else min(delay * 2, MOST)

    def _deliver(self) -> bool:
        """Deliver waiting snapshots; return whether the thread should go on."""
        with self._lock:
            self._woken.clear()
            if self._over.is_set() or not self._repository.outbox.waiting():
                # Under the lock, so that whoever wakes after this begins a new thread.
                self._thread = None
                return False
        try:
            self._repository.outbox.try_deliver(self._told)
        except StoppedError:
            return False
        return True

    def _told(
        self, done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None:
        if self._over.is_set():
            raise StoppedError

    def _recover(self) -> None:
        if not has_remains(self._repository.project):
            return
        try:
            with self._repository.exclusive("recovery"):
                return
        except MLWSError as error:
            log.info("Recovery is postponed to the next command: %s", error)
