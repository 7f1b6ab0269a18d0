"""Endpoints of shared pages; a lab forwards those of the list, and makes the pages itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlws.api.registry import Endpoints, Reply
from jupyter_mlws.core.errors import (
    SharedPageNotFoundError,
    SharedProjectNotFoundError,
    TooManySharedPagesError,
)
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.shared_pages.models import PageUpload, SharedPage

if TYPE_CHECKING:
    from jupyter_mlws.containers.models import Me
    from jupyter_mlws.hub.manager import HubManager

endpoints = Endpoints("pages")
uploads = Endpoints("pages")
"""Endpoints of the Hub alone."""


@endpoints.get("pages", "List shared pages: your own, and those of projects that you own")
def list_shared_pages(manager: HubManager, user: Me) -> Page[SharedPage]:
    return Page(items=manager.pages.list(user))


@endpoints.delete("pages/{page}", "Stop sharing a page", errors=(SharedPageNotFoundError,))
def revoke_shared_page(manager: HubManager, user: Me, identifier: str) -> None:
    manager.pages.revoke(user, identifier)


@uploads.post(
    "pages",
    "Share a page by a link",
    status=201,
    errors=(SharedProjectNotFoundError, TooManySharedPagesError),
)
async def share_uploaded_page(manager: HubManager, user: Me, body: PageUpload) -> Reply[SharedPage]:
    page = await manager.pages.create(user, body)
    return Reply(page, location=("pages", page.id))
