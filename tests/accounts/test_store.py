"""Accounts, links, lockout and sessions in the Hub's database: SQLite and PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
import sqlalchemy as sa
from jupyterhub import orm
from sqlalchemy.orm import Session

from jupyter_mlws.hub.accounts import passwords
from jupyter_mlws.hub.accounts.lockout import MAX_DELAY, Attempt, LockoutStore, user_address
from jupyter_mlws.hub.accounts.sessions import SessionStore, browser_name
from jupyter_mlws.hub.accounts.store import AccountStore, LinkKind
from jupyter_mlws.hub.accounts.tables import Link

HERE, THERE = "192.0.2.1", "192.0.2.2"


@dataclass
class Clock:
    """A clock that tests move."""

    now: datetime = field(default_factory=lambda: datetime(2026, 12, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A session of a Hub's new database."""
    url = f"sqlite:///{tmp_path}/hub.sqlite"
    if request.param == "postgresql":
        name = f"hub_{uuid.uuid4().hex}"
        server = "postgresql+psycopg2://mlws@/{}?host=" + str(request.getfixturevalue("postgresql"))
        engine = sa.create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        url = server.format(name)
    session = orm.new_session_factory(url=url)()
    yield session
    session.close()
    session.get_bind().dispose()


@pytest.fixture
def accounts(db: Session, clock: Clock) -> AccountStore:
    store = AccountStore(db, clock)
    store.prepare()
    return store


@pytest.fixture
def lockouts(accounts: AccountStore, clock: Clock) -> LockoutStore:
    return LockoutStore(accounts.db, clock=clock)


@pytest.fixture
def sessions(accounts: AccountStore, clock: Clock) -> SessionStore:
    return SessionStore(accounts.db, clock)


def test_accounts_of_nativeauthenticator_are_moved_once(db: Session) -> None:
    table = sa.Table(
        "users_info",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("username", sa.String(128), nullable=False),
        sa.Column("password", sa.LargeBinary, nullable=False),
        sa.Column("is_authorized", sa.Boolean),
    )
    connection = db.connection()
    table.create(connection)
    hashes = [bcrypt.hashpw(word, bcrypt.gensalt(4)) for word in (b"of-ada", b"of-ben", b"later")]
    rows = zip(("ada", "ben", "ada"), hashes, (True, False, None), strict=True)
    keys = ("username", "password", "is_authorized")
    connection.execute(table.insert(), [dict(zip(keys, row, strict=True)) for row in rows])
    db.commit()
    store = AccountStore(db)
    assert store.prepare() == 2
    ada, ben = store.find("ada"), store.find("ben")
    assert ada is not None
    assert ben is not None
    assert (ada.is_approved, ben.is_approved) == (True, False)
    assert store.waiting_count() == 1
    assert store.has_migrated_hashes()
    assert passwords.verify(ada.password, "of-ada", has_migrated_hashes=True)
    assert not passwords.verify(ada.password, "later", has_migrated_hashes=True)
    assert passwords.needs_rehash(ada.password)
    store.delete("ben")
    assert store.prepare() == 0
    assert store.find("ben") is None


def test_a_link_is_used_once_and_expires(accounts: AccountStore, clock: Clock) -> None:
    day = timedelta(days=1)
    secret = accounts.create_link(LinkKind.INVITATION, "admin", day)
    link = accounts.find_link(LinkKind.INVITATION, secret)
    assert link is not None
    assert accounts.find_link(LinkKind.RESET, secret) is None
    # The secret is not in the database.
    assert secret not in {str(getattr(link, column.key)) for column in sa.inspect(Link).columns}
    assert accounts.use_link(link)
    assert not accounts.use_link(link)
    accounts.db.commit()
    assert accounts.find_link(LinkKind.INVITATION, secret) is None
    late = accounts.create_link(LinkKind.INVITATION, "admin", day)
    assert len(accounts.open_invitations()) == 1
    clock.pass_(days=1, seconds=1)
    assert accounts.find_link(LinkKind.INVITATION, late) is None
    assert accounts.open_invitations() == []


