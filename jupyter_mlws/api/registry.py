"""Registry of endpoints: functions declared with path, input and response.

Jupyter's server and the Hub's service generate handlers from the declarations
(:mod:`~jupyter_mlws.api.rest`). Without a server, the command line calls the functions in its own
process (:mod:`~jupyter_mlws.client.local`).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel

from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.schemas import NoQuery, Page, ShortListQuery
from mlws.core.errors import Fault, InvalidRequestError, MLWSError
from mlws.core.i18n import preferred_language
from mlws.core.progress import Ask, ProgressCallback

Data = TypeVar("Data")
Function = TypeVar("Function", bound=Callable[..., Any])
Errors = Iterable[type[MLWSError]]
Permit = Callable[..., Awaitable[None]]

JSON = "application/json"
IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENCY_KEY_DESCRIPTION = (
    "The same key again, within a day: the first answer again, and nothing is done twice."
)
WRITES = [("write", "contents")]
"""The permission to change files, which such an endpoint needs beside that for its resource."""


@dataclass(frozen=True)
class Reply(Generic[Data]):
    """Data with a status, location, version or headers that differ from the declaration.

    ``status`` replaces the declared one. ``location`` is the path, below the prefix and in
    parts, of a new resource. ``version`` becomes the ETag, which a later change is checked
    against.
    """

    data: Data
    status: int | None = None
    location: Sequence[str] = ()
    version: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class WorkProgress(ProgressCallback, Protocol):
    """Receives reports of long work, and can ask the user."""

    @property
    def ask(self) -> Ask | None:
        """Callback that asks the user (question, answer is secret); None if there is no user."""


@dataclass(frozen=True)
class Work(Generic[Data]):
    """Long work whose input is valid; over HTTP it becomes an operation with its result."""

    kind: str
    run: Callable[[WorkProgress], Data]


async def _permit_all(*also: tuple[str, str]) -> None:
    """A call in this process needs no permission."""


@dataclass(frozen=True)
class Context:
    """The parts of a request other than its input: headers, project and permissions."""

    headers: Mapping[str, str] = field(default_factory=dict)
    project: str | None = None
    """The id of the requested project; None for that of the server's root."""
    permit: Permit = _permit_all
    """Raise PermissionDeniedError unless the user has further permissions: (action, resource)."""

    @property
    def language(self) -> str:
        """The reader's language, from ``Accept-Language``."""
        return preferred_language(self.headers.get("Accept-Language", ""))

    def expected_versions(self) -> list[str] | None:
        """Return the versions in ``If-Match``, without the hash of the response; None for ``*``.

        Raises InvalidRequestError without the header: a change must name the version that it is
        based on.
        """
        header = self.headers.get("If-Match", "").strip()
        if header == "*":
            return None
        tags = re.findall(r'(?:W/)?"([^"]*)"', header) or [header]
        if not tags[0]:
            raise InvalidRequestError(faults=[Fault("If-Match", validation_messages.NO_VERSION)])
        return [tag.partition(".")[0] for tag in tags]


