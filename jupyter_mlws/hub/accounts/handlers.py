"""Pages of the accounts: sign-in, sign-up, invitation, password, and their administration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LoginHandler, LogoutHandler
from tornado import web

from jupyter_mlws.hub.accounts import passwords
from jupyter_mlws.hub.accounts.authenticator import (
    MAX_WAITING_ACCOUNTS,
    AccountAuthenticator,
    Outcome,
)
from jupyter_mlws.hub.accounts.lockout import minutes_of
from jupyter_mlws.hub.accounts.sessions import browser_name
from jupyter_mlws.hub.accounts.store import LinkKind
from jupyter_mlws.hub.accounts.tables import MAX_USERNAME_LENGTH, Account, SignInSession
from mlws.core.i18n import Message, preferred_language

SAME_SITE = ("same-origin", "none")
"""Values of ``Sec-Fetch-Site`` for a form of our own page and for a typed URL."""
INVITATION_DAYS = (1, 7, 30)
RESET_LIFETIME = timedelta(days=1)
MAX_GROUPS = 20
MAX_NAME_LENGTH = 255

NOT_APPROVED = Message("Your account has not been approved by an administrator yet.")
INVALID_LOGIN = Message("Invalid username or password.")
LOCKED = Message("Too many failed sign-ins. Try again in {minutes} min.")
FORMS_ONLY = Message("Use the buttons of the Hub's pages.")
PASSWORDS_DIFFER = Message("The two passwords are not equal.")
NAME_TAKEN = Message("The username is already in use.")
INVALID_NAME = Message(
    "The username is not valid. Use at most {count} characters, without spaces and slashes.",
    count=MAX_USERNAME_LENGTH,
)
SIGN_UP_CLOSED = Message("Sign-up is closed. Ask an administrator for an invitation.")
TOO_MANY_WAITING = Message("Too many accounts wait for approval. Ask an administrator to help.")
SIGNED_UP = Message(
    "Your account has been created. You can sign in after an administrator's approval."
)
ACCOUNT_CREATED = Message("Your account has been created. Sign in with it.")
LINK_NOT_VALID = Message("This link is not valid any more. Ask an administrator for a new one.")
PASSWORD_CHANGED = Message("The password has been changed. Sign in with it.")
OWN_PASSWORD_CHANGED = Message(
    "The password has been changed. You are signed out in all other browsers."
)
WRONG_PASSWORD = Message("The current password is wrong.")
NO_ACCOUNT = Message("You have no account with a password in this Hub.")
ACCOUNT_NOT_FOUND = Message("There is no account {username}.")
OWN_ACCOUNT = Message("You cannot do this with your own account.")
STILL_STOPPING = Message("The user's servers are still stopping. Try again in a moment.")
ADMINISTRATORS_ONLY = Message("Only administrators can use this page.")


class AccountHandler(BaseHandler):  # type: ignore[misc]
    """Base of the pages. Changes are made only by forms of the Hub's own pages."""

    authenticator: AccountAuthenticator

    async def prepare(self) -> None:
        await super().prepare()
        site = self.request.headers.get("Sec-Fetch-Site", "none")
        if self.request.method == "POST" and site not in SAME_SITE:
            raise web.HTTPError(403, self.text(FORMS_ONLY))

    def set_default_headers(self) -> None:
        super().set_default_headers()
        # Pages with links and lists of sessions are not for caches.
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")

    def text(self, message: Message) -> str:
        """Return a message in the reader's language."""
        return message.in_(preferred_language(self.request.headers.get("Accept-Language", "")))

    def field(self, name: str, strip: bool = True) -> str:
        """Return a field of the form; empty if it is missing."""
        return str(self.get_body_argument(name, "", strip=strip))

    def new_password(self, username: str) -> tuple[str, Message | None]:
        """Return the new password of the form, and why it is refused."""
        password = self.field("password", strip=False)
        if password != self.field("repeated_password", strip=False):
            return password, PASSWORDS_DIFFER
        return password, passwords.weakness(password, username)

    async def page(self, name: str, error: Message | None = None, **values: Any) -> None:
        """Send a page; with an error, as status 400 unless another is set."""
        if error is not None and self.get_status() == 200:
            self.set_status(400)
        text = None if error is None else self.text(error)
        self.finish(await self.render_template(name, error=text, **values))

    def record(self, action: str, target: str, **details: Any) -> None:
        """Record an event by the signed-in user, or by ``target`` itself."""
        user = self.current_user
        actor = target if user is None else user.name
        self.authenticator.events.record(actor, f"account.{action}", target, **details)


