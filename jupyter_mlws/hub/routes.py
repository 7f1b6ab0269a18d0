"""Every endpoint of the service's API: pattern below the prefix, and its handler."""

from __future__ import annotations

from jupyter_mlws.api.openapi import document
from jupyter_mlws.api.rest import Route, routes
from jupyter_mlws.hub.endpoints import budgets as budget_endpoints
from jupyter_mlws.hub.endpoints import containers as endpoints
from jupyter_mlws.hub.endpoints import notices as notice_endpoints
from jupyter_mlws.hub.endpoints import shared_pages as shared_page_endpoints
from jupyter_mlws.hub.endpoints import shared_projects as shared_project_endpoints
from jupyter_mlws.hub.endpoints import storage as storage_endpoints
from jupyter_mlws.hub.handlers import (
    BudgetNoticeStream,
    LogStream,
    NoticeStream,
    ServiceHandler,
    StatusStream,
    UsageHandler,
)


class OpenAPIHandler(ServiceHandler):
    """The OpenAPI document of :data:`ROUTES`."""

    resource = "mlws"

    async def get(self) -> None:
        await self.permit()
        self.finish(document(ROUTES, self.request.path, projects=False))


ROUTES: list[Route] = [
    (r"openapi\.json", OpenAPIHandler),
    (r"containers/status", StatusStream),
    (r"containers/([^/]+)/budget", BudgetNoticeStream),
    (r"logs/([^/]+)", LogStream),
    *routes(budget_endpoints.own, ServiceHandler),
    *routes(budget_endpoints.usage_endpoints, UsageHandler),
    *routes(budget_endpoints.endpoints, ServiceHandler),
    (r"notices/status", NoticeStream),
    *routes(endpoints.endpoints, ServiceHandler),
    *routes(notice_endpoints.endpoints, ServiceHandler),
    *routes(storage_endpoints.endpoints, ServiceHandler),
    *routes(shared_project_endpoints.endpoints, ServiceHandler),
    *routes([*shared_page_endpoints.endpoints, *shared_page_endpoints.uploads], ServiceHandler),
]
