"""The OpenAPI 3.1 document, generated from the declarations of the endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from jupyter_mlws._version import __version__
from jupyter_mlws.api.registry import JSON, Endpoint
from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.api.streams import Hello, Reset, StreamHandler
from jupyter_mlws.core.errors import InternalError, PermissionDeniedError, ReadOnlyDiskError
from mlws.core.errors import DiskFullError, InvalidRequestError, MLWSError, NewerDatabaseError

REFERENCE = "#/components/schemas/{model}"
COMMON_ERRORS = (
    DiskFullError,
    InternalError,
    InvalidRequestError,
    NewerDatabaseError,
    PermissionDeniedError,
    ReadOnlyDiskError,
)
"""Codes that any endpoint may answer with."""
VERBS = ("get", "post", "put", "patch", "delete")

ERROR_SCHEMA = {
    "type": "object",
    "required": ["code", "message", "details", "errors", "solution", "timestamp"],
    "properties": {
        "code": {"type": "string", "pattern": r"^\d{5}$"},
        "message": {"type": "string"},
        "details": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "solution": {"type": "string"},
        "timestamp": {"type": "string"},
    },
}

References = Mapping[type[Any], dict[str, Any]]

PROJECT = {
    "name": "project",
    "in": "query",
    "required": False,
    "description": "A project's id; the server's root if left out.",
    "schema": {"type": "string"},
}


def document(
    routes: Iterable[tuple[str, type[Any]]], path: str, *, projects: bool = True
) -> dict[str, Any]:
    """Return the OpenAPI document of ``routes`` (pattern below the prefix, handler class).

    ``path`` is the path of the document itself, from which the prefix is derived. ``projects``:
    whether every endpoint takes ``?project=``; true for JupyterLab servers, false for the
    service of the Hub.
    """
    routes = list(routes)
    common = [PROJECT] if projects else []
    modes: dict[tuple[type[Any], JsonSchemaMode], None] = {}
    for _, handler in routes:
        if issubclass(handler, StreamHandler):
            modes.update(((message, "serialization"), None) for message in messages_of(handler))
    for endpoint in chain.from_iterable(_endpoints(handler) for _, handler in routes):
        for reply in (endpoint.reply, endpoint.result):
            if reply is not None:
                modes[reply, "serialization"] = None
        if endpoint.body is not None:
            modes[endpoint.body, "validation"] = None
    adapters = [(model, mode, TypeAdapter[Any](model)) for model, mode in modes]
    by_mode, definitions = TypeAdapter.json_schemas(adapters, ref_template=REFERENCE)  # type: ignore[type-var]
    references = {model: by_mode[model, mode] for model, mode in modes}
    paths: dict[str, Any] = {}
    for pattern, handler in routes:
        template, names = _template(pattern)
        if issubclass(handler, StreamHandler):
            paths[template] = {"get": _stream_operation(handler, names, references, common)}
            continue
        operations = {
            endpoint.method: _operation(endpoint, handler, names, references, common)
            for endpoint in _endpoints(handler)
        }
        if operations:
            paths[template] = operations
    paths["/openapi.json"] = {
        "get": {
            "summary": "This document",
            "responses": {
                "200": {"description": "OpenAPI 3.1"},
                # A server refuses a body that is not of its type.
                **_error_responses({InvalidRequestError, PermissionDeniedError}),
            },
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter-mlws", "version": __version__},
        "servers": [{"url": path.rsplit("/", 1)[0]}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"}
            },
            "schemas": {**definitions["$defs"], "Error": ERROR_SCHEMA},
        },
    }


def _template(pattern: str) -> tuple[str, list[str]]:
    """Return a tornado pattern as an OpenAPI path, and the names of its parameters."""
    names: list[str] = []

    def name(match: re.Match[str]) -> str:
        before = pattern[: match.start()].rstrip("/").rsplit("/", 1)[-1]
        names.append(re.sub(r"\W", "", before).rstrip("s") or "id")
        return "{" + names[-1] + "}"

    return "/" + re.sub(r"\([^)]*\)", name, pattern).replace("\\", ""), names


def _parameters(names: list[str], query: type[BaseModel] | None) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    schema = query.model_json_schema(ref_template=REFERENCE) if query else {}
    for name, facts in schema.get("properties", {}).items():
        parameters.append(
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": facts.pop("description", ""),
                "schema": facts,
            }
        )
    return parameters


def _operation(
    endpoint: Endpoint,
    handler: type[RESTHandler],
    names: list[str],
    references: References,
    common: list[dict[str, Any]],
) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if endpoint.media == JSON:
        data = {"type": "null"} if endpoint.reply is None else references[endpoint.reply]
        if endpoint.result is not None:
            result = {"anyOf": [references[endpoint.result], {"type": "null"}]}
            data = {"allOf": [data], "properties": {"result": result}, "required": ["result"]}
        schema = {
            "type": "object",
            "required": ["code", "message", "data"],
            "properties": {
                "code": {"type": "integer"},
                "message": {"type": "string"},
                "data": data,
            },
        }
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "tags": [handler.resource],
        "parameters": [
            *_parameters(names, endpoint.query),
            *(
                {"name": n, "in": "header", "description": d, "schema": {"type": "string"}}
                for n, d in endpoint.headers.items()
            ),
            *common,
        ],
        "responses": {
            **{
                str(status): {
                    "description": "Done" if status == endpoint.status else "Only shown",
                    "content": {endpoint.media: {"schema": schema}},
                }
                for status in endpoint.statuses
            },
            **_error_responses(errors_of(handler, endpoint)),
        },
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": references[endpoint.body]}},
        }
    return operation


def errors_of(handler: type[RESTHandler], endpoint: Endpoint) -> set[type[MLWSError]]:
    """Return all errors that an endpoint of ``handler`` may answer with."""
    return {*endpoint.errors, *handler.errors, *COMMON_ERRORS}


def _stream_operation(
    handler: type[StreamHandler],
    names: list[str],
    references: References,
    common: list[dict[str, Any]],
) -> dict[str, Any]:
    schema = {"oneOf": [references[message] for message in messages_of(handler)]}
    parameters = [*_parameters(names, None), *common]
    parameters.append(
        {
            "name": "since",
            "in": "query",
            "required": False,
            "description": "Replay what came after this seq.",
            "schema": {"type": "integer"},
        }
    )
    return {
        "summary": (handler.__doc__ or "").strip(),
        "description": "A WebSocket: JSON messages, each with a growing seq.",
        "tags": [handler.resource],
        "parameters": parameters,
        "responses": {
            "101": {
                "description": "Switching to WebSocket",
                "content": {JSON: {"schema": schema}},
            },
            "400": {"description": "Not a WebSocket request"},
            **_error_responses({PermissionDeniedError}),
        },
    }


def messages_of(handler: type[StreamHandler]) -> tuple[type[Any], ...]:
    """Return the models of all messages of a stream."""
    return (Hello, Reset, *handler.messages)


def _error_responses(errors: Iterable[type[MLWSError]]) -> dict[str, Any]:
    """Return the error responses by HTTP status."""
    by_status: dict[str, list[str]] = {}
    for error in sorted(errors, key=lambda error: error.code):
        by_status.setdefault(str(error.status), []).append(f"{error.code} {error.message.en}")
    return {
        status: {
            "description": "; ".join(lines),
            "content": {"application/json": {"schema": {"$ref": REFERENCE.format(model="Error")}}},
        }
        for status, lines in by_status.items()
    }


def _endpoints(handler: type) -> Iterator[Endpoint]:
    for verb in VERBS:
        endpoint = getattr(getattr(handler, verb, None), "endpoint", None)
        if endpoint is not None:
            yield endpoint
