"""What the service keeps: containers, what happened to them, the queue, and reservations.

The truth about what runs is Docker's and the Hub's. Values that look like credentials are
not here, except encrypted (:class:`~jupyter_mlws.hub.lifecycle.controller.EnvironmentCipher`)
while their container waits.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, ForeignKey, String, Text, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from jupyter_mlws.core.errors import NewerDatabaseError

P = ParamSpec("P")
T = TypeVar("T")

VERSION_TABLE = "mlws_version"
"""Not Alembic's usual name: JupyterHub's own tables may be in the same database."""
MAX_LOG_LINES = 1000
"""Lines of log that are kept a container."""

log = logging.getLogger(__name__)


class UTCDateTime(TypeDecorator[datetime]):
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
    node: Mapped[str | None] = mapped_column(String(255))
    restarts: Mapped[int]
    exit_code: Mapped[int | None]
    reason: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    last_log: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    queued_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sealed: Mapped[str | None] = mapped_column(Text)
    turn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LogRow(Base):
    """A line of a container's log that is kept: its last ones, and what happened to it."""

    __tablename__ = "container_logs"
    __table_args__ = (sa.Index("ix_container_logs_by_time", "container_id", "timestamp"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    container_id: Mapped[str] = mapped_column(
        String(300), ForeignKey("containers.id", ondelete="CASCADE")
    )
    log_type: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(UTCDateTime)


class ReservationRow(Base):
    """Resources that are reserved for a user's next container."""

    __tablename__ = "reservations"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    id: Mapped[str] = mapped_column(String(36))
    node: Mapped[str] = mapped_column(String(255))
    resources: Mapped[dict[str, Any]] = mapped_column(JSON)
    devices: Mapped[list[int]] = mapped_column(JSON)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)


class UsageRow(Base):
    """A time that a container ran with one size; ``ended_at`` is None as long as it does."""

    __tablename__ = "usage"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    container_id: Mapped[str] = mapped_column(String(300))
    user: Mapped[str] = mapped_column(String(255), index=True)
    cpu: Mapped[float] = mapped_column(sa.Float)
    memory: Mapped[int] = mapped_column(sa.BigInteger)
    gpu: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)


