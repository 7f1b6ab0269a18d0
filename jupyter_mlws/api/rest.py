"""Handlers that serve endpoints over HTTP: permissions, validation, envelope and errors.

Subclasses for Jupyter's server are in :mod:`~jupyter_mlws.server.handlers`, those for the Hub's
service in :mod:`jupyter_mlws.hub`.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, ParamSpec, TypeVar, get_args, get_origin
from urllib.parse import quote

from pydantic import BaseModel
from tornado import web

from jupyter_mlws.api import idempotency
from jupyter_mlws.api.coalescing import RequestCoalescer
from jupyter_mlws.api.registry import IDEMPOTENCY_KEY, JSON, Context, Endpoint, Reply
from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.errors import (
    EndpointNotFoundError,
    InternalError,
    MethodNotSupportedError,
    PermissionDeniedError,
    of_system,
)
from jupyter_mlws.core.schemas import encode_json
from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import Message

P = ParamSpec("P")
T = TypeVar("T")

Route = tuple[str, type[web.RequestHandler]]

OK = Message("OK")
AGAIN = {idempotency.REPLAYED_HEADER: "true"}
MAX_BODY = 16 * 1024 * 1024
"""Bytes; larger bodies are data, and data does not travel through this API."""


def serve(endpoint: Endpoint) -> Callable[..., Awaitable[None]]:
    """Return the method of a handler class that serves an endpoint."""

    async def method(self: RESTHandler, *ids: str) -> None:
        await self.permit(*endpoint.also)
        query = self.parse_query(endpoint.query)
        body = None if endpoint.body is None else self.parse_body(endpoint.body)
        inputs = endpoint.inputs(query, body, self.context)

        async def work() -> Reply[Any]:
            answer = await self.call(endpoint, *ids, **inputs)
            return answer if isinstance(answer, Reply) else Reply(endpoint.select(answer, query))

        key = self.request.headers.get(IDEMPOTENCY_KEY) if endpoint.idempotent else None
        if endpoint.shared:
            reply = await self.readings.read(self.request.uri, work)
        else:
            reply = await (work() if key is None else self.once(key, work))
        if endpoint.media == JSON:
            self.reply(reply, endpoint.status)
        else:
            await self.send(reply, endpoint.media)

    method.endpoint = endpoint  # type: ignore[attr-defined]
    return method


def routes(endpoints: Iterable[Endpoint], base: type[RESTHandler]) -> list[Route]:
    """A subclass of ``base`` for each path of ``endpoints``."""
    by_path: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        attributes = by_path.setdefault(endpoint.pattern, {"resource": endpoint.resource})
        attributes[endpoint.method] = serve(endpoint)
    return [
        (pattern, type(base.__name__, (base,), attributes))
        for pattern, attributes in by_path.items()
    ]


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a thread; the only place where a handler leaves the event loop."""
    return await asyncio.to_thread(function, *args, **kwargs)


def _invalid(message: Message) -> InvalidRequestError:
    return InvalidRequestError(faults=[Fault("", message)])


