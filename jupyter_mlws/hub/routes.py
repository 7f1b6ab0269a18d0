"""Every endpoint of the service's API: pattern below the prefix, and its handler."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.api.openapi import document
from jupyter_mlws.hub.handlers import HANDLERS, ServiceHandler
from jupyter_mlws.hub.team_handlers import TEAM_HANDLERS


class OpenAPIHandler(ServiceHandler):
    """The OpenAPI document of :data:`ROUTES`."""

    resource = "mlws"

    async def get(self) -> None:
        await self.permit()
        self.finish(document(ROUTES, self.request.path, projects=False))


ROUTES: list[tuple[str, Any]] = [
    (r"openapi\.json", OpenAPIHandler),
    *HANDLERS,
    *TEAM_HANDLERS,
]
