"""Notices in labs and on the Hub's pages, and the announcements of administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlws.api.registry import Endpoints
from jupyter_mlws.containers.models import Announcement, AnnouncementCreate, Me, Notice
from jupyter_mlws.core.errors import AdministratorRequiredError, AnnouncementNotFoundError
from jupyter_mlws.core.schemas import Page

if TYPE_CHECKING:
    from jupyter_mlws.hub.manager import HubManager

endpoints = Endpoints("notices")


@endpoints.get("notices", "List the notices that the user sees")
def list_notices(manager: HubManager, user: Me) -> Page[Notice]:
    return Page(items=manager.notices.visible(user))


@endpoints.post(
    "announcements",
    "Announce something to all users",
    status=201,
    errors=(AdministratorRequiredError,),
)
async def announce(manager: HubManager, user: Me, body: AnnouncementCreate) -> Announcement:
    return await manager.notices.announce(user, body)


@endpoints.delete(
    "announcements/{announcement}",
    "End an announcement",
    errors=(AdministratorRequiredError, AnnouncementNotFoundError),
)
async def withdraw(manager: HubManager, user: Me, identifier: str) -> None:
    await manager.notices.withdraw(user, identifier)
