"""The words through a real running server, and how it is found."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.api import client
from jupyter_mlws.api.client import RemoteError, find_server, running, segment
from jupyter_mlws.cli import workflow_runs
from jupyter_mlws.client.local import LocalTransport, find
from jupyter_mlws.client.project import (
    Origin,
    ProjectClient,
    open_project,
    workflow_address,
)
from jupyter_mlws.core.errors import RequestFailedError
from jupyter_mlws.server.endpoints import datasets, git, lineage, models, runs, snapshots, workflows
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests.command_line import call
from tests.server import TOKEN, Server

WORKFLOW = """\
vars:
  - workflow: {name: Small}
stages:
  first:
    cmd: echo hello > first.txt && echo printed
    outs: [first.txt]
"""
LIMIT = 60


@pytest.fixture(autouse=True)
def runtime(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Servers of other tests, or of the person who runs them, are not seen."""
    folder = home / "runtime"
    folder.mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    return folder


@pytest.fixture
def serving(home: Path, project: Project) -> Iterator[None]:
    """A server of the project runs."""
    with Server(home, project.root):
        yield


def both(project: Project) -> tuple[ProjectClient, ProjectClient]:
    """The same project through its server and on its files."""
    remote = open_project(project.root, "en", Origin.CLI)
    assert remote.runs is None
    return remote, ProjectClient(project, LocalTransport(project, "en"), "en", Origin.CLI)


