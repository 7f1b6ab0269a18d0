"""What the service keeps: containers, what happened to them, the queue, and reservations.

The truth about what runs is Docker's and the Hub's. Values of what looks like a credential are
not here, except closed up (:mod:`~jupyter_mlws.hub.seal`) as long as their container waits.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import JSON, ForeignKey, String, Text, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "mlws_version"
"""Not Alembic's usual name: JupyterHub's own tables may be in the same database."""
KEPT_LINES = 1000
"""Lines of log that are kept a container."""


class Moment(TypeDecorator[datetime]):
    """A time in UTC, also where the database forgets the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=timezone.utc)


class Base(DeclarativeBase):
    """Base of the tables."""


class ContainerRow(Base):
    """A container; ``intent`` is what the service was still to do with it."""

    __tablename__ = "containers"

    id: Mapped[str] = mapped_column(String(300), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    name: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    resources: Mapped[dict[str, Any]] = mapped_column(JSON)
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    priority: Mapped[int]
    degrade: Mapped[bool]
    intent: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(20))
    node: Mapped[str | None] = mapped_column(String(255))
    restarts: Mapped[int]
    exit_code: Mapped[int | None]
    reason: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    last_log: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    queued_at: Mapped[datetime | None] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    sealed: Mapped[str | None] = mapped_column(Text)


class LogRow(Base):
    """A line of a container's log that is kept: its last ones, and what happened to it."""

    __tablename__ = "container_logs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    container_id: Mapped[str] = mapped_column(
        String(300), ForeignKey("containers.id", ondelete="CASCADE")
    )
    log_type: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(Moment)


class ReservationRow(Base):
    """What is held for a person's next container."""

    __tablename__ = "reservations"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    id: Mapped[str] = mapped_column(String(36))
    node: Mapped[str] = mapped_column(String(255))
    resources: Mapped[dict[str, Any]] = mapped_column(JSON)
    devices: Mapped[list[int]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(Moment)


class Records:
    """The tables. Blocking; to be used from one thread at a time."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _keep_references)

    def migrate(self) -> None:
        """Bring the tables to the newest version."""
        config = Config()
        config.set_main_option("script_location", "jupyter_mlws.hub:migrations")
        with self._engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self._engine.dispose()

    def containers(self) -> list[ContainerRow]:
        """All of them, detached."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(sa.select(ContainerRow)))

    def save(self, row: ContainerRow) -> None:
        """Insert or update."""
        with Session(self._engine) as session, session.begin():
            session.merge(row)

    def remove(self, identifier: str) -> None:
        """A container and its log."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(LogRow).where(LogRow.container_id == identifier))
            session.execute(sa.delete(ContainerRow).where(ContainerRow.id == identifier))

    def log(self, identifier: str, lines: Iterable[tuple[str, str, datetime]]) -> None:
        """Keep (type, message, time) of a container; the oldest are dropped."""
        with Session(self._engine) as session, session.begin():
            session.add_all(
                LogRow(
                    id=str(uuid.uuid4()),
                    container_id=identifier,
                    log_type=kind,
                    message=message,
                    timestamp=when,
                )
                for kind, message, when in lines
            )
            session.flush()
            newest = (
                sa.select(LogRow.id)
                .where(LogRow.container_id == identifier)
                .order_by(LogRow.timestamp.desc())
                .limit(KEPT_LINES)
            )
            session.execute(
                sa.delete(LogRow).where(
                    LogRow.container_id == identifier, LogRow.id.not_in(newest.scalar_subquery())
                )
            )

    def logs(self, identifier: str, tail: int) -> list[LogRow]:
        """The last lines that are kept, oldest first."""
        with Session(self._engine, expire_on_commit=False) as session:
            newest = session.scalars(
                sa.select(LogRow)
                .where(LogRow.container_id == identifier)
                .order_by(LogRow.timestamp.desc())
                .limit(tail)
            )
            return list(newest)[::-1]

    def reservations(self) -> list[ReservationRow]:
        """All of them, detached."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(sa.select(ReservationRow)))

    def keep_reservations(self, rows: Iterable[ReservationRow]) -> None:
        """These and no others."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ReservationRow))
            session.add_all(rows)


def _keep_references(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
