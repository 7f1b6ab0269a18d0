"""Two labs' servers and a terminal commit at once: one line of history, with everything in it.

``MLWS_TOGETHER`` sets the seconds that they do so; a minute is the measure, CI takes less.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.api.client import API, RemoteError, Server, running
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests import python

Command = Callable[..., str]
SECONDS = float(os.environ.get("MLWS_TOGETHER", "3"))
START_LIMIT = 60
TOKEN = "token-of-the-servers"
SERVER = "import sys; from jupyter_server.serverapp import main; main(sys.argv[1:])"


def answers(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}api", timeout=5):
            return True
    except OSError:
        return False


@pytest.fixture(autouse=True)
def runtime(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "runtime").mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)


@pytest.fixture
def labs(
    workspace: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[list[Server]]:
    """Servers of one project, as many as the parameter says, with a remote for its data."""
    config = workspace.root / ".dvc" / "config.local"
    config.write_text(
        f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'remote'}\n"
    )
    arguments = [
        "--no-browser", "--allow-root", "--ServerApp.port=0",
        f"--ServerApp.root_dir={workspace.root}",
        # Its usual place is where the libraries were imported.
        f"--BaseFileIdManager.db_path={tmp_path / 'file_ids.db'}",
        "--ServerApp.jpserver_extensions={'jupyter_mlws': True}",
    ]  # fmt: skip
    environment = {**os.environ, "JUPYTER_TOKEN": TOKEN}
    processes = [python.Python(SERVER, *arguments, env=environment) for _ in range(request.param)]
    deadline = time.monotonic() + START_LIMIT
    found: list[Server] = []
    while len(found) < request.param:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        found = [server for server in running("en") if answers(server)]
    yield found
    for process in processes:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        sys.stderr.write(process.communicate()[1].decode())


@pytest.mark.timeout(240 + 2 * SECONDS)
@pytest.mark.parametrize("labs", [2], indirect=True)
def test_everything_that_is_committed_at_once_is_there(
    labs: list[Server], workspace: Project, git: Command, dvc: Command, tmp_path: Path
) -> None:
    root = workspace.root
    end = time.monotonic() + SECONDS
    made: dict[str, list[str]] = {"0": [], "1": [], "terminal": []}
    failures: list[object] = []

    def lab(name: str, server: API) -> None:
        while time.monotonic() < end:
            path = f"{name}-{len(made[name])}.txt"
            (root / path).write_text(path)
            body = {"message": path, "paths": [path]}
            try:
                made[name].append(server.post("snapshots", body)["id"])
            except (RemoteError, MLWSError) as error:
                failures.append(error)
                return

    def terminal() -> None:
        while time.monotonic() < end:
            # Without a server's files it works by itself, as where none can be reached.
            environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path)}
            text = f"{len(made['terminal'])}\n"
            (root / "data" / "wine.csv").write_text(text)
            words = ("commit", "-m", text, "data/wine.csv", "--json")
            done = python.run(python.MLWS, *words, cwd=root, env=environment)
            if done.returncode != 0:
                failures.append(done.stdout + done.stderr)
                return
            made["terminal"].append(json.loads(done.stdout)["id"])

    threads = [
        threading.Thread(target=lab, args=("0", labs[0])),
        threading.Thread(target=lab, args=("1", labs[1])),
        threading.Thread(target=terminal),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert all(made.values()), made
    every = [sha for shas in made.values() for sha in shas]
    history = git(root, "rev-list", "HEAD").split()
    assert sorted(history) == sorted([*every, *history[-2:]])
    assert git(root, "rev-list", "--merges", "HEAD") == ""
    for name in ("0", "1"):
        for number, sha in enumerate(made[name]):
            changed = git(root, "show", "--name-only", "--format=", sha).split()
            assert changed == [f"{name}-{number}.txt"]
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "for-each-ref", "refs/mlws") == ""
    git(root, "fsck", "--strict")
    # Every version of the data that was made is at the remote.
    names = {path.parent.name + path.name for path in (tmp_path / "remote").rglob("*")}
    versions = Workspace(workspace)
    for sha in made["terminal"]:
        data = {row.path: row.md5 for row in versions.snapshots.get(sha).data}
        assert data["data/wine.csv"] in names
    versions.close()
    sys.stdout.write(f"{ {name: len(shas) for name, shas in made.items()} }\n")


@pytest.mark.parametrize("labs", [1], indirect=True)
def test_whoever_waits_is_told_for_whom(
    labs: list[Server], workspace: Project, tmp_path: Path
) -> None:
    root = workspace.root
    (root / "new.txt").write_text("new")
    said: list[str] = []
    command = [sys.executable, "-m", "jupyter_mlws", "commit", "-m", "New", "new.txt"]
    for runtime in (str(tmp_path), os.environ["JUPYTER_RUNTIME_DIR"]):
        # By itself, then through a lab's server.
        with workspace.lock("restore"):
            process = subprocess.Popen(
                command,
                cwd=root,
                env={**os.environ, "JUPYTER_RUNTIME_DIR": runtime},
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            )
            assert process.stderr is not None
            said.append(process.stderr.readline())
            status = labs[0].get("git/status")
            assert status["lock"]["operation"] == "restore"
            assert status["lock"]["pid"] == os.getpid()
        assert process.wait(60) == 0
        process.stderr.close()
        (root / "new.txt").write_text("newer")
    for line in said:
        assert "restore" in line
        assert f"pid {os.getpid()}" in line
