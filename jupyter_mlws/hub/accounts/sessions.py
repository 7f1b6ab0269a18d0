"""Signed-in browsers, which users list and sign out.

JupyterHub's login cookie is the same in all browsers of a user. Its session cookie has a random id
for each: the Hub accepts the login cookie, and tokens that labs got with it, only together with the
id of a session in this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from jupyterhub import orm
from sqlalchemy.orm import Session

from jupyter_mlws.hub.accounts.tables import Clock, SignInSession, digest, utc_now

SEEN_INTERVAL = timedelta(minutes=1)
"""Precision of the time at which a session was seen last."""

BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
"""Names by product token; later ones also occur in the headers of the browsers before them."""
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
MAX_UNKNOWN_LENGTH = 40


def browser_name(user_agent: str) -> str:
    """Return a browser and its system, such as "Firefox, Linux", from a ``User-Agent``."""
    browser = next((name for token, name in BROWSERS.items() if f"{token}/" in user_agent), "")
    system = next((name for token, name in SYSTEMS.items() if token in user_agent), "")
    names = ", ".join(name for name in (browser, system) if name)
    return names or user_agent[:MAX_UNKNOWN_LENGTH]


@dataclass
class SessionStore:
    """Sessions in the Hub's database. Must be used from the thread of the session."""

    db: Session
    clock: Clock = utc_now

    def open(
        self, key: str, username: str, lifetime: timedelta, address: str, user_agent: str
    ) -> None:
        now = self.clock()
        self.db.add(
            SignInSession(
                key_hash=digest(key),
                username=username,
                created_at=now,
                seen_at=now,
                expires_at=now + lifetime,
                address=address[:64],
                user_agent=user_agent[:300],
            )
        )
        self.db.commit()

    def find(self, key: str | None, username: str) -> SignInSession | None:
        """Return the user's session with this id, unless it is expired or signed out."""
        if not key:
            return None
        query = sa.select(SignInSession).where(
            SignInSession.key_hash == digest(key),
            SignInSession.username == username,
            SignInSession.expires_at > self.clock(),
        )
        return self.db.scalar(query)

    def touch(self, session: SignInSession, address: str) -> None:
        """Note that a session is in use."""
        now = self.clock()
        if now - session.seen_at > SEEN_INTERVAL:
            session.seen_at, session.address = now, address[:64]
            self.db.commit()

    def of_user(self, username: str) -> Sequence[SignInSession]:
        """Return the user's sessions, last used first."""
        query = sa.select(SignInSession).where(
            SignInSession.username == username, SignInSession.expires_at > self.clock()
        )
        return self.db.scalars(query.order_by(SignInSession.seen_at.desc())).all()

    def end(
        self,
        username: str,
        identifier: int | None = None,
        but: SignInSession | None = None,
    ) -> int:
        """End one session of a user, or all except ``but``; return their number.

        Labs and services check their tokens with the Hub, so the tokens are deleted too.
        """
        conditions = [SignInSession.username == username]
        if identifier is not None:
            conditions.append(SignInSession.id == identifier)
        if but is not None:
            conditions.append(SignInSession.id != but.id)
        return self._end(*conditions)

    def end_expired(self) -> int:
        """Delete expired sessions with their tokens."""
        return self._end(SignInSession.expires_at <= self.clock())

    def _end(self, *conditions: sa.ColumnElement[bool]) -> int:
        rows = self.db.scalars(sa.select(SignInSession).where(*conditions)).all()
        by_user: dict[str, set[str]] = {}
        for row in rows:
            by_user.setdefault(row.username, set()).add(row.key_hash)
            self.db.delete(row)
        for username, hashes in by_user.items():
            tokens = self.db.scalars(
                sa.select(orm.APIToken)
                .join(orm.User, orm.APIToken.user_id == orm.User.id)
                .where(orm.User.name == username, orm.APIToken.session_id.is_not(None))
            )
            for token in tokens:
                if digest(token.session_id) in hashes:
                    self.db.delete(token)
        self.db.commit()
        return len(rows)
