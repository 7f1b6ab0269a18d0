"""The scheduler of one run: starts what is ready, in parallel, and journals every change.

One loop in one thread. It waits for whatever comes next (:mod:`.waiting`) and treats all that
came at once in one transaction of the journal; what a node's start and end mean for DVC is the
lane's. Only hashing and storing of large files is done in threads.
"""

from __future__ import annotations

import heapq
import os
import posixpath
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from jupyter_mlws.components.progress import NEWEST, newest_progress
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.versioning.dvc.stages import (
    Change,
    Command,
    Forecast,
    Found,
    Prepared,
    StageError,
    Verdict,
)
from jupyter_mlws.workflows import plan
from jupyter_mlws.workflows.document import Stage
from jupyter_mlws.workflows.executors.executor import (
    Executor,
    Gone,
    Lost,
    Outcome,
    Refused,
    Task,
    Tell,
)
from jupyter_mlws.workflows.executors.local import LocalExecutor, WarmWorkers
from jupyter_mlws.workflows.graph import closure, ordered, upstream
from jupyter_mlws.workflows.journal import Journal
from jupyter_mlws.workflows.mlflow_run_ids import (
    NO_ANSWER,
    OWN_PLACE,
    PATIENCE,
    WITHOUT,
    in_both_languages,
    placed,
)
from jupyter_mlws.workflows.mlflow_use import Use
from jupyter_mlws.workflows.policy import OnFailure, Policy
from jupyter_mlws.workflows.processes import ATTEMPT, COOKIE
from jupyter_mlws.workflows.recording import Answer
from jupyter_mlws.workflows.resources import Amounts, Pool, of_this_machine
from jupyter_mlws.workflows.states import Status
from jupyter_mlws.workflows.waiting import ProcessLoop, Then

TAIL = 20
"""Lines of a failed node's log that its error quotes."""
LOOK_EVERY = 1.0
"""Seconds between two looks at the logs of running nodes for how far they are."""
MEASURE_EVERY = 0.25
"""Seconds between two looks at the memory of nodes that have a limit."""
TURN = 0.05
"""Seconds after which nodes that need no process let others be heard."""
MAX_LOG_BYTES = 20 * 1024 * 1024
"""A node's log beyond this keeps its first and its last tenth."""
LOG_CUT = f"[left out here: a node's log is limited to {MAX_LOG_BYTES >> 20} MiB]\n".encode()
LOSSES = 3
"""How often a node is tried again after the cluster lost its worker; its retries stay its own."""
LOSS_WAIT = 1.0
"""Seconds before that: what a dead worker had started ends meanwhile."""
NO_EXIT_CODE = "none: its worker was lost repeatedly"
"""Of a node that never came to its end; translated in the catalogue of errors."""


WITHOUT_RUN = {
    Prepared.UNCHANGED: plan.CACHED,
    Prepared.RESTORED: plan.RESTORED_NOW,
    Prepared.ACCEPTED: plan.ACCEPTED,
}


class Lane(Protocol):
    """DVC's part of a run; see :class:`~jupyter_mlws.versioning.dvc.stages.Pipeline`."""

    order: Sequence[str]
    unusual: dict[str, Message]

    def examine(self, name: str, forecast: Forecast) -> Verdict: ...
    def prepare(self, name: str, *, force: bool = False) -> Found: ...
    def accept(self, name: str) -> Found: ...
    def command(self, name: str) -> Command: ...
    def commit(self, name: str) -> dict[str, str]: ...
    def hashes(self, name: str) -> dict[str, str]: ...
    def entry(self, name: str) -> dict[str, Any] | None: ...
    def discard(self, name: str) -> None: ...
    def fold(self, order: Sequence[str]) -> None: ...
    def heavy(self, name: str) -> bool: ...
    @property
    def fold_every(self) -> float: ...


class Tracker(Protocol):
    """Assigns their MLflow runs; see :mod:`~jupyter_mlws.workflows.mlflow_run_ids`."""

    def use(self, stage: Stage) -> Use: ...
    def ask(self, node: str, answer: Answer) -> None: ...


