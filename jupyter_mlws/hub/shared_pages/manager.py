"""Pages that users share by a link: who can read them, until when, and who may revoke them."""

from __future__ import annotations

import asyncio
import gzip
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta

from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.containers.models import Me
from jupyter_mlws.core.errors import (
    SharedPageNotFoundError,
    SharedProjectNotFoundError,
    TooManySharedPagesError,
)
from jupyter_mlws.hub.records.audit import Audit, AuditAggregator
from jupyter_mlws.hub.records.container_state import now
from jupyter_mlws.hub.records.store import RecordQueue, Records, SharedPageRecord
from jupyter_mlws.hub.shared_projects.manager import Team
from jupyter_mlws.shared_pages.models import Audience, PageUpload, SharedPage
from jupyter_mlws.shared_projects.models import Role
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message

MAX_PAGES = 100
"""Pages of a user."""
MAX_DAYS = {Audience.LINK: 366, Audience.GROUP: 3660, Audience.PROJECT: 3660}
"""Days after which a page must expire, if it expires."""
PURGE_INTERVAL = 3600.0
ANYBODY = Me(name="anyone with the link", admin=False)
"""Actor of the audit log, for readers who did not sign in."""

NOT_FUTURE = Message("must be in the future")
TOO_LATE = Message("must be within {days} days")
NO_EXPIRY = Message("is required, since everybody with the link can read the page")
NO_NAME = Message("must be the shared project or the group whose members can read the page")
NAME_UNUSED = Message("must be empty, since everybody with the link can read the page")
NO_MEMBER = Message("is no group that you are a member of")

log = logging.getLogger(__name__)


