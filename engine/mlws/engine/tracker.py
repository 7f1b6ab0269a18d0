"""The MLflow run that a node logs to, if its code uses MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from typing import Protocol

from mlws.core.i18n import CHINESE, ENGLISH, Message
from mlws.dvc.stages import Command
from mlws.engine.node_logs import NodeLogs
from mlws.engine.reasons import reason_of

RUN_VARIABLE = "MLFLOW_RUN_ID"
EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_ID"
"""Environment variables by which MLflow in a node's code finds its place."""

RunIdCallback = Callable[[Mapping[str, str] | None, BaseException | None], None]
"""Receives the variables that name a node's MLflow run, or the error why there are none; called in
the recorder's thread."""

RUN_ID_TIMEOUT = 30.0
"""Seconds that a node waits for its id before it starts without."""

RUN_ID_TIMEOUT_MESSAGE = f"no response within {RUN_ID_TIMEOUT:g} s"
NO_RUN_MESSAGE = Message(
    "MLflow did not provide a run to log to ({reason}). What this node logs goes to a "
    "run of its own."
)
OWN_EXPERIMENT_MESSAGE = Message(
    "The code sets its own MLflow experiment or tracking URI. What it logs goes to a "
    "run of its own."
)


class Use(Enum):
    """Kind of a node's use of MLflow."""

    NONE = "none"
    PLAIN = "plain"
    OWN_PLACE = "own place"


class Tracker(Protocol):
    """Provides the MLflow runs of nodes; see :mod:`~jupyter_mlws.workflows.tracking.mlflow_use`."""

    def use(self, node: str) -> Use: ...
    def ask(self, node: str, answer: RunIdCallback) -> None: ...


class EnvironmentReader(Protocol):
    """Tells in what environment commands run; see :mod:`~jupyter_mlws.workflows.run.packages`."""

    def before(self, command: Command) -> str | None:
        """Return the ID of the environment of a command that has just started; None without one."""
        ...

    def after(self, command: Command, before: str | None) -> str | None:
        """Return the ID after its end: some programs install packages before they run others."""
        ...


class MLflowRunRequests:
    """The MLflow runs of the nodes whose code logs to MLflow, each requested before its node runs.

    ``deliver`` calls a function with an answer in the engine's loop; ``on_answer`` gets the node.
    """

    def __init__(
        self,
        tracker: Tracker | None,
        logs: NodeLogs,
        deliver: Callable[..., None],
        on_answer: Callable[[str], None],
    ) -> None:
        self._tracker = tracker
        self._logs = logs
        self._deliver = deliver
        self._on_answer = on_answer
        self._places: dict[str, Mapping[str, str] | None] = {}
        self._has_timed_out = False
        self.waiting: dict[str, float] = {}
        """Nodes that wait for their MLflow run, and until when."""

    def request(self, node: str) -> bool:
        """Request the MLflow run of a node, once; return whether the node has to wait for it."""
        if self._tracker is None or node in self._places:
            return False
        use = self._tracker.use(node)
        if use is not Use.PLAIN or self._has_timed_out:
            self._places[node] = None
            if use is Use.OWN_PLACE:
                self._logs.append(node, in_both_languages(OWN_EXPERIMENT_MESSAGE))
            elif use is Use.PLAIN:
                line = in_both_languages(NO_RUN_MESSAGE, reason=RUN_ID_TIMEOUT_MESSAGE)
                self._logs.append(node, line)
            return False
        self.waiting[node] = time.monotonic() + RUN_ID_TIMEOUT
        self._tracker.ask(node, partial(self._deliver, partial(self._handle_answer, node)))
        return True

    def place(self, node: str) -> Mapping[str, str] | None:
        """Return the variables that name a node's MLflow run, if it has one."""
        return self._places.get(node)

    def expire(self, now: float) -> None:
        """Let the nodes start without that have waited too long."""
        for node in [node for node, until in self.waiting.items() if until <= now]:
            # Only one node waits for the whole time.
            self._has_timed_out = True
            self._handle_answer(node, None, TimeoutError(RUN_ID_TIMEOUT_MESSAGE))

    def _handle_answer(
        self, node: str, place: Mapping[str, str] | None, error: BaseException | None
    ) -> None:
        if self.waiting.pop(node, None) is None:
            # Too late: the node has started without, or nothing more is to start.
            self._has_timed_out = self._has_timed_out and place is None
            return
        if place is None:
            self._logs.append(node, in_both_languages(NO_RUN_MESSAGE, reason=reason_of(error)))
        self._places[node] = place
        self._on_answer(node)


def in_both_languages(message: Message, **facts: str) -> str:
    """Return a line for a node's log, whose readers may speak either language."""
    line = message.fill(**facts)
    return f"{line.in_(ENGLISH)} {line.in_(CHINESE)}"


def set_run_variables(environment: dict[str, str], place: Mapping[str, str] | None) -> None:
    """Set the variables of a node's MLflow run in its environment, and remove those of others."""
    # An inherited one is the run of another process.
    environment.pop(RUN_VARIABLE, None)
    if place is not None:
        # MLflow refuses an experiment that is named in two ways.
        environment.pop("MLFLOW_EXPERIMENT_NAME", None)
        environment.update(place)
