"""Parts of a snapshot that a capsule cannot have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jupyter_mlws.capsules.history import is_text
from jupyter_mlws.capsules.provenance import Workflow
from jupyter_mlws.git.adapter import Git, TreeEntry
from jupyter_mlws.git.merge import SUBMODULE
from jupyter_mlws.versioning.data_index import format_paths
from mlws.core.i18n import Message
from mlws.dvc.pointers import DataPointer, covers

INPUTS = Message(
    "Inputs are in neither git nor DVC, so the capsule lacks them: {paths}. Add them by "
    "`jupyter mlws data add`, and commit."
)
RUNS = Message("MLflow has no record of runs that the snapshot names: {runs}")
SUBMODULES = Message("Submodules are not in the capsule: {paths}")
LFS = Message(
    "Files of Git LFS are in the capsule as pointers only: who opens it needs their server."
)
NAMES = Message("Only the history has files whose names are not UTF-8: {paths}")


def find_gaps(
    git: Git,
    entries: Sequence[TreeEntry],
    items: Sequence[DataPointer],
    workflows: Sequence[Workflow],
    runs: Sequence[str],
) -> Iterator[Message]:
    """Yield what is missing; ``items`` and ``runs`` are those that the snapshot names."""
    steps = [step for workflow in workflows for step in workflow.steps]
    paths = {entry.path for entry in entries} | {item.path for item in items}
    paths |= {out.path for step in steps for out in step.outputs}
    inputs = {
        item.path
        for step in steps
        for item in step.inputs
        # A directory may be an input as a whole, or a file in a directory of data.
        if item.path not in paths
        and not covers(paths, item.path)
        and not any(covers([item.path], path) for path in paths)
    }
    if inputs:
        yield INPUTS.fill(paths=", ".join(sorted(inputs)))
    known_runs = {run.id for workflow in workflows for run in workflow.runs}
    if unknown_runs := [run for run in runs if run not in known_runs]:
        yield RUNS.fill(runs=", ".join(unknown_runs))
    if submodules := [entry.path for entry in entries if entry.mode == SUBMODULE]:
        yield SUBMODULES.fill(paths=", ".join(submodules))
    attributes = [entry.sha for entry in entries if entry.path.endswith(".gitattributes")]
    if attributes and any(b"filter=lfs" in text for text in git.blobs(attributes).values()):
        yield LFS
    if names := [entry.path for entry in entries if not is_text(entry.path)]:
        yield NAMES.fill(paths=", ".join(format_paths(names)))
