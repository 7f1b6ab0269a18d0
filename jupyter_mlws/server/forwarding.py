"""Requests and streams that a lab forwards to the Hub's service, with the user's token."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import unquote

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httputil import url_concat
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyter_mlws.api.client import WORK_LIMIT, RemoteError, segment
from jupyter_mlws.api.registry import Endpoint, Reply
from jupyter_mlws.api.streams import UNAVAILABLE
from jupyter_mlws.containers.manager import HubService, own_container
from jupyter_mlws.containers.messages import NOTICE_MESSAGES, STATUS_MESSAGES, LogLineEvent
from jupyter_mlws.containers.models import EnvironmentCreate
from jupyter_mlws.core.errors import (
    ContainerBackendError,
    HubUnavailableError,
    RequestFailedError,
)
from jupyter_mlws.server.handlers import APIHandler, StreamHandler
from jupyter_mlws.server.services import Services

FORWARDING_ERRORS = (HubUnavailableError, RequestFailedError, ContainerBackendError)
"""Errors of every forwarded endpoint."""
CONNECT_TIMEOUT = 10.0
"""Timeout for the connection to the service, in seconds."""
PREFIX = "mlws/api/v1/"


def service_of(services: Services) -> HubService:
    """The Hub's service; HubUnavailableError without a Hub."""
    if services.containers is None:
        raise HubUnavailableError()
    return services.containers.service


class ForwardHandler(APIHandler):
    """Base of the handlers of endpoints that the Hub's service carries out."""

    errors = FORWARDING_ERRORS

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Reply[Any]:
        service = service_of(self.services)
        path = self.request.path.partition(PREFIX)[2]
        query = [
            (name, value)
            for name in self.request.query_arguments
            if name not in ("project", "token")
            for value in self.get_query_arguments(name)
        ]
        body = inputs.get("body")
        if isinstance(body, EnvironmentCreate) and body.container is None:
            # A lab saves its own container, unless it names another.
            body = body.model_copy(update={"container": own_container()})
        content = body.model_dump_json(exclude_unset=True) if body is not None else "{}"
        request = HTTPRequest(
            url_concat(f"{service.url}{service.prefix}/{path}", query),
            method=endpoint.method.upper(),
            headers={
                "Accept-Language": self.language,
                "Authorization": f"token {service.token}",
                "Content-Type": "application/json",
            },
            body=None if endpoint.method in ("get", "delete") else content,
            connect_timeout=CONNECT_TIMEOUT,
            request_timeout=WORK_LIMIT,
        )
        try:
            answer = await AsyncHTTPClient().fetch(request, raise_error=False)
            payload = json.loads(answer.body)
            if answer.code >= 400:
                raise RemoteError(payload).as_ours(service.url)
            location = answer.headers.get("Location", "").partition(f"{service.prefix}/")[2]
            return Reply(
                payload["data"], answer.code, [unquote(p) for p in location.split("/") if p]
            )
        except (HTTPClientError, OSError, ValueError, KeyError) as error:
            raise RequestFailedError(url=service.url, reason=str(error)) from error


class ForwardedStream(StreamHandler):
    """Base of the streams here: passes on the service's messages unchanged."""

    def stream_path(self, *ids: str) -> str:
        """Return the path of the stream at the service, below its prefix."""
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
        """Connect to the service's stream; RequestFailedError if it does not answer."""
        service = service_of(self.services)
        address = f"ws{service.url.removeprefix('http')}{service.prefix}/{path}"
        request = HTTPRequest(
            url_concat(address, [("since", since)] if since else []),
            headers={"Authorization": f"token {service.token}", "Accept-Language": self.language},
            connect_timeout=CONNECT_TIMEOUT,
        )
        try:
            return await websocket_connect(request)
        except (HTTPClientError, OSError) as error:
            raise RequestFailedError(url=service.url, reason=str(error)) from error


class StatusStream(ForwardedStream):
    """States, usage and the queue as they change."""

    resource = "containers"
    messages = STATUS_MESSAGES

    def stream_path(self, *ids: str) -> str:
        return "containers/status"


class NoticeStream(ForwardedStream):
    """The user's notices as they change."""

    resource = "notices"
    messages = NOTICE_MESSAGES

    def stream_path(self, *ids: str) -> str:
        return "notices/status"


class LogStream(ForwardedStream):
    """A container's log as it grows."""

    resource = "containers"
    messages: ClassVar[tuple[type[Any], ...]] = (LogLineEvent,)

    def stream_path(self, *ids: str) -> str:
        return f"logs/{segment(ids[0])}"
