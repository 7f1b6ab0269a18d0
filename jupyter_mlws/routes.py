"""Routes of the server: patterns below the prefix, with their handlers; the first match wins."""

from __future__ import annotations

from jupyter_mlws.api.openapi import document
from jupyter_mlws.api.rest import Route, routes
from jupyter_mlws.hub.endpoints import budgets as hub_budgets
from jupyter_mlws.hub.endpoints import containers as hub
from jupyter_mlws.hub.endpoints import notices
from jupyter_mlws.hub.endpoints import shared_pages as shared_page_endpoints
from jupyter_mlws.hub.endpoints import shared_projects as shared_project_endpoints
from jupyter_mlws.reference import endpoints as reference
from jupyter_mlws.server.endpoints import (
    containers,
    datasets,
    envs,
    git,
    lineage,
    logs,
    metrics,
    models,
    notebooks,
    operations,
    projects,
    runs,
    shared_pages,
    shared_projects,
    snapshots,
    workflows,
)
from jupyter_mlws.server.forwarding import ForwardHandler, NoticeStream, StatusStream
from jupyter_mlws.server.handlers import APIHandler, NotFoundHandler, ProjectHandler
from jupyter_mlws.server.log_stream import LogStream
from jupyter_mlws.server.workflow_streams import NodeLogStream, WorkflowStream

ADMINISTRATION = (
    "announcements",
    "announcements/{announcement}",
    "audit",
    "settings",
    "resources/queue/{queue}",
    "volumes/{volume}",
    "volumes/{volume}/trash",
    "volumes/{volume}/restore",
)
"""Endpoints of the Hub's own page only; a lab forwards all others."""


class OpenAPIHandler(APIHandler):
    """The OpenAPI document of :data:`ROUTES`."""

    resource = "mlws"

    async def get(self) -> None:
        await self.permit()
        self.finish(document(ROUTES, self.request.path))


ROUTES: list[Route] = [
    (r"openapi\.json", OpenAPIHandler),
    (r"operations/status", operations.OperationStream),
    (r"workspace/status", operations.WorkspaceStream),
    (r"usage/status", containers.OwnUsageStream),
    (r"containers/status", StatusStream),
    (r"notebooks/([^/]+)/output", notebooks.OutputStream),
    (r"workflows/status", WorkflowStream),
    (r"workflows/([^/]+)/runs/([^/]+)/nodes/([^/]+)/output", NodeLogStream),
    *routes(operations.endpoints, APIHandler),
    *routes(projects.endpoints, APIHandler),
    *routes(reference.endpoints, APIHandler),
    *routes(containers.endpoints, APIHandler),
    (r"notices/status", NoticeStream),
    *routes(
        [one for one in [*hub.endpoints, *notices.endpoints] if one.path not in ADMINISTRATION],
        ForwardHandler,
    ),
    *routes(hub_budgets.own, ForwardHandler),
    *routes(shared_project_endpoints.endpoints, ForwardHandler),
    *routes(shared_projects.endpoints, APIHandler),
    *routes(shared_pages.endpoints, ProjectHandler),
    *routes(shared_page_endpoints.endpoints, ForwardHandler),
    *routes(logs.endpoints, APIHandler),
    (r"logs/([^/]+)", LogStream),
    *routes(metrics.endpoints, metrics.MetricsHandler),
    *routes(notebooks.endpoints, APIHandler),
    *(
        route
        for area in (git, snapshots, datasets, models, runs, lineage, envs, workflows)
        for route in routes(area.endpoints, ProjectHandler)
    ),
    (r".*", NotFoundHandler),
]
