"""Endpoints of projects."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Context, Endpoints, Reply, Work
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    GitCommandError,
    HookRejectedError,
    SigningFailedError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.projects.models import ProjectClone, ProjectCreate, ProjectInfo
from jupyter_mlws.server.services import Services
from mlws.core.errors import (
    DVCUnavailableError,
    OutsideWorkspaceError,
    ProjectNotFoundError,
    RunStoppedError,
)

endpoints = Endpoints("projects")


@endpoints.get("projects", "List projects")
def list_projects(services: Services) -> Page[ProjectInfo]:
    return Page(items=services.projects.list())


@endpoints.post(
    "projects",
    "Create a project",
    status=201,
    also=WRITES,
    errors=[
        AlreadyExistsError,
        OutsideWorkspaceError,
        DVCUnavailableError,
        GitCommandError,
        HookRejectedError,
        RunStoppedError,
        SigningFailedError,
    ],
)
def create_project(services: Services, body: ProjectCreate) -> Reply[ProjectInfo]:
    project = services.projects.create(body.name, body.template)
    return Reply(project, location=("projects", project.id))


@endpoints.post(
    "projects/clone",
    "Clone a repository into a new project",
    also=WRITES,
    errors=[AlreadyExistsError, OutsideWorkspaceError],
)
def clone_project(services: Services, body: ProjectClone) -> Work[ProjectInfo]:
    name = services.projects.check_clone(body.url, body.name)
    return Work(
        "clone", lambda progress: services.projects.clone(body.url, name, progress, progress.ask)
    )


@endpoints.put(
    "projects/trust",
    "Trust the authors of a project and allow its code to run",
    also=[("execute", "kernels")],
    errors=[OutsideWorkspaceError, ProjectNotFoundError],
)
def trust_project(services: Services, context: Context) -> ProjectInfo:
    return services.projects.set_trusted(context.project, True)


@endpoints.delete(
    "projects/trust",
    "Stop trusting the authors of a project",
    errors=[OutsideWorkspaceError, ProjectNotFoundError],
)
def distrust_project(services: Services, context: Context) -> ProjectInfo:
    return services.projects.set_trusted(context.project, False)
