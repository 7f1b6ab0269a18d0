"""Branches, remotes, models and data by words: the same through a server and on the files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.api.client import segment
from jupyter_mlws.client.local import LocalTransport
from jupyter_mlws.client.project import (
    Origin,
    ProjectClient,
    dataset_address,
    open_project,
    path_segment,
)
from jupyter_mlws.versioning.model_registry.models import ModelCreate
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests.command_line import call
from tests.server import Server

Git = Callable[..., str]


@pytest.fixture(autouse=True)
def runtime(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of other tests, or of the person who runs them, are not seen."""
    (home / "runtime").mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))


@pytest.fixture
def full(project: Project, mlflow_store: None, git: Git, tmp_path: Path) -> Project:
    """A project with data, a model, a bare remote and a remote for data; both are committed."""
    root = project.root
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    with (root / ".dvc" / "config").open("a") as file:
        file.write(
            f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path}/store\n"
        )
    (root / "wine.csv").write_text("one\n")
    workspace = Workspace(project)
    workspace.datasets.add("wine.csv")
    workspace.snapshots.create("Data")
    metrics = {"acc": 0.5, "forest.f1": 0.9}
    workspace.models.register(ModelCreate(name="酒", params={"a": 1}, metrics=metrics))
    workspace.close()
    return project


def words(folder: Path, *line: str, code: int = 0, language: str = "C.UTF-8") -> str:
    done = call(folder, *line, code=code, language=language)
    return done.stdout + done.stderr


def test_a_person_branches_pushes_and_pulls(full: Project, git: Git, tmp_path: Path) -> None:
    root = full.root
    assert "feature" in words(root, "branch", "feature")
    assert json.loads(words(root, "checkout", "feature", "--json"))["branch"] == "feature"
    (root / "wine.csv").write_text("two\n")
    assert "modified" in words(root, "data", "list")
    assert "修改" in words(root, "data", "list", language="zh_CN.UTF-8")
    assert "30202" in words(root, "data", "pull", "wine.csv", code=1)
    words(root, "commit", "-m", "Two")
    assert "origin/feature" in words(root, "push")
    assert "origin/feature" in words(root, "branch")
    words(root, "checkout", "main")
    assert (root / "wine.csv").read_text() == "one\n"
    assert "Data" in words(root, "data", "show", "wine.csv")
    assert "Did you mean forest.f1?" in words(root, "models", "best", "f1")
    assert "Did you mean" not in words(root, "models", "best", "acc")
    words(root, "data", "checkout", "wine.csv", "feature")
    assert (root / "wine.csv").read_text() == "two\n"
    words(root, "restore", "HEAD", "-y")
    git(tmp_path, "clone", "-q", "-b", "feature", str(tmp_path / "bare.git"), "theirs")
    words(tmp_path / "theirs", "trust")
    got = json.loads(words(tmp_path / "theirs", "pull", "--json"))
    assert got["data"] == ["wine.csv"]
    assert (tmp_path / "theirs" / "wine.csv").read_text() == "two\n"
    assert "feature" in words(root, "branch", "-d", "feature")
    words(root, "checkout", "-b", "again")
    words(root, "branch", "-d", code=2)
    assert "酒" in words(root, "models")
    assert "a=1" in words(root, "models", "酒")


def test_every_word_gives_the_same_through_the_server_and_on_the_files(
    full: Project, home: Path
) -> None:
    with Server(home, full.root):
        remote = open_project(full.root, "en", Origin.CLI)
        assert remote.runs is None
        local = ProjectClient(full, LocalTransport(full, "en"), "en", Origin.CLI)
        _compare(remote, local, full.root)
        local.close()


def test_a_restore_tells_its_steps_without_a_server(full: Project) -> None:
    (full.root / "wine.csv").write_text("changed\n")
    local = ProjectClient(full, LocalTransport(full, "en"), "en", Origin.CLI)
    told: list[str] = []
    local.follow("snapshots/HEAD/restore", {}, told.append)
    local.close()
    assert told[0] == "plan"
    assert len(told) > 2


