"""The service's endpoints."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field
from tornado.web import RequestHandler

from jupyter_mlws.api.rest import JSON, Reply, RESTHandler, endpoint, location
from jupyter_mlws.api.streams import StreamHandler as AnyStreamHandler
from jupyter_mlws.client import segment
from jupyter_mlws.containers.models import (
    AllocateRequest,
    Allocation,
    AuditEntry,
    AuditQuery,
    Container,
    ContainerChange,
    ContainerCreate,
    ContainerEvents,
    ContainerStatus,
    EnvironmentCreate,
    HoursQuery,
    HoursReport,
    ImageInfo,
    LogQuery,
    LogTail,
    Me,
    Move,
    QueuePlace,
    ResourceReport,
    Resources,
    SavedEnvironment,
    Usage,
    Volume,
)
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    AlreadyExistsError,
    ContainerBackendError,
    ContainerForbiddenError,
    ContainerNotFoundError,
    ContainerQueuedError,
    ContainerStateError,
    ContainerStoppingError,
    EndpointNotFoundError,
    EnvironmentInUseError,
    EnvironmentNotFoundError,
    EnvironmentQuotaError,
    EnvironmentSaveError,
    InsufficientResourcesError,
    InvalidContainerError,
    NotQueuedError,
    PermissionDeniedError,
    StorageQuotaError,
    SwarmUnsupportedError,
    VolumeInUseError,
    VolumeNotFoundError,
)
from jupyter_mlws.core.i18n import ENGLISH
from jupyter_mlws.core.schemas import Page, PageQuery, Record, Request
from jupyter_mlws.hub import metrics
from jupyter_mlws.hub.auth import Permitted
from jupyter_mlws.hub.manager import HubManager
from jupyter_mlws.hub.person import Person

LAB_METRICS = "mlws/api/v1/metrics"
"""Below a lab's own address."""
ONE = (ContainerForbiddenError, ContainerNotFoundError)
STARTS = (*ONE, InsufficientResourcesError, InvalidContainerError)


class ServiceHandler(Permitted, RESTHandler):
    """Base of every REST handler."""


class ServiceStream(Permitted, AnyStreamHandler):
    """Base of every WebSocket."""


class NotFoundHandler(ServiceHandler):
    """Whatever no other pattern takes."""

    resource = "mlws"

    async def _refuse(self) -> None:
        await self.permit()
        raise EndpointNotFoundError()

    get = post = put = patch = delete = _refuse


class MeHandler(ServiceHandler):
    """The person who asks."""

    resource = "me"

    @endpoint("Get the current user", Me)
    async def get(self) -> Me:
        return Me(name=self.person.name, admin=self.person.admin)


class ContainersHandler(ServiceHandler):
    """All containers."""

    resource = "containers"

    @endpoint("List containers", Page[Container], query=PageQuery)
    async def get(self, query: PageQuery) -> Page[Container]:
        after = query.cursor or ""
        rows = [one for one in self.manager.containers(self.person) if one.id > after]
        items = rows[: query.limit]
        more = len(rows) > len(items)
        return Page(items=items, next_cursor=items[-1].id if more else None)

    @endpoint(
        "Create a container",
        Container,
        body=ContainerCreate,
        status=202,
        errors=(InsufficientResourcesError, InvalidContainerError, AlreadyExistsError),
    )
    async def post(self, body: ContainerCreate) -> Reply:
        made = await self.manager.create(self.person, body)
        return Reply(made, 202, location(self, "containers", segment(made.id)))


class ContainerHandler(ServiceHandler):
    """One container."""

    resource = "containers"

    @endpoint("Get a container", Container, errors=ONE)
    async def get(self, identifier: str) -> Container:
        return self.manager.get(self.person, identifier)

    @endpoint(
        "Resize a container, live if it is running",
        Container,
        body=ContainerChange,
        errors=(*STARTS, ContainerStateError, SwarmUnsupportedError),
    )
    async def patch(self, identifier: str, body: ContainerChange) -> Container:
        return await self.manager.change(self.person, identifier, body)

    @endpoint("Delete a container; keep the home", Container, status=202, errors=ONE)
    async def delete(self, identifier: str) -> Reply:
        return _accepted(self, await self.manager.delete(self.person, identifier))


