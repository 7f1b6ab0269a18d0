"""The Hub's managed service ``mlws``: ``python -m jupyter_mlws.hub.service``, run by JupyterHub.

The Hub sets its URL, token and scopes in ``JUPYTERHUB_SERVICE_URL`` and related variables.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler
from tornado import web
from tornado.httpserver import HTTPServer

from jupyter_mlws.api.rest import MAX_BODY, routes
from jupyter_mlws.api.session_guard import SessionGuard
from jupyter_mlws.hub.auth import hub_auth
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.docker.swarm_engine import SwarmEngine
from jupyter_mlws.hub.endpoints.data_http import DataHandler
from jupyter_mlws.hub.endpoints.git_http import GitHandler
from jupyter_mlws.hub.endpoints.mlflow_authorization import (
    OwnTrackingHandler,
    TrackingHandler,
)
from jupyter_mlws.hub.endpoints.shared_page_view import SharedPageHandler
from jupyter_mlws.hub.handlers import (
    AdmissionHandler,
    MetricsHandler,
    NotFoundHandler,
    TargetsHandler,
    admissions,
)
from jupyter_mlws.hub.hubapi import HubAPI, HubRefusedError
from jupyter_mlws.hub.manager import HubManager
from jupyter_mlws.hub.page import STATIC, LocaleHandler, PageHandler
from jupyter_mlws.hub.routes import ROUTES
from jupyter_mlws.hub.settings import SHARED_ORIGIN, Settings
from jupyter_mlws.logs.formatting import ECS, VARIABLE, ServiceFormatter
from mlws.core.errors import MLWSError

MAX_DOCKER_THREADS = 32
"""Calls to Docker at once."""
PING_INTERVAL = 30.0
PARENT_POLL_INTERVAL = 1.0
RETRY_DELAY = 1.0

log = logging.getLogger("jupyter_mlws.hub.service")


class CallbackHandler(HubOAuthCallbackHandler):  # type: ignore[misc]
    """OAuth callback to which the Hub redirects users after they have signed in."""

    def initialize(self, auth: Any, **_: Any) -> None:
        self.hub_auth = auth


def application(
    manager: HubManager, prefix: str, secret: str, auth: HubOAuth, guard: SessionGuard
) -> web.Application:
    """Return the web application below ``prefix``; ``secret`` signs its cookies."""
    handler_kwargs = {"manager": manager, "auth": auth}
    root = re.escape(prefix)
    return web.Application(
        [
            (root, PageHandler, handler_kwargs),
            (rf"{root}oauth_callback", CallbackHandler, handler_kwargs),
            (rf"{root}static/(.*)", web.StaticFileHandler, {"path": str(STATIC)}),
            (rf"{root}locale/zh_CN\.json", LocaleHandler),
            *(
                (root + path, handler, handler_kwargs)
                for path, handler in routes(admissions, AdmissionHandler)
            ),
            (rf"{root}metrics", MetricsHandler, handler_kwargs),
            (rf"{root}git/([^/]+)\.git/(.+)", GitHandler, handler_kwargs),
            (rf"{root}data/([^/]+)/(.+)", DataHandler, handler_kwargs),
            (rf"{root}pages/([^/]+)", SharedPageHandler, handler_kwargs),
            (rf"{root}tracking", OwnTrackingHandler, handler_kwargs),
            (rf"{root}tracking/([^/]+)", TrackingHandler, handler_kwargs),
            (rf"{root}metrics/labs", TargetsHandler, handler_kwargs),
            *((rf"{root}api/v1/{pattern}", handler, handler_kwargs) for pattern, handler in ROUTES),
            (r".*", NotFoundHandler, handler_kwargs),
        ],
        # Unchanged by a restart of the service, so that open pages stay signed in.
        cookie_secret=hashlib.sha256(b"cookie" + secret.encode()).digest(),
        websocket_ping_interval=PING_INTERVAL,
        session_guard=guard,
    )


async def open_manager(settings: Settings, hub_url: str, token: str) -> HubManager:
    """Return the manager once Docker and the Hub both respond."""
    while True:
        kind = SwarmEngine if settings.swarm else Engine
        engine, hub = kind(settings.hub_name), HubAPI(hub_url, token)
        manager = HubManager(settings, engine, hub, token)
        try:
            await manager.open()
            return manager
        except (MLWSError, HubRefusedError) as error:
            log.warning("Not ready yet, retrying: %s", error)
            hub.close()
        await asyncio.sleep(RETRY_DELAY)


async def serve(environment: dict[str, str]) -> None:
    """Serve until a stop signal arrives or the Hub that started this process has ended."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(MAX_DOCKER_THREADS, thread_name_prefix="mlws"))
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)

    async def wait_until_orphaned() -> None:
        # A Hub that was killed cannot stop its services, and its successor needs their port.
        parent = os.getppid()
        while os.getppid() == parent:  # noqa: ASYNC110  the kernel has no event for it
            await asyncio.sleep(PARENT_POLL_INTERVAL)
        log.warning("The Hub process ended; stopping")
        over.set()

    watch = asyncio.create_task(wait_until_orphaned())
    token = environment["JUPYTERHUB_API_TOKEN"]
    opening = asyncio.create_task(
        open_manager(Settings.read(environment), environment["JUPYTERHUB_API_URL"], token)
    )
    ending = asyncio.create_task(over.wait())
    await asyncio.wait({opening, ending}, return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        return
    manager = opening.result()
    address = urlsplit(environment["JUPYTERHUB_SERVICE_URL"])
    auth = hub_auth(manager.settings.cookies_for_host_alone)
    guard = SessionGuard(auth)
    sessions = asyncio.create_task(guard.watch())
    prefix = environment["JUPYTERHUB_SERVICE_PREFIX"]
    app = application(manager, prefix, token, auth, guard)
    server = HTTPServer(app, xheaders=True, max_buffer_size=2 * MAX_BODY)
    server.listen(address.port or 80, address.hostname or "127.0.0.1")
    log.info("Serving %s", environment["JUPYTERHUB_SERVICE_URL"])
    if manager.settings.shares_origin:
        log.warning(SHARED_ORIGIN)
    await ending
    log.info("Stopping")
    server.stop()
    await server.close_all_connections()
    await manager.close()
    watch.cancel()
    sessions.cancel()


def main() -> None:
    logging.basicConfig(
        level=os.environ.get("MLWS_LOG_LEVEL", "INFO"),
        format="[%(levelname).1s %(asctime)s %(name)s] %(message)s",
    )
    if os.environ.get(VARIABLE) == ECS:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(ServiceFormatter())
    logging.getLogger("alembic").setLevel(logging.WARNING)
    asyncio.run(serve(dict(os.environ)))


if __name__ == "__main__":
    main()