class SignInHandler(LoginHandler):  # type: ignore[misc]
    """Sign-in page. Each sign-in is a session of its own."""

    authenticator: AccountAuthenticator

    async def post(self) -> None:
        """Sign the user in, or show why the sign-in failed."""
        name = self.get_body_argument("username", "")
        # Not under `username`: the Hub would log it, and it may be a password.
        password = self.get_body_argument("password", "", strip=False)
        user = await self.login_user({"account": name, "password": password})
        if user:
            self._jupyterhub_user = user
            self.redirect(self.get_next_url(user))
            return
        result = self.sign_in_result
        message = {
            Outcome.LOCKED: LOCKED.fill(minutes=result.minutes),
            Outcome.NOT_APPROVED: NOT_APPROVED,
        }.get(result.outcome, INVALID_LOGIN)
        self.set_status(429 if result.outcome is Outcome.LOCKED else 403)
        language = preferred_language(self.request.headers.get("Accept-Language", ""))
        self.finish(await self._render(login_error=message.in_(language), username=name))

    def set_login_cookie(self, user: Any) -> None:
        """Open a session with a new id, which no other browser has."""
        if self.request.method == "POST":
            earlier = self.authenticator.sessions.find(self.get_session_cookie(), user.name)
            if earlier is not None:
                self.authenticator.sessions.end(user.name, earlier.id)
            key = self.set_session_cookie()
            self.authenticator.sessions.open(
                key,
                user.name,
                self.authenticator.session_lifetime,
                self.authenticator.address_of(self.request),
                self.request.headers.get("User-Agent", ""),
            )
            self.set_hub_cookie(user)
        super().set_login_cookie(user)


class SignOutHandler(LogoutHandler):  # type: ignore[misc]
    """Sign-out, which ends the session."""

    def _backend_logout_cleanup(self, name: str) -> None:
        session = self.authenticator.sessions.find(self.get_session_cookie(), name)
        super()._backend_logout_cleanup(name)
        if session is not None:
            self.authenticator.sessions.end(name, session.id)
            self.authenticator.events.record(name, "account.sign-out", name)


class SignUpHandler(AccountHandler):
    """Sign-up page: the account waits for an administrator's approval."""

    async def get(self) -> None:
        await self.form()

    async def post(self) -> None:
        authenticator = self.authenticator
        username = authenticator.normalize_username(self.field("username"))
        password, error = self.new_password(username)
        if not authenticator.enable_signup:
            error = SIGN_UP_CLOSED
        elif not authenticator.can_be_new(username):
            error = INVALID_NAME
        elif authenticator.is_taken(username):
            error = NAME_TAKEN
        elif authenticator.accounts.waiting_count() >= MAX_WAITING_ACCOUNTS:
            error = TOO_MANY_WAITING
        if error is None:
            password_hash = await authenticator.hash_password(password)
            # After the last wait: two sign-ups with one name may run at once.
            if authenticator.is_taken(username):
                error = NAME_TAKEN
            else:
                authenticator.accounts.add(username, password_hash, is_approved=False)
                authenticator.events.record(username, "account.sign-up", username)
        if error is not None:
            await self.form(error, username)
            return
        await self.page("account-done.html", text=self.text(SIGNED_UP))

    async def form(self, error: Message | None = None, username: str = "") -> None:
        if not self.authenticator.enable_signup:
            error = SIGN_UP_CLOSED
        await self.page("account-form.html", error, form="sign-up", username=username)


class LinkHandler(AccountHandler):
    """Base of pages that a link with a secret opens.

    The secret is the fragment of the URL, which browsers do not send: it is in no log. The page's
    form sends it.
    """

    kind: LinkKind

    async def get(self) -> None:
        await self.form()

    async def form(self, error: Message | None = None, username: str = "") -> None:
        await self.page(
            "account-form.html",
            error,
            form=self.kind.value,
            username=username,
            secret=self.field("secret") if self.request.method == "POST" else "",
        )


