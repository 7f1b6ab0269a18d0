"""Notices of the Hub's service about budgets, received by the lab's server also without a page."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable
from datetime import datetime

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_mlws.api.client import segment
from jupyter_mlws.containers.manager import HubService
from mlws.core.i18n import Message

CONNECT_TIMEOUT = 10.0
PING_INTERVAL = 30.0
MIN_RECONNECT_DELAY, MAX_RECONNECT_DELAY = 1.0, 60.0
"""Seconds between attempts to connect, doubled up to the maximum."""

log = logging.getLogger(__name__)


async def follow_notices(
    service: HubService,
    container: str,
    on_notice: Callable[[Message | None, datetime | None], None],
) -> None:
    """Call ``on_notice`` with each notice and the time of the stop, without end."""
    address = f"ws{service.url.removeprefix('http')}{service.prefix}"
    delay = MIN_RECONNECT_DELAY
    while True:
        request = HTTPRequest(
            f"{address}/containers/{segment(container)}/budget",
            headers={"Authorization": f"token {service.token}"},
            connect_timeout=CONNECT_TIMEOUT,
        )
        try:
            socket = await websocket_connect(request, ping_interval=PING_INTERVAL)
            try:
                while (text := await socket.read_message()) is not None:
                    delay = MIN_RECONNECT_DELAY
                    message = json.loads(text)
                    if message["type"] == "budget":
                        notice, stop_at = message["notice"], message["stop_at"]
                        on_notice(
                            Message.parse(notice) if notice else None,
                            datetime.fromisoformat(stop_at) if stop_at else None,
                        )
            finally:
                socket.close()
        except (HTTPClientError, OSError, ValueError, KeyError) as error:
            log.info("Could not follow the notices of the Hub's service: %s", error)
        # The labs of a Hub connect again at different times.
        await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311  no secret
        delay = min(MAX_RECONNECT_DELAY, 2 * delay)
