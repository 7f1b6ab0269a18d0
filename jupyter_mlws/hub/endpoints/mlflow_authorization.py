"""Authorization of requests to MLflow, as subrequests of nginx."""

from __future__ import annotations

import hashlib

from jupyter_mlws.api.rest import RESTHandler
from jupyter_mlws.containers.models import Me
from jupyter_mlws.core.errors import PermissionDeniedError
from jupyter_mlws.hub.auth import TokenAuthenticatedHandler
from jupyter_mlws.shared_projects.models import Role
from mlws.core.errors import MLWSError

READING = ("search", "get", "list", "query")
"""Parts of the MLflow endpoints that only read although their method is POST."""


class OwnTrackingHandler(TokenAuthenticatedHandler, RESTHandler):
    """Authorizes requests to the user's own MLflow: 204 with role and workspace."""

    resource = "projects"

    async def get(self) -> None:
        await self.permit()
        self.set_header("X-MLWS-Role", Role.OWNER.value)
        self.set_header("X-MLWS-Workspace", workspace_of(self.user))
        self.set_status(204)
        await self.finish()

    def compute_etag(self) -> str | None:
        return None


def workspace_of(user: Me) -> str:
    """Return the name of a user's own MLflow workspace, which does not reveal the user name.

    That of the Hub's own services is MLflow's default.
    """
    if not user.name:
        return "default"
    return f"u-{hashlib.sha256(user.name.encode()).hexdigest()[:16]}"


class TrackingHandler(TokenAuthenticatedHandler, RESTHandler):
    """Authorizes requests to a project's MLflow: 204 with role and workspace.

    Users without access get 403, like unknown users: nginx supports no other rejection.
    """

    resource = "projects"

    async def get(self, name: str) -> None:
        try:
            await self.permit()
            access = self.manager.team.access(self.user, name)
        except MLWSError as error:
            if error.status < 500:
                raise PermissionDeniedError(action="use", resource=self.resource) from error
            raise
        method = self.request.headers.get("X-Original-Method", "GET")
        last = self.request.headers.get("X-Original-URI", "").partition("?")[0].rpartition("/")[2]
        is_search = method == "POST" and any(word in last for word in READING)
        reads = method == "GET" or is_search
        action = "project.runs.read" if reads else "project.runs.write"
        if reads or access.role.may(Role.WRITER):
            self.manager.team.tally.count(self.user, action, name)
        self.set_header("X-MLWS-Role", access.role.value)
        self.set_header("X-MLWS-Workspace", access.project.id)
        self.set_status(204)
        await self.finish()

    def compute_etag(self) -> str | None:
        return None
