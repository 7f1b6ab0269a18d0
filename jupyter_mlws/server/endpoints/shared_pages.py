"""Endpoints that make pages of runs, reports and notebooks, to be saved or shared."""

from __future__ import annotations

from jupyter_mlws.api.registry import Context, Endpoints
from jupyter_mlws.containers.manager import hub_service
from jupyter_mlws.core.errors import (
    HubUnavailableError,
    MLflowFailedError,
    SharedProjectNotFoundError,
    TooManySharedPagesError,
    VersionItemNotFoundError,
)
from jupyter_mlws.server.endpoints.errors import DVC_ERRORS, GIT_ERRORS
from jupyter_mlws.server.forwarding import FORWARDING_ERRORS
from jupyter_mlws.shared_pages.models import HTMLPage, PageShare, PageSource, SharedPage
from jupyter_mlws.workspace import Workspace

endpoints = Endpoints(
    "pages", (*GIT_ERRORS, *DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError)
)


@endpoints.post("pages/export", "Get a run, a report or a notebook as one HTML document")
def export_page(workspace: Workspace, body: PageSource, context: Context) -> HTMLPage:
    return _build(workspace, body, context)


@endpoints.post(
    "pages/share",
    "Share a run, a report or a notebook by a link of the Hub",
    errors=(*FORWARDING_ERRORS, SharedProjectNotFoundError, TooManySharedPagesError),
)
def share_page(workspace: Workspace, body: PageShare, context: Context) -> SharedPage:
    from jupyter_mlws.shared_pages.builder import share_page as share

    service = hub_service()
    if service is None:
        raise HubUnavailableError()
    return share(service, _build(workspace, body, context), body)


def _build(workspace: Workspace, source: PageSource, context: Context) -> HTMLPage:
    from jupyter_mlws.shared_pages.builder import build_page

    return build_page(
        workspace.project, workspace.run_manager, workspace.experiments, source, context.language
    )
