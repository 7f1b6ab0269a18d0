"""Help and usage errors of command lines, in the user's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

import click
from click.shell_completion import get_completion_class

from mlws.core.i18n import CHINESE, Message

JSON_HELP = Message("Print the result as JSON.")
HELP_HELP = Message("Show this message and exit.")
VERSION_HELP = Message("Show the version and exit.")
HELP_SETTINGS = {"help_option_names": ["-h", "--help"]}
OTHER_COMMANDS = Message("Other commands")
SENTENCE_END = re.compile(r"(?<=\.)\s|(?<=。)")
HEADINGS = {"Options": "选项", "Commands": "命令", "Usage": "用法", "Usage: ": "用法："}


COMPLETION_ABOUT = Message(
    "Print the script with which SHELL completes words.\n\nSHELL is bash, zsh or fish. Write the "
    "script where the shell reads its settings, such as ~/.bashrc."
)
SHELLS = ("bash", "zsh", "fish")


class UnknownCommandError(click.UsageError):
    """The name of a command that does not exist, with the ``similar`` ones."""

    def __init__(self, name: str, similar: Sequence[str], context: click.Context) -> None:
        super().__init__(name, context)
        self.name = name
        self.similar = similar


class CommandGroup(click.Group):
    """Commands whose help is in sections; an unknown one is an error that names similar ones."""

    sections: Sequence[tuple[str, Sequence[str]]] = ()
    """Headings, and the names of commands below each."""
    other_commands = "Commands"
    """Heading of the commands that are in no section."""

    def set_sections(
        self, sections: Sequence[tuple[Message, Sequence[str]]], language: str
    ) -> None:
        """Show the commands below headings in a language."""
        self.sections = [(heading.in_(language), names) for heading, names in sections]
        self.other_commands = OTHER_COMMANDS.in_(language)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command with the first sentence of its help, which is never cut."""
        visible = [name for name in self.list_commands(ctx) if not self.commands[name].hidden]
        width = max(map(len, visible), default=0)
        in_sections = {name for _, names in self.sections for name in names}
        rest = [name for name in visible if name not in in_sections]
        for heading, names in [*self.sections, (self.other_commands, rest)]:
            rows = [
                (name.ljust(width), first_sentence(self.commands[name]))
                for name in names
                if name in visible
            ]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            inner = [
                f"{other} {name}"
                for other, command in self.commands.items()
                if isinstance(command, click.Group) and name in command.commands
            ]
            raise UnknownCommandError(name, [*get_close_matches(name, self.commands), *inner], ctx)
        return super().resolve_command(ctx, args)


def first_sentence(command: click.Command) -> str:
    """Return the first sentence of the help of a command."""
    text = " ".join((command.help or "").partition("\n\n")[0].split())
    return SENTENCE_END.split(text)[0]


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


def completion_script(program: click.Command, name: str, shell: str) -> str:
    """Return the script with which a shell completes the words of a program by its ``name``."""
    completer = get_completion_class(shell)
    if completer is None:
        raise click.BadParameter(shell)
    return completer(program, {}, name, f"_{name.replace('-', '_')}_COMPLETE".upper()).source()
