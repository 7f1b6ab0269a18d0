"""Projects that people share, forwarded with the person's own rights, and cloned in a lab."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.api.base import APIHandler
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.containers.handlers import FORWARDED
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    HubUnavailableError,
    LastOwnerError,
    MemberNotFoundError,
    OutsideWorkspaceError,
    ProjectNotFoundError,
    ProjectNotInTrashError,
    RoleRequiredError,
    SharedProjectNotFoundError,
    TooManyProjectsError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.shared_projects.manager import TeamManager
from jupyter_mlws.shared_projects.models import (
    MemberPut,
    TeamClone,
    TeamProject,
    TeamProjectCreate,
    TeamProjectDelete,
)
from jupyter_mlws.versioning.handling import DVC_ERRORS, GIT_ERRORS

MISSING = (SharedProjectNotFoundError,)
FOR_OWNERS = (*MISSING, RoleRequiredError)
WRITES = [("write", "contents")]


class TeamBase(APIHandler):
    """Base of the handlers here."""

    resource = "projects"
    errors = FORWARDED

    @property
    def team(self) -> TeamManager:
        """The manager, which speaks the reader's language; error 10103 without a Hub."""
        if self.services.team is None:
            raise HubUnavailableError()
        return self.services.team.in_language(self.language)


class TeamProjectsHandler(TeamBase):
    """All projects that the person is a member of."""

    @endpoint("List shared projects", Page[TeamProject])
    async def get(self) -> Page[TeamProject]:
        return await in_thread(self.team.list)

    @endpoint(
        "Create a shared project",
        TeamProject,
        body=TeamProjectCreate,
        status=201,
        errors=(TooManyProjectsError, AlreadyExistsError),
    )
    async def post(self, body: TeamProjectCreate) -> Reply:
        made = await in_thread(self.team.create, body)
        return Reply(made, 201, location(self, "team", "projects", made.name))


class TeamProjectHandler(TeamBase):
    """One shared project."""

    @endpoint("Get a shared project", TeamProject, errors=MISSING)
    async def get(self, name: str) -> TeamProject:
        return await in_thread(self.team.get, name)

    @endpoint(
        "Move a shared project to the trash, or delete it permanently from there",
        query=TeamProjectDelete,
        errors=FOR_OWNERS,
    )
    async def delete(self, name: str, query: TeamProjectDelete) -> None:
        await in_thread(self.team.delete, name, query.confirm)


class TeamRestoreHandler(TeamBase):
    """A shared project's way back."""

    @endpoint(
        "Restore a shared project from the trash",
        TeamProject,
        errors=(*FOR_OWNERS, ProjectNotInTrashError),
    )
    async def post(self, name: str) -> TeamProject:
        return await in_thread(self.team.restore, name)


class TeamMemberHandler(TeamBase):
    """A person of a shared project."""

    @endpoint(
        "Add a member, or change a member's role",
        TeamProject,
        body=MemberPut,
        errors=(*FOR_OWNERS, LastOwnerError),
    )
    async def put(self, name: str, user: str, body: MemberPut) -> TeamProject:
        return await in_thread(self.team.put_member, name, user, body)

    @endpoint(
        "Remove a member, or leave", errors=(*FOR_OWNERS, LastOwnerError, MemberNotFoundError)
    )
    async def delete(self, name: str, user: str) -> None:
        await in_thread(self.team.remove_member, name, user)


class TeamCloneHandler(TeamBase):
    """A shared project in the person's home."""

    @endpoint(
        "Clone a shared project into a new folder",
        Operation,
        body=TeamClone,
        status=202,
        also=WRITES,
        errors=(AlreadyExistsError, OutsideWorkspaceError, SharedProjectNotFoundError),
    )
    async def post(self, name: str, body: TeamClone) -> Reply:
        team = self.team
        project = await in_thread(team.check_clone, name, body.folder)
        return self.begin("clone", lambda told: team.clone(project, body.folder, told, told.ask))


class TeamConnectHandler(TeamBase):
    """What a project of the home shares from now on."""

    @endpoint(
        "Connect the project to a shared project, to which code, data and runs are pushed",
        TeamProject,
        also=WRITES,
        errors=(
            *FOR_OWNERS,
            *GIT_ERRORS,
            *DVC_ERRORS,
            OutsideWorkspaceError,
            ProjectNotFoundError,
        ),
    )
    async def post(self, name: str) -> TeamProject:
        project = self.get_query_argument("project", None)
        return await in_thread(self.team.connect, name, project)


HANDLERS: list[tuple[str, Any]] = [
    (r"team/projects", TeamProjectsHandler),
    (r"team/projects/([^/]+)", TeamProjectHandler),
    (r"team/projects/([^/]+)/restore", TeamRestoreHandler),
    (r"team/projects/([^/]+)/members/([^/]+)", TeamMemberHandler),
    (r"team/projects/([^/]+)/clone", TeamCloneHandler),
    (r"team/projects/([^/]+)/connect", TeamConnectHandler),
]