def test_a_name_is_locked_with_growing_delays(lockouts: LockoutStore, clock: Clock) -> None:
    for _ in range(4):
        attempt = lockouts.begin("ada", HERE)
        assert isinstance(attempt, Attempt)
        assert not attempt.locks
    fifth = lockouts.begin("ada", HERE)
    assert isinstance(fifth, Attempt)
    assert fifth.locks
    assert lockouts.begin("ada", THERE) == timedelta(seconds=60)
    assert isinstance(lockouts.begin("ben", HERE), Attempt)
    delays = []
    for _ in range(7):
        delay = lockouts.begin("ada", HERE)
        assert isinstance(delay, timedelta)
        delays.append(delay.total_seconds())
        clock.pass_(seconds=delays[-1])
        assert isinstance(lockouts.begin("ada", HERE), Attempt)
    assert delays[:4] == [60, 120, 240, 480]
    assert delays[4:] == [MAX_DELAY.total_seconds()] * 3


def test_a_success_or_an_administrator_ends_a_lock(lockouts: LockoutStore) -> None:
    for _ in range(4):
        lockouts.begin("ada", HERE)
    attempt = lockouts.begin("ada", HERE)
    assert isinstance(attempt, Attempt)
    assert lockouts.locked_until("ada")
    lockouts.clear(attempt)
    assert lockouts.locked_until("ada") is None
    for _ in range(5):
        lockouts.begin("ada", HERE)
    lockouts.unlock("ada")
    assert isinstance(lockouts.begin("ada", HERE), Attempt)


def test_an_address_is_locked_for_all_names(lockouts: LockoutStore, clock: Clock) -> None:
    for number in range(50):
        assert isinstance(lockouts.begin(f"name-{number}", "2001:db8::1"), Attempt)
    # Another address of the same network.
    assert isinstance(lockouts.begin("ada", "2001:db8::2"), timedelta)
    assert isinstance(lockouts.begin("ada", "2001:db8:1::2"), Attempt)
    clock.pass_(minutes=30)
    for number in range(29):
        assert isinstance(lockouts.begin(f"other-{number}", "2001:db8::1"), Attempt)


def test_locks_are_in_the_database_and_forgotten_after_a_day(
    lockouts: LockoutStore, clock: Clock
) -> None:
    for _ in range(5):
        lockouts.begin("ada", HERE)
    assert LockoutStore(lockouts.db, clock=clock).locked_until("ada")
    clock.pass_(days=1, seconds=1)
    lockouts.forget_old()
    attempt = lockouts.begin("ada", HERE)
    assert isinstance(attempt, Attempt)
    assert not attempt.locks


def test_sessions_are_ended_one_by_one_with_their_tokens(
    sessions: SessionStore, clock: Clock
) -> None:
    db = sessions.db
    user = orm.User(name="ada")
    db.add_all([user, orm.OAuthClient(identifier="jupyterhub")])
    db.commit()
    for key in ("first", "second", "third"):
        sessions.open(key, "ada", timedelta(days=1), HERE, "Tests")
        user.new_api_token(session_id=key, scopes=[])
    user.new_api_token(scopes=[])
    first, second = sessions.find("first", "ada"), sessions.find("second", "ada")
    assert first is not None
    assert sessions.find("first", "ben") is None
    assert sessions.find(None, "ada") is None
    assert sessions.end("ben", first.id) == 0
    assert sessions.end("ada", first.id) == 1
    assert sessions.find("first", "ada") is None
    assert sorted(str(token.session_id) for token in user.api_tokens) == ["None", "second", "third"]
    assert sessions.end("ada", but=second) == 1
    assert [one.id for one in sessions.of_user("ada")] == [second.id if second else 0]
    clock.pass_(days=1)
    assert sessions.find("second", "ada") is None
    assert sessions.end_expired() == 1
    assert [token.session_id for token in user.api_tokens] == [None]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox, Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Edge, Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari, iOS",
        ),
        ("a program", "a program"),
    ],
)
def test_a_session_has_the_name_of_its_browser(header: str, name: str) -> None:
    assert browser_name(header) == name


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        # The Hub's own proxy adds the address of who connects to it.
        ("198.18.0.1", "203.0.113.7", "203.0.113.7"),
        ("198.18.0.1", "made-up, 203.0.113.7", "203.0.113.7"),
        # Nginx in front of it.
        ("198.18.0.1", "203.0.113.7, 172.20.0.3", "203.0.113.7"),
        ("198.18.0.1", "192.0.2.1, 172.20.0.3", "192.0.2.1"),
        # A lab connects to the Hub itself.
        ("198.18.0.9", "203.0.113.7", "198.18.0.9"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_an_address_is_taken_from_trusted_proxies_only(
    peer: str, header: str, address: str
) -> None:
    assert user_address(peer, header, ["127.0.0.0/8", "198.18.0.1", "172.16.0.0/12"]) == address
