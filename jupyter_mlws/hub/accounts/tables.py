"""Tables of the accounts, in the Hub's own database."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from jupyter_mlws.hub.records.store import UTCDateTime

MAX_USERNAME_LENGTH = 64

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def digest(text: str) -> str:
    """Return the hash under which a secret is stored; the secrets are random, so one round does."""
    return sha256(text.encode()).hexdigest()


def new_secret() -> str:
    return secrets.token_urlsafe(32)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False, repr=False):
    """Base of the tables."""


class Account(Base):
    """A user who signs in with a password."""

    __tablename__ = "mlws_accounts"

    username: Mapped[str] = mapped_column(sa.String(255), primary_key=True)
    password: Mapped[str] = mapped_column(sa.String(255))
    is_approved: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    was_approved: Mapped[bool] = mapped_column(default=False)
    """An account that is not approved any more is disabled; one that never was waits."""
    grants: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default_factory=dict)
    """``admin`` and ``groups`` of an invitation, until the user's first sign-in."""


class DeletedName(Base):
    """Name of a deleted account, whose files may still exist: only an invitation gives it again."""

    __tablename__ = "mlws_deleted_names"

    username: Mapped[str] = mapped_column(sa.String(255), primary_key=True)


class Link(Base):
    """A link with a secret for one use: an invitation, or a password reset."""

    __tablename__ = "mlws_account_links"

    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    username: Mapped[str] = mapped_column(sa.String(255), index=True)
    """Empty where the invited user chooses it."""
    grants: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    created_by: Mapped[str] = mapped_column(sa.String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, default=None)


class SignInSession(Base):
    """A browser in which a user is signed in."""

    __tablename__ = "mlws_sessions"

    key_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    username: Mapped[str] = mapped_column(sa.String(255), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    address: Mapped[str] = mapped_column(sa.String(64))
    user_agent: Mapped[str] = mapped_column(sa.String(300))
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, default=None)


class Lockout(Base):
    """Failed sign-ins of one name or from one address."""

    __tablename__ = "mlws_lockouts"

    key_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    """A hash, because users sometimes type a password in place of their name."""
    failures: Mapped[int]
    failed_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    locked_until: Mapped[datetime | None] = mapped_column(UTCDateTime, default=None)


class AccountEvent(Base):
    """An entry for the audit log, until the service ``mlws`` has it."""

    __tablename__ = "mlws_account_events"

    time: Mapped[datetime] = mapped_column(UTCDateTime)
    actor: Mapped[str] = mapped_column(sa.String(255))
    action: Mapped[str] = mapped_column(sa.String(40))
    target: Mapped[str] = mapped_column(sa.String(300))
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, default=None)
