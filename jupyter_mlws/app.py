"""The server extension: builds the managers, registers the handlers, closes what it opened."""

from __future__ import annotations

import asyncio
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from traitlets import Unicode

from jupyter_mlws import __version__
from jupyter_mlws.api.router import LazyRouter, Routes

if TYPE_CHECKING:
    from jupyter_mlws.services import Services

PREFIX = "mlws/api/v1"
FILE_IDS = "jupyter_server_fileid"
"""The extension that gives files ids which stay when they are renamed."""
DEATH_NOTICED = 0.5
"""Seconds between two looks of Jupyter's restarter at a kernel, where nothing else is set."""


class MLWSApp(ExtensionApp):
    """The machine-learning workspace, as an extension of Jupyter Server."""

    name = "jupyter_mlws"
    version = __version__
    description = "The machine-learning workspace inside JupyterLab"
    load_other_extensions = True
    _working: asyncio.Task[None] | None = None

    projects_dir = Unicode(
        "",
        config=True,
        help="""The folder whose git repositories are offered as projects, and in which new ones
        are made. Left empty: the server's root folder.""",
    )

    @cached_property
    def services(self) -> Services:
        """The managers, built at the first request."""
        from jupyter_mlws.containers.manager import ContainerManager, hub_service
        from jupyter_mlws.containers.own import Kernel, OwnContainer
        from jupyter_mlws.notebooks.manager import NotebookManager, own_container
        from jupyter_mlws.notebooks.server import JupyterServer
        from jupyter_mlws.operations import OperationManager
        from jupyter_mlws.projects.manager import ProjectManager
        from jupyter_mlws.services import Services
        from jupyter_mlws.watcher import Watchers

        assert self.serverapp is not None  # set by the server that loads the extension
        root = Path(self.projects_dir or self.serverapp.root_dir)
        hub = hub_service()
        server = JupyterServer(self.serverapp)

        async def kernels() -> dict[str, Kernel]:
            found = await server.processes()
            return {name: Kernel(name, pid, path) for name, (pid, path) in found.items()}

        return Services(
            ProjectManager(root),
            OperationManager(),
            Watchers(),
            NotebookManager(server, own_container()),
            ContainerManager(hub) if hub else None,
            OwnContainer(kernels),
        )

    def initialize_settings(self) -> None:
        """Have ids of files that last, and have it noticed early when a kernel dies."""
        assert self.serverapp is not None  # set by the server that loads the extension
        self.serverapp.kernel_manager.config.KernelRestarter.setdefault(
            "time_to_dead", DEATH_NOTICED
        )
        extensions: Any = self.serverapp.extension_manager
        known = extensions.extensions.get(FILE_IDS)
        if known is None or not known.enabled:
            # As it would choose itself, but for the folder that is the server's now.
            ids = Path(self.serverapp.data_dir) / "file_id_manager.db"
            self.serverapp.config.BaseFileIdManager.setdefault("db_path", str(ids))
            extensions.add_extension(FILE_IDS, enabled=True)
            extensions.link_extension(FILE_IDS)
            extensions.load_extension(FILE_IDS)

    def initialize_handlers(self) -> None:
        """Route everything below the prefix; the handlers are imported once the server serves."""
        assert self.serverapp is not None  # set by the server that loads the extension
        application = self.serverapp.web_app
        prefix = url_path_join(application.settings["base_url"], PREFIX)
        router = LazyRouter(application, prefix, _routes, lambda: {"services": self.services})
        # Not `add_handlers`: Jupyter's wants handler classes, and there is none yet.
        rule = Rule(PathMatches(rf"{prefix}(?:/.*)?"), router)
        application.default_router.rules.insert(0, rule)
        loop = self.serverapp.io_loop
        loop.add_callback(loop.run_in_executor, None, _routes)
        if os.environ.get("JUPYTERHUB_ACTIVITY_URL"):
            loop.add_callback(self._watch_work)

    async def _watch_work(self) -> None:
        """Count what runs as activity: a Hub stops a server without any."""
        from jupyter_mlws.containers.work import Work, interval

        assert self.serverapp is not None  # set by the server that loads the extension
        settings = self.serverapp.web_app.settings
        kernels = self.serverapp.kernel_manager

        def terminals() -> list[Any]:
            manager = settings.get("terminal_manager")
            return list(manager.terminals.values()) if manager else []

        work = Work(
            lambda: [kernels.get_kernel(name) for name in kernels.list_kernel_ids()],
            terminals,
            self.services.projects.is_running,
        )
        # Jupyter counts whatever has a name that ends like this.
        self._working = asyncio.create_task(
            work.watch(lambda now: settings.update(mlws_last_activity=now), interval())
        )

    async def stop_extension(self) -> None:
        """Close in the opposite order of building, if anything was built."""
        if self._working is not None:
            self._working.cancel()
        if "services" in self.__dict__:
            await self.services.own.close()
            await self.services.notebooks.close()
            await self.services.watchers.close()
            await self.services.operations.close()
            self.services.projects.close()


def _routes() -> Routes:
    from jupyter_mlws.routes import ROUTES

    return ROUTES
