"""A real lab in a real Chromium, on a copy of the example workspace."""

from __future__ import annotations

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

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RESULTS = Path(__file__).parent.parent.parent / "test-results"
TOKEN = "a-token-for-this-test"
QUIET = {"fetchNews": "false", "checkForUpdates": False}
START_LIMIT = 60
"""Seconds."""


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Replaces pytest-jupyter's: Playwright has a loop of its own in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Replaces pytest-jupyter's: the servers are processes of their own."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    root: Path
    environment: dict[str, str]

    def address(self, path: str = "") -> str:
        """Where ``path`` opens, signed in and with a clean layout."""
        tree = f"/tree/{path}" if path else ""
        return f"{self.url}/lab{tree}?token={TOKEN}&reset"

    def fetch(self, path: str) -> dict:
        """The data of ``GET mlws/api/v1/{path}``."""
        request = urllib.request.Request(
            f"{self.url}/mlws/api/v1/{path}", headers={"Authorization": f"token {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of this environment, in the workspace, as in a terminal of the lab."""
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
    news = folder / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True, exist_ok=True)
    (news / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "JUPYTER", "MLFLOW"))}
    return {**kept, **homes, "PATH": path, "DVC_NO_ANALYTICS": "1", "LANG": "C.UTF-8"}


@pytest.fixture(scope="session")
def made_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example workspace as `make lab` makes it: once, copied for each test."""
    folder = tmp_path_factory.mktemp("example")
    subprocess.run(
        [sys.executable, "-m", "jupyter_mlws.projects.example", str(folder / "workspace")],
        env=isolated(folder),
        check=True,
        timeout=300,
    )
    return folder / "workspace"


@pytest.fixture
def example(made_example: Path, tmp_path: Path) -> Path:
    """A copy of the example workspace."""
    return Path(shutil.copytree(made_example, tmp_path / "workspace", symlinks=True))


@pytest.fixture
def start_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Start a lab on a folder; stopped at the end of the test, by its pid."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(root: Path, *arguments: str) -> Lab:
        environment = isolated(tmp_path / "lab")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        RESULTS.mkdir(exist_ok=True)
        with (RESULTS / f"lab-{os.getpid()}-{port}.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    str(Path(sys.executable).parent / "jupyter-lab"),
                    "--no-browser",
                    "--allow-root",
                    f"--ServerApp.root_dir={root}",
                    "--ServerApp.ip=127.0.0.1",
                    f"--ServerApp.port={port}",
                    f"--IdentityProvider.token={TOKEN}",
                    "--LabApp.expose_app_in_browser=True",
                    *arguments,
                ],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, process)
        return Lab(url, root, environment)

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the lab at {url} did not start")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or whatever the machine has.

    It ends with this package: the tests after it need the thread's event loop for themselves.
    """
    if CHROMIUM is None:
        if os.environ.get("MLWS_REQUIRE_BROWSER"):
            pytest.fail("no Chromium on the path")
        pytest.skip("no Chromium on the path")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of its own; a screenshot of its end is kept."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    RESULTS.mkdir(exist_ok=True)
    page.screenshot(path=RESULTS / f"{request.node.name}.png")
    context.close()


@pytest.fixture
def shoot(page: Page) -> Callable[[str], None]:
    """Keep a picture of the page: ``shoot("canvas")``."""

    def keep(name: str) -> None:
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / f"{name}.png")

    return keep
