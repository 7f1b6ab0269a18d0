"""JupyterHub's authenticator with accounts of this project."""

from __future__ import annotations

import asyncio
import enum
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jupyterhub import orm
from jupyterhub.auth import Authenticator
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import PeriodicCallback
from traitlets import Bool, Integer, List, Unicode

from jupyter_mlws.hub.accounts import passwords
from jupyter_mlws.hub.accounts.events import EventStore, rollback_on_error
from jupyter_mlws.hub.accounts.lockout import LockoutStore, minutes_of, user_address
from jupyter_mlws.hub.accounts.sessions import SessionStore
from jupyter_mlws.hub.accounts.store import AccountStore
from jupyter_mlws.hub.accounts.tables import MAX_USERNAME_LENGTH, Account

HASHING_THREADS = 2
"""Each hash takes 64 MiB and a core for some 50 ms."""
CLEANING_INTERVAL = 60.0
UNKNOWN = "unknown account"
"""Target of failed sign-ins without an account; the name that was typed may be a password."""
HUB_ADMINISTRATION = "Hub administration"
"""Actor of changes by JupyterHub's own page or API, which does not say whose."""
MAX_WAITING_ACCOUNTS = 200
"""Sign-ups that wait for approval; more are refused."""


class Outcome(enum.Enum):
    """Result of a sign-in."""

    SUCCESS = "success"
    INVALID = "invalid"
    LOCKED = "locked"
    NOT_APPROVED = "not approved"


@dataclass(frozen=True)
class SignInResult:
    """Result of a sign-in, with the minutes until the next one if it is locked."""

    outcome: Outcome
    minutes: int = 0


