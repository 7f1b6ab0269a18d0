"""A project together with its managers: what handlers, magics and command line work on."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlws.core.project import Project

if TYPE_CHECKING:
    from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
    from jupyter_mlws.versioning.versions import Versions
    from jupyter_mlws.workflows.manager import WorkflowManager
    from jupyter_mlws.workflows.run.runs import Runs
    from jupyter_mlws.workflows.tracking.experiments import Experiments


class Workspace:
    """Builds each manager of a project once, when it is first asked for; closes them.

    On a server what waits to be sent, and what a crash left, is seen to in the background.
    """

    def __init__(self, project: Project, *, on_server: bool = False) -> None:
        self.project = project
        self._on_server = on_server

    @classmethod
    def open(cls, path: Path) -> Workspace:
        """The workspace of the project that ``path`` lies in."""
        return cls(Project.open(path))

    @cached_property
    def versions(self) -> Versions:
        from jupyter_mlws.versioning.versions import Versions

        versions = Versions(self.project)
        if self._on_server:
            versions.serve()
        return versions

    @property
    def snapshots(self) -> SnapshotManager:
        return self.versions.snapshots

    @cached_property
    def workflows(self) -> WorkflowManager:
        from jupyter_mlws.workflows.manager import WorkflowManager

        return WorkflowManager(self.project, self.runs)

    @cached_property
    def runs(self) -> Runs:
        from jupyter_mlws.workflows.run.runs import Runs

        return Runs(self.project)

    @cached_property
    def experiments(self) -> Experiments:
        from jupyter_mlws.workflows.tracking.experiments import Experiments

        return Experiments(self.workflows, self.versions.tracking)

    def close(self) -> None:
        """Close the managers that were built."""
        self.__dict__.pop("experiments", None)
        for name in ("versions", "workflows", "runs"):
            manager = self.__dict__.pop(name, None)
            if manager is not None:
                manager.close()
