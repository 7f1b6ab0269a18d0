"""Endpoints of code: the working tree, commits, branches and remotes."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    BranchCheckedOutError,
    BranchNotMergedError,
    DataCredentialsError,
    DataDamagedError,
    DataMissingError,
    DataNotStageableError,
    DetachedHeadError,
    FileTooLargeError,
    HunkOutdatedError,
    RemoteUnreachableError,
    UncommittedChangesError,
    UnfinishedOperationError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.path_ids import escape, unescape
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.code.models import (
    Branch,
    BranchCreate,
    BranchDeleteQuery,
    CheckoutRequest,
    FetchRequest,
    Remote,
    RemotePut,
    TransferRequest,
)
from jupyter_mlws.versioning.code.staging_models import Discarded, StageRequest
from jupyter_mlws.versioning.handling import COMMIT_ERRORS, DVC_ERRORS, WRITES, VersioningHandler
from jupyter_mlws.versioning.models import (
    CodeVersion,
    CommitCreated,
    Diff,
    DiffQuery,
    DiffReply,
    FileDiff,
    GitStatus,
    HistoryQuery,
    SnapshotCreate,
    StatusQuery,
)

STAGE_ERRORS = (
    *DVC_ERRORS,
    DataNotStageableError,
    HunkOutdatedError,
    VersionItemNotFoundError,
)
SWITCH_ERRORS = (
    *DVC_ERRORS,
    UnfinishedOperationError,
    UncommittedChangesError,
    VersionItemNotFoundError,
)


class StatusHandler(VersioningHandler):
    """The working tree."""

    resource = "git"

    @endpoint(
        "Get the current branch and uncommitted changes",
        GitStatus,
        query=StatusQuery,
        shared=True,
        errors=DVC_ERRORS,
    )
    async def get(self, query: StatusQuery) -> GitStatus:
        manager = await self.snapshots()
        return await in_thread(manager.status, query.paths)


class DiffHandler(VersioningHandler):
    """Differences between versions, or a version and the working tree."""

    resource = "git"

    @endpoint(
        "List changed files, or compare one file",
        DiffReply,
        query=DiffQuery,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def get(self, query: DiffQuery) -> Diff | FileDiff:
        manager = await self.snapshots()
        if query.staged is not None:
            staged = query.staged
            if query.path is not None:
                return await in_thread(manager.staged_file_diff, query.path, staged=staged)
            return Diff(files=list(await in_thread(manager.staged_diff, staged=staged)))
        if query.path is not None:
            return await in_thread(manager.file_diff, query.path, query.from_, query.to)
        return Diff(files=list(await in_thread(manager.diff, query.from_, query.to)))


class StageHandler(VersioningHandler):
    """What goes into the next commit."""

    resource = "git"

    @endpoint(
        "Stage paths or hunks; returns the resulting changes",
        GitStatus,
        body=StageRequest,
        also=WRITES,
        errors=[*STAGE_ERRORS, FileTooLargeError],
    )
    async def post(self, body: StageRequest) -> GitStatus:
        versions = await self.managers()
        await in_thread(versions.staging.stage, body)
        return await in_thread(versions.snapshots.status)


class UnstageHandler(VersioningHandler):
    """What does not go into the next commit after all."""

    resource = "git"

    @endpoint(
        "Unstage paths or hunks; returns the resulting changes",
        GitStatus,
        body=StageRequest,
        also=WRITES,
        errors=STAGE_ERRORS,
    )
    async def post(self, body: StageRequest) -> GitStatus:
        versions = await self.managers()
        await in_thread(versions.staging.unstage, body)
        return await in_thread(versions.snapshots.status)


class DiscardHandler(VersioningHandler):
    """Changes that are undone."""

    resource = "git"

    @endpoint(
        "Discard unstaged paths or hunks; a hidden commit keeps them",
        Discarded,
        body=StageRequest,
        also=WRITES,
        errors=[
            *STAGE_ERRORS,
            UnfinishedOperationError,
            FileTooLargeError,
            DataDamagedError,
            DataMissingError,
            DataCredentialsError,
            RemoteUnreachableError,
        ],
    )
    async def post(self, body: StageRequest) -> Discarded:
        versions = await self.managers()
        return await in_thread(versions.staging.discard, body)


class CommitHandler(VersioningHandler):
    """Commits, in the specification's words."""

    resource = "git"

    @endpoint(
        "Commit changes",
        CommitCreated,
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
        version = await in_thread(manager.code_version, made.id)
        created = CommitCreated(**version.model_dump(), warnings=made.warnings)
        return Reply(created, 201, location(self, "snapshots", made.id))


class CommitsHandler(VersioningHandler):
    """One commit, in the specification's words."""

    resource = "git"

    @endpoint("Get a commit", CodeVersion, errors=[VersionItemNotFoundError])
    async def get(self, sha: str) -> CodeVersion:
        manager = await self.snapshots()
        return await in_thread(manager.code_version, sha)


class HistoryHandler(VersioningHandler):
    """History, in the specification's words."""

    resource = "git"

    @endpoint(
        "List commits",
        Page[CodeVersion],
        query=HistoryQuery,
        shared=True,
        errors=[VersionItemNotFoundError],
    )
    async def get(self, query: HistoryQuery) -> Page[CodeVersion]:
        manager = await self.snapshots()
        return await in_thread(manager.history, query)


class BranchHandler(VersioningHandler):
    """New branches."""

    resource = "git"

    @endpoint(
        "Create a branch",
        Branch,
        body=BranchCreate,
        status=201,
        also=WRITES,
        errors=[
            *SWITCH_ERRORS,
            RemoteUnreachableError,
            DataDamagedError,
            DataMissingError,
            AlreadyExistsError,
            DataCredentialsError,
        ],
    )
    async def post(self, body: BranchCreate) -> Reply:
        versions = await self.managers()
        made = await in_thread(
            versions.branches.create, body.name, body.from_, checkout=body.checkout
        )
        return Reply(made, 201, location(self, "git", "branch", escape(made.name)))


class NamedBranchHandler(VersioningHandler):
    """One branch; slashes in its name are escaped as ``~1`` or ``%2F``."""

    resource = "git"

    @endpoint("Get a branch", Branch, errors=[VersionItemNotFoundError])
    async def get(self, name: str) -> Branch:
        versions = await self.managers()
        return await in_thread(versions.branches.get, unescape(name))

    @endpoint(
        "Delete a branch",
        Branch,
        query=BranchDeleteQuery,
        errors=[*DVC_ERRORS, BranchCheckedOutError, BranchNotMergedError, VersionItemNotFoundError],
    )
    async def delete(self, name: str, query: BranchDeleteQuery) -> Branch:
        versions = await self.managers()
        return await in_thread(versions.branches.delete, unescape(name), force=query.force)


class BranchesHandler(VersioningHandler):
    """All branches."""

    resource = "git"

    @endpoint("List branches, including remote branches", Page[Branch], shared=True)
    async def get(self) -> Page[Branch]:
        versions = await self.managers()
        return Page(items=await in_thread(versions.branches.list))


class CheckoutHandler(VersioningHandler):
    """Going to another branch or commit."""

    resource = "git"

    @endpoint(
        "Check out a branch or commit, with its data",
        Operation,
        body=CheckoutRequest,
        status=202,
        also=WRITES,
        errors=[*SWITCH_ERRORS, BranchCheckedOutError, AlreadyExistsError],
    )
    async def post(self, body: CheckoutRequest) -> Reply:
        branches = (await self.managers()).branches
        # What can't be done at all is refused now, not by an operation that fails.
        await in_thread(branches.check_checkout, body.branch, body.ref, create=body.create)
        return self.begin(
            "checkout",
            lambda told: branches.checkout(
                body.branch, body.ref, create=body.create, progress=told
            ),
        )


class RemotesHandler(VersioningHandler):
    """Where code is pushed to and pulled from."""

    resource = "git"

    @endpoint("List git remotes", Page[Remote], shared=True)
    async def get(self) -> Page[Remote]:
        versions = await self.managers()
        return Page(items=[*await in_thread(versions.remotes.list)])


class RemoteHandler(VersioningHandler):
    """One remote; slashes in its name are escaped as ``~1`` or ``%2F``."""

    resource = "git"

    @endpoint("Get a remote", Remote, errors=[VersionItemNotFoundError])
    async def get(self, name: str) -> Remote:
        versions = await self.managers()
        return await in_thread(versions.remotes.get, unescape(name))

    @endpoint("Add a remote, or change its URL", Remote, body=RemotePut, errors=DVC_ERRORS)
    async def put(self, name: str, body: RemotePut) -> Remote:
        versions = await self.managers()
        return await in_thread(versions.remotes.put, unescape(name), body.url, body.push_url)

    @endpoint(
        "Remove a remote",
        Remote,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def delete(self, name: str) -> Remote:
        versions = await self.managers()
        return await in_thread(versions.remotes.delete, unescape(name))


class FetchHandler(VersioningHandler):
    """What is new at a remote."""

    resource = "git"

    @endpoint(
        "Fetch the branches of a remote",
        Operation,
        body=FetchRequest,
        status=202,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, body: FetchRequest) -> Reply:
        remotes = (await self.managers()).remotes
        await in_thread(remotes.check_fetch, body.remote)
        return self.begin(
            "fetch",
            lambda told: remotes.fetch(body.remote, told, prune=body.prune, ask=told.ask),
        )


class PushHandler(VersioningHandler):
    """Data and code, brought to a remote."""

    resource = "git"

    @endpoint(
        "Push the data of a branch, then the branch",
        Operation,
        body=TransferRequest,
        status=202,
        errors=[VersionItemNotFoundError, DetachedHeadError],
    )
    async def post(self, body: TransferRequest) -> Reply:
        remotes = (await self.managers()).remotes
        await in_thread(remotes.check_push, body.remote, body.branch)
        return self.begin(
            "push", lambda told: remotes.push(body.remote, body.branch, told, told.ask)
        )


class PullHandler(VersioningHandler):
    """Code and data, brought from a remote."""

    resource = "git"

    @endpoint(
        "Pull a branch, including its data, into the current one",
        Operation,
        body=TransferRequest,
        status=202,
        also=WRITES,
        errors=[VersionItemNotFoundError, DetachedHeadError],
    )
    async def post(self, body: TransferRequest) -> Reply:
        remotes = (await self.managers()).remotes
        await in_thread(remotes.check_pull, body.remote, body.branch)
        return self.begin(
            "pull", lambda told: remotes.pull(body.remote, body.branch, told, told.ask)
        )


HANDLERS = [
    (r"git/status", StatusHandler),
    (r"git/diff", DiffHandler),
    (r"git/stage", StageHandler),
    (r"git/unstage", UnstageHandler),
    (r"git/discard", DiscardHandler),
    (r"git/commit", CommitHandler),
    (r"git/commits/([^/]+)", CommitsHandler),
    (r"git/history", HistoryHandler),
    (r"git/branch", BranchHandler),
    (r"git/branch/([^/]+)", NamedBranchHandler),
    (r"git/branches", BranchesHandler),
    (r"git/checkout", CheckoutHandler),
    (r"git/remotes", RemotesHandler),
    (r"git/remotes/([^/]+)", RemoteHandler),
    (r"git/fetch", FetchHandler),
    (r"git/push", PushHandler),
    (r"git/pull", PullHandler),
]