@dataclass(frozen=True)
class Order:
    """Options of a run.

    ``again``: nodes that run even if they are up to date. ``accept``: nodes whose existing outputs
    become their result. ``skip``: nodes that are left out, while the nodes that depend on them run.
    ``done``: nodes that the resumed run has completed. ``looks``: distinguishes cosmetic changes
    from others, if nodes with only cosmetic changes are to be accepted; None if they are to run.
    """

    targets: Sequence[str] = ()
    force: bool = False
    keep_going: bool = False
    jobs: int = 1
    again: frozenset[str] = frozenset()
    accept: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    looks: plan.Looks | None = None


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
class _Expecting:
    """A node that waits for its MLflow run: its preparation, and the end of the wait."""

    found: Found
    until: float


@dataclass
class _Progress:
    """Scheduling state of the nodes of a run."""

    queued: list[tuple[float, int, str]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    later: dict[str, float] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)
    starting: list[Attempt] = field(default_factory=list)
    ended: list[Attempt] = field(default_factory=list)
    stored: list[tuple[Then, Any, BaseException | None]] = field(default_factory=list)
    expecting: dict[str, _Expecting] = field(default_factory=dict)
    prepared: dict[str, Found] = field(default_factory=dict)
    places: dict[str, Mapping[str, str] | None] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)