def ended(session: ProjectClient, path: str, run: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT
    while (state := workflow_runs.get_run(session, path, run))["ended"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return state


def test_every_word_gives_the_same_through_the_server_and_on_the_files(
    serving: None, mlflow_store: None, project: Project
) -> None:
    remote, local = both(project)
    file = project.root / "a.txt"
    file.write_text("one\n")
    (project.root / "dvc.yaml").write_text(WORKFLOW)

    assert remote.get("git/status") == local.get("git/status")
    assert remote.get("git/diff", {"from": "HEAD"}) == local.get("git/diff", {"from": "HEAD"})
    first = remote.post("snapshots", {"message": '第一版 "quoted"'})
    assert first["subject"] == '第一版 "quoted"'
    file.write_text("two\n")
    assert remote.get("git/diff", {"from": "HEAD", "path": "a.txt"}) == local.get(
        "git/diff", {"from": "HEAD", "path": "a.txt"}
    )
    second = local.post("snapshots", {"message": "second", "paths": ["a.txt"]})
    assert set(first) == set(second)
    assert remote.list("snapshots", 10) == local.list("snapshots", 10)
    assert remote.list("snapshots", 1) == local.list("snapshots", 1)
    assert remote.list("snapshots", 10, {"path": "a.txt", "q": "quoted"}) == local.list(
        "snapshots", 10, {"path": "a.txt", "q": "quoted"}
    )
    both_ends = {"from": first["id"], "to": second["id"]}
    assert remote.get("snapshots/diff", both_ends) == local.get("snapshots/diff", both_ends)
    for paths in ([], ["a.txt"], ["a.txt", "dvc.yaml"]):
        expected = local.get(f"snapshots/{segment(first['id'])}/restore-plan", {"paths": paths})
        assert (
            remote.get(f"snapshots/{segment(first['id'])}/restore-plan", {"paths": paths})
            == expected
        )

    assert remote.list("components") == local.list("components")
    assert workflow_runs.list_workflows(remote) == workflow_runs.list_workflows(local)
    assert remote.get(workflow_address("dvc.yaml")) == local.get(workflow_address("dvc.yaml"))
    assert remote.get("workflows/dvc.yaml/plan") == local.get("workflows/dvc.yaml/plan")
    asked = {"targets": ["first"], "force": True, "jobs": 3}
    assert remote.get("workflows/dvc.yaml/plan", asked) == local.get(
        "workflows/dvc.yaml/plan", asked
    )

    assert remote.get("workflows/dvc.yaml/sweeps") == local.get(
        "workflows/dvc.yaml/sweeps", {"metric": None}
    )

    run = workflow_runs.execute(remote, "dvc.yaml", {"jobs": 1})
    done = ended(remote, "dvc.yaml", run["id"])
    assert done["status"] == "COMPLETED"
    assert done["origin"] == "cli"
    again = workflow_runs.execute(local, "dvc.yaml", {})
    ended(local, "dvc.yaml", again["id"])
    assert workflow_runs.get_run(remote, "dvc.yaml", run["id"]) == workflow_runs.get_run(
        local, "dvc.yaml", run["id"]
    )
    assert remote.list("workflows/dvc.yaml/runs") == local.list("workflows/dvc.yaml/runs")
    assert [r["run"] for r in remote.list("runs", 1)] == [r["run"] for r in local.list("runs", 1)]
    log = remote.get(f"workflows/dvc.yaml/runs/{run['id']}/nodes/first/log")
    assert "printed" in log["text"]
    assert log == local.get(f"workflows/dvc.yaml/runs/{run['id']}/nodes/first/log")
    workflow_runs.cancel(remote, "dvc.yaml", run["id"])

    # A restore is an operation there; the session waits for its end.
    file.write_text("damaged\n")
    result = remote.follow(
        f"snapshots/{segment(first['id'])}/restore", {"paths": ["a.txt"]}, lambda text: None
    )
    assert file.read_text() == "one\n"
    assert result["restored"] == ["a.txt"]
    assert result["safety"]
    with pytest.raises(RemoteError) as through:
        remote.get("snapshots/feedbeef/restore-plan", {"paths": []})
    with pytest.raises(MLWSError) as direct:
        local.get("snapshots/feedbeef/restore-plan", {"paths": []})
    told, expected = through.value.as_dict("en"), direct.value.as_dict("en")
    assert {key: told[key] for key in expected} == expected
    local.close()


def test_every_endpoint_of_a_project_can_be_called_without_a_server() -> None:
    for area in (datasets, git, lineage, models, runs, snapshots, workflows):
        for endpoint in area.endpoints:
            path = re.sub(r"{\w+}", "x", endpoint.path)
            assert find(endpoint.method, path)[0] is endpoint


def test_the_command_line_uses_the_server_and_never_tells_its_token(
    serving: None, mlflow_store: None, project: Project, runtime: Path
) -> None:
    def mlws(*words: str, code: int = 0) -> str:
        done = call(project.root, *words, code=code, language="zh_CN.UTF-8")
        assert TOKEN not in done.stdout + done.stderr
        return done.stdout + done.stderr

    (project.root / "dvc.yaml").write_text(WORKFLOW)
    assert json.loads(mlws("run", "--json"))["status"] == "COMPLETED"
    # The server words its errors in the language that was asked for.
    assert "找不到" in mlws("restore", "feedbeef", code=1)
    assert project.root.name in mlws("projects", "list")

    # With a token that the server refuses, the files are worked on.
    info = next(runtime.glob("jpserver-*.json"))
    info.write_text(json.dumps({**json.loads(info.read_text()), "token": "another person's"}))
    assert open_project(project.root, "en", Origin.CLI).runs is not None


def test_a_project_below_the_servers_root_is_found_by_its_id(
    project: Project, home: Path, tmp_path: Path
) -> None:
    with Server(home, tmp_path):
        remote = open_project(project.root, "en", Origin.CLI)
        assert remote.runs is None
        (project.root / "a.txt").write_text("one\n")
        assert [change["path"] for change in remote.get("git/status")["changes"]] == ["a.txt"]


def test_files_of_dead_and_damaged_servers_are_passed_over(project: Project, runtime: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    info = {"url": "http://127.0.0.1:1/", "root_dir": str(project.root), "token": "t"}
    (runtime / "jpserver-1.json").write_text(json.dumps({**info, "pid": ended.pid}))
    (runtime / "jpserver-2.json").write_text("{half")
    (runtime / "jpserver-3.json").write_text("[]")
    (runtime / "jpserver-4.json").write_text(json.dumps({**info, "pid": os.getpid()}))
    assert [server.url for server in running("en")] == ["http://127.0.0.1:1/"]
    assert find_server(project.root, "en") is None
    # Another program's files stay where they are.
    assert len(list(runtime.iterdir())) == 4


def test_a_server_that_vanishes_is_an_error_with_a_way_out(project: Project) -> None:
    gone = client.Server("http://127.0.0.1:1/", TOKEN, root=project.root)
    with pytest.raises(RequestFailedError) as raised:
        gone.get("projects")
    assert TOKEN not in str(raised.value.as_dict("en"))
    assert TOKEN not in repr(gone)


def test_what_is_no_answer_of_ours_is_no_server_of_ours(project: Project, home: Path) -> None:
    with Server(home, project.root, extension=False):
        assert find_server(project.root, "en") is None
        plain = next(running("en"))
        with pytest.raises(RequestFailedError):
            plain.get("projects")
