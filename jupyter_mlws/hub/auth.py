"""Who asks the service: a person's cookie from the Hub's sign-in, or a token."""

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
    MLWSError,
    PermissionDeniedError,
)
from jupyter_mlws.hub.hubapi import HUB_NOT_RESPONDING
from jupyter_mlws.hub.manager import HubManager

ACTIONS = {"GET": "read", "HEAD": "read"}
TOKEN_CACHE_MAX_AGE = 60
"""Seconds for which the Hub's answer about a token holds."""


def hub_auth(cookies_for_host_alone: bool = False) -> HubOAuth:
    """The Hub's word on tokens, by what the Hub has put into the environment.

    JupyterHub tells its labs, but not its services, that cookies have the prefix ``__Host-``.
    """
    return HubOAuth(
        cache_max_age=TOKEN_CACHE_MAX_AGE, cookie_host_prefix_enabled=cookies_for_host_alone
    )


class AuthenticatedHandler(HubOAuthenticated):  # type: ignore[misc]
    """Base of all handlers: knows the manager and the person.

    The Hub's own code checks the XSRF token of requests with a cookie, and asks none of those
    with a token.
    """

    errors: ClassVar[Sequence[type[MLWSError]]] = (ContainerBackendError,)
    log = logging.getLogger("jupyter_mlws.hub.service")
    manager: HubManager
    user: Me
    scopes: frozenset[str] = frozenset()
    """What the Hub lets the person's or program's token do."""

    def initialize(self, manager: HubManager, auth: HubOAuth) -> None:
        self.manager = manager
        self.hub_auth = auth

    async def permit(self, *also: tuple[str, str]) -> None:
        """Error 50301 unless a person whom the Hub lets use this service asks."""
        user = await self.who()
        if user is None:
            handler: Any = self
            action = ACTIONS.get(handler.request.method, "write")
            raise PermissionDeniedError(action=action, resource=getattr(self, "resource", "mlws"))
        self.user = user

    async def who(self) -> Me | None:
        """The person; None where nobody is signed in who may use this service."""
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
            # A service could have the name of a person, so it is somebody only as administrator.
            return Me(name="", admin=True) if admin else None
        return Me(name=model["name"], admin=admin)


class TokenAuthenticatedHandler(AuthenticatedHandler):
    """Base of what programs like git and DVC use: a token in each request, and never a cookie.

    The token is a Hub token, as ``Authorization: token …`` or ``Bearer …``, or as the password of
    HTTP's basic authentication, whose user name says nothing.
    """

    async def permit(self, *also: tuple[str, str]) -> None:
        """Error 10304, upon which git asks for a user name and a password."""
        user = await self.who()
        if user is None:
            raise HubTokenRequiredError()
        self.user = user

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say how to sign in, where that is what is missing."""
        handler: Any = self
        # What is refused may have a body that nobody has read: no proxy shall use the line again.
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
