"""Endpoints of shared projects that a lab implements itself; it forwards the others to the Hub."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Context, Endpoints, Work
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    HubUnavailableError,
    RoleRequiredError,
    SharedProjectNotFoundError,
)
from jupyter_mlws.projects.models import ProjectInfo
from jupyter_mlws.server.endpoints.errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.server.forwarding import FORWARDING_ERRORS
from jupyter_mlws.server.services import Services
from jupyter_mlws.shared_projects.manager import TeamManager
from jupyter_mlws.shared_projects.models import TeamClone, TeamProject
from mlws.core.errors import OutsideWorkspaceError, ProjectNotFoundError

endpoints = Endpoints("projects", FORWARDING_ERRORS)


@endpoints.post(
    "team/projects/{project}/clone",
    "Clone a shared project into a new folder",
    also=WRITES,
    errors=(AlreadyExistsError, OutsideWorkspaceError, SharedProjectNotFoundError),
)
def clone_shared_project(services: Services, name: str, body: TeamClone) -> Work[ProjectInfo]:
    team = _team(services)
    project = team.check_clone(name, body.folder)
    return Work("clone", lambda progress: team.clone(project, body.folder, progress, progress.ask))


@endpoints.post(
    "team/projects/{project}/connect",
    "Connect the project to a shared project, to which code, data and runs are pushed",
    also=WRITES,
    errors=(
        *GIT_ERRORS,
        *DVC_ERRORS,
        OutsideWorkspaceError,
        ProjectNotFoundError,
        RoleRequiredError,
        SharedProjectNotFoundError,
    ),
)
def connect_shared_project(services: Services, name: str, context: Context) -> TeamProject:
    return _team(services).connect(name, context.project)


def _team(services: Services) -> TeamManager:
    """The manager; HubUnavailableError without a Hub."""
    if services.team is None:
        raise HubUnavailableError()
    return services.team
