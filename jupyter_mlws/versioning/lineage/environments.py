"""Nodes and notebooks that use an environment of the project, read from their files."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlws.environments.models import EnvironmentUse
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.versioning.lineage.workflows import node_uses
from mlws.environments.definitions import Definition
from mlws.environments.programs import find_program
from mlws.environments.python_packages import read_file

MAX_UNTRACKED_BYTES = 5_000_000
"""Larger notebooks that git does not track are not read."""


def environment_uses(git: Git, definition: Definition) -> list[EnvironmentUse]:
    """Return the nodes whose commands run in an environment, then the notebooks of its kernel."""
    nodes = []
    for use in node_uses(git):
        folder = str(git.root / use.folder)
        programs = [find_program(command, folder, os.environ) for command in use.commands]
        if any(program and _is_in(program.path, definition) for program in programs):
            nodes.append(EnvironmentUse(kind="node", path=use.workflow, name=use.node))
    notebooks = [
        EnvironmentUse(kind="notebook", path=path, name=posixpath.basename(path))
        for path in _notebooks(git)
        if _kernel(git.root / path, definition.kernel) == definition.kernel
    ]
    return nodes + notebooks


def _is_in(program: str, definition: Definition) -> bool:
    """Return whether a program is one of an environment, which need not be installed."""
    # Not resolved: the interpreter of an environment is a link to one outside.
    return Path(os.path.normpath(program)).parent == definition.python.parent


def _notebooks(git: Git) -> Iterator[str]:
    tracked = set(git.files())
    for path in sorted(tracked.union(git.files(only_untracked=True))):
        file = git.root / path
        is_notebook = path.endswith(".ipynb") and file.is_file() and not file.is_symlink()
        if is_notebook and (path in tracked or file.stat().st_size <= MAX_UNTRACKED_BYTES):
            yield path


def _kernel(notebook: Path, name: str) -> str | None:
    """Return the kernel of a notebook that has ``name`` somewhere in it; None if there is none."""
    try:
        content = read_file(notebook)
        # Most notebooks need no parsing.
        if name.encode() not in content:
            return None
        return str(json.loads(content)["metadata"]["kernelspec"]["name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
