"""The managers of one project's versions, which share what they know of its history."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_mlws.core.project import Project
from jupyter_mlws.versioning.repository import Repository
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.snapshots.outbox_worker import OutboxWorker

if TYPE_CHECKING:
    from jupyter_mlws.mlflow.client import TrackingClient
    from jupyter_mlws.versioning.code.branches import BranchManager
    from jupyter_mlws.versioning.code.merging import MergeManager
    from jupyter_mlws.versioning.code.remotes import RemoteManager
    from jupyter_mlws.versioning.code.rollback import RollbackManager
    from jupyter_mlws.versioning.code.safety import SafetyManager
    from jupyter_mlws.versioning.code.staging import StagingManager
    from jupyter_mlws.versioning.code.stashes import StashManager
    from jupyter_mlws.versioning.code.tags import TagManager
    from jupyter_mlws.versioning.data.datasets import DatasetManager
    from jupyter_mlws.versioning.data.remotes import DataRemotes
    from jupyter_mlws.versioning.experiments.reproductions import Reproductions
    from jupyter_mlws.versioning.experiments.run_tracking import RunTracker
    from jupyter_mlws.versioning.lineage.graph import LineageReader
    from jupyter_mlws.versioning.model_registry.manager import ModelRegistry


class Versions:
    """Builds each manager when it is first asked for."""

    def __init__(self, project: Project) -> None:
        self._repository = Repository(project)

    @cached_property
    def snapshots(self) -> SnapshotManager:
        return SnapshotManager(self._repository.project, self._repository)

    @cached_property
    def branches(self) -> BranchManager:
        from jupyter_mlws.versioning.code.branches import BranchManager

        return BranchManager(self._repository)

    @cached_property
    def remotes(self) -> RemoteManager:
        from jupyter_mlws.versioning.code.remotes import RemoteManager

        return RemoteManager(self._repository)

    @cached_property
    def merges(self) -> MergeManager:
        from jupyter_mlws.versioning.code.merging import MergeManager

        return MergeManager(self._repository)

    @cached_property
    def staging(self) -> StagingManager:
        from jupyter_mlws.versioning.code.staging import StagingManager

        return StagingManager(self._repository)

    @cached_property
    def rollbacks(self) -> RollbackManager:
        from jupyter_mlws.versioning.code.rollback import RollbackManager

        return RollbackManager(self._repository, self.snapshots)

    @cached_property
    def tags(self) -> TagManager:
        from jupyter_mlws.versioning.code.tags import TagManager

        return TagManager(self._repository)

    @cached_property
    def stashes(self) -> StashManager:
        from jupyter_mlws.versioning.code.stashes import StashManager

        return StashManager(self._repository)

    @cached_property
    def safety(self) -> SafetyManager:
        from jupyter_mlws.versioning.code.safety import SafetyManager

        return SafetyManager(self._repository)

    @cached_property
    def datasets(self) -> DatasetManager:
        from jupyter_mlws.versioning.data.datasets import DatasetManager

        return DatasetManager(self._repository, self.snapshots)

    @cached_property
    def data_remotes(self) -> DataRemotes:
        from jupyter_mlws.versioning.data.remotes import DataRemotes

        return DataRemotes(self._repository)

    @cached_property
    def models(self) -> ModelRegistry:
        from jupyter_mlws.versioning.model_registry.manager import ModelRegistry

        return ModelRegistry(self._repository, self.snapshots)

    def serve(self) -> None:
        """Have what waits, and what a crash left, seen to in the background until the end."""
        if "_courier" not in self.__dict__:
            self._repository.full = self._courier.wake
            self._courier.wake()

    @cached_property
    def _courier(self) -> OutboxWorker:
        return OutboxWorker(self._repository)

    @cached_property
    def runs(self) -> RunTracker:
        from jupyter_mlws.versioning.experiments.run_tracking import RunTracker

        return RunTracker(self._repository, self.snapshots)

    @cached_property
    def reproductions(self) -> Reproductions:
        from jupyter_mlws.versioning.experiments.reproductions import Reproductions

        return Reproductions(self._repository)

    @cached_property
    def lineage(self) -> LineageReader:
        from jupyter_mlws.versioning.lineage.graph import LineageReader

        return LineageReader(self._repository)

    @property
    def tracking(self) -> TrackingClient:
        """MLflow, in its own process."""
        return self._repository.tracking

    def close(self) -> None:
        """End what runs for them."""
        if "_courier" in self.__dict__:
            self._courier.close()
        self._repository.close()
