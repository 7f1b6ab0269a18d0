"""The Hub's containers and resources, forwarded from a lab with the person's own rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.httputil import url_concat
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_mlws.api.base import APIHandler, StreamHandler
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.api.streams import UNAVAILABLE
from jupyter_mlws.client import segment
from jupyter_mlws.containers.manager import ContainerManager
from jupyter_mlws.containers.models import (
    AllocateRequest,
    Allocation,
    Container,
    ContainerChange,
    ContainerCreate,
    ContainerEvents,
    EnvironmentCreate,
    HoursQuery,
    HoursReport,
    ImageInfo,
    LogQuery,
    LogTail,
    Me,
    OwnUsage,
    ResourceReport,
    SavedEnvironment,
    Usage,
    Volume,
)
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    ContainerBackendError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    ContainerStateError,
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    EnvironmentQuotaError,
    EnvironmentSaveError,
    HubUnavailableError,
    InsufficientResourcesError,
    InvalidContainerError,
    RequestFailedError,
    SwarmUnsupportedError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.services import Services

FORWARDED = (HubUnavailableError, RequestFailedError, ContainerBackendError)
"""Errors of every forwarded endpoint."""
NO_CONTAINER = (ContainerForbiddenError, ContainerNotFoundError)
STARTS = (*NO_CONTAINER, InsufficientResourcesError, InvalidContainerError)
CONNECT_LIMIT = 10.0
"""Seconds that the service has to accept a WebSocket."""


def manager_of(services: Services) -> ContainerManager:
    """The manager; error 10103 without a Hub."""
    if services.containers is None:
        raise HubUnavailableError()
    return services.containers


class ContainerBase(APIHandler):
    """Base of the handlers here."""

    resource = "containers"
    errors = FORWARDED

    @property
    def containers(self) -> ContainerManager:
        """The manager, which speaks the reader's language."""
        return manager_of(self.services).in_language(self.language)

    def accepted(self, container: Container) -> Reply:
        """202, and where to look how it goes on."""
        return Reply(container, 202, location(self, "containers", segment(container.id)))


class ContainersHandler(ContainerBase):
    """All containers of the person."""

    @endpoint("List containers", Page[Container], query=PageQuery)
    async def get(self, query: PageQuery) -> Page[Container]:
        return await in_thread(self.containers.list, query.limit, query.cursor)

    @endpoint(
        "Create a container",
        Container,
        body=ContainerCreate,
        status=202,
        errors=(InsufficientResourcesError, InvalidContainerError, AlreadyExistsError),
    )
    async def post(self, body: ContainerCreate) -> Reply:
        return self.accepted(await in_thread(self.containers.create_container, body))


class ContainerHandler(ContainerBase):
    """One container."""

    @endpoint("Get a container", Container, errors=NO_CONTAINER)
    async def get(self, identifier: str) -> Container:
        return await in_thread(self.containers.get, identifier)

    @endpoint(
        "Resize a container, live if it is running",
        Container,
        body=ContainerChange,
        errors=(*STARTS, ContainerStateError, SwarmUnsupportedError),
    )
    async def patch(self, identifier: str, body: ContainerChange) -> Container:
        return await in_thread(self.containers.resize, identifier, body.resources)

    @endpoint("Delete a container; keep the home", Container, status=202, errors=NO_CONTAINER)
    async def delete(self, identifier: str) -> Reply:
        return self.accepted(await in_thread(self.containers.delete, identifier))


class StartHandler(ContainerBase):
    """A stopped container's start."""

    @endpoint("Start a container", Container, status=202, errors=STARTS)
    async def post(self, identifier: str) -> Reply:
        return self.accepted(await in_thread(self.containers.start, identifier))


class StopHandler(ContainerBase):
    """A container's stop."""

    @endpoint("Stop a container", Container, status=202, errors=NO_CONTAINER)
    async def post(self, identifier: str) -> Reply:
        return self.accepted(await in_thread(self.containers.stop, identifier))


class RestartHandler(ContainerBase):
    """A stop and a start."""

    @endpoint("Restart a container", Container, status=202, errors=STARTS)
    async def post(self, identifier: str) -> Reply:
        return self.accepted(await in_thread(self.containers.restart, identifier))


class StatsHandler(ContainerBase):
    """What a container uses now."""

    @endpoint("Get a container's usage", Usage, errors=NO_CONTAINER)
    async def get(self, identifier: str) -> Usage:
        return await in_thread(self.containers.stats, identifier)


class LogsHandler(ContainerBase):
    """The end of a container's log."""

    @endpoint("Get the end of a log", LogTail, query=LogQuery, errors=NO_CONTAINER)
    async def get(self, identifier: str, query: LogQuery) -> LogTail:
        return await in_thread(self.containers.logs, identifier, query.tail)


class EventsHandler(ContainerBase):
    """What happened to a container."""

    @endpoint(
        "List the events of a container", ContainerEvents, query=LogQuery, errors=NO_CONTAINER
    )
    async def get(self, identifier: str, query: LogQuery) -> ContainerEvents:
        return await in_thread(self.containers.events, identifier, query.tail)


class VolumesHandler(ContainerBase):
    """The person's files."""

    resource = "volumes"

    @endpoint("List volumes", Page[Volume])
    async def get(self) -> Page[Volume]:
        return await in_thread(self.containers.volumes)


class HoursHandler(ContainerBase):
    """How much the person has used."""

    resource = "resources"

    @endpoint("Get usage hours", HoursReport, query=HoursQuery)
    async def get(self, query: HoursQuery) -> HoursReport:
        return await in_thread(self.containers.hours, query.days)


