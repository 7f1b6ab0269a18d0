"""Endpoints of snapshots."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Reply, Work
from jupyter_mlws.core.errors import UnrelatedHistoriesError, VersionItemNotFoundError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.server.endpoints.errors import COMMIT_ERRORS, DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.versioning.models import (
    HistoryQuery,
    PlanQuery,
    RestorePlan,
    RestoreRequest,
    RestoreResult,
    Snapshot,
    SnapshotCreate,
    SnapshotCreated,
    SnapshotDetail,
    SnapshotDiff,
    SnapshotDiffQuery,
)
from jupyter_mlws.versioning.snapshots.proof_models import (
    Collected,
    CollectRequest,
    Repaired,
    Verification,
    VerifyRequest,
)
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import DataCredentialsError, RemoteUnreachableError

endpoints = Endpoints("snapshots", GIT_ERRORS)


@endpoints.get("snapshots", "List snapshots", shared=True, errors=[VersionItemNotFoundError])
def list_snapshots(workspace: Workspace, query: HistoryQuery) -> Page[Snapshot]:
    return workspace.snapshots.list(query)


@endpoints.post(
    "snapshots",
    "Create a snapshot of code, data and runs",
    status=201,
    also=WRITES,
    errors=COMMIT_ERRORS,
)
def create_snapshot(workspace: Workspace, body: SnapshotCreate) -> Reply[SnapshotCreated]:
    snapshot = workspace.snapshots.create(
        **body.model_dump(exclude={"staged", "pushed"}), staged_only=body.staged, force=body.pushed
    )
    return Reply(snapshot, location=("snapshots", snapshot.id))


@endpoints.get(
    "snapshots/diff",
    "Compare two snapshots",
    errors=[*DVC_ERRORS, UnrelatedHistoriesError, VersionItemNotFoundError],
)
def compare_snapshots(workspace: Workspace, query: SnapshotDiffQuery) -> SnapshotDiff:
    return workspace.snapshots.comparison.versions(query.from_, query.to)


@endpoints.get(
    "snapshots/{snapshot}",
    "Get a snapshot with its verification",
    shared=True,
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def get_snapshot(workspace: Workspace, identifier: str) -> SnapshotDetail:
    return workspace.snapshots.get(identifier)


@endpoints.get(
    "snapshots/{snapshot}/restore-plan",
    "Plan a restore",
    errors=[*DVC_ERRORS, VersionItemNotFoundError, DataCredentialsError, RemoteUnreachableError],
)
def plan_restore(workspace: Workspace, identifier: str, query: PlanQuery) -> RestorePlan:
    return workspace.snapshots.restore_plan(identifier, query.paths)


@endpoints.post(
    "snapshots/{snapshot}/restore",
    "Restore a snapshot",
    also=WRITES,
    errors=[VersionItemNotFoundError],
)
def restore_snapshot(
    workspace: Workspace, identifier: str, body: RestoreRequest
) -> Work[RestoreResult]:
    workspace.snapshots.check_restorable(identifier, body.paths)
    return Work(
        "restore", lambda progress: workspace.snapshots.restore(identifier, body.paths, progress)
    )


@endpoints.post(
    "snapshots/{snapshot}/verify",
    "Verify every object of a snapshot in git, the cache and the remote",
    errors=[VersionItemNotFoundError],
)
def verify_snapshot(
    workspace: Workspace, identifier: str, body: VerifyRequest
) -> Work[Verification]:
    sha = workspace.snapshots.resolve(identifier)
    return Work(
        "verify",
        lambda progress: workspace.snapshots.verify(sha, quick=body.quick, progress=progress),
    )


@endpoints.post(
    "snapshots/{snapshot}/repair",
    "Repair missing or damaged objects of a snapshot from any available copy",
    errors=[VersionItemNotFoundError],
)
def repair_snapshot(workspace: Workspace, identifier: str, body: VerifyRequest) -> Work[Repaired]:
    sha = workspace.snapshots.resolve(identifier)
    return Work(
        "repair",
        lambda progress: workspace.snapshots.repair(sha, quick=body.quick, progress=progress),
    )


@endpoints.post("datasets/gc", "List unused data in the cache, or delete it", resource="datasets")
def collect_garbage(workspace: Workspace, body: CollectRequest) -> Work[Collected]:
    return Work(
        "collection",
        lambda progress: workspace.snapshots.collect(confirm=body.confirm, progress=progress),
    )
