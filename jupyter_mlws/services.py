"""What the server extension builds once and passes to every handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlws.containers.manager import ContainerManager
    from jupyter_mlws.notebooks.manager import NotebookManager
    from jupyter_mlws.operations import OperationManager
    from jupyter_mlws.projects.manager import ProjectManager
    from jupyter_mlws.watcher import Watchers


@dataclass(frozen=True)
class Services:
    """The managers of one server."""

    projects: ProjectManager
    operations: OperationManager
    watchers: Watchers
    notebooks: NotebookManager
    containers: ContainerManager | None
    """None where no Hub started this server."""
