"""Which nodes of a run get the id of their nested MLflow run before they start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jupyter_mlws.core.i18n import CHINESE, ENGLISH, Message
from jupyter_mlws.workflows.document import Stage
from jupyter_mlws.workflows.mlflow_use import Use, use_of
from jupyter_mlws.workflows.recording import RUN_VARIABLE, Recorder, RunIdCallback

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


class MLflowRunIds:
    """Requests the MLflow run IDs of one run's nodes."""

    def __init__(self, recorder: Recorder, root: Path, run: str) -> None:
        self._recorder = recorder
        self._root = root
        self._run = run

    def use(self, stage: Stage) -> Use:
        """Return how the node's code uses MLflow, from the files that its command names."""
        return use_of(self._root, stage)

    def ask(self, node: str, answer: RunIdCallback) -> None:
        """Start the node's nested run; ``answer`` is called from another thread."""
        self._recorder.identify(self._run, node, answer)


def in_both_languages(message: Message, **facts: str) -> str:
    """Return a line for a node's log, whose readers may speak either language."""
    line = message.fill(**facts)
    return f"{line.in_(ENGLISH)} {line.in_(CHINESE)}"


def set_run_variables(environment: dict[str, str], place: Mapping[str, str] | None) -> None:
    """Set the variables of a node's MLflow run in its environment, and remove those of others."""
    # That of whoever started the workflow's run is not the node's.
    environment.pop(RUN_VARIABLE, None)
    if place is not None:
        # MLflow refuses an experiment that is named in two ways.
        environment.pop("MLFLOW_EXPERIMENT_NAME", None)
        environment.update(place)
