"""Waits for whatever comes next in a run: a process that ends, a thread's result, a signal."""

from __future__ import annotations

import os
import queue
import selectors
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from jupyter_mlws.workflows.executors.executor import Outcome

HAS_PIDFD = hasattr(os, "pidfd_open")
POLL = 0.01
"""Seconds between two looks at processes, where the system cannot tell of their end."""

Then = Callable[[Any, BaseException | None], None]


class Warm(Protocol):
    """The methods of the warm workers that the loop needs."""

    def filenos(self) -> list[int]: ...
    def collect(self) -> list[tuple[int, int]]: ...


class ProcessLoop:
    """Event loop of a run.

    Only :meth:`wake`, :meth:`deliver`, :meth:`tell` and :meth:`watches` may be called from
    elsewhere.
    """

    def __init__(self, warm: Warm | None = None) -> None:
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._reader, selectors.EVENT_READ)
        self._watched: dict[int, int] = {}
        self._warm = warm
        self._warm_pids: set[int] = set()
        self._warm_files: set[int] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._closing = threading.Lock()
        self._closed = False
        self._results: queue.SimpleQueue[tuple[Then, Any, BaseException | None]] = (
            queue.SimpleQueue()
        )
        self._told: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()

    def close(self) -> None:
        """Release all resources; wait for the threads first."""
        if self._threads is not None:
            self._threads.shutdown()
        with self._closing:
            self._closed = True
        for descriptor in self._watched.values():
            if descriptor >= 0:
                os.close(descriptor)
        self._selector.close()
        os.close(self._reader)
        os.close(self._writer)

    def wake(self) -> None:
        """Make :meth:`wait` return soon; also from a signal's handler or a thread."""
        with suppress(BlockingIOError, OSError):
            os.write(self._writer, b"\0")

    def deliver(self, then: Then, result: Any, error: BaseException | None) -> None:
        """Call ``then`` in the loop; safe from any thread, and ignored after :meth:`close`."""
        with self._closing:
            if not self._closed:
                self._results.put((then, result, error))
                self.wake()

    def watch(self, pid: int) -> None:
        """Add a child process whose end :meth:`wait` returns."""
        descriptor = -1
        if HAS_PIDFD:
            descriptor = os.pidfd_open(pid)
            self._selector.register(descriptor, selectors.EVENT_READ, pid)
        self._watched[pid] = descriptor

    def watch_warm(self, pid: int) -> None:
        """Add a warm worker's child whose end :meth:`wait` returns."""
        self._warm_pids.add(pid)

    def watches(self, pid: int) -> bool:
        """Return whether the end of this child is still awaited."""
        return pid in self._watched or pid in self._warm_pids

    def tell(self, handle: int, outcome: Outcome) -> None:
        """Make :meth:`wait` return the end of a job that is not a child of this process."""
        self._told.put((handle, outcome))
        self.wake()

    def in_thread(self, work: Callable[[], Any], then: Then) -> None:
        """Run ``work`` in a thread; ``then`` is called in the loop with its result."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "mlws-data")

        def run() -> None:
            try:
                self._results.put((then, work(), None))
            except Exception as error:  # noqa: BLE001  raised again in the loop, by whoever asked
                self._results.put((then, None, error))
            self.wake()

        self._threads.submit(run)

    def wait(
        self, timeout: float | None
    ) -> tuple[list[tuple[int, Outcome]], list[Callable[[], None]]]:
        """Wait for an event, or for ``timeout`` seconds.

        Return what ended, as handle (a pid) and outcome, and the calls for the results of threads.
        """
        if self._warm is not None:
            self._follow(self._warm.filenos())
        if self._watched and not HAS_PIDFD:
            timeout = POLL if timeout is None else min(POLL, timeout)
        ready = self._selector.select(timeout)
        outcomes: list[tuple[int, Outcome]] = [
            (key.data, _collect(key.data)) for key, _ in ready if isinstance(key.data, int)
        ]
        if not HAS_PIDFD:
            outcomes = list(self._polled())
        for pid, _ in outcomes:
            self._forget(pid)
        if any(key.data is None for key, _ in ready):
            with suppress(BlockingIOError):
                while os.read(self._reader, 4096):
                    pass
        if self._warm is not None and (self._warm_pids or self._warm_files):
            for pid, code in self._warm.collect():
                self._warm_pids.discard(pid)
                outcomes.append((pid, code))
        while not self._told.empty():
            outcomes.append(self._told.get())
        calls: list[Callable[[], None]] = []
        while not self._results.empty():
            then, result, error = self._results.get()
            calls.append(partial(then, result, error))
        return outcomes, calls

    def _follow(self, files: list[int]) -> None:
        current_files = set(files)
        for file in self._warm_files - current_files:
            with suppress(KeyError, ValueError):
                self._selector.unregister(file)
        for file in current_files - self._warm_files:
            self._selector.register(file, selectors.EVENT_READ, "warm")
        self._warm_files = current_files

    def _forget(self, pid: int) -> None:
        descriptor = self._watched.pop(pid)
        if descriptor >= 0:
            self._selector.unregister(descriptor)
            os.close(descriptor)

    def _polled(self) -> list[tuple[int, int]]:
        outcomes = []
        for pid in self._watched:
            child_pid, status = os.waitpid(pid, os.WNOHANG)
            if child_pid:
                outcomes.append((pid, _code(status)))
        return outcomes


def _collect(pid: int) -> int:
    return _code(os.waitpid(pid, 0)[1])


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
