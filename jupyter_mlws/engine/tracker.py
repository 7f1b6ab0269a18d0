"""The MLflow run that a node logs to, if its code uses MLflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Protocol

from jupyter_mlws.core.i18n import CHINESE, ENGLISH, Message

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
