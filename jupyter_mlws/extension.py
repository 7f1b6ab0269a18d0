"""The server extension: builds the services, registers the handlers, and closes everything."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.manager import KernelManager
from jupyter_client.multikernelmanager import AsyncMultiKernelManager
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from traitlets import Bool, Enum, Float, Int, Unicode

from jupyter_mlws._version import __version__
from jupyter_mlws.api.router import LazyRouter, Routes
from jupyter_mlws.api.session_guard import SessionGuard
from jupyter_mlws.server.anyio_shutdown import end_workers_at_exit

if TYPE_CHECKING:
    from jupyter_mlws.logs.store import LogStore
    from jupyter_mlws.notebooks.persistent_kernels import PersistentKernelStore
    from jupyter_mlws.server.services import Services

CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"
KERNEL_EVENTS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
PREFIX = "mlws/api/v1"
FILE_ID_EXTENSION = "jupyter_server_fileid"
"""The extension that gives files ids, which they keep when they are renamed."""
MLFLOW_TRANSACTION_FILES = "mlflow.db-*"
"""Temporary files of the database of runs, which the file browser does not list."""
RESTARTER_POLL_INTERVAL = 0.5
"""Default seconds between two checks of a kernel by Jupyter's restarter."""
MAX_KERNEL_SOCKETS = 16_384
"""Sockets of the server to its kernels: about seven a kernel."""
_IMPORT_LOCK = threading.Lock()


