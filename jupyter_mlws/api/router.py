"""Router that imports the handlers when they are first needed.

Importing the models of all endpoints takes more than 0.1 s. The start of a server does not wait
for them: a thread imports them once it serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.routing import PathMatches, Router
from tornado.web import Application, RequestHandler

Routes = Sequence[tuple[str, type[RequestHandler]]]


class LazyRouter(Router):
    """Everything below ``prefix``; ``load`` gives the patterns there with their handlers.

    Every handler is initialized with the keywords that ``keywords`` gives.
    """

    def __init__(
        self,
        application: Application,
        prefix: str,
        load: Callable[[], Routes],
        keywords: Callable[[], dict[str, Any]],
    ) -> None:
        self._application = application
        self._prefix = prefix
        self._load = load
        self._keywords = keywords

    @cached_property
    def _rules(self) -> list[tuple[PathMatches, type[RequestHandler]]]:
        return [
            (PathMatches(f"{self._prefix}/{pattern}"), handler) for pattern, handler in self._load()
        ]

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate | None:
        """The first handler whose pattern fits."""
        for matcher, handler in self._rules:
            arguments = matcher.match(request)
            if arguments is not None:
                return self._application.get_handler_delegate(
                    request, handler, self._keywords(), **arguments
                )
        return None
