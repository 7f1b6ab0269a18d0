"""What fills the disk, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlws.api.registry import Endpoints
from jupyter_mlws.containers.models import ImageUse, Me, StorageReport
from jupyter_mlws.core.errors import (
    AdministratorRequiredError,
    ImageInUseError,
    ImageNotFoundError,
)
from jupyter_mlws.core.schemas import Page, PageQuery
from jupyter_mlws.shared_projects.models import StoredProject

if TYPE_CHECKING:
    from jupyter_mlws.hub.manager import HubManager

endpoints = Endpoints("storage")


@endpoints.get("storage", "Get what fills the disk", errors=(AdministratorRequiredError,))
async def get_storage(manager: HubManager, user: Me) -> StorageReport:
    return await manager.storage_reports.report(user)


@endpoints.get(
    "storage/images",
    "List images and saved environments with their containers",
    errors=(AdministratorRequiredError,),
)
async def list_image_uses(manager: HubManager, user: Me, query: PageQuery) -> Page[ImageUse]:
    return await manager.storage_reports.images(user, query)


@endpoints.delete(
    "storage/images/{image}",
    "Remove an unused image of the Hub from its machine",
    errors=(AdministratorRequiredError, ImageInUseError, ImageNotFoundError),
)
async def remove_image(manager: HubManager, user: Me, name: str) -> None:
    await manager.storage_reports.remove_image(user, name)


@endpoints.get(
    "storage/projects",
    "List all shared projects with their sizes",
    errors=(AdministratorRequiredError,),
)
async def list_stored_projects(
    manager: HubManager, user: Me, query: PageQuery
) -> Page[StoredProject]:
    return await manager.team.list_with_sizes(user, query)
