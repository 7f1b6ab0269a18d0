"""Closing the WebSockets of users whose Hub session has ended.

A WebSocket is authenticated once, when it is opened. So signing out a browser, or an expired
session, would leave its kernels and terminals usable until the page is closed.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import Any

from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler

CHECK_INTERVAL = 15.0
"""Seconds between two checks of the open WebSockets."""
TOKEN_CACHE_MAX_AGE = 30
"""Seconds for which a lab caches the Hub's answer about a token; JupyterHub's default is 300."""
POLICY_VIOLATION = 1008
"""RFC 6455, section 7.4.1"""

log = logging.getLogger(__name__)


class SessionGuard:
    """Checks the tokens of open WebSockets with the Hub. Lives on the event loop."""

    def __init__(self, hub_auth: Any) -> None:
        self._hub_auth = hub_auth
        self._handlers: weakref.WeakSet[WebSocketHandler] = weakref.WeakSet()

    def protect(self, provider: Any) -> None:
        """Watch each WebSocket that an identity provider of Jupyter Server authenticates."""
        self._hub_auth.cache_max_age = min(self._hub_auth.cache_max_age, TOKEN_CACHE_MAX_AGE)
        authenticate = provider.get_user

        async def get_user(handler: Any) -> Any:
            self.add(handler)
            return await authenticate(handler)

        provider.get_user = get_user

    def add(self, handler: Any) -> None:
        """Watch a handler if it is one of a WebSocket."""
        if isinstance(handler, WebSocketHandler):
            self._handlers.add(handler)

    async def watch(self) -> None:
        """Close WebSockets whose token is not valid any more, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            for handler in list(self._handlers):
                if handler.ws_connection is not None and not await self._is_valid(handler):
                    log.info("Closing a WebSocket whose session has ended")
                    handler.close(POLICY_VIOLATION)

    async def _is_valid(self, handler: WebSocketHandler) -> bool:
        token = self._hub_auth.get_token(handler)
        if not token:
            return False
        session = self._hub_auth.get_session_id(handler)
        try:
            user = await self._hub_auth.user_for_token(token, session_id=session, sync=False)
        except HTTPError as error:
            # The Hub does not answer, perhaps because it restarts.
            log.debug("Could not check the session of a WebSocket: %s", error)
            return True
        return user is not None
