"""Accounts, and the links with which administrators invite users and reset passwords."""

from __future__ import annotations

import enum
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from jupyter_mlws.hub.accounts.passwords import BCRYPT_PREFIX
from jupyter_mlws.hub.accounts.tables import (
    Account,
    Base,
    Clock,
    DeletedName,
    Link,
    digest,
    new_secret,
    utc_now,
)

MIGRATED_TABLE = "users_info"
"""Table of NativeAuthenticator, which kept the accounts before."""

log = logging.getLogger(__name__)


class LinkKind(enum.StrEnum):
    INVITATION = "invitation"
    RESET = "reset"


@dataclass
class AccountStore:
    """Accounts in the Hub's database. Must be used from the thread of the session."""

    db: Session
    clock: Clock = utc_now

    def prepare(self) -> int:
        """Create missing tables; return the number of accounts moved from NativeAuthenticator."""
        connection = self.db.connection()
        Base.metadata.create_all(connection)
        self.db.commit()
        connection = self.db.connection()
        is_empty = self.db.scalar(sa.select(sa.func.count()).select_from(Account)) == 0
        if not is_empty or not sa.inspect(connection).has_table(MIGRATED_TABLE):
            return 0
        names = ("id", "username", "password", "is_authorized")
        table = sa.table(MIGRATED_TABLE, *[sa.column(name) for name in names])
        rows = self.db.execute(sa.select(table).order_by(table.c.id)).all()
        # The table does not enforce unique names; NativeAuthenticator used the first row.
        first = {row.username: row for row in reversed(rows)}
        for username, row in first.items():
            self.add(username, bytes(row.password).decode(), is_approved=bool(row.is_authorized))
        self.db.commit()
        log.info("Moved %d accounts from NativeAuthenticator's table", len(first))
        return len(first)

    def find(self, username: str) -> Account | None:
        return self.db.get(Account, username)

    def all(self) -> Sequence[Account]:
        """Return all accounts; those that wait for approval first."""
        order = (Account.is_approved, Account.was_approved, Account.username)
        return self.db.scalars(sa.select(Account).order_by(*order)).all()

    def waiting_count(self) -> int:
        """Return the number of accounts that wait for approval."""
        query = sa.select(sa.func.count()).select_from(Account)
        return self.db.scalar(query.where(~Account.is_approved, ~Account.was_approved)) or 0

    def has_migrated_hashes(self) -> bool:
        """Return whether an account still has a password hash of NativeAuthenticator."""
        has_bcrypt = Account.password.startswith(BCRYPT_PREFIX, autoescape=True)
        return bool(self.db.scalar(sa.select(sa.exists().where(has_bcrypt))))

    def add(
        self, username: str, password_hash: str, is_approved: bool, grants: Mapping[str, Any] = {}
    ) -> Account:
        """Add an account, without a commit."""
        account = Account(
            username=username,
            password=password_hash,
            is_approved=is_approved,
            was_approved=is_approved,
            created_at=self.clock(),
            grants=dict(grants),
        )
        self.db.add(account)
        self.db.execute(sa.delete(DeletedName).where(DeletedName.username == username))
        self.db.flush()
        return account

    def set_approved(self, account: Account, is_approved: bool) -> None:
        account.is_approved = is_approved
        account.was_approved = account.was_approved or is_approved
        self.db.commit()

    def delete(self, username: str) -> None:
        """Delete an account and the unused links of its name, which stays reserved."""
        self.db.execute(sa.delete(Account).where(Account.username == username))
        self.db.execute(sa.delete(Link).where(Link.username == username, Link.used_at.is_(None)))
        self.db.merge(DeletedName(username=username))
        self.db.commit()

    def is_deleted(self, username: str) -> bool:
        """Return whether an account with this name was deleted."""
        return self.db.get(DeletedName, username) is not None

    def create_link(
        self,
        kind: LinkKind,
        created_by: str,
        lifetime: timedelta,
        username: str = "",
        grants: Mapping[str, Any] = {},
    ) -> str:
        """Return the secret of a new link, which is stored as a hash only.

        A reset link replaces the earlier ones of its account.
        """
        if kind is LinkKind.RESET:
            unused = (Link.kind == kind, Link.username == username, Link.used_at.is_(None))
            self.db.execute(sa.delete(Link).where(*unused))
        secret, now = new_secret(), self.clock()
        self.db.add(
            Link(
                secret_hash=digest(secret),
                kind=kind,
                username=username,
                grants=dict(grants),
                created_by=created_by,
                created_at=now,
                expires_at=now + lifetime,
            )
        )
        self.db.commit()
        return secret

    def open_invitations(self) -> Sequence[Link]:
        """Return the invitations that can still be used, newest first."""
        query = sa.select(Link).where(Link.kind == LinkKind.INVITATION, *self._usable())
        return self.db.scalars(query.order_by(Link.id.desc())).all()

    def find_link(self, kind: LinkKind, secret: str) -> Link | None:
        """Return the link with this secret, unless it is used or expired."""
        query = sa.select(Link).where(Link.kind == kind, Link.secret_hash == digest(secret))
        return self.db.scalar(query.where(*self._usable()))

    def use_link(self, link: Link) -> bool:
        """Mark a link as used, without a commit; False if another request has used it."""
        query = sa.update(Link).where(Link.id == link.id, *self._usable())
        # One statement, so that only one of two requests succeeds.
        return bool(self._run(query.values(used_at=self.clock())).rowcount)

    def revoke_link(self, identifier: int) -> bool:
        """Delete an unused link; False if there is none."""
        query = sa.delete(Link).where(Link.id == identifier, Link.used_at.is_(None))
        is_deleted = bool(self._run(query).rowcount)
        self.db.commit()
        return is_deleted

    def _run(self, statement: sa.UpdateBase) -> sa.CursorResult[Any]:
        return cast("sa.CursorResult[Any]", self.db.execute(statement))

    def _usable(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (Link.used_at.is_(None), Link.expires_at > self.clock())
