"""The nodes that run at a moment: their processes, their limits, and what they print."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mlws.core.errors import MLWSError, NodeLimitError
from mlws.dvc.stages import Command
from mlws.engine.executor import Executor, Task
from mlws.engine.node_logs import NodeLogs
from mlws.engine.policy import Policy
from mlws.engine.processes import ATTEMPT, COOKIE
from mlws.engine.tracker import EnvironmentReader, MLflowRunRequests, set_run_variables
from mlws.engine.usage import UsageMonitor, measures_itself

LOG_POLL_INTERVAL = 1.0
"""Seconds between two reads of the progress in the logs of running nodes."""
MEMORY_POLL_INTERVAL = 0.25
"""Seconds between two checks of the memory of nodes that have a limit."""


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
    stopped: MLWSError | None = None
    log_end: int = 0
    packages: str | None = None
    """ID of the environment that the commands run in, if they have one."""
    progress: float | None = None


class RunningNodes:
    """The attempts of one run that are in progress, by node."""

    def __init__(
        self,
        run: str,
        executor: Executor,
        logs: NodeLogs,
        mlflow_runs: MLflowRunRequests,
        environment: Mapping[str, str],
        reader: EnvironmentReader | None = None,
        usage: UsageMonitor | None = None,
    ) -> None:
        self._run = run
        self._executor = executor
        self._logs = logs
        self._mlflow_runs = mlflow_runs
        self._environment = environment
        self._reader = reader
        self._usage = usage
        self._handles: dict[int, Attempt] = {}
        self._last_poll = time.monotonic()
        self.attempts: dict[str, Attempt] = {}
        self.losses: dict[str, int] = {}
        """Losses of workers, by node."""

    def launch(self, attempt: Attempt) -> None:
        """Start the current command; :class:`OSError` if it cannot be started."""
        command = attempt.command
        assert command is not None
        if attempt.line == 0 and attempt.number > 1:
            # What an earlier attempt has printed is not this one's progress.
            attempt.log_end = self._logs.size(attempt.node)
        place = self._mlflow_runs.place(attempt.node)
        variables = dict(command.environment)
        set_run_variables(variables, place)
        # Variables that the user has set take precedence over those of the run.
        by_run = {name: variables.get(name, value) for name, value in self._environment.items()}
        cookie = self._cookie(attempt)
        task = Task(
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
            self._logs.path(attempt.node),
            attempt.policy,
        )
        attempt.handle = self._executor.start(task)
        self._handles[attempt.handle] = attempt
        if self._usage is not None and not (place and measures_itself(variables)):
            session = self._executor.session(attempt.handle)
            if session is not None:
                self._usage.add(session, attempt.node, attempt.environment)
        if self._reader is not None and attempt.line == 0:
            # While the command starts.
            attempt.packages = self._reader.before(command)

    def _cookie(self, attempt: Attempt) -> str:
        number = attempt.number + self.losses.get(attempt.node, 0)
        return f"{self._run}/{attempt.node}/{number}"

    def end_command(self, handle: int) -> Attempt | None:
        """Return the attempt whose command has ended; None for an unknown handle."""
        attempt = self._handles.pop(handle, None)
        if attempt is not None:
            attempt.handle = None
            if self._usage is not None:
                self._usage.remove(handle)
            if self._reader is not None and attempt.command is not None:
                attempt.packages = self._reader.after(attempt.command, attempt.packages)
            self._logs.shorten(attempt.node)
        return attempt

    def next_moment(self) -> float:
        """Return when a limit or a log has to be checked, at the latest."""
        moments = [float("inf")]
        for attempt in self.attempts.values():
            if attempt.deadline is not None and attempt.stopped is None:
                moments.append(attempt.deadline)
            if attempt.policy.memory is not None and attempt.handle is not None:
                moments.append(time.monotonic() + MEMORY_POLL_INTERVAL)
        if self._handles:
            moments.append(self._last_poll + LOG_POLL_INTERVAL)
        if self._usage is not None:
            moments.append(self._usage.next_moment())
        return min(moments)

    def poll_logs(self, now: float) -> Iterator[tuple[str, float]]:
        """Yield the nodes whose output has other progress than before, if it is time to look."""
        if now < self._last_poll + LOG_POLL_INTERVAL:
            return
        self._last_poll = now
        for attempt in self._handles.values():
            attempt.log_end, share = self._logs.poll(attempt.node, attempt.log_end)
            if share is not None and share != attempt.progress:
                attempt.progress = share
                yield attempt.node, share

    def check_usage(self, now: float) -> None:
        """Sample what nodes use, if it is time to, and stop those over their time or memory."""
        if self._usage is not None:
            self._usage.poll(now)
        for attempt in list(self.attempts.values()):
            if attempt.handle is None or attempt.stopped is not None:
                continue
            policy = attempt.policy
            if attempt.deadline is not None and attempt.deadline <= now:
                resource, limit = "time", f"{policy.timeout:g} s"
            elif policy.memory and self._executor.memory(attempt.handle) > policy.memory:
                resource, limit = "memory", f"{policy.memory / 2**20:.0f} MiB"
            else:
                continue
            attempt.stopped = NodeLimitError(node=attempt.node, resource=resource, limit=limit)
            self.stop([attempt])

    def stop(self, attempts: Iterable[Attempt]) -> None:
        """Stop nodes; they are killed if they do not end within a grace period."""
        self._executor.stop({a.handle: self._cookie(a) for a in attempts if a.handle is not None})

    def abandon(self, *, also_others: bool) -> None:
        """End what still runs; ``also_others``: also what nodes have left behind."""
        if self._handles or also_others:
            self._executor.abandon(list(self._handles), self._run)
