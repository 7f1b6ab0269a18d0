"""The command `repro`, with the options of `dvc repro`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.context import CommandContext
from mlws.repro.options import ABOUT, OPTIONS, read_options


@cli.command(
    ABOUT.text,
    cli.argument("targets", type=click.Path()),
    *(cli.Parameter(option.names, option.settings, option.about) for option in OPTIONS),
)
def repro(context: CommandContext, targets: Sequence[str], **options: Any) -> int:
    from mlws.repro.reproduce import run

    request = read_options(targets, **options)
    return run(context.folder, context.language, request, as_json=context.as_json)
