"""Event loop of a run, which waits for ends of processes, results of threads and signals."""

from __future__ import annotations

import os
import queue
import selectors
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from mlws.engine.executor import Outcome

HAS_PIDFD = hasattr(os, "pidfd_open")
POLL_INTERVAL = 0.01
"""Seconds between two polls of processes, without pidfds."""

ResultCallback = Callable[[Any, BaseException | None], None]


class WarmWorkers(Protocol):
    """Processes that have imported the usual libraries, and start nodes at once; for one thread."""

    def launch(
        self, command: str, cwd: str, environment: Mapping[str, str], log: int
    ) -> int | None:
        """Start a command; return its pid, None if the caller has to start a fresh process."""

    def filenos(self) -> list[int]:
        """Return the descriptors that are readable when :meth:`collect` has something to do."""

    def collect(self) -> list[tuple[int, int]]:
        """Return the nodes that have ended since: pid and exit code (128 + n for signal n)."""


class ProcessLoop:
    """Event loop of a run.

    Only :meth:`wake`, :meth:`deliver`, :meth:`report` and :meth:`watches` may be called from
    elsewhere.
    """

    def __init__(self, warm: WarmWorkers | None = None) -> None:
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._pidfds: dict[int, int] = {}
        self._warm = warm
        self._warm_pids: set[int] = set()
        self._warm_files: set[int] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._close_lock = threading.Lock()
        self._is_closed = False
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._job_outcomes: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()

    def close(self) -> None:
        """Release all resources; wait for the threads first."""
        if self._threads is not None:
            self._threads.shutdown()
        with self._close_lock:
            self._is_closed = True
        for descriptor in self._pidfds.values():
            if descriptor >= 0:
                os.close(descriptor)
        self._selector.close()
        os.close(self._reader)
        os.close(self._writer)

    def wake(self) -> None:
        """Make :meth:`wait` return soon; also from a signal's handler or a thread."""
        with suppress(BlockingIOError, OSError):
            os.write(self._writer, b"\0")

    def deliver(self, then: ResultCallback, result: Any, error: BaseException | None) -> None:
        """Call ``then`` in the loop; safe from any thread, and ignored after :meth:`close`."""
        with self._close_lock:
            if not self._is_closed:
                self._calls.put(partial(then, result, error))
                self.wake()

    def watch(self, pid: int) -> None:
        """Add a child process whose end :meth:`wait` returns."""
        descriptor = -1
        if HAS_PIDFD:
            descriptor = os.pidfd_open(pid)
            self._selector.register(descriptor, selectors.EVENT_READ, pid)
        self._pidfds[pid] = descriptor

    def watch_warm(self, pid: int) -> None:
        """Add a warm worker's child whose end :meth:`wait` returns."""
        self._warm_pids.add(pid)

    def watches(self, pid: int) -> bool:
        """Return whether the end of this child is still awaited."""
        return pid in self._pidfds or pid in self._warm_pids

    def report(self, handle: int, outcome: Outcome) -> None:
        """Make :meth:`wait` return the end of a job that is not a child of this process."""
        self._job_outcomes.put((handle, outcome))
        self.wake()

    def in_thread(self, work: Callable[[], Any], then: ResultCallback) -> None:
        """Run ``work`` in a thread; ``then`` is called in the loop with its result."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "mlws-data")

        def run() -> None:
            try:
                self._calls.put(partial(then, work(), None))
            except Exception as error:  # noqa: BLE001  passed to the callback
                self._calls.put(partial(then, None, error))
            self.wake()

        self._threads.submit(run)

    def wait(
        self, timeout: float | None
    ) -> tuple[list[tuple[int, Outcome]], list[Callable[[], None]]]:
        """Wait for an event, or for ``timeout`` seconds.

        Return what ended, as handle (a pid) and outcome, and the calls for the results of threads.
        """
        if self._warm is not None:
            self._sync_warm_files(set(self._warm.filenos()))
        if self._pidfds and not HAS_PIDFD:
            timeout = POLL_INTERVAL if timeout is None else min(POLL_INTERVAL, timeout)
        ready = self._selector.select(timeout)
        outcomes: list[tuple[int, Outcome]] = []
        exits = [key.data for key, _ in ready if isinstance(key.data, int)]
        for pid in exits if HAS_PIDFD else list(self._pidfds):
            child_pid, status = os.waitpid(pid, os.WNOHANG)
            if child_pid:
                code = os.waitstatus_to_exitcode(status)
                outcomes.append((pid, code if code >= 0 else 128 - code))
                descriptor = self._pidfds.pop(pid)
                if descriptor >= 0:
                    self._selector.unregister(descriptor)
                    os.close(descriptor)
        if any(key.data is None for key, _ in ready):
            with suppress(BlockingIOError):
                while os.read(self._reader, 4096):
                    pass
        if self._warm is not None and (self._warm_pids or self._warm_files):
            for pid, code in self._warm.collect():
                self._warm_pids.discard(pid)
                outcomes.append((pid, code))
        while not self._job_outcomes.empty():
            outcomes.append(self._job_outcomes.get())
        calls: list[Callable[[], None]] = []
        while not self._calls.empty():
            calls.append(self._calls.get())
        return outcomes, calls

    def _sync_warm_files(self, files: set[int]) -> None:
        for file in self._warm_files - files:
            with suppress(KeyError, ValueError):
                self._selector.unregister(file)
        for file in files - self._warm_files:
            self._selector.register(file, selectors.EVENT_READ, "warm")
        self._warm_files = files
