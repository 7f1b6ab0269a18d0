"""Notices on the Hub's pages and in open labs: announcements, and what concerns one user."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import Announcement, AnnouncementCreate, Me, Notice
from jupyter_mlws.core.errors import AdministratorRequiredError, AnnouncementNotFoundError
from jupyter_mlws.core.ring_stream import RingStream
from jupyter_mlws.hub.announcements import AnnouncementFile
from jupyter_mlws.hub.records.audit import SERVICE, Audit
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

IN_THE_PAST = Message("must be in the future")


class Notices:
    """Announcements to all users, and at most one notice about each user's home.

    Lives on the event loop.
    """

    def __init__(self, file: AnnouncementFile, audit: Audit) -> None:
        self._file = file
        self._audit = audit
        self._announcements: list[Announcement] = []
        self._home_notices: dict[str, Notice] = {}
        # Above the numbers of earlier processes, so that their readers are reset.
        self.stream = RingStream(first=int(time.time() * 1000))

    async def load(self) -> None:
        """Load the announcements of an earlier process."""
        self._announcements = await in_thread(self._file.read)

    def visible(self, user: Me) -> list[Notice]:
        """Return the notices that a user sees, newest first."""
        now = datetime.now(UTC)
        notices = [
            Notice(**{**one.model_dump(), "text": Message.verbatim(one.text)})
            for one in self._announcements
            if one.until > now
        ]
        home_notice = self._home_notices.get(user.name)
        if home_notice is not None:
            notices.append(home_notice)
        return sorted(notices, key=lambda notice: notice.created_at, reverse=True)

    async def changes(self, user: Me, since: int) -> AsyncIterator[dict[str, Any]]:
        """Yield all notices of a user whenever they change."""
        async with aclosing(self.stream.follow(since)) as stream:  # type: ignore[type-var]
            async for message in stream:
                if message["type"] == "reset":
                    yield message
                elif message["user"] in (None, user.name):
                    yield {"seq": message["seq"], "type": "notices", "items": self.visible(user)}

    def set_home_notice(self, user: str, notice: Notice | None) -> None:
        """Show a notice about a user's home in place of the last one; None: no notice."""
        if notice is not None:
            self._home_notices[user] = notice
        elif self._home_notices.pop(user, None) is None:
            return
        self.stream.publish({"type": "notices", "user": user})

    async def announce(self, user: Me, request: AnnouncementCreate) -> Announcement:
        """Show an announcement to all users until it ends; for administrators."""
        if not user.admin:
            raise AdministratorRequiredError()
        now = datetime.now(UTC)
        if request.until <= now:
            raise InvalidRequestError(faults=[Fault("until", IN_THE_PAST)])
        announcement = Announcement(
            id=uuid.uuid4().hex, author=user.name or SERVICE, created_at=now, **request.model_dump()
        )
        await self._replace([*self._announcements, announcement])
        self._audit.record(
            user,
            "announcement.create",
            announcement.id,
            text=announcement.text,
            until=announcement.until.isoformat(),
        )
        return announcement

    async def withdraw(self, user: Me, identifier: str) -> None:
        """End an announcement; for administrators."""
        if not user.admin:
            raise AdministratorRequiredError()
        others = [one for one in self._announcements if one.id != identifier]
        if len(others) == len(self._announcements):
            raise AnnouncementNotFoundError(name=identifier)
        await self._replace(others)
        self._audit.record(user, "announcement.delete", identifier)

    async def _replace(self, announcements: list[Announcement]) -> None:
        now = datetime.now(UTC)
        self._announcements = [one for one in announcements if one.until > now]
        await in_thread(self._file.write, list(self._announcements))
        self.stream.publish({"type": "notices", "user": None})
