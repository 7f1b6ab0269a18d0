"""Endpoints of merges and their conflicts."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Work
from jupyter_mlws.core.errors import (
    NoMergeError,
    UnfinishedOperationError,
    UnresolvedCellsError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.paths import unescape
from jupyter_mlws.versioning.code.merge_models import (
    Aborted,
    ConflictDetail,
    Conflicts,
    MergeAbort,
    MergeFinish,
    MergeRequest,
    Resolution,
)
from jupyter_mlws.versioning.endpoint_errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.workspace import Workspace

endpoints = Endpoints("git", GIT_ERRORS)


@endpoints.post(
    "git/merge",
    "Merge a branch or commit into the current branch, with its data",
    also=WRITES,
    errors=[UnfinishedOperationError, VersionItemNotFoundError],
)
def merge(workspace: Workspace, body: MergeRequest) -> Work:
    workspace.merges.check_merge(body.ref)
    return Work("merge", lambda progress: workspace.merges.merge(body.ref, body.message, progress))


@endpoints.post(
    "git/merge/continue",
    "Commit a merge after its conflicts are resolved, and check out its data",
    also=WRITES,
    errors=[UnfinishedOperationError, NoMergeError],
)
def continue_merge(workspace: Workspace, body: MergeFinish) -> Work:
    workspace.merges.check_finish()
    return Work("merge", lambda progress: workspace.merges.finish(body.message, progress))


@endpoints.post(
    "git/merge/abort",
    "Abort the merge; resolved changes are kept in a hidden commit",
    also=WRITES,
    errors=[*DVC_ERRORS, NoMergeError],
)
def abort_merge(workspace: Workspace, body: MergeAbort) -> Aborted:
    return workspace.merges.abort()


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


@endpoints.post(
    "git/conflicts/{conflict}",
    "Resolve a path by side, by both, cell by cell, or with a text; returns what is unresolved",
    also=WRITES,
    errors=[*DVC_ERRORS, UnresolvedCellsError, VersionItemNotFoundError],
)
def resolve_conflict(workspace: Workspace, path: str, body: Resolution) -> Conflicts:
    return workspace.merges.resolve(unescape(path), body)
