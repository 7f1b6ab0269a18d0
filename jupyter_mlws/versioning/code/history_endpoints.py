"""Endpoints of rollbacks, tags, stashes and safety copies."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Reply, Work
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    GitIdentityMissingError,
    NotAncestorError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.paths import escape, unescape
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.code.history_models import (
    RollbackRequest,
    SafetyCopy,
    Stash,
    StashApply,
    StashCreate,
    Tag,
    TagCreate,
)
from jupyter_mlws.versioning.code.models import TagPush
from jupyter_mlws.versioning.endpoint_errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.workspace import Workspace

endpoints = Endpoints("git", GIT_ERRORS)


@endpoints.post(
    "git/rollback",
    "Revert to a version, including data: with a new commit, or in the files only",
    also=WRITES,
    errors=[NotAncestorError, VersionItemNotFoundError],
)
def roll_back(workspace: Workspace, body: RollbackRequest) -> Work:
    workspace.rollbacks.check(body.to)
    return Work(
        "rollback",
        lambda progress: workspace.rollbacks.run(body.to, body.mode, body.message, progress),
    )


@endpoints.get("git/tags", "List tags, newest first", shared=True)
def list_tags(workspace: Workspace) -> Page[Tag]:
    return Page(items=workspace.tags.list())


@endpoints.post(
    "git/tag",
    "Create a tag",
    status=201,
    errors=[*DVC_ERRORS, GitIdentityMissingError, VersionItemNotFoundError, AlreadyExistsError],
)
def create_tag(workspace: Workspace, body: TagCreate) -> Reply[Tag]:
    tag = workspace.tags.create(body.name, body.ref, body.message)
    return Reply(tag, location=("git", "tag", escape(tag.name)))


@endpoints.get("git/tag/{tag}", "Get a tag", errors=[VersionItemNotFoundError])
def get_tag(workspace: Workspace, name: str) -> Tag:
    return workspace.tags.get(unescape(name))


@endpoints.delete("git/tag/{tag}", "Delete a tag", errors=[*DVC_ERRORS, VersionItemNotFoundError])
def delete_tag(workspace: Workspace, name: str) -> Tag:
    return workspace.tags.delete(unescape(name))


@endpoints.post("git/tag/{tag}/push", "Push a tag", errors=[VersionItemNotFoundError])
def push_tag(workspace: Workspace, name: str, body: TagPush) -> Work:
    tag = workspace.tags.get(unescape(name))
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
def restore_safety_copy(workspace: Workspace, identifier: str) -> Work:
    workspace.safety.check(identifier)
    return Work("restore", lambda progress: workspace.safety.restore(identifier, progress))


@endpoints.get("git/stashes", "List stashes, newest first", shared=True)
def list_stashes(workspace: Workspace) -> Page[Stash]:
    return Page(items=[*workspace.stashes.list()])


@endpoints.post("git/stashes", "Stash all changes, including data", also=WRITES)
def push_stash(workspace: Workspace, body: StashCreate) -> Work:
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
def apply_stash(workspace: Workspace, identifier: str, body: StashApply) -> Work:
    workspace.stashes.get(identifier)
    return Work(
        "stash",
        lambda progress: workspace.stashes.apply(identifier, keep=body.keep, progress=progress),
    )
