"""The nested MLflow runs of a workflow run's nodes, which get their IDs before they start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_mlws.engine.tracker import RunIdCallback, Use
from jupyter_mlws.workflows.document.parse import Stage
from jupyter_mlws.workflows.tracking.mlflow_use import use_of
from jupyter_mlws.workflows.tracking.recording import Recorder


class MLflowRunIds:
    """Requests the MLflow run IDs of one run's nodes."""

    def __init__(self, recorder: Recorder, root: Path, run: str, stages: Sequence[Stage]) -> None:
        self._recorder = recorder
        self._root = root
        self._run = run
        self._stages = {stage.id: stage for stage in stages}

    def use(self, node: str) -> Use:
        """Return how the node's code uses MLflow, from the files that its command names."""
        return use_of(self._root, self._stages[node])

    def ask(self, node: str, answer: RunIdCallback) -> None:
        """Start the node's nested run; ``answer`` is called from another thread."""
        self._recorder.identify(self._run, node, answer)
