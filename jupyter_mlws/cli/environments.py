"""Commands of environments: what runs ran in, and how that differs."""

from __future__ import annotations

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import environment_views
from jupyter_mlws.cli.commands import find_run
from jupyter_mlws.cli.context import LATEST, CommandContext
from jupyter_mlws.client.project import JSON, workflow_address

RUN = cli.argument("run", default=LATEST, shell_complete=cli.complete_run)


@cli.command(
    "Show the environments in which the nodes of RUN ran.",
    RUN,
    cli.option("Print the packages as a requirements file.", "-r", "--requirements"),
    name="env show",
)
def show_environments(context: CommandContext, run: str, requirements: bool) -> int:
    result = _read(context, run, None)
    view = environment_views.requirements if requirements else environment_views.environments
    return context.answer(result, view)


@cli.command(
    "Compare the environments of RUN with those of PREVIOUS (default: the run before).",
    RUN,
    cli.argument("previous", shell_complete=cli.complete_run),
    name="env diff",
)
def diff_environments(context: CommandContext, run: str, previous: str | None) -> int:
    return context.answer(_read(context, run, previous), environment_views.changes)


def _read(context: CommandContext, run: str, previous: str | None) -> JSON:
    path, record = find_run(context.client, run)
    address = f"{workflow_address(path)}/runs/{segment(record['id'])}/environments"
    result: JSON = context.client.get(address, {"previous": previous})
    return result