class RESTHandler(web.RequestHandler):
    """Reads requests and writes responses; subclasses implement the authorization."""

    resource: ClassVar[str]
    errors: ClassVar[Sequence[type[MLWSError]]] = ()
    """Errors of every endpoint of the class, beside those that each declares."""
    log: Any
    _version = ""

    @property
    def answers(self) -> idempotency.IdempotencyCache[Reply[Any]]:
        """Stored responses of this server, replayed when an ``Idempotency-Key`` is repeated."""
        raise NotImplementedError

    @property
    def readings(self) -> RequestCoalescer[Reply[Any]]:
        """Coalescer of this server's reads, which equal concurrent requests share."""
        raise NotImplementedError

    @property
    def caller(self) -> str:
        """Name of the user on a server with several users; part of the idempotency key."""
        return ""

    async def once(self, key: str, work: Callable[[], Awaitable[Reply[Any]]]) -> Reply[Any]:
        """Return the response of ``work``, or the stored one if ``key`` was used before."""
        request = self.request
        request_key = (self.caller, str(request.method), request.uri or "", key)
        answer, again = await self.answers.once(request_key, request.body, work)
        return replace(answer, headers={**answer.headers, **AGAIN}) if again else answer

    async def call(self, endpoint: Endpoint, *ids: str, **inputs: Any) -> Any:
        """Call the function of an endpoint with its services."""
        raise NotImplementedError

    async def permit(self, *also: tuple[str, str]) -> None:
        """Raise PermissionDeniedError unless the user may access the resource and ``also``."""
        raise NotImplementedError

    @property
    def context(self) -> Context:
        """The parts of the request beside its input."""
        return Context(self.request.headers)

    @property
    def language(self) -> str:
        """The reader's language, from ``Accept-Language``."""
        # Not of `context`, whose query may be what is wrong.
        return Context(self.request.headers).language

    def parse_query(self, model: type[BaseModel]) -> BaseModel:
        """Return the query as ``model``; a repeated parameter is a list."""
        # Parameters that take several values, for which one value is a list of one.
        lists = {
            field.alias or name
            for name, field in model.model_fields.items()
            if any(get_origin(t) is list for t in (field.annotation, *get_args(field.annotation)))
        }
        parameters: dict[str, Any] = {}
        for name in self.request.query_arguments:
            if name in ("project", "token"):
                continue
            values = self.get_query_arguments(name)
            parameters[name] = values if len(values) > 1 or name in lists else values[0]
        return validation_messages.validate(model, parameters)

    def parse_body(self, model: type[BaseModel]) -> BaseModel:
        """Return the JSON body as ``model``; InvalidRequestError names every invalid field."""
        if len(self.request.body) > MAX_BODY:
            raise _invalid(validation_messages.TOO_LARGE)
        try:
            body = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise _invalid(Message("The body is not valid JSON: {error}", error=error)) from error
        if not isinstance(body, dict):
            raise _invalid(validation_messages.NOT_AN_OBJECT)
        unencodable = list(validation_messages.unencodable(body))
        if unencodable:
            raise InvalidRequestError(faults=unencodable)
        return validation_messages.validate(model, body)

    def reply(self, answer: Reply[Any], status: int) -> None:
        """Send ``answer`` in the envelope, with the declared ``status`` unless it has its own."""
        status = answer.status or status
        self.set_status(status)
        # What tornado says by itself is HTML, and a browser would show it as a page.
        self.set_header("Content-Type", JSON)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        if answer.location:
            prefix = re.sub(r"(/mlws/api/v1/).*", r"\1", self.request.path)
            path = "/".join(quote(part, safe="") for part in answer.location)
            self.set_header("Location", prefix + path)
        self._version = answer.version
        if answer.version and self.request.method != "GET":
            self.set_header("ETag", f'"{answer.version}"')
        self.finish(
            encode_json({"code": status, "message": OK, "data": answer.data}, self.language)
        )

    async def send(self, answer: Reply[Any], media: str) -> None:
        """Send text that is not JSON, or stream its parts as they are produced."""
        for name, value in {"Content-Type": f"{media}; charset=utf-8", **answer.headers}.items():
            self.set_header(name, value)
        if isinstance(answer.data, AsyncIterator):
            async for part in answer.data:
                self.write(part)
                await self.flush()
        else:
            self.write(answer.data)
        # Jupyter's `finish` sets the type of JSON, which an empty answer would keep.
        await self.flush()
        await self.finish()

    def compute_etag(self) -> str | None:
        """Return a hash of a GET's response, prefixed with the version that the endpoint set.

        So a single header of a GET shows whether its response changed (``If-None-Match``) and which
        version a later change is based on (``If-Match``).
        """
        body = hashlib.sha256(b"".join(self._write_buffer)).hexdigest()[:32]
        return f'"{self._version}.{body}"' if self._version else f'"{body}"'

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send every error, ours or tornado's, in the error envelope."""
        error = self._as_ours(kwargs.get("exc_info", (None, None, None))[1])
        self.set_status(error.status)
        body = error.as_dict(self.language)
        body["timestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.set_header("Content-Type", JSON)
        self.finish(encode_json(body, self.language))

    def _as_ours(self, error: BaseException | None) -> MLWSError:
        if isinstance(error, MLWSError):
            return error
        system_error = of_system(error) if error is not None else None
        if system_error is not None:
            return system_error
        if isinstance(error, web.HTTPError):
            if error.status_code in (401, 403):
                return PermissionDeniedError(action="use", resource=self.resource)
            if error.status_code == 404:
                return EndpointNotFoundError()
            if error.status_code == 405:
                return MethodNotSupportedError(method=self.request.method)
            if error.status_code < 500:
                return _invalid(Message.verbatim(error.log_message or error.reason or ""))
        return InternalError(id=self._incident)

    @functools.cached_property
    def _incident(self) -> str:
        return uuid.uuid4().hex[:12]

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log an expected error on one line, and an internal error with traceback and log ID."""
        error = self._as_ours(value)
        if not isinstance(error, InternalError):
            level = logging.INFO if error.status < 500 else logging.WARNING
            self.log.log(level, "%s %s: %s", self.request.method, self.request.path, value)
        else:
            self.log.error(
                "%s %s failed (log ID %s)",
                self.request.method,
                self.request.path,
                self._incident,
                exc_info=(typ, value, tb),
            )
