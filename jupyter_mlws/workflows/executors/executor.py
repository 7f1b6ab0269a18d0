"""What the engine asks of whatever runs the commands of nodes.

DVC's part of a node (prepare, commit, lock, journal) is never an executor's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jupyter_mlws.versioning.dvc.stages import Command
from jupyter_mlws.workflows.policy import Policy


@dataclass(frozen=True)
class Task:
    """The commands of a node from ``line`` on, for one attempt.

    ``cookie`` tells the attempt's processes from all others (:data:`.processes.ATTEMPT`).
    ``variables`` are those that the run gives to its nodes; the rest of the environment is that
    of whoever runs them. ``log``: the node's log, which is appended to.
    """

    node: str
    cookie: str
    command: Command
    line: int
    variables: Mapping[str, str]
    log: Path
    policy: Policy


@dataclass(frozen=True)
class Lost:
    """Whoever ran the commands is gone, by no fault of theirs; nothing of them runs any more."""

    worker: str


@dataclass(frozen=True)
class Refused:
    """The commands could not be run to their end: an error of the catalogue."""

    code: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Gone:
    """The executor itself is gone, and the run with it: an error of the catalogue."""

    code: str
    facts: Mapping[str, Any]


Outcome = int | Lost | Refused | Gone
"""How commands ended; a number is an exit code, 128 + n for a signal."""
Tell = Callable[[int, Outcome], None]
"""Tells the engine's loop how what has this handle ended; from any thread."""


class Executor(Protocol):
    """Runs commands. Its methods are called by the engine's loop and never wait for a command."""

    whole_nodes: bool
    """Whether :meth:`start` runs all commands of a node, or the one at ``line`` alone."""

    def start(self, task: Task) -> int:
        """Begin; a handle. :class:`OSError` where the program cannot be started."""
        ...

    def memory(self, handle: int) -> int:
        """Bytes that the processes of a node hold; 0 where that is unknown."""
        ...

    def stop(self, cookies: Mapping[int, str]) -> None:
        """Ask what has these handles to end, and kill what has not after a grace time, with all
        that it started. How each ended is told as ever."""
        ...

    def abandon(self, handles: Sequence[int], run: str) -> None:
        """End whatever is left of a run, at once, and return when it is gone."""
        ...
