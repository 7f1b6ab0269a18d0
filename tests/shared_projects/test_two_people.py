"""Two people with their own labs and one shared project, with git, DVC and a data server."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyter_mlws.containers.manager import hub_service
from jupyter_mlws.core.errors import UnfinishedOperationError, UnrelatedHistoriesError
from jupyter_mlws.core.trust import trust
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import Template
from jupyter_mlws.shared_projects.manager import TeamManager
from jupyter_mlws.shared_projects.models import Role, TeamProject
from jupyter_mlws.versioning.code.models import PullOutcome, Resolution, SideChoice
from jupyter_mlws.workspace import Workspace
from tests.versioning.working_trees import add_data

PROJECT = "wine"
GRAPES = b"red and white" * 1000


@pytest.fixture
def objects() -> dict[str, bytes]:
    """What the service keeps, by path."""
    return {}


@pytest.fixture
def service(objects: dict[str, bytes]) -> Iterator[str]:
    """The address of a server that keeps objects, as the Hub's service does for DVC."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = objects.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            objects[self.path] = b"".join(chunks)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def project(
    service: str, objects: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> TeamProject:
    """A shared project whose repository is empty; git finds it in a folder."""
    address = f"{service}/services/mlws/"
    bare = tmp_path / "git" / f"{PROJECT}.git"
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", bare], check=True)
    for name, value in {
        "MLWS_SERVICE_URL": service,
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_API_TOKEN": "token-of-the-lab",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{bare.parent}/.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{address}git/",
    }.items():
        monkeypatch.setenv(name, value)
    project = TeamProject(
        name=PROJECT,
        description="",
        role=Role.WRITER,
        members=[],
        created_at=datetime.now(UTC),
        git_url=f"{address}git/{PROJECT}.git",
        data_url=f"{address}data/{PROJECT}",
        tracking_url=None,
    )
    described = json.dumps({"data": project.model_dump(mode="json")}).encode()
    objects[f"/services/mlws/api/v1/team/projects/{PROJECT}"] = described
    return project