class AccountAuthenticator(Authenticator):  # type: ignore[misc]
    """Users sign up or are invited, administrators approve them, and they sign in with a password.

    Sign-ins are limited by name and address; sessions are listed and can be signed out.
    """

    enable_signup = Bool(
        True, config=True, help="Whether users can sign up themselves and wait for approval."
    )
    max_name_failures = Integer(
        5, config=True, min=1, help="Failed sign-ins of one name before it is locked."
    )
    max_address_failures = Integer(
        50, config=True, min=1, help="Failed sign-ins from one address before it is locked."
    )
    session_days = Integer(14, config=True, min=1, help="Days that a user stays signed in.")
    trusted_proxies = List(
        Unicode(),
        ["127.0.0.0/8", "::1"],
        config=True,
        help="Addresses and networks whose header `X-Forwarded-For` names the user's address.",
    )
    service_url = Unicode(
        "", config=True, help="URL of the service `mlws` for the Hub, which keeps the audit log."
    )
    admission_token = Unicode("", config=True, help="Secret that the Hub shares with the service.")

    # Negative: at each request, because a session may have been signed out since the last one.
    auth_refresh_age = Integer(-1, config=True)
    # Tokens of a disabled account or of a session that was signed out are refused, too.
    auth_refresh_strict = Bool(True, config=True)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        db = self.parent.db
        self.accounts = AccountStore(db)
        self.lockouts = LockoutStore(db, self.max_name_failures, self.max_address_failures)
        self.sessions = SessionStore(db)
        self.events = EventStore(db)
        self._threads = ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="mlws-passwords")
        self._checks = asyncio.Semaphore(HASHING_THREADS)
        count = self.accounts.prepare()
        if count:
            self.log.info("Moved %d accounts of NativeAuthenticator", count)
        # The first unknown name must not take longer than the next ones.
        self._threads.submit(passwords.verify, None, "", self.accounts.has_migrated_hashes())

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(days=self.session_days)

    def start(self, app: Any) -> None:
        """Give the Hub's templates their values, and start the periodic work."""
        app.template_vars["account_pages"] = True
        app.template_vars["waiting_accounts"] = lambda user: (
            self.accounts.waiting_count() if user is not None and user.admin else 0
        )
        if self.service_url:
            self.events.start_sending(self.service_url, app.base_url, self.admission_token)

        def clean() -> None:
            with rollback_on_error(self.accounts.db):
                self.sessions.end_expired()
                self.lockouts.forget_old()
                self.events.drop_excess()

        self._cleaner = PeriodicCallback(clean, CLEANING_INTERVAL * 1000)
        self._cleaner.start()

    def address_of(self, request: HTTPServerRequest) -> str:
        """Return the address of the user, which the last trusted proxy has seen."""
        # `remote_ip` itself trusts the header of everyone who connects, labs included.
        peer = getattr(getattr(request.connection, "context", None), "_orig_remote_ip", None)
        header = request.headers.get("X-Forwarded-For", "")
        return user_address(peer or request.remote_ip or "", header, self.trusted_proxies)

    async def authenticate(self, handler: Any, data: Any) -> dict[str, Any] | None:
        """Return the user whose password this is.

        The result is in ``handler.sign_in_result``.
        """
        username = self.normalize_username(data["account"].strip())
        password = data["password"]
        result = await self._check(username, password, self.address_of(handler.request))
        handler.sign_in_result = result
        return {"name": username} if result.outcome is Outcome.SUCCESS else None

    async def _check(self, username: str, password: str, address: str) -> SignInResult:
        # Until it succeeds an attempt counts as failed, so only those that are being checked begin:
        # else a class that signs in at once from one address would lock it.
        async with self._checks:
            account = self.accounts.find(username)
            target = UNKNOWN if account is None else username
            attempt = self.lockouts.begin(username, address)
            if isinstance(attempt, timedelta):
                return SignInResult(Outcome.LOCKED, minutes_of(attempt))
            while True:
                password_hash = None if account is None else account.password
                is_valid = await self._verify(password_hash, password)
                # Deleted, disabled, or hashed anew meanwhile, perhaps by a simultaneous sign-in.
                account = self.accounts.find(username)
                if account is None or account.password == password_hash:
                    break
            if account is None or not is_valid:
                self.events.record(target, "account.sign-in-failed", target, address=address)
                if attempt.locks:
                    self.events.record(target, "account.locked", target, address=address)
                return SignInResult(Outcome.INVALID)
            self.lockouts.clear(attempt)
        if not account.is_approved:
            return SignInResult(Outcome.NOT_APPROVED)
        if passwords.needs_rehash(account.password):
            account.password = await self.hash_password(password)
            self.accounts.db.commit()
        self.events.record(username, "account.sign-in", username, address=address)
        return SignInResult(Outcome.SUCCESS)

    async def is_own_password(self, account: Account, password: str) -> bool:
        """Return whether this is the password of a signed-in user."""
        return await self._verify(account.password, password)

    async def hash_password(self, password: str) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, passwords.hash_password, password)

    async def _verify(self, password_hash: str | None, password: str) -> bool:
        if len(password) > passwords.MAX_LENGTH:
            password = ""
        has_migrated = self.accounts.has_migrated_hashes()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, passwords.verify, password_hash, password, has_migrated
        )

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> bool:
        """Return False if the account is disabled, or the session expired or signed out."""
        account = self.accounts.find(user.name)
        if account is not None and not account.is_approved:
            return False
        if handler is None or handler._jupyterhub_user is not user:
            return True
        token = handler.get_token()
        key = handler.get_session_cookie() if token is None else token.session_id
        if token is not None and key is None:
            # A token that no browser session got.
            return True
        session = self.sessions.find(key, user.name)
        if session is not None and token is None:
            self.sessions.touch(session, self.address_of(handler.request))
        return session is not None

    def can_be_new(self, username: str) -> bool:
        """Return whether a new account may have this name."""
        is_printable = username.isprintable() and not any(map(str.isspace, username))
        return (
            bool(self.validate_username(username))
            and is_printable
            and len(username) <= MAX_USERNAME_LENGTH
        )

    def is_taken(self, username: str) -> bool:
        """Return whether the name is one of an account, or its files may be another user's."""
        is_user = orm.User.find(self.accounts.db, username) is not None
        is_account = self.accounts.find(username) is not None
        return is_user or is_account or self.accounts.is_deleted(username)

    def add_user(self, user: Any) -> None:
        """Give a user who is new to the Hub the rights of their invitation."""
        super().add_user(user)
        account = self.accounts.find(user.name)
        if account is None or not account.grants:
            return
        orm_user = getattr(user, "orm_user", user)
        db = self.accounts.db
        if account.grants.get("admin"):
            orm_user.admin = True
        for name in account.grants.get("groups", ()):
            group = orm.Group.find(db, name)
            if group is None:
                group = orm.Group(name=name)
                db.add(group)
            if group not in orm_user.groups:
                orm_user.groups.append(group)
        account.grants = {}
        db.commit()

    def delete_user(self, user: Any, actor: str = HUB_ADMINISTRATION) -> None:
        """Delete the account of a user whom an administrator deletes from the Hub."""
        super().delete_user(user)
        self.accounts.delete(user.name)
        self.sessions.end(user.name)
        self.lockouts.unlock(user.name)
        self.events.record(actor, "account.deleted", user.name)
