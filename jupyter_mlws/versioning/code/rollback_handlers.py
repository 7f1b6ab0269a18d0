"""Endpoints of going back, tags and stashes."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    GitIdentityMissingError,
    NotAncestorError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.path_ids import escape, unescape
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
from jupyter_mlws.versioning.handling import DVC_ERRORS, WRITES, VersioningHandler


class RollbackHandler(VersioningHandler):
    """Going back to an earlier version."""

    resource = "git"

    @endpoint(
        "Revert to a version, including data: with a new commit, or in the files only",
        Operation,
        body=RollbackRequest,
        status=202,
        also=WRITES,
        errors=[NotAncestorError, VersionItemNotFoundError],
    )
    async def post(self, body: RollbackRequest) -> Reply:
        rollbacks = (await self.managers()).rollbacks
        await in_thread(rollbacks.check, body.to)
        return self.begin(
            "rollback", lambda told: rollbacks.run(body.to, body.mode, body.message, told)
        )


class TagsHandler(VersioningHandler):
    """All tags."""

    resource = "git"

    @endpoint("List tags, newest first", Page[Tag], shared=True)
    async def get(self) -> Page[Tag]:
        tags = (await self.managers()).tags
        return Page(items=await in_thread(tags.list))


class TagHandler(VersioningHandler):
    """New tags."""

    resource = "git"

    @endpoint(
        "Create a tag",
        Tag,
        body=TagCreate,
        status=201,
        errors=[*DVC_ERRORS, GitIdentityMissingError, VersionItemNotFoundError, AlreadyExistsError],
    )
    async def post(self, body: TagCreate) -> Reply:
        tags = (await self.managers()).tags
        made = await in_thread(tags.create, body.name, body.ref, body.message)
        return Reply(made, 201, location(self, "git", "tag", escape(made.name)))


class NamedTagHandler(VersioningHandler):
    """One tag; slashes in its name are escaped as ``~1`` or ``%2F``."""

    resource = "git"

    @endpoint("Get a tag", Tag, errors=[VersionItemNotFoundError])
    async def get(self, name: str) -> Tag:
        tags = (await self.managers()).tags
        return await in_thread(tags.get, unescape(name))

    @endpoint(
        "Delete a tag",
        Tag,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def delete(self, name: str) -> Tag:
        tags = (await self.managers()).tags
        return await in_thread(tags.delete, unescape(name))


class TagPushHandler(VersioningHandler):
    """A tag, brought to a remote."""

    resource = "git"

    @endpoint(
        "Push a tag",
        Operation,
        body=TagPush,
        status=202,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, name: str, body: TagPush) -> Reply:
        versions = await self.managers()
        tag = await in_thread(versions.tags.get, unescape(name))
        remotes = versions.remotes
        await in_thread(remotes.check_fetch, body.remote)
        return self.begin(
            "push", lambda told: remotes.push_tag(tag.name, body.remote, told, told.ask)
        )


class StashesHandler(VersioningHandler):
    """Work that was put aside."""

    resource = "git"

    @endpoint(
        "List stashes, newest first",
        Page[Stash],
        shared=True,
    )
    async def get(self) -> Page[Stash]:
        stashes = (await self.managers()).stashes
        return Page(items=[*await in_thread(stashes.list)])

    @endpoint(
        "Stash all changes, including data",
        Operation,
        body=StashCreate,
        status=202,
        also=WRITES,
    )
    async def post(self, body: StashCreate) -> Reply:
        stashes = (await self.managers()).stashes
        return self.begin(
            "stash",
            lambda told: stashes.push(body.message, untracked=body.untracked, progress=told),
        )


class StashHandler(VersioningHandler):
    """One stash."""

    resource = "git"

    @endpoint("Get a stash", Stash, errors=[VersionItemNotFoundError])
    async def get(self, identifier: str) -> Stash:
        stashes = (await self.managers()).stashes
        return await in_thread(stashes.get, identifier)

    @endpoint(
        "Drop a stash",
        Stash,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def delete(self, identifier: str) -> Stash:
        stashes = (await self.managers()).stashes
        return await in_thread(stashes.drop, identifier)


class StashApplyHandler(VersioningHandler):
    """A stash, brought back."""

    resource = "git"

    @endpoint(
        "Apply a stash, including data, and drop it unless it is to be kept",
        Operation,
        body=StashApply,
        status=202,
        also=WRITES,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: StashApply) -> Reply:
        stashes = (await self.managers()).stashes
        await in_thread(stashes.get, identifier)
        return self.begin(
            "stash", lambda told: stashes.apply(identifier, keep=body.keep, progress=told)
        )


class SafetyHandler(VersioningHandler):
    """What restores, discards and aborted merges replaced."""

    resource = "git"

    @endpoint(
        "List safety copies, newest first",
        Page[SafetyCopy],
        shared=True,
    )
    async def get(self) -> Page[SafetyCopy]:
        safety = (await self.managers()).safety
        return Page(items=[*await in_thread(safety.list)])


class SafetyRestoreHandler(VersioningHandler):
    """A safety copy, restored."""

    resource = "git"

    @endpoint(
        "Restore a safety copy, including staged changes",
        Operation,
        status=202,
        also=WRITES,
        errors=[VersionItemNotFoundError],
    )
    async def post(self, identifier: str) -> Reply:
        safety = (await self.managers()).safety
        await in_thread(safety.check, identifier)
        return self.begin("restore", lambda told: safety.restore(identifier, told))


HANDLERS = [
    (r"git/rollback", RollbackHandler),
    (r"git/tags", TagsHandler),
    (r"git/tag", TagHandler),
    (r"git/tag/([^/]+)", NamedTagHandler),
    (r"git/tag/([^/]+)/push", TagPushHandler),
    (r"git/safety", SafetyHandler),
    (r"git/safety/([^/]+)/restore", SafetyRestoreHandler),
    (r"git/stashes", StashesHandler),
    (r"git/stashes/([^/]+)", StashHandler),
    (r"git/stashes/([^/]+)/apply", StashApplyHandler),
]