class Person:
    """A home with a lab's managers."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.root = home / PROJECT
        self.projects = ProjectManager(home)
        service = hub_service()
        assert service is not None
        self._team = TeamManager(service, self.projects)

    def clone(self, project: TeamProject) -> None:
        self._team.clone(project)
        trust(self.root)

    def connect(self, project: TeamProject) -> None:
        self._team.connect(project.name, PROJECT)

    def commit(self, path: str, text: str) -> None:
        (self.root / path).write_text(text)
        self.workspace.snapshots.create(f"Change {path}")

    @property
    def workspace(self) -> Workspace:
        return self.projects.workspace(PROJECT)

    def status(self) -> str:
        command = ["git", "status", "--porcelain"]
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True).stdout


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Callable[[str], Person]]:
    people: list[Person] = []

    def arrive(name: str) -> Person:
        people.append(Person(tmp_path / name))
        return people[-1]

    yield arrive
    for one in people:
        one.projects.close()


def test_sharing_leaves_every_clone_clean_and_brings_the_data(
    project: TeamProject, person: Callable[[str], Person]
) -> None:
    ann, bob = person("ann"), person("bob")
    ann.projects.create(PROJECT, Template.EMPTY)
    trust(ann.root)
    (ann.root / "grapes.bin").write_bytes(GRAPES)
    add_data(ann.root, "grapes.bin")
    ann.commit("a.py", "a = 1\n")
    ann.connect(project)
    assert ann.status() == ""
    assert ann.workspace.remotes.push().data == ["grapes.bin"]
    bob.clone(project.model_copy(update={"role": Role.READER}))
    assert project.data_url in (bob.root / ".dvc" / "config.local").read_text()
    for one in (ann, bob):
        (remote,) = one.workspace.data_remotes.list()
        assert (remote.url, remote.default) == (project.data_url, True)
        assert "remote" not in (one.root / ".dvc" / "config").read_text()
        assert one.status() == ""
    (dataset,) = bob.workspace.datasets.list().items
    bob.workspace.datasets.pull(dataset.id)
    assert (bob.root / "grapes.bin").read_bytes() == GRAPES
    for path in (bob.root / ".dvc").rglob("*"):
        assert path.is_dir() or b"token-of-the-lab" not in path.read_bytes()


def test_a_clone_of_gits_own_has_the_data_remote_too(
    project: TeamProject, person: Callable[[str], Person]
) -> None:
    ann, bob = person("ann"), person("bob")
    ann.clone(project)
    (ann.root / "grapes.bin").write_bytes(GRAPES)
    add_data(ann.root, "grapes.bin")
    ann.commit("a.py", "a = 1\n")
    ann.workspace.remotes.push()
    subprocess.run(["git", "clone", "-q", project.git_url, bob.root], check=True)
    trust(bob.root)
    # With settings of the snapshot in reserve.
    bob.workspace.snapshots.restore("HEAD")
    assert (bob.root / "grapes.bin").read_bytes() == GRAPES
    assert bob.status() == ""


def test_clones_that_are_older_than_the_first_push_go_on(
    project: TeamProject, person: Callable[[str], Person]
) -> None:
    ann, bob, eve = person("ann"), person("bob"), person("eve")
    for one in (ann, bob, eve):
        one.clone(project)
        assert one.status() == ""
    ann.commit("a.py", "a = 1\n")
    ann.workspace.remotes.push()
    assert bob.workspace.remotes.pull().outcome is PullOutcome.FAST_FORWARD
    eve.commit("e.py", "e = 1\n")
    assert eve.workspace.remotes.pull().outcome is PullOutcome.MERGED
    eve.workspace.remotes.push()
    ann.workspace.remotes.pull()
    assert {"a.py", "e.py"} <= {path.name for path in ann.root.iterdir()}


def test_one_older_than_a_project_that_was_shared_goes_on_too(
    project: TeamProject, person: Callable[[str], Person]
) -> None:
    ann, bob, eve = person("ann"), person("bob"), person("eve")
    for one in (bob, eve):
        one.clone(project)
        one.commit(f"{one.root.parent.name}.py", "x = 1\n")
    eve.commit("a.py", "a = 2\n")
    ann.projects.create(PROJECT, Template.EMPTY)
    trust(ann.root)
    ann.commit("a.py", "a = 1\n")
    ann.connect(project)
    ann.workspace.remotes.push()
    assert bob.workspace.remotes.pull().outcome is PullOutcome.MERGED
    bob.workspace.remotes.push()
    # Both have a file of that name.
    with pytest.raises(UnfinishedOperationError):
        eve.workspace.remotes.pull()
    merged = eve.workspace.merges.merge("origin/main")
    assert [conflict.path for conflict in merged.conflicts] == ["a.py"]
    eve.workspace.merges.resolve("a.py", Resolution(take=SideChoice.THEIRS))
    eve.workspace.merges.finish()
    eve.workspace.remotes.push()
    assert (eve.root / "a.py").read_text() == "a = 1\n"


def test_other_histories_without_a_common_commit_are_still_refused(
    project: TeamProject, person: Callable[[str], Person]
) -> None:
    ann, bob = person("ann"), person("bob")
    ann.clone(project)
    ann.commit("a.py", "a = 1\n")
    ann.workspace.remotes.push()
    # A project of another history, shared under a name that is in use.
    bob.projects.create(PROJECT, Template.EMPTY)
    trust(bob.root)
    bob.commit("b.py", "b = 1\n")
    bob.connect(project)
    with pytest.raises(UnrelatedHistoriesError):
        bob.workspace.remotes.pull()
    # A project whose history was replaced.
    subprocess.run(["git", "push", "-qf", "origin", "HEAD:main"], cwd=bob.root, check=True)
    with pytest.raises(UnrelatedHistoriesError):
        ann.workspace.remotes.pull()
