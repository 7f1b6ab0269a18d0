"""Lockout after failed sign-ins, by name and by address, with growing delays.

It is kept in the database, so that a restart does not end it. Names without an account are counted
like the others, so that the answers do not reveal which names exist.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from jupyter_mlws.hub.accounts.tables import Clock, Lockout, digest, utc_now

FIRST_DELAY = timedelta(seconds=60)
MAX_DELAY = timedelta(minutes=15)
"""Short, so that guesses of a user's password do not keep that user out for long."""
NAME_LEAK, ADDRESS_LEAK = timedelta(hours=1), timedelta(minutes=1)
"""Time without a failure after which one of them is forgotten."""
MAX_EXCESS = 10
"""Failures above the limit that are counted, so that a lock ends in bounded time."""
MEMORY = timedelta(hours=24)
"""Time without a failure after which all are forgotten."""
IPV6_PREFIX = 64
"""Bits of an IPv6 address that identify a network; its devices choose the rest."""


@dataclass(frozen=True)
class Attempt:
    """A sign-in that may be checked."""

    name_key: str
    address_key: str
    locks: bool
    """True if the name or the address is locked unless this attempt succeeds."""


def minutes_of(delay: timedelta) -> int:
    """Return the minutes until a lock ends, rounded up."""
    return math.ceil(delay / timedelta(minutes=1))


@dataclass
class LockoutStore:
    """Failed sign-ins. Must be used from the thread of the session."""

    db: Session
    max_name_failures: int = 5
    max_address_failures: int = 50
    """Higher: the users of a classroom often share an address."""
    clock: Clock = utc_now

    def begin(self, username: str, address: str) -> Attempt | timedelta:
        """Count an attempt before its password is checked, or return how long it is locked.

        Counting first keeps simultaneous attempts within the limit. Refused attempts are not
        counted: they would let anyone extend a lock forever.
        """
        now = self.clock()
        keys = _keys(username, address)
        rows = [self.db.get(Lockout, key) for key in keys]
        until = [row.locked_until for row in rows if row is not None and row.locked_until]
        if until and max(until) > now:
            return max(until) - now
        name_locks = self._count(keys[0], self.max_name_failures, NAME_LEAK)
        address_locks = self._count(keys[1], self.max_address_failures, ADDRESS_LEAK)
        self.db.commit()
        return Attempt(*keys, locks=name_locks or address_locks)

    def clear(self, attempt: Attempt) -> None:
        """Delete the failures of a name, and this attempt of its address.

        The other failures of the address stay: they may be guesses of other users' passwords.
        """
        self.db.execute(sa.delete(Lockout).where(Lockout.key_hash == attempt.name_key))
        row = self.db.get(Lockout, attempt.address_key)
        if row is not None:
            row.failures = max(0, row.failures - 1)
            # It was not locked before this attempt, and no other one has begun since.
            row.locked_until = None
        self.db.commit()

    def locked_until(self, username: str) -> datetime | None:
        """Return the end of the lock of an account, if it is locked."""
        row = self.db.get(Lockout, _keys(username, "")[0])
        until = None if row is None else row.locked_until
        return until if until is not None and until > self.clock() else None

    def unlock(self, username: str) -> None:
        self.db.execute(sa.delete(Lockout).where(Lockout.key_hash == _keys(username, "")[0]))
        self.db.commit()

    def forget_old(self) -> None:
        """Delete the rows of failures that no longer count."""
        self.db.execute(sa.delete(Lockout).where(Lockout.failed_at < self.clock() - MEMORY))
        self.db.commit()

    def _count(self, key: str, limit: int, leak: timedelta) -> bool:
        """Count an attempt as failed; return True if that locks the key."""
        now = self.clock()
        row = self.db.get(Lockout, key)
        if row is None:
            row = Lockout(key_hash=key, failures=0, failed_at=now)
            self.db.add(row)
        leaks = (now - row.failed_at) // leak
        row.failures = min(max(0, row.failures - leaks) + 1, limit + MAX_EXCESS)
        row.failed_at, row.locked_until = now, None
        if row.failures < limit:
            return False
        row.locked_until = now + min(MAX_DELAY, FIRST_DELAY * 2 ** (row.failures - limit))
        return True


def user_address(peer: str, forwarded_for: str, trusted_proxies: Sequence[str]) -> str:
    """Return the address of a user behind trusted proxies, each of which adds what it has seen."""
    networks = [ipaddress.ip_network(one, strict=False) for one in trusted_proxies]
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    address = peer
    while hops and _is_in(address, networks):
        address = hops.pop()
    return address


def _is_in(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        return any(ipaddress.ip_address(address) in network for network in networks)
    except ValueError:
        return False


def _keys(username: str, address: str) -> tuple[str, str]:
    return digest(f"name {username}"), digest(f"address {_network(address)}")


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)