def _compare(remote: ProjectClient, local: ProjectClient, root: Path) -> None:
    def quiet(text: str) -> None: ...

    made = remote.post("git/branch", {"name": "one", "from": "HEAD"})
    assert set(made) == set(local.post("git/branch", {"name": "two", "from": "HEAD"}))
    assert remote.list("git/branches") == local.list("git/branches")
    results: list[Any] = []
    for session, branch in ((remote, "one"), (local, "two")):
        results.append(session.follow("git/checkout", {"branch": branch}, quiet))
        session.follow("git/push", {}, quiet)
        session.follow("git/pull", {}, quiet)
    assert set(results[0]) == set(results[1])
    assert remote.list("models", 5) == local.list("models", 5)
    assert remote.get(f"models/{path_segment('酒')}") == local.get(f"models/{path_segment('酒')}")
    assert remote.list("datasets", 5, {"q": "wine"}) == local.list("datasets", 5, {"q": "wine"})
    assert remote.get(dataset_address("wine.csv")) == local.get(dataset_address("wine.csv"))
    (root / "more.csv").write_text("more\n")
    assert remote.post("datasets", {"path": "more.csv"}) == local.post(
        "datasets", {"path": "more.csv"}
    )
    assert remote.follow("datasets/more.csv/push", {}, quiet) == local.follow(
        "datasets/more.csv/push", {}, quiet
    )
    assert remote.follow("datasets/more.csv/pull", {}, quiet) == local.follow(
        "datasets/more.csv/pull", {}, quiet
    )
    restored = remote.follow("datasets/wine.csv/checkout", {"version": "HEAD"}, quiet)
    assert restored == local.follow("datasets/wine.csv/checkout", {"version": "HEAD"}, quiet)
    assert remote.delete("git/branch/one", {"force": False})["name"] == "one"
    assert remote.get("datasets/wine.csv/diff", {"from": "HEAD", "to": None}) == local.get(
        "datasets/wine.csv/diff", {"from": "HEAD", "to": None}
    )
    asked = {"remote": "read"}
    assert remote.follow("datasets/wine.csv/verify", asked, quiet) == local.follow(
        "datasets/wine.csv/verify", asked, quiet
    )
    assert set(remote.get("datasets/storage")) == set(local.get("datasets/storage"))
    given = {"url": "../other"}
    assert remote.put("datasets/remotes/o", given) == local.put("datasets/remotes/o", given)
    assert remote.list("datasets/remotes") == local.list("datasets/remotes")
    assert remote.post("datasets/remotes/o/check") == local.post("datasets/remotes/o/check", {})
    assert remote.delete("datasets/remotes/o")["name"] == "o"
    assert remote.get("models/best", {"metric": "acc"}) == local.get(
        "models/best", {"metric": "acc"}
    )
    assert remote.list(f"models/{path_segment('酒')}/aliases/history") == local.list(
        f"models/{path_segment('酒')}/aliases/history"
    )
    assert remote.get("models/compare", {"ids": "酒:1,酒:1"}) == local.get(
        "models/compare", {"ids": "酒:1,酒:1"}
    )
    assert set(remote.post("runs/state")) == set(local.post("runs/state"))
    begun = remote.post("runs", {"name": "r"})
    assert set(begun) == set(local.post("runs", {"name": "l"}))
    end = {"status": "COMPLETED"}
    assert remote.post(f"runs/{segment(begun['id'])}/end", end)["status"] == "COMPLETED"
    assert remote.get(f"runs/{segment(begun['id'])}") == local.get(f"runs/{segment(begun['id'])}")
    search = {"sort": ["attributes.start_time ASC"], "nested": True}
    assert remote.list("runs", 5, search) == local.list("runs", 5, search)
    assert remote.get("lineage", {"of": "model:酒:1"}) == local.get("lineage", {"of": "model:酒:1"})
    made = remote.follow(f"runs/{path_segment('酒')}:1/reproduce", {}, quiet)
    assert remote.list("reproductions") == local.list("reproductions") == [made]
    assert local.delete(f"reproductions/{segment(made['id'])}") == made


