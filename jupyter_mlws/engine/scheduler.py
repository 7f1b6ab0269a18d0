"""The scheduler of one run: starts what is ready, in parallel, and journals every change.

One loop in one thread. It waits for events (:mod:`.process_loop`) and handles those that arrive
together in one transaction of the journal; what a node's start and end mean for DVC is up to the
stage backend. Only hashing and storing of large files is done in threads.
"""

from __future__ import annotations

import heapq
import os
import posixpath
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.dvc.stages import (
    Command,
    Forecast,
    PreparationResult,
    PreparationStatus,
    StageError,
    StageState,
)
from jupyter_mlws.engine.executors.executor import (
    Executor,
    ExecutorFailure,
    Outcome,
    OutcomeCallback,
    Task,
    TaskFailure,
    WorkerLoss,
)
from jupyter_mlws.engine.executors.local import LocalExecutor, WarmWorkers
from jupyter_mlws.engine.graph import S, StageGraph, closure, longest_paths, reverse
from jupyter_mlws.engine.policy import OnFailure, Policy, RunOptions
from jupyter_mlws.engine.process_loop import ProcessLoop
from jupyter_mlws.engine.processes import ATTEMPT, COOKIE
from jupyter_mlws.engine.progress import NEWEST, newest_progress
from jupyter_mlws.engine.reasons import (
    ACCEPTED_REASON,
    FORCED_REASON,
    RERUN_REASON,
    RESTORED_REASON,
    SKIPPED_REASON,
    UP_TO_DATE_REASON,
    describe,
    is_cosmetic,
)
from jupyter_mlws.engine.resources import Amounts, Pool, of_this_machine
from jupyter_mlws.engine.states import Status
from jupyter_mlws.engine.tracker import (
    NO_RUN_MESSAGE,
    OWN_EXPERIMENT_MESSAGE,
    RUN_ID_TIMEOUT,
    RUN_ID_TIMEOUT_MESSAGE,
    Tracker,
    Use,
    in_both_languages,
    set_run_variables,
)

MAX_TAIL_LINES = 20
"""Lines of a failed node's log that its error quotes."""
LOG_POLL_INTERVAL = 1.0
"""Seconds between two reads of the progress in the logs of running nodes."""
MEMORY_POLL_INTERVAL = 0.25
"""Seconds between two checks of the memory of nodes that have a limit."""
TIME_SLICE = 0.05
"""Seconds for nodes that need no process, before other events are handled."""
MAX_LOG_BYTES = 20 * 1024 * 1024
"""A node's log beyond this keeps its first and its last tenth."""
LOG_CUT = f"[left out here: a node's log is limited to {MAX_LOG_BYTES >> 20} MiB]\n".encode()
MAX_WORKER_LOSSES = 3
"""Retries of a node after the cluster lost its worker, beside the retries of its policy."""
WORKER_LOSS_DELAY = 1.0
"""Seconds before such a retry, in which processes of the lost worker end."""
NO_EXIT_CODE = "none: its worker was lost repeatedly"
"""Of a node that never ended; translated in the catalogue of errors."""


CACHED_REASONS = {
    PreparationStatus.UNCHANGED: UP_TO_DATE_REASON,
    PreparationStatus.RESTORED: RESTORED_REASON,
    PreparationStatus.ACCEPTED: ACCEPTED_REASON,
}


class StageBackend(Protocol):
    """DVC's part of a run; see :class:`~jupyter_mlws.dvc.stages.DvcBackend`."""

    order: Sequence[str]
    unusual: dict[str, Message]

    def examine(self, name: str, forecast: Forecast) -> StageState: ...
    def prepare(self, name: str, *, force: bool = False) -> PreparationResult: ...
    def accept(self, name: str) -> PreparationResult: ...
    def command(self, name: str) -> Command: ...
    def commit(self, name: str) -> dict[str, str]: ...
    def hashes(self, name: str) -> dict[str, str]: ...
    def entry(self, name: str) -> dict[str, Any] | None: ...
    def discard(self, name: str) -> None: ...
    def fold(self, order: Sequence[str]) -> None: ...
    def heavy(self, name: str) -> bool: ...
    @property
    def fold_every(self) -> float: ...


