"""Command line ``jupyter mlws COMMAND …``, in the user's language."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from jupyter_mlws._version import __version__
from jupyter_mlws.api.client import RemoteError
from jupyter_mlws.cli import (  # noqa: F401  declare them
    capsules,
    code,
    commands,
    data,
    environments,
    experiments,
    pages,
    projects,
    references,
    reports,
    repro,
    runs,
)
from jupyter_mlws.cli.console import TerminalScreen
from jupyter_mlws.cli.context import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_SUCCESS,
    EXIT_USAGE_ERROR,
    CommandContext,
    UsageFaultError,
)
from jupyter_mlws.cli.declared import (
    CAPSULE_COMMANDS,
    COMMANDS,
    DATA_COMMANDS,
    ENVIRONMENT_COMMANDS,
    PAGE_COMMANDS,
    PROJECT_COMMANDS,
    RUN_COMMANDS,
    WIDE,
    CommandSpec,
)
from jupyter_mlws.cli.questions import solve
from jupyter_mlws.client.project import Origin
from jupyter_mlws.core.errors import of_system
from mlws.core.command_help import (
    HELP_SETTINGS,
    JSON_HELP,
    VERSION_HELP,
    CommandGroup,
    translate_help,
    usage_message,
)
from mlws.core.errors import InvalidRequestError, MLWSError
from mlws.core.i18n import Message, environment_language

PROGRAM = "jupyter-mlws"
PROGRAM_HELP = Message(
    "Manage the snapshots (code, data and models) and workflows of the project in this "
    "folder.\n\nIf a Jupyter server of the project is running, it does the work; otherwise "
    "this program does.\n\nExit codes: 0 success, 1 failure, 2 usage error, 130 "
    "interrupted by Ctrl-C."
)
FOLDER_HELP = Message("Use the project that contains this folder.")
NO_PAGER_HELP = Message("Do not show long results in a pager.")
SECTIONS = (
    (
        Message("Project"),
        ("init", "clone", "open", "projects", "trust", "env", "doctor", "completion"),
    ),
    (
        Message("Snapshots"),
        (
            *("status", "diff", "stage", "unstage", "commit", "log", "show", "blame", "restore"),
            *("revert", "uncommit", "stash", "safety"),
        ),
    ),
    (
        Message("Branches"),
        ("branch", "checkout", "merge", "rebase", "cherry-pick", "squash", "tag", "operation"),
    ),
    (
        Message("Workflows"),
        (
            *("run", "plan", "repro", "resume", "retry", "skip", "cancel", "logs"),
            *("components", "sweep", "promote", "import"),
        ),
    ),
    (Message("Data"), ("data", "verify", "repair")),
    (
        Message("Runs and models"),
        ("runs", "models", "compare", "lineage", "track", "reproduce", "report"),
    ),
    (Message("Sharing"), ("fetch", "pull", "push", "pages", "capsule")),
)
"""The commands in the order of the help."""
OPTION_OF = {"q": "query", "limit": "number", "from": "start", "workflow": "file"}
"""Options by the API's fields that have other names."""


