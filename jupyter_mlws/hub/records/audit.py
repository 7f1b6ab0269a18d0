"""Audit log of what users do with containers, volumes, projects, the queue and accounts."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jupyter_mlws.containers.models import AuditEntry, AuditQuery, Me
from jupyter_mlws.core.errors import AdministratorRequiredError
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.hub.records.container_state import now
from jupyter_mlws.hub.records.store import AuditRow, RecordQueue, Records

SERVICE = "service"
"""The actor of requests with the token of a service."""
QUIET = 5.0
"""Seconds without another event of the same kind after which a row is written."""
LONGEST = 300.0
"""Seconds after which a row is written although more events follow."""

log = logging.getLogger(__name__)


class Audit:
    """The audit log. Lives on the event loop."""

    def __init__(self, records: RecordQueue) -> None:
        self._records = records

    def record(self, user: Me, action: str, target: str, /, **details: Any) -> None:
        """Record an action; ``details`` hold no secrets."""
        actor = user.name or SERVICE
        log.info("%s: %s of %s", actor, action, target)
        self._records.save(
            AuditRow(time=now(), actor=actor, action=action, target=target, details=details)
        )

    def record_past(
        self, time: datetime, actor: str, action: str, target: str, details: dict[str, Any]
    ) -> None:
        """Record an event that the Hub has reported with its time."""
        self._records.save(
            AuditRow(time=time, actor=actor, action=action, target=target, details=details)
        )

    async def flush(self) -> None:
        """Wait until all entries are on disk."""
        await self._records.written()

    async def read(self, user: Me, query: AuditQuery) -> Page[AuditEntry]:
        """Return a page of the log, newest first.

        AdministratorRequiredError unless for an administrator.
        """
        if not user.admin:
            raise AdministratorRequiredError()
        rows = await self._records.read(
            Records.read_audit_log, query.cursor, query.limit + 1, query.target, query.q
        )
        items = [AuditEntry.model_validate(row.values()) for row in rows[: query.limit]]
        has_more = len(rows) > len(items)
        return Page(items=items, next_cursor=str(items[-1].id) if has_more else None)


@dataclass
class _Count:
    since: float
    times: int = 0
    bytes: int = 0
    timer: asyncio.TimerHandle | None = None


class AuditAggregator:
    """Combines frequent audit events into one row. Must be used on the event loop."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._counts: dict[tuple[Me, str, str], _Count] = {}

    def count(self, user: Me, action: str, target: str, size: int = 0) -> None:
        """Count one more event, of ``size`` bytes."""
        key = (user, action, target)
        loop = asyncio.get_running_loop()
        counter = self._counts.setdefault(key, _Count(loop.time()))
        counter.times += 1
        counter.bytes += size
        if counter.timer is not None:
            counter.timer.cancel()
        wait = min(QUIET, max(0.0, counter.since + LONGEST - loop.time()))
        counter.timer = loop.call_later(wait, self._record, key)

    def close(self) -> None:
        """Write all pending counts to the audit log."""
        for key in list(self._counts):
            self._record(key)

    def _record(self, key: tuple[Me, str, str]) -> None:
        counter = self._counts.pop(key)
        if counter.timer is not None:
            counter.timer.cancel()
        user, action, target = key
        size = {"bytes": counter.bytes} if counter.bytes else {}
        self._audit.record(user, action, target, count=counter.times, **size)
