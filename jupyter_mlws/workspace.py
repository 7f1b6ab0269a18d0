"""The managers of one project: what handlers, magics and the command line work on."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mlws.core.project import Project

if TYPE_CHECKING:
    from jupyter_mlws.environments.manager import EnvironmentManager
    from jupyter_mlws.mlflow.client import TrackingClient
    from jupyter_mlws.versioning.code.branches import BranchManager
    from jupyter_mlws.versioning.code.merging import MergeManager
    from jupyter_mlws.versioning.code.operations import OperationManager
    from jupyter_mlws.versioning.code.remotes import RemoteManager
    from jupyter_mlws.versioning.code.rewriting import RewriteManager
    from jupyter_mlws.versioning.code.safety import SafetyManager
    from jupyter_mlws.versioning.code.staging import StagingManager
    from jupyter_mlws.versioning.code.stashes import StashManager
    from jupyter_mlws.versioning.data.datasets import DatasetManager
    from jupyter_mlws.versioning.data.remotes import DataRemotes
    from jupyter_mlws.versioning.experiments.reproductions import Reproductions
    from jupyter_mlws.versioning.experiments.run_outputs import RunOutputs
    from jupyter_mlws.versioning.experiments.run_tracking import RunTracker
    from jupyter_mlws.versioning.model_registry.manager import ModelRegistry
    from jupyter_mlws.versioning.repository import Repository
    from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
    from jupyter_mlws.versioning.snapshots.outbox_worker import OutboxWorker
    from jupyter_mlws.workflows.experiments import Experiments
    from jupyter_mlws.workflows.manager import WorkflowManager
    from jupyter_mlws.workflows.run.runs import Runs
    from jupyter_mlws.workflows.run_manager import RunManager
    from jupyter_mlws.workflows.table_merging import TableManager


class Workspace:
    """Imports and builds each manager of a project when it is first used.

    ``on_server``: snapshots that wait for a remote, and what a crash left, are handled in the
    background.
    """

    def __init__(self, project: Project, *, on_server: bool = False) -> None:
        self.project = project
        self._on_server = on_server

    @classmethod
    def open(cls, path: Path) -> Workspace:
        """Return the workspace of the project that ``path`` lies in."""
        return cls(Project.open(path))

    @cached_property
    def _repository(self) -> Repository:
        from jupyter_mlws.versioning.repository import Repository

        repository = Repository(self.project)
        if self._on_server:
            from jupyter_mlws.versioning.snapshots.outbox_worker import OutboxWorker

            self._outbox_worker: OutboxWorker = OutboxWorker(repository)
            repository.full = self._outbox_worker.wake
            repository.full()
        return repository

    @property
    def tracking(self) -> TrackingClient:
        """MLflow, in its own process."""
        return self._repository.tracking

    @cached_property
    def snapshots(self) -> SnapshotManager:
        from jupyter_mlws.versioning.snapshots.manager import SnapshotManager

        return SnapshotManager(self.project, self._repository)

    @cached_property
    def tables(self) -> TableManager:
        from jupyter_mlws.workflows.table_merging import TableManager

        return TableManager(self._repository, self.snapshots.comparison)

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
    def operations(self) -> OperationManager:
        from jupyter_mlws.versioning.code.operations import OperationManager

        return OperationManager(self._repository, self.merges)

    @cached_property
    def staging(self) -> StagingManager:
        from jupyter_mlws.versioning.code.staging import StagingManager

        return StagingManager(self._repository)

    @cached_property
    def rewrites(self) -> RewriteManager:
        from jupyter_mlws.versioning.code.rewriting import RewriteManager

        return RewriteManager(self._repository, self.merges, self.snapshots)

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

        return ModelRegistry(self._repository, self.snapshots, self.run_outputs)

    @cached_property
    def run_outputs(self) -> RunOutputs:
        from jupyter_mlws.versioning.experiments.run_outputs import RunOutputs

        return RunOutputs(self._repository)

    @cached_property
    def run_tracker(self) -> RunTracker:
        from jupyter_mlws.versioning.experiments.run_tracking import RunTracker

        return RunTracker(self._repository, self.snapshots)

    @cached_property
    def reproductions(self) -> Reproductions:
        from jupyter_mlws.versioning.experiments.reproductions import Reproductions

        return Reproductions(self._repository)

    @cached_property
    def environments(self) -> EnvironmentManager:
        from jupyter_mlws.environments.manager import EnvironmentManager
        from jupyter_mlws.versioning.lineage.environments import environment_uses

        return EnvironmentManager(
            self.project, lambda definition: environment_uses(self._repository.git, definition)
        )

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
        from jupyter_mlws.workflows.experiments import Experiments

        return Experiments(self.runs, self._repository)

    @cached_property
    def run_manager(self) -> RunManager:
        from jupyter_mlws.workflows.run_manager import RunManager
        from jupyter_mlws.workflows.run_page import RunPage

        page = RunPage(self._repository, self.run_outputs, self.workflows.results)
        return RunManager(self.experiments, self._repository, page)

    def close(self) -> None:
        """Close the managers that were built."""
        for name in ("_outbox_worker", "_repository", "runs"):
            if name in vars(self):
                vars(self)[name].close()
