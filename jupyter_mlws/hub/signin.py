"""The authenticator of the Hub with its pages."""

from __future__ import annotations

from typing import Any

from tornado import web

from jupyter_mlws.hub.accounts.authenticator import AccountAuthenticator
from jupyter_mlws.hub.accounts.handlers import HANDLERS


class SignIn(AccountAuthenticator):
    """Accounts with passwords: users sign up or are invited, and administrators approve them."""

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """Return the handlers of the pages, and start the periodic work."""
        self.start(app)
        return HANDLERS
