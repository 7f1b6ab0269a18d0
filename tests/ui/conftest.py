"""A real lab in a real Chromium, on a copy of the example workspace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import (
    RESULTS,
    browser,
    jp_asyncio_loop,
    jp_server_cleanup,
    page,
    shoot,
)
from tests.ports import free_port

expect.set_options(timeout=20_000)
"""Milliseconds; DVC and MLflow take some seconds to come, on a busy machine more."""

__all__ = ["browser", "jp_asyncio_loop", "jp_server_cleanup", "page", "shoot"]

TOKEN = "a-token-for-this-test"
QUIET = {"fetchNews": "false", "checkForUpdates": False}
START_LIMIT = 60
"""Seconds."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    root: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server; runs go on."""
        self.process.send_signal(how)
        self.process.wait(30)

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

    def start(
        root: Path, *arguments: str, port: int | None = None, python: Path | None = None
    ) -> Lab:
        environment = isolated(tmp_path / "lab")
        if python is not None:
            # Another environment on top of this one: the lab's own files are here.
            prefix = Path(sys.prefix)
            environment["JUPYTER_PATH"] = str(prefix / "share" / "jupyter")
            environment["JUPYTER_CONFIG_PATH"] = str(prefix / "etc" / "jupyter")
            environment["JUPYTERLAB_DIR"] = str(prefix / "share" / "jupyter" / "lab")
        port = port or free_port()
        RESULTS.mkdir(exist_ok=True)
        with (RESULTS / f"lab-{os.getpid()}-{port}.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    str(python or sys.executable),
                    "-m",
                    "jupyterlab",
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
        return Lab(url, root, environment, process)

    yield start
    for process in processes:
        if process.poll() is not None:
            continue
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


@pytest.fixture
def lab(start_lab: Callable[..., Lab], example: Path) -> Lab:
    """A lab on the example workspace; tests of another project have their own."""
    return start_lab(example)