class StartHandler(ServiceHandler):
    """A stopped container's start."""

    resource = "containers"

    @endpoint("Start a container", Container, status=202, errors=STARTS)
    async def post(self, identifier: str) -> Reply:
        return _accepted(self, await self.manager.start(self.person, identifier))


class StopHandler(ServiceHandler):
    """A container's stop."""

    resource = "containers"

    @endpoint("Stop a container", Container, status=202, errors=ONE)
    async def post(self, identifier: str) -> Reply:
        return _accepted(self, await self.manager.stop(self.person, identifier))


class RestartHandler(ServiceHandler):
    """A stop and a start."""

    resource = "containers"

    @endpoint("Restart a container", Container, status=202, errors=STARTS)
    async def post(self, identifier: str) -> Reply:
        return _accepted(self, await self.manager.restart(self.person, identifier))


class LogsHandler(ServiceHandler):
    """The end of a container's log."""

    resource = "containers"

    @endpoint("Get the end of a log", LogTail, query=LogQuery, errors=ONE)
    async def get(self, identifier: str, query: LogQuery) -> LogTail:
        return await self.manager.logs(self.person, identifier, query.tail)


class StatsHandler(ServiceHandler):
    """What a container uses now."""

    resource = "containers"

    @endpoint("Get a container's usage", Usage, errors=ONE)
    async def get(self, identifier: str) -> Usage:
        return await self.manager.stats(self.person, identifier)


class EventsHandler(ServiceHandler):
    """What happened to a container."""

    resource = "containers"

    @endpoint("List the events of a container", ContainerEvents, query=LogQuery, errors=ONE)
    async def get(self, identifier: str, query: LogQuery) -> ContainerEvents:
        found = await self.manager.events(self.person, identifier, query.tail)
        return ContainerEvents(items=found)


class ImagesHandler(ServiceHandler):
    """Images that may be chosen."""

    resource = "images"

    @endpoint("List images", Page[ImageInfo])
    async def get(self) -> Page[ImageInfo]:
        return Page(items=await self.manager.images(self.person))


class EnvironmentsHandler(ServiceHandler):
    """What people have saved."""

    resource = "environments"

    @endpoint("List saved environments", Page[SavedEnvironment])
    async def get(self) -> Page[SavedEnvironment]:
        return Page(items=self.manager.environments.list(self.person))

    @endpoint(
        "Save the packages installed in a container as an environment",
        SavedEnvironment,
        body=EnvironmentCreate,
        status=202,
        errors=(
            *ONE,
            EnvironmentSaveError,
            InvalidContainerError,
            ContainerStateError,
            SwarmUnsupportedError,
            EnvironmentInUseError,
            EnvironmentQuotaError,
        ),
    )
    async def post(self, body: EnvironmentCreate) -> Reply:
        made = await self.manager.save_environment(self.person, body)
        return Reply(made, 202, location(self, "environments", segment(made.id)))


class EnvironmentHandler(ServiceHandler):
    """One saved environment."""

    resource = "environments"

    @endpoint("Get a saved environment", SavedEnvironment, errors=(EnvironmentNotFoundError,))
    async def get(self, identifier: str) -> SavedEnvironment:
        return self.manager.environments.get(self.person, identifier)

    @endpoint(
        "Delete a saved environment",
        errors=(EnvironmentInUseError, EnvironmentNotFoundError),
    )
    async def delete(self, identifier: str) -> None:
        await self.manager.delete_environment(self.person, identifier)


class ResourcesHandler(ServiceHandler):
    """Machines, what is free, and the queue."""

    resource = "resources"

    @endpoint("Get resources and the queue", ResourceReport)
    async def get(self) -> ResourceReport:
        return await self.manager.resources(self.person)


class QueueHandler(ServiceHandler):
    """One place in the queue."""

    resource = "resources"

    @endpoint(
        "Move within the queue",
        Container,
        body=Move,
        errors=(*ONE, NotQueuedError, AdministratorRequiredError, SwarmUnsupportedError),
    )
    async def put(self, identifier: str, body: Move) -> Container:
        return await self.manager.move(self.person, identifier, body.position)

    @endpoint("Remove from the queue", Container, errors=(*ONE, NotQueuedError))
    async def delete(self, identifier: str) -> Container:
        return await self.manager.drop(self.person, identifier)


