"""The program ``mlws``."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mlws._version import __version__
from mlws.core.command_help import (
    HELP_SETTINGS,
    JSON_HELP,
    VERSION_HELP,
    translate_help,
    usage_message,
)
from mlws.core.i18n import Message, environment_language
from mlws.repro.options import (
    ABOUT,
    OPTIONS,
    STATUS_ABOUT,
    STATUS_OPTIONS,
    StatusOptions,
    read_options,
)

GARBAGE = 500_000
"""Threshold of the garbage collector: a search for cycles takes longer than a command."""
EXIT_USAGE_ERROR, EXIT_INTERRUPTED = 2, 130
PROGRAM = Message("Runs the pipelines of dvc.yaml files, and writes what DVC writes.")
FOLDER = Message("Run as if started in this folder.")


def main() -> int:
    """Run the command line of this process; return its exit code."""
    gc.set_threshold(GARBAGE)
    language = environment_language(os.environ)
    try:
        # Not in standalone mode, in which click prints its own messages.
        code = create_program(language).main(prog_name="mlws", standalone_mode=False)
    except click.UsageError as error:
        usage = f"{error.ctx.get_usage()}\n" if error.ctx is not None else ""
        click.echo(f"{usage}{usage_message(error).in_(language)}", err=True)
        return EXIT_USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    # No collection at exit either.
    gc.freeze()
    return int(code or 0)


def create_program(language: str) -> click.Group:
    """Return the program with its help in a language."""

    def set_folder(context: click.Context, folder: Path) -> None:
        context.obj = folder, language
        if context.invoked_subcommand is None:
            click.echo(context.get_help())

    group = click.Group(
        "mlws",
        help=PROGRAM.in_(language),
        invoke_without_command=True,
        context_settings=HELP_SETTINGS,
        params=[
            click.Option(
                ["-C", "folder"],
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                default=Path(),
                help=FOLDER.in_(language),
            ),
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_show_version,
                help=VERSION_HELP.in_(language),
            ),
        ],
        callback=click.pass_context(set_folder),
    )
    for name, about, options, callback in COMMANDS:
        command = click.Command(
            name,
            help=about.in_(language),
            context_settings=HELP_SETTINGS,
            params=[
                click.Argument(["targets"], nargs=-1, type=click.Path()),
                *(
                    click.Option(option.names, help=option.about.in_(language), **option.settings)
                    for option in options
                ),
                click.Option(["--json", "as_json"], is_flag=True, help=JSON_HELP.in_(language)),
            ],
            callback=click.pass_context(callback),
        )
        translate_help(command, language)
        group.add_command(command)
    translate_help(group, language)
    return group


def run_repro(context: click.Context, as_json: bool, targets: Sequence[str], **options: Any) -> int:
    """Execute `repro` with the options of a command line; return its exit code."""
    from mlws.repro.reproduce import run

    folder, language = context.obj
    return run(folder, language, read_options(targets, **options), as_json=as_json)


def run_status(
    context: click.Context, as_json: bool, targets: Sequence[str], **options: bool
) -> int:
    """Execute `status` with the options of a command line; return its exit code."""
    from mlws.repro.status import run

    folder, language = context.obj
    return run(folder, language, StatusOptions(targets, **options), as_json=as_json)


COMMANDS = (
    ("repro", ABOUT, OPTIONS, run_repro),
    ("status", STATUS_ABOUT, STATUS_OPTIONS, run_status),
)


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"mlws {__version__}")
        context.exit()


if __name__ == "__main__":
    sys.exit(main())
