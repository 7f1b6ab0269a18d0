"""The file of announcements, which the Hub and its service share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_mlws.containers.models import Announcement, NoticeLevel
from jupyter_mlws.hub.announcements import NAME, AnnouncementFile

NOW = datetime.now(UTC)


def announcement(identifier: str, until: datetime) -> Announcement:
    return Announcement(
        id=identifier,
        text="<b>Maintenance</b> 维护",
        level=NoticeLevel.WARNING,
        author="admin",
        created_at=NOW,
        until=until,
    )


def test_another_process_reads_what_was_written_until_it_ends(tmp_path: Path) -> None:
    reader, writer = AnnouncementFile(tmp_path), AnnouncementFile(tmp_path)
    assert reader.read() == []
    current = announcement("a", NOW + timedelta(hours=1))
    writer.write([announcement("b", NOW - timedelta(hours=1)), current])
    assert reader.read() == [current]
    writer.write([])
    assert reader.read() == []


def test_a_file_that_is_damaged_is_logged_and_stops_no_page(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_text("[{")
    assert AnnouncementFile(tmp_path).read() == []
    assert "Cannot read the announcements" in caplog.text
