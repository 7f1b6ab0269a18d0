"""Who did what to whose container, volume or place in the queue: kept, and never changed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_mlws.containers.models import AuditEntry
from jupyter_mlws.hub.lifecycle.container_state import now
from jupyter_mlws.hub.person import Person
from jupyter_mlws.hub.records.store import Records

SERVICE = "service"
"""The actor where a program of the administrator's asked with a token of its own."""

log = logging.getLogger(__name__)


class Audit:
    """Lives on the event loop. ``write`` queues a write, ``read`` waits for its answer."""

    def __init__(
        self,
        records: Records,
        write: Callable[..., None],
        read: Callable[..., Awaitable[Any]],
    ) -> None:
        self._records = records
        self._write = write
        self._read = read

    def tell(self, person: Person, action: str, target: str, **details: Any) -> None:
        """Take it down; ``details`` hold no secrets."""
        actor = person.name or SERVICE
        log.info("%s: %s of %s", actor, action, target)
        row = {
            "time": now(),
            "actor": actor,
            "action": action,
            "target": target,
            "details": details,
        }
        self._write(self._records.audit, row)

    async def read(self, before: int | None, limit: int, target: str | None) -> list[AuditEntry]:
        """The newest first."""
        rows = await self._read(self._records.read_audit_log, before, limit, target)
        return [
            AuditEntry(
                id=row.id,
                time=row.time,
                actor=row.actor,
                action=row.action,
                target=row.target,
                details=row.details,
            )
            for row in rows
        ]
