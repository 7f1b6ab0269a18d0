"""The announcements of administrators, in a file that the Hub and its service share."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from jupyter_mlws.containers.models import Announcement
from mlws.core.atomic import atomic_write

NAME = "announcements.json"
_LIST = TypeAdapter(list[Announcement])

log = logging.getLogger(__name__)


class AnnouncementFile:
    """The file of the current announcements. The service writes it, and the Hub reads it.

    The Hub runs its service on the same machine, with the same data folder.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._stamp: tuple[int, int] | None = None
        self._announcements: list[Announcement] = []

    def read(self) -> list[Announcement]:
        """Return the announcements that have not ended, oldest first."""
        try:
            facts = self._path.stat()
            stamp = facts.st_mtime_ns, facts.st_ino
            if stamp != self._stamp:
                self._announcements = _LIST.validate_json(self._path.read_bytes())
                self._stamp = stamp
        except FileNotFoundError:
            self._announcements = []
        except (OSError, ValidationError) as error:
            log.error("Cannot read the announcements in %s: %s", self._path, error)
        now = datetime.now(UTC)
        return [one for one in self._announcements if one.until > now]

    def write(self, announcements: Iterable[Announcement]) -> None:
        """Replace the announcements."""
        atomic_write(self._path, _LIST.dump_json(list(announcements)), durable=True)
