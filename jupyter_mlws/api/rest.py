"""What every REST handler does, on whichever server: validation, the envelope and errors.

A handler's methods are declared with :func:`endpoint`. What the decorator is told is what it
checks, and what ``openapi.json`` says. Jupyter's servers build on this in
:mod:`~jupyter_mlws.api.base`, the Hub's service in :mod:`jupyter_mlws.hub`.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, ClassVar, ParamSpec, TypeVar, get_args, get_origin
from urllib.parse import quote

from pydantic import BaseModel
from tornado import web

from jupyter_mlws.api import idempotency
from jupyter_mlws.api.coalescing import RequestCoalescer
from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.errors import (
    EndpointNotFoundError,
    InternalError,
    InvalidRequestError,
    MethodNotSupportedError,
    MLWSError,
    PermissionDeniedError,
    of_system,
)
from jupyter_mlws.core.i18n import ENGLISH, Message
from jupyter_mlws.core.schemas import NoQuery, Page, ShortListQuery

P = ParamSpec("P")
T = TypeVar("T")

OK = Message("OK")
ONCE = "The same key again, within a day: the first answer again, and nothing is done twice."
AGAIN = {idempotency.REPLAYED: "true"}
JSON = "application/json"
MAX_BODY = 16 * 1024 * 1024
"""Bytes; larger bodies are data, and data does not travel through this API."""


@dataclass(frozen=True)
class Reply:
    """An answer that needs more than a body: another status, a Location, a version.

    ``version`` is what a change of the resource is checked against; it becomes the ETag.
    """

    data: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True)
class Endpoint:
    """What is declared of one verb of one URL; read by the decorator and by ``openapi.json``."""

    summary: str
    reply: type[BaseModel] | None
    body: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    status: int = 200
    also: Sequence[tuple[str, str]] = ()
    errors: Iterable[type[MLWSError]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    dry_status: int | None = None
    media: str = JSON

    @property
    def statuses(self) -> Sequence[int]:
        """Every status of success."""
        return [self.status] if self.dry_status is None else [self.status, self.dry_status]


def endpoint(
    summary: str,
    reply: type[BaseModel] | None = None,
    *,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] = NoQuery,
    status: int = 200,
    also: Sequence[tuple[str, str]] = (),
    errors: Iterable[type[MLWSError]] = (),
    headers: Mapping[str, str] | None = None,
    idempotent: bool = False,
    shared: bool = False,
    dry_status: int | None = None,
    media: str = JSON,
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[None]]]:
    """Declare a handler's method as an endpoint.

    ``reply`` is the model of ``data``; ``also`` are further (action, resource) pairs that the
    person must be allowed; ``errors`` are those that it can answer with beside the general ones;
    ``headers`` are request headers that it heeds, and what they do. With ``idempotent`` a request
    that is sent again with the same ``Idempotency-Key`` gets the first answer again. With
    ``shared`` those who ask the same at the same moment get one answer, which must not depend on
    who asks.
    ``dry_status`` is the status of an answer that only shows what would be done; ``media`` the
    type of one that is no JSON, which the method writes itself. A :class:`Page` without a ``query``
    of its own is a whole list: ``limit`` and ``cursor`` cut it here.
    The method gets the URL's ids, then ``body=`` and ``query=`` as far as they are declared,
    and returns the data or a :class:`Reply`.
    """
    short_list = query is NoQuery and reply is not None and issubclass(reply, Page)
    query = ShortListQuery if short_list else query
    heeded = {**(headers or {}), **({idempotency.HEADER: ONCE} if idempotent else {})}
    declared = Endpoint(
        summary, reply, body, query, status, tuple(also), tuple(errors), heeded, dry_status, media
    )

    def decorate(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(method)
        async def call(self: RESTHandler, *ids: str) -> None:
            await self.permit(*declared.also)
            asked = self.parse_query(query)
            inputs: dict[str, Any] = {} if short_list or query is NoQuery else {"query": asked}
            if body is not None:
                inputs["body"] = self.parse_body(body)

            async def work() -> Reply:
                answer = await method(self, *ids, **inputs)
                if isinstance(asked, ShortListQuery):
                    answer = asked.part_of(answer)
                return answer if isinstance(answer, Reply) else Reply(answer, declared.status)

            key = self.request.headers.get(idempotency.HEADER) if idempotent else None
            if shared:
                self.reply(await self.readings.read(self.request.uri, work))
            else:
                self.reply(await (work() if key is None else self.once(key, work)))

        call.endpoint = declared  # type: ignore[attr-defined]
        return call

    return decorate


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work off the event loop: the one visible spot where a handler crosses over."""
    return await asyncio.to_thread(function, *args, **kwargs)


