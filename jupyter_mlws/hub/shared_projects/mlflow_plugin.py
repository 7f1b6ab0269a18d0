"""Plugin of MLflow's server: authorization by this Hub, and the workspaces of its projects.

MLflow imports it in its own process, behind nginx. For each request, nginx asks the Hub's service
and passes its response on in two headers: the MLflow workspace, which is a project's or the user's,
and the user's role in it. MLflow then applies its rules to one of three MLflow users, which are
named after the roles and have the same permissions in all workspaces.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, make_response, request
from mlflow.entities import Workspace
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.store.workspace.abstract_store import AbstractStore
from mlflow.utils.workspace_utils import DEFAULT_WORKSPACE_NAME, WORKSPACE_HEADER_NAME
from werkzeug.datastructures import Authorization

ALREADY_EXISTS = ErrorCode.Name(RESOURCE_ALREADY_EXISTS)
ROLE_HEADER = "X-MLWS-Role"
WORKSPACE_PATTERN = re.compile(r"[pu]-[0-9a-f]{16}")
"""Names of the workspaces of projects (p) and users (u)."""
RESOURCE_TYPES = (
    "experiment",
    "registered_model",
    "prompt",
    "scorer",
)
ROLE_PERMISSIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "reader": tuple((kind, "READ") for kind in RESOURCE_TYPES),
    "writer": (("workspace", "USE"), *((kind, "MANAGE") for kind in RESOURCE_TYPES)),
    "owner": (("workspace", "USE"), *((kind, "MANAGE") for kind in RESOURCE_TYPES)),
}
"""(kind, permission) for a workspace. No user may administer MLflow's roles."""


class Projects(AbstractStore):
    """The workspaces: one for each user and each of the service's projects."""

    def __init__(self, workspace_uri: str) -> None:
        del workspace_uri

    def list_workspaces(self) -> Iterable[Any]:
        return [self.get_default_workspace()]

    def get_workspace(self, workspace_name: str) -> Any:
        if workspace_name != DEFAULT_WORKSPACE_NAME and not WORKSPACE_PATTERN.fullmatch(
            workspace_name
        ):
            raise MlflowException(
                f"Workspace {workspace_name!r} not found.", RESOURCE_DOES_NOT_EXIST
            )
        return Workspace(workspace_name)

    def get_default_workspace(self) -> Any:
        return Workspace(DEFAULT_WORKSPACE_NAME)


_granted_roles: set[tuple[str, str]] = set()


def authenticate() -> Authorization | Response:
    """Return the MLflow user for the user's role, with its rights in the requested project.

    ``authorization_function`` of MLflow's settings. Requests that nginx has not let in are
    refused.
    """
    role = request.headers.get(ROLE_HEADER, "")
    workspace = request.headers.get(WORKSPACE_HEADER_NAME, "")
    if role not in ROLE_PERMISSIONS or not workspace:
        return make_response("This server can only be accessed through the Hub.", 401)
    if (role, workspace) not in _granted_roles:
        _grant_role(role, workspace)
        _granted_roles.add((role, workspace))
    return Authorization("basic", {"username": role, "password": ""})


def _grant_role(role: str, workspace: str) -> None:
    """Give the role's user its rights in the workspace, unless another process already did."""
    from mlflow.server.auth import store

    with _ignore_existing():
        # No user signs in with it.
        store.create_user(role, secrets.token_urlsafe(32))
    with _ignore_existing():
        store.create_role(role, workspace)
    stored_role = store.get_role_by_name(workspace, role)
    for kind, permission in ROLE_PERMISSIONS[role]:
        with _ignore_existing():
            store.add_role_permission(stored_role.id, kind, "*", permission)
    with _ignore_existing():
        store.assign_role_to_user(store.get_user(role).id, stored_role.id)


@contextmanager
def _ignore_existing() -> Iterator[None]:
    """Ignore the error if another process, or an earlier one, has created the same object."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != ALREADY_EXISTS:
            raise
