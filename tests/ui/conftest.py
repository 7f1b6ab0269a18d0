"""A real lab in a real Chromium, on a copy of the example workspace."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from jupyter_mlws.core.trust import trust
from jupyter_mlws.projects.manager import ProjectManager
from mlws.core.paths import escape
from tests import python as forks
from tests.browser import (
    RESULTS,
    browser,
    jp_asyncio_loop,
    jp_server_cleanup,
    shoot,
)
from tests.ports import free_port
from tests.second_try import FAILED
from tests.ui.shared_page import SharedPage, enter

__all__ = ["browser", "jp_asyncio_loop", "jp_server_cleanup", "shoot"]

TOKEN = "a-token-for-this-test"
QUIET = {"fetchNews": "false", "checkForUpdates": False}
NO_TOUR = {"showTour": False}
NO_BUILD = {"buildCheck": False, "buildAvailable": False}
"""The check for a build starts Node.js twice."""
LAB = """
import faulthandler, os, runpy, signal, sys, threading
answers = os.dup(1)
for stream in (1, 2):
    os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
faulthandler.register(signal.SIGUSR2, file=2)
del sys.argv[1]

def close_projects():
    from jupyter_server.serverapp import ServerApp
    while os.read(0, 1):
        (extension,) = ServerApp.instance().extension_manager.extension_apps["jupyter_mlws"]
        if "services" in extension.__dict__:
            extension.services.projects.close()
        os.write(answers, b".")

threading.Thread(target=close_projects, daemon=True).start()
runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)
"""
"""``python -m jupyterlab``, with its output in a file; on SIGUSR2, its stacks too.

It closes its projects, and the processes that they started, for each byte that it reads.
"""
DVC = "import sys; from dvc.cli import main; sys.exit(main())"
OF_SERVER = ("logs", "notebooks", "operations", "projects", "reference", "resources", "usage")
"""The first parts of paths that belong to no project."""
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
    project: str = ""
    """The folder below the lab's own; in a lab that tests share, each has one."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server; runs go on."""
        assert self.process.pid
        os.kill(self.process.pid, how)
        self.process.wait(STOP_LIMIT)

    def place(self, path: str = "") -> str:
        """The file browser's path of a file of the workspace."""
        return "/".join(part for part in (self.project, path) if part)

    def show(self, page: Page, path: str = "") -> None:
        """Open ``path``: in the page of a lab that tests share, without loading it anew."""
        if self.project and page.url.startswith(f"{self.url}/lab"):
            enter(page, self.project, self.place(path))
        else:
            page.goto(self.address(path))

    def address(self, path: str = "") -> str:
        """Where ``path`` opens, signed in and with a clean layout."""
        place = self.place(path)
        tree = f"/tree/{place}" if place else ""
        return f"{self.url}/lab{tree}?token={TOKEN}&reset"

    def fetch(self, path: str, body: dict | None = None, method: str | None = None) -> dict:
        """The data of ``GET mlws/api/v1/{path}``, or of a POST of ``body``."""
        if self.project and re.split("[/?]", path)[0] not in OF_SERVER:
            separator = "&" if "?" in path else "?"
            path += f"{separator}project={quote(escape(self.project), safe='')}"
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
def workspaces(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The folder of the test's project: below that of the shared lab if the test uses it."""
    if "share_lab" not in request.fixturenames:
        return tmp_path
    folder: Path = request.getfixturevalue("shared_lab").root / tmp_path.name
    folder.mkdir()
    return folder


@pytest.fixture
def example(made_example: Path, workspaces: Path) -> Path:
    """A copy of the example workspace."""
    return Path(shutil.copytree(made_example, workspaces / "workspace", symlinks=True))


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


@pytest.fixture(scope="module")
def shared_page(browser: Browser, lab_port: int) -> SharedPage:
    """The page of those tests of the module that share one; it ends with the browser."""
    return SharedPage(browser.contexts[0], f"http://127.0.0.1:{lab_port}")


@pytest.fixture
def page(shared_page: SharedPage, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page that tests share; a test that starts labs has one of its own."""
    is_shared = "share_lab" in request.fixturenames
    # So that the labs still answer when the screenshot is taken, and when the page is reset.
    request.getfixturevalue("share_lab" if is_shared else "start_lab")
    if not is_shared:
        shared_page.drop()
    page = shared_page.page()
    yield page
    try:
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"{request.node.name}.png")
        if is_shared and not request.node.stash[FAILED]:
            shared_page.reset()
    except BaseException:
        request.node.stash[FAILED] = True
        raise
    finally:
        if not is_shared or request.node.stash[FAILED]:
            shared_page.drop()


def _launch(
    folder: Path, root: Path, port: int, *arguments: str, python: Path | None = None
) -> Lab:
    """Start a lab on ``root`` whose own files are in ``folder``."""
    environment = isolated(folder)
    page_config = Path(environment["JUPYTER_CONFIG_DIR"], "labconfig", "page_config.json")
    page_config.parent.mkdir(exist_ok=True)
    page_config.write_text(json.dumps(NO_BUILD))
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
        process = forks.Python(LAB, str(log), *command, cwd=folder, env=environment)
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
    _wait_until_it_answers(lab.url, process)
    return lab


def _trust(environment: dict[str, str], *projects: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_DATA_DIR", environment["JUPYTER_DATA_DIR"])
        for project in projects:
            trust(project.resolve())


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


def _end(lab: Lab, failed: bool) -> None:
    if lab.process.poll() is None:
        if failed and isinstance(lab.process, forks.Python) and lab.process.pid:
            # Was it the page that waited, or the server?
            os.kill(lab.process.pid, signal.SIGUSR2)
        lab.stop()


@pytest.fixture
def other_page(browser: Browser) -> Iterator[Page]:
    """The browser of another person."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def start_lab(
    tmp_path: Path, lab_port: int, shared_lab: SharedLab, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Lab]]:
    """Start a lab on a folder; stopped at the end of the test, by its pid.

    The lab that tests share ends, and is started again when one needs it.

    ``python``: of another environment. Other labs are forked from a process that has JupyterLab
    imported. The projects of the folder are ``trusted``. After a failed test, the log of the lab
    ends with the stacks of its threads.
    """
    labs: list[Lab] = []

    def start(
        root: Path,
        *arguments: str,
        port: int | None = None,
        python: Path | None = None,
        trusted: bool = True,
    ) -> Lab:
        shared_lab.stop()
        folder = tmp_path / "lab"
        if trusted:
            projects = [Path(root, project.path) for project in ProjectManager(root).list()]
            _trust(isolated(folder), *projects)
        port = port or (free_port() if labs else lab_port)
        lab = _launch(folder, root, port, *arguments, python=python)
        labs.append(lab)
        return lab

    yield start
    for lab in labs:
        _end(lab, request.node.stash[FAILED])


