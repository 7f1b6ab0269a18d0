"""Endpoints of shared projects; a lab also forwards requests by these declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlws.api.registry import Endpoints, Reply
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    LastOwnerError,
    MemberNotFoundError,
    ProjectNotInTrashError,
    RoleRequiredError,
    SharedProjectNotFoundError,
    TooManyProjectsError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.shared_projects.models import (
    MemberPut,
    TeamProject,
    TeamProjectCreate,
    TeamProjectDelete,
)

if TYPE_CHECKING:
    from jupyter_mlws.containers.models import Me
    from jupyter_mlws.hub.manager import HubManager

MISSING = (SharedProjectNotFoundError,)
FOR_OWNERS = (*MISSING, RoleRequiredError)

endpoints = Endpoints("projects")


@endpoints.get("team/projects", "List shared projects")
def list_shared_projects(manager: HubManager, user: Me) -> Page[TeamProject]:
    return Page(items=manager.team.list(user))


@endpoints.post(
    "team/projects",
    "Create a shared project",
    status=201,
    errors=(TooManyProjectsError, AlreadyExistsError),
)
async def create_shared_project(
    manager: HubManager, user: Me, body: TeamProjectCreate
) -> Reply[TeamProject]:
    project = await manager.team.create(user, body.name, body.description)
    return Reply(project, location=("team", "projects", project.name))


@endpoints.get("team/projects/{project}", "Get a shared project", errors=MISSING)
def get_shared_project(manager: HubManager, user: Me, name: str) -> TeamProject:
    return manager.team.get(user, name)


@endpoints.delete(
    "team/projects/{project}",
    "Move a shared project to the trash, or delete it permanently from there",
    errors=FOR_OWNERS,
)
async def delete_shared_project(
    manager: HubManager, user: Me, name: str, query: TeamProjectDelete
) -> None:
    await manager.team.delete(user, name, query.confirm)


@endpoints.post(
    "team/projects/{project}/restore",
    "Restore a shared project from the trash",
    errors=(*FOR_OWNERS, ProjectNotInTrashError),
)
def restore_shared_project(manager: HubManager, user: Me, name: str) -> TeamProject:
    return manager.team.restore(user, name)


@endpoints.put(
    "team/projects/{project}/members/{member}",
    "Add a member, or change a member's role",
    errors=(*FOR_OWNERS, LastOwnerError),
)
async def put_member(
    manager: HubManager, actor: Me, name: str, user: str, body: MemberPut
) -> TeamProject:
    return await manager.team.put_member(actor, name, user, body.role)


@endpoints.delete(
    "team/projects/{project}/members/{member}",
    "Remove a member, or leave",
    errors=(*FOR_OWNERS, LastOwnerError, MemberNotFoundError),
)
def remove_member(manager: HubManager, actor: Me, name: str, user: str) -> None:
    manager.team.remove_member(actor, name, user)