class _Group(CommandGroup):
    default = ""
    """Command whose name may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        command = self.commands.get(self.default)
        if command is not None:
            # A completion of nothing is one of the group's commands.
            is_complete = not ctx.resilient_parsing and not any(p.required for p in command.params)
            if args[0] not in (*self.commands, *ctx.help_option_names) if args else is_complete:
                args = [self.default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        items = super().shell_complete(ctx, incomplete)
        command = self.commands.get(self.default)
        if command is not None:
            inner = click.Context(command, ctx, self.default, resilient_parsing=True)
            items += command.shell_complete(inner, incomplete)
        return items


def build(language: str) -> click.Group:
    """Build the whole command line in one language."""

    def show_version(context: click.Context, option: click.Parameter, value: bool) -> None:
        if value and not context.resilient_parsing:
            click.echo(f"{PROGRAM} {__version__}")
            context.exit()

    top = _group("mlws", PROGRAM_HELP, language, COMMANDS)
    top.params.append(
        click.Option(
            ["-C", "--project", "folder"],
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help=FOLDER_HELP.in_(language),
        )
    )
    top.params.append(click.Option(["--no-pager"], is_flag=True, help=NO_PAGER_HELP.in_(language)))
    top.params.append(
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=show_version,
            help=VERSION_HELP.in_(language),
        )
    )
    about_projects = Message("List and create projects.")
    top.add_command(_group("projects", about_projects, language, PROJECT_COMMANDS))
    about_data = Message("Track, push and pull data.")
    top.add_command(_group("data", about_data, language, DATA_COMMANDS))
    about_environments = Message("Create, change and compare environments.")
    top.add_command(_group("env", about_environments, language, ENVIRONMENT_COMMANDS))
    about_capsules = Message("Write snapshots as archives, open and publish them.")
    capsule_group = _group("capsule", about_capsules, language, CAPSULE_COMMANDS)
    capsule_group.default = "create"
    top.add_command(capsule_group)
    about_runs = Message(
        "List, show, change and delete runs. Without a command, list them (`runs list`)."
    )
    run_group = _group("runs", about_runs, language, RUN_COMMANDS)
    run_group.default = "list"
    top.add_command(run_group)
    about_pages = Message("Save runs, reports and notebooks as HTML, or share them.")
    top.add_command(_group("pages", about_pages, language, PAGE_COMMANDS))
    top.set_sections(SECTIONS, language)
    return top


def _group(name: str, about: Message, language: str, specs: Sequence[CommandSpec]) -> _Group:
    def apply_options(folder: Path | None = None, no_pager: bool = False) -> None:
        context = click.get_current_context()
        if no_pager:
            context.find_object(CommandContext).is_paged = False  # type: ignore[union-attr]
        if folder is not None:
            context.find_object(CommandContext).folder = folder.resolve()  # type: ignore[union-attr]
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    group = _Group(
        name,
        context_settings=HELP_SETTINGS,
        help=about.in_(language),
        callback=apply_options,
        invoke_without_command=True,
        commands=[_command(spec, language) for spec in specs],
    )
    translate_help(group, language)
    return group


def _command(spec: CommandSpec, language: str) -> click.Command:
    @click.pass_context
    def call(context: click.Context, /, as_json: bool, **values: Any) -> int:
        command_context: CommandContext = context.obj
        command_context.as_json = as_json
        wide = {"wide": values.pop("wide")} if spec.has_wide else {}
        command_context.is_wide = wide.get("wide", False)
        try:
            return spec.action(command_context, **values)
        except (MLWSError, RemoteError) as error:
            body = error.as_dict(language)
            if solve(command_context, body):
                # A question is asked once: this ends.
                return call(as_json=as_json, **values, **wide)
            if as_json or body["code"] != InvalidRequestError.code:
                raise
            # Faults of fields that are options are errors of the command line.
            parameters = {parameter.name: parameter for parameter in context.command.params}
            for fault in body["errors"]:
                field = fault["field"].split(".")[0]
                parameter = parameters.get(OPTION_OF.get(field, field))
                if parameter is not None:
                    raise click.BadParameter(fault["message"], context, parameter) from error
            raise
        except Exception as error:
            # A full disk, say, is no fault of this program: no traceback.
            system_error = of_system(error)
            if system_error is None:
                raise
            raise system_error from error

    parameters = [make(language) for make in spec.parameters]
    if spec.has_wide:
        parameters.append(WIDE(language))
    parameters.append(
        click.Option(["--json", "as_json"], is_flag=True, help=JSON_HELP.in_(language))
    )
    command = click.Command(
        spec.name,
        params=parameters,
        callback=call,
        help=spec.about.in_(language),
        context_settings={
            **HELP_SETTINGS,
            "ignore_unknown_options": spec.passes_on,
            "allow_interspersed_args": not spec.passes_on,
        },
    )
    translate_help(command, language)
    return command


def manual(language: str) -> str:
    """Return the help of all commands, one after the other."""
    top = build(language)
    context = top.context_class(top, info_name="%mlws")
    parts = [top.get_help(context)]
    for command, inner in _iter_commands(top, context):
        parts.append(command.get_help(inner))
    return "\n\n\n".join(parts) + "\n"


def _iter_commands(
    group: click.Group, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    for name, command in sorted(group.commands.items()):
        inner = command.context_class(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from _iter_commands(command, inner)
        else:
            yield command, inner


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    context = CommandContext(
        Path.cwd().resolve(), TerminalScreen(), environment_language(os.environ), Origin.CLI
    )
    cli = build(context.language)
    try:
        # Not in standalone mode, in which click exits by itself and prints its own messages.
        code = cli.main(list(argv), prog_name=PROGRAM, obj=context, standalone_mode=False)
    except click.UsageError as error:
        usage = f"{error.ctx.get_usage()}\n" if error.ctx is not None else ""
        sys.stderr.write(f"{usage}{usage_message(error).in_(context.language)}\n")
        return EXIT_USAGE_ERROR
    except UsageFaultError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE_ERROR
    except (MLWSError, RemoteError) as error:
        body = error.as_dict(context.language)
        if context.as_json:
            sys.stderr.write(json.dumps(body, ensure_ascii=False, default=str) + "\n")
        else:
            TerminalScreen(sys.stderr).show(*context.views.error(body))
        return EXIT_FAILURE
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    finally:
        context.close()
    return code if isinstance(code, int) else EXIT_SUCCESS