class InvitationHandler(LinkHandler):
    """An invited user chooses a name, unless the invitation has one, and a password."""

    kind = LinkKind.INVITATION

    async def post(self) -> None:
        authenticator = self.authenticator
        accounts, secret = authenticator.accounts, self.field("secret")
        link = accounts.find_link(self.kind, secret)
        if link is None:
            self.set_status(410)
            await self.form(LINK_NOT_VALID)
            return
        username = link.username or authenticator.normalize_username(self.field("username"))
        password, error = self.new_password(username)
        if not authenticator.can_be_new(username):
            error = INVALID_NAME
        if error is None:
            password_hash = await authenticator.hash_password(password)
            # A name that the administrator chose may be one of a user who exists.
            is_taken = (
                accounts.find(username) is not None
                if link.username
                else authenticator.is_taken(username)
            )
            if is_taken:
                error = NAME_TAKEN
            elif not accounts.use_link(link):
                self.set_status(410)
                error = LINK_NOT_VALID
            else:
                accounts.add(username, password_hash, is_approved=True, grants=link.grants)
                authenticator.events.record(
                    username, "account.invitation-used", username, invited_by=link.created_by
                )
        if error is not None:
            await self.form(error, username)
            return
        await self.page("account-done.html", text=self.text(ACCOUNT_CREATED))


class ResetHandler(LinkHandler):
    """A user chooses a new password with an administrator's link."""

    kind = LinkKind.RESET

    async def post(self) -> None:
        authenticator = self.authenticator
        accounts, secret = authenticator.accounts, self.field("secret")
        link = accounts.find_link(self.kind, secret)
        account = None if link is None else accounts.find(link.username)
        if link is None or account is None:
            self.set_status(410)
            await self.form(LINK_NOT_VALID)
            return
        password, error = self.new_password(account.username)
        if error is None:
            password_hash = await authenticator.hash_password(password)
            if accounts.use_link(link):
                account.password = password_hash
                username = account.username
                authenticator.sessions.end(username)
                authenticator.lockouts.unlock(username)
                authenticator.events.record(username, "account.password-reset", username)
            else:
                self.set_status(410)
                error = LINK_NOT_VALID
        if error is not None:
            await self.form(error)
            return
        await self.page("account-done.html", text=self.text(PASSWORD_CHANGED))


class OwnAccountHandler(AccountHandler):
    """A user's own account: password and sessions."""

    @web.authenticated
    async def get(self) -> None:
        await self.show()

    @web.authenticated
    async def post(self) -> None:
        authenticator, username = self.authenticator, self.current_user.name
        action = self.field("action")
        if action == "change-password":
            await self.change_password()
            return
        if action == "sign-out":
            identifier = self.field("session")
            if identifier.isdecimal() and authenticator.sessions.end(username, int(identifier)):
                self.record("session-ended", username)
        elif action == "sign-out-others":
            authenticator.sessions.end(username, but=self.session)
            self.record("sessions-ended", username)
        self.redirect(f"{self.hub.base_url}account")

    async def change_password(self) -> None:
        authenticator, username = self.authenticator, self.current_user.name
        account = authenticator.accounts.find(username)
        if account is None:
            await self.show(NO_ACCOUNT)
            return
        password, error = self.new_password(username)
        if error is None:
            address = authenticator.address_of(self.request)
            # A stolen session must not allow more guesses than the sign-in page.
            attempt = authenticator.lockouts.begin(username, address)
            if isinstance(attempt, timedelta):
                error = LOCKED.fill(minutes=minutes_of(attempt))
            elif not await authenticator.is_own_password(
                account, self.field("current_password", strip=False)
            ):
                error = WRONG_PASSWORD
            else:
                authenticator.lockouts.clear(attempt)
        if error is not None:
            await self.show(error)
            return
        account.password = await authenticator.hash_password(password)
        authenticator.sessions.end(username, but=self.session)
        self.record("password-changed", username)
        await self.show(notice=OWN_PASSWORD_CHANGED)

    @property
    def session(self) -> SignInSession | None:
        """The session of this request."""
        return self.authenticator.sessions.find(self.get_session_cookie(), self.current_user.name)

    async def show(self, error: Message | None = None, notice: Message | None = None) -> None:
        username = self.current_user.name
        await self.page(
            "account.html",
            error,
            notice=None if notice is None else self.text(notice),
            has_password=self.authenticator.accounts.find(username) is not None,
            sessions=self.authenticator.sessions.of_user(username),
            session=self.session,
            browser_name=browser_name,
        )


