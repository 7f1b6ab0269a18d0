"""The scheduler of one run: starts what is ready, in parallel, and journals every change.

DVC's part (hashes, run cache, lock file) is done by one thread, this one; a thread a running
node only waits for its process.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_mlws.errors import Words
from jupyter_mlws.versioning.dvc.stages import (
    Command,
    Forecast,
    Pipeline,
    Prepared,
    StageError,
)
from jupyter_mlws.workflows import plan
from jupyter_mlws.workflows.document import Stage
from jupyter_mlws.workflows.graph import closure, ordered, upstream
from jupyter_mlws.workflows.journal import Journal
from jupyter_mlws.workflows.processes import COOKIE, GRACE, end_bearers, end_group
from jupyter_mlws.workflows.states import Status

FOLD_EVERY = 2.0
"""Seconds between two writes of `dvc.lock` during a run."""
TAIL = 20
"""Lines of a failed node's log that its error quotes."""


@dataclass(frozen=True)
class Order:
    """What is asked of a run."""

    targets: Sequence[str] = ()
    force: bool = False
    keep_going: bool = False
    jobs: int = 1


@dataclass
class Running:
    """A node whose command runs: the thread that waits for it, and its process of now."""

    node: str
    thread: threading.Thread
    process: subprocess.Popen[bytes] | None = None
    stopped: threading.Event = field(default_factory=threading.Event)


