"""The server extension: builds the managers, registers the handlers, closes what it opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Unicode

from jupyter_mlws import __version__

PREFIX = "mlws/api/v1"


class MLWSApp(ExtensionApp):
    """The machine-learning workspace, as an extension of Jupyter Server."""

    name = "jupyter_mlws"
    version = __version__
    description = "The machine-learning workspace inside JupyterLab"
    load_other_extensions = True

    projects_dir = Unicode(
        "",
        config=True,
        help="""The folder whose git repositories are offered as projects, and in which new ones
        are made. Left empty: the server's root folder.""",
    )

    def initialize_settings(self) -> None:
        """Build the managers once."""
        from jupyter_mlws.operations import OperationManager
        from jupyter_mlws.projects.manager import ProjectManager
        from jupyter_mlws.routes import ROUTES
        from jupyter_mlws.services import Services
        from jupyter_mlws.watcher import Watchers

        assert self.serverapp is not None  # set by the server that loads the extension
        root = Path(self.projects_dir or self.serverapp.root_dir)
        self.services = Services(ProjectManager(root), OperationManager(), Watchers())
        # Copied to the server's own settings after this method, and not again.
        self.settings["mlws_routes"] = ROUTES

    def initialize_handlers(self) -> None:
        """Register every endpoint under the prefix; what none takes is answered there too."""
        from jupyter_mlws.api.base import NotFoundHandler
        from jupyter_mlws.routes import ROUTES

        # Jupyter Server itself puts its base URL before each pattern.
        services: dict[str, Any] = {"services": self.services}
        self.handlers.extend(
            (f"/{PREFIX}/{pattern}", handler, services) for pattern, handler in ROUTES
        )
        self.handlers.append((rf"/{PREFIX}(?:/.*)?", NotFoundHandler, services))

    async def stop_extension(self) -> None:
        """Close in the opposite order of building."""
        await self.services.watchers.close()
        await self.services.operations.close()
        self.services.projects.close()
