"""Counts what comes in great numbers, so that the audit log has one row of it and not thousands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.records.audit import Audit

QUIET = 5.0
"""Seconds without more of the same after which a row is written."""
LONGEST = 300.0
"""Seconds after which it is written although there is more."""


@dataclass
class _Count:
    since: float
    times: int = 0
    bytes: int = 0
    timer: asyncio.TimerHandle | None = None


class AuditAggregator:
    """Combines frequent audit events into one row. Must be used on the event loop."""

    def __init__(self, audit: Audit, quiet: float = QUIET) -> None:
        self._audit = audit
        self._quiet = quiet
        self._counts: dict[tuple[Person, str, str], _Count] = {}

    def count(self, person: Person, action: str, target: str, size: int = 0) -> None:
        """Count one more event, of ``size`` bytes."""
        key = (person, action, target)
        loop = asyncio.get_running_loop()
        counter = self._counts.setdefault(key, _Count(loop.time()))
        counter.times += 1
        counter.bytes += size
        if counter.timer is not None:
            counter.timer.cancel()
        wait = min(self._quiet, max(0.0, counter.since + LONGEST - loop.time()))
        counter.timer = loop.call_later(wait, self._tell, key)

    def close(self) -> None:
        """Write all pending counts to the audit log."""
        for key in list(self._counts):
            self._tell(key)

    def _tell(self, key: tuple[Person, str, str]) -> None:
        counter = self._counts.pop(key)
        if counter.timer is not None:
            counter.timer.cancel()
        person, action, target = key
        size = {"bytes": counter.bytes} if counter.bytes else {}
        self._audit.tell(person, action, target, count=counter.times, **size)
