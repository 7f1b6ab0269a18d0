"""Interface between the engine and the executors, which run the commands of nodes.

DVC's part of a node (prepare, commit, lock, journal) is not done by executors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlws.core.errors import MLWSError
from mlws.dvc.stages import Command
from mlws.engine.policy import Policy


@dataclass(frozen=True)
class Task:
    """The commands of a node from ``line`` on, for one attempt.

    ``cookie`` identifies the attempt's processes (:data:`.processes.ATTEMPT`). ``variables`` are
    those that the run gives to its nodes; the rest of the environment is that of the process which
    runs them. ``log``: the node's log, which is appended to.
    """

    node: str
    cookie: str
    command: Command
    line: int
    variables: Mapping[str, str]
    log: Path
    policy: Policy


@dataclass(frozen=True)
class WorkerLoss:
    """Loss of the worker, not caused by the commands, of which no process is left."""

    worker: str


@dataclass(frozen=True)
class TaskFailure:
    """Error that kept the commands from running to their end."""

    error: MLWSError


@dataclass(frozen=True)
class ExecutorFailure:
    """Error that ended the executor itself, and the run with it."""

    error: MLWSError


Outcome = int | WorkerLoss | TaskFailure | ExecutorFailure
"""The end of commands; a number is an exit code, 128 + n for a signal."""
OutcomeCallback = Callable[[int, Outcome], None]
"""Reports the outcome of a handle to the engine's loop; may be called in any thread."""


class Executor(Protocol):
    """Runs commands; the engine's loop calls its methods, which never wait for a command."""

    whole_nodes: bool
    """True if :meth:`start` runs all commands of a node, not only the one at ``line``."""

    def start(self, task: Task) -> int:
        """Start a task and return its handle; :class:`OSError` if the program cannot be started."""
        ...

    def memory(self, handle: int) -> int:
        """Return the bytes that the processes of a node use; 0 if that is unknown."""
        ...

    def session(self, handle: int) -> int | None:
        """Return the session of a node's processes; None if they are on another machine."""
        ...

    def stop(self, cookies: Mapping[int, str]) -> None:
        """Ask the processes of these handles to end, and kill the rest after a grace period.

        This includes all processes that they started. Their outcomes are reported as usual.
        """
        ...

    def abandon(self, handles: Sequence[int], run: str) -> None:
        """End everything that is left of a run, at once, and return when it is gone."""
        ...
