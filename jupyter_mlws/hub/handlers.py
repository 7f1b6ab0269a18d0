"""Handlers of the Hub's service: base classes, streams, admissions and metrics."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator
from inspect import isawaitable
from typing import Any
from urllib.parse import urlsplit

from tornado.web import RequestHandler

from jupyter_mlws.api.registry import JSON, Endpoint, Endpoints, Reply
from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.api.streams import StreamHandler
from jupyter_mlws.containers.messages import (
    NOTICE_MESSAGES,
    STATUS_MESSAGES,
    BudgetNoticeEvent,
    LogLineEvent,
)
from jupyter_mlws.containers.models import ContainerStatus, Me
from jupyter_mlws.core.errors import (
    BudgetExceededError,
    ContainerBackendError,
    ContainerQueuedError,
    ContainerStoppingError,
    DiskReserveError,
    EndpointNotFoundError,
    HomeUnavailableError,
    InsufficientResourcesError,
    InvalidContainerError,
    NotQueuedError,
    PermissionDeniedError,
    StorageQuotaError,
)
from jupyter_mlws.hub import metrics
from jupyter_mlws.hub.accounts.events import AuditedEvents
from jupyter_mlws.hub.auth import AuthenticatedHandler
from jupyter_mlws.hub.budgets.manager import to_csv
from jupyter_mlws.hub.manager import HubManager
from jupyter_mlws.hub.offers import make_offer
from jupyter_mlws.hub.records.container_state import ContainerState
from jupyter_mlws.hub.scheduling.admission import (
    Admission,
    AdmissionRequest,
    Offer,
    OfferRequest,
)
from mlws.core.i18n import ENGLISH

LAB_METRICS = "mlws/api/v1/metrics"
"""Path of the metrics below a lab's URL."""
EVERYBODY = Me(name="", admin=True)
"""User with access to the data of all users."""
admissions = Endpoints("admissions")


class ServiceHandler(AuthenticatedHandler, RESTHandler):
    """Base of every REST handler; its functions receive the manager and the user."""

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Any:
        # The manager lives on the event loop.
        answer = endpoint.function(self.manager, self.user, *ids, **inputs)
        return await answer if isawaitable(answer) else answer


class UsageHandler(ServiceHandler):
    """Handler of usage, as JSON or as CSV."""

    def reply(self, answer: Reply[Any], status: int) -> None:
        is_csv = self.get_query_argument("format", "") == "csv" or (
            not self.get_query_argument("format", "")
            and "text/csv" in self.request.headers.get("Accept", "")
        )
        if not is_csv:
            super().reply(answer, status)
            return
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="usage.csv"')
        self.finish(to_csv(answer.data))


class NotFoundHandler(ServiceHandler):
    """Handler of paths that no other pattern matches."""

    resource = "mlws"

    async def get(self) -> None:
        await self.permit()
        raise EndpointNotFoundError()

    post = put = patch = delete = get


class StatusStream(AuthenticatedHandler, StreamHandler):
    """States, usage and the queue as they change."""

    resource = "containers"
    messages = STATUS_MESSAGES

    async def newest(self) -> int:
        return self.manager.registry.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.reports.changes(self.user, since)


class NoticeStream(AuthenticatedHandler, StreamHandler):
    """The notices of a user as they change."""

    resource = "notices"
    messages = NOTICE_MESSAGES

    async def newest(self) -> int:
        return self.manager.notices.stream.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.notices.changes(self.user, since)


class LogStream(AuthenticatedHandler, StreamHandler):
    """A container's log as it grows."""

    resource = "containers"
    messages = (LogLineEvent,)
    identifier: str

    async def attach(self, *ids: str) -> None:
        self.identifier = ids[0]
        self.manager.containers.get(self.user, self.identifier)

    async def newest(self) -> int:
        # By default, a log is read from its beginning.
        return 0

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.reports.follow_log(self.user, self.identifier, since)


class BudgetNoticeStream(AuthenticatedHandler, StreamHandler):
    """Notices about budgets to the user of a container: the current one, then each change."""

    resource = "containers"
    messages = (BudgetNoticeEvent,)
    entry: ContainerState

    async def attach(self, *ids: str) -> None:
        self.entry = self.manager.registry.find(self.user, ids[0])

    async def newest(self) -> int:
        return self.manager.budgets.enforcer.notices.seq

    def follow(self, since: int) -> AsyncIterator[dict[str, Any]]:
        return self.manager.budgets.enforcer.follow(self.entry, since)


class MetricsHandler(AuthenticatedHandler, RequestHandler):
    """Metrics for Prometheus; for administrators and tokens with ``read:metrics``."""

    resource = "metrics"

    async def get(self) -> None:
        user = await self.who()
        allowed = "read:metrics" in self.scopes or (user is not None and user.admin)
        if not allowed:
            self.set_status(403)
            self.set_header("Content-Type", JSON)
            error = PermissionDeniedError(action="read", resource=self.resource)
            self.finish(error.as_dict(ENGLISH))
            return
        await self.respond()

    async def respond(self) -> None:
        """Send the metrics."""
        report = await self.manager.reports.resources(EVERYBODY)
        self.set_header("Content-Type", metrics.CONTENT_TYPE)
        containers = self.manager.containers.list(EVERYBODY)
        volumes = self.manager.volumes.list(EVERYBODY)
        budgets = self.manager.budgets
        self.finish(
            metrics.format_metrics(
                report, containers, volumes, budgets.month_usage(), budgets.all_budgets()
            )
        )


class TargetsHandler(MetricsHandler):
    """Running labs in Prometheus' HTTP discovery format; same permissions as the metrics."""

    async def respond(self) -> None:
        """Send a target for each running lab."""
        rows = [
            {
                # Prometheus sends requests to the Hub's proxy, which uses the host name only with
                # subdomains.
                "targets": [urlsplit(one.url).hostname or "lab"],
                "labels": {
                    "__metrics_path__": f"{urlsplit(one.url).path.rstrip('/')}/{LAB_METRICS}",
                    "id": one.id,
                    "user": one.user,
                },
            }
            for one in self.manager.containers.list(EVERYBODY)
            if one.status is ContainerStatus.RUNNING and one.url
        ]
        self.set_header("Content-Type", JSON)
        self.finish(json.dumps(rows))


@admissions.post(
    "admissions",
    "Request resources",
    errors=(
        BudgetExceededError,
        InsufficientResourcesError,
        ContainerBackendError,
        StorageQuotaError,
        DiskReserveError,
        HomeUnavailableError,
        InvalidContainerError,
        ContainerQueuedError,
        ContainerStoppingError,
        NotQueuedError,
    ),
)
async def admit(manager: HubManager, body: AdmissionRequest) -> Admission:
    return await manager.containers.admit(body)


@admissions.post("offers", "Tell what a user can start now")
async def get_offer(manager: HubManager, body: OfferRequest) -> Offer:
    offer = make_offer(manager.registry, body, manager.budgets.enforcer.check_start)
    budgets = manager.budgets.report(Me(name=body.user, admin=False)).items
    return offer.model_copy(update={"budgets": budgets})


@admissions.post("account-events", "Record events of accounts in the audit log")
async def record_account_events(manager: HubManager, body: AuditedEvents) -> None:
    for event in body.items:
        manager.audit.record_past(
            event.time, event.actor, event.action, event.target, event.details
        )
        if event.action == "container.stop":
            manager.containers.explain_stop(event.actor, event.target)
    # The Hub forgets them now.
    await manager.audit.flush()


class AdmissionHandler(RESTHandler):
    """Handler for the Hub alone, which authenticates with a shared secret."""

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