class RESTHandler(web.RequestHandler):
    """Reads requests and writes answers; who may ask is for the subclass to say."""

    resource: ClassVar[str]
    errors: ClassVar[Sequence[type[MLWSError]]] = ()
    """Errors of every endpoint of the class, beside those that each declares."""
    log: Any
    _version = ""

    @property
    def answers(self) -> idempotency.Answers[Reply]:
        """The answers of this server that may be asked for again."""
        raise NotImplementedError

    @property
    def readings(self) -> RequestCoalescer[Reply]:
        """What is read on this server for several who ask."""
        raise NotImplementedError

    @property
    def caller(self) -> str:
        """Who asks, on a server of several people; their keys are their own."""
        return ""

    async def once(self, key: str, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """The answer of ``work``, or the one that was given to this key before."""
        request = self.request
        asked = (self.caller, str(request.method), request.uri or "", key)
        answer, again = await self.answers.once(asked, request.body, work)
        return replace(answer, headers={**answer.headers, **AGAIN}) if again else answer

    async def permit(self, *also: tuple[str, str]) -> None:
        """Error 50301 unless the person may do this to the resource, and ``also`` the others."""
        raise NotImplementedError

    @property
    def language(self) -> str:
        """The reader's language, from ``Accept-Language``."""
        return preferred_language(self.request.headers.get("Accept-Language", ""))

    def parse_query(self, model: type[BaseModel]) -> BaseModel:
        """The query as ``model``; a name given twice is a list."""
        given: dict[str, Any] = {}
        for name in self.request.query_arguments:
            if name in ("project", "token"):
                continue
            values = self.get_query_arguments(name)
            several = len(values) > 1 or name in _lists(model)
            given[name] = values if several else values[0]
        return validation_messages.validate(model, given)

    def parse_body(self, model: type[BaseModel]) -> BaseModel:
        """The JSON body as ``model``; error 50201 names every field at fault."""
        if len(self.request.body) > MAX_BODY:
            raise InvalidRequestError(
                faults=[validation_messages.fault("", validation_messages.TOO_LARGE)]
            )
        try:
            given = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise InvalidRequestError(faults=[validation_messages.not_json(error)]) from error
        if not isinstance(given, dict):
            raise InvalidRequestError(
                faults=[validation_messages.fault("", validation_messages.NOT_AN_OBJECT)]
            )
        unencodable = list(validation_messages.unencodable(given))
        if unencodable:
            raise InvalidRequestError(faults=unencodable)
        return validation_messages.validate(model, given)

    def reply(self, answer: Reply) -> None:
        """Send ``answer`` in the envelope."""
        self.set_status(answer.status)
        # What tornado says by itself is HTML, and a browser would show it as a page.
        self.set_header("Content-Type", JSON)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self._version = answer.version
        if answer.version and self.request.method != "GET":
            self.set_header("ETag", f'"{answer.version}"')
        body = {"code": answer.status, "message": OK, "data": answer.data}
        self.finish(encoded(body, self.language))

    def compute_etag(self) -> str | None:
        """The hash of a GET's answer, behind the version that the endpoint itself gave.

        So a GET tells by one header both whether anything of its answer changed
        (``If-None-Match``) and which version a change is meant for (``If-Match``).
        """
        body = hashlib.sha256(b"".join(self._write_buffer)).hexdigest()[:32]
        return f'"{self._version}.{body}"' if self._version else f'"{body}"'

    def versions(self) -> list[str] | None:
        """What ``If-Match`` names, without the part that tells of the answer; None for ``*``.

        Error 50201 where the header is missing: a change must say what it was made of.
        """
        given = self.request.headers.get("If-Match", "")
        if given.strip() == "*":
            return None
        found = re.findall(r'(?:W/)?"([^"]*)"', given) or [given.strip()]
        if not found[0]:
            raise InvalidRequestError(
                faults=[validation_messages.fault("If-Match", validation_messages.NO_VERSION)]
            )
        return [tag.partition(".")[0] for tag in found]

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Every failure, ours or tornado's, in the envelope of errors."""
        error = self._as_ours(kwargs.get("exc_info", (None, None, None))[1])
        self.set_status(error.status)
        body = error.as_dict(self.language)
        body["timestamp"] = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.set_header("Content-Type", JSON)
        self.finish(encoded(body, self.language))

    def _as_ours(self, error: BaseException | None) -> MLWSError:
        if isinstance(error, MLWSError):
            return error
        refused = of_system(error) if error is not None else None
        if refused is not None:
            return refused
        if isinstance(error, web.HTTPError):
            if error.status_code in (401, 403):
                return PermissionDeniedError(action="use", resource=self.resource)
            if error.status_code == 404:
                return EndpointNotFoundError()
            if error.status_code == 405:
                return MethodNotSupportedError(method=self.request.method)
            if error.status_code < 500:
                said = error.log_message or error.reason or ""
                return InvalidRequestError(
                    faults=[validation_messages.fault("", Message.verbatim(said))]
                )
        return InternalError(id=self._incident)

    @functools.cached_property
    def _incident(self) -> str:
        return uuid.uuid4().hex[:12]

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Expected errors are one line; our own faults keep their traceback, under their id."""
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


def preferred_language(accepted: str) -> str:
    """The first language of an ``Accept-Language`` header that we speak (quality respected)."""
    weighted = []
    for position, part in enumerate(accepted.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        weighted.append((-weight, position, tag))
    for _, _, tag in sorted(weighted):
        if tag.lower().startswith(("zh", "en")):
            return "zh-CN" if tag.lower().startswith("zh") else ENGLISH
    return ENGLISH


def _lists(model: type[BaseModel]) -> set[str]:
    """The parameters that take several values: one value of them is a list of one."""
    return {
        field.alias or name
        for name, field in model.model_fields.items()
        if any(get_origin(part) is list for part in (field.annotation, *get_args(field.annotation)))
    }


def encoded(body: Mapping[str, Any], language: str) -> bytes:
    """JSON in UTF-8, the messages in ``language``.

    Of a file's name that is not UTF-8 the odd bytes are escaped surrogates.
    """

    def to_json(data: Any) -> Any:
        if isinstance(data, Message):
            return data.in_(language)
        if isinstance(data, BaseModel):
            return data.model_dump(mode="json", by_alias=True, context={"language": language})
        if isinstance(data, MLWSError):
            return data.as_dict(language)
        return dict(data) if isinstance(data, Mapping) else str(data)

    text = json.dumps(body, ensure_ascii=False, default=to_json)
    return text.encode("utf-8", "backslashreplace")


def location(handler: web.RequestHandler, *parts: str) -> dict[str, str]:
    """The ``Location`` header of something below this API's prefix."""
    prefix = re.sub(r"(/mlws/api/v1/).*", r"\1", handler.request.path)
    return {"Location": prefix + "/".join(quote(part, safe="") for part in parts)}
