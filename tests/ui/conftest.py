"""A real lab in a real Chromium, on a copy of the example workspace."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Page

from jupyter_mlws.core.trust import trust
from jupyter_mlws.projects.manager import ProjectManager
from tests import python as forks
from tests.browser import (
    RESULTS,
    TIMEOUT_MS,
    browser,
    jp_asyncio_loop,
    jp_server_cleanup,
    shoot,
)
from tests.ports import free_port

__all__ = ["browser", "jp_asyncio_loop", "jp_server_cleanup", "shoot"]

TOKEN = "a-token-for-this-test"
QUIET = {"fetchNews": "false", "checkForUpdates": False}
NO_TOUR = {"showTour": False}
NO_BUILD = {"buildCheck": False, "buildAvailable": False}
"""The check for a build starts Node.js twice."""
LAB = """
import faulthandler, os, runpy, signal, sys
for stream in (1, 2):
    os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
faulthandler.register(signal.SIGUSR2, file=2)
del sys.argv[1]
runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)
"""
"""``python -m jupyterlab``, with its output in a file; on SIGUSR2, its stacks too."""
DVC = "import sys; from dvc.cli import main; sys.exit(main())"
START_LIMIT = 120
STOP_LIMIT = 60
"""Seconds."""


class LabProcess(Protocol):
    """What tests need of a lab's process."""

    @property
    def pid(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float) -> int: ...


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    root: Path
    environment: dict[str, str]
    process: LabProcess

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server; runs go on."""
        assert self.process.pid
        os.kill(self.process.pid, how)
        self.process.wait(STOP_LIMIT)

    def address(self, path: str = "") -> str:
        """Where ``path`` opens, signed in and with a clean layout."""
        tree = f"/tree/{path}" if path else ""
        return f"{self.url}/lab{tree}?token={TOKEN}&reset"

    def fetch(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        """The data of ``GET mlws/api/v1/{path}``, or of a POST of ``body``."""
        request = urllib.request.Request(
            f"{self.url}/mlws/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            print(error.read().decode())
            raise

    def mlws(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``jupyter mlws`` in the workspace."""
        return self.python(forks.MLWS, *words)

    def dvc(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``dvc`` in the workspace."""
        return self.python(DVC, *words)

    def python(self, code: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Python code in the workspace, in a process that has its libraries imported."""
        return forks.run(code, *words, cwd=self.root, env=self.environment)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment in the workspace, as in a terminal of the lab."""
        return subprocess.run(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )


def isolated(folder: Path) -> dict[str, str]:
    """An environment whose homes all lie in ``folder``."""
    names = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "DVC_SITE_CACHE_DIR": "dvc",
    }
    homes = {name: str(folder / part) for name, part in names.items()}
    for path in homes.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    # What tests.conftest shares among the homes of tests.
    cache = Path.home() / ".cache" / "jupyter-mlws"
    own_cache = Path(homes["HOME"], ".cache")
    if cache.exists() and not own_cache.exists():
        own_cache.mkdir()
        (own_cache / "jupyter-mlws").symlink_to(cache.resolve())
    news = folder / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True, exist_ok=True)
    (news / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
    tour = folder / "settings" / "jupyter-mlws"
    tour.mkdir(exist_ok=True)
    (tour / "help.jupyterlab-settings").write_text(json.dumps(NO_TOUR))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "JUPYTER", "MLFLOW"))}
    # The next run of a test has the libraries of the first; nothing of it stays for long.
    own = {"DVC_NO_ANALYTICS": "1", "LANG": "C.UTF-8", "MLWS_RUNNER_IDLE": "15"}
    return {**kept, **homes, **own, "PATH": path}


def prefer(folder: Path, theme: str, locale: str) -> None:
    """Have the labs of the test, whose ``tmp_path`` is ``folder``, look and speak like that."""
    settings = folder / "lab" / "settings" / "@jupyterlab"
    for plugin, values in (
        ("apputils-extension/themes", {"theme": theme}),
        ("translation-extension/plugin", {"locale": locale}),
    ):
        file = settings / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))


@pytest.fixture(scope="session")
def made_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace as `make lab` makes it: once a run, copied for each test."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "example"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            code = "import sys; from jupyter_mlws.projects.example import main; main(sys.argv[1:])"
            forks.run(code, str(folder / "workspace"), env=isolated(folder), check=True)
            (folder / "complete").touch()
    return folder / "workspace"


@pytest.fixture
def example(made_example: Path, tmp_path: Path) -> Path:
    """A copy of the example workspace."""
    return Path(shutil.copytree(made_example, tmp_path / "workspace", symlinks=True))


@pytest.fixture(scope="session")
def lab_port() -> int:
    """The port of the labs of this test process.

    Chromium caches by origin: at the same address the scripts of JupyterLab are read and compiled
    once. No port that the kernel gives to others on its own, which are those from 32768 on.
    """
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("every port is in use")


@pytest.fixture
def page(
    browser: Browser, lab_port: int, start_lab: object, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A page without cookies, storage and permissions of earlier tests; their cache stays.

    It asks for ``start_lab`` so that the labs still answer when its screenshot is taken.
    """
    context = browser.contexts[0]
    context.clear_cookies()
    context.clear_permissions()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    context.new_cdp_session(page).send(
        "Storage.clearDataForOrigin",
        {"origin": f"http://127.0.0.1:{lab_port}", "storageTypes": "all"},
    )
    yield page
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{request.node.name}.png")
    page.close()


@pytest.fixture
def start_lab(
    tmp_path: Path, lab_port: int, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Lab]]:
    """Start a lab on a folder; stopped at the end of the test, by its pid.

    ``python``: of another environment. Other labs are forked from a process that has JupyterLab
    imported. The projects of the folder are ``trusted``. After a failed test, the log of the lab
    ends with the stacks of its threads.
    """
    labs: list[Lab] = []
    failures = request.session.testsfailed

    def start(
        root: Path,
        *arguments: str,
        port: int | None = None,
        python: Path | None = None,
        trusted: bool = True,
    ) -> Lab:
        environment = isolated(tmp_path / "lab")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JUPYTER_DATA_DIR", environment["JUPYTER_DATA_DIR"])
            for project in ProjectManager(root).list() if trusted else ():
                trust(Path(root, project.path).resolve())
        page_config = Path(environment["JUPYTER_CONFIG_DIR"], "labconfig", "page_config.json")
        page_config.parent.mkdir(exist_ok=True)
        page_config.write_text(json.dumps(NO_BUILD))
        port = port or (free_port() if labs else lab_port)
        command = [
            "--no-browser",
            "--allow-root",
            f"--ServerApp.root_dir={root}",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            # What JupyterLab and its extensions read from the environment when they are imported.
            f"--LabApp.user_settings_dir={environment['JUPYTERLAB_SETTINGS_DIR']}",
            f"--LabApp.workspaces_dir={environment['JUPYTERLAB_WORKSPACES_DIR']}",
            f"--BaseFileIdManager.db_path={environment['JUPYTER_DATA_DIR']}/file_id_manager.db",
            # It would start npm.
            "--LanguageServerManager.autodetect=False",
            *arguments,
        ]
        RESULTS.mkdir(exist_ok=True)
        log = RESULTS / f"lab-{os.getpid()}-{port}.log"
        process: LabProcess
        if python is None:
            process = forks.Python(LAB, str(log), *command, cwd=tmp_path / "lab", env=environment)
        else:
            # Another environment on top of this one: the lab's own files are here.
            prefix = Path(sys.prefix)
            environment["JUPYTER_PATH"] = str(prefix / "share" / "jupyter")
            environment["JUPYTER_CONFIG_PATH"] = str(prefix / "etc" / "jupyter")
            environment["JUPYTERLAB_DIR"] = str(prefix / "share" / "jupyter" / "lab")
            with log.open("ab") as output:
                process = subprocess.Popen(
                    [str(python), "-m", "jupyterlab", *command],
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
        lab = Lab(f"http://127.0.0.1:{port}", root, environment, process)
        labs.append(lab)
        _wait_until_it_answers(lab.url, process)
        return lab

    yield start
    for lab in labs:
        if lab.process.poll() is None:
            if request.session.testsfailed > failures and isinstance(lab.process, forks.Python):
                # Was it the page that waited, or the server?
                os.kill(lab.process.pid, signal.SIGUSR2)
            lab.stop()


def _wait_until_it_answers(url: str, process: LabProcess) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the lab at {url} did not start")


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    """A lab on the example workspace; tests of another project have their own."""
    return start_lab(example)