class SharedLab:
    """The lab of a test process, with a folder for each test; started when one needs it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self._folder = folder
        self._port = port
        self._lab: Lab | None = None
        self._settings: dict[Path, bytes] = {}

    def open(self, project: Path) -> Lab:
        """Return the lab for a test whose project is below the root."""
        if self._lab is None:
            folder = Path(tempfile.mkdtemp(prefix="lab-", dir=self._folder))
            self._lab = _launch(folder, self.root, self._port)
            self._settings = self._read_settings()
        _trust(self._lab.environment, project)
        name = project.relative_to(self.root).as_posix()
        return replace(self._lab, root=project, project=name)

    def close(self, project: Path, kept: Path) -> None:
        """Close a project, and move its folder to ``kept``."""
        assert self._lab
        process = self._lab.process
        assert isinstance(process, forks.Python)
        (self.root / project.relative_to(self.root).parts[0]).rename(kept)
        process.stdin.write(b".")
        process.stdin.flush()
        assert process.stdout.read(1) == b"."
        settings = self._read_settings()
        names = settings.keys() | self._settings.keys()
        changed = [one for one in names if settings.get(one) != self._settings.get(one)]
        assert not changed, [(one.name, settings.get(one)) for one in changed]

    def stop(self, failed: bool = False) -> None:
        """Stop the lab: the next test has a new one."""
        lab, self._lab = self._lab, None
        if lab:
            _end(lab, failed)

    def _read_settings(self) -> dict[Path, bytes]:
        assert self._lab
        folder = Path(self._lab.environment["JUPYTERLAB_SETTINGS_DIR"])
        return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory, lab_port: int) -> Iterator[SharedLab]:
    """The lab that tests share which need none of their own."""
    shared = SharedLab(tmp_path_factory.mktemp("shared"), lab_port)
    yield shared
    shared.stop()


@pytest.fixture
def share_lab(
    shared_lab: SharedLab, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[Path], Lab]]:
    """Open a project in the lab that tests share; after a failure, the next test has a new lab."""
    projects: list[Path] = []

    def share(project: Path) -> Lab:
        projects.append(project)
        return shared_lab.open(project)

    yield share
    try:
        if not request.node.stash[FAILED]:
            for project in projects:
                shared_lab.close(project, tmp_path / "closed")
    except BaseException:
        request.node.stash[FAILED] = True
        raise
    finally:
        if request.node.stash[FAILED]:
            shared_lab.stop(failed=True)
            for folder in shared_lab.root.iterdir():
                folder.rename(tmp_path / folder.name)


@pytest.fixture
def own_lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    """A lab on the example workspace, for a test that loads its page anew or changes settings."""
    return start_lab(example)


@pytest.fixture
def shared_example(share_lab: Callable[[Path], Lab], example: Path) -> Lab:
    """The example workspace in the lab that tests share: the ``lab`` of modules that allow it."""
    return share_lab(example)


@pytest.fixture
def lab(own_lab: Lab) -> Lab:
    """A lab on the example workspace; tests of another project have their own."""
    return own_lab
