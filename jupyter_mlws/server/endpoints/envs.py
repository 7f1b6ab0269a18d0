"""Endpoints of a project's environments."""

from __future__ import annotations

from jupyter_mlws.api.registry import WRITES, Endpoints, Work
from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    EnvironmentToolError,
    NotTrustedError,
    PackageChangeError,
    ProjectEnvironmentNotFoundError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.environments.manager import check_creation, check_packages
from jupyter_mlws.environments.models import (
    CreateEnvironment,
    EnvironmentDeleted,
    PackagesRequest,
    ProjectEnvironment,
    ProjectEnvironmentDetail,
)
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import OutsideWorkspaceError

endpoints = Endpoints("envs", (ProjectEnvironmentNotFoundError,))
CHANGES = (NotTrustedError, PackageChangeError, EnvironmentToolError)


@endpoints.get("envs", "List the environments that the project defines")
def list_environments(workspace: Workspace) -> Page[ProjectEnvironment]:
    return Page(items=workspace.environments.all())


@endpoints.post(
    "envs",
    "Create an environment with packages, lock and install it",
    also=WRITES,
    errors=(*CHANGES, AlreadyExistsError, OutsideWorkspaceError),
)
def create_environment(workspace: Workspace, body: CreateEnvironment) -> Work[ProjectEnvironment]:
    check_creation(body)
    return Work(
        "create environment", lambda progress: workspace.environments.create(body, progress)
    )


@endpoints.get(
    "envs/{env}",
    "Get an environment with its packages and what differs from its lock",
)
def get_environment(workspace: Workspace, identifier: str) -> ProjectEnvironmentDetail:
    return workspace.environments.get(identifier)


@endpoints.post("envs/{env}/add", "Add packages, lock and install", also=WRITES, errors=CHANGES)
def add_packages(
    workspace: Workspace, identifier: str, body: PackagesRequest
) -> Work[ProjectEnvironment]:
    check_packages(body.packages)
    return Work(
        "add packages",
        lambda progress: workspace.environments.add(identifier, body.packages, progress),
    )


@endpoints.post(
    "envs/{env}/remove", "Remove packages, lock and install", also=WRITES, errors=CHANGES
)
def remove_packages(
    workspace: Workspace, identifier: str, body: PackagesRequest
) -> Work[ProjectEnvironment]:
    check_packages(body.packages)
    return Work(
        "remove packages",
        lambda progress: workspace.environments.remove(identifier, body.packages, progress),
    )


@endpoints.post("envs/{env}/lock", "Write the lock of an environment", also=WRITES, errors=CHANGES)
def lock_environment(workspace: Workspace, identifier: str) -> Work[ProjectEnvironment]:
    return Work(
        "lock environment", lambda progress: workspace.environments.lock(identifier, progress)
    )


@endpoints.post(
    "envs/{env}/sync", "Install an environment as its lock says", also=WRITES, errors=CHANGES
)
def sync_environment(workspace: Workspace, identifier: str) -> Work[ProjectEnvironment]:
    return Work(
        "install environment", lambda progress: workspace.environments.sync(identifier, progress)
    )


@endpoints.delete("envs/{env}", "Delete an environment", also=WRITES)
def delete_environment(workspace: Workspace, identifier: str) -> EnvironmentDeleted:
    return workspace.environments.delete(identifier)
