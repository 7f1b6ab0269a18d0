"""The commands of projects: `init`, `clone`, `trust` and the group `projects`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_mlws.api.client import find_server
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import workflow_views
from jupyter_mlws.cli.context import EXIT_SUCCESS, CommandContext, UsageFaultError, prompt
from jupyter_mlws.cli.data import pull_data
from jupyter_mlws.core.trust import trust, withdraw_trust
from mlws.core.errors import ProjectNotFoundError
from mlws.core.project import Project
from mlws.core.secrets import mask_credentials

if TYPE_CHECKING:
    from jupyter_mlws.projects.models import ProjectInfo


@cli.command(
    "Make FOLDER a project: a git repository with DVC. Its files stay as they are.",
    cli.argument("folder", type=click.Path(path_type=Path), default="."),
)
def init(context: CommandContext, folder: Path) -> int:
    from jupyter_mlws.projects.manager import ProjectManager

    target = Path(context.folder, folder).resolve()
    with suppress(ProjectNotFoundError):
        root = Project.open(target).root
        if root != target:
            text = context.views.say(
                "{target} is a folder of the project {root}. To prepare that project: "
                "jupyter mlws init {root}",
                target=target,
                root=root,
            )
            raise UsageFaultError(text)
    return _show_project(context, ProjectManager(target).prepare())


@cli.command(
    "Clone the repository at URL as a project in FOLDER. By default FOLDER has its name.",
    cli.argument("folder", type=click.Path(path_type=Path)),
    cli.flag("Also pull its data, if you trust its authors.", "--pull"),
)
def clone(context: CommandContext, url: str, folder: Path | None, pull: bool) -> int:
    from jupyter_mlws.projects.manager import ProjectManager

    target = None if folder is None else Path(context.folder, folder).resolve()
    local = context.folder / url
    manager = ProjectManager(target.parent if target else context.folder)
    context.screen.note(context.views.say("Cloning {url} …", url=mask_credentials(url)))
    project = manager.clone(
        str(local.resolve()) if local.exists() else url,
        target.name if target else None,
        ask=prompt if context.can_prompt else None,
    )
    if not pull or not context.as_json:
        _show_project(context, project)
    context.folder = manager.root / project.path
    return pull_data(context, None) if pull else EXIT_SUCCESS


@cli.command("List projects.", name="projects list")
def list_projects(context: CommandContext) -> int:
    server = find_server(context.folder, context.language)
    if server is not None:
        items = server.get("projects")["items"]
    else:
        from jupyter_mlws.projects.manager import ProjectManager

        manager = ProjectManager(context.folder)
        items = [project.model_dump(mode="json") for project in manager.list()]
    return context.answer(items, workflow_views.projects)


@cli.command(
    "Create a project in the folder NAME.",
    cli.option(
        "Project template.",
        "--template",
        type=click.Choice(["empty", "example"]),
        default="empty",
        show_default=True,
    ),
    name="projects create",
)
def create_project(context: CommandContext, name: str, template: str) -> int:
    from jupyter_mlws.projects.manager import ProjectManager
    from jupyter_mlws.projects.models import Template

    # Never by a server: the name is relative to the working directory, not to a server's root.
    return _show_project(context, ProjectManager(context.folder).create(name, Template(template)))


@cli.command(
    "Trust the authors of this project and allow its code to run.",
    cli.option("Stop trusting this project.", "--withdraw"),
    name="trust",
)
def trust_project(context: CommandContext, withdraw: bool) -> int:
    root = Project.open(context.folder).root
    (withdraw_trust if withdraw else trust)(root)
    return context.answer({"path": str(root), "trusted": not withdraw}, workflow_views.trust)


def _show_project(context: CommandContext, project: ProjectInfo) -> int:
    return context.answer_one(project.model_dump(mode="json"), workflow_views.projects)
