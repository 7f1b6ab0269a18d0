"""Endpoints of code: the working tree, commits, branches and remotes."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Reply, Work
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
from jupyter_mlws.core.paths import escape, unescape
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
from jupyter_mlws.versioning.endpoint_errors import COMMIT_ERRORS, DVC_ERRORS, GIT_ERRORS
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
from jupyter_mlws.workspace import Workspace

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

endpoints = Endpoints("git", GIT_ERRORS)


@endpoints.get(
    "git/status", "Get the current branch and uncommitted changes", shared=True, errors=DVC_ERRORS
)
def get_status(workspace: Workspace, query: StatusQuery) -> GitStatus:
    return workspace.snapshots.status(query.paths)


@endpoints.get(
    "git/diff",
    "List changed files, or compare one file",
    reply=DiffReply,
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def get_diff(workspace: Workspace, query: DiffQuery) -> Diff | FileDiff:
    if query.staged is not None:
        in_index = query.staged
        if query.path is not None:
            return workspace.snapshots.staged_file_diff(query.path, staged=in_index)
        return Diff(files=list(workspace.snapshots.staged_diff(staged=in_index)))
    if query.path is not None:
        return workspace.snapshots.file_diff(query.path, query.from_, query.to)
    return Diff(files=list(workspace.snapshots.diff(query.from_, query.to)))


@endpoints.post(
    "git/stage",
    "Stage paths or hunks; returns the resulting changes",
    also=WRITES,
    errors=[*STAGE_ERRORS, FileTooLargeError],
)
def stage(workspace: Workspace, body: StageRequest) -> GitStatus:
    workspace.staging.stage(body)
    return workspace.snapshots.status()


@endpoints.post(
    "git/unstage",
    "Unstage paths or hunks; returns the resulting changes",
    also=WRITES,
    errors=STAGE_ERRORS,
)
def unstage(workspace: Workspace, body: StageRequest) -> GitStatus:
    workspace.staging.unstage(body)
    return workspace.snapshots.status()


@endpoints.post(
    "git/discard",
    "Discard unstaged paths or hunks; a hidden commit keeps them",
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
def discard(workspace: Workspace, body: StageRequest) -> Discarded:
    return workspace.staging.discard(body)


@endpoints.post("git/commit", "Commit changes", status=201, also=WRITES, errors=COMMIT_ERRORS)
def commit(workspace: Workspace, body: SnapshotCreate) -> Reply[CommitCreated]:
    snapshot = workspace.snapshots.create(
        body.message,
        body.paths,
        allow_secrets=body.allow_secrets,
        allow_many=body.allow_many,
        staged_only=body.staged,
    )
    version = workspace.snapshots.code_version(snapshot.id)
    created = CommitCreated(**version.model_dump(), warnings=snapshot.warnings)
    return Reply(created, location=("snapshots", snapshot.id))


@endpoints.get("git/commits/{commit}", "Get a commit", errors=[VersionItemNotFoundError])
def get_commit(workspace: Workspace, sha: str) -> CodeVersion:
    return workspace.snapshots.code_version(sha)


@endpoints.get("git/history", "List commits", shared=True, errors=[VersionItemNotFoundError])
def list_commits(workspace: Workspace, query: HistoryQuery) -> Page[CodeVersion]:
    return workspace.snapshots.history(query)


@endpoints.post(
    "git/branch",
    "Create a branch",
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
def create_branch(workspace: Workspace, body: BranchCreate) -> Reply[Branch]:
    branch = workspace.branches.create(body.name, body.from_, checkout=body.checkout)
    return Reply(branch, location=("git", "branch", escape(branch.name)))


@endpoints.get("git/branch/{branch}", "Get a branch", errors=[VersionItemNotFoundError])
def get_branch(workspace: Workspace, name: str) -> Branch:
    return workspace.branches.get(unescape(name))


@endpoints.delete(
    "git/branch/{branch}",
    "Delete a branch",
    errors=[*DVC_ERRORS, BranchCheckedOutError, BranchNotMergedError, VersionItemNotFoundError],
)
def delete_branch(workspace: Workspace, name: str, query: BranchDeleteQuery) -> Branch:
    return workspace.branches.delete(unescape(name), force=query.force)


@endpoints.get("git/branches", "List branches, including remote branches", shared=True)
def list_branches(workspace: Workspace) -> Page[Branch]:
    return Page(items=workspace.branches.list())


@endpoints.post(
    "git/checkout",
    "Check out a branch or commit, with its data",
    also=WRITES,
    errors=[*SWITCH_ERRORS, BranchCheckedOutError, AlreadyExistsError],
)
def checkout(workspace: Workspace, body: CheckoutRequest) -> Work:
    workspace.branches.check_checkout(body.branch, body.ref, create=body.create)
    return Work(
        "checkout",
        lambda progress: workspace.branches.checkout(
            body.branch, body.ref, create=body.create, progress=progress
        ),
    )


@endpoints.get("git/remotes", "List git remotes", shared=True)
def list_remotes(workspace: Workspace) -> Page[Remote]:
    return Page(items=[*workspace.remotes.list()])


@endpoints.get("git/remotes/{remote}", "Get a remote", errors=[VersionItemNotFoundError])
def get_remote(workspace: Workspace, name: str) -> Remote:
    return workspace.remotes.get(unescape(name))


@endpoints.put("git/remotes/{remote}", "Add a remote, or change its URL", errors=DVC_ERRORS)
def put_remote(workspace: Workspace, name: str, body: RemotePut) -> Remote:
    return workspace.remotes.put(unescape(name), body.url, body.push_url)


@endpoints.delete(
    "git/remotes/{remote}", "Remove a remote", errors=[*DVC_ERRORS, VersionItemNotFoundError]
)
def delete_remote(workspace: Workspace, name: str) -> Remote:
    return workspace.remotes.delete(unescape(name))


@endpoints.post("git/fetch", "Fetch the branches of a remote", errors=[VersionItemNotFoundError])
def fetch(workspace: Workspace, body: FetchRequest) -> Work:
    workspace.remotes.check_fetch(body.remote)
    return Work(
        "fetch",
        lambda progress: workspace.remotes.fetch(
            body.remote, progress, prune=body.prune, ask=progress.ask
        ),
    )


@endpoints.post(
    "git/push",
    "Push the data of a branch, then the branch",
    errors=[VersionItemNotFoundError, DetachedHeadError],
)
def push(workspace: Workspace, body: TransferRequest) -> Work:
    workspace.remotes.check_push(body.remote, body.branch)
    return Work(
        "push",
        lambda progress: workspace.remotes.push(body.remote, body.branch, progress, progress.ask),
    )


@endpoints.post(
    "git/pull",
    "Pull a branch, including its data, into the current one",
    also=WRITES,
    errors=[VersionItemNotFoundError, DetachedHeadError],
)
def pull(workspace: Workspace, body: TransferRequest) -> Work:
    workspace.remotes.check_pull(body.remote, body.branch)
    return Work(
        "pull",
        lambda progress: workspace.remotes.pull(body.remote, body.branch, progress, progress.ask),
    )
