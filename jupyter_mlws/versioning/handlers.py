"""Endpoints of code and snapshots."""

from __future__ import annotations

from jupyter_mlws.api.base import APIHandler
from jupyter_mlws.api.models import Page
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.operations import Operation, Progress
from jupyter_mlws.versioning.models import (
    CodeVersion,
    Diff,
    DiffQuery,
    DiffReply,
    FileDiff,
    GitStatus,
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
from jupyter_mlws.versioning.snapshots import SnapshotManager

COMMIT_ERRORS = (
    "30102", "30103", "30106", "30201", "30203", "30205", "30206", "30207", "30208", "30209",
    "30210", "30401", "30402", "50302",
)  # fmt: skip


class VersioningHandler(APIHandler):
    """Base of the handlers here."""

    async def snapshots(self) -> SnapshotManager:
        """The manager of the project that is asked for."""
        workspace = await self.open_workspace()
        return await in_thread(lambda: workspace.snapshots)


class StatusHandler(VersioningHandler):
    """The working tree."""

    resource = "git"

    @endpoint("Get branch and uncommitted changes", GitStatus, errors=["50402"])
    async def get(self) -> GitStatus:
        manager = await self.snapshots()
        return await in_thread(manager.status)


class DiffHandler(VersioningHandler):
    """Differences between versions, or a version and the working tree."""

    resource = "git"

    @endpoint(
        "List the files that differ, or compare one file",
        DiffReply,
        query=DiffQuery,
        errors=["30404", "50302", "50402"],
    )
    async def get(self, query: DiffQuery) -> Diff | FileDiff:
        manager = await self.snapshots()
        if query.path is not None:
            return await in_thread(manager.file_diff, query.path, query.from_, query.to)
        return Diff(files=list(await in_thread(manager.diff, query.from_, query.to)))


class CommitHandler(VersioningHandler):
    """Commits, in the specification's words."""

    resource = "git"

    @endpoint(
        "Commit changes",
        CodeVersion,
        body=SnapshotCreate,
        status=201,
        also=[("write", "contents")],
        errors=COMMIT_ERRORS,
    )
    async def post(self, body: SnapshotCreate) -> Reply:
        manager = await self.snapshots()
        made = await in_thread(
            manager.create, body.message, body.paths, allow_secrets=body.allow_secrets
        )
        version = await in_thread(manager.code_version, made.id)
        return Reply(version, 201, location(self, "snapshots", made.id))


class HistoryHandler(VersioningHandler):
    """History, in the specification's words."""

    resource = "git"

    @endpoint("List commits", Page[CodeVersion], query=HistoryQuery, errors=["30404", "50402"])
    async def get(self, query: HistoryQuery) -> Page[CodeVersion]:
        manager = await self.snapshots()
        return await in_thread(
            manager.history,
            start=query.ref,
            path=query.path,
            author=query.author,
            text=query.q,
            limit=query.limit,
            cursor=query.cursor,
        )


class SnapshotsHandler(VersioningHandler):
    """All snapshots."""

    resource = "snapshots"

    @endpoint("List snapshots", Page[Snapshot], query=HistoryQuery, errors=["30404", "50402"])
    async def get(self, query: HistoryQuery) -> Page[Snapshot]:
        manager = await self.snapshots()
        return await in_thread(
            manager.list,
            start=query.ref,
            path=query.path,
            author=query.author,
            text=query.q,
            limit=query.limit,
            cursor=query.cursor,
        )

    @endpoint(
        "Make a snapshot of code, data and runs",
        SnapshotCreated,
        body=SnapshotCreate,
        status=201,
        also=[("write", "contents")],
        errors=COMMIT_ERRORS,
    )
    async def post(self, body: SnapshotCreate) -> Reply:
        manager = await self.snapshots()
        made = await in_thread(
            manager.create,
            body.message,
            body.paths,
            allow_secrets=body.allow_secrets,
            language=self.language,
        )
        return Reply(made, 201, location(self, "snapshots", made.id))


class SnapshotHandler(VersioningHandler):
    """One snapshot."""

    resource = "snapshots"

    @endpoint("Get a snapshot with its proof", SnapshotDetail, errors=["30404", "50402"])
    async def get(self, identifier: str) -> SnapshotDetail:
        manager = await self.snapshots()
        return await in_thread(manager.get, identifier)


class SnapshotDiffHandler(VersioningHandler):
    """Two snapshots side by side."""

    resource = "snapshots"

    @endpoint(
        "Compare two snapshots", SnapshotDiff, query=SnapshotDiffQuery, errors=["30404", "50402"]
    )
    async def get(self, query: SnapshotDiffQuery) -> SnapshotDiff:
        manager = await self.snapshots()
        return await in_thread(manager.compare, query.from_, query.to)


class RestorePlanHandler(VersioningHandler):
    """What a restore would do."""

    resource = "snapshots"

    @endpoint("Plan a restore", RestorePlan, query=PlanQuery, errors=["30404", "50302", "50402"])
    async def get(self, identifier: str, query: PlanQuery) -> RestorePlan:
        manager = await self.snapshots()
        return await in_thread(manager.restore_plan, identifier, query.paths, self.language)


class RestoreHandler(VersioningHandler):
    """A restore."""

    resource = "snapshots"

    @endpoint(
        "Restore a snapshot",
        Operation,
        body=RestoreRequest,
        status=202,
        also=[("write", "contents")],
        errors=["30404", "50302", "50402"],
    )
    async def post(self, identifier: str, body: RestoreRequest) -> Reply:
        manager = await self.snapshots()
        # What can't be restored at all is refused now, not by an operation that fails.
        await in_thread(manager.check_restorable, identifier, body.paths)

        def work(progress: Progress) -> dict[str, object]:
            result: RestoreResult = manager.restore(identifier, body.paths, progress)
            return result.model_dump(mode="json")

        operation = self.services.operations.start("restore", work)
        return Reply(operation, 202, location(self, "operations", operation.id))


HANDLERS = [
    (r"git/status", StatusHandler),
    (r"git/diff", DiffHandler),
    (r"git/commit", CommitHandler),
    (r"git/history", HistoryHandler),
    (r"snapshots", SnapshotsHandler),
    (r"snapshots/diff", SnapshotDiffHandler),
    (r"snapshots/([^/]+)", SnapshotHandler),
    (r"snapshots/([^/]+)/restore-plan", RestorePlanHandler),
    (r"snapshots/([^/]+)/restore", RestoreHandler),
]
