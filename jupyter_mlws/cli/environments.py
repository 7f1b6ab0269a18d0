"""Commands of environments: those of the project, and those that runs used."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import environment_views
from jupyter_mlws.cli.commands import find_run
from jupyter_mlws.cli.context import LATEST, CommandContext
from jupyter_mlws.client.project import JSON, workflow_address
from mlws.environments.definitions import ROOT

RUN = cli.argument("run", default=LATEST, shell_complete=cli.complete_run)


PACKAGES = cli.argument("packages", nargs=-1, required=True)
NAME = cli.argument("name", default=ROOT)
IN = cli.option("Name of the environment.", "-n", "--name", default=ROOT, show_default=True)


@cli.command("List the environments of the project.", name="env list", has_wide=True)
def list_environments(context: CommandContext) -> int:
    return context.answer(context.client.list("envs"), environment_views.project_environments)


@cli.command(
    "Show the packages of an environment, and changes since its lock.", NAME, name="env show"
)
def show_environment(context: CommandContext, name: str) -> int:
    environment = context.client.get(f"envs/{segment(name)}")
    return context.answer(environment, environment_views.project_environment)


@cli.command(
    "Create the environment NAME with PACKAGES, in envs/NAME. The environment "
    "`project` is in the project's folder.",
    cli.option("Version of Python, such as 3.12.", "--python"),
    name="env create",
)
def create_environment(
    context: CommandContext, name: str, packages: Sequence[str], python: str | None
) -> int:
    request = {"name": name, "packages": list(packages), "python": python}
    return context.answer_one(
        context.follow("envs", request), environment_views.project_environments
    )


@cli.command("Add PACKAGES, lock and install.", PACKAGES, IN, name="env add")
def add_packages(context: CommandContext, packages: Sequence[str], name: str) -> int:
    return _change(context, name, "add", {"packages": list(packages)})


@cli.command("Remove PACKAGES, lock and install.", PACKAGES, IN, name="env remove")
def remove_packages(context: CommandContext, packages: Sequence[str], name: str) -> int:
    return _change(context, name, "remove", {"packages": list(packages)})


@cli.command("Write the lock of an environment from its definition.", NAME, name="env lock")
def lock_environment(context: CommandContext, name: str) -> int:
    return _change(context, name, "lock", {})


@cli.command("Install an environment as its lock says.", NAME, name="env sync")
def sync_environment(context: CommandContext, name: str) -> int:
    return _change(context, name, "sync", {})


@cli.command(
    "Delete the environment NAME and its files. Of the environment `project`, only "
    "what is installed is deleted.",
    name="env delete",
)
def delete_environment(context: CommandContext, name: str) -> int:
    return context.answer(context.client.delete(f"envs/{segment(name)}"), environment_views.deleted)


def _change(context: CommandContext, name: str, action: str, request: JSON) -> int:
    result = context.follow(f"envs/{segment(name)}/{action}", request)
    return context.answer_one(result, environment_views.project_environments)


@cli.command(
    "Show the environments that the nodes of RUN used.",
    RUN,
    cli.option("Print the packages as a requirements file.", "-r", "--requirements"),
    name="env used",
)
def show_used_environments(context: CommandContext, run: str, requirements: bool) -> int:
    result = _read(context, run, None)
    view = environment_views.requirements if requirements else environment_views.environments
    return context.answer(result, view)


@cli.command(
    "Compare the environments of RUN with those of PREVIOUS. Default: the run before.",
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