class MLWSApp(ExtensionApp):
    """The machine-learning workspace, as an extension of Jupyter Server."""

    name = "jupyter_mlws"
    version = __version__
    description = "The machine-learning workspace inside JupyterLab"
    load_other_extensions = True
    _activity_task: asyncio.Task[None] | None = None
    _session_task: asyncio.Task[None] | None = None
    _notice_task: asyncio.Task[None] | None = None

    projects_dir = Unicode(
        "",
        config=True,
        help="""Folder whose git repositories are offered as projects, and in which new projects
        are created. Default: the server's root folder.""",
    )

    kernel_memory_limit = Int(
        0,
        config=True,
        min=0,
        help="""Bytes that a kernel can use during an execution. Above it, the execution is
        interrupted, and the kernel is restarted if it does not stop. 0 means no limit.""",
    )

    kernel_memory_warning = Float(
        0.8,
        config=True,
        min=0.05,
        max=1.0,
        help="""Fraction of the limit (without a limit: of the container's or machine's memory)
        above which the user is warned.""",
    )

    code_policy = Enum(
        ["off", "warn", "refuse"],
        "off",
        config=True,
        help="""What to do with Python code executed by API if bandit reports problems: ignore
        them, return them with the result, or refuse to run it. Needs the extra `check`.""",
    )

    lasting_kernels = Bool(
        True,
        config=True,
        help="""Whether kernels keep running when their server is killed, so that the next server
        in the same folder can reconnect. A server that stops normally always stops them.""",
    )

    resume_runs = Bool(
        True,
        config=True,
        help="""Whether a run that was interrupted by a crash or a restart of the machine continues
        by itself when the next server finds it. A run is continued once: if it is interrupted
        again, it waits for the user.""",
    )

    _kernel_store: PersistentKernelStore | None = None
    _kernel_logs: asyncio.Future[None] | None = None
    _stopping = False
    _logging_since = 0.0

    @cached_property
    def services(self) -> Services:
        """The managers, built at the first request."""
        from jupyter_mlws.containers.manager import (
            ContainerManager,
            hub_service,
            own_container,
        )
        from jupyter_mlws.containers.self_usage import ContainerUsageMonitor, KernelProcess
        from jupyter_mlws.core.operations import OperationManager
        from jupyter_mlws.core.watcher import Watchers
        from jupyter_mlws.logs.container import ContainerLog
        from jupyter_mlws.logs.sources import execution_log, follow_kernels
        from jupyter_mlws.metrics.collectors import LabCollector
        from jupyter_mlws.notebooks.manager import LOCAL, NotebookManager
        from jupyter_mlws.notebooks.memory import MemoryLimits
        from jupyter_mlws.notebooks.policy import Policy
        from jupyter_mlws.notebooks.server import JupyterServer
        from jupyter_mlws.projects.manager import ProjectManager
        from jupyter_mlws.server.services import Services
        from jupyter_mlws.shared_projects.manager import TeamManager

        _routes()
        app: Any = self.serverapp
        hub, own = hub_service(), own_container()
        server = JupyterServer(app)

        async def kernel_processes() -> dict[str, KernelProcess]:
            processes = await server.processes()
            return {name: KernelProcess(name, pid, path) for name, (pid, path) in processes.items()}

        def kernel_states() -> list[str]:
            kernels = app.kernel_manager
            managers = [kernels.get_kernel(name) for name in kernels.list_kernel_ids()]
            return [getattr(kernel, "execution_state", None) or "unknown" for kernel in managers]

        notebooks = NotebookManager(
            server,
            own or LOCAL,
            store=self._kernel_store,
            limits=MemoryLimits(self.kernel_memory_limit or None, self.kernel_memory_warning),
            policy=Policy(self.code_policy),
        )
        notebooks.recording.listeners.append(execution_log(self._log_store))
        if self._kernel_store is not None:
            self._kernel_logs = asyncio.ensure_future(
                follow_kernels(self._log_store, self._kernel_store.path)
            )
        containers = ContainerManager(hub) if hub else None
        log = None
        if containers is not None and own is not None:
            log = ContainerLog(self._log_store, containers, own, self._logging_since)
        projects = ProjectManager(self.projects_root, resumes_runs=self.resume_runs)
        metrics = LabCollector(kernel_states, projects.list_open_workspaces)
        notebooks.recording.listeners.append(metrics.ended)
        return Services(
            projects,
            OperationManager(),
            Watchers(),
            notebooks,
            self._log_store,
            containers,
            ContainerUsageMonitor(kernel_processes),
            log,
            metrics,
            TeamManager(hub, projects) if hub else None,
        )

    def initialize_settings(self) -> None:
        """Configure file ids, the detection of dead kernels, logging and kernel sessions."""
        from jupyter_mlws.logs.formatting import ECS, VARIABLE, ECSFormatter
        from jupyter_mlws.notebooks.kernel_websocket import observing

        server: Any = self.serverapp
        server.kernel_manager.config.KernelRestarter.setdefault(
            "time_to_dead", RESTARTER_POLL_INTERVAL
        )
        # Jupyter reports a missing directory if a file is deleted while the directory is listed.
        contents = server.contents_manager
        contents.hide_globs = [*contents.hide_globs, MLFLOW_TRANSACTION_FILES]
        extensions = server.extension_manager
        extension = extensions.extensions.get(FILE_ID_EXTENSION)
        if extension is None or not extension.enabled:
            # Its default, but in the data directory of this server.
            ids = Path(server.data_dir) / "file_id_manager.db"
            server.config.BaseFileIdManager.setdefault("db_path", str(ids))
            extensions.add_extension(FILE_ID_EXTENSION, enabled=True)
            extensions.link_extension(FILE_ID_EXTENSION)
            extensions.load_extension(FILE_ID_EXTENSION)
        self._logging_since = time.time()
        if os.environ.get(VARIABLE) == ECS:
            for handler in server.log.handlers:
                handler.setFormatter(ECSFormatter())
        for logger in self._server_loggers:
            logger.addHandler(self._server_log)
        if isinstance(server.kernel_manager, AsyncMultiKernelManager):
            # Only before its first socket; ZeroMQ's default of 1,023 is enough for 146 kernels.
            server.kernel_manager.context.set(zmq.MAX_SOCKETS, MAX_KERNEL_SOCKETS)
            sections = [one.__name__ for one in type(server.kernel_manager).mro()]
            is_set = any("transport_encryption" in server.config.get(one, {}) for one in sections)
            is_known = "transport_encryption" in KernelManager.class_traits()
            if is_known and not is_set and zmq.has("curve"):
                # Every user of the machine can connect to a kernel's ports, and read its outputs.
                kernel_settings = server.kernel_manager.config.KernelManager
                kernel_settings.setdefault("transport_encryption", "auto")
            self._set_up_provisioner()
            server.event_logger.add_listener(
                schema_id=KERNEL_EVENTS, listener=self._on_kernel_event
            )
            server.event_logger.add_listener(
                schema_id=CONTENTS_EVENTS, listener=self._on_contents_event
            )
            # The settings of an extension overwrite the server's own.
            self.settings["kernel_websocket_connection_class"] = observing(
                server.web_app.settings["kernel_websocket_connection_class"],
                lambda: None if self._stopping else self.services.notebooks.listeners,
            )
        else:
            # Its kernels and their messages are on the event loop of another thread.
            self.log.warning(
                "%s is not asynchronous: kernels stop with the server, and cells run in tabs are"
                " not recorded",
                type(server.kernel_manager).__name__,
            )
        self._offer_environments()
        end_workers_at_exit()
        if "jupyterlab_server" in sys.modules:
            from jupyter_mlws.server.lab_settings import translate_settings

            translate_settings()

    @property
    def projects_root(self) -> Path:
        """The folder whose repositories are projects."""
        server: Any = self.serverapp
        return Path(self.projects_dir or server.root_dir)

    def _offer_environments(self) -> None:
        """List the environments of open projects among the kernels."""
        from jupyter_mlws.notebooks.environment_kernels import EnvironmentKernels
        from mlws.core.errors import MLWSError
        from mlws.core.project import Project

        server: Any = self.serverapp
        root = self.projects_root

        def projects() -> dict[Path, Project]:
            opened = []
            with suppress(MLWSError):
                opened.append(Project.open(root))
            if "services" in self.__dict__:
                opened += [one.project for one in self.services.projects.list_open_workspaces()]
            return {project.root: project for project in opened}

        name = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
        folder = Path(server.runtime_dir) / "mlws-environment-kernels" / name
        EnvironmentKernels(
            server.kernel_spec_manager,
            folder,
            lambda: projects().values(),
            server.kernel_manager,
        )

    @cached_property
    def _log_store(self) -> LogStore:
        from jupyter_mlws.logs.store import LogStore
        from mlws.core.paths import own_folder

        server: Any = self.serverapp
        return LogStore(own_folder(Path(server.data_dir)) / "logs.sqlite")

    @cached_property
    def _server_log(self) -> logging.Handler:
        from jupyter_mlws.logs.store import ServerLog

        return ServerLog(self._log_store)

    @property
    def _server_loggers(self) -> list[logging.Logger]:
        """The loggers of the server and of these packages."""
        server: Any = self.serverapp
        return [server.log, logging.getLogger("jupyter_mlws"), logging.getLogger("mlws")]

    def _set_up_provisioner(self) -> None:
        """Start kernels by our provisioner, and keep the sessions of lasting kernels on disk.

        Kernels whose specification names a provisioner keep it, and so does a server whose
        configuration names one, or whose kernels run elsewhere.
        """
        from jupyter_client.provisioning.factory import KernelProvisionerFactory

        from jupyter_mlws.notebooks.persistent_kernels import PersistentKernelStore
        from jupyter_mlws.notebooks.provisioner import NAME

        server: Any = self.serverapp
        factory = KernelProvisionerFactory.instance(parent=server)
        usual = factory.default_provisioner_name in ("local-provisioner", NAME)
        if server.gateway_config.gateway_enabled or not usual or NAME not in factory.provisioners:
            return
        factory.default_provisioner_name = NAME
        if not self.lasting_kernels:
            return
        self._kernel_store = PersistentKernelStore(Path(server.runtime_dir), Path(server.root_dir))
        server.kernel_manager.config.LastingProvisioner.folder = str(self._kernel_store.path)
        if server.session_manager.database_filepath == ":memory:":
            server.session_manager.database_filepath = str(self._kernel_store.sessions)

    async def _on_kernel_event(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        """Handle a kernel event of Jupyter."""
        from jupyter_mlws.logs.sources import kernel_event

        kernel_event(self._log_store, data)
        if data["status"] == "success" and "kernel_id" in data and not self._stopping:
            await self.services.notebooks.listeners.handle_event(data["action"], data["kernel_id"])

    async def _on_contents_event(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        """Handle a contents event of Jupyter."""
        # Nothing has run in a notebook before the services exist.
        if data["action"] == "save" and "services" in self.__dict__ and not self._stopping:
            self.services.notebooks.file_saved(data["path"])

    def initialize_handlers(self) -> None:
        """Route everything below the prefix; the handlers are imported once the server serves."""
        server: Any = self.serverapp
        application = server.web_app
        prefix = url_path_join(application.settings["base_url"], PREFIX)
        router = LazyRouter(application, prefix, _routes, lambda: {"services": self.services})
        # Not `add_handlers`, which needs handler classes: those are not imported yet.
        rule = Rule(PathMatches(rf"{prefix}(?:/.*)?"), router)
        application.default_router.rules.insert(0, rule)
        loop = server.io_loop
        loop.add_callback(self.prepare)
        if self._kernel_store is not None and self._kernel_store.others():
            loop.add_callback(lambda: self.services.notebooks.adopt())
        if os.environ.get("JUPYTERHUB_ACTIVITY_URL"):
            loop.add_callback(self._report_activity)
            loop.add_callback(self._follow_notices)
        hub_auth = getattr(server.identity_provider, "hub_auth", None)
        if hub_auth is not None:
            guard = SessionGuard(hub_auth)
            guard.protect(server.identity_provider)
            loop.add_callback(self._watch_sessions, guard)

    async def prepare(self) -> None:
        """Import the handlers, and continue interrupted runs without waiting for a page."""
        await asyncio.to_thread(_routes)
        if not self.resume_runs:
            return
        from jupyter_mlws.projects.manager import find_interrupted

        # Without such runs, the services are built at the first request.
        projects = await asyncio.to_thread(find_interrupted, self.projects_root.resolve())
        if projects and not self._stopping:
            await asyncio.to_thread(self.services.projects.resume_runs)

    async def _watch_sessions(self, guard: SessionGuard) -> None:
        self._session_task = asyncio.create_task(guard.watch())

    async def _report_activity(self) -> None:
        """Count running work as activity: a Hub stops a server without any."""
        from jupyter_mlws.containers.activity import Work, interval

        server: Any = self.serverapp
        settings = server.web_app.settings
        kernels = server.kernel_manager

        def terminals() -> list[Any]:
            manager = settings.get("terminal_manager")
            return list(manager.terminals.values()) if manager else []

        work = Work(
            lambda: [kernels.get_kernel(name) for name in kernels.list_kernel_ids()],
            terminals,
            self.services.projects.is_running,
        )
        # Jupyter counts every setting whose name ends with `_last_activity`.
        self._activity_task = asyncio.create_task(
            work.watch(lambda now: settings.update(mlws_last_activity=now), interval())
        )

    async def _follow_notices(self) -> None:
        """Receive the Hub's notices about budgets, for pages that are open or opened later."""
        from jupyter_mlws.containers.manager import hub_service, own_container
        from jupyter_mlws.server.budget_notices import follow_notices

        hub, own = hub_service(), own_container()
        if hub is not None and own is not None:
            self._notice_task = asyncio.create_task(
                follow_notices(hub, own, self.services.own.set_notice)
            )

    async def stop_extension(self) -> None:
        """Close in the opposite order of building, if anything was built."""
        self._stopping = True
        started = (
            self._kernel_logs,
            self._activity_task,
            self._session_task,
            self._notice_task,
        )
        tasks = [task for task in started if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if "services" in self.__dict__:
            await self.services.readers.close()
            await self.services.own.close()
            await self.services.notebooks.close()
            await self.services.watchers.close()
            await self.services.operations.close()
            self.services.projects.close()
        elif self._kernel_store is not None:
            self._kernel_store.close()
        for logger in self._server_loggers:
            logger.removeHandler(self._server_log)
        self._log_store.close()


def _routes() -> Routes:
    # Two threads that import at the same time may see each other's modules half imported.
    with _IMPORT_LOCK:
        from jupyter_mlws.routes import ROUTES

        return ROUTES
