"""The environments of nodes: read when a command starts, and compared with the present ones."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jupyter_mlws.environments.inspector import Inspector
from jupyter_mlws.environments.record import Difference, differences
from jupyter_mlws.workflows.journal.history import RunHistory
from jupyter_mlws.workflows.journal.store import Journal
from jupyter_mlws.workflows.tracking.mlflow_use import code_texts
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.document.parse import Stage
from mlws.dvc.stages import Command, search_path
from mlws.environments.programs import Program, find_program
from mlws.environments.python_packages import normalize

START = re.compile(
    r"(?:uv run --frozen --project [\w./+-]+ )?(?:jupyter mlws node|[\w./+-]*python[\d.]*) "
)
"""First words of a command that alone decide what runs it."""
IMPORT = re.compile(rb"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
PACKAGES_OF_MODULES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Packages whose modules have another name."""
COMPONENT_PACKAGES = ("scikit-learn", "pandas", "numpy", "jupyter-mlws")
"""Packages that components use, named before others."""
MAX_SHOWN = 3
"""Packages that a reason names."""
OTHER_ENVIRONMENT = Message("same inputs, other environment: {changes}")
OTHER_ENVIRONMENT_AND_MORE = Message("same inputs, other environment: {changes} and {more} more")


log = logging.getLogger(__name__)


class _Programs:
    """Finds the programs of commands, once for all that begin alike."""

    def __init__(self) -> None:
        self._programs: dict[tuple[str, str, str | None], Program | None] = {}

    def find(
        self, lines: Iterable[str], folder: str, variables: Mapping[str, str]
    ) -> Program | None:
        for line in lines:
            start = START.match(line)
            key = (start[0] if start else line, folder, variables.get("PATH"))
            if key not in self._programs:
                self._programs[key] = find_program(line, folder, variables)
            if (program := self._programs[key]) is not None:
                return program
        return None


class NodePackages:
    """Reads the environments of one run's commands on this machine."""

    def __init__(self, project: Project, journal: Journal) -> None:
        self._journal = journal
        self._inspector = Inspector(project.state)
        self._programs = _Programs()
        self._stored: set[str] = set()

    def before(self, command: Command) -> str | None:
        """Return the ID of the environment of a command that has just started; None without one."""
        return self._read(command, None)

    def after(self, command: Command, before: str | None) -> str | None:
        """Return the ID after its end: some programs install packages before they run others."""
        return self._read(command, before)

    def save(self) -> None:
        """Keep the environments for later processes."""
        self._inspector.save()

    def _read(self, command: Command, before: str | None) -> str | None:
        try:
            program = self._programs.find(command.shown, command.folder, command.environment)
            if program is None or (before is not None and not program.syncs):
                return before
            environment = self._inspector.environment(program, command.environment)
        except Exception:
            # The record of an environment must not fail a run.
            log.exception("The environment of %s cannot be read", command.shown)
            return before
        if environment is None:
            return before
        if environment.id not in self._stored:
            self._journal.keep_environment(environment.id, environment.text)
            self._stored.add(environment.id)
        return environment.id


def changes_since(
    project: Project,
    history: RunHistory,
    stages: Mapping[str, Stage],
    outputs: Mapping[str, Mapping[str, str | None]],
    *,
    may_start: bool = False,
) -> dict[str, list[Difference]]:
    """Return, by node, in what its environment differs from the one that made its result.

    ``outputs``: the hashes of the results, by node. Nodes whose environment is unknown are left
    out; unless ``may_start`` is true, so are programs that no run has started yet.
    """
    makers = history.result_environments(outputs)
    records = history.environments(set(makers.values()))
    inspector, programs = Inspector(project.state, may_start=may_start), _Programs()
    variables = {**os.environ, "PATH": search_path(sys.executable, os.environ)}
    comparisons: dict[tuple[str, ...], list[Difference]] = {}
    changes: dict[str, list[Difference]] = {}
    for name, identifier in makers.items():
        stage, before = stages[name], records.get(identifier)
        folder = str(project.root / stage.wdir)
        program = programs.find(stage.commands, folder, variables)
        if before is None or program is None:
            continue
        now = inspector.environment(program, variables)
        if now is not None and now.id != before.id:
            imports = imports_of(project.root, stage)
            # Most nodes have the same environments and imports.
            key = (before.id, now.id, *imports)
            if key not in comparisons:
                comparisons[key] = differences(before, now, imports)
            changes[name] = comparisons[key]
    return changes


def describe_changes(changes: Sequence[Difference]) -> Message:
    """Return the differences of an environment as a reason, which names the first of them."""
    names = ", ".join(str(change) for change in changes[:MAX_SHOWN])
    if len(changes) <= MAX_SHOWN:
        return OTHER_ENVIRONMENT.fill(changes=names)
    return OTHER_ENVIRONMENT_AND_MORE.fill(changes=names, more=len(changes) - MAX_SHOWN)


def imports_of(root: Path, stage: Stage) -> list[str]:
    """Return the packages that a node's code names in its imports."""
    if stage.component is not None:
        return list(COMPONENT_PACKAGES)
    modules = (name.decode() for text in code_texts(root, stage) for name in IMPORT.findall(text))
    return list(
        dict.fromkeys(PACKAGES_OF_MODULES.get(module) or normalize(module) for module in modules)
    )
