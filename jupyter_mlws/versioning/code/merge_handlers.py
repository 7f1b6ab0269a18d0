"""Endpoints of merges and their conflicts."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread
from jupyter_mlws.core.errors import (
    NoMergeError,
    UnfinishedOperationError,
    UnresolvedCellsError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.path_ids import unescape
from jupyter_mlws.versioning.code.merge_models import (
    Aborted,
    ConflictDetail,
    Conflicts,
    MergeAbort,
    MergeFinish,
    MergeRequest,
    Resolution,
)
from jupyter_mlws.versioning.handling import DVC_ERRORS, WRITES, VersioningHandler


class MergeHandler(VersioningHandler):
    """Merges."""

    resource = "git"

    @endpoint(
        "Merge a branch or commit into the current branch, with its data",
        Operation,
        body=MergeRequest,
        status=202,
        also=WRITES,
        errors=[UnfinishedOperationError, VersionItemNotFoundError],
    )
    async def post(self, body: MergeRequest) -> Reply:
        merges = (await self.managers()).merges
        await in_thread(merges.check_merge, body.ref)
        return self.begin("merge", lambda told: merges.merge(body.ref, body.message, told))


class MergeContinueHandler(VersioningHandler):
    """The end of a merge whose conflicts are resolved."""

    resource = "git"

    @endpoint(
        "Commit a merge after its conflicts are resolved, and check out its data",
        Operation,
        body=MergeFinish,
        status=202,
        also=WRITES,
        errors=[UnfinishedOperationError, NoMergeError],
    )
    async def post(self, body: MergeFinish) -> Reply:
        merges = (await self.managers()).merges
        await in_thread(merges.check_finish)
        return self.begin("merge", lambda told: merges.finish(body.message, told))


class MergeAbortHandler(VersioningHandler):
    """A merge that is given up."""

    resource = "git"

    @endpoint(
        "Abort the merge; resolved changes are kept in a hidden commit",
        Aborted,
        body=MergeAbort,
        also=WRITES,
        errors=[*DVC_ERRORS, NoMergeError],
    )
    async def post(self, body: MergeAbort) -> Aborted:
        merges = (await self.managers()).merges
        return await in_thread(merges.abort)


class ConflictsHandler(VersioningHandler):
    """What is in conflict."""

    resource = "git"

    @endpoint("List conflicted paths", Conflicts)
    async def get(self) -> Conflicts:
        merges = (await self.managers()).merges
        return await in_thread(merges.conflicts)


class ConflictHandler(VersioningHandler):
    """One path in conflict; slashes in it are escaped as ``~1`` or ``%2F``."""

    resource = "git"

    @endpoint(
        "Get the three sides of a conflicted path; of a notebook, cell by cell",
        ConflictDetail,
        errors=[VersionItemNotFoundError],
    )
    async def get(self, path: str) -> ConflictDetail:
        merges = (await self.managers()).merges
        return await in_thread(merges.conflict, unescape(path))

    @endpoint(
        "Resolve a path by side, by both, cell by cell, or with a text; returns what is unresolved",
        Conflicts,
        body=Resolution,
        also=WRITES,
        errors=[*DVC_ERRORS, UnresolvedCellsError, VersionItemNotFoundError],
    )
    async def post(self, path: str, body: Resolution) -> Conflicts:
        merges = (await self.managers()).merges
        return await in_thread(merges.resolve, unescape(path), body)


HANDLERS = [
    (r"git/merge", MergeHandler),
    (r"git/merge/continue", MergeContinueHandler),
    (r"git/merge/abort", MergeAbortHandler),
    (r"git/conflicts", ConflictsHandler),
    (r"git/conflicts/([^/]+)", ConflictHandler),
]
