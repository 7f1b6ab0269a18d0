"""Records of the service: containers and their events, reservations, usage, volumes and projects.

Docker and the Hub decide what runs. Values that look like credentials are not stored, except
encrypted (:class:`~jupyter_mlws.hub.lifecycle.controller.EnvironmentCipher`) while their container
waits.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import BaseModel
from sqlalchemy import JSON, ForeignKey, String, Text, create_engine, event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    attribute_keyed_dict,
    mapped_column,
    relationship,
)
from sqlalchemy.types import TypeDecorator

from jupyter_mlws.containers.budgets import Limits, Subject
from jupyter_mlws.containers.models import Amount, UsageSubject
from jupyter_mlws.shared_pages.models import Audience, PageKind
from jupyter_mlws.shared_projects.models import Role
from mlws.core.errors import NewerDatabaseError
from mlws.core.i18n import Message

P = ParamSpec("P")
T = TypeVar("T")
Row = TypeVar("Row", bound="Base")

VERSION_TABLE = "mlws_version"
"""Not Alembic's usual name: JupyterHub's own tables may be in the same database."""
MAX_LOG_LINES = 1000
"""Maximum number of stored log lines per container."""

log = logging.getLogger(__name__)


class UTCDateTime(TypeDecorator[datetime]):
    """Time in UTC, also in databases that do not store the zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class JSONModel(TypeDecorator[BaseModel]):
    """A pydantic model, stored as JSON."""

    impl = JSON
    cache_ok = True

    def __init__(self, model: type[BaseModel]) -> None:
        super().__init__()
        self._model = model

    def process_bind_param(self, value: BaseModel | None, dialect: sa.Dialect) -> Any:
        return None if value is None else value.model_dump(mode="json")

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> BaseModel | None:
        return None if value is None else self._model.model_validate(value)


class StoredMessage(TypeDecorator[Message]):
    """A message, stored untranslated."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Message | None, dialect: sa.Dialect) -> Any:
        return None if value is None else value.as_dict()

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Message | None:
        return None if value is None else Message.parse(value)


def enum_column(kind: type[Enum]) -> sa.Enum:
    """Return the type of a column with the values of an enumeration, stored as text."""
    return sa.Enum(
        kind,
        native_enum=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """Base of the records."""

    def values(self) -> dict[str, Any]:
        """Return the stored values, by attribute."""
        return {one.key: getattr(self, one.key) for one in sa.inspect(type(self)).column_attrs}

    def copy(self: Row) -> Row:
        """Return a record with the same stored values, for another thread."""
        return type(self)(**self.values())


class LogRow(Base):
    """A stored line of a container's log: an event, or one of the last lines before a crash."""

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
    amount: Mapped[Amount] = mapped_column(JSONModel(Amount))
    devices: Mapped[list[int]] = mapped_column(JSON)
    expires: Mapped[float] = mapped_column(sa.Float)


class TextList(TypeDecorator[list[str]]):
    """Texts in order of the alphabet, stored as JSON in a text, which databases can group by."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: sa.Dialect) -> str:
        return json.dumps(sorted(value or ()), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> list[str]:
        return json.loads(value) if value else []


class UsageRow(Base):
    """Part of a month in which a container ran with one size; ``ended_at`` is None while it runs.

    ``seconds`` are counted by a clock that no one sets. ``clock`` is that clock's value when they
    were counted last, comparable only within one boot of the machine (``boot``).
    """

    __tablename__ = "usage"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    container_id: Mapped[str] = mapped_column(String(300))
    user: Mapped[str] = mapped_column(String(255), index=True)
    cpu: Mapped[float] = mapped_column(sa.Float)
    memory: Mapped[int] = mapped_column(sa.BigInteger)
    gpu: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    month: Mapped[str] = mapped_column(String(7), index=True)
    groups: Mapped[list[str]] = mapped_column(TextList, default_factory=list)
    """Groups of the user in the Hub while it ran."""
    docker: Mapped[str] = mapped_column(String(100), default="")
    """The container's id in Docker, another one for each start."""
    seconds: Mapped[float] = mapped_column(sa.Float, default=0.0)
    clock: Mapped[float] = mapped_column(sa.Float, default=0.0)
    boot: Mapped[str] = mapped_column(String(40), default="")
    counted_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True, default=None)


