"""The endpoints of projects that people share, and what nginx asks before it lets MLflow answer."""

from __future__ import annotations

import hashlib

from tornado.web import RequestHandler

from jupyter_mlws.api.rest import Reply, RESTHandler, endpoint, location
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    LastOwnerError,
    MemberNotFoundError,
    MLWSError,
    PermissionDeniedError,
    ProjectNotInTrashError,
    RoleRequiredError,
    SharedProjectNotFoundError,
    TooManyProjectsError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.hub.auth import ByToken
from jupyter_mlws.hub.handlers import ServiceHandler
from jupyter_mlws.hub.person import Person
from jupyter_mlws.shared_projects.models import (
    MemberPut,
    Role,
    TeamProject,
    TeamProjectCreate,
    TeamProjectDelete,
)

MISSING = (SharedProjectNotFoundError,)
FOR_OWNERS = (*MISSING, RoleRequiredError)
READING = ("search", "get", "list", "query")
"""In addresses of MLflow that read although they are asked by POST."""


class TeamProjectsHandler(ServiceHandler):
    """All projects that the person is a member of."""

    resource = "projects"

    @endpoint("List shared projects", Page[TeamProject])
    async def get(self) -> Page[TeamProject]:
        return Page(items=self.manager.team.list(self.person))

    @endpoint(
        "Create a shared project",
        TeamProject,
        body=TeamProjectCreate,
        status=201,
        errors=(TooManyProjectsError, AlreadyExistsError),
    )
    async def post(self, body: TeamProjectCreate) -> Reply:
        made = await self.manager.team.create(self.person, body.name, body.description)
        return Reply(made, 201, location(self, "team", "projects", made.name))


class TeamProjectHandler(ServiceHandler):
    """One shared project."""

    resource = "projects"

    @endpoint("Get a shared project", TeamProject, errors=MISSING)
    async def get(self, name: str) -> TeamProject:
        return self.manager.team.get(self.person, name)

    @endpoint(
        "Move a shared project to the trash, or delete it permanently from there",
        query=TeamProjectDelete,
        errors=FOR_OWNERS,
    )
    async def delete(self, name: str, query: TeamProjectDelete) -> None:
        await self.manager.team.delete(self.person, name, query.confirm)


class TeamRestoreHandler(ServiceHandler):
    """A shared project's way back."""

    resource = "projects"

    @endpoint(
        "Restore a shared project from the trash",
        TeamProject,
        errors=(*FOR_OWNERS, ProjectNotInTrashError),
    )
    async def post(self, name: str) -> TeamProject:
        return self.manager.team.restore(self.person, name)


class TeamMemberHandler(ServiceHandler):
    """A person of a shared project."""

    resource = "projects"

    @endpoint(
        "Add a member, or change a member's role",
        TeamProject,
        body=MemberPut,
        errors=(*FOR_OWNERS, LastOwnerError),
    )
    async def put(self, name: str, user: str, body: MemberPut) -> TeamProject:
        project, _ = await self.manager.team.put_member(self.person, name, user, body.role)
        return project

    @endpoint(
        "Remove a member, or leave", errors=(*FOR_OWNERS, LastOwnerError, MemberNotFoundError)
    )
    async def delete(self, name: str, user: str) -> None:
        self.manager.team.remove_member(self.person, name, user)


class OwnTrackingHandler(ByToken, RESTHandler):
    """Asked by nginx about every request to the user's own MLflow: 204 with role and workspace."""

    resource = "projects"

    async def get(self) -> None:
        await self.permit()
        self.set_header("X-MLWS-Role", Role.OWNER.value)
        self.set_header("X-MLWS-Workspace", workspace_of(self.person))
        self.set_status(204)
        await self.finish()

    def compute_etag(self) -> str | None:
        return None


def workspace_of(person: Person) -> str:
    """Return the workspace of MLflow's that is a user's own; its name tells nothing of the user's.

    That of the Hub's own services is MLflow's default.
    """
    if not person.name:
        return "default"
    return f"u-{hashlib.sha256(person.name.encode()).hexdigest()[:16]}"


class TrackingHandler(ByToken, RESTHandler):
    """Asked by nginx about every request to a project's MLflow: 204 with role and workspace.

    Strangers get 403 like those whom the Hub does not know: nginx takes no other refusal.
    """

    resource = "projects"

    async def get(self, name: str) -> None:
        try:
            await self.permit()
            access = self.manager.team.access(self.person, name)
        except MLWSError as error:
            if error.status < 500:
                raise PermissionDeniedError(action="use", resource=self.resource) from error
            raise
        reads = self._reads()
        action = "project.runs.read" if reads else "project.runs.write"
        if reads or access.role.may(Role.WRITER):
            self.manager.team.tally.count(self.person, action, name)
        self.set_header("X-MLWS-Role", access.role.value)
        self.set_header("X-MLWS-Workspace", access.project.id)
        self.set_status(204)
        await self.finish()

    def _reads(self) -> bool:
        method = self.request.headers.get("X-Original-Method", "GET")
        last = self.request.headers.get("X-Original-URI", "").partition("?")[0].rpartition("/")[2]
        return method == "GET" or (method == "POST" and any(word in last for word in READING))

    def compute_etag(self) -> str | None:
        return None


TEAM_HANDLERS: list[tuple[str, type[RequestHandler]]] = [
    (r"team/projects", TeamProjectsHandler),
    (r"team/projects/([^/]+)", TeamProjectHandler),
    (r"team/projects/([^/]+)/restore", TeamRestoreHandler),
    (r"team/projects/([^/]+)/members/([^/]+)", TeamMemberHandler),
]
