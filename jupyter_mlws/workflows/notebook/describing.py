"""Notebooks of nodes as components: what their settings are, without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlws.core.errors import MLWSError, WorkflowItemNotFoundError
from jupyter_mlws.core.project import Project
from jupyter_mlws.workflows.document import Stage

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component

Key = tuple[str, int, int]


class Notebooks:
    """The notebooks of one project's nodes; a file is read again only when it changes."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._cache: dict[Key, Component] = {}

    def of(self, stages: Iterable[Stage]) -> dict[str, Component]:
        """What describes each stage that runs a notebook that is there, by its key."""
        named = {s.described_by: s.notebook for s in stages if s.notebook is not None}
        found = {key: self._read(path) for key, path in named.items()}
        return {key: component for key, component in found.items() if component is not None}

    def one(self, path: str) -> Component:
        """What describes the notebook at a path; error 40401 where there is none."""
        found = self._read(path) if path.endswith(".ipynb") else None
        if found is None:
            raise WorkflowItemNotFoundError(kind="notebook", name=path)
        return found

    def _read(self, path: str) -> Component | None:
        try:
            file = self._project.resolve(path)
            status = file.stat()
        except (MLWSError, OSError):
            # That it is missing is told where its dependencies are.
            return None
        key = (path, status.st_mtime_ns, status.st_size)
        if key not in self._cache:
            self._cache[key] = _described(path, file)
        return self._cache[key]


def _described(path: str, file: Path) -> Component:
    from jupyter_mlws.components.models import Component
    from jupyter_mlws.workflows.notebook.parameters import NotebookError, read, schema

    settings, error = {}, None
    try:
        settings = schema(read(file.read_bytes()))
    except (NotebookError, OSError) as failure:
        error = str(failure)
    return Component(
        name=path,
        title=path,
        category="Notebook",
        description="",
        inputs=[],
        outputs=[],
        settings=settings,
        source="project",
        path=path,
        error=error,
    )
