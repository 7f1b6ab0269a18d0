"""The commands that the engine has, too: `repro`, `doctor` and `completion`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.context import CommandContext
from mlws.core.command_help import COMPLETION_ABOUT, SHELLS, completion_script
from mlws.repro.options import ABOUT, DOCTOR_ABOUT, OPTIONS, Area, read_options


@cli.command(
    ABOUT.text,
    cli.argument("targets", type=click.Path()),
    *(cli.Parameter(option.names, option.settings, option.about) for option in OPTIONS),
)
def repro(context: CommandContext, targets: Sequence[str], **options: Any) -> int:
    from mlws.repro.reproduce import run

    request = read_options(targets, **options)
    return run(context.folder, context.language, request, as_json=context.as_json)


@cli.command(
    DOCTOR_ABOUT.text,
    cli.argument(
        "targets", metavar="[TARGETS]...", type=click.Choice([area.value for area in Area])
    ),
)
def doctor(context: CommandContext, targets: Sequence[str]) -> int:
    from jupyter_mlws.cli.lab_checks import ALL_CHECKS
    from mlws.repro.doctor.report import run

    return run(
        context.folder, context.language, targets, as_json=context.as_json, checks=ALL_CHECKS
    )


@cli.command(
    COMPLETION_ABOUT.text,
    cli.argument("shell", type=click.Choice(SHELLS)),
)
def completion(context: CommandContext, shell: str) -> int:
    program = click.get_current_context().find_root().command
    script = completion_script(program, "jupyter-mlws", shell)
    if context.as_json:
        context.screen.data({"script": script})
    else:
        click.echo(script)
    return 0