class Engine:
    """Runs the stages of one pipeline. :meth:`cancel` may be called from a signal handler."""

    def __init__(
        self,
        journal: Journal,
        run: str,
        pipeline: Pipeline,
        stages: Sequence[Stage],
        order: Order,
        logs: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._journal = journal
        self._run = run
        self._pipeline = pipeline
        self._order = order
        self._logs = logs
        self._environment = {**(environment or {}), COOKIE: run, "PYTHONUNBUFFERED": "1"}
        self._needs = upstream(stages)
        self._sequence = [stage.id for stage in ordered(stages)]
        self._wanted = closure(self._needs, order.targets or self._sequence)
        self._weights = self._longest_paths(journal.durations(journal.record(run)["workflow"]))
        self._news: queue.SimpleQueue[tuple[str, int | str] | None] = queue.SimpleQueue()
        self._running: dict[str, Running] = {}
        self._done: set[str] = set()
        self._queued: list[str] = []
        self._failure: dict[str, Any] | None = None
        self._cancelled = False
        self._folded = time.monotonic()

    def cancel(self) -> None:
        """Ask the run to stop."""
        self._news.put(None)

    def execute(self) -> tuple[Status, dict[str, Any] | None]:
        """Run to the end; how it ended, and the error of the first node that failed."""
        try:
            self._queue_ready()
            while self._queued or self._running:
                self._start_what_fits()
                if self._running:
                    self._take(self._news.get())
            self._end_rest()
        finally:
            self._stop_all()
            self._pipeline.fold(self._sequence)
        if self._cancelled:
            return Status.CANCELLED, None
        return (Status.FAILED, self._failure) if self._failure else (Status.COMPLETED, None)

    def _longest_paths(self, durations: Mapping[str, float]) -> dict[str, float]:
        """Seconds from each node's start to the end of all that depends on it."""
        weights = {node: durations.get(node, 1.0) for node in self._sequence}
        longest = dict(weights)
        for node in reversed(self._sequence):
            for need in self._needs[node]:
                longest[need] = max(longest.get(need, 0.0), weights[need] + longest[node])
        return longest

    # What may start

    def _queue_ready(self) -> None:
        for node in self._sequence:
            if node not in self._wanted or node in self._done or node in self._queued:
                continue
            if node in self._running or not self._done.issuperset(self._needs[node]):
                continue
            self._journal.set_node(self._run, node, Status.QUEUED)
            self._queued.append(node)
        self._queued.sort(key=lambda node: -self._weights[node])

    def _start_what_fits(self) -> None:
        while self._queued and len(self._running) < self._order.jobs:
            self._notice_cancel()
            if self._cancelled or (self._failure and not self._order.keep_going):
                self._queued.clear()
                return
            self._start(self._queued.pop(0))

    def _notice_cancel(self) -> None:
        """Nodes that need no process end without a wait for news, so it is looked for here."""
        waiting = []
        while not self._news.empty():
            waiting.append(self._news.get())
        if None in waiting:
            self._cancelled = True
        for news in waiting:
            if news is not None:
                self._news.put(news)
        if self._cancelled and self._running:
            self._terminate()

    def _start(self, node: str) -> None:
        try:
            reasons = self._reasons(node)
            found = self._pipeline.prepare(node, force=self._order.force)
        except StageError as error:
            self._fail(node, "40104", {"node": node, "reason": str(error)})
            log_path(self._logs, node).write_text(f"{error}\n", encoding="utf-8")
            return
        if found is not Prepared.READY:
            words = plan.RESTORED_NOW if found is Prepared.RESTORED else plan.CACHED
            hashes = self._pipeline.hashes(node)
            self._journal.set_node(
                self._run, node, Status.CACHED, reasons=[list(words)], outputs=hashes
            )
            self._finish(node)
            return
        command = self._pipeline.command(node)
        self._journal.set_node(self._run, node, Status.RUNNING, reasons=[list(r) for r in reasons])
        running = Running(node, threading.Thread(target=self._attend, args=(node, command)))
        self._running[node] = running
        running.thread.start()

    def _reasons(self, node: str) -> list[Words]:
        if self._order.force:
            return [plan.FORCED]
        changes = self._pipeline.examine(node, Forecast()).changes
        return [reason for change in changes for reason in plan.describe(change)]

    # A running node (the only part that runs in threads)

    def _attend(self, node: str, command: Command) -> None:
        running = self._running[node]
        path = log_path(self._logs, node)
        code: int | str = 0
        try:
            with path.open("ab", buffering=0) as log:
                for shown, arguments in zip(command.shown, command.arguments, strict=True):
                    log.write(f"> {shown}\n".encode())
                    code = self._call(running, arguments, command, log)
                    if code != 0:
                        break
        except OSError as error:
            code = str(error)
        self._news.put((node, code))

    def _call(self, running: Running, arguments: Sequence[str], command: Command, log: Any) -> int:
        if running.stopped.is_set():
            return 128 + signal.SIGTERM
        with subprocess.Popen(
            list(arguments),
            cwd=command.folder,
            env={**self._environment, **command.environment, **self._own_variables()},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            running.process = process
            if running.stopped.is_set():
                end_group(process.pid)
            code = process.wait()
        return code if code >= 0 else 128 - code

    def _own_variables(self) -> dict[str, str]:
        return {name: self._environment[name] for name in (COOKIE, "PYTHONUNBUFFERED")}

    # What has ended

    def _take(self, news: tuple[str, int | str] | None) -> None:
        if news is None:
            self._cancelled = True
            self._terminate()
            return
        node, code = news
        self._running.pop(node).thread.join()
        if code == 0:
            self._commit(node)
        elif self._cancelled:
            self._discard(node)
            self._journal.set_node(self._run, node, Status.CANCELLED, exit_code=_number(code))
        else:
            self._discard(node)
            facts = {"node": node, "exit_code": code, "log": tail(log_path(self._logs, node))}
            self._fail(node, "40101", facts, exit_code=_number(code))
        self._fold_if_due()

    def _commit(self, node: str) -> None:
        try:
            hashes = self._pipeline.commit(node)
        except StageError as error:
            self._discard(node)
            self._fail(node, "40104", {"node": node, "reason": str(error)}, exit_code=0)
            return
        self._journal.set_node(self._run, node, Status.COMPLETED, exit_code=0, outputs=hashes)
        self._finish(node)

    def _finish(self, node: str) -> None:
        self._done.add(node)
        if not self._cancelled and not (self._failure and not self._order.keep_going):
            self._queue_ready()

    def _discard(self, node: str) -> None:
        """Half-written outputs are no results."""
        try:
            self._pipeline.discard(node)
        except StageError as error:
            with log_path(self._logs, node).open("a", encoding="utf-8") as log:
                log.write(f"\nThe outputs could not be removed: {error}\n")

    def _fail(self, node: str, code: str, facts: dict[str, Any], **more: Any) -> None:
        error = {"code": code, "facts": facts}
        self._journal.set_node(self._run, node, Status.FAILED, error=error, **more)
        self._failure = self._failure or error
        lost = self._dependents(node)
        for dependent in lost:
            self._journal.set_node(self._run, dependent, Status.SKIPPED)
        self._wanted.difference_update([node, *lost])

    def _dependents(self, node: str) -> list[str]:
        """The wanted nodes that can no longer run, in order."""
        lost = {node}
        found = []
        for one in self._sequence:
            if one in self._wanted and lost.intersection(self._needs[one]):
                lost.add(one)
                found.append(one)
        return found

    def _fold_if_due(self) -> None:
        if time.monotonic() - self._folded >= FOLD_EVERY:
            self._pipeline.fold(self._sequence)
            self._folded = time.monotonic()

    # Ending before the end

    def _terminate(self) -> None:
        """Ask all running nodes to end; what does not is killed after a grace time."""
        for running in self._running.values():
            running.stopped.set()
            if running.process is not None:
                end_group(running.process.pid)
        threading.Thread(target=self._kill_later, daemon=True).start()

    def _kill_later(self) -> None:
        # Also what left its group is found, by the cookie in its environment.
        end_bearers(self._run)
        deadline = time.monotonic() + GRACE
        while self._running and time.monotonic() < deadline:
            time.sleep(0.05)
        for running in list(self._running.values()):
            if running.process is not None:
                end_group(running.process.pid, signal.SIGKILL)

    def _end_rest(self) -> None:
        self._journal.end_nodes(self._run, Status.CANCELLED if self._cancelled else Status.SKIPPED)

    def _stop_all(self) -> None:
        """Only after an unexpected error: no process outlives its run unseen."""
        if self._running:
            for running in self._running.values():
                running.stopped.set()
            end_bearers(self._run)


def log_path(folder: Path, node: str) -> Path:
    """Where a node's log is; ids of variants may hold characters that file names may not."""
    return folder / f"{quote(node, safe='@ ')}.log"


def tail(path: Path, lines: int = TAIL) -> list[str]:
    """The last lines of a log."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 20_000))
        return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]


def _number(code: int | str) -> int | None:
    return code if isinstance(code, int) else None
