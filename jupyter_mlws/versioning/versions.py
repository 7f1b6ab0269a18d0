"""The managers of one project's versions, which share what they know of its history."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_mlws.project import Project
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots import SnapshotManager

if TYPE_CHECKING:
    from jupyter_mlws.versioning.branches import BranchManager
    from jupyter_mlws.versioning.data_remotes import DataRemotes
    from jupyter_mlws.versioning.datasets import DatasetManager
    from jupyter_mlws.versioning.lineage_graph import LineageReader
    from jupyter_mlws.versioning.registry import ModelRegistry
    from jupyter_mlws.versioning.remotes import RemoteManager
    from jupyter_mlws.versioning.reproductions import Reproductions
    from jupyter_mlws.versioning.run_tracking import RunTracker
    from jupyter_mlws.versioning.tracking import TrackingClient


class Versions:
    """Builds each manager when it is first asked for."""

    def __init__(self, project: Project) -> None:
        self._repository = Repository(project)

    @cached_property
    def snapshots(self) -> SnapshotManager:
        return SnapshotManager(self._repository.project, self._repository)

    @cached_property
    def branches(self) -> BranchManager:
        from jupyter_mlws.versioning.branches import BranchManager

        return BranchManager(self._repository)

    @cached_property
    def remotes(self) -> RemoteManager:
        from jupyter_mlws.versioning.remotes import RemoteManager

        return RemoteManager(self._repository)

    @cached_property
    def datasets(self) -> DatasetManager:
        from jupyter_mlws.versioning.datasets import DatasetManager

        return DatasetManager(self._repository, self.snapshots)

    @cached_property
    def data_remotes(self) -> DataRemotes:
        from jupyter_mlws.versioning.data_remotes import DataRemotes

        return DataRemotes(self._repository)

    @cached_property
    def models(self) -> ModelRegistry:
        from jupyter_mlws.versioning.registry import ModelRegistry

        return ModelRegistry(self._repository, self.snapshots)

    @cached_property
    def runs(self) -> RunTracker:
        from jupyter_mlws.versioning.run_tracking import RunTracker

        return RunTracker(self._repository, self.snapshots)

    @cached_property
    def reproductions(self) -> Reproductions:
        from jupyter_mlws.versioning.reproductions import Reproductions

        return Reproductions(self._repository)

    @cached_property
    def lineage(self) -> LineageReader:
        from jupyter_mlws.versioning.lineage_graph import LineageReader

        return LineageReader(self._repository)

    @property
    def tracking(self) -> TrackingClient:
        """MLflow, in its own process."""
        return self._repository.tracking

    def close(self) -> None:
        """End what runs for them."""
        self._repository.close()