class Engine:
    """Runs the stages of one pipeline. :meth:`cancel` may be called from a signal's handler."""

    def __init__(
        self,
        journal: Journal,
        run: str,
        lane: Lane,
        stages: Sequence[Stage],
        order: Order,
        logs: Path,
        environment: Mapping[str, str] | None = None,
        warm: WarmWorkers | None = None,
        total: Amounts | None = None,
        tracker: Tracker | None = None,
        executor: Callable[[Tell], Executor] | None = None,
    ) -> None:
        self._journal = journal
        self._run = run
        self._lane = lane
        self._order = order
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._environment = {**(environment or {}), COOKIE: run, "PYTHONUNBUFFERED": "1"}
        self._needs = upstream(stages)
        self._sequence = [stage.id for stage in ordered(stages)]
        self._wanted = closure(self._needs, order.targets or self._sequence)
        self._places = {node: place for place, node in enumerate(self._sequence)}
        lane.order = self._sequence
        self._policies = {stage.id: stage.policy for stage in stages}
        self._stages = {stage.id: stage for stage in stages}
        self._tracker = tracker
        self._unanswered = False
        self._dependents = _reversed(self._needs)
        self._missing = {
            node: len(set(self._needs[node])) for node in self._sequence if node in self._wanted
        }
        self._weights = self._longest_paths(journal.durations(journal.record(run)["workflow"]))
        self._pool = Pool(total or of_this_machine(order.jobs), order.jobs)
        self._waiter = ProcessLoop(warm)
        self._executor = (
            executor(self._waiter.tell) if executor else LocalExecutor(self._waiter, warm)
        )
        self._now = _Progress()
        self._handles: dict[int, Attempt] = {}
        self._failure: dict[str, Any] | None = None
        self._gone: Gone | None = None
        self._stopping = False
        self._cancelled = False
        self._ending = False
        self._folded = time.monotonic()
        self._looked = time.monotonic()

    def cancel(self) -> None:
        """Ask the run to stop."""
        self._cancelled = True
        self._waiter.wake()

    def execute(self) -> tuple[Status, dict[str, Any] | None]:
        """Run to the end; return the status and the error of the first node that failed.

        Raise :class:`MLWSError` if the executor is gone; what was done stays done.
        """
        try:
            self._enqueue(node for node, count in self._missing.items() if count == 0)
            while self._busy() or self._now.queued:
                # One transaction for what has ended and what takes its place.
                with self._journal.batch():
                    self._tell_stored()
                    more = self._start_what_fits()
                self._launch()
                self._store_ended()
                if self._busy():
                    self._wait(0.0 if more or self._now.stored else self._patience())
            with self._journal.batch():
                self._end_rest()
        finally:
            self._stop_all()
            self._waiter.close()
            self._lane.fold(self._sequence)
        if self._cancelled:
            return Status.CANCELLED, None
        return (Status.FAILED, self._failure) if self._failure else (Status.COMPLETED, None)

    def _busy(self) -> bool:
        """Return whether the run waits for an event."""
        now = self._now
        return bool(now.attempts or now.later or now.expecting or now.ended or now.stored)

    def _longest_paths(self, durations: Mapping[str, float]) -> dict[str, float]:
        """Return the seconds from each node's start to the end of all nodes that depend on it."""
        weights = {node: durations.get(node, 1.0) for node in self._sequence}
        longest = dict(weights)
        for node in reversed(self._sequence):
            for need in self._needs[node]:
                longest[need] = max(longest.get(need, 0.0), weights[need] + longest[node])
        return longest

    # What may start

    def _enqueue(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            # Of equal ones the first in DVC's order: with one job the two go the same way.
            heapq.heappush(self._now.queued, (-self._weights[node], self._places[node], node))

    def _start_what_fits(self) -> bool:
        """Start nodes by their weight; lighter nodes may pass those that do not fit.

        Return whether more nodes may be ready to start immediately.
        """
        until = time.monotonic() + TURN
        waiting: list[str] = []
        while self._now.queued and time.monotonic() < until:
            if self._cancelled or self._stopping:
                self._now.queued.clear()
                break
            _, _, node = heapq.heappop(self._now.queued)
            if not self._begin(node):
                waiting.append(node)
                if len(self._now.attempts) >= self._order.jobs:
                    break
        for node in waiting:
            if node not in self._now.told:
                self._now.told.add(node)
                self._journal.set_node(self._run, node, Status.QUEUED)
        more = bool(self._now.queued) and not waiting
        self._enqueue(waiting)
        return more

    def _begin(self, node: str) -> bool:
        """Start work on a node; return False if it has to wait for resources."""
        policy = self._policies[node]
        if node in self._order.skip:
            words = [plan.SKIPPED.as_dict()]
            self._journal.set_node(self._run, node, Status.SKIPPED, reasons=words)
            self._finish(node)
            return True
        environment = self._pool.take(node, policy)
        if environment is None:
            return False
        number = self._now.numbers.get(node, 0) + 1
        attempt = Attempt(node, number, policy, environment)
        self._now.attempts[node] = attempt
        if node in self._now.prepared:
            self._run_prepared(attempt, self._now.prepared.pop(node))
            return True
        if node in self._order.accept:
            work: Callable[[], Any] = lambda: self._lane.accept(node)  # noqa: E731
        else:
            work = lambda: self._bring_up_to_date(node)  # noqa: E731
        self._do(node, work, lambda preparation, error: self._prepared(attempt, preparation, error))
        return True

    def _bring_up_to_date(self, node: str) -> Found:
        """Bring a node up to date, without its command if possible.

        A node that has only cosmetic changes when its turn comes is accepted, if the order says so.
        """
        looks = self._order.looks
        if looks is not None and not self._forced(node):
            verdict = self._lane.examine(node, Forecast())
            changes = () if verdict.frozen or verdict.restorable else verdict.changes
            if changes and all(plan.only_looks(change, looks) for change in changes):
                return self._lane.accept(node)
        return self._lane.prepare(node, force=self._forced(node))

    def _forced(self, node: str) -> bool:
        if node in self._order.again:
            return True
        return self._order.force and node not in self._order.done

    def _do(self, node: str, work: Callable[[], Any], then: Then) -> None:
        """Do the lane's work at once, or in a thread if it moves much data."""
        if self._lane.heavy(node):
            self._waiter.in_thread(work, then)
        else:
            self._at_once(work, then)

    def _at_once(self, work: Callable[[], Any], then: Then) -> None:
        try:
            result = work()
        except StageError as error:
            then(None, error)
        else:
            then(result, None)

    def _prepared(
        self, attempt: Attempt, preparation: Found | None, error: BaseException | None
    ) -> None:
        node = attempt.node
        if preparation is None:
            self._release(attempt)
            reason = _reason(error)
            self._log_line(node, reason)
            self._fail(node, "40104", {"node": node, "reason": reason})
        elif preparation.prepared is not Prepared.READY:
            self._release(attempt)
            self._cached(node, WITHOUT_RUN[preparation.prepared])
        elif self._cancelled or self._stopping:
            self._release(attempt)
        elif self._has_to_ask(node):
            self._release(attempt)
            self._ask(node, preparation)
        else:
            self._run_prepared(attempt, preparation)

    def _run_prepared(self, attempt: Attempt, preparation: Found) -> None:
        node = attempt.node
        reasons = _reasons(preparation.changes)
        if self._forced(node):
            reasons = [plan.AGAIN if node in self._order.again else plan.FORCED]
        self._journal.set_node(
            self._run,
            node,
            Status.RUNNING,
            reasons=[reason.as_dict() for reason in reasons],
            error=None,
        )
        self._now.numbers[node] = attempt.number
        self._now.starting.append(attempt)

    # A node's place in MLflow

    def _has_to_ask(self, node: str) -> bool:
        """Return whether a node's code logs to MLflow and its MLflow run is not known yet."""
        if self._tracker is None or node in self._now.places:
            return False
        use = self._tracker.use(self._stages[node])
        if use is Use.PLAIN and not self._unanswered:
            return True
        self._now.places[node] = None
        if use is Use.OWN_PLACE:
            self._log_line(node, in_both_languages(OWN_PLACE))
        elif use is Use.PLAIN:
            self._log_line(node, in_both_languages(WITHOUT, reason=NO_ANSWER))
        return False

    def _ask(self, node: str, preparation: Found) -> None:
        """Request a node's MLflow run; other nodes use its slot and resources meanwhile."""
        assert self._tracker is not None
        self._now.expecting[node] = _Expecting(preparation, time.monotonic() + PATIENCE)
        if node not in self._now.told:
            self._now.told.add(node)
            self._journal.set_node(self._run, node, Status.QUEUED)

        def come(place: Mapping[str, str] | None, error: BaseException | None) -> None:
            self._waiter.deliver(
                lambda place, error: self._placed(node, place, error), place, error
            )

        self._tracker.ask(node, come)

    def _placed(
        self, node: str, place: Mapping[str, str] | None, error: BaseException | None
    ) -> None:
        expecting = self._now.expecting.pop(node, None)
        if expecting is None:
            # Too late: the node has started without, or nothing more is to start.
            self._unanswered = self._unanswered and place is None
            return
        if place is None:
            self._log_line(node, in_both_languages(WITHOUT, reason=_reason(error)))
        self._now.places[node] = place
        self._now.prepared[node] = expecting.found
        self._enqueue([node])

    def _cached(self, node: str, words: Message) -> None:
        self._journal.set_node(
            self._run,
            node,
            Status.CACHED,
            reasons=[words.as_dict()],
            outputs=self._lane.hashes(node),
            lock=self._lane.entry(node),
            **self._dvc_reason(node),
        )
        self._finish(node)

    def _dvc_reason(self, node: str) -> dict[str, Any]:
        """Return why DVC's own code did a node's hashing and storing, if it did."""
        reason = self._lane.unusual.get(node)
        return {} if reason is None else {"dvc_reason": reason.as_dict()}

    def _inputs(self, node: str) -> dict[str, str]:
        """Return the hashes of a node's inputs, by their paths in the project.

        The paths in its lock are relative to its working folder.
        """
        lock = self._lane.entry(node) or {}
        wdir = self._stages[node].wdir
        return {
            posixpath.normpath(posixpath.join(wdir, dep["path"])): dep["md5"]
            for dep in lock.get("deps", ())
            if "md5" in dep
        }

    # A running node

    def _launch(self) -> None:
        """Start the processes of nodes whose RUNNING is already in the journal."""
        starting, self._now.starting = self._now.starting, []
        for attempt in starting:
            if attempt.policy.timeout is not None:
                attempt.deadline = time.monotonic() + attempt.policy.timeout
            try:
                attempt.command = self._lane.command(attempt.node)
                self._launch_line(attempt)
            except (OSError, StageError) as error:
                with self._journal.batch():
                    self._ended(attempt, str(error))

    def _launch_line(self, attempt: Attempt) -> None:
        command = attempt.command
        assert command is not None
        log = log_path(self._logs, attempt.node)
        if attempt.line == 0 and attempt.number > 1:
            # What an earlier attempt has printed is not this one's progress.
            attempt.log_end = _size(log)
        place = self._now.places.get(attempt.node)
        variables = dict(command.environment)
        placed(variables, place)
        # What the person has set goes before what the run would set by itself.
        by_run = {name: variables.get(name, value) for name, value in self._environment.items()}
        handle = self._executor.start(
            Task(
                attempt.node,
                self._attempt_cookie(attempt),
                replace(command, environment=variables),
                attempt.line,
                {**by_run, **(place or {}), **self._own_variables(attempt)},
                log,
                attempt.policy,
            )
        )
        attempt.handle = handle
        self._handles[handle] = attempt

    def _own_variables(self, attempt: Attempt) -> dict[str, str]:
        return {
            **attempt.environment,
            COOKIE: self._run,
            ATTEMPT: self._attempt_cookie(attempt),
            "PYTHONUNBUFFERED": "1",
        }

    def _attempt_cookie(self, attempt: Attempt) -> str:
        number = attempt.number + self._now.losses.get(attempt.node, 0)
        return f"{self._run}/{attempt.node}/{number}"

    # What comes

    def _wait(self, timeout: float | None) -> None:
        outcomes, calls = self._waiter.wait(timeout)
        with self._journal.batch():
            for handle, outcome in outcomes:
                attempt = self._handles.pop(handle, None)
                if attempt is not None:
                    self._line_ended(attempt, outcome)
            for call in calls:
                call()
            self._look_at_clock()
            if self._cancelled:
                self._end_all()
        if self._gone is not None:
            with self._journal.batch():
                self._tell_stored()
            raise MLWSError.restore(self._gone.code, self._gone.facts)
        self._fold_if_due()

    def _patience(self) -> float | None:
        """Return the seconds until something is due even if no event arrives, or None."""
        moments = list(self._now.later.values())
        moments += [expecting.until for expecting in self._now.expecting.values()]
        limited = False
        for attempt in self._now.attempts.values():
            if attempt.deadline is not None and attempt.stopped is None:
                moments.append(attempt.deadline)
            limited |= attempt.policy.memory is not None and attempt.handle is not None
        if limited:
            moments.append(time.monotonic() + MEASURE_EVERY)
        if self._handles:
            moments.append(self._looked + LOOK_EVERY)
        if self._now.starting:
            return 0.0
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        due = [node for node, moment in self._now.later.items() if moment <= now]
        for node in due:
            del self._now.later[node]
        self._enqueue(due)
        for node, expecting in list(self._now.expecting.items()):
            if expecting.until <= now:
                # One node waits in vain, not each.
                self._unanswered = True
                self._placed(node, None, TimeoutError(NO_ANSWER))
        if now >= self._looked + LOOK_EVERY:
            self._looked = now
            for attempt in self._handles.values():
                self._look_at_log(attempt)
        for attempt in list(self._now.attempts.values()):
            if attempt.handle is None or attempt.stopped is not None:
                continue
            if attempt.deadline is not None and attempt.deadline <= now:
                limit = f"{attempt.policy.timeout:g} s"
                self._stop(attempt, "40103", {"resource": "time", "limit": limit})
            elif attempt.policy.memory is not None:
                used = self._executor.memory(attempt.handle)
                if used > attempt.policy.memory:
                    limit = f"{attempt.policy.memory / 2**20:.0f} MiB"
                    self._stop(attempt, "40103", {"resource": "memory", "limit": limit})

    def _look_at_log(self, attempt: Attempt) -> None:
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

    def _line_ended(self, attempt: Attempt, outcome: Outcome) -> None:
        attempt.handle = None
        command = attempt.command
        assert command is not None
        shorten(log_path(self._logs, attempt.node))
        if isinstance(outcome, Gone):
            self._gone = outcome
            self._release(attempt)
            self._discard(attempt.node)
            return
        if isinstance(outcome, Lost):
            self._lose(attempt, outcome)
            return
        if isinstance(outcome, Refused):
            attempt.stopped = attempt.stopped or (outcome.code, dict(outcome.facts))
            self._ended(attempt, 1)
            return
        if outcome != 0 or attempt.stopped is not None or self._cancelled:
            self._ended(attempt, outcome)
            return
        attempt.line = len(command.shown) if self._executor.whole_nodes else attempt.line + 1
        if attempt.line < len(command.shown):
            try:
                self._launch_line(attempt)
            except OSError as error:
                self._ended(attempt, str(error))
            return
        if self._lane.heavy(attempt.node):
            self._waiter.in_thread(*self._commit(attempt))
            return
        self._now.ended.append(attempt)
        if self._order.jobs > 1:
            # What waits for its place starts before what it made is stored.
            attempt.ended = time.time()
            self._release(attempt)

    def _store_ended(self) -> None:
        """Store the outputs of nodes whose commands succeeded."""
        attempts, self._now.ended = self._now.ended, []
        for attempt in attempts:
            work, then = self._commit(attempt)
            self._at_once(
                work, lambda *results, then=then: self._now.stored.append((then, *results))
            )

    def _tell_stored(self) -> None:
        """Journal what was stored since the last transaction."""
        results, self._now.stored = self._now.stored, []
        for then, hashes, error in results:
            then(hashes, error)

    def _commit(self, attempt: Attempt) -> tuple[Callable[[], Any], Then]:
        return (
            lambda: self._lane.commit(attempt.node),
            lambda hashes, error: self._committed(attempt, hashes, error),
        )

    def _committed(
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
        self._journal.set_node(
            self._run,
            node,
            Status.COMPLETED,
            exit_code=0,
            inputs=self._inputs(node),
            outputs=hashes,
            lock=self._lane.entry(node),
            ended=attempt.ended,
            **self._dvc_reason(node),
        )
        self._finish(node)

    def _lose(self, attempt: Attempt, outcome: Lost) -> None:
        """Queue a node again whose worker was lost, up to a limit.

        The loss of a worker is not a failure of the node.
        """
        node = attempt.node
        losses = self._now.losses.get(node, 0) + 1
        self._log_line(
            node, f"the worker {outcome.worker or '?'} was lost ({losses} of {LOSSES + 1})"
        )
        if losses > LOSSES or attempt.stopped is not None or self._cancelled or self._stopping:
            self._ended(attempt, NO_EXIT_CODE, final=True)
            return
        self._now.losses[node] = losses
        self._now.numbers[node] = attempt.number - 1
        self._release(attempt)
        self._discard(node)
        self._again(node, LOSS_WAIT)

    def _again(self, node: str, wait: float, **facts: Any) -> None:
        """Queue a node for another attempt in ``wait`` seconds."""
        self._journal.set_node(self._run, node, Status.QUEUED, **facts)
        self._now.later[node] = time.monotonic() + wait
        self._now.told.add(node)

    def _ended(self, attempt: Attempt, code: int | str, *, final: bool = False) -> None:
        """Handle a node whose command did not succeed; ``final``: it must not be retried."""
        node = attempt.node
        self._release(attempt)
        self._discard(node)
        number = code if isinstance(code, int) else None
        if self._cancelled and attempt.stopped is None:
            self._journal.set_node(self._run, node, Status.CANCELLED, exit_code=number)
            return
        kind, facts = attempt.stopped or ("40101", {"exit_code": code})
        facts = {"node": node, **facts, "log": tail(log_path(self._logs, node))}
        final = final or self._cancelled or self._stopping
        if attempt.number <= attempt.policy.retries and not final:
            wait = attempt.policy.wait(attempt.number)
            error = {"code": kind, "facts": facts}
            self._log_line(node, f"attempt {attempt.number} failed; the next in {wait:g} s")
            self._again(node, wait, error=error, exit_code=number)
            return
        self._fail(node, kind, facts, exit_code=number)

    def _release(self, attempt: Attempt) -> None:
        self._now.attempts.pop(attempt.node, None)
        self._pool.give_back(attempt.node)

    def _finish(self, node: str) -> None:
        self._now.done.add(node)
        ready = []
        for dependent in self._dependents.get(node, ()):
            if dependent in self._missing:
                self._missing[dependent] -= 1
                if self._missing[dependent] == 0:
                    ready.append(dependent)
        if ready and not self._cancelled and not self._stopping:
            self._enqueue(ready)

    def _discard(self, node: str) -> None:
        """Remove the outputs of a node, as half-written outputs are not results."""
        try:
            self._lane.discard(node)
        except StageError as error:
            self._log_line(node, f"The outputs could not be removed: {error}")

    def _fail(self, node: str, code: str, facts: dict[str, Any], **more: Any) -> None:
        error = {"code": code, "facts": facts}
        facts = {**more, **self._dvc_reason(node)}
        self._journal.set_node(self._run, node, Status.FAILED, error=error, **facts)
        self._failure = self._failure or error
        policy = self._policies[node]
        if policy.on_failure is OnFailure.CONTINUE:
            self._finish(node)
            return
        for dependent in self._lost(node):
            self._journal.set_node(self._run, dependent, Status.SKIPPED)
            del self._missing[dependent]
        if policy.on_failure is OnFailure.STOP and not self._order.keep_going:
            self._stopping = True
            self._begin_nothing_more()

    def _lost(self, node: str) -> list[str]:
        """Return the nodes of this run that can no longer run, in order."""
        unreachable, waiting = set(), [node]
        while waiting:
            for dependent in self._dependents.get(waiting.pop(), ()):
                if dependent in self._missing and dependent not in unreachable:
                    unreachable.add(dependent)
                    waiting.append(dependent)
        return [one for one in self._sequence if one in unreachable]

    def _fold_if_due(self) -> None:
        if time.monotonic() - self._folded >= self._lane.fold_every:
            self._lane.fold(self._sequence)
            self._folded = time.monotonic()

    def _log_line(self, node: str, line: str) -> None:
        with log_path(self._logs, node).open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    # Ending before the end

    def _stop(self, attempt: Attempt, code: str, facts: dict[str, Any]) -> None:
        """Stop one node for a reason; it is killed if it does not end within a grace period."""
        attempt.stopped = (code, facts)
        self._end([attempt])

    def _end_all(self) -> None:
        if self._ending:
            return
        self._ending = True
        self._begin_nothing_more()
        self._end([a for a in self._now.attempts.values() if a.handle is not None])

    def _end(self, attempts: Sequence[Attempt]) -> None:
        self._executor.stop(
            {a.handle: self._attempt_cookie(a) for a in attempts if a.handle is not None}
        )

    def _begin_nothing_more(self) -> None:
        self._now.queued.clear()
        self._now.later.clear()
        self._now.expecting.clear()

    def _end_rest(self) -> None:
        self._journal.end_nodes(self._run, Status.CANCELLED if self._cancelled else Status.SKIPPED)

    def _stop_all(self) -> None:
        """End all remaining processes of the run, also after a cancel or an internal error."""
        if self._handles or self._ending:
            self._executor.abandon(list(self._handles), self._run)


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


def tail(path: Path, lines: int = TAIL) -> list[str]:
    """Return the last lines of a log."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 20_000))
        return file.read().decode("utf-8", errors="replace").splitlines()[-lines:]


def _reversed(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    dependents: dict[str, list[str]] = {}
    for node, sources in needs.items():
        for source in dict.fromkeys(sources):
            dependents.setdefault(source, []).append(node)
    return dependents


def _reasons(changes: Iterable[Change]) -> list[Message]:
    return [reason for change in changes for reason in plan.describe(change)]


def _reason(error: BaseException | None) -> str:
    if isinstance(error, StageError | OSError | MLWSError):
        return str(error)
    return f"{type(error).__name__}: {error}"