class LimitsRecord(Base):
    """Limits of a user or a group."""

    __tablename__ = "limits"

    kind: Mapped[Subject] = mapped_column(enum_column(Subject), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    limits: Mapped[Limits] = mapped_column(JSONModel(Limits))


class VolumeRecord(Base):
    """A user's volume in Docker; a volume in the trash is not mounted."""

    __tablename__ = "volumes"

    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    trashed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    node: Mapped[str | None] = mapped_column(String(255), default=None)
    """Host name of the node of Docker Swarm that alone has the files."""
    size: Mapped[int | None] = mapped_column(sa.BigInteger, default=None)
    measured_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)


class UsageSampleRow(Base):
    """Average usage of a machine or a user in the ``width`` seconds from ``time``."""

    __tablename__ = "usage_samples"

    width: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    subject: Mapped[UsageSubject] = mapped_column(enum_column(UsageSubject), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    time: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    cpu: Mapped[float] = mapped_column(sa.Float)
    memory: Mapped[int] = mapped_column(sa.BigInteger)
    gpu: Mapped[float] = mapped_column(sa.Float)
    disk: Mapped[int | None] = mapped_column(sa.BigInteger, default=None)


class AuditRow(Base):
    """An entry of the audit log: an action of a user on a target."""

    __tablename__ = "audit"

    time: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(300), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, default=None)


class MemberRecord(Base):
    """A member of a shared project."""

    __tablename__ = "team_members"

    project_id: Mapped[str] = mapped_column(
        String(40),
        ForeignKey("team_projects.id", ondelete="CASCADE"),
        primary_key=True,
    )
    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    role: Mapped[Role] = mapped_column(enum_column(Role))
    since: Mapped[datetime] = mapped_column(UTCDateTime)


class SharedProjectRecord(Base):
    """A shared project; its files are in a directory named after ``id``."""

    __tablename__ = "team_projects"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(62), unique=True)
    description: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    trashed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    members: Mapped[dict[str, MemberRecord]] = relationship(
        collection_class=attribute_keyed_dict("user"),
        cascade="all, delete-orphan",
        lazy="selectin",
        default_factory=dict,
    )

    def copy(self) -> SharedProjectRecord:
        """Return a record with the same stored values and copies of the members."""
        members = {user: member.copy() for user, member in self.members.items()}
        return SharedProjectRecord(**self.values(), members=members)

    @property
    def owners(self) -> list[str]:
        return [name for name, member in self.members.items() if member.role is Role.OWNER]


class SharedPageRecord(Base):
    """A page that a user shares by a link; its content is a :class:`PageContentRow`."""

    __tablename__ = "shared_pages"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(255), index=True)
    kind: Mapped[PageKind] = mapped_column(enum_column(PageKind))
    title: Mapped[str] = mapped_column(String(300))
    audience: Mapped[Audience] = mapped_column(enum_column(Audience))
    name: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires: Mapped[datetime | None] = mapped_column(UTCDateTime)
    size: Mapped[int]


class PageContentRow(Base):
    """The compressed HTML of a shared page."""

    __tablename__ = "shared_page_contents"

    page_id: Mapped[str] = mapped_column(
        String(40), ForeignKey("shared_pages.id", ondelete="CASCADE"), primary_key=True
    )
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


def _averages() -> list[sa.ColumnElement[Any]]:
    """Return the columns with the averages of samples; bytes are whole."""
    row = UsageSampleRow
    return [
        sa.func.avg(row.cpu),
        sa.cast(sa.func.avg(row.memory), sa.BigInteger),
        sa.func.avg(row.gpu),
        sa.cast(sa.func.avg(row.disk), sa.BigInteger),
    ]


