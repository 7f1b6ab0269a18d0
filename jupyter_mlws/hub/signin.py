"""The authenticator of the Hub with its pages."""

from __future__ import annotations

import logging
from typing import Any

from tornado import web
from tornado.log import app_log

from jupyter_mlws.hub.accounts.authenticator import AccountAuthenticator
from jupyter_mlws.hub.accounts.handlers import HANDLERS


def hides_session_ids(record: logging.LogRecord) -> bool:
    """Return False for lines of JupyterHub's XSRF code: they have the ids of sessions."""
    return record.module != "_xsrf_utils" or record.levelno > logging.INFO


class SignIn(AccountAuthenticator):
    """Accounts with passwords: users sign up or are invited, and administrators approve them."""

    def get_handlers(self, app: Any) -> list[tuple[str, type[web.RequestHandler]]]:
        """Return the handlers of the pages, and start the periodic work."""
        app_log.addFilter(hides_session_ids)
        self.start(app)
        return HANDLERS
