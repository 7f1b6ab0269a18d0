"""The nested MLflow runs of nodes whose code uses MLflow, by the files that their commands name.

These files are searched for words; nothing is imported or run. Code that uses MLflow by an import
of another file needs ``meta: {mlflow: true}`` in its stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlws.workflows.tracking.recording import Recorder
from mlws.document.parse import Stage
from mlws.engine.graph import StageGraph
from mlws.engine.tracker import RunIdCallback, Use

CODE = (".py", ".ipynb", ".r", ".sh", ".jl")
LARGEST = 5_000_000
"""Bytes of a file that is looked through."""
WORD = re.compile(r"[^\s;&|<>()'\"=]+")
MODULE = re.compile(r"(?:^|\s)-m\s+([\w.]+)")
OWN_PLACE = re.compile(rb"set_experiment\s*\(|set_tracking_uri\s*\(")
"""Calls after which MLflow refuses to go on with a run that is elsewhere."""
COMPONENTS = "components"


class MLflowRunIds:
    """Requests the MLflow run IDs of one run's nodes."""

    def __init__(self, recorder: Recorder, root: Path, run: str, graph: StageGraph[Stage]) -> None:
        self._recorder = recorder
        self._root = root
        self._run = run
        self._graph = graph

    def use(self, node: str) -> Use:
        """Return how the node's code uses MLflow, from the files that its command names."""
        return use_of(self._root, self._graph.by_id[node])

    def ask(self, node: str, answer: RunIdCallback) -> None:
        """Start the node's nested run; ``answer`` is called from another thread."""
        self._recorder.identify(self._run, node, answer)


def use_of(root: Path, stage: Stage) -> Use:
    """Return how the stage's code uses MLflow; its ``meta`` has precedence."""
    if stage.policy.mlflow is not None:
        return Use.PLAIN if stage.policy.mlflow else Use.NONE
    use = Use.NONE
    for text in code_texts(root, stage):
        if b"mlflow" in text:
            if OWN_PLACE.search(text):
                return Use.OWN_PLACE
            use = Use.PLAIN
    return use


def code_texts(root: Path, stage: Stage) -> Iterator[bytes]:
    """Yield a stage's commands, and the code files that they name."""
    yield from (command.encode(errors="replace") for command in stage.commands)
    for path in dict.fromkeys(_paths(root, stage)):
        try:
            if path.stat().st_size <= LARGEST:
                yield path.read_bytes()
        except OSError:
            # No file after all, or none that we may read: the command will say what it thinks.
            continue
    if any("mlws" in command for command in stage.commands) and stage.component is not None:
        # The project's component files that define it.
        pattern = re.compile(rf"def\s+{re.escape(stage.component)}\b".encode())
        for file in (root / COMPONENTS).glob("*.py"):
            text = file.read_bytes()
            if pattern.search(text):
                yield text


def _paths(root: Path, stage: Stage) -> Iterator[Path]:
    """Yield the code files that the commands name, by path or as a module, and dependencies."""
    folder = root / stage.wdir
    for command in stage.commands:
        for word in WORD.findall(command):
            if _is_code(word):
                yield folder / word
        for module in MODULE.findall(command):
            base = folder.joinpath(*module.split("."))
            yield from (base.with_suffix(".py"), base / "__main__.py")
    for path in stage.deps:
        if _is_code(path):
            yield root / path


def _is_code(path: str) -> bool:
    return path.lower().endswith(CODE)
