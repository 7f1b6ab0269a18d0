"""Base classes of the handlers of a Jupyter server: authorization, services and the project."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, ClassVar

from jupyter_server.base.handlers import APIHandler as JupyterAPIHandler
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin

from jupyter_mlws.api.coalescing import RequestCoalescer
from jupyter_mlws.api.idempotency import IdempotencyCache
from jupyter_mlws.api.registry import Context, Endpoint, Reply, Work
from jupyter_mlws.api.rest import RESTHandler, in_thread
from jupyter_mlws.api.streams import StreamHandler as AnyStreamHandler
from jupyter_mlws.core.errors import EndpointNotFoundError, NotTrustedError, PermissionDeniedError
from jupyter_mlws.server.services import Services
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError, OutsideWorkspaceError, ProjectNotFoundError

ACTIONS = {"GET": "read", "HEAD": "read"}
"""Jupyter's word for what a verb does to a resource; all others write."""
PROJECT_ERRORS = (OutsideWorkspaceError, NotTrustedError, ProjectNotFoundError)
"""Errors of opening a project."""


class AuthorizationMixin:
    """Explicit authentication and authorization, shared by REST and WebSocket handlers."""

    resource: ClassVar[str]
    services: Services

    def initialize(self, services: Services) -> None:
        self.services = services

    async def permit(self, *also: tuple[str, str]) -> None:
        """Raise PermissionDeniedError unless the user may access the resource and ``also``."""
        handler: Any = self
        action = ACTIONS.get(handler.request.method, "write")
        user = handler.current_user
        if user is None:
            raise PermissionDeniedError(action=action, resource=self.resource)
        for what, resource in ((action, self.resource), *also):
            allowed = handler.authorizer.is_authorized(handler, user, what, resource)
            if not (await allowed if isinstance(allowed, Awaitable) else allowed):
                raise PermissionDeniedError(action=what, resource=resource)

    def get_login_url(self) -> str:
        # Programs get 403 with our envelope instead of a redirect to a login page.
        raise PermissionDeniedError(action="use", resource=self.resource)

    async def open_workspace(self) -> Workspace:
        """Return the workspace of ``?project=`` or the server's root.

        Raises NotTrustedError unless it is trusted.
        """
        handler: Any = self
        project = handler.get_query_argument("project", None)
        return await in_thread(self.services.projects.trusted_workspace, project)


class APIHandler(AuthorizationMixin, RESTHandler, JupyterAPIHandler):
    """Base of every REST handler; its functions receive the server's services."""

    @property
    def answers(self) -> IdempotencyCache[Reply[Any]]:
        return self.services.answers

    @property
    def readings(self) -> RequestCoalescer[Reply[Any]]:
        return self.services.readings

    @property
    def context(self) -> Context:
        return Context(self.request.headers, self.get_query_argument("project", None), self.permit)

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Any:
        """Call the function, in a thread unless it is a coroutine."""
        function = partial(endpoint.function, self.services, *ids, **inputs)
        result = function() if iscoroutinefunction(endpoint.function) else in_thread(function)
        return self.start_work(await result)

    def start_work(self, answer: Any) -> Any:
        """Start the work if ``answer`` is :class:`Work`; otherwise return ``answer``."""
        if not isinstance(answer, Work):
            return answer
        operation = self.services.operations.start(answer.kind, answer.run)
        return Reply(operation, location=("operations", operation.id))


class ProjectHandler(APIHandler):
    """Base of the handlers of projects; their functions receive the workspace, in a thread."""

    errors: ClassVar[Sequence[type[MLWSError]]] = PROJECT_ERRORS

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Any:
        project, projects = self.context.project, self.services.projects
        open_workspace = projects.workspace if endpoint.untrusted else projects.trusted_workspace

        def work() -> Any:
            return endpoint.function(open_workspace(project), *ids, **inputs)

        return self.start_work(await in_thread(work))


class StreamHandler(AuthorizationMixin, WebSocketMixin, AnyStreamHandler, JupyterHandler):
    """Base of every WebSocket; Jupyter's mixin checks the origin and pings."""

    def serve(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self.services.readers.serve(work)


class NotFoundHandler(APIHandler):
    """Handler of paths that no other pattern matches."""

    resource = "mlws"

    async def get(self) -> None:
        await self.permit()
        raise EndpointNotFoundError()

    post = put = patch = delete = get
