"""Endpoints of operations, and the streams of operations and of changes in a project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from jupyter_mlws.api.registry import Endpoints
from jupyter_mlws.core.errors import NoPromptError, OperationNotFoundError
from jupyter_mlws.core.operations import Answer, Operation
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.server.handlers import StreamHandler
from jupyter_mlws.server.services import Services

endpoints = Endpoints("operations")


@endpoints.get("operations", "List active operations")
async def list_operations(services: Services) -> Page[Operation]:
    return Page(items=services.operations.list())


@endpoints.get("operations/{operation}", "Get an operation", errors=[OperationNotFoundError])
async def get_operation(services: Services, identifier: str) -> Operation:
    return services.operations.get(identifier)


@endpoints.post(
    "operations/{operation}/cancel",
    "Cancel an operation",
    status=202,
    errors=[OperationNotFoundError],
)
async def cancel_operation(services: Services, identifier: str) -> Operation:
    return services.operations.cancel(identifier)


@endpoints.post(
    "operations/{operation}/answer",
    "Answer the question of a WAITING operation: a user name, a password",
    status=202,
    errors=[NoPromptError, OperationNotFoundError],
)
async def answer_operation(services: Services, identifier: str, body: Answer) -> Operation:
    return services.operations.answer(identifier, body.value)


class OperationEvent(Operation):
    """Message: an operation has changed."""

    type: Literal["operation"]
    seq: int


class OperationStream(StreamHandler):
    """Progress and results of all operations of this server."""

    resource = "operations"
    messages = (OperationEvent,)

    async def newest(self) -> int:
        return self.services.operations.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.services.operations.stream.follow(since)


class WorkspaceChange(TypedDict):
    """Message: files have changed; without ``paths``, any file of the area ``changes`` may have."""

    type: Literal["workspace"]
    seq: int
    areas: list[Literal["changes", "history", "components", "workflows", "runs", "environments"]]
    paths: NotRequired[list[str]]


class Unwatched(TypedDict):
    """Message: the server cannot watch the files any more."""

    type: Literal["unwatched"]
    seq: int
    reason: str


class WorkspaceStream(StreamHandler):
    """Areas of the project that changed on disk, by any program."""

    resource = "workspace"
    messages = (WorkspaceChange, Unwatched)

    async def attach(self, *ids: str) -> None:
        workspace = await self.open_workspace()
        self.watcher = self.services.watchers.of(workspace.project)

    async def newest(self) -> int:
        return self.watcher.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.watcher.stream.follow(since)