@dataclass(frozen=True)
class Endpoint:
    """One method of one path.

    ``reply`` is the model of ``data``, ``result`` that of an operation's result; ``also`` are
    further (action, resource) permissions; ``errors`` are its errors beside the general ones;
    ``headers`` are the request headers that it uses, with descriptions. ``idempotent``: a repeated
    ``Idempotency-Key`` returns the first answer again. ``shared``: equal requests at the same
    moment get one answer, which must not depend on the person. ``dry_status`` is the status of an
    answer that only describes a change; ``media`` the type of an answer that is not JSON.
    ``untrusted``: it runs nothing of the project, so its authors need no trust. A :class:`Page`
    without a ``query`` is a whole list, from which ``limit`` and ``cursor`` select.
    """

    method: str
    path: str
    resource: str
    function: Callable[..., Any]
    summary: str
    reply: type[BaseModel] | None = None
    result: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] = NoQuery
    status: int = 200
    also: Sequence[tuple[str, str]] = ()
    errors: frozenset[type[MLWSError]] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotent: bool = False
    shared: bool = False
    dry_status: int | None = None
    media: str = JSON
    untrusted: bool = False
    takes_context: bool = False
    """True if the function has the parameter ``context``."""

    @property
    def statuses(self) -> Sequence[int]:
        """Every status of success."""
        return [self.status] if self.dry_status is None else [self.status, self.dry_status]

    @property
    def pattern(self) -> str:
        """A regular expression for the path, with a group for each part in braces."""
        return re.sub(r"{\w+}", "([^/]+)", self.path)

    def inputs(self, query: BaseModel, body: BaseModel | None, context: Context) -> dict[str, Any]:
        """The keyword arguments of the function."""
        inputs: dict[str, Any] = {}
        if self.query not in (NoQuery, ShortListQuery):
            inputs["query"] = query
        if self.body is not None:
            inputs["body"] = body
        if self.takes_context:
            inputs["context"] = context
        return inputs

    def select(self, answer: Any, query: BaseModel) -> Any:
        """Return the data of ``answer``; of a complete list, the part that ``query`` selects."""
        return query.part_of(answer) if isinstance(query, ShortListQuery) else answer


class Declare(Protocol):
    """Declares a function for one method; ``options`` are fields of :class:`Endpoint`."""

    def __call__(
        self, path: str, summary: str, **options: Any
    ) -> Callable[[Function], Function]: ...


class Endpoints:
    """The endpoints of one area; ``errors`` are those of each of them.

    The arguments of a function are the services that its handler provides, the parts of the path
    in braces, ``body=`` and ``query=`` if declared, and ``context=`` if it has that parameter. It
    returns data, a :class:`Reply` or :class:`Work`. Its annotations name the models of body, query
    and answer.
    """

    def __init__(self, resource: str, errors: Errors = ()) -> None:
        self._resource = resource
        self._errors = frozenset(errors)
        self._endpoints: list[Endpoint] = []
        self.get: Declare = partial(self._declare, "get")
        self.post: Declare = partial(self._declare, "post")
        self.put: Declare = partial(self._declare, "put")
        self.patch: Declare = partial(self._declare, "patch")
        self.delete: Declare = partial(self._declare, "delete")

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._endpoints)

    def _declare(
        self, method: str, path: str, summary: str, **options: Any
    ) -> Callable[[Function], Function]:
        def declare(function: Function) -> Function:
            facts: dict[str, Any] = {"resource": self._resource, **_models(function), **options}
            facts["errors"] = self._errors | frozenset(options.get("errors", ()))
            facts["headers"] = dict(options.get("headers", {}))
            facts["takes_context"] = "context" in function.__annotations__
            if options.get("idempotent"):
                facts["headers"][IDEMPOTENCY_KEY] = IDEMPOTENCY_KEY_DESCRIPTION
            reply = facts["reply"]
            if "query" not in facts and reply is not None and issubclass(reply, Page):
                facts["query"] = ShortListQuery
            self._endpoints.append(
                Endpoint(method, path, function=function, summary=summary, **facts)
            )
            return function

        return declare


def _models(function: Callable[..., Any]) -> dict[str, Any]:
    """The models of input and answer, from the function's annotations.

    Only these are evaluated: the others may be imported for type checkers alone.
    """
    models: dict[str, Any] = {
        name: eval(function.__annotations__[name], function.__globals__)  # noqa: S307  our own code
        for name in ("body", "query", "return")
        if name in function.__annotations__
    }
    answer = models.pop("return")
    if get_origin(answer) is Work:
        (result,) = get_args(answer)
        result = None if result is type(None) else result
        return {**models, "reply": Operation, "result": result, "status": 202}
    if get_origin(answer) is Reply:
        (answer,) = get_args(answer)
    is_model = isinstance(answer, type) and issubclass(answer, BaseModel)
    return {**models, "reply": answer if is_model else None}
