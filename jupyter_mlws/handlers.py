"""Handlers of what belongs to no folder: operations, the workspace's news and the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jupyter_mlws.api.base import APIHandler, StreamHandler
from jupyter_mlws.api.rest import endpoint
from jupyter_mlws.core.errors import NoPromptError, OperationNotFoundError
from jupyter_mlws.core.operations import Answer, Operation
from jupyter_mlws.core.schemas import Page


class OperationsHandler(APIHandler):
    """The operations that go on."""

    resource = "operations"
    errors = ()

    @endpoint("List active operations", Page[Operation])
    async def get(self) -> Page[Operation]:
        return Page(items=self.services.operations.list())


class OperationHandler(APIHandler):
    """One operation."""

    resource = "operations"
    errors = ()

    @endpoint("Get an operation", Operation, errors=[OperationNotFoundError])
    async def get(self, identifier: str) -> Operation:
        return self.services.operations.get(identifier)


class OperationCancelHandler(APIHandler):
    """An operation's end, asked for."""

    resource = "operations"
    errors = ()

    @endpoint("Cancel an operation", Operation, status=202, errors=[OperationNotFoundError])
    async def post(self, identifier: str) -> Operation:
        return self.services.operations.cancel(identifier)


class OperationAnswerHandler(APIHandler):
    """An answer to what an operation asks."""

    resource = "operations"
    errors = ()

    @endpoint(
        "Answer the question of a WAITING operation: a user name, a password",
        Operation,
        body=Answer,
        status=202,
        errors=[NoPromptError, OperationNotFoundError],
    )
    async def post(self, identifier: str, body: Answer) -> Operation:
        return self.services.operations.answer(identifier, body.value)


class OperationStream(StreamHandler):
    """Progress and ends of all operations of this server."""

    resource = "operations"

    async def newest(self) -> int:
        return self.services.operations.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.services.operations.stream.follow(since)


class WorkspaceStream(StreamHandler):
    """Which parts of the project changed on disk, whoever changed them."""

    resource = "workspace"

    async def attach(self, *ids: str) -> None:
        workspace = await self.open_workspace()
        self.watcher = self.services.watchers.of(workspace.project)

    async def newest(self) -> int:
        return self.watcher.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.watcher.stream.follow(since)


HANDLERS = [
    (r"operations", OperationsHandler),
    (r"operations/status", OperationStream),
    (r"operations/([^/]+)", OperationHandler),
    (r"operations/([^/]+)/cancel", OperationCancelHandler),
    (r"operations/([^/]+)/answer", OperationAnswerHandler),
    (r"workspace/status", WorkspaceStream),
]