class Journal(Protocol):
    """Stores the changes of a run; see :mod:`jupyter_mlws.workflows.run.journal`."""

    def batch(self) -> AbstractContextManager[object]: ...
    def set_node(self, run: str, node: str, status: Status, **facts: Any) -> object: ...
    def set_progress(self, run: str, node: str, progress: float) -> object: ...
    def end_nodes(self, run: str, status: Status) -> object: ...


@dataclass
class Attempt:
    """A running node: its commands, the current one, and why it was stopped, if it was."""

    node: str
    number: int
    policy: Policy
    environment: Mapping[str, str]
    command: Command | None = None
    line: int = 0
    handle: int | None = None
    deadline: float | None = None
    ended: float | None = None
    stopped: tuple[str, dict[str, Any]] | None = None
    log_end: int = 0
    progress: float | None = None


@dataclass(frozen=True)
class _TrackingWait:
    """A node that waits for its MLflow run: its preparation, and the end of the wait."""

    preparation: PreparationResult
    until: float


@dataclass
class _RunState:
    """Scheduling state of the nodes of a run."""

    queued: list[tuple[float, int, str]] = field(default_factory=list)
    journal_queued: set[str] = field(default_factory=set)
    retry_at: dict[str, float] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    starting: list[Attempt] = field(default_factory=list)
    ended: list[Attempt] = field(default_factory=list)
    stored: list[tuple[Attempt, dict[str, str] | None, BaseException | None]] = field(
        default_factory=list
    )
    awaiting_tracking_id: dict[str, _TrackingWait] = field(default_factory=dict)
    prepared: dict[str, PreparationResult] = field(default_factory=dict)
    places: dict[str, Mapping[str, str] | None] = field(default_factory=dict)


