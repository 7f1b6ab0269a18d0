"""Authentication of requests to the service: a cookie of the Hub's sign-in, or a token."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from jupyterhub.services.auth import HubOAuth, HubOAuthenticated
from tornado.web import HTTPError

from jupyter_mlws.containers.models import Me
from jupyter_mlws.core.errors import (
    ContainerBackendError,
    HubTokenRequiredError,
    PermissionDeniedError,
)
from jupyter_mlws.hub.hubapi import HUB_NOT_RESPONDING
from jupyter_mlws.hub.manager import HubManager
from mlws.core.errors import MLWSError

ACTIONS = {"GET": "read", "HEAD": "read"}
TOKEN_CACHE_MAX_AGE = 30
"""Seconds for which the Hub's answer about a token is cached."""


def hub_auth(cookies_for_host_alone: bool = False) -> HubOAuth:
    """Return the authenticator, configured by the environment that the Hub sets.

    JupyterHub does not inform its services that cookies have the prefix ``__Host-``.
    """
    return HubOAuth(
        cache_max_age=TOKEN_CACHE_MAX_AGE, cookie_host_prefix_enabled=cookies_for_host_alone
    )


class AuthenticatedHandler(HubOAuthenticated):  # type: ignore[misc]
    """Base of all handlers, with the manager and the user.

    JupyterHub's code checks the XSRF token of requests with a cookie; those with a token need none.
    """

    errors: ClassVar[Sequence[type[MLWSError]]] = (ContainerBackendError,)
    log = logging.getLogger("jupyter_mlws.hub.service")
    manager: HubManager
    user: Me
    scopes: frozenset[str] = frozenset()
    """Scopes of the user's or service's token."""

    def initialize(self, manager: HubManager, auth: HubOAuth) -> None:
        self.manager = manager
        self.hub_auth = auth

    async def permit(self, *also: tuple[str, str]) -> None:
        """Raise PermissionDeniedError unless the user may use this service."""
        user = await self.who()
        if user is None:
            handler: Any = self
            action = ACTIONS.get(handler.request.method, "write")
            raise PermissionDeniedError(action=action, resource=getattr(self, "resource", "mlws"))
        self.user = user

    async def who(self) -> Me | None:
        """Return the user; None if no user with access to this service is signed in."""
        handler: Any = self
        handler.settings["session_guard"].add(self)
        try:
            model = await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            raise ContainerBackendError(reason=HUB_NOT_RESPONDING.fill(error=str(error))) from error
        return self._to_user(model)

    def _to_user(self, model: Mapping[str, Any] | None) -> Me | None:
        if model is None or not self.hub_auth.check_scopes(self.hub_scopes, model):
            return None
        self.scopes = frozenset(model.get("scopes") or ())
        admin = bool(model.get("admin"))
        if model.get("kind", "user") != "user":
            # A service may have the name of a user, so only administrators' services are accepted.
            return Me(name="", admin=True) if admin else None
        return Me(name=model["name"], admin=admin)


class TokenAuthenticatedHandler(AuthenticatedHandler):
    """Base of the handlers for git and DVC, which send a token with each request, and no cookie.

    The token is a Hub token, as ``Authorization: token …`` or ``Bearer …``, or as the password of
    HTTP basic authentication, with any user name.
    """

    async def permit(self, *also: tuple[str, str]) -> None:
        """Raise HubTokenRequiredError without a valid token.

        Git then asks for a user name and password.
        """
        user = await self.who()
        if user is None:
            raise HubTokenRequiredError()
        self.user = user

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the error; with 401, also the authentication scheme."""
        handler: Any = self
        # The body of a rejected request may be unread, so proxies must not reuse the connection.
        handler.set_header("Connection", "close")
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, MLWSError) and error.status == 401:
            handler.set_header("WWW-Authenticate", 'Basic realm="JupyterHub"')
        super().write_error(status_code, **kwargs)

    async def who(self) -> Me | None:
        handler: Any = self
        scheme, _, token = handler.request.headers.get("Authorization", "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() == "basic":
            try:
                _, _, token = base64.b64decode(token, validate=True).decode().partition(":")
            except ValueError:
                return None
        elif scheme.lower() not in ("token", "bearer"):
            return None
        if not token:
            return None
        try:
            model = await self.hub_auth.user_for_token(token, sync=False)
        except HTTPError as error:
            if error.status_code == 403:
                # The Hub does not know the token.
                return None
            raise ContainerBackendError(reason=HUB_NOT_RESPONDING.fill(error=str(error))) from error
        return self._to_user(model)
