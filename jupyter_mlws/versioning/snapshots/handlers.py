"""Endpoints of snapshots."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    DataCredentialsError,
    RemoteUnreachableError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.handling import COMMIT_ERRORS, DVC_ERRORS, WRITES, VersioningHandler
from jupyter_mlws.versioning.models import (
    HistoryQuery,
    PlanQuery,
    RestorePlan,
    RestoreRequest,
    Snapshot,
    SnapshotCreate,
    SnapshotCreated,
    SnapshotDetail,
    SnapshotDiff,
    SnapshotDiffQuery,
)
from jupyter_mlws.versioning.snapshots.proof_models import CollectRequest, VerifyRequest


class SnapshotsHandler(VersioningHandler):
    """All snapshots."""

    resource = "snapshots"

    @endpoint(
        "List snapshots",
        Page[Snapshot],
        query=HistoryQuery,
        shared=True,
        errors=[VersionItemNotFoundError],
    )
    async def get(self, query: HistoryQuery) -> Page[Snapshot]:
        manager = await self.snapshots()
        return await in_thread(manager.list, query)

    @endpoint(
        "Create a snapshot of code, data and runs",
        SnapshotCreated,
        body=SnapshotCreate,
        status=201,
        also=WRITES,
        errors=COMMIT_ERRORS,
    )
    async def post(self, body: SnapshotCreate) -> Reply:
        manager = await self.snapshots()
        made = await in_thread(
            manager.create,
            body.message,
            body.paths,
            allow_secrets=body.allow_secrets,
            allow_many=body.allow_many,
            staged=body.staged,
        )
        return Reply(made, 201, location(self, "snapshots", made.id))


class SnapshotHandler(VersioningHandler):
    """One snapshot."""

    resource = "snapshots"

    @endpoint(
        "Get a snapshot with its verification",
        SnapshotDetail,
        shared=True,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def get(self, identifier: str) -> SnapshotDetail:
        manager = await self.snapshots()
        return await in_thread(manager.get, identifier)


class SnapshotDiffHandler(VersioningHandler):
    """Two snapshots side by side."""

    resource = "snapshots"

    @endpoint(
        "Compare two snapshots",
        SnapshotDiff,
        query=SnapshotDiffQuery,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def get(self, query: SnapshotDiffQuery) -> SnapshotDiff:
        manager = await self.snapshots()
        return await in_thread(manager.compare, query.from_, query.to)


class RestorePlanHandler(VersioningHandler):
    """What a restore would do."""

    resource = "snapshots"

    @endpoint(
        "Plan a restore",
        RestorePlan,
        query=PlanQuery,
        errors=[
            *DVC_ERRORS,
            VersionItemNotFoundError,
            DataCredentialsError,
            RemoteUnreachableError,
        ],
    )
    async def get(self, identifier: str, query: PlanQuery) -> RestorePlan:
        manager = await self.snapshots()
        return await in_thread(manager.restore_plan, identifier, query.paths)


class RestoreHandler(VersioningHandler):
    """A restore."""

    resource = "snapshots"

    @endpoint(
        "Restore a snapshot",
        Operation,
        body=RestoreRequest,
        status=202,
        also=WRITES,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: RestoreRequest) -> Reply:
        manager = await self.snapshots()
        # What can't be restored at all is refused now, not by an operation that fails.
        await in_thread(manager.check_restorable, identifier, body.paths)

        return self.begin("restore", lambda told: manager.restore(identifier, body.paths, told))


class VerifyHandler(VersioningHandler):
    """Proof of a snapshot, object by object."""

    resource = "snapshots"

    @endpoint(
        "Verify every object of a snapshot in git, the cache and the remote",
        Operation,
        body=VerifyRequest,
        status=202,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: VerifyRequest) -> Reply:
        manager = await self.snapshots()
        sha = await in_thread(manager.resolve, identifier)
        return self.begin(
            "verify", lambda told: manager.verify(sha, quick=body.quick, progress=told)
        )


class RepairHandler(VersioningHandler):
    """A repair of a snapshot."""

    resource = "snapshots"

    @endpoint(
        "Repair missing or damaged objects of a snapshot from any available copy",
        Operation,
        body=VerifyRequest,
        status=202,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: VerifyRequest) -> Reply:
        manager = await self.snapshots()
        sha = await in_thread(manager.resolve, identifier)
        return self.begin(
            "repair", lambda told: manager.repair(sha, quick=body.quick, progress=told)
        )


class CollectHandler(VersioningHandler):
    """What of the cache no version names."""

    resource = "datasets"

    @endpoint(
        "List unused data in the cache, or delete it",
        Operation,
        body=CollectRequest,
        status=202,
    )
    async def post(self, body: CollectRequest) -> Reply:
        manager = await self.snapshots()
        return self.begin(
            "collection", lambda told: manager.collect(confirm=body.confirm, progress=told)
        )


HANDLERS = [
    (r"snapshots", SnapshotsHandler),
    (r"snapshots/diff", SnapshotDiffHandler),
    (r"snapshots/([^/]+)", SnapshotHandler),
    (r"snapshots/([^/]+)/restore-plan", RestorePlanHandler),
    (r"snapshots/([^/]+)/restore", RestoreHandler),
    (r"snapshots/([^/]+)/verify", VerifyHandler),
    (r"snapshots/([^/]+)/repair", RepairHandler),
    (r"datasets/gc", CollectHandler),
]
