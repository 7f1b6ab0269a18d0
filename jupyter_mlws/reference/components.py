"""Components: ports and settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jupyter_mlws.components.models import Component, InputPort, OutputPort
from jupyter_mlws.reference.markdown import code, escape, table, translate


def component_text(component: Component, language: str) -> Iterator[str]:
    """Yield the paragraphs and tables about a component."""
    yield f"{code(component.name)}: {escape(translate(component.description, language))}"
    ports = [_input(port, language) for port in component.inputs]
    columns = [translate(text, language) for text in ("Inputs", "Type", "Description")]
    yield table(columns, ports)
    columns[0] = translate("Outputs", language)
    yield table(columns, [_output(port, language) for port in component.outputs])
    required = component.settings.get("required", ())
    columns = [
        translate(text, language) for text in ("Setting", "Values", "Default", "Description")
    ]
    yield table(
        columns,
        [
            _setting(name, schema, name in required, language)
            for name, schema in component.settings.get("properties", {}).items()
        ],
    )


def _input(port: InputPort, language: str) -> tuple[str, ...]:
    notes = [translate("several", language)] if port.multiple else []
    notes += [] if port.required else [translate("optional", language)]
    return (
        code(port.name),
        _type(port, notes),
        escape(translate(port.description, language)),
    )


def _output(port: OutputPort, language: str) -> tuple[str, ...]:
    notes = [code(port.extension)] if port.extension else []
    return code(port.name), _type(port, notes), escape(translate(port.description, language))


def _type(port: InputPort | OutputPort, notes: list[str]) -> str:
    words = [*port.kinds, *notes]
    return f"{port.type} ({', '.join(words)})" if words else port.type


def _setting(
    name: str, schema: dict[str, Any], is_required: bool, language: str
) -> tuple[str, ...]:
    title = escape(translate(schema["title"], language))
    description = escape(translate(schema.get("description") or "", language))
    default = translate("required", language) if is_required else code(_json(schema.get("default")))
    return code(name), values_of(schema, language), default, f"**{title}.** {description}"


def values_of(schema: dict[str, Any], language: str) -> str:
    """Return which values a JSON Schema allows: choices, or a type with its limits."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{escape(name)}](#schema-{name.lower()})"
    if choices := schema.get("enum"):
        return ", ".join(code(_json(choice)) for choice in choices)
    if "const" in schema:
        return code(_json(schema["const"]))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            inner = [values_of(one, language) for one in schema[key] if one.get("type") != "null"]
            return " / ".join(dict.fromkeys(inner))
    kind = schema.get("type")
    if kind == "array":
        item = values_of(schema["items"], language) if schema.get("items") else ""
        return f"{translate('list', language)}: {item}" if item else translate("list", language)
    if kind is None:
        return translate("any", language)
    limits = [
        f"{sign} {schema[key]}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", "\\>"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "\\<"),
        )
        if key in schema
    ]
    words = ", ".join(kind) if isinstance(kind, list) else kind
    return " ".join([words, ", ".join(limits)]).strip()


def _json(value: Any) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
