"""The command `repro`, with the options of `dvc repro`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.context import CommandContext


@cli.command(
    "Bring the stages of dvc.yaml files up to date, in parallel, like `dvc repro`.\n\nTARGETS are "
    "stages (NAME, or FILE:NAME of another folder's file), dvc.yaml and .dvc files, or outputs; "
    "without them, the dvc.yaml file of this folder.",
    cli.argument("targets", type=click.Path()),
    cli.option(
        "Stages at once; 1 runs them as DVC does, with the terminal. Default: one for each "
        "processor.",
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
    ),
    cli.flag("Run stages even if they have not changed.", "-f", "--force"),
    cli.flag("Ask before each stage.", "-i", "--interactive"),
    cli.flag("Only the targets, without the stages they depend on.", "-s", "--single-item"),
    cli.flag("The whole pipelines that the targets belong to.", "-p", "--pipeline"),
    cli.flag("All pipelines of the repository.", "-P", "--all-pipelines"),
    cli.flag("All stages in the folders that the targets name.", "-R", "--recursive"),
    cli.flag("The targets and the stages that depend on them.", "--downstream"),
    cli.flag("Run everything downstream of a stage that ran.", "--force-downstream"),
    cli.flag("Pull missing data from the remote.", "--pull"),
    cli.flag("Skip stages with missing data but no other changes.", "--allow-missing"),
    cli.flag("Print the commands without running them.", "--dry"),
    cli.flag("After a failure, run the stages that do not depend on it.", "-k", "--keep-going"),
    cli.flag("After a failure, run all other stages.", "--ignore-errors"),
    cli.flag("Targets may have wildcards.", "--glob"),
    cli.flag("Do not store outputs in the cache.", "--no-commit"),
    cli.flag("Run commands even if the run cache has their results.", "--no-run-cache"),
)
def repro(context: CommandContext, targets: Sequence[str], jobs: int | None, **options: Any) -> int:
    from mlws.repro.backend import StageOptions
    from mlws.repro.reproduce import OnError, ReproOptions, run

    on_error = OnError.FAIL
    if options.pop("keep_going"):
        on_error = OnError.KEEP_GOING
    if options.pop("ignore_errors"):
        on_error = OnError.IGNORE
    stages = StageOptions(
        run_cache=not options.pop("no_run_cache"),
        commit=not options.pop("no_commit"),
        **{name: options.pop(name) for name in ("allow_missing", "pull", "interactive")},
    )
    request = ReproOptions(
        targets, jobs or os.cpu_count() or 1, on_error=on_error, stages=stages, **options
    )
    return run(context.folder, request, context.language, as_json=context.as_json)