class VolumeRow(Base):
    """A person's volume in Docker; one in the trash is not mounted any more."""

    __tablename__ = "volumes"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    trashed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AuditRow(Base):
    """An action of the audit log: who did what to what."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    time: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(300), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


class TeamProjectRow(Base):
    """A project that people share; its files are in a folder named after ``id``."""

    __tablename__ = "team_projects"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(62), unique=True)
    description: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    trashed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class TeamMemberRow(Base):
    """A person of a project."""

    __tablename__ = "team_members"

    project_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("team_projects.id", ondelete="CASCADE"), primary_key=True
    )
    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    since: Mapped[datetime] = mapped_column(UTCDateTime)


class Records:
    """The tables; blocking, to be used from one thread at a time."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":

            def enable_foreign_keys(connection: Any, _: object) -> None:
                connection.execute("PRAGMA foreign_keys = ON")

            event.listen(self._engine, "connect", enable_foreign_keys)

    def migrate(self) -> None:
        """Bring the tables to the newest version; a newer one is an error."""
        config = Config()
        config.set_main_option("script_location", "jupyter_mlws.hub.records:migrations")
        scripts = ScriptDirectory.from_config(config)
        revisions = {script.revision for script in scripts.walk_revisions()}
        try:
            with self._engine.connect() as connection:
                if self._engine.dialect.name == "sqlite":
                    # SQLite changes a table by replacing it, and dropping the old one would
                    # delete what refers to its rows.
                    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                    connection.commit()
                context = MigrationContext.configure(
                    connection, opts={"version_table": VERSION_TABLE}
                )
                newer = set(context.get_current_heads()) - revisions
                if newer:
                    raise NewerDatabaseError(
                        file=self._engine.url.render_as_string(),
                        version=", ".join(sorted(newer)),
                        newest=", ".join(sorted(scripts.get_heads())),
                    )
                config.attributes["connection"] = connection
                command.upgrade(config, "heads")
                connection.commit()
        finally:
            # Other connections check references.
            self._engine.dispose()

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
        """Delete a container and its log."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(LogRow).where(LogRow.container_id == identifier))
            session.execute(sa.delete(ContainerRow).where(ContainerRow.id == identifier))

    def log(self, identifier: str, lines: Iterable[tuple[str, str, datetime]]) -> None:
        """Store (type, message, time) rows of a container; the oldest are deleted."""
        with Session(self._engine) as session, session.begin():
            session.add_all(
                LogRow(
                    id=str(uuid.uuid4()),
                    container_id=identifier,
                    log_type=kind,
                    # PostgreSQL's texts cannot hold it.
                    message=message.replace("\0", "\N{REPLACEMENT CHARACTER}"),
                    timestamp=when,
                )
                for kind, message, when in lines
            )
            session.flush()
            newest = (
                sa.select(LogRow.id)
                .where(LogRow.container_id == identifier)
                .order_by(LogRow.timestamp.desc())
                .limit(MAX_LOG_LINES)
            )
            session.execute(
                sa.delete(LogRow).where(
                    LogRow.container_id == identifier, LogRow.id.not_in(newest.scalar_subquery())
                )
            )

    def logs(self, identifier: str, tail: int, kind: str | None = None) -> list[LogRow]:
        """The last lines that are kept, oldest first; of one kind where asked."""
        query = sa.select(LogRow).where(LogRow.container_id == identifier)
        if kind is not None:
            query = query.where(LogRow.log_type == kind)
        with Session(self._engine, expire_on_commit=False) as session:
            newest = session.scalars(query.order_by(LogRow.timestamp.desc()).limit(tail))
            return list(newest)[::-1]

    # Hours

    def open_usage(self, values: Mapping[str, Any]) -> None:
        """Insert a usage row: a container runs with one size from now on."""
        with Session(self._engine) as session, session.begin():
            session.add(UsageRow(**values))

    def close_usage(self, identifier: str, ended_at: datetime) -> None:
        """Set the end of a usage row: the container has ended or has another size."""
        with Session(self._engine) as session, session.begin():
            session.execute(
                sa.update(UsageRow).where(UsageRow.id == identifier).values(ended_at=ended_at)
            )

    def running_usage(self) -> list[UsageRow]:
        """Return the usage rows without an end, left by an earlier process."""
        return self._usage(sa.select(UsageRow).where(UsageRow.ended_at.is_(None)))

    def last_usage(self, limit: int) -> list[UsageRow]:
        """Return the usage rows that ended last, oldest first."""
        query = sa.select(UsageRow).where(UsageRow.ended_at.is_not(None))
        return self._usage(query.order_by(UsageRow.ended_at.desc()).limit(limit))[::-1]

    def usage_since(self, since: datetime, user: str | None) -> list[UsageRow]:
        """Return the usage rows after ``since``, of one user or all."""
        query = sa.select(UsageRow).where(
            sa.or_(UsageRow.ended_at.is_(None), UsageRow.ended_at > since)
        )
        return self._usage(query if user is None else query.where(UsageRow.user == user))

    def _usage(self, query: sa.Select[Any]) -> list[UsageRow]:
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    # Volumes

    def volumes(self) -> list[VolumeRow]:
        """All of them, detached."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(sa.select(VolumeRow).order_by(VolumeRow.name)))

    def save_volume(self, values: Mapping[str, Any]) -> None:
        """Insert or update."""
        with Session(self._engine) as session, session.begin():
            session.merge(VolumeRow(**values))

    def delete_volume(self, name: str) -> None:
        """Delete the row of a volume."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(VolumeRow).where(VolumeRow.name == name))

    # Projects that people share

    def team_projects(self) -> list[tuple[TeamProjectRow, list[TeamMemberRow]]]:
        """All of them with their members, detached."""
        with Session(self._engine, expire_on_commit=False) as session:
            members: dict[str, list[TeamMemberRow]] = {}
            for row in session.scalars(sa.select(TeamMemberRow)):
                members.setdefault(row.project_id, []).append(row)
            projects = session.scalars(sa.select(TeamProjectRow))
            return [(project, members.get(project.id, [])) for project in projects]

    def save_team_project(
        self, project: Mapping[str, Any], members: Iterable[Mapping[str, Any]]
    ) -> None:
        """Insert or update, with these members and no others."""
        with Session(self._engine) as session, session.begin():
            session.merge(TeamProjectRow(**project))
            session.flush()
            session.execute(
                sa.delete(TeamMemberRow).where(TeamMemberRow.project_id == project["id"])
            )
            session.add_all(TeamMemberRow(**row) for row in members)

    def delete_team_project(self, identifier: str) -> None:
        """Delete the rows of a project and its members."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(TeamMemberRow).where(TeamMemberRow.project_id == identifier))
            session.execute(sa.delete(TeamProjectRow).where(TeamProjectRow.id == identifier))

    # Who did what

    def audit(self, values: Mapping[str, Any]) -> None:
        """Add an action to the audit log; rows are never changed."""
        with Session(self._engine) as session, session.begin():
            session.add(AuditRow(**values))

    def read_audit_log(self, before: int | None, limit: int, target: str | None) -> list[AuditRow]:
        """Return the audit rows, newest first.

        They are older than the row ``before``, and about one target or all.
        """
        query = sa.select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditRow.id < before)
        if target is not None:
            query = query.where(AuditRow.target == target)
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def reservations(self) -> list[ReservationRow]:
        """All of them, detached."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(sa.select(ReservationRow)))

    def save_reservations(self, rows: Iterable[ReservationRow]) -> None:
        """Store these reservations and delete all others."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ReservationRow))
            session.add_all(rows)


class RecordQueue:
    """Records for the event loop: calls run one after another, in the order that they came in."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlws-records")
        self._writes: set[asyncio.Future[Any]] = set()

    def read(
        self, call: Callable[Concatenate[Records, P], T], *arguments: P.args, **more: P.kwargs
    ) -> asyncio.Future[T]:
        """Return the result of a call, after all calls before it."""
        work = functools.partial(call, self._records, *arguments, **more)
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def write(
        self, call: Callable[Concatenate[Records, P], None], *arguments: P.args, **more: P.kwargs
    ) -> None:
        """Make a call without waiting for it."""
        write = self.read(call, *arguments, **more)
        self._writes.add(write)
        write.add_done_callback(self._on_write_done)

    async def written(self) -> None:
        """Wait until all writes are on disk, so that they outlive this process."""
        await asyncio.gather(*self._writes)

    async def close(self) -> None:
        """Finish all writes, and disconnect from the database."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self.read(Records.close)
        self._thread.shutdown()

    def _on_write_done(self, write: asyncio.Future[Any]) -> None:
        self._writes.discard(write)
        if not write.cancelled() and write.exception() is not None:
            log.error("Could not write a record", exc_info=write.exception())
