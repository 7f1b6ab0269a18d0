"""Pages of the reference that the lab shows: guides, components, commands and errors."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType

import click

from jupyter_mlws.cli.magics import CELL_USAGE
from jupyter_mlws.cli.main import build
from jupyter_mlws.components import node
from jupyter_mlws.components.registry import library
from jupyter_mlws.core.errors import CATALOGUE, MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.reference.components import component_text
from jupyter_mlws.reference.guides import (
    guide_id,
    guide_message,
    guide_text,
    guide_title,
    guides,
)
from jupyter_mlws.reference.markdown import code, escape, join, product_language, table, translate
from jupyter_mlws.workflows.notebook import command as notebook


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
