"""Notebooks of nodes as components: what their settings are, without running anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlws.core.errors import MLWSError, WorkflowItemNotFoundError
from jupyter_mlws.core.project import Project
from jupyter_mlws.workflows.document.parse import Stage

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component

Key = tuple[str, int, int]


class Notebooks:
    """Notebooks of one project's nodes as components; a file is read again only after a change."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._cache: dict[Key, Component] = {}

    def of(self, stages: Iterable[Stage]) -> dict[str, Component]:
        """Return the component of each existing notebook that a stage runs, by the stage's key."""
        paths = {s.described_by: s.notebook for s in stages if s.notebook is not None}
        components = {key: self._read(path) for key, path in paths.items()}
        return {key: component for key, component in components.items() if component is not None}

    def one(self, path: str) -> Component:
        """Return the notebook at a path as a component; raise error 40401 if there is none."""
        component = self._read(path) if path.endswith(".ipynb") else None
        if component is None:
            raise WorkflowItemNotFoundError(kind="notebook", name=path)
        return component

    def _read(self, path: str) -> Component | None:
        try:
            file = self._project.resolve(path)
            status = file.stat()
        except (MLWSError, OSError):
            # That it is missing is told where its dependencies are.
            return None
        key = (path, status.st_mtime_ns, status.st_size)
        if key not in self._cache:
            self._cache[key] = _to_component(path, file)
        return self._cache[key]


def _to_component(path: str, file: Path) -> Component:
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