class SharedPages:
    """The shared pages of the Hub. Must be used on the event loop.

    ``groups_of`` returns the groups of a user of the Hub.
    """

    def __init__(
        self,
        address: str,
        records: RecordQueue,
        audit: Audit,
        team: Team,
        groups_of: Callable[[str], Awaitable[list[str]]],
    ) -> None:
        self._address = address
        self._records = records
        self._audit = audit
        self._views = AuditAggregator(audit)
        self._team = team
        self._groups_of = groups_of
        self._pages: dict[str, SharedPageRecord] = {}

    async def load(self) -> None:
        """Load the stored pages."""
        for page in await self._records.read(Records.all, SharedPageRecord):
            self._pages[page.id] = page

    def close(self) -> None:
        """Write the pending counts of views to the audit log."""
        self._views.close()

    async def purge_periodically(self) -> None:
        """Delete expired pages, at regular intervals."""
        while True:
            for page in list(self._pages.values()):
                if _is_expired(page):
                    self._remove(page)
            await asyncio.sleep(PURGE_INTERVAL)

    def list(self, user: Me) -> list[SharedPage]:
        """Return the newest first: the user's own, those of projects that the user owns, or all."""
        pages = [page for page in self._pages.values() if self._may_revoke(user, page)]
        pages.sort(key=lambda page: page.created_at, reverse=True)
        return [self._to_response(page) for page in pages if not _is_expired(page)]

    async def create(self, user: Me, body: PageUpload) -> SharedPage:
        """Share a page.

        Raises InvalidRequestError, SharedProjectNotFoundError, TooManySharedPagesError.
        """
        await self._check(user, body)
        content = await in_thread(gzip.compress, body.html.encode())
        own = [page for page in self._pages.values() if page.owner == user.name]
        if len(own) >= MAX_PAGES:
            raise TooManySharedPagesError(count=len(own))
        page = SharedPageRecord(
            id=secrets.token_urlsafe(24),
            owner=user.name,
            kind=body.kind,
            title=body.title,
            audience=body.audience,
            name=body.name,
            created_at=now(),
            # SQLite stores no time zone.
            expires=body.expires and body.expires.astimezone(UTC),
            size=len(content),
        )
        self._pages[page.id] = page
        try:
            # Before the response, so that the link works at once.
            await self._records.read(Records.save_page, page.copy(), content)
        except BaseException:
            del self._pages[page.id]
            raise
        self._record(user, "page.share", page)
        return self._to_response(page)

    def revoke(self, user: Me, identifier: str) -> None:
        """Delete a page. SharedPageNotFoundError unless it is in the user's list."""
        page = self._pages.get(identifier)
        if page is None or not self._may_revoke(user, page):
            raise SharedPageNotFoundError(name=identifier)
        self._remove(page)
        self._record(user, "page.revoke", page)

    def is_open(self, identifier: str) -> bool:
        """Return whether a page exists that can be read without signing in."""
        page = self._pages.get(identifier)
        return page is not None and page.audience is Audience.LINK and not _is_expired(page)

    async def read(self, user: Me | None, identifier: str) -> bytes:
        """Return a page's compressed HTML; ``user`` is None without a sign-in.

        Raises SharedPageNotFoundError if there is none that the user can read.
        """
        page = self._pages.get(identifier)
        if page is None or _is_expired(page) or not await self._can_read(user, page):
            raise SharedPageNotFoundError(name=identifier)
        content = await self._records.read(Records.page_content, identifier)
        if content is None or identifier not in self._pages:
            # Revoked meanwhile.
            raise SharedPageNotFoundError(name=identifier)
        self._views.count(user or ANYBODY, "page.view", _target(page))
        return content

    async def _check(self, user: Me, body: PageUpload) -> None:
        faults = []
        is_open = body.audience is Audience.LINK
        if is_open and body.name:
            faults.append(Fault("name", NAME_UNUSED))
        if not is_open and not body.name:
            faults.append(Fault("name", NO_NAME))
        if body.expires is None:
            faults += [Fault("expires", NO_EXPIRY)] if is_open else []
        elif body.expires <= now():
            faults.append(Fault("expires", NOT_FUTURE))
        elif body.expires > now() + timedelta(days=MAX_DAYS[body.audience]):
            faults.append(Fault("expires", TOO_LATE.fill(days=MAX_DAYS[body.audience])))
        if not faults and body.audience is Audience.PROJECT:
            self._team.access(user, body.name)
        if not faults and body.audience is Audience.GROUP:
            own = user.admin or body.name in await self._groups_of(user.name)
            faults += [] if own else [Fault("name", NO_MEMBER)]
        if faults:
            raise InvalidRequestError(faults=faults)

    async def _can_read(self, user: Me | None, page: SharedPageRecord) -> bool:
        if page.audience is Audience.LINK:
            return True
        if user is None:
            return False
        if user.admin or user.name == page.owner:
            return True
        if page.audience is Audience.GROUP:
            return page.name in await self._groups_of(user.name)
        return self._has_role(user, page, Role.READER)

    def _may_revoke(self, user: Me, page: SharedPageRecord) -> bool:
        if user.admin or user.name == page.owner:
            return True
        return page.audience is Audience.PROJECT and self._has_role(user, page, Role.OWNER)

    def _has_role(self, user: Me, page: SharedPageRecord, role: Role) -> bool:
        try:
            return self._team.access(user, page.name).role.may(role)
        except SharedProjectNotFoundError:
            return False

    def _remove(self, page: SharedPageRecord) -> None:
        del self._pages[page.id]
        self._records.write(Records.delete, SharedPageRecord, page.id)

    def _record(self, user: Me, action: str, page: SharedPageRecord) -> None:
        details = {"kind": page.kind.value, "title": page.title, "audience": page.audience.value}
        if page.name:
            details["name"] = page.name
        if page.expires is not None:
            details["expires"] = page.expires.isoformat()
        self._audit.record(user, action, _target(page), **details)

    def _to_response(self, page: SharedPageRecord) -> SharedPage:
        return SharedPage.from_object(page, url=f"{self._address}pages/{page.id}")


def _is_expired(page: SharedPageRecord) -> bool:
    return page.expires is not None and page.expires <= now()


def _target(page: SharedPageRecord) -> str:
    """Return the target of the audit log. The whole ID would be the link itself."""
    return f"page {page.owner}/{page.id[:8]}"