class AccountsHandler(AccountHandler):
    """Administration of all accounts and invitations."""

    async def prepare(self) -> None:
        await super().prepare()
        user = self.current_user
        if user is not None and not user.admin:
            raise web.HTTPError(403, self.text(ADMINISTRATORS_ONLY))

    @web.authenticated
    async def get(self) -> None:
        await self.show()

    @web.authenticated
    async def post(self) -> None:
        action = self.field("action")
        if action == "invite":
            await self.invite()
            return
        if action == "revoke-invitation":
            identifier = self.field("invitation")
            if identifier.isdecimal() and self.authenticator.accounts.revoke_link(int(identifier)):
                self.record("invitation-revoked", f"invitation {identifier}")
            self.redirect(f"{self.hub.base_url}accounts")
            return
        username = self.field("username")
        account = self.authenticator.accounts.find(username)
        if account is None:
            self.set_status(404)
            await self.show(ACCOUNT_NOT_FOUND.fill(username=username))
            return
        changes: dict[str, Callable[[Account], Awaitable[None]]] = {
            "approve": self.approve,
            "disable": self.disable,
            "unlock": self.unlock,
            "reset": self.reset,
            "sign-out": self.sign_out,
            "delete": self.delete_account,
        }
        if action not in changes:
            raise web.HTTPError(400)
        if action in ("disable", "delete") and username == self.current_user.name:
            await self.show(OWN_ACCOUNT)
            return
        await changes[action](account)
        if not self._finished:
            self.redirect(f"{self.hub.base_url}accounts")

    async def approve(self, account: Account) -> None:
        self.authenticator.accounts.set_approved(account, True)
        self.record("approved", account.username)

    async def disable(self, account: Account) -> None:
        self.authenticator.accounts.set_approved(account, False)
        self.authenticator.sessions.end(account.username)
        self.record("disabled", account.username)

    async def unlock(self, account: Account) -> None:
        self.authenticator.lockouts.unlock(account.username)
        self.record("unlocked", account.username)

    async def sign_out(self, account: Account) -> None:
        self.authenticator.sessions.end(account.username)
        self.record("sessions-ended", account.username)

    async def reset(self, account: Account) -> None:
        """Show a link with which the user chooses a new password."""
        secret = self.authenticator.accounts.create_link(
            LinkKind.RESET, self.current_user.name, RESET_LIFETIME, account.username
        )
        self.record("reset-link", account.username)
        await self.show(link=self.link("password-reset", secret), link_user=account.username)

    async def delete_account(self, account: Account) -> None:
        """Delete the account and the user; the user's files stay."""
        username = account.username
        user = self.find_user(username)
        if user is not None:
            for name, spawner in user.spawners.items():
                if spawner.active:
                    await self.stop_single_user(user, name)
                if spawner._stop_pending:
                    await self.show(STILL_STOPPING)
                    return
            self.authenticator.delete_user(user, self.current_user.name)
            await user.delete_spawners()
            self.users.delete(user)
        else:
            self.authenticator.accounts.delete(username)
            self.authenticator.lockouts.unlock(username)
            self.record("deleted", username)

    async def invite(self) -> None:
        """Show a link with which a new user creates an account."""
        username = self.authenticator.normalize_username(self.field("username"))
        days = self.field("days")
        if username and not self.authenticator.can_be_new(username):
            await self.show(INVALID_NAME)
            return
        if username and self.authenticator.accounts.find(username) is not None:
            await self.show(NAME_TAKEN)
            return
        groups = [name.strip()[:MAX_NAME_LENGTH] for name in self.field("groups").split(",")]
        grants = {
            "admin": self.field("admin") == "1",
            "groups": [name for name in groups if name][:MAX_GROUPS],
        }
        lifetime = int(days) if days in map(str, INVITATION_DAYS) else INVITATION_DAYS[1]
        secret = self.authenticator.accounts.create_link(
            LinkKind.INVITATION,
            self.current_user.name,
            timedelta(days=lifetime),
            username,
            grants,
        )
        self.record("invited", username or "new user", days=lifetime, **grants)
        await self.show(link=self.link("invitation", secret))

    def link(self, page: str, secret: str) -> str:
        root = f"{self.request.protocol}://{self.request.host}{self.hub.base_url}"
        return f"{root}{page}#{secret}"

    async def show(
        self, error: Message | None = None, link: str | None = None, link_user: str = ""
    ) -> None:
        authenticator = self.authenticator
        accounts = authenticator.accounts.all()
        is_locked = authenticator.lockouts.locked_until
        await self.page(
            "accounts.html",
            error,
            accounts=accounts,
            locked={one.username for one in accounts if is_locked(one.username)},
            invitations=authenticator.accounts.open_invitations(),
            days=INVITATION_DAYS,
            link=link,
            link_user=link_user,
        )


HANDLERS: list[tuple[str, type[web.RequestHandler]]] = [
    (r"/login", SignInHandler),
    (r"/logout", SignOutHandler),
    (r"/signup", SignUpHandler),
    (r"/invitation", InvitationHandler),
    (r"/password-reset", ResetHandler),
    (r"/account", OwnAccountHandler),
    (r"/accounts", AccountsHandler),
]
