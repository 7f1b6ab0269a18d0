"""Who asks the service: a person's cookie from the Hub's sign-in, or a token."""

from __future__ import annotations

import logging
from typing import Any

from jupyterhub.services.auth import HubOAuth, HubOAuthenticated
from tornado.web import HTTPError

from jupyter_mlws.errors import MLWSError
from jupyter_mlws.hub.manager import HubManager
from jupyter_mlws.hub.person import Person

ACTIONS = {"GET": "read", "HEAD": "read"}
REMEMBER = 60
"""Seconds for which the Hub's answer about a token holds."""


def hub_auth() -> HubOAuth:
    """The Hub's word on tokens, by what the Hub has put into the environment."""
    return HubOAuth(cache_max_age=REMEMBER)


class Permitted(HubOAuthenticated):  # type: ignore[misc]
    """Base of all handlers: knows the manager and the person.

    The Hub's own code checks the XSRF token of requests with a cookie, and asks none of those
    with a token.
    """

    log = logging.getLogger("jupyter_mlws.hub.service")
    manager: HubManager
    person: Person
    scopes: frozenset[str] = frozenset()
    """What the Hub lets the person's or program's token do."""

    def initialize(self, manager: HubManager, auth: HubOAuth) -> None:
        self.manager = manager
        self.hub_auth = auth

    async def permit(self, *also: tuple[str, str]) -> None:
        """Error 50301 unless a person whom the Hub lets use this service asks."""
        person = await self.who()
        if person is None:
            handler: Any = self
            action = ACTIONS.get(handler.request.method, "write")
            raise MLWSError("50301", action=action, resource=getattr(self, "resource", "mlws"))
        self.person = person

    async def who(self) -> Person | None:
        """The person; None where nobody is signed in who may use this service."""
        try:
            model = await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            raise MLWSError("10104", reason=f"JupyterHub does not answer: {error}") from error
        if model is None or not self.hub_auth.check_scopes(self.hub_scopes, model):
            return None
        self.scopes = frozenset(model.get("scopes") or ())
        admin = bool(model.get("admin"))
        if model.get("kind", "user") != "user":
            # A service could have the name of a person, so it is somebody only as administrator.
            return Person("", True) if admin else None
        return Person(model["name"], admin)