class VolumesHandler(ServiceHandler):
    """People's files."""

    resource = "volumes"

    @endpoint("List volumes", Page[Volume])
    async def get(self) -> Page[Volume]:
        return Page(items=await self.manager.volumes.list(self.person))


class VolumeHandler(ServiceHandler):
    """One volume."""

    resource = "volumes"

    @endpoint("Get a volume", Volume, errors=(VolumeNotFoundError,))
    async def get(self, name: str) -> Volume:
        return self.manager.volumes.get(self.person, name)

    @endpoint(
        "Permanently delete a volume in the trash",
        errors=(VolumeInUseError, VolumeNotFoundError),
    )
    async def delete(self, name: str) -> None:
        await self.manager.purge(self.person, name)


class TrashHandler(ServiceHandler):
    """A volume's way into the trash."""

    resource = "volumes"

    @endpoint("Move a volume to the trash", Volume, errors=(VolumeInUseError, VolumeNotFoundError))
    async def post(self, name: str) -> Volume:
        return self.manager.trash(self.person, name)


class RestoreHandler(ServiceHandler):
    """A volume's way back."""

    resource = "volumes"

    @endpoint(
        "Restore a volume from the trash", Volume, errors=(VolumeInUseError, VolumeNotFoundError)
    )
    async def post(self, name: str) -> Volume:
        return self.manager.restore(self.person, name)


class HoursHandler(ServiceHandler):
    """Who used how much."""

    resource = "resources"

    @endpoint("Get usage hours", HoursReport, query=HoursQuery)
    async def get(self, query: HoursQuery) -> HoursReport:
        found = await self.manager.hours(self.person, query.days)
        return HoursReport(days=query.days, items=found)


class AuditHandler(ServiceHandler):
    """Who did what."""

    resource = "audit"

    @endpoint(
        "List the audit log",
        Page[AuditEntry],
        query=AuditQuery,
        errors=(AdministratorRequiredError,),
    )
    async def get(self, query: AuditQuery) -> Page[AuditEntry]:
        rows = await self.manager.audited(self.person, query.cursor, query.limit + 1, query.target)
        items = rows[: query.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if len(rows) > len(items) else None)


class AllocateHandler(ServiceHandler):
    """A plan of resources."""

    resource = "resources"

    @endpoint(
        "Plan resources, or reserve them",
        Allocation,
        body=AllocateRequest,
        errors=(InsufficientResourcesError, InvalidContainerError, SwarmUnsupportedError),
    )
    async def post(self, body: AllocateRequest) -> Allocation:
        return await self.manager.allocate(self.person, body)


class StatusStream(ServiceStream):
    """States, usage and the queue as they change."""

    resource = "containers"

    async def newest(self) -> int:
        return self.manager.fleet.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.news(self.person, since)


class LogStream(ServiceStream):
    """A container's log as it grows."""

    resource = "containers"
    identifier: str

    async def attach(self, *ids: str) -> None:
        self.identifier = ids[0]
        self.manager.get(self.person, self.identifier)

    async def newest(self) -> int:
        # A log is read from its beginning where nothing else is asked.
        return 0

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.log(self.person, self.identifier, since)


class MetricsHandler(Permitted, RequestHandler):
    """The numbers for Prometheus: for administrators, and for tokens with ``read:metrics``."""

    resource = "metrics"

    async def get(self) -> None:
        person = await self.who()
        allowed = "read:metrics" in self.scopes or (person is not None and person.admin)
        if not allowed:
            self.set_status(403)
            self.set_header("Content-Type", JSON)
            error = PermissionDeniedError(action="read", resource=self.resource)
            self.finish(error.as_dict(ENGLISH))
            return
        await self.tell()

    async def tell(self) -> None:
        """The numbers."""
        self.set_header("Content-Type", metrics.CONTENT_TYPE)
        self.finish(await self.manager.metrics())


