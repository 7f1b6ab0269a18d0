"""The OpenAPI 3.1 document, made of the declarations of the endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from jupyter_mlws._version import __version__
from jupyter_mlws.api.registry import JSON, Endpoint
from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.api.streams import StreamHandler
from jupyter_mlws.core.errors import (
    DiskFullError,
    InternalError,
    InvalidRequestError,
    MLWSError,
    PermissionDeniedError,
)

REFERENCE = "#/components/schemas/{model}"
ALWAYS = (DiskFullError, InternalError, InvalidRequestError, PermissionDeniedError)
"""Codes that any endpoint may answer with."""
VERBS = ("get", "post", "put", "patch", "delete")

References = Mapping[type[BaseModel], dict[str, Any]]


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
    """The contract of ``routes`` (pattern below the prefix, handler class).

    ``path`` is where the document is served, which tells the prefix. ``projects``: whether every
    endpoint takes ``?project=``, as a lab's do and those of the Hub's service don't.
    """
    routes = list(routes)
    common = [PROJECT] if projects else []
    references, schemas = _schemas(routes)
    paths: dict[str, Any] = {}
    for pattern, handler in routes:
        template, names = _template(pattern)
        if issubclass(handler, StreamHandler):
            paths[template] = {"get": _stream(handler, names, common)}
            continue
        verbs = {
            verb: _operation(declared, handler, names, references, common)
            for verb in VERBS
            if (declared := getattr(getattr(handler, verb, None), "endpoint", None)) is not None
        }
        if verbs:
            paths[template] = verbs
    paths["/openapi.json"] = {
        "get": {
            "summary": "This document",
            "responses": {
                "200": {"description": "OpenAPI 3.1"},
                **_failures({PermissionDeniedError}),
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
            "schemas": {**schemas, "Error": _error_schema()},
        },
    }


def _template(pattern: str) -> tuple[str, list[str]]:
    """A tornado pattern as an OpenAPI path: each group becomes ``{id}``, ``{id2}``…"""
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
    declared: Endpoint,
    handler: type[RESTHandler],
    names: list[str],
    references: References,
    common: list[dict[str, Any]],
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": declared.summary,
        "tags": [handler.resource],
        "parameters": [
            *_parameters(names, declared.query),
            *(
                {"name": n, "in": "header", "description": d, "schema": {"type": "string"}}
                for n, d in declared.headers.items()
            ),
            *common,
        ],
        "responses": {
            **{
                str(status): {
                    "description": "Done" if status == declared.status else "Only shown",
                    "content": {declared.media: {"schema": _answer(declared, references)}},
                }
                for status in declared.statuses
            },
            **_failures(errors_of(handler, declared)),
        },
    }
    if declared.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": references[declared.body]}},
        }
    return operation


def errors_of(handler: type[RESTHandler], declared: Endpoint) -> set[type[MLWSError]]:
    """All errors that an endpoint of ``handler`` may answer with."""
    return {*declared.errors, *handler.errors, *ALWAYS}


def _stream(
    handler: type[StreamHandler], names: list[str], common: list[dict[str, Any]]
) -> dict[str, Any]:
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
            "101": {"description": "Switching to WebSocket"},
            "400": {"description": "Not a WebSocket request"},
            **_failures({PermissionDeniedError}),
        },
    }


def _failures(errors: Iterable[type[MLWSError]]) -> dict[str, Any]:
    """Errors by their HTTP status."""
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


def _answer(declared: Endpoint, references: References) -> dict[str, Any]:
    """The envelope, where it is JSON."""
    if declared.media != JSON:
        return {"type": "string"}
    reply = declared.reply
    return {
        "type": "object",
        "required": ["code", "message", "data"],
        "properties": {
            "code": {"type": "integer"},
            "message": {"type": "string"},
            "data": {"type": "null"} if reply is None else references[reply],
        },
    }


def _declared(routes: Iterable[tuple[str, type]]) -> Iterator[Endpoint]:
    for _, handler in routes:
        for verb in VERBS:
            declared = getattr(getattr(handler, verb, None), "endpoint", None)
            if declared is not None:
                yield declared


def _schemas(routes: list[tuple[str, type]]) -> tuple[References, dict[str, Any]]:
    """A reference for every model, and the schemas that the references point to."""
    modes: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for declared in _declared(routes):
        if declared.reply is not None:
            modes[declared.reply, "serialization"] = None
        if declared.body is not None:
            modes[declared.body, "validation"] = None
    references, definitions = models_json_schema(list(modes), ref_template=REFERENCE)
    by_model = {model: references[model, mode] for model, mode in modes}
    return by_model, definitions["$defs"]


def _error_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["code", "message", "details", "errors", "solution", "timestamp"],
        "properties": {
            "code": {"type": "string", "pattern": r"^\d{5}$"},
            "message": text,
            "details": {"type": "object"},
            "errors": {
                "type": "array",
                "items": {"type": "object", "properties": {"field": text, "message": text}},
            },
            "solution": text,
            "timestamp": text,
        },
    }
