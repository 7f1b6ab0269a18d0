"""The scheduler of one run: starts what is ready, in parallel, and journals every change.

One loop in one thread. It waits for events (:mod:`.process_loop`) and handles those that arrive
together in one transaction of the journal; what a node's start and end mean for DVC is up to the
stage backend. Only hashing and storing of large files is done in threads.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlws.core.errors import MLWSError, NodeFailedError, RunStoppedError
from mlws.dvc.stages import Forecast, PreparationResult, PreparationStatus, StageBackend, StageError
from mlws.engine.executor import ExecutorFailure, Outcome, TaskFailure, WorkerLoss
from mlws.engine.executors.factory import ExecutorContext
from mlws.engine.graph import S, StageGraph
from mlws.engine.node_journal import Journal, NodeJournal
from mlws.engine.node_logs import NodeLogs
from mlws.engine.policy import OnFailure, RunOptions
from mlws.engine.process_loop import ProcessLoop
from mlws.engine.ready_queue import ReadyQueue
from mlws.engine.reasons import (
    FORCED_REASON,
    RERUN_REASON,
    SKIPPED_REASON,
    describe,
    is_cosmetic,
    reason_of,
)
from mlws.engine.resources import Pool, of_this_machine
from mlws.engine.running_nodes import Attempt, RunningNodes
from mlws.engine.states import Status
from mlws.engine.tracker import EnvironmentReader, MLflowRunRequests, Tracker
from mlws.engine.usage import UsageMonitor

if TYPE_CHECKING:
    from mlws.engine.process_loop import WarmWorkers

TIME_SLICE = 0.05
"""Seconds for nodes that need no process, before other events are handled."""
MAX_WORKER_LOSSES = 3
"""Retries of a node after the cluster lost its worker, beside the retries of its policy."""
WORKER_LOSS_DELAY = 1.0
"""Seconds before such a retry, in which processes of the lost worker end."""
NO_EXIT_CODE = "none: its worker was lost repeatedly"
"""Of a node that never ended; translated in the catalogue of errors."""


@dataclass
class _RunState:
    """Scheduling state of the nodes of a run."""

    retry_at: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    starting: list[Attempt] = field(default_factory=list)
    ended: list[Attempt] = field(default_factory=list)
    stored: list[tuple[Attempt, dict[str, str] | None, BaseException | None]] = field(
        default_factory=list
    )
    prepared: dict[str, PreparationResult] = field(default_factory=dict)


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
        tracker: Tracker | None = None,
        target: ExecutorContext | None = None,
        reader: EnvironmentReader | None = None,
        usage: UsageMonitor | None = None,
    ) -> None:
        self._journal = NodeJournal(journal, run, backend, graph.by_id)
        self._backend = backend
        self._options = options
        target = target or ExecutorContext(options.jobs or 1)
        self._jobs = target.jobs
        self._logs = NodeLogs(logs)
        backend.order = self._sequence = graph.order
        self._stages = graph.by_id
        self._queue = ReadyQueue(graph, options.targets, durations or {}, self._jobs)
        self._pool = Pool(target.total or of_this_machine(self._jobs), self._jobs)
        self._loop = ProcessLoop(warm)
        self._executor = target.open(self._loop, warm)
        self._mlflow_runs = MLflowRunRequests(
            tracker, self._logs, self._loop.deliver, lambda node: self._queue.put([node])
        )
        self._running = RunningNodes(
            run, self._executor, self._logs, self._mlflow_runs, environment or {}, reader, usage
        )
        self._state = _RunState()
        self._failure: dict[str, Any] | None = None
        self._executor_failure: ExecutorFailure | None = None
        self._stopping = self._is_cancelled = self._is_ending = False
        self._last_fold = time.monotonic()

    def cancel(self) -> None:
        """Ask the run to stop."""
        self._is_cancelled = True
        self._loop.wake()

    def execute(self) -> tuple[Status, dict[str, Any] | None]:
        """Run to the end; return the status and the error of the first node that failed.

        Raise :class:`MLWSError` if the executor is gone; what was done stays done.
        """
        try:
            while self._is_busy() or self._queue:
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
                self._journal.end(rest)
        finally:
            # Also after a cancel or an internal error.
            self._running.abandon(also_others=self._is_ending)
            self._loop.close()
            self._backend.fold(self._sequence)
        if self._is_cancelled:
            return Status.CANCELLED, None
        return (Status.FAILED, self._failure) if self._failure else (Status.COMPLETED, None)

    def _is_busy(self) -> bool:
        """Return whether the run waits for an event."""
        now = self._state
        here = self._running.attempts or now.ended or now.stored
        return bool(here or now.retry_at or self._mlflow_runs.waiting)

    # What may start

    def _start_ready_nodes(self) -> bool:
        """Start nodes by their weight; lighter nodes may pass those that do not fit.

        Return whether more nodes may be ready to start immediately.
        """
        if self._jobs == 1 and (self._mlflow_runs.waiting or self._state.retry_at):
            # Nothing passes the node whose turn it is.
            return False
        until = time.monotonic() + TIME_SLICE
        waiting: list[str] = []
        while self._queue and time.monotonic() < until:
            if self._is_cancelled or self._stopping:
                self._queue.clear()
                break
            node = self._queue.pop()
            if not self._start_node(node):
                waiting.append(node)
                if len(self._running.attempts) >= self._jobs:
                    break
        for node in waiting:
            self._journal.set_queued(node)
        more = bool(self._queue) and not waiting
        self._queue.put(waiting)
        return more

    def _start_node(self, node: str) -> bool:
        """Start work on a node; return False if it has to wait for resources."""
        policy = self._stages[node].policy
        if node in self._options.skip:
            self._journal.set(node, Status.SKIPPED, [SKIPPED_REASON])
            self._finish(node)
            return True
        environment = self._pool.take(node, policy)
        if environment is None:
            return False
        number = self._state.numbers.get(node, 0) + 1
        attempt = Attempt(node, number, policy, environment)
        self._running.attempts[node] = attempt
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
        if looks is not None and not self._options.forces(node):
            verdict = self._backend.examine(node, Forecast())
            changes = () if verdict.frozen or verdict.restorable else verdict.changes
            if changes and all(is_cosmetic(change, looks) for change in changes):
                return self._backend.accept(node)
        return self._backend.prepare(node, force=self._options.forces(node))

    def _handle_preparation(
        self, attempt: Attempt, preparation: PreparationResult | None, error: BaseException | None
    ) -> None:
        node = attempt.node
        if preparation is None:
            self._release(attempt)
            reason = reason_of(error)
            self._logs.append(node, reason)
            self._fail(node, RunStoppedError(reason=reason))
        elif preparation.prepared is not PreparationStatus.READY:
            self._release(attempt)
            self._journal.set_cached(node, preparation.prepared)
            self._finish(node)
        elif self._is_cancelled or self._stopping:
            self._release(attempt)
        elif self._mlflow_runs.request(node):
            # Other nodes use its slot and resources meanwhile.
            self._state.prepared[node] = preparation
            self._journal.set_queued(node)
            self._release(attempt)
        else:
            self._run_prepared(attempt, preparation)

    def _run_prepared(self, attempt: Attempt, preparation: PreparationResult) -> None:
        node = attempt.node
        reasons = [reason for change in preparation.changes for reason in describe(change)]
        if self._options.forces(node):
            reasons = [RERUN_REASON if node in self._options.again else FORCED_REASON]
        self._journal.set(node, Status.RUNNING, reasons, error=None)
        self._state.numbers[node] = attempt.number
        self._state.starting.append(attempt)

    # A running node

    def _launch(self) -> None:
        """Start the processes of nodes whose RUNNING is already in the journal."""
        starting, self._state.starting = self._state.starting, []
        for attempt in starting:
            if attempt.policy.timeout is not None:
                attempt.deadline = time.monotonic() + attempt.policy.timeout
            try:
                attempt.command = self._backend.command(attempt.node)
                self._running.launch(attempt)
            except (OSError, StageError) as error:
                with self._journal.batch():
                    self._handle_failure(attempt, str(error))

    # What comes

    def _wait(self, timeout: float | None) -> None:
        outcomes, calls = self._loop.wait(timeout)
        with self._journal.batch():
            for handle, outcome in outcomes:
                attempt = self._running.end_command(handle)
                if attempt is not None:
                    self._handle_outcome(attempt, outcome)
            for call in calls:
                call()
            self._check_timers()
            if self._is_cancelled and not self._is_ending:
                self._is_ending = True
                self._clear_queues()
                self._running.stop(self._running.attempts.values())
        if self._executor_failure is not None:
            with self._journal.batch():
                self._record_outputs()
            raise self._executor_failure.error
        if time.monotonic() - self._last_fold >= self._backend.fold_every:
            self._backend.fold(self._sequence)
            self._last_fold = time.monotonic()

    def _wait_timeout(self) -> float | None:
        """Return the seconds until something is due even if no event arrives, or None."""
        if self._state.starting:
            return 0.0
        waits = (*self._state.retry_at.values(), *self._mlflow_runs.waiting.values())
        moment = min((self._running.next_moment(), *waits))
        return None if moment == float("inf") else max(0.0, moment - time.monotonic())

    def _check_timers(self) -> None:
        now = time.monotonic()
        due = [node for node, moment in self._state.retry_at.items() if moment <= now]
        self._state.retry_at = {node: at for node, at in self._state.retry_at.items() if at > now}
        self._queue.put(due)
        self._mlflow_runs.expire(now)
        for node, share in self._running.poll_logs(now):
            self._journal.set_progress(node, share)
        self._running.check_usage(now)

    def _handle_outcome(self, attempt: Attempt, outcome: Outcome) -> None:
        command = attempt.command
        assert command is not None
        if isinstance(outcome, ExecutorFailure):
            self._executor_failure = outcome
            self._release(attempt)
            self._discard(attempt.node)
            return
        if isinstance(outcome, WorkerLoss):
            self._handle_worker_loss(attempt, outcome)
            return
        if isinstance(outcome, TaskFailure):
            attempt.stopped = attempt.stopped or outcome.error
            self._handle_failure(attempt, 1)
            return
        if outcome != 0 or attempt.stopped is not None or self._is_cancelled:
            self._handle_failure(attempt, outcome)
            return
        attempt.line = len(command.shown) if self._executor.whole_nodes else attempt.line + 1
        if attempt.line < len(command.shown):
            try:
                self._running.launch(attempt)
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
            reason = reason_of(error)
            self._logs.append(node, reason)
            self._fail(node, RunStoppedError(reason=reason), exit_code=0)
            return
        self._journal.set_completed(node, hashes, attempt.ended, attempt.packages)
        self._finish(node)

    def _handle_worker_loss(self, attempt: Attempt, outcome: WorkerLoss) -> None:
        """Queue a node again whose worker was lost, up to a limit.

        The loss of a worker is not a failure of the node.
        """
        node = attempt.node
        losses = self._running.losses.get(node, 0) + 1
        self._logs.append(
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
        self._running.losses[node] = losses
        self._state.numbers[node] = attempt.number - 1
        self._release(attempt)
        self._discard(node)
        self._requeue(node, WORKER_LOSS_DELAY)

    def _requeue(self, node: str, wait: float, **facts: Any) -> None:
        """Queue a node for another attempt in ``wait`` seconds."""
        self._journal.requeue(node, **facts)
        self._state.retry_at[node] = time.monotonic() + wait

    def _handle_failure(self, attempt: Attempt, code: int | str, *, final: bool = False) -> None:
        """Handle a node whose command did not succeed; ``final``: it must not be retried."""
        node = attempt.node
        self._release(attempt)
        self._discard(node)
        number = code if isinstance(code, int) else None
        if self._is_cancelled and attempt.stopped is None:
            self._journal.set(node, Status.CANCELLED, exit_code=number)
            return
        error = attempt.stopped or NodeFailedError(node=node, exit_code=code)
        error = error.with_facts(node=node, log=self._logs.tail(node))
        final = final or self._is_cancelled or self._stopping
        if attempt.number <= attempt.policy.retries and not final:
            wait = attempt.policy.wait(attempt.number)
            self._logs.append(node, f"attempt {attempt.number} failed; the next in {wait:g} s")
            self._requeue(node, wait, error=error.record, exit_code=number)
            return
        facts = {"environment": attempt.packages} if attempt.packages else {}
        self._fail(node, error, exit_code=number, **facts)

    def _release(self, attempt: Attempt) -> None:
        self._running.attempts.pop(attempt.node, None)
        self._pool.give_back(attempt.node)

    def _finish(self, node: str) -> None:
        """Queue the nodes that have waited only for this one."""
        ready = self._queue.finish(node)
        if not self._is_cancelled and not self._stopping:
            self._queue.put(ready)

    def _discard(self, node: str) -> None:
        """Remove the outputs of a node, as half-written outputs are not results."""
        try:
            self._backend.discard(node)
        except StageError as error:
            self._logs.append(node, f"The outputs could not be removed: {error}")

    def _fail(self, node: str, error: MLWSError, **facts: Any) -> None:
        record = error.with_facts(node=node).record
        self._journal.set_failed(node, record, **facts)
        self._failure = self._failure or record
        policy = self._stages[node].policy
        if policy.on_failure is OnFailure.CONTINUE:
            self._finish(node)
            return
        skipped = self._queue.drop_dependents(node)
        for dependent in skipped:
            self._journal.set(dependent, Status.SKIPPED)
        if policy.on_failure is OnFailure.STOP and not self._options.keep_going:
            self._stopping = True
            self._clear_queues()
        for ended in (node, *skipped):
            # Nodes that need them are gone; those whose turn comes after theirs remain.
            self._finish(ended)

    # Ending before the end

    def _clear_queues(self) -> None:
        self._queue.clear()
        self._state.retry_at.clear()
        self._mlflow_runs.waiting.clear()
