"""The command line and the magics."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from jupyter_mlws.cli.magics import CELL_USAGE
from jupyter_mlws.cli.main import build
from mlws_reference.markdown import code, escape, heading, join, product_language, table

PROGRAM = "jupyter mlws"


def command_line(language: str) -> str:
    """Return a section for each command of ``jupyter mlws``."""
    top = build(product_language(language))
    parts = [_options(top, language)]
    for name, command in top.commands.items():
        if command.hidden:
            continue
        parts += _section(command, (name,), language)
        if isinstance(command, click.Group):
            for inner in command.commands.values():
                if not inner.hidden:
                    parts += _section(inner, (name, str(inner.name)), language)
    return join(parts)


def _section(command: click.Command, names: tuple[str, ...], language: str) -> Iterator[str]:
    yield f"(command-{'-'.join(names)})="
    yield f"{'#' * (len(names) + 1)} {code(' '.join(names))}"
    context = command.context_class(command, info_name=" ".join([PROGRAM, *names]))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```"
    yield "\n\n".join(escape(text) for text in inspect.cleandoc(command.help or "").split("\n\n"))
    yield _options(command, language)


def _options(command: click.Command, language: str) -> str:
    rows = []
    context = command.context_class(command)
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            names, about = record
            rows.append((code(names), escape(about)))
    return table([heading(text, language) for text in ("Option", "Description")], rows)


def magics(language: str) -> str:
    """Return the usage of the cell magics."""
    return f"```text\n{CELL_USAGE.rstrip()}\n```\n"


def node_programs(language: str) -> str:
    """Return the usage of the commands that nodes are made of."""
    from jupyter_mlws.components import node
    from jupyter_mlws.workflows.notebook import command as notebook

    parts = []
    for name, module in (("node", node), ("notebook", notebook)):
        about = inspect.cleandoc(module.__doc__ or "").split("\n\n")[1:]
        parts += [f"(command-{name})=", f"## {code(name)}"]
        parts += [f"```text\n{module.USAGE.removeprefix('usage: ')}\n```", *map(escape, about)]
    return join(parts)
