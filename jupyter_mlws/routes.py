"""Every endpoint of the server: pattern below the prefix, and its handler; the first that fits."""

from __future__ import annotations

from jupyter_mlws import handlers
from jupyter_mlws.api.base import APIHandler, NotFoundHandler
from jupyter_mlws.api.openapi import document
from jupyter_mlws.containers import handlers as containers
from jupyter_mlws.logs import handlers as logs
from jupyter_mlws.metrics import handlers as metrics
from jupyter_mlws.notebooks import handlers as notebooks
from jupyter_mlws.projects import handlers as projects
from jupyter_mlws.shared_projects import handlers as shared_projects
from jupyter_mlws.versioning import handlers as versioning
from jupyter_mlws.workflows import handlers as workflows


class OpenAPIHandler(APIHandler):
    """The OpenAPI document of :data:`ROUTES`."""

    resource = "mlws"
    errors = ()

    async def get(self) -> None:
        await self.permit()
        self.finish(document(ROUTES, self.request.path))


ROUTES = [
    (r"openapi\.json", OpenAPIHandler),
    *handlers.HANDLERS,
    *projects.HANDLERS,
    *containers.HANDLERS,
    *shared_projects.HANDLERS,
    *logs.HANDLERS,
    *metrics.HANDLERS,
    *notebooks.HANDLERS,
    *versioning.HANDLERS,
    *workflows.HANDLERS,
    (r".*", NotFoundHandler),
]
