"""Help and usage errors of command lines, in the user's language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from mlws.core.i18n import CHINESE, Message

JSON_HELP = Message("Print the result as JSON.")
HELP_HELP = Message("Show this message and exit.")
VERSION_HELP = Message("Show the version and exit.")
HELP_SETTINGS = {"help_option_names": ["-h", "--help"]}
HEADINGS = {"Options": "选项", "Commands": "命令", "Usage": "用法", "Usage: ": "用法："}


class UnknownCommandError(click.UsageError):
    """The name of a command that does not exist, with the ``similar`` ones."""

    def __init__(self, name: str, similar: Sequence[str], context: click.Context) -> None:
        super().__init__(name, context)
        self.name = name
        self.similar = similar


class ChineseFormatter(click.HelpFormatter):
    """Writes the headings of click in Chinese."""

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        with super().section(HEADINGS.get(name, name)):
            yield

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or HEADINGS["Usage: "])


class ChineseContext(click.Context):
    """The context of a command whose help is Chinese."""

    formatter_class = ChineseFormatter


def translate_help(command: click.Command, language: str) -> None:
    """Translate the texts that click itself adds to the help of ``command``."""
    if language == CHINESE:
        command.context_class = ChineseContext
        command.options_metavar = "[选项]"
        if isinstance(command, click.Group):
            command.subcommand_metavar = "命令 [参数]..."
    option = command.get_help_option(click.Context(command, **command.context_settings))
    if option is not None:
        option.help = HELP_HELP.in_(language)


def usage_message(error: click.UsageError) -> Message:
    """Return the message of an invalid command line."""
    if isinstance(error, click.NoSuchOption):
        if not error.possibilities:
            return Message("No such option: {name}", name=error.option_name)
        near = ", ".join(error.possibilities)
        return Message(
            "No such option: {name}. Did you mean {near}?", name=error.option_name, near=near
        )
    if isinstance(error, click.BadParameter):
        name = error.param.get_error_hint(error.ctx) if error.param else ""
        if isinstance(error, click.MissingParameter):
            return Message("Missing {name}.", name=name)
        return Message("Invalid value for {name}: {reason}", name=name, reason=error.message)
    if isinstance(error, UnknownCommandError):
        if not error.similar:
            return Message("No such command: {name}", name=error.name)
        near = ", ".join(error.similar)
        return Message("No such command: {name}. Did you mean {near}?", name=error.name, near=near)
    return Message.verbatim(error.format_message())