def test_data_is_verified_compared_and_sent_by_words(full: Project, tmp_path: Path) -> None:
    root = full.root
    assert "store" in words(root, "data", "remote")
    assert "Connected" in words(root, "data", "remote", "store")
    made = json.loads(words(root, "data", "remote", "far", str(tmp_path / "far"), "--json"))
    assert (made["kind"], made["default"], made["credentials"]) == ("local", False, [])
    assert "30404" in words(root, "data", "remote", "nobody", code=1)
    assert "the URL" in words(root, "data", "remote", "far", "--region", "eu", code=2)
    assert "'[NAME]'" in words(root, "data", "remote", "Bad", "ftp://x", code=2)
    assert "far" in words(root, "data", "remote", "-d", "far")
    (root / "wine.csv").write_text("three\n")
    assert "修改 1" in words(root, "data", "diff", "wine.csv", "--files", language="zh_CN.UTF-8")
    assert "+0" not in words(root, "diff")
    words(root, "data", "add", "wine.csv")
    shown = words(root, "data", "verify", "wine.csv", code=1)
    assert "cache  intact" in shown
    assert "store  damaged or incomplete" in shown
    words(root, "data", "push", "wine.csv")
    assert "incomplete" not in words(root, "data", "verify", "wine.csv", "--remote", "read")
    assert json.loads(words(root, "data", "storage", "--json"))["objects"] == 2
    (tmp_path / "elsewhere.csv").write_text("x\n")
    words(root, "data", "import", f"file://{tmp_path}/elsewhere.csv", "got.csv", "--no-link")
    assert (root / "got.csv").read_text() == "x\n"


def test_data_of_a_clone_is_pulled_by_one_word(full: Project, git: Git, tmp_path: Path) -> None:
    words(full.root, "push")
    git(tmp_path, "clone", "-q", str(tmp_path / "bare.git"), "clone")
    clone = tmp_path / "clone"
    words(clone, "trust")
    for line in (("status",), ("data", "list")):
        shown = words(clone, *line)
        assert "not pulled" in shown
        assert "jupyter mlws data pull" in shown
    assert "未拉取" in words(clone, "status", language="zh_CN.UTF-8")
    assert "wine.csv is stored" in words(clone, "data", "pull")
    assert (clone / "wine.csv").read_text() == "one\n"
    assert "No data to pull" in words(clone, "data", "pull")


SCRIPT = """\
import sys
import mlflow
with mlflow.start_run():
    mlflow.log_metric("accuracy", float(sys.argv[2]))
if sys.argv[2] == "0.1":
    sys.exit(3)
"""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="real programs, one after the other")
def test_a_script_is_tracked_found_compared_and_reproduced(full: Project) -> None:
    root = full.root
    (root / "train.py").write_text(SCRIPT)
    command = ("track", "--name", "one", sys.executable, "train.py", "--rate", "0.5")
    assert "COMPLETED" in words(root, *command)
    assert "FAILED" in words(root, "track", sys.executable, "train.py", "-r", "0.1", code=1)
    words(root, "track", code=2)
    *runs, model = json.loads(words(root, "runs", "--json"))
    assert model["experiment"] == "酒"
    assert [run["metrics"].get("accuracy") for run in runs] == [0.1, 0.5]
    assert [run["name"] for run in runs][1] == "one"
    asked = ("-s", "metrics.accuracy DESC", "-n", "1", "-f", "metrics.accuracy > 0", "--json")
    assert json.loads(words(root, "runs", *asked))[0]["name"] == "one"
    assert "'-f' / '--filter'" in words(root, "runs", "-f", "nonsense", code=2)
    ids = [run["id"] for run in runs]
    assert "accuracy" in words(root, "compare", *ids)
    words(root, "compare", ids[0], code=2)
    assert "酒" in words(root, "models", "best", "acc")
    assert "还没有别名" in words(root, "models", "酒", "--aliases", language="zh_CN.UTF-8")
    words(root, "models", "酒", "acc", code=2)
    assert "run one" in words(root, "lineage", f"run:{ids[1]}")
    words(root, "lineage", "wine.csv")
    # What was not committed is there.
    assert "Delete it with" in words(root, "reproduce", ids[1])
    (made,) = json.loads(words(root, "reproduce", "--json"))
    assert (root / made["path"] / "train.py").read_text() == SCRIPT
    assert (root / made["path"] / "wine.csv").read_text() == "one\n"
    words(root, "reproduce", "--remove", made["id"])
    assert not (root / made["path"]).exists()
    assert json.loads(words(root, "status", "--json"))["changes"][0]["path"] == "train.py"
