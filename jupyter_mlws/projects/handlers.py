"""Endpoints of projects."""

from __future__ import annotations

from jupyter_mlws.api.base import APIHandler
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    DVCUnavailableError,
    GitCommandError,
    HookRejectedError,
    OutsideWorkspaceError,
    ProjectNotFoundError,
    RunStoppedError,
    SigningFailedError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.projects.models import ProjectClone, ProjectCreate, ProjectInfo


class ProjectsHandler(APIHandler):
    """All projects."""

    resource = "projects"
    errors = ()

    @endpoint("List projects", Page[ProjectInfo])
    async def get(self) -> Page[ProjectInfo]:
        return Page(items=await in_thread(self.services.projects.list))

    @endpoint(
        "Create a project",
        ProjectInfo,
        body=ProjectCreate,
        status=201,
        also=[("write", "contents")],
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
    async def post(self, body: ProjectCreate) -> Reply:
        project = await in_thread(self.services.projects.create, body.name, body.template)
        return Reply(project, 201, location(self, "projects", project.id))


class ProjectTrustHandler(APIHandler):
    """Whether a project's code may run."""

    resource = "projects"
    errors = ()

    @endpoint(
        "Trust the authors of a project and allow its code to run",
        ProjectInfo,
        also=[("execute", "kernels")],
        errors=[OutsideWorkspaceError, ProjectNotFoundError],
    )
    async def put(self) -> ProjectInfo:
        return await self._set_trusted(True)

    @endpoint(
        "Stop trusting the authors of a project",
        ProjectInfo,
        errors=[OutsideWorkspaceError, ProjectNotFoundError],
    )
    async def delete(self) -> ProjectInfo:
        return await self._set_trusted(False)

    async def _set_trusted(self, trusted: bool) -> ProjectInfo:
        project = self.get_query_argument("project", None)
        return await in_thread(self.services.projects.set_trusted, project, trusted)


class ProjectCloneHandler(APIHandler):
    """A project from elsewhere."""

    resource = "projects"
    errors = ()

    @endpoint(
        "Clone a repository into a new project",
        Operation,
        body=ProjectClone,
        status=202,
        also=[("write", "contents")],
        errors=[AlreadyExistsError, OutsideWorkspaceError],
    )
    async def post(self, body: ProjectClone) -> Reply:
        projects = self.services.projects
        name = await in_thread(projects.check_clone, body.url, body.name)
        return self.begin("clone", lambda told: projects.clone(body.url, name, told, told.ask))


HANDLERS = [
    (r"projects", ProjectsHandler),
    (r"projects/clone", ProjectCloneHandler),
    (r"projects/trust", ProjectTrustHandler),
]
