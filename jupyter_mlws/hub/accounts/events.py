"""Events of accounts for the audit log, which the service ``mlws`` keeps.

They are stored with the change itself and sent until the service has them, because it starts after
the Hub and may be down.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from jupyterhub.utils import url_path_join
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.ioloop import PeriodicCallback

from jupyter_mlws.core.schemas import Request
from jupyter_mlws.hub.accounts.tables import AccountEvent, Clock, utc_now

SERVICE = "mlws"
BATCH = 100
MAX_EVENTS = 10_000
"""Older ones are dropped when no service takes them."""
EVENT_INTERVAL = 2.0
"""Seconds between two attempts to send events to the service."""
REQUEST_TIMEOUT = 10.0

log = logging.getLogger(__name__)


class AuditedEvent(Request):
    """An event of an account."""

    time: datetime
    actor: str
    action: str
    target: str
    details: dict[str, Any]


class AuditedEvents(Request):
    """Events of accounts, oldest first."""

    items: list[AuditedEvent] = Field(max_length=BATCH)


@contextmanager
def rollback_on_error(db: Session) -> Iterator[None]:
    """Log an error of the database, and make the Hub's session usable again."""
    try:
        yield
    except SQLAlchemyError:
        log.exception("Could not update the tables of accounts")
        db.rollback()


@dataclass
class EventStore:
    """Events that the audit log does not have yet."""

    db: Session
    clock: Clock = utc_now
    _sender: PeriodicCallback | None = field(init=False, default=None)

    def record(self, actor: str, action: str, target: str, /, **details: Any) -> None:
        """Record an event; ``details`` hold no secrets."""
        log.info("%s: %s of %s", actor, action, target)
        self.db.add(
            AccountEvent(
                time=self.clock(), actor=actor, action=action, target=target[:300], details=details
            )
        )
        self.db.commit()

    def oldest(self) -> list[AccountEvent]:
        query = sa.select(AccountEvent).order_by(AccountEvent.id).limit(BATCH)
        return list(self.db.scalars(query))

    def remove_to(self, identifier: int) -> None:
        self.db.execute(sa.delete(AccountEvent).where(AccountEvent.id <= identifier))
        self.db.commit()

    def drop_excess(self) -> None:
        newest = self.db.scalar(sa.select(sa.func.max(AccountEvent.id)))
        if newest is not None and newest > MAX_EVENTS:
            self.remove_to(newest - MAX_EVENTS)

    def start_sending(self, service_url: str, base_url: str, token: str) -> None:
        """Send the events to the service ``mlws`` at regular intervals."""
        address = url_path_join(service_url, base_url, "services", SERVICE)

        async def send() -> None:
            with rollback_on_error(self.db):
                await self.send(address, token)

        self._sender = PeriodicCallback(send, EVENT_INTERVAL * 1000)
        self._sender.start()

    async def send(self, address: str, token: str) -> None:
        """Send the events to the service at ``address``; those that it does not take stay."""
        while rows := self.oldest():
            newest = rows[-1].id
            items = [
                AuditedEvent(
                    time=row.time,
                    actor=row.actor,
                    action=row.action,
                    target=row.target,
                    details=row.details,
                ).model_dump(mode="json")
                for row in rows
            ]
            try:
                await AsyncHTTPClient().fetch(
                    f"{address}/account-events",
                    method="POST",
                    headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
                    body=json.dumps({"items": items}),
                    request_timeout=REQUEST_TIMEOUT,
                )
            except (HTTPClientError, OSError) as error:
                log.debug("The service does not take account events yet: %s", error)
                return
            self.remove_to(newest)
