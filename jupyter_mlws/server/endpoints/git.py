"""Endpoints of git: the working tree, commits, branches, remotes, merges, tags and stashes."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Reply, Work
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    BranchCheckedOutError,
    BranchMovedError,
    BranchNotMergedError,
    CommitNotUndoneError,
    CommitPushedError,
    CommitUnsuitableError,
    DataNotStageableError,
    DetachedHeadError,
    FileTooLargeError,
    GitIdentityMissingError,
    HunkOutdatedError,
    NoMergeError,
    NoOperationError,
    NotAncestorError,
    TrackedByGitError,
    UncommittedChangesError,
    UnfinishedOperationError,
    UnrelatedHistoriesError,
    UnresolvedCellsError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import set_identity
from jupyter_mlws.git.worktrees import list_submodules, list_worktrees
from jupyter_mlws.server.endpoints.errors import COMMIT_ERRORS, DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.versioning.code.models import (
    Aborted,
    Branch,
    BranchCreate,
    BranchDeleteQuery,
    BranchRename,
    Checkout,
    CheckoutRequest,
    CommitRequest,
    ConflictDetail,
    Conflicts,
    Discarded,
    Fetched,
    FetchRequest,
    Identity,
    IgnoreRequest,
    MergeAbort,
    Merged,
    MergeFinish,
    MergeRequest,
    OperationRequest,
    OperationStep,
    Pulled,
    Pushed,
    PushRequest,
    RebaseRequest,
    Remote,
    RemotePut,
    Resolution,
    Rewritten,
    RollbackRequest,
    RolledBack,
    SafetyCopy,
    SquashRequest,
    StageRequest,
    Stash,
    StashApplied,
    StashApply,
    StashCreate,
    SubmoduleInfo,
    Tag,
    TagCreate,
    TagPush,
    TransferRequest,
    UndoneCommit,
    UndoRequest,
    WorktreeInfo,
)
from jupyter_mlws.versioning.models import (
    Blame,
    BlameQuery,
    CodeVersion,
    CommitCreated,
    Diff,
    DiffQuery,
    DiffReply,
    FileDiff,
    GitStatus,
    HistoryQuery,
    OperationAction,
    RestoreResult,
    SnapshotCreate,
    StatusQuery,
    TableChange,
    TableDiffQuery,
)
from jupyter_mlws.workflows.models import TableMerge, TableResolution
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import (
    DataCredentialsError,
    DataDamagedError,
    DataMissingError,
    InvalidRequestError,
    RemoteUnreachableError,
)
from mlws.core.paths import escape, unescape

STAGE_ERRORS = (
    *DVC_ERRORS,
    UnfinishedOperationError,
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
    errors=[*DVC_ERRORS, UnrelatedHistoriesError, VersionItemNotFoundError],
)
def get_diff(workspace: Workspace, query: DiffQuery) -> Diff | FileDiff:
    comparison = workspace.snapshots.comparison
    if query.staged is not None:
        if query.path is not None:
            return comparison.staged_file(query.path, in_index=query.staged)
        return Diff(files=comparison.staged_files(in_index=query.staged))
    if query.path is not None:
        return comparison.file(query.path, query.from_, query.to)
    return Diff(files=comparison.files(query.from_, query.to))


@endpoints.get(
    "git/diff/table",
    "Compare a table in two versions, by row",
    errors=[*DVC_ERRORS, UnrelatedHistoriesError, VersionItemNotFoundError],
)
def get_table_diff(workspace: Workspace, query: TableDiffQuery) -> TableChange:
    return workspace.tables.comparisons.compare(query)


@endpoints.get(
    "git/blame", "List who changed each line of a file last", errors=[VersionItemNotFoundError]
)
def get_blame(workspace: Workspace, query: BlameQuery) -> Blame:
    return workspace.snapshots.comparison.blame(query.path, query.at)


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


@endpoints.put("git/identity", "Set the name and the email address of your commits")
def put_identity(workspace: Workspace, body: Identity) -> Identity:
    set_identity(Git(workspace.project.root), body.name, body.email)
    return body


@endpoints.post(
    "git/ignore",
    "Add new files to .gitignore; returns the resulting changes",
    also=WRITES,
    errors=[*DVC_ERRORS, TrackedByGitError, VersionItemNotFoundError],
)
def ignore(workspace: Workspace, body: IgnoreRequest) -> GitStatus:
    workspace.staging.ignore(body.paths)
    return workspace.snapshots.status()


@endpoints.post(
    "git/discard",
    "Discard unstaged paths or hunks; a hidden commit keeps them",
    also=WRITES,
    errors=[
        *STAGE_ERRORS,
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
        **body.model_dump(exclude={"staged", "pushed"}), staged_only=body.staged, force=body.pushed
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


@endpoints.patch(
    "git/branch/{branch}",
    "Rename a branch",
    errors=[
        *DVC_ERRORS,
        UnfinishedOperationError,
        AlreadyExistsError,
        BranchCheckedOutError,
        VersionItemNotFoundError,
    ],
)
def rename_branch(workspace: Workspace, name: str, body: BranchRename) -> Branch:
    return workspace.branches.rename(unescape(name), body.name)


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
def checkout(workspace: Workspace, body: CheckoutRequest) -> Work[Checkout]:
    workspace.branches.check_checkout(body.branch, body.ref, create=body.create)
    return Work(
        "checkout",
        lambda progress: workspace.branches.checkout(
            body.branch, body.ref, create=body.create, progress=progress
        ),
    )


@endpoints.get("git/worktrees", "List the worktrees of the repository", shared=True)
def get_worktrees(workspace: Workspace) -> Page[WorktreeInfo]:
    trees = list_worktrees(Git(workspace.project.root))
    return Page(items=[WorktreeInfo.from_object(one) for one in trees])


@endpoints.get("git/submodules", "List the submodules of the repository", shared=True)
def get_submodules(workspace: Workspace) -> Page[SubmoduleInfo]:
    submodules = list_submodules(Git(workspace.project.root))
    return Page(items=[SubmoduleInfo.from_object(one) for one in submodules])


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
def fetch(workspace: Workspace, body: FetchRequest) -> Work[Fetched]:
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
    errors=[UnfinishedOperationError, VersionItemNotFoundError, DetachedHeadError],
)
def push(workspace: Workspace, body: PushRequest) -> Work[Pushed]:
    workspace.remotes.check_push(body.remote, body.branch)
    return Work(
        "push",
        lambda progress: workspace.remotes.push(
            body.remote, body.branch, progress, progress.ask, code_only=body.code_only
        ),
    )


@endpoints.post(
    "git/pull",
    "Pull a branch, including its data, into the current one",
    also=WRITES,
    errors=[UnfinishedOperationError, VersionItemNotFoundError, DetachedHeadError],
)
def pull(workspace: Workspace, body: TransferRequest) -> Work[Pulled]:
    workspace.remotes.check_pull(body.remote, body.branch)
    return Work(
        "pull",
        lambda progress: workspace.remotes.pull(body.remote, body.branch, progress, progress.ask),
    )


@endpoints.post(
    "git/merge",
    "Merge a branch or commit into the current branch, with its data",
    also=WRITES,
    errors=[UnfinishedOperationError, VersionItemNotFoundError],
)
def merge(workspace: Workspace, body: MergeRequest) -> Work[Merged]:
    workspace.merges.check_merge(body.ref)
    return Work("merge", lambda progress: workspace.merges.merge(body.ref, body.message, progress))


@endpoints.post(
    "git/merge/continue",
    "Commit a merge after its conflicts are resolved, and check out its data",
    also=WRITES,
    errors=[UnfinishedOperationError, NoMergeError],
)
def continue_merge(workspace: Workspace, body: MergeFinish) -> Work[Merged]:
    workspace.merges.check_finish()
    return Work("merge", lambda progress: workspace.merges.finish(body.message, progress))


@endpoints.post(
    "git/merge/abort",
    "Abort the merge; resolved changes are kept in a hidden commit",
    also=WRITES,
    errors=[*DVC_ERRORS, UnfinishedOperationError, NoMergeError],
)
def abort_merge(workspace: Workspace, body: MergeAbort) -> Aborted:
    return workspace.merges.abort()


def _operation_step(workspace: Workspace, action: OperationAction) -> Work[OperationStep]:
    kind = workspace.operations.check(action)
    return Work(kind, lambda progress: workspace.operations.run(action, progress))


@endpoints.post(
    "git/operation/continue",
    "Finish the unfinished operation, or go on to its next conflicts",
    also=WRITES,
    errors=[UnfinishedOperationError, NoOperationError],
)
def continue_operation(workspace: Workspace, body: OperationRequest) -> Work[OperationStep]:
    return _operation_step(workspace, OperationAction.CONTINUE)


@endpoints.post(
    "git/operation/skip",
    "Skip the commit that a rebase, cherry-pick, revert or bisect has stopped at",
    also=WRITES,
    errors=[NoOperationError],
)
def skip_commit(workspace: Workspace, body: OperationRequest) -> Work[OperationStep]:
    return _operation_step(workspace, OperationAction.SKIP)


@endpoints.post(
    "git/operation/abort",
    "Abort the unfinished operation; uncommitted changes are kept in a hidden commit",
    also=WRITES,
    errors=[NoOperationError],
)
def abort_operation(workspace: Workspace, body: OperationRequest) -> Work[OperationStep]:
    return _operation_step(workspace, OperationAction.ABORT)


@endpoints.get("git/conflicts", "List conflicted paths")
def list_conflicts(workspace: Workspace) -> Conflicts:
    return workspace.merges.conflicts()


@endpoints.get(
    "git/conflicts/{conflict}",
    "Get the three sides of a conflicted path; of a notebook, cell by cell",
    errors=[VersionItemNotFoundError],
)
def get_conflict(workspace: Workspace, path: str) -> ConflictDetail:
    return workspace.merges.conflict(unescape(path))


@endpoints.get(
    "git/conflicts/{conflict}/table",
    "Merge a table in conflict by row, without writing it: what is taken, and what conflicts",
    errors=[*DVC_ERRORS, VersionItemNotFoundError],
)
def get_table_merge(workspace: Workspace, path: str) -> TableMerge:
    return workspace.tables.merges.preview(unescape(path))


@endpoints.post(
    "git/conflicts/{conflict}/table",
    "Resolve a table, or data that is one, by row; returns what is unresolved",
    also=WRITES,
    errors=[
        *DVC_ERRORS,
        InvalidRequestError,
        UncommittedChangesError,
        UnfinishedOperationError,
        UnresolvedCellsError,
        VersionItemNotFoundError,
    ],
)
def resolve_table(workspace: Workspace, path: str, body: TableResolution) -> Conflicts:
    workspace.tables.merges.resolve(unescape(path), body.choices)
    return workspace.merges.conflicts()


@endpoints.post(
    "git/conflicts/{conflict}",
    "Resolve a path by side, by both, cell by cell, or with a text; returns what is unresolved",
    also=WRITES,
    errors=[
        *DVC_ERRORS,
        UnfinishedOperationError,
        UnresolvedCellsError,
        VersionItemNotFoundError,
    ],
)
def resolve_conflict(workspace: Workspace, path: str, body: Resolution) -> Conflicts:
    return workspace.merges.resolve(unescape(path), body)


@endpoints.post(
    "git/rollback",
    "Revert to a version, including data: with a new commit, or in the files only",
    also=WRITES,
    errors=[NotAncestorError, VersionItemNotFoundError],
)
def roll_back(workspace: Workspace, body: RollbackRequest) -> Work[RolledBack]:
    workspace.rewrites.check_rollback(body.to)
    return Work(
        "rollback",
        lambda progress: workspace.rewrites.roll_back(body.to, body.mode, body.message, progress),
    )


@endpoints.post(
    "git/undo",
    "Undo the last commit; its changes stay, and are staged",
    errors=[BranchMovedError, CommitNotUndoneError, CommitPushedError, VersionItemNotFoundError],
)
def undo_commit(workspace: Workspace, body: UndoRequest) -> UndoneCommit:
    return workspace.rewrites.undo(force=body.pushed)


@endpoints.post(
    "git/cherry-pick",
    "Apply a commit to the current branch, with its data",
    also=WRITES,
    errors=[UnfinishedOperationError, VersionItemNotFoundError],
)
def cherry_pick(workspace: Workspace, body: CommitRequest) -> Work[Rewritten]:
    workspace.rewrites.check(body.commit)
    return Work(
        "cherry-pick", lambda progress: workspace.rewrites.cherry_pick(body.commit, progress)
    )


@endpoints.post(
    "git/revert",
    "Take back the changes of one commit by a new one, with their data",
    also=WRITES,
    errors=[UnfinishedOperationError, VersionItemNotFoundError],
)
def revert(workspace: Workspace, body: CommitRequest) -> Work[Rewritten]:
    workspace.rewrites.check(body.commit)
    return Work("revert", lambda progress: workspace.rewrites.revert(body.commit, progress))


@endpoints.post(
    "git/squash",
    "Replace the last commits by one; files and data stay",
    errors=[
        UnfinishedOperationError,
        VersionItemNotFoundError,
        CommitPushedError,
        CommitUnsuitableError,
    ],
)
def squash(workspace: Workspace, body: SquashRequest) -> Work[Rewritten]:
    workspace.rewrites.check_squash(body.commit, force=body.pushed)
    return Work(
        "squash",
        lambda progress: workspace.rewrites.squash(body.commit, body.message, force=body.pushed),
    )


@endpoints.post(
    "git/rebase",
    "Apply the commits of the current branch on top of another one, with their data",
    also=WRITES,
    errors=[UnfinishedOperationError, VersionItemNotFoundError, CommitPushedError],
)
def rebase(workspace: Workspace, body: RebaseRequest) -> Work[Rewritten]:
    workspace.rewrites.check_rebase(body.onto, force=body.pushed)
    return Work(
        "rebase",
        lambda progress: workspace.rewrites.rebase(body.onto, progress, force=body.pushed),
    )


@endpoints.get("git/tags", "List tags, newest first", shared=True)
def list_tags(workspace: Workspace) -> Page[Tag]:
    return Page(items=workspace.branches.tags.list())


@endpoints.post(
    "git/tag",
    "Create a tag",
    status=201,
    errors=[*DVC_ERRORS, GitIdentityMissingError, VersionItemNotFoundError, AlreadyExistsError],
)
def create_tag(workspace: Workspace, body: TagCreate) -> Reply[Tag]:
    tag = workspace.branches.tags.create(body.name, body.ref, body.message)
    return Reply(tag, location=("git", "tag", escape(tag.name)))


@endpoints.get("git/tag/{tag}", "Get a tag", errors=[VersionItemNotFoundError])
def get_tag(workspace: Workspace, name: str) -> Tag:
    return workspace.branches.tags.get(unescape(name))


@endpoints.delete("git/tag/{tag}", "Delete a tag", errors=[*DVC_ERRORS, VersionItemNotFoundError])
def delete_tag(workspace: Workspace, name: str) -> Tag:
    return workspace.branches.tags.delete(unescape(name))


@endpoints.post("git/tag/{tag}/push", "Push a tag", errors=[VersionItemNotFoundError])
def push_tag(workspace: Workspace, name: str, body: TagPush) -> Work[None]:
    tag = workspace.branches.tags.get(unescape(name))
    workspace.remotes.check_fetch(body.remote)
    return Work(
        "push",
        lambda progress: workspace.remotes.push_tag(tag.name, body.remote, progress, progress.ask),
    )


@endpoints.get("git/safety", "List safety copies, newest first", shared=True)
def list_safety_copies(workspace: Workspace) -> Page[SafetyCopy]:
    return Page(items=[*workspace.safety.list()])


@endpoints.post(
    "git/safety/{safety}/restore",
    "Restore a safety copy, including staged changes",
    also=WRITES,
    errors=[VersionItemNotFoundError],
)
def restore_safety_copy(workspace: Workspace, identifier: str) -> Work[RestoreResult]:
    workspace.safety.check(identifier)
    return Work("restore", lambda progress: workspace.safety.restore(identifier, progress))


@endpoints.get("git/stashes", "List stashes, newest first", shared=True)
def list_stashes(workspace: Workspace) -> Page[Stash]:
    return Page(items=[*workspace.stashes.list()])


@endpoints.post("git/stashes", "Stash all changes, including data", also=WRITES)
def push_stash(workspace: Workspace, body: StashCreate) -> Work[Stash]:
    return Work(
        "stash",
        lambda progress: workspace.stashes.push(
            body.message, include_untracked=body.untracked, progress=progress
        ),
    )


@endpoints.get("git/stashes/{stash}", "Get a stash", errors=[VersionItemNotFoundError])
def get_stash(workspace: Workspace, identifier: str) -> Stash:
    return workspace.stashes.get(identifier)


@endpoints.delete(
    "git/stashes/{stash}", "Drop a stash", errors=[*DVC_ERRORS, VersionItemNotFoundError]
)
def drop_stash(workspace: Workspace, identifier: str) -> Stash:
    return workspace.stashes.drop(identifier)


@endpoints.post(
    "git/stashes/{stash}/apply",
    "Apply a stash, including data, and drop it unless it is to be kept",
    also=WRITES,
    errors=[VersionItemNotFoundError],
)
def apply_stash(workspace: Workspace, identifier: str, body: StashApply) -> Work[StashApplied]:
    workspace.stashes.get(identifier)
    return Work(
        "stash",
        lambda progress: workspace.stashes.apply(identifier, keep=body.keep, progress=progress),
    )
