"""Whether a node's code uses MLflow: read from the files that its command names.

Only words are looked for; nothing is imported or run. Who hides the word behind an import says
so in the stage: ``meta: {mlflow: true}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlws.engine.tracker import Use
from jupyter_mlws.workflows.document.parse import Stage

CODE = (".py", ".ipynb", ".r", ".sh", ".jl")
LARGEST = 5_000_000
"""Bytes of a file that is looked through."""
WORD = re.compile(r"[^\s;&|<>()'\"=]+")
MODULE = re.compile(r"(?:^|\s)-m\s+([\w.]+)")
OWN_PLACE = re.compile(rb"set_experiment\s*\(|set_tracking_uri\s*\(")
"""Calls after which MLflow refuses to go on with a run that is elsewhere."""
COMPONENTS = "components"


def use_of(root: Path, stage: Stage) -> Use:
    """Return how the stage's code uses MLflow; its ``meta`` has precedence."""
    if stage.policy.mlflow is not None:
        return Use.PLAIN if stage.policy.mlflow else Use.NONE
    use = Use.NONE
    for text in _texts(root, stage):
        if b"mlflow" in text:
            if OWN_PLACE.search(text):
                return Use.OWN_PLACE
            use = Use.PLAIN
    return use


def _texts(root: Path, stage: Stage) -> Iterator[bytes]:
    yield from (command.encode(errors="replace") for command in stage.commands)
    for path in dict.fromkeys(_paths(root, stage)):
        try:
            if path.stat().st_size <= LARGEST:
                yield path.read_bytes()
        except OSError:
            # No file after all, or none that we may read: the command will say what it thinks.
            continue
    if any("mlws" in command for command in stage.commands) and stage.component is not None:
        yield from _components(root, stage.component)


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


def _components(root: Path, name: str) -> Iterator[bytes]:
    """Yield the contents of the project's component files that define ``name``."""
    pattern = re.compile(rf"def\s+{re.escape(name)}\b".encode())
    for file in (root / COMPONENTS).glob("*.py"):
        text = file.read_bytes()
        if pattern.search(text):
            yield text
