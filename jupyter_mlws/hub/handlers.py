"""Handlers of the Hub's service: base classes, admissions and metrics."""

from __future__ import annotations

import hmac
import json
from inspect import isawaitable
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field
from tornado.web import RequestHandler

from jupyter_mlws.api.registry import JSON, Endpoint, Endpoints
from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.containers.models import (
    ContainerCreate,
    ContainerStatus,
    QueuePlace,
    Resources,
)
from jupyter_mlws.core.errors import (
    ContainerBackendError,
    ContainerQueuedError,
    ContainerStoppingError,
    EndpointNotFoundError,
    InsufficientResourcesError,
    InvalidContainerError,
    NotQueuedError,
    PermissionDeniedError,
    StorageQuotaError,
)
from jupyter_mlws.core.i18n import ENGLISH
from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.hub import metrics
from jupyter_mlws.hub.auth import AuthenticatedHandler
from jupyter_mlws.hub.manager import HubManager
from jupyter_mlws.hub.person import Person

LAB_METRICS = "mlws/api/v1/metrics"
"""Below a lab's own address."""
admissions = Endpoints("admissions")


class ServiceHandler(AuthenticatedHandler, RESTHandler):
    """Base of every REST handler; its functions receive the manager and the user."""

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Any:
        # The manager lives on the event loop.
        answer = endpoint.function(self.manager, self.person, *ids, **inputs)
        return await answer if isawaitable(answer) else answer


class NotFoundHandler(ServiceHandler):
    """Handler of paths that no other pattern matches."""

    resource = "mlws"

    async def _refuse(self) -> None:
        await self.permit()
        raise EndpointNotFoundError()

    get = post = put = patch = delete = _refuse


class MetricsHandler(AuthenticatedHandler, RequestHandler):
    """Metrics for Prometheus; for administrators and tokens with ``read:metrics``."""

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
        """Send the metrics."""
        self.set_header("Content-Type", metrics.CONTENT_TYPE)
        self.finish(await self.manager.metrics())


class TargetsHandler(MetricsHandler):
    """Running labs in Prometheus' HTTP discovery format; same permissions as the metrics."""

    async def tell(self) -> None:
        """Send a target for each running lab."""
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
    """Request of the Hub to start a server."""

    user: str
    server: str
    spec: ContainerCreate
    home: str = Field(description="Name of the user's volume if none exists yet.")
    known: QueuePlace | None = None
    patience: float = Field(default=0, ge=0, le=60, description="Seconds.")


class Admission(Record):
    """Granted resources, node and devices, or else the position in the queue."""

    granted: bool
    node: str | None = None
    resources: Resources | None = None
    devices: list[int] = Field(default_factory=list)
    volume: str | None = None
    queue: QueuePlace | None = None


@admissions.post(
    "admissions",
    "Request resources",
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
async def admit(manager: HubManager, body: AdmissionRequest) -> Admission:
    volume = await manager.volumes.mounted(body.user, body.home, body.spec.rescue)
    result = await manager.admit(body.user, body.server, body.spec, body.known, body.patience)
    if isinstance(result, QueuePlace):
        return Admission(granted=False, queue=result)
    return Admission(
        granted=True,
        node=result.node,
        resources=Resources.of(result.amount),
        devices=list(result.devices),
        volume=volume,
    )


class AdmissionHandler(RESTHandler):
    """Handler for the Hub's spawner alone, which authenticates with a shared secret."""

    log = AuthenticatedHandler.log

    def initialize(self, manager: HubManager, **_: Any) -> None:
        self.manager = manager

    async def permit(self, *also: tuple[str, str]) -> None:
        expected = f"token {self.manager.settings.admission_token}"
        header = self.request.headers.get("Authorization", "")
        has_token = bool(self.manager.settings.admission_token)
        if not (has_token and hmac.compare_digest(header.encode(), expected.encode())):
            raise PermissionDeniedError(action="write", resource=self.resource)

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Any:
        return await endpoint.function(self.manager, *ids, **inputs)