class TargetsHandler(MetricsHandler):
    """The labs that run, as Prometheus discovers them by HTTP: for whoever may read metrics."""

    async def tell(self) -> None:
        """A row for every lab that answers."""
        rows = [
            {
                # Asked through the Hub's proxy, to which the name says something on sub-domains
                # alone.
                "targets": [urlsplit(one.url).hostname or "lab"],
                "labels": {
                    "__metrics_path__": f"{urlsplit(one.url).path.rstrip('/')}/{LAB_METRICS}",
                    "id": one.id,
                    "user": one.user,
                },
            }
            for one in self.manager.containers(Person("", True))
            if one.status is ContainerStatus.RUNNING and one.url
        ]
        self.set_header("Content-Type", JSON)
        self.finish(json.dumps(rows))


class AdmissionRequest(Request):
    """The Hub's question: may this server start?"""

    user: str
    server: str
    spec: ContainerCreate
    home: str = Field(description="Name of the user's volume if none exists yet.")
    known: QueuePlace | None = None
    patience: float = Field(default=0, ge=0, le=60, description="Seconds.")


class Admission(Record):
    """Yes: with what, where, and which devices. Or not yet: the place in the queue."""

    granted: bool
    node: str | None = None
    resources: Resources | None = None
    devices: list[int] = Field(default_factory=list)
    volume: str | None = None
    queue: QueuePlace | None = None


class AdmissionHandler(RESTHandler):
    """Asked by the Hub's spawner alone, with a secret that only the two know."""

    resource = "admissions"
    log = Permitted.log

    def initialize(self, manager: HubManager, **_: Any) -> None:
        self.manager = manager

    async def permit(self, *also: tuple[str, str]) -> None:
        expected = f"token {self.manager.settings.admission_token}"
        given = self.request.headers.get("Authorization", "")
        known = bool(self.manager.settings.admission_token)
        if not (known and hmac.compare_digest(given.encode(), expected.encode())):
            raise PermissionDeniedError(action="write", resource=self.resource)

    @endpoint(
        "Request resources",
        Admission,
        body=AdmissionRequest,
        errors=(
            InsufficientResourcesError,
            ContainerBackendError,
            StorageQuotaError,
            InvalidContainerError,
            ContainerQueuedError,
            ContainerStoppingError,
            NotQueuedError,
        ),
    )
    async def post(self, body: AdmissionRequest) -> Admission:
        volume = await self.manager.volumes.mounted(body.user, body.home, body.spec.rescue)
        granted = await self.manager.admit(
            body.user, body.server, body.spec, body.known, body.patience
        )
        if isinstance(granted, QueuePlace):
            return Admission(granted=False, queue=granted)
        return Admission(
            granted=True,
            node=granted.node,
            resources=Resources.of(granted.amount),
            devices=list(granted.devices),
            volume=volume,
        )


def _accepted(handler: RequestHandler, container: Container) -> Reply:
    return Reply(container, 202, location(handler, "containers", segment(container.id)))


HANDLERS: list[tuple[str, Any]] = [
    (r"me", MeHandler),
    (r"containers", ContainersHandler),
    (r"containers/status", StatusStream),
    (r"containers/([^/]+)", ContainerHandler),
    (r"containers/([^/]+)/start", StartHandler),
    (r"containers/([^/]+)/stop", StopHandler),
    (r"containers/([^/]+)/restart", RestartHandler),
    (r"containers/([^/]+)/logs", LogsHandler),
    (r"containers/([^/]+)/events", EventsHandler),
    (r"containers/([^/]+)/stats", StatsHandler),
    (r"images", ImagesHandler),
    (r"environments", EnvironmentsHandler),
    (r"environments/([^/]+)", EnvironmentHandler),
    (r"resources", ResourcesHandler),
    (r"resources/allocate", AllocateHandler),
    (r"resources/queue/([^/]+)", QueueHandler),
    (r"resources/hours", HoursHandler),
    (r"volumes", VolumesHandler),
    (r"volumes/([^/]+)", VolumeHandler),
    (r"volumes/([^/]+)/trash", TrashHandler),
    (r"volumes/([^/]+)/restore", RestoreHandler),
    (r"audit", AuditHandler),
    (r"logs/([^/]+)", LogStream),
]