class Records:
    """The database. Blocking; must be used from one thread at a time."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":

            def enable_foreign_keys(connection: Any, _: object) -> None:
                connection.execute("PRAGMA foreign_keys = ON")

            event.listen(self._engine, "connect", enable_foreign_keys)

    def migrate(self, version: str = "heads") -> None:
        """Migrate the tables to a version; raise an error if they are newer than the newest."""
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
                command.upgrade(config, version)
                connection.commit()
        finally:
            # Other connections check references.
            self._engine.dispose()

    def close(self) -> None:
        self._engine.dispose()

    def all(self, kind: type[Row]) -> list[Row]:
        """Return all records of a kind, detached."""
        return self._select(sa.select(kind))

    def _select(self, query: sa.Select[Any]) -> list[Any]:
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))

    def save(self, record: Base) -> None:
        """Insert or update a record."""
        with Session(self._engine) as session, session.begin():
            session.merge(record)

    def save_all(self, records: Sequence[Base]) -> None:
        """Insert or update records, all or none."""
        with Session(self._engine) as session, session.begin():
            for record in records:
                session.merge(record)

    def delete_limits(self, kind: Subject, name: str) -> None:
        """Delete the limits of a user or a group."""
        with Session(self._engine) as session, session.begin():
            session.execute(
                sa.delete(LimitsRecord).where(LimitsRecord.kind == kind, LimitsRecord.name == name)
            )

    def save_page(self, page: SharedPageRecord, content: bytes) -> None:
        """Store a new page with its content."""
        with Session(self._engine) as session, session.begin():
            session.add(page)
            session.flush()
            session.add(PageContentRow(page_id=page.id, content=content))

    def page_content(self, page: str) -> bytes | None:
        """Return the stored content of a page, if there is one."""
        with Session(self._engine) as session:
            row = session.get(PageContentRow, page)
            return None if row is None else row.content

    def delete(self, kind: type[Base], key: str) -> None:
        """Delete a record, and the records that refer to it."""
        with Session(self._engine) as session, session.begin():
            (column,) = sa.inspect(kind).primary_key
            session.execute(sa.delete(kind).where(column == key))

    def save_reservations(self, rows: Iterable[ReservationRow]) -> None:
        """Store these reservations and delete all others."""
        with Session(self._engine) as session, session.begin():
            session.execute(sa.delete(ReservationRow))
            session.add_all(rows)

    def log(self, identifier: str, lines: Iterable[tuple[str, str, datetime]]) -> None:
        """Store (type, message, time) rows of a container; the oldest are deleted."""
        with Session(self._engine) as session, session.begin():
            session.add_all(
                LogRow(
                    id=str(uuid.uuid4()),
                    container_id=identifier,
                    log_type=kind,
                    # PostgreSQL's texts cannot contain NUL.
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
        """Return the last stored lines, oldest first; of one kind if ``kind`` is set."""
        query = sa.select(LogRow).where(LogRow.container_id == identifier)
        if kind is not None:
            query = query.where(LogRow.log_type == kind)
        return self._select(query.order_by(LogRow.timestamp.desc()).limit(tail))[::-1]

    def running_usage(self) -> list[UsageRow]:
        """Return the usage rows without an end, left by an earlier process."""
        return self._select(sa.select(UsageRow).where(UsageRow.ended_at.is_(None)))

    def last_usage(self, limit: int) -> list[UsageRow]:
        """Return the usage rows that ended last, oldest first."""
        query = sa.select(UsageRow).where(UsageRow.ended_at.is_not(None))
        return self._select(query.order_by(UsageRow.ended_at.desc()).limit(limit))[::-1]

    def usage_since(self, since: datetime, user: str | None) -> list[UsageRow]:
        """Return the usage rows after ``since``, of one user or all."""
        query = sa.select(UsageRow).where(
            sa.or_(UsageRow.ended_at.is_(None), UsageRow.ended_at > since)
        )
        return self._select(query if user is None else query.where(UsageRow.user == user))

    def usage_totals(self) -> list[tuple[str, str, list[str], float, float, float]]:
        """Return (month, user, groups, core-seconds, byte-seconds, GPU-seconds) of all usage."""
        key = (UsageRow.month, UsageRow.user, UsageRow.groups)
        sums = (UsageRow.cpu, UsageRow.memory, UsageRow.gpu)
        query = sa.select(*key, *(sa.func.sum(UsageRow.seconds * one) for one in sums))
        with Session(self._engine) as session:
            return [tuple(row) for row in session.execute(query.group_by(*key))]

    def save_samples(
        self, rows: Iterable[UsageSampleRow], moment: int, kept: Mapping[int, int]
    ) -> None:
        """Store samples, and average them into wider ones once these are complete.

        ``kept``: for how many seconds samples of each width are stored.
        """
        row = UsageSampleRow
        narrow, wide = sorted(kept)
        with Session(self._engine) as session, session.begin():
            for sample in rows:
                session.merge(sample)
            session.flush()
            newest = session.scalar(sa.select(sa.func.max(row.time)).where(row.width == wide))
            since = 0 if newest is None else newest + wide
            until = moment // wide * wide
            if since >= until:
                return
            bucket = row.time - row.time % wide
            averages = (
                sa.select(sa.literal(wide), row.subject, row.name, bucket, *_averages())
                .where(row.width == narrow, row.time >= since, row.time < until)
                .group_by(row.subject, row.name, bucket)
            )
            names = ["width", "subject", "name", "time", "cpu", "memory", "gpu", "disk"]
            session.execute(sa.insert(row).from_select(names, averages))
            for width, seconds in kept.items():
                is_old = sa.and_(row.width == width, row.time < moment - seconds)
                session.execute(sa.delete(row).where(is_old))

    def read_samples(
        self,
        sample_width: int,
        width: int,
        subject: UsageSubject,
        name: str | None,
        metric: str,
        since: int,
        limit: int,
    ) -> list[UsageSampleRow]:
        """Return the averages of samples per ``width`` seconds.

        They are those of one name, or of the ``limit`` names with the highest average of a metric,
        the highest first.
        """
        row = UsageSampleRow
        part = sa.and_(row.width == sample_width, row.subject == subject, row.time >= since)
        with Session(self._engine) as session:
            names = [name]
            if name is None:
                highest = sa.func.avg(getattr(row, metric)).desc().nulls_last()
                by_name = sa.select(row.name).where(part).group_by(row.name)
                names = list(session.scalars(by_name.order_by(highest, row.name).limit(limit)))
            bucket = row.time - row.time % width
            query = (
                sa.select(row.name, bucket, *_averages())
                .where(part, row.name.in_(names))
                .group_by(row.name, bucket)
            )
            samples = [
                UsageSampleRow(
                    width=width,
                    subject=subject,
                    name=one[0],
                    time=one[1],
                    cpu=float(one[2]),
                    memory=int(one[3]),
                    gpu=float(one[4]),
                    disk=None if one[5] is None else int(one[5]),
                )
                for one in session.execute(query)
            ]
        return sorted(samples, key=lambda one: (names.index(one.name), one.time))

    def read_audit_log(
        self, before: int | None, limit: int, target: str | None, text: str | None
    ) -> list[AuditRow]:
        """Return the audit rows, newest first.

        They are older than the row ``before``, about one target or all, and have ``text`` in the
        actor, the action or the target.
        """
        query = sa.select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(AuditRow.id < before)
        if target is not None:
            query = query.where(AuditRow.target == target)
        if text:
            columns = (AuditRow.actor, AuditRow.action, AuditRow.target)
            query = query.where(sa.or_(*(c.icontains(text, autoescape=True) for c in columns)))
        return self._select(query)


class RecordQueue:
    """Records for the event loop: calls run in a thread, one after another, in order."""

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

    def save(self, record: Base) -> None:
        """Store a record as it is now, without waiting for it."""
        self.write(Records.save, record.copy())

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
