"""Pages of the reference that the lab shows: guides, components, commands and errors."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

import click

from jupyter_mlws.cli.magics import CELL_USAGE
from jupyter_mlws.cli.main import build
from jupyter_mlws.components import node
from jupyter_mlws.components.models import Component, InputPort, OutputPort
from jupyter_mlws.components.registry import library
from jupyter_mlws.reference.guides import (
    guide_id,
    guide_message,
    guide_text,
    guide_title,
    guides,
)
from jupyter_mlws.reference.markdown import code, escape, join, product_language, table, translate
from jupyter_mlws.workflows.notebook import command as notebook
from mlws.core.errors import CATALOGUE, MLWSError
from mlws.core.i18n import Message


@dataclass(frozen=True)
class ReferencePage:
    """A page: its place in the table of contents, and what writes its Markdown.

    The documentation has its ``id`` as an anchor.
    """

    id: str
    part: str
    group: str
    title: str
    write: Callable[[], Iterable[str]]

    @property
    def text(self) -> str:
        """The Markdown below the title."""
        return join(self.write())


@cache
def pages(language: str) -> dict[str, ReferencePage]:
    """Return all pages by ID, in the order of the table of contents."""
    components, commands, errors = (
        translate(part, language) for part in ("Components", "Commands", "Errors")
    )
    result = [
        ReferencePage(
            guide_id(page),
            guide_title(index, language),
            guide_message(index, group, language),
            guide_title(page, language),
            partial(guide_text, page, language),
        )
        for page, group in guides().items()
        for index in [f"{page.partition('/')[0]}/index"]
    ]
    result += [
        ReferencePage(
            f"component-{component.name}",
            components,
            translate(component.category, language),
            translate(component.title, language),
            partial(component_text, component, language),
        )
        for component in library()
    ]
    result += [
        ReferencePage(
            "-".join(("command", *words)),
            commands,
            "jupyter mlws, %mlws",
            " ".join(words) or PROGRAM,
            partial(command_text, words, command, language),
        )
        for words, command in all_commands(language)
    ]
    programs = translate("Programs that nodes start", language)
    result += [
        ReferencePage(
            f"command-{name}", commands, programs, name, partial(node_program_text, module)
        )
        for name, module in NODE_PROGRAMS.items()
    ]
    magics = translate("Magics of a cell", language)
    result.append(ReferencePage("magics", commands, magics, "%%mlws", lambda: [MAGICS]))
    result += [
        ReferencePage(
            f"error-{number}",
            errors,
            translate(PARTS[number[:2]], language),
            f"{number} {plain(error.message, language)}",
            partial(error_text, error, language),
        )
        for number, error in sorted(CATALOGUE.items())
    ]
    return {page.id: page for page in result}


FORMAT = re.compile(r"[!:][^{}]*\}")
PARTS = {
    "10": "Containers",
    "20": "Notebooks",
    "30": "Versions",
    "40": "Workflows",
    "50": "The server",
}
"""Headings by the first digits of the codes."""


def plain(text: Message, language: str) -> str:
    """Return a message with the names of its facts, without how Python formats them."""
    return FORMAT.sub("}", text.in_(product_language(language)))


def error_text(error: type[MLWSError], language: str) -> Iterator[str]:
    """Yield the paragraphs about an error."""
    yield f"**{escape(plain(error.message, language))}**"
    yield escape(plain(error.solution, language))
    details = ", ".join(code(name) for name in error.names())
    yield f"{translate('HTTP status', language)}: {error.status}" + (
        f" · {translate('Details', language)}: {details}" if details else ""
    )


PROGRAM = "jupyter mlws"
NODE_PROGRAMS = {"node": node, "notebook": notebook}
MAGICS = f"```text\n{CELL_USAGE.rstrip()}\n```"
"""Usage of the magics that take a whole cell."""


def all_commands(language: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the commands by their words; the program itself has none."""
    top = build(product_language(language))
    yield (), top
    for name, command in top.commands.items():
        yield (name,), command
        if isinstance(command, click.Group):
            for inner in command.commands.values():
                yield (name, str(inner.name)), inner


def command_text(words: tuple[str, ...], command: click.Command, language: str) -> Iterator[str]:
    """Yield usage, description and options of a command."""
    if words:
        context = command.context_class(command, info_name=" ".join([PROGRAM, *words]))
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        yield f"```text\n{usage}\n```"
        yield paragraphs(command.help or "")
    rows = []
    context = command.context_class(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            names, about = record
            rows.append((code(names), escape(about)))
    yield table([translate(text, language) for text in ("Option", "Description")], rows)


def node_program_text(module: ModuleType) -> Iterator[str]:
    """Yield usage and description of a program that nodes start."""
    yield f"```text\n{module.USAGE.removeprefix('usage: ')}\n```"
    yield paragraphs(inspect.cleandoc(module.__doc__ or "").partition("\n\n")[2])


def paragraphs(text: str) -> str:
    """Return a docstring as Markdown."""
    return "\n\n".join(escape(part) for part in inspect.cleandoc(text).split("\n\n"))


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
