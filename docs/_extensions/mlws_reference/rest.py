"""The REST APIs of a lab and of the Hub, from their OpenAPI documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jupyter_mlws.api.openapi import COMMON_ERRORS, PROJECT, VERBS, document
from jupyter_mlws.hub.routes import ROUTES as HUB_ROUTES
from jupyter_mlws.reference.markdown import code, escape, join, table, translate
from jupyter_mlws.reference.pages import values_of
from jupyter_mlws.routes import ROUTES

COMMON = {error.code for error in COMMON_ERRORS}
COLUMNS = ("Parameter", "Values", "Default", "Description")


@cache
def _documents() -> tuple[dict[str, Any], dict[str, Any]]:
    lab_document = document(ROUTES, "/openapi.json")
    return lab_document, document(HUB_ROUTES, "/openapi.json", projects=False)


def lab(language: str) -> str:
    """Return a section for each endpoint of a lab's server."""
    return join(_paths(_documents()[0]["paths"], "lab", language))


def hub(language: str) -> str:
    """Return a section for each endpoint of the Hub's service."""
    return join(_paths(_documents()[1]["paths"], "hub", language))


def lab_schemas(language: str) -> str:
    """Return a section for each schema of a lab's server."""
    return join(_schemas(_documents()[0]["components"]["schemas"], language))


def hub_schemas(language: str) -> str:
    """Return a section for each schema that only the Hub's service has."""
    lab_document, hub_document = _documents()
    known = lab_document["components"]["schemas"]
    schemas = hub_document["components"]["schemas"]
    only = {name: schema for name, schema in schemas.items() if name not in known}
    return join(_schemas(only, language))


def _paths(paths: Mapping[str, Any], api: str, language: str) -> Iterator[str]:
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in paths.items():
        for verb in VERBS:
            if verb in operations:
                # Only the document itself has no tag.
                tag = operations[verb].get("tags", ["openapi.json"])[0]
                groups.setdefault(tag, []).append((verb, path, operations[verb]))
    for tag, endpoints in sorted(groups.items()):
        yield f"## {tag}"
        for verb, path, operation in endpoints:
            yield f"({label(api, verb, path)})="
            yield f"### {code(f'{verb.upper()} {path}')}"
            yield from _operation(operation, language)


def label(api: str, verb: str, path: str) -> str:
    """Return the anchor of an endpoint."""
    return re.sub(r"[^a-z0-9]+", "-", f"{api}-{verb}{path}".lower()).strip("-")


def _operation(operation: dict[str, Any], language: str) -> Iterator[str]:
    for name in ("summary", "description"):
        if text := operation.get(name):
            yield escape(text if text.endswith(".") else f"{text}.")
    parameters = [one for one in operation.get("parameters", ()) if one["name"] != PROJECT["name"]]
    yield table(
        [translate(text, language) for text in COLUMNS],
        [
            (
                code(f"{{{one['name']}}}" if one["in"] == "path" else one["name"]),
                values_of(one["schema"], language),
                _default(one["schema"], one.get("required", False), language),
                escape(one.get("description", "")),
            )
            for one in parameters
        ],
    )
    rows = []
    if body := operation.get("requestBody"):
        rows.append(f"{translate('Body', language)}: {_content(body, language)}")
    codes = set()
    for status, response in operation["responses"].items():
        if status.startswith("2") and (reply := _content(response, language)):
            rows.append(f"{translate('Reply', language)}: {status}, {reply}")
        codes |= set(re.findall(r"(?:^|; )(\d{5})\b", response["description"])) - COMMON
    if codes:
        links = ", ".join(f"[{number}](#error-{number})" for number in sorted(codes))
        rows.append(f"{translate('Errors', language)}: {links}")
    yield "\n".join(f"- {row}" for row in rows)


def _content(part: dict[str, Any], language: str) -> str:
    for media, content in part.get("content", {}).items():
        schema = content.get("schema", {})
        data = schema.get("properties", {}).get("data", schema)
        if media != "application/json":
            return code(media)
        result = data.get("properties", {}).get("result")
        values = values_of(data, language)
        return f"{values}, {code('result')}: {values_of(result, language)}" if result else values
    return ""


def _default(schema: dict[str, Any], required: bool, language: str) -> str:
    if required:
        return translate("required", language)
    default = schema.get("default")
    return "" if default is None else code(default)


def _schemas(schemas: Mapping[str, Any], language: str) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f"(schema-{name.lower()})="
        yield f"## {escape(name)}"
        yield escape(schema.get("description", ""))
        required = schema.get("required", ())
        columns = ("Field", "Values", "Default", "Description")
        yield table(
            [translate(text, language) for text in columns],
            [
                (
                    code(field),
                    values_of(inner, language),
                    _default(inner, field in required, language),
                    escape(inner.get("description", "")),
                )
                for field, inner in schema.get("properties", {}).items()
            ],
        )
        if "properties" not in schema:
            yield f"{translate('Values', language)}: {values_of(schema, language)}"
