"""Producers and consumers of a path among the nodes of workflows, read from the workflow files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_mlws.git.adapter import Git
from mlws.dvc.pointers import LOCK_FILE, PIPELINE_FILE, as_mapping, covers, load_mapping


@dataclass(frozen=True)
class NodeUse:
    """A workflow node with the paths of its dependencies and outputs.

    ``commands`` are run one after another in ``folder``.
    """

    workflow: str
    node: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    commands: tuple[str, ...] = ()
    folder: str = ""


def node_uses(git: Git) -> list[NodeUse]:
    """Return every node of the workflows in the working tree."""
    paths = {*git.files(), *git.files(only_untracked=True)}
    workflows = sorted(path for path in paths if posixpath.basename(path) == PIPELINE_FILE)
    uses = []
    for workflow in workflows:
        base = posixpath.dirname(workflow)
        # The lock file has the paths of nodes whose paths are templates.
        lock_stages = _stages(git, posixpath.join(base, LOCK_FILE))
        for name, stage in _stages(git, workflow).items():
            is_template = "${" in str(stage)
            if not is_template and "foreach" not in stage and "matrix" not in stage:
                uses.append(_use(workflow, base, name, stage, stage))
            if is_template:
                definition = stage.get("do") or stage
                uses += [
                    _use(workflow, base, key, definition, lock_stage)
                    for key, lock_stage in lock_stages.items()
                    if key == name or key.startswith(f"{name}@")
                ]
    return uses


def producers(uses: list[NodeUse], path: str) -> list[NodeUse]:
    """Return the nodes that produce ``path``, a path inside it, or a folder that holds it."""
    return [use for use in uses if _meets(use.outs, path)]


def consumers(uses: list[NodeUse], path: str) -> list[NodeUse]:
    """Return the nodes that depend on ``path``, a path inside it, or a folder that holds it."""
    return [use for use in uses if _meets(use.deps, path)]


def _meets(paths: tuple[str, ...], path: str) -> bool:
    return covers(paths, path) or any(covers([path], other) for other in paths)


def _use(
    workflow: str, base: str, name: str, definition: Mapping[str, Any], stage: Mapping[str, Any]
) -> NodeUse:
    folder = posixpath.join(base, str(definition.get("wdir", "")))
    outs = [path for kind in ("outs", "metrics", "plots") for path in _paths(stage.get(kind))]
    deps = _paths(stage.get("deps"))
    commands = stage.get("cmd")
    return NodeUse(
        workflow,
        name,
        tuple(posixpath.normpath(posixpath.join(folder, path)) for path in deps),
        tuple(posixpath.normpath(posixpath.join(folder, path)) for path in outs),
        tuple(map(str, commands if isinstance(commands, list) else [commands or ""])),
        folder,
    )


def _paths(rows: Any) -> Iterator[str]:
    """Yield the paths of a list in ``dvc.yaml`` (string or mapping) or ``dvc.lock`` (row)."""
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, str):
            yield row
        elif isinstance(row, dict):
            yield from [str(row["path"])] if "path" in row else map(str, row)


def _stages(git: Git, path: str) -> dict[str, Any]:
    file = git.root / path
    if not file.is_file():
        return {}
    # The workflow's own page reports the error of one that cannot be read.
    stages = as_mapping(load_mapping(file.read_bytes()).get("stages"))
    return {str(name): stage for name, stage in stages.items() if isinstance(stage, dict)}