class Engine:
    """Runs the stages of one pipeline. :meth:`cancel` may be called from a signal's handler.

    ``durations``: the seconds that nodes took before, by which the longest path starts first.
    """

    def __init__(
        self,
        journal: Journal,
        run: str,
        backend: StageBackend,
        graph: StageGraph[S],
        options: RunOptions,
        logs: Path,
        durations: Mapping[str, float] | None = None,
        environment: Mapping[str, str] | None = None,
        warm: WarmWorkers | None = None,
        total: Amounts | None = None,
        tracker: Tracker | None = None,
        executor: Callable[[OutcomeCallback], Executor] | None = None,
    ) -> None:
        self._journal = journal
        self._run = run
        self._backend = backend
        self._options = options
        self._jobs = options.jobs or 1
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._environment = environment or {}
        self._sequence = graph.order
        required = graph.required(options.targets)
        self._positions = {node: place for place, node in enumerate(self._sequence)}
        backend.order = self._sequence
        self._stages = graph.by_id
        self._tracker = tracker
        self._tracker_timed_out = False
        self._dependents = reverse(graph.needs)
        waits = {node: set(graph.needs[node]) for node in self._sequence if node in required}
        for first, second in graph.turns(required):
            waits[second].add(first)
        self._followers = reverse(waits)
        self._unmet_needs = {node: len(others) for node, others in waits.items()}
        durations = durations or {}
        weights = {node: durations.get(node, 1.0) for node in self._sequence}
        # With one job the order is DVC's own: it shows where a failure ends the run.
        one_job = dict.fromkeys(self._sequence, 0.0)
        self._weights = one_job if self._jobs == 1 else longest_paths(graph.needs, weights)
        self._pool = Pool(total or of_this_machine(self._jobs), self._jobs)
        self._loop = ProcessLoop(warm)
        self._executor = (
            executor(self._loop.report) if executor else LocalExecutor(self._loop, warm)
        )
        self._state = _RunState()
        self._handles: dict[int, Attempt] = {}
        self._failure: dict[str, Any] | None = None
        self._executor_failure: ExecutorFailure | None = None
        self._stopping = False
        self._is_cancelled = False
        self._is_ending = False
        self._last_fold = time.monotonic()
        self._last_poll = time.monotonic()

    def cancel(self) -> None:
        """Ask the run to stop."""
        self._is_cancelled = True
        self._loop.wake()

    def execute(self) -> tuple[Status, dict[str, Any] | None]:
        """Run to the end; return the status and the error of the first node that failed.

        Raise :class:`MLWSError` if the executor is gone; what was done stays done.
        """
        try:
            self._enqueue(node for node, count in self._unmet_needs.items() if count == 0)
            while self._is_busy() or self._state.queued:
                # One transaction for what has ended and what takes its place.
                with self._journal.batch():
                    self._record_outputs()
                    more = self._start_ready_nodes()
                self._launch()
                ended, self._state.ended = self._state.ended, []
                for attempt in ended:
                    try:
                        hashes = self._backend.commit(attempt.node)
                    except StageError as error:
                        self._state.stored.append((attempt, None, error))
                    else:
                        self._state.stored.append((attempt, hashes, None))
                if self._is_busy():
                    self._wait(0.0 if more or self._state.stored else self._wait_timeout())
            with self._journal.batch():
                rest = Status.CANCELLED if self._is_cancelled else Status.SKIPPED
                self._journal.end_nodes(self._run, rest)
        finally:
            if self._handles or self._is_ending:
                # Also after a cancel or an internal error.
                self._executor.abandon(list(self._handles), self._run)
            self._loop.close()
            self._backend.fold(self._sequence)
        if self._is_cancelled:
            return Status.CANCELLED, None
        return (Status.FAILED, self._failure) if self._failure else (Status.COMPLETED, None)

    def _is_busy(self) -> bool:
        """Return whether the run waits for an event."""
        now = self._state
        return bool(
            now.attempts or now.retry_at or now.awaiting_tracking_id or now.ended or now.stored
        )

    # What may start

    def _enqueue(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            # Of equal ones the first in DVC's order.
            heapq.heappush(self._state.queued, (-self._weights[node], self._positions[node], node))

    def _start_ready_nodes(self) -> bool:
        """Start nodes by their weight; lighter nodes may pass those that do not fit.

        Return whether more nodes may be ready to start immediately.
        """
        now = self._state
        if self._jobs == 1 and (now.awaiting_tracking_id or now.retry_at):
            # Nothing passes the node whose turn it is.
            return False
        until = time.monotonic() + TIME_SLICE
        waiting: list[str] = []
        while self._state.queued and time.monotonic() < until:
            if self._is_cancelled or self._stopping:
                self._state.queued.clear()
                break
            _, _, node = heapq.heappop(self._state.queued)
            if not self._start_node(node):
                waiting.append(node)
                if len(self._state.attempts) >= self._jobs:
                    break
        for node in waiting:
            self._report_queued(node)
        more = bool(self._state.queued) and not waiting
        self._enqueue(waiting)
        return more

    def _report_queued(self, node: str) -> None:
        if node not in self._state.journal_queued:
            self._state.journal_queued.add(node)
            self._journal.set_node(self._run, node, Status.QUEUED)

    def _start_node(self, node: str) -> bool:
        """Start work on a node; return False if it has to wait for resources."""
        policy = self._stages[node].policy
        if node in self._options.skip:
            words = [SKIPPED_REASON.as_dict()]
            self._journal.set_node(self._run, node, Status.SKIPPED, reasons=words)
            self._finish(node)
            return True
        environment = self._pool.take(node, policy)
        if environment is None:
            return False
        number = self._state.numbers.get(node, 0) + 1
        attempt = Attempt(node, number, policy, environment)
        self._state.attempts[node] = attempt
        if node in self._state.prepared:
            self._run_prepared(attempt, self._state.prepared.pop(node))
            return True
        if self._backend.heavy(node):
            self._loop.in_thread(
                partial(self._bring_up_to_date, node), partial(self._handle_preparation, attempt)
            )
            return True
        try:
            preparation = self._bring_up_to_date(node)
        except (StageError, MLWSError) as error:
            self._handle_preparation(attempt, None, error)
        else:
            self._handle_preparation(attempt, preparation, None)
        return True

    def _bring_up_to_date(self, node: str) -> PreparationResult:
        """Bring a node up to date, without its command if possible.

        A node that has only cosmetic changes when its turn comes is accepted, if the options say
        so.
        """
        if node in self._options.accept:
            return self._backend.accept(node)
        looks = self._options.looks
        if looks is not None and not self._is_forced(node):
            verdict = self._backend.examine(node, Forecast())
            changes = () if verdict.frozen or verdict.restorable else verdict.changes
            if changes and all(is_cosmetic(change, looks) for change in changes):
                return self._backend.accept(node)
        return self._backend.prepare(node, force=self._is_forced(node))

    def _is_forced(self, node: str) -> bool:
        if node in self._options.again:
            return True
        return self._options.force and node not in self._options.done

    def _handle_preparation(
        self, attempt: Attempt, preparation: PreparationResult | None, error: BaseException | None
    ) -> None:
        node = attempt.node
        if preparation is None:
            self._release(attempt)
            reason = _reason(error)
            self._log_line(node, reason)
            self._fail(node, "40104", {"node": node, "reason": reason})
        elif preparation.prepared is not PreparationStatus.READY:
            self._release(attempt)
            self._journal.set_node(
                self._run,
                node,
                Status.CACHED,
                reasons=[CACHED_REASONS[preparation.prepared].as_dict()],
                outputs=self._backend.hashes(node),
                lock=self._backend.entry(node),
                **self._dvc_reason(node),
            )
            self._finish(node)
        elif self._is_cancelled or self._stopping:
            self._release(attempt)
        elif self._request_mlflow_run(node, preparation):
            # Other nodes use its slot and resources meanwhile.
            self._release(attempt)
        else:
            self._run_prepared(attempt, preparation)

    def _run_prepared(self, attempt: Attempt, preparation: PreparationResult) -> None:
        node = attempt.node
        reasons = [reason for change in preparation.changes for reason in describe(change)]
        if self._is_forced(node):
            reasons = [RERUN_REASON if node in self._options.again else FORCED_REASON]
        self._journal.set_node(
            self._run,
            node,
            Status.RUNNING,
            reasons=[reason.as_dict() for reason in reasons],
            error=None,
        )
        self._state.numbers[node] = attempt.number
        self._state.starting.append(attempt)

    # A node's place in MLflow

    def _request_mlflow_run(self, node: str, preparation: PreparationResult) -> bool:
        """Request the MLflow run of a node whose code logs to MLflow.

        Return whether the node has to wait for it.
        """
        if self._tracker is None or node in self._state.places:
            return False
        use = self._tracker.use(node)
        if use is not Use.PLAIN or self._tracker_timed_out:
            self._state.places[node] = None
            if use is Use.OWN_PLACE:
                self._log_line(node, in_both_languages(OWN_EXPERIMENT_MESSAGE))
            elif use is Use.PLAIN:
                line = in_both_languages(NO_RUN_MESSAGE, reason=RUN_ID_TIMEOUT_MESSAGE)
                self._log_line(node, line)
            return False
        self._state.awaiting_tracking_id[node] = _TrackingWait(
            preparation, time.monotonic() + RUN_ID_TIMEOUT
        )
        self._report_queued(node)
        then = partial(self._handle_mlflow_run, node)
        self._tracker.ask(node, partial(self._loop.deliver, then))
        return True

    def _handle_mlflow_run(
        self, node: str, place: Mapping[str, str] | None, error: BaseException | None
    ) -> None:
        expecting = self._state.awaiting_tracking_id.pop(node, None)
        if expecting is None:
            # Too late: the node has started without, or nothing more is to start.
            self._tracker_timed_out = self._tracker_timed_out and place is None
            return
        if place is None:
            self._log_line(node, in_both_languages(NO_RUN_MESSAGE, reason=_reason(error)))
        self._state.places[node] = place
        self._state.prepared[node] = expecting.preparation
        self._enqueue([node])

    def _dvc_reason(self, node: str) -> dict[str, Any]:
        """Return why DVC's own code did a node's hashing and storing, if it did."""
        reason = self._backend.unusual.get(node)
        return {} if reason is None else {"dvc_reason": reason.as_dict()}

    # A running node

    def _launch(self) -> None:
        """Start the processes of nodes whose RUNNING is already in the journal."""
        starting, self._state.starting = self._state.starting, []
        for attempt in starting:
            if attempt.policy.timeout is not None:
                attempt.deadline = time.monotonic() + attempt.policy.timeout
            try:
                attempt.command = self._backend.command(attempt.node)
                self._launch_line(attempt)
            except (OSError, StageError) as error:
                with self._journal.batch():
                    self._handle_failure(attempt, str(error))

    def _launch_line(self, attempt: Attempt) -> None:
        command = attempt.command
        assert command is not None
        log = log_path(self._logs, attempt.node)
        if attempt.line == 0 and attempt.number > 1:
            # What an earlier attempt has printed is not this one's progress.
            attempt.log_end = _size(log)
        place = self._state.places.get(attempt.node)
        variables = dict(command.environment)
        set_run_variables(variables, place)
        # Variables that the user has set take precedence over those of the run.
        by_run = {name: variables.get(name, value) for name, value in self._environment.items()}
        cookie = self._attempt_cookie(attempt)
        handle = self._executor.start(
            Task(
                attempt.node,
                cookie,
                replace(command, environment=variables),
                attempt.line,
                {
                    **by_run,
                    **(place or {}),
                    **attempt.environment,
                    COOKIE: self._run,
                    ATTEMPT: cookie,
                    "PYTHONUNBUFFERED": "1",
                },
                log,
                attempt.policy,
            )
        )
        attempt.handle = handle
        self._handles[handle] = attempt

    def _attempt_cookie(self, attempt: Attempt) -> str:
        number = attempt.number + self._state.losses.get(attempt.node, 0)
        return f"{self._run}/{attempt.node}/{number}"

    # What comes

    def _wait(self, timeout: float | None) -> None:
        outcomes, calls = self._loop.wait(timeout)
        with self._journal.batch():
            for handle, outcome in outcomes:
                attempt = self._handles.pop(handle, None)
                if attempt is not None:
                    self._handle_outcome(attempt, outcome)
            for call in calls:
                call()
            self._check_timers()
            if self._is_cancelled and not self._is_ending:
                self._is_ending = True
                self._clear_queues()
                self._stop_attempts(list(self._state.attempts.values()))
        if self._executor_failure is not None:
            with self._journal.batch():
                self._record_outputs()
            raise MLWSError.restore(self._executor_failure.code, self._executor_failure.facts)
        if time.monotonic() - self._last_fold >= self._backend.fold_every:
            self._backend.fold(self._sequence)
            self._last_fold = time.monotonic()

    def _wait_timeout(self) -> float | None:
        """Return the seconds until something is due even if no event arrives, or None."""
        moments = list(self._state.retry_at.values())
        moments += [expecting.until for expecting in self._state.awaiting_tracking_id.values()]
        limited = False
        for attempt in self._state.attempts.values():
            if attempt.deadline is not None and attempt.stopped is None:
                moments.append(attempt.deadline)
            limited |= attempt.policy.memory is not None and attempt.handle is not None
        if limited:
            moments.append(time.monotonic() + MEMORY_POLL_INTERVAL)
        if self._handles:
            moments.append(self._last_poll + LOG_POLL_INTERVAL)
        if self._state.starting:
            return 0.0
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _check_timers(self) -> None:
        now = time.monotonic()
        due = [node for node, moment in self._state.retry_at.items() if moment <= now]
        for node in due:
            del self._state.retry_at[node]
        self._enqueue(due)
        for node, expecting in list(self._state.awaiting_tracking_id.items()):
            if expecting.until <= now:
                # One node waits in vain, not each.
                self._tracker_timed_out = True
                self._handle_mlflow_run(node, None, TimeoutError(RUN_ID_TIMEOUT_MESSAGE))
        if now >= self._last_poll + LOG_POLL_INTERVAL:
            self._last_poll = now
            for attempt in self._handles.values():
                self._poll_log(attempt)
        for attempt in list(self._state.attempts.values()):
            if attempt.handle is None or attempt.stopped is not None:
                continue
            if attempt.deadline is not None and attempt.deadline <= now:
                limit = f"{attempt.policy.timeout:g} s"
                self._stop_attempt(attempt, "40103", {"resource": "time", "limit": limit})
            elif attempt.policy.memory is not None:
                used = self._executor.memory(attempt.handle)
                if used > attempt.policy.memory:
                    limit = f"{attempt.policy.memory / 2**20:.0f} MiB"
                    self._stop_attempt(attempt, "40103", {"resource": "memory", "limit": limit})

    def _poll_log(self, attempt: Attempt) -> None:
        """Report a node's progress from its latest output, and keep its log within the limit."""
        path = log_path(self._logs, attempt.node)
        try:
            shorten(path)
            with path.open("rb") as log:
                end = os.fstat(log.fileno()).st_size
                log.seek(max(attempt.log_end, end - NEWEST))
                news = log.read(NEWEST)
        except FileNotFoundError:
            # It has not printed anything.
            return
        attempt.log_end = end
        share = newest_progress(news)
        if share is not None and share != attempt.progress:
            attempt.progress = share
            self._journal.set_progress(self._run, attempt.node, share)

    def _handle_outcome(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.handle = None
        command = attempt.command
        assert command is not None
        shorten(log_path(self._logs, attempt.node))
        if isinstance(outcome, ExecutorFailure):
            self._executor_failure = outcome
            self._release(attempt)
            self._discard(attempt.node)
            return
        if isinstance(outcome, WorkerLoss):
            self._handle_worker_loss(attempt, outcome)
            return
        if isinstance(outcome, TaskFailure):
            attempt.stopped = attempt.stopped or (outcome.code, dict(outcome.facts))
            self._handle_failure(attempt, 1)
            return
        if outcome != 0 or attempt.stopped is not None or self._is_cancelled:
            self._handle_failure(attempt, outcome)
            return
        attempt.line = len(command.shown) if self._executor.whole_nodes else attempt.line + 1
        if attempt.line < len(command.shown):
            try:
                self._launch_line(attempt)
            except OSError as error:
                self._handle_failure(attempt, str(error))
            return
        if self._backend.heavy(attempt.node):
            self._loop.in_thread(
                partial(self._backend.commit, attempt.node),
                partial(self._handle_commit_result, attempt),
            )
            return
        self._state.ended.append(attempt)
        if self._jobs > 1:
            # What waits for its place starts before what it made is stored.
            attempt.ended = time.time()
            self._release(attempt)

    def _record_outputs(self) -> None:
        """Journal what was stored since the last transaction."""
        results, self._state.stored = self._state.stored, []
        for attempt, hashes, error in results:
            self._handle_commit_result(attempt, hashes, error)

    def _handle_commit_result(
        self, attempt: Attempt, hashes: dict[str, str] | None, error: BaseException | None
    ) -> None:
        node = attempt.node
        self._release(attempt)
        if hashes is None:
            self._discard(node)
            reason = _reason(error)
            self._log_line(node, reason)
            self._fail(node, "40104", {"node": node, "reason": reason}, exit_code=0)
            return
        lock = self._backend.entry(node)
        wdir = self._stages[node].wdir
        # By their paths in the project; those in the lock are relative to the working folder.
        inputs = {
            posixpath.normpath(posixpath.join(wdir, dep["path"])): dep["md5"]
            for dep in (lock or {}).get("deps", ())
            if "md5" in dep
        }
        self._journal.set_node(
            self._run,
            node,
            Status.COMPLETED,
            exit_code=0,
            inputs=inputs,
            outputs=hashes,
            lock=lock,
            ended=attempt.ended,
            **self._dvc_reason(node),
        )
        self._finish(node)

    def _handle_worker_loss(self, attempt: Attempt, outcome: WorkerLoss) -> None:
        """Queue a node again whose worker was lost, up to a limit.

        The loss of a worker is not a failure of the node.
        """
        node = attempt.node
        losses = self._state.losses.get(node, 0) + 1
        self._log_line(
            node,
            f"the worker {outcome.worker or '?'} was lost ({losses} of {MAX_WORKER_LOSSES + 1})",
        )
        if (
            losses > MAX_WORKER_LOSSES
            or attempt.stopped is not None
            or self._is_cancelled
            or self._stopping
        ):
            self._handle_failure(attempt, NO_EXIT_CODE, final=True)
            return
        self._state.losses[node] = losses
        self._state.numbers[node] = attempt.number - 1
        self._release(attempt)
        self._discard(node)
        self._requeue(node, WORKER_LOSS_DELAY)

    def _requeue(self, node: str, wait: float, **facts: Any) -> None:
        """Queue a node for another attempt in ``wait`` seconds."""
        self._journal.set_node(self._run, node, Status.QUEUED, **facts)
        self._state.retry_at[node] = time.monotonic() + wait
        self._state.journal_queued.add(node)

    def _handle_failure(self, attempt: Attempt, code: int | str, *, final: bool = False) -> None:
        """Handle a node whose command did not succeed; ``final``: it must not be retried."""
        node = attempt.node
        self._release(attempt)
        self._discard(node)
        number = code if isinstance(code, int) else None
        if self._is_cancelled and attempt.stopped is None:
            self._journal.set_node(self._run, node, Status.CANCELLED, exit_code=number)
            return
        kind, facts = attempt.stopped or ("40101", {"exit_code": code})
        facts = {"node": node, **facts, "log": tail(log_path(self._logs, node))}
        final = final or self._is_cancelled or self._stopping
        if attempt.number <= attempt.policy.retries and not final:
            wait = attempt.policy.wait(attempt.number)
            error = {"code": kind, "facts": facts}
            self._log_line(node, f"attempt {attempt.number} failed; the next in {wait:g} s")
            self._requeue(node, wait, error=error, exit_code=number)
            return
        self._fail(node, kind, facts, exit_code=number)

    def _release(self, attempt: Attempt) -> None:
        self._state.attempts.pop(attempt.node, None)
        self._pool.give_back(attempt.node)

    def _finish(self, node: str) -> None:
        """Queue the nodes that have waited only for this one."""
        ready = []
        for follower in self._followers.get(node, ()):
            if follower in self._unmet_needs:
                self._unmet_needs[follower] -= 1
                if self._unmet_needs[follower] == 0:
                    ready.append(follower)
        if ready and not self._is_cancelled and not self._stopping:
            self._enqueue(ready)

    def _discard(self, node: str) -> None:
        """Remove the outputs of a node, as half-written outputs are not results."""
        try:
            self._backend.discard(node)
        except StageError as error:
            self._log_line(node, f"The outputs could not be removed: {error}")

    def _fail(self, node: str, code: str, facts: dict[str, Any], **more: Any) -> None:
        error = {"code": code, "facts": facts}
        facts = {**more, **self._dvc_reason(node)}
        self._journal.set_node(self._run, node, Status.FAILED, error=error, **facts)
        self._failure = self._failure or error
        policy = self._stages[node].policy
        if policy.on_failure is OnFailure.CONTINUE:
            self._finish(node)
            return
        unreachable = closure(self._dependents, self._dependents.get(node, ()))
        skipped = [one for one in self._sequence if one in unreachable & self._unmet_needs.keys()]
        for dependent in skipped:
            self._journal.set_node(self._run, dependent, Status.SKIPPED)
            del self._unmet_needs[dependent]
        if policy.on_failure is OnFailure.STOP and not self._options.keep_going:
            self._stopping = True
            self._clear_queues()
        for ended in (node, *skipped):
            # Nodes that need them are gone; those whose turn comes after theirs remain.
            self._finish(ended)

    def _log_line(self, node: str, line: str) -> None:
        with log_path(self._logs, node).open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    # Ending before the end

    def _stop_attempt(self, attempt: Attempt, code: str, facts: dict[str, Any]) -> None:
        """Stop one node for a reason; it is killed if it does not end within a grace period."""
        attempt.stopped = (code, facts)
        self._stop_attempts([attempt])

    def _stop_attempts(self, attempts: Sequence[Attempt]) -> None:
        self._executor.stop(
            {a.handle: self._attempt_cookie(a) for a in attempts if a.handle is not None}
        )

    def _clear_queues(self) -> None:
        self._state.queued.clear()
        self._state.retry_at.clear()
        self._state.awaiting_tracking_id.clear()


def log_path(folder: Path, node: str) -> Path:
    """Return the path of a node's log.

    The name is quoted, as IDs of variants may contain characters that file names may not.
    """
    return folder / f"{quote(node, safe='@ ')}.log"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def shorten(path: Path) -> None:
    """Cut the middle out of a log that is over its limit, and note that in the log.

    The process continues to write at the end of the file; what it writes between the reading of
    the end and the cut is lost as well.
    """
    if not path.exists() or _size(path) <= MAX_LOG_BYTES:
        return
    part = MAX_LOG_BYTES // 10
    with path.open("rb") as log:
        head = log.read(part)
        head = head[: head.rfind(b"\n") + 1]
        log.seek(-part, os.SEEK_END)
        end = log.read()
    end = end[end.find(b"\n") + 1 :]
    with path.open("ab", buffering=0) as log:
        log.truncate(len(head))
        log.write(LOG_CUT + end)


def tail(path: Path, lines: int = MAX_TAIL_LINES) -> list[str]:
    """Return the last lines of a log."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 20_000))
        return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]


def _reason(error: BaseException | None) -> str:
    if isinstance(error, StageError | OSError | MLWSError):
        return str(error)
    return f"{type(error).__name__}: {error}"
