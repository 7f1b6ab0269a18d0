"""Commands of ``jupyter mlws``, magics, and the programs that nodes start."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType

import click

from jupyter_mlws.cli.magics import CELL_USAGE
from jupyter_mlws.cli.main import build
from jupyter_mlws.components import node
from jupyter_mlws.reference.markdown import code, escape, product_language, table, translate
from jupyter_mlws.workflows.notebook import command as notebook

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
