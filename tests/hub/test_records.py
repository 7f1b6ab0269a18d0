"""The Hub's records, on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from jupyter_mlws.containers.budgets import Budget, Limits, Subject
from jupyter_mlws.containers.models import (
    Amount,
    ContainerConfig,
    Resources,
    UsageSubject,
    is_server_name,
)
from jupyter_mlws.hub.records.container_state import (
    EXIT_CODE_MESSAGE,
    ContainerState,
    Intent,
)
from jupyter_mlws.hub.records.store import (
    MAX_LOG_LINES,
    VERSION_TABLE,
    AuditRow,
    Base,
    LimitsRecord,
    MemberRecord,
    Records,
    ReservationRow,
    SharedProjectRecord,
    UsageRow,
    UsageSampleRow,
    VolumeRecord,
)
from jupyter_mlws.shared_projects.models import Role
from mlws.core.errors import NewerDatabaseError

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def create(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], sa.Engine]]:
    """Create an empty database."""
    engines: list[sa.Engine] = []

    def create() -> sa.Engine:
        name = f"hub_{uuid.uuid4().hex}"
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/{name}.sqlite"
        else:
            server = "postgresql+psycopg2://mlws@/{}?host=" + str(
                request.getfixturevalue("postgresql")
            )
            url = server.format(name)
            engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
            engine.dispose()
        engines.append(sa.create_engine(url))
        return engines[-1]

    yield create
    for engine in engines:
        engine.dispose()


@pytest.fixture
def database(create: Callable[[], sa.Engine]) -> sa.Engine:
    """A database with a container and a line of its log."""
    engine = create()
    with closing(open_records(engine)) as records:
        records.migrate()
        records.save(container("ada--default"))
        records.log("ada--default", [("event", "started", NOON)])
    return engine


@pytest.fixture
def records(database: sa.Engine) -> Iterator[Records]:
    with closing(open_records(database)) as records:
        yield records


def open_records(engine: sa.Engine) -> Records:
    return Records(engine.url.render_as_string(hide_password=False))


def container(identifier: str) -> ContainerState:
    user, name = identifier.split("--")
    return ContainerState(
        id=identifier,
        user=user,
        name=name,
        config=ContainerConfig(image="Lab", environment={"A": "b"}, rescue=True),
        resources=Resources(cpu="1", memory="2Gi"),
        intent=Intent.START,
        last_log=["a \0 in it"],
        created_at=NOON,
        updated_at=NOON,
    )


def test_a_container_is_changed_and_deleted_with_its_log(records: Records) -> None:
    (entry,) = records.all(ContainerState)
    assert entry.values() == container("ada--default").values()
    entry.sealed, entry.turn_at = "encrypted", NOON + timedelta(hours=1)
    entry.reason = EXIT_CODE_MESSAGE.fill(code=3, restarts=0)
    records.save(entry.copy())
    (after,) = records.all(ContainerState)
    assert (after.sealed, after.turn_at) == ("encrypted", NOON + timedelta(hours=1))
    assert after.reason == entry.reason
    assert [line.message for line in records.logs("ada--default", 10)] == ["started"]
    records.delete(ContainerState, "ada--default")
    assert (records.all(ContainerState), records.logs("ada--default", 10)) == ([], [])


def test_records_of_each_kind_are_stored(records: Records) -> None:
    user = "a" * 255
    records.save(container(f"{user}--{'n' * 40}"))
    assert len(records.all(ContainerState)) == 2
    amount = Amount(cpu=0.5, memory=2**40)
    records.save_reservations(
        [ReservationRow(user=user, id="r", node="local", amount=amount, devices=[0], expires=1.5)]
    )
    assert [(row.amount, row.devices) for row in records.all(ReservationRow)] == [(amount, [0])]

    run = UsageRow(
        id="1",
        container_id="ada--default",
        user="ada",
        started_at=NOON,
        month="2026-11",
        groups=["b", "a"],
        seconds=60.5,
        **amount.model_dump(),
    )
    records.save(run.copy())
    assert [row.memory for row in records.running_usage()] == [2**40]
    second = run.copy()
    second.id, second.month = "2", "2026-12"
    third = second.copy()
    third.id, third.groups = "3", []
    records.save_all([second, second, third])
    totals = {(month, *groups): cpu for month, _, groups, cpu, *_ in records.usage_totals()}
    assert totals == {
        ("2026-11", "a", "b"): 30.25,
        ("2026-12", "a", "b"): 30.25,
        ("2026-12",): 30.25,
    }
    for key in ("2", "3"):
        records.delete(UsageRow, key)
    run.ended_at = NOON + timedelta(hours=1)
    records.save(run.copy())
    assert [row.id for row in records.usage_since(NOON, "ada")] == ["1"]
    assert records.usage_since(NOON + timedelta(hours=1), None) == []

    records.save(VolumeRecord(name="mlws-ada", user="ada", created_at=NOON))
    assert [row.name for row in records.all(VolumeRecord)] == ["mlws-ada"]
    for action in ("container.start", "container.stop"):
        records.save(AuditRow(time=NOON, actor="ada", action=action, target="t", details={"n": 1}))
    assert [row.action for row in records.read_audit_log(2, 10, "t", None)] == ["container.start"]


def test_limits_of_users_and_groups_have_names_of_their_own(records: Records) -> None:
    limits = Limits(cpu="2", core_hours=Budget(hours=1.5, hard=True))
    for kind in Subject:
        records.save(LimitsRecord(kind=kind, name="ada", limits=limits))
    records.delete_limits(Subject.GROUP, "ada")
    (row,) = records.all(LimitsRecord)
    assert (row.kind, row.name, row.limits) == (Subject.USER, "ada", limits)


def test_usage_of_an_older_hub_gets_its_seconds_and_month(create: Callable[[], sa.Engine]) -> None:
    engine = create()
    with closing(open_records(engine)) as records:
        records.migrate("0002")
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                'INSERT INTO usage (id, container_id, "user", cpu, memory, gpu, started_at,'
                " ended_at) VALUES ('1', 'ada--default', 'ada', 2, 1024, 0, :start, :end)"
            ),
            {"start": str(NOON), "end": str(NOON + timedelta(seconds=90))},
        )
    with closing(open_records(engine)) as records:
        records.migrate()
        (row,) = records.all(UsageRow)
    assert (row.seconds, row.month, row.groups) == (90, "2026-11", [])


def test_samples_of_usage_are_averaged_and_ranked(records: Records) -> None:
    quarter, samples = 900, {60: 86400, 900: 86400 * 31}
    start = int(NOON.timestamp()) // quarter * quarter
    for minute in range(16):
        moment = start + 60 * (minute + 1)
        rows = [
            UsageSampleRow(
                width=60,
                subject=UsageSubject.USER,
                name=name,
                time=moment - 60,
                cpu=cpu,
                memory=2**40,
                gpu=1.0,
                disk=disk,
            )
            for name, cpu, disk in (("ada", 0.5, None), ("bob", 1.5, 2**41))
        ]
        records.save_samples(rows, moment, samples)
    for width, count in ((60, 16), (900, 1)):
        rows = records.read_samples(width, width, UsageSubject.USER, None, "cpu", start, 8)
        assert [row.name for row in rows] == ["bob"] * count + ["ada"] * count
        assert {(row.cpu, row.memory, row.disk) for row in rows} == {
            (0.5, 2**40, None),
            (1.5, 2**40, 2**41),
        }
    (row,) = records.read_samples(60, 3600, UsageSubject.USER, None, "disk", start, 1)
    assert row.name == "bob"


def test_a_project_is_stored_with_its_members(records: Records) -> None:
    project = SharedProjectRecord(id="p-1", name="team", description="", created_at=NOON)
    for user in ("ada", "bob"):
        project.members[user] = MemberRecord(
            project_id="p-1", user=user, role=Role.OWNER, since=NOON
        )
    for users in (["ada", "bob"], ["ada", "bob"], ["ada"]):
        project.members = {user: project.members[user] for user in users}
        records.save(project.copy())
        (project,) = records.all(SharedProjectRecord)
        assert sorted(project.members) == users
        assert project.owners == users
    records.delete(SharedProjectRecord, "p-1")
    assert records.all(SharedProjectRecord) == records.all(MemberRecord) == []


def test_the_longest_name_of_a_server_fits_into_the_records() -> None:
    columns = sa.inspect(ContainerState).columns
    length = columns["name"].type.length
    assert is_server_name("n" * length)
    assert not is_server_name("n" * (length + 1))


def test_a_log_may_have_bytes_that_are_no_text(records: Records) -> None:
    records.log("ada--default", [("stdout", "before\0after", NOON + timedelta(seconds=1))])
    assert [line.message for line in records.logs("ada--default", 1)] == [
        "before\N{REPLACEMENT CHARACTER}after"
    ]


def test_only_the_newest_lines_of_a_log_are_kept(records: Records) -> None:
    times = [NOON + timedelta(seconds=second) for second in range(1, MAX_LOG_LINES + 3)]
    records.log("ada--default", [("stdout", str(when), when) for when in times])
    lines = [line.message for line in records.logs("ada--default", 2 * MAX_LOG_LINES)]
    assert lines == list(map(str, times[2:]))


def test_the_tables_are_those_of_the_models(database: sa.Engine) -> None:
    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []


def test_a_second_migration_changes_nothing(records: Records, database: sa.Engine) -> None:
    records.migrate()
    with database.connect() as connection:
        versions = connection.exec_driver_sql("SELECT version_num FROM mlws_version").all()
    assert len(versions) == 1
    assert len(records.all(ContainerState)) == 1


def test_records_of_a_newer_hub_are_an_error_and_stay_as_they_are(database: sa.Engine) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE mlws_version SET version_num = '9999'")
    with (
        closing(open_records(database)) as records,
        pytest.raises(NewerDatabaseError, match="its schema is 9999"),
    ):
        records.migrate()
    with database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM containers").all()
    assert [row.id for row in rows] == ["ada--default"]
