"""Signing up and in: NativeAuthenticator, as JupyterHub 6 needs it."""

from __future__ import annotations

from typing import Any

from nativeauthenticator import NativeAuthenticator
from nativeauthenticator import handlers as native
from tornado import web
from tornado.escape import url_escape
from tornado.httputil import url_concat

from jupyter_mlws.core.i18n import Message, preferred_language

SAME_SITE = ("same-origin", "none")
"""Values of ``Sec-Fetch-Site`` for a link on our own page and for a typed URL."""
NOT_APPROVED = Message("Your account has not been approved by an administrator yet.")
INVALID_LOGIN = Message("Invalid username or password.")
BUTTONS_ONLY = Message("Use the buttons on the Accounts page.")


def language_of(handler: web.RequestHandler) -> str:
    """Return the reader's language, from ``Accept-Language``."""
    return preferred_language(handler.request.headers.get("Accept-Language", ""))


class Login(native.LoginHandler):  # type: ignore[misc]
    """Sign-in page that replaces NativeAuthenticator's own.

    The original counts with ``statsd``, which the Hub no longer has, and cannot show errors.
    """

    def _render(
        self, login_error: str | None = None, username: str | None = None, **more: Any
    ) -> Any:
        target = self.get_argument("next", default="")
        page = {
            "next": url_escape(target),
            "username": username,
            "login_error": login_error,
            "login_url": self.settings["login_url"],
            "enable_signup": self.authenticator.enable_signup,
            "two_factor_auth": self.authenticator.allow_2fa,
            "custom_html": self.authenticator.custom_html,
            "authenticator_login_url": url_concat(
                self.authenticator.login_url(self.hub.base_url), {"next": target}
            ),
            "xsrf": self.xsrf_token.decode("ascii"),
        }
        return self.render_template("native-login.html", **{**more, **page})

    async def post(self) -> None:
        """Sign the user in, or show why the sign-in failed."""
        name = self.get_body_argument("username", "")
        credentials = {
            "username": name,
            "password": self.get_body_argument("password", "", strip=False),
            "2fa": self.get_body_argument("2fa", ""),
        }
        user = await self.login_user(credentials)
        if user:
            self._jupyterhub_user = user
            self.redirect(self.get_next_url(user))
            return
        name = self.authenticator.normalize_username(name)
        # A blocked client gets no information about the password.
        account = None if self.authenticator.is_blocked(name) else self.authenticator.get_user(name)
        waits = (
            account
            and not account.is_authorized
            and account.is_valid_password(credentials["password"])
        )
        reason = (NOT_APPROVED if waits else INVALID_LOGIN).in_(language_of(self))
        self.set_status(403)
        self.finish(await self._render(login_error=reason, username=name))


class FormHandler(native.LocalBase):  # type: ignore[misc]
    """Base of handlers that change accounts, only by forms of the Hub's own page."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method != "POST":
            raise web.HTTPError(405, BUTTONS_ONLY.in_(language_of(self)))
        if self.request.headers.get("Sec-Fetch-Site", "none") not in SAME_SITE:
            raise web.HTTPError(403, BUTTONS_ONLY.in_(language_of(self)))


class Authorize(FormHandler, native.ToggleAuthorizationHandler):  # type: ignore[misc]
    """Approve an account, or withdraw the approval."""

    post = native.ToggleAuthorizationHandler.get


class Discard(FormHandler, native.DiscardHandler):  # type: ignore[misc]
    """Delete an account that waits for approval."""

    post = native.DiscardHandler.get


class SignIn(NativeAuthenticator):  # type: ignore[misc]
    """Authenticator where users sign up themselves and an administrator approves them."""

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """Return NativeAuthenticator's handlers, three of them in our own version."""
        own = {
            native.LoginHandler: Login,
            native.ToggleAuthorizationHandler: Authorize,
            native.DiscardHandler: Discard,
        }
        return [(path, own.get(page, page)) for path, page in super().get_handlers(app)]
