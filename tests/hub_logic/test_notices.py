"""Notices: announcements to all users, and what concerns the home of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_mlws.containers.models import (
    AnnouncementCreate,
    AuditQuery,
    Me,
    Notice,
    NoticeLevel,
)
from jupyter_mlws.core.errors import AdministratorRequiredError, AnnouncementNotFoundError
from jupyter_mlws.hub.announcements import AnnouncementFile
from jupyter_mlws.hub.notices import Notices
from jupyter_mlws.hub.records.audit import Audit
from jupyter_mlws.hub.records.store import RecordQueue, Records
from mlws.core.errors import InvalidRequestError
from mlws.core.i18n import Message

ADA, BOB = Me(name="ada", admin=False), Me(name="bob", admin=False)
ROOT = Me(name="root", admin=True)
LATER = datetime.now(UTC) + timedelta(hours=1)
REQUEST = AnnouncementCreate(text="  Maintenance  ", level=NoticeLevel.WARNING, until=LATER)
FULL = Notice(
    id="home", level=NoticeLevel.ERROR, text=Message("full"), created_at=datetime.now(UTC)
)


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[tuple[Notices, Audit]]:
    queue = RecordQueue(Records(f"sqlite:///{tmp_path}/records.sqlite"))
    await queue.read(Records.migrate)
    audit = Audit(queue)
    yield Notices(AnnouncementFile(tmp_path), audit), audit
    await queue.close()


async def test_an_announcement_is_everybody_s_until_an_administrator_ends_it(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (notices, audit):
        announcement = await notices.announce(ROOT, REQUEST)
        for user in (ADA, BOB, ROOT):
            (notice,) = notices.visible(user)
            assert (notice.text.in_("en"), notice.author) == ("Maintenance", "root")
        # A service that starts later has it, too.
        restarted = Notices(AnnouncementFile(tmp_path), audit)
        await restarted.load()
        assert len(restarted.visible(ADA)) == 1
        with pytest.raises(AdministratorRequiredError):
            await notices.withdraw(ADA, announcement.id)
        await notices.withdraw(ROOT, announcement.id)
        with pytest.raises(AnnouncementNotFoundError):
            await notices.withdraw(ROOT, announcement.id)
        assert notices.visible(ADA) == []
        page = await audit.read(ROOT, AuditQuery())
        assert [(row.actor, row.action) for row in page.items] == [
            ("root", "announcement.delete"),
            ("root", "announcement.create"),
        ]
        assert page.items[1].details["text"] == "Maintenance"


async def test_only_administrators_announce_and_only_for_the_future(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as (notices, _):
        with pytest.raises(AdministratorRequiredError):
            await notices.announce(ADA, REQUEST)
        past = REQUEST.model_copy(update={"until": datetime(2020, 1, 1, tzinfo=UTC)})
        with pytest.raises(InvalidRequestError) as caught:
            await notices.announce(ROOT, past)
        assert [fault.field for fault in caught.value.faults] == ["until"]


async def test_a_notice_about_a_home_is_for_its_user_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as (notices, _):
        since = notices.stream.seq
        notices.set_home_notice("ada", FULL)
        assert notices.visible(ADA) == [FULL]
        assert notices.visible(BOB) == notices.visible(ROOT) == []
        await notices.announce(ROOT, REQUEST)
        messages = notices.changes(BOB, since)
        first = await anext(messages)
        # Bob hears of the announcement alone.
        assert first["seq"] == since + 2
        assert [notice.author for notice in first["items"]] == ["root"]
        await messages.aclose()  # type: ignore[attr-defined]
        notices.set_home_notice("ada", None)
        assert [notice.author for notice in notices.visible(ADA)] == ["root"]