class EnvironmentsHandler(ContainerBase):
    """What the person has saved."""

    resource = "environments"

    @endpoint("List saved environments", Page[SavedEnvironment])
    async def get(self) -> Page[SavedEnvironment]:
        return await in_thread(self.containers.environments)

    @endpoint(
        "Save the packages installed in a container as an environment",
        SavedEnvironment,
        body=EnvironmentCreate,
        status=202,
        errors=(
            *NO_CONTAINER,
            EnvironmentSaveError,
            InvalidContainerError,
            ContainerStateError,
            SwarmUnsupportedError,
            EnvironmentInUseError,
            EnvironmentQuotaError,
        ),
    )
    async def post(self, body: EnvironmentCreate) -> Reply:
        save = self.containers.save_environment
        made = await in_thread(lambda: save(body.name, body.container, use=body.use))
        return Reply(made, 202, location(self, "environments", segment(made.id)))


class EnvironmentHandler(ContainerBase):
    """One saved environment."""

    resource = "environments"

    @endpoint("Get a saved environment", SavedEnvironment, errors=(EnvironmentNotFoundError,))
    async def get(self, identifier: str) -> SavedEnvironment:
        return await in_thread(self.containers.environment, identifier)

    @endpoint(
        "Delete a saved environment",
        errors=(EnvironmentInUseError, EnvironmentNotFoundError),
    )
    async def delete(self, identifier: str) -> None:
        await in_thread(self.containers.delete_environment, identifier)


class ImagesHandler(ContainerBase):
    """Images that may be chosen."""

    resource = "images"

    @endpoint("List images", Page[ImageInfo])
    async def get(self) -> Page[ImageInfo]:
        return await in_thread(self.containers.images)


class MeHandler(ContainerBase):
    """The person, as the Hub knows them."""

    resource = "me"

    @endpoint("Get the current user", Me)
    async def get(self) -> Me:
        return await in_thread(self.containers.me)


class ResourcesHandler(ContainerBase):
    """Machines, what is free, and the queue."""

    resource = "resources"

    @endpoint("Get resources and the queue", ResourceReport)
    async def get(self) -> ResourceReport:
        return await in_thread(self.containers.resources)


class AllocateHandler(ContainerBase):
    """A plan of resources."""

    resource = "resources"

    @endpoint(
        "Plan resources, or reserve them",
        Allocation,
        body=AllocateRequest,
        errors=(InsufficientResourcesError, InvalidContainerError, SwarmUnsupportedError),
    )
    async def post(self, body: AllocateRequest) -> Allocation:
        return await in_thread(self.containers.allocate, body)


class ForwardedStream(StreamHandler):
    """Base of the streams here: the service's own messages, word for word."""

    def stream_path(self, *ids: str) -> str:
        """Where the service has it, below its prefix."""
        raise NotImplementedError

    async def tell(self, *ids: str) -> None:
        since = self.get_query_argument("since", None)
        upstream = await self.connect(self.stream_path(*ids), since)
        try:
            while (message := await upstream.read_message()) is not None:
                await self.pass_on(message)
            self.close(upstream.close_code or UNAVAILABLE, upstream.close_reason)
        finally:
            upstream.close()

    async def connect(self, path: str, since: str | None) -> WebSocketClientConnection:
        """The service's stream; error 50102 where it does not answer."""
        service = manager_of(self.services).service
        address = f"ws{service.url.removeprefix('http')}{service.prefix}/{path}"
        request = HTTPRequest(
            url_concat(address, [("since", since)] if since else []),
            headers={"Authorization": f"token {service.token}", "Accept-Language": self.language},
            connect_timeout=CONNECT_LIMIT,
        )
        try:
            return await websocket_connect(request)
        except (HTTPClientError, OSError) as error:
            raise RequestFailedError(url=service.url, reason=str(error)) from error


class StatusStream(ForwardedStream):
    """States, usage and the queue as they change."""

    resource = "containers"

    def stream_path(self, *ids: str) -> str:
        return "containers/status"


class LogStream(ForwardedStream):
    """A container's log as it grows."""

    resource = "containers"

    def stream_path(self, *ids: str) -> str:
        return f"logs/{segment(ids[0])}"


class OwnUsageHandler(APIHandler):
    """The container that this very server runs in."""

    resource = "usage"
    errors = ()

    @endpoint("Get the resource usage of this server's container", OwnUsage)
    async def get(self) -> OwnUsage:
        return await self.services.own.usage()


class OwnUsageStream(StreamHandler):
    """The same as it changes, and whose kernel was killed for lack of memory."""

    resource = "usage"

    async def newest(self) -> int:
        return self.services.own.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.services.own.news(since)


HANDLERS: list[tuple[str, Any]] = [
    (r"usage", OwnUsageHandler),
    (r"usage/status", OwnUsageStream),
    (r"containers", ContainersHandler),
    (r"containers/status", StatusStream),
    (r"containers/([^/]+)", ContainerHandler),
    (r"containers/([^/]+)/start", StartHandler),
    (r"containers/([^/]+)/stop", StopHandler),
    (r"containers/([^/]+)/restart", RestartHandler),
    (r"containers/([^/]+)/stats", StatsHandler),
    (r"containers/([^/]+)/logs", LogsHandler),
    (r"containers/([^/]+)/events", EventsHandler),
    (r"volumes", VolumesHandler),
    (r"resources/hours", HoursHandler),
    (r"environments", EnvironmentsHandler),
    (r"environments/([^/]+)", EnvironmentHandler),
    (r"images", ImagesHandler),
    (r"me", MeHandler),
    (r"resources", ResourcesHandler),
    (r"resources/allocate", AllocateHandler),
]
