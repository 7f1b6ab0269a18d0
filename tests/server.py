"""A Jupyter server with the extension, on a thread of its own, for many tests to share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

import jupyter_mlws.routes  # noqa: F401  the first request need not wait for the import
from mlws.core.paths import escape
from mlws.core.project import Project
from tests.python import Python

TOKEN = "token-of-the-shared-server"
TIMEOUT = 60.0
FORKED = """
import os, runpy
for stream in (1, 2):
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
runpy.run_module("jupyter_server", run_name="__main__", alter_sys=True)
"""
"""``python -m jupyter_server``, without its output."""
Parameters = dict[str, Any] | list[tuple[str, Any]]


def fork(folder: Path, arguments: Iterable[str], environment: Mapping[str, str]) -> Python:
    """Start ``jupyter_server`` in a process that has the libraries imported.

    Extensions read some folders from the environment when they are imported; in ``folder`` then.
    """
    own = [
        f"--LabApp.user_settings_dir={folder / 'settings'}",
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
        f"--BaseFileIdManager.db_path={folder / 'file_id_manager.db'}",
        # It would start npm and R.
        "--LanguageServerManager.autodetect=False",
    ]
    return Python(FORKED, *arguments, *own, cwd=folder, env=environment)


class Server:
    """A server of ``root`` whose own files are in ``folder``, with the extension or without.

    Projects below the root are asked for by ``?project=``.
    """

    def __init__(self, folder: Path, root: Path, extension: bool = True) -> None:
        self.root = root
        self._folder = folder
        self._extension = extension
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="shared Jupyter server")

    def __enter__(self) -> Server:
        self._thread.start()
        assert self._ready.wait(TIMEOUT)
        return self

    def __exit__(self, *_: object) -> None:
        self._app.stop()
        self._thread.join(TIMEOUT)

    def _serve(self) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        (self._folder / "data").mkdir()
        # Not the singleton, which pytest-jupyter stops after each test.
        self._app = ServerApp(
            root_dir=str(self.root),
            config_dir=str(self._folder / "config"),
            data_dir=str(self._folder / "data"),
            runtime_dir=str(self._folder / "runtime"),
            ip="127.0.0.1",
            port=0,
            open_browser=False,
            allow_root=True,
            jpserver_extensions={"jupyter_mlws": self._extension},
        )
        self._app.config.IdentityProvider.token = TOKEN
        self._app.init_signal = lambda: None  # type: ignore[method-assign]

        async def initialize() -> None:
            self._app.initialize(argv=[], find_extensions=False)

        loop.run_until_complete(initialize())
        self._app.log.handlers = []
        self._app.log.propagate = True
        # After the callback that binds the port.
        self._app.io_loop.add_callback(self._ready.set)
        self._app.start()
        loop.close()

    async def fetch(
        self,
        *parts: str,
        project: Project | None = None,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
        params: Parameters | None = None,
        raise_error: bool = True,
        **more: Any,
    ) -> HTTPResponse:
        """Send a request; ``more`` are arguments of tornado's ``HTTPRequest``."""
        request = self._request("http", parts, project, token, headers, params, **more)
        client = AsyncHTTPClient(force_instance=True)
        try:
            return await client.fetch(request, raise_error)
        finally:
            client.close()

    async def ws_fetch(
        self,
        *parts: str,
        project: Project | None = None,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
        params: Parameters | None = None,
    ) -> WebSocketClientConnection:
        """Open a WebSocket."""
        return await websocket_connect(self._request("ws", parts, project, token, headers, params))

    def close_project(self, project: Project) -> None:
        """Close the managers of a project."""
        (extension,) = self._app.extension_manager.extension_apps["jupyter_mlws"]
        if "services" in extension.__dict__:
            extension.services.projects.reopen(self._identifier(project))

    def _request(
        self,
        scheme: str,
        parts: tuple[str, ...],
        project: Project | None,
        token: str | None,
        headers: dict[str, str] | None,
        params: Parameters | None,
        **more: Any,
    ) -> HTTPRequest:
        path = quote(url_path_join("/", *parts))
        query = [("project", self._identifier(project))] if project else []
        query += params.items() if isinstance(params, dict) else params or []
        return HTTPRequest(
            f"{scheme}://127.0.0.1:{self._app.port}{path}?{urlencode(query)}",
            headers=({"Authorization": f"token {token}"} if token else {}) | (headers or {}),
            connect_timeout=TIMEOUT,
            **{"request_timeout": TIMEOUT, **more},
        )

    def _identifier(self, project: Project) -> str:
        return escape(project.root.relative_to(self.root.resolve()).as_posix())
