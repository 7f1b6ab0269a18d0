"""Runs and model versions travel with pushes and pulls between real clones."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.core.trust import trust
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.mlflow.bundles import BundleError, check_files, read_lines, write_lines
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.versioning.experiments.models import CurvesQuery, ReproduceRequest, RunsQuery
from jupyter_mlws.versioning.model_registry.models import ModelCreate
from jupyter_mlws.versioning.publishing.shared_runs import (
    FETCHED_RUNS,
    SHARED_RUNS,
    entry_path,
    entry_text,
)
from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from mlws.dvc.cache import StoredObject
from mlws.dvc.data import open_data
from mlws.dvc.pointers import read_pointers
from tests import python
from tests.versioning.working_trees import log_run, tag_of

Command = Callable[..., str]

LOG = """
import sys, mlflow, pathlib
client = mlflow.MlflowClient(sys.argv[1], sys.argv[1])
run = sys.argv[2]
for step in range(3):
    client.log_metric(run, "loss", 1 / (step + 1), timestamp=step, step=step)
client.log_text(run, "weights " + run, "model/wine.bin")
client.log_text(run, "a,b\\n", "tables/深/a.csv")
client.set_tag(run, "owner", "<b>me</b>")
experiment = client.get_run(run).info.experiment_id
node = client.create_run(experiment, tags={"mlflow.parentRunId": run, "mlws.node": "train"})
client.log_param(node.info.run_id, "depth", "3")
client.log_text(node.info.run_id, "log", "node.log")
client.set_terminated(node.info.run_id)
net = client.create_logged_model(experiment, name="net", source_run_id=run, params={"layers": "2"})
client.log_outputs(run, [mlflow.entities.LoggedModelOutput(net.model_id, step=2)])
place = pathlib.Path(net.artifact_location.removeprefix("file://"))
place.mkdir(parents=True)
(place / "MLmodel").write_text("flavors: {}")
client.finalize_logged_model(net.model_id, mlflow.entities.LoggedModelStatus.READY)
"""


TAG = """
import sys, mlflow
mlflow.MlflowClient(sys.argv[1]).set_tag(*sys.argv[2:])
"""
DELETE_RUN = """
import sys, mlflow
mlflow.MlflowClient(sys.argv[1]).delete_run(sys.argv[2])
"""
DELETE_MODEL = """
import sys, mlflow
mlflow.MlflowClient(sys.argv[1], sys.argv[1]).delete_registered_model(sys.argv[2])
"""
EXCHANGE = """
import os, pathlib, sys
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.workspace import Workspace
moment, steps = sys.argv[3].split(","), []

def reach(step):
    if step not in steps[-1:]:
        steps.append(step)
    # Each step of the moment, with any others between them.
    rest = iter(steps)
    if all(part in rest for part in moment):
        os.kill(os.getpid(), 9)

def progress(done, total=None, unit="", message=""):
    reach(message)

ask = TrackingClient.ask
def ask_and_reach(self, call, *arguments, **options):
    reach(call)
    return ask(self, call, *arguments, **options)

TrackingClient.ask = ask_and_reach
getattr(Workspace.open(pathlib.Path(sys.argv[1])).remotes, sys.argv[2])(progress=progress)
"""
"""A push or pull that is killed at a moment: the messages and calls up to it."""

RECEIVE = """
import json, os, sys
from jupyter_mlws.mlflow import bundle_store
bundle_store.BundleMerge.set_aliases = lambda self: os.kill(os.getpid(), 9)
uri, run, files = sys.argv[1:]
bundle_store.MLflowBundles(uri).receive_bundle(run, "entry", json.loads(files))
"""


@pytest.fixture
def bare(tmp_path: Path, git: Command) -> Path:
    bare = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    return bare


@pytest.fixture
def mine(workspace: Project, bare: Path, tmp_path: Path, git: Command) -> Iterator[Workspace]:
    root = workspace.root
    git(root, "remote", "add", "origin", str(bare))
    config = root / ".dvc" / "config"
    store = tmp_path / "store"
    config.write_text(
        f"{config.read_text()}[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n"
    )
    (root / "dvc.yaml").write_text("stages: {}\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "A remote for data, and a workflow")
    versions = Workspace(workspace)
    yield versions
    versions.close()


@pytest.fixture
def theirs(mine: Workspace, bare: Path, tmp_path: Path, git: Command) -> Iterator[Workspace]:
    mine.remotes.push()
    git(tmp_path, "clone", "-q", str(bare), str(tmp_path / "theirs"))
    trust(tmp_path / "theirs")
    versions = Workspace.open(tmp_path / "theirs")
    yield versions
    versions.close()


def root_of(versions: Workspace) -> Path:
    return versions.snapshots.project.root


def call_mlflow(versions: Workspace, code: str, *arguments: str) -> None:
    """Run code with MLflow, as another program does."""
    python.run(code, tracking_uri(root_of(versions)), *arguments, check=True)


def make_run(versions: Workspace) -> str:
    """Make a run with a nested one that a new snapshot names."""
    project = Project(root_of(versions))
    run = log_run(project)
    call_mlflow(versions, LOG, run)
    commit = Git(project.root).find("HEAD")
    facts = {"mlflow_run": run, "commit": commit, "ended": time.time()}
    with closing(project.database()) as database:
        row = (run[:8], "dvc.yaml", "COMPLETED", time.time(), json.dumps(facts))
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
        database.commit()
    (project.root / f"{run}.py").write_text(f"print({run!r})\n")
    assert versions.snapshots.create(f"Run {run}").proof.runs
    return run


def register(versions: Workspace, run: str, name: str = "wine") -> int:
    created = versions.models.register(ModelCreate(name=name, artifacts=["model"], run_id=run))
    return created.version


def runs_of(versions: Workspace) -> list[str]:
    return sorted(run.id for run in versions.experiments.search(RunsQuery()).items)


def artifacts_of(versions: Workspace) -> dict[str, bytes]:
    folder = root_of(versions) / "mlruns"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def bundle_files(versions: Workspace, run: str) -> dict[str, Path]:
    """The files in the cache of what was last exchanged of a run."""
    root = root_of(versions)
    text = Git(root).blob(f"{FETCHED_RUNS}origin", entry_path(run))
    (item,) = read_pointers({"bundle.dvc": text or b""})
    with open_data(root) as data:
        return {
            inside: data.cache.path_of(StoredObject(md5, item))
            for inside, md5 in data.cache.list_files(item)
        }


def rows_of(versions: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """What MLflow's store has of runs, but for what differs between clones."""
    queries = {
        "runs": "SELECT run_uuid, name, status, start_time, end_time, user_id FROM runs",
        "params": "SELECT run_uuid, key, value FROM params",
        "tags": "SELECT run_uuid, key, value FROM tags WHERE key <> 'mlws.bundle'",
        "metrics": "SELECT run_uuid, key, value, timestamp, step, is_nan FROM metrics",
        "latest": "SELECT run_uuid, key, value, timestamp, step, is_nan FROM latest_metrics",
        "versions": "SELECT name, run_id, creation_time FROM model_versions",
    }
    with closing(sqlite3.connect(root_of(versions) / "mlflow.db")) as database:
        return {name: sorted(database.execute(query)) for name, query in queries.items()}


def test_runs_and_models_of_both_sides_are_on_both_sides_once(
    mine: Workspace, theirs: Workspace
) -> None:
    first = make_run(mine)
    assert register(mine, first) == 1
    mine.models.set_alias("wine", "champion", 1)
    pushed = mine.remotes.push()
    assert (pushed.runs, pushed.warnings) == (1, [])

    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.warnings) == (1, [])
    assert rows_of(theirs) == rows_of(mine)
    assert runs_of(theirs) == [first]
    assert theirs.models.get("wine").aliases == {"champion": 1}
    files = root_of(theirs) / "mlruns" / "Wine" / first / "artifacts"
    assert (files / "model" / "wine.bin").read_text() == f"weights {first}"
    assert (files / "tables" / "深" / "a.csv").read_text() == "a,b\n"
    assert theirs.models.version("wine", "1").artifacts == ["model/wine.bin"]
    assert theirs.remotes.pull().runs == 0

    # Both sides go on: each registers a second version of the same model.
    ours, other = make_run(mine), make_run(theirs)
    assert (register(mine, ours), register(theirs, other)) == (2, 2)
    theirs.models.set_alias("wine", "champion", 2)
    assert mine.remotes.push().runs == 1
    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.outcome.value) == (1, "merged")
    pushed = theirs.remotes.push()
    # The alias has moved away from the version of the first run.
    assert (pushed.runs, pushed.warnings) == (2, [])
    assert mine.remotes.pull().runs == 2
    assert runs_of(mine) == runs_of(theirs) == sorted([first, ours, other])
    assert rows_of(mine) == rows_of(theirs)
    for versions, numbers in ((mine, [first, ours, other]), (theirs, [first, other, ours])):
        newest = versions.models.get("wine")
        by_number = {one.version: one for one in newest.versions}
        assert [by_number[number].run_id for number in (1, 2, 3)] == numbers
        # A number that was taken is recorded, and the alias follows its version.
        assert by_number[3].tags["mlws.number"] == "2"
        assert newest.aliases == {"champion": numbers.index(other) + 1}
        (after, before) = versions.models.alias_history("wine").items
        assert (after.version, after.before) == (numbers.index(other) + 1, 1)
        assert (before.version, before.before) == (1, None)
    assert [side.remotes.push().runs for side in (mine, theirs)] == [0, 0]
    assert [side.remotes.pull().runs for side in (mine, theirs)] == [0, 0]


def test_a_run_is_whole_on_the_other_side(mine: Workspace, theirs: Workspace) -> None:
    (root_of(mine) / "new.py").write_text("not committed when the run started\n")
    state = mine.run_tracker.state()
    assert state.dirty
    run = make_run(mine)
    call_mlflow(mine, TAG, run, "mlflow.source.git.commit", state.commit)
    register(mine, run)
    mine.remotes.push()
    theirs.remotes.pull()

    (curve,) = theirs.experiments.curves(CurvesQuery(ids=[run], metric="loss")).items
    assert (curve.steps, curve.values) == ([0, 1, 2], [1.0, 0.5, 1 / 3])
    runs = theirs.experiments.search(RunsQuery(nested=True)).items
    assert {"depth": "3"} in [one.params for one in runs]
    assert artifacts_of(theirs) == artifacts_of(mine)
    assert any(path.endswith("MLmodel") for path in artifacts_of(theirs))
    outputs = [output.path for output in theirs.run_outputs.list(run).items]
    assert outputs == ["model", "net", "tables"]
    assert theirs.models.compare(["wine:1", "wine:1"]).versions[0].run_id == run
    # Its own commit is only where it ran; the snapshot that names it has the same workflow.
    reproduction = theirs.reproductions.create("wine:1", ReproduceRequest(environments=False))
    root = root_of(theirs) / reproduction.path
    assert (root / "new.py").read_text() == "not committed when the run started\n"
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"


def test_two_pushes_at_once_send_the_runs_of_both(
    mine: Workspace, theirs: Workspace, git: Command
) -> None:
    ours, other = make_run(mine), make_run(theirs)
    git(root_of(theirs), "branch", "-qm", "side")
    pushes = []

    def push_theirs(
        done: float, total: float | None = None, unit: str = "", message: str = ""
    ) -> None:
        # The remote has answered with its refs, and ours are about to be sent.
        if message == "branch" and not pushes:
            pushes.append(theirs.remotes.push())

    pushed = mine.remotes.push(progress=push_theirs)
    assert [pushed.runs, pushes[0].runs] == [1, 1]
    assert pushed.warnings == pushes[0].warnings == []
    mine.remotes.pull()
    assert runs_of(mine) == sorted([ours, other])


def test_later_changes_of_a_run_follow(mine: Workspace, theirs: Workspace) -> None:
    run = make_run(mine)
    mine.remotes.push()
    theirs.remotes.pull()
    call_mlflow(mine, TAG, run, "owner", "you")
    call_mlflow(theirs, TAG, run, "note", "theirs")
    register(mine, run)
    assert mine.remotes.push().runs == 1
    # A push alone brings what the other side has added, and sends both.
    assert theirs.remotes.push().runs == 1
    assert mine.remotes.pull().runs == 1
    for versions in (mine, theirs):
        assert tag_of(root_of(versions), run, "note") == "theirs"
        assert [one.version for one in versions.models.get("wine").versions] == [1]
    assert tag_of(root_of(mine), run, "owner") == tag_of(root_of(theirs), run, "owner")
    assert [side.remotes.push().runs for side in (mine, theirs)] == [0, 0]


def test_what_was_deleted_stays_deleted(mine: Workspace, theirs: Workspace) -> None:
    first, second = make_run(mine), make_run(mine)
    register(mine, first)
    register(mine, second, "other")
    mine.remotes.push()
    theirs.remotes.pull()
    call_mlflow(theirs, DELETE_RUN, first)
    call_mlflow(theirs, DELETE_MODEL, "other")
    for run in (first, second):
        call_mlflow(mine, TAG, run, "note", "new")
    assert mine.remotes.push().runs == 2
    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.warnings) == (1, [])
    assert runs_of(theirs) == [second]
    assert tag_of(root_of(theirs), second, "note") == "new"
    with pytest.raises(VersionItemNotFoundError):
        theirs.models.get("other")
    # Nor is it deleted on the other side, which sends it to others again.
    assert theirs.remotes.push().runs == 1
    mine.remotes.pull()
    assert runs_of(mine) == sorted([first, second])
    assert mine.models.get("other").newest
    assert mine.remotes.push().runs == 1
    theirs.remotes.pull()
    assert [model.name for model in theirs.models.list().items] == ["wine"]
    assert theirs.remotes.push().runs == 0


def test_a_store_that_was_deleted_is_filled_again(mine: Workspace, theirs: Workspace) -> None:
    run = make_run(mine)
    mine.remotes.push()
    theirs.remotes.pull()
    (root_of(theirs) / "mlflow.db").unlink()
    assert theirs.remotes.pull().runs == 1
    assert runs_of(theirs) == [run]
    assert theirs.remotes.pull().runs == 0


def test_a_killed_import_leaves_nothing_half(mine: Workspace, theirs: Workspace) -> None:
    run = make_run(mine)
    register(mine, run)
    mine.remotes.push()
    root = root_of(theirs)
    paths = {inside: str(path) for inside, path in bundle_files(mine, run).items()}
    killed = python.run(RECEIVE, tracking_uri(root), run, json.dumps(paths))
    assert killed.returncode == -9
    assert rows_of(theirs)["runs"] == []
    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.warnings) == (1, [])
    assert rows_of(theirs) == rows_of(mine)
    assert artifacts_of(theirs) == artifacts_of(mine)


MOMENTS = [
    ("push", "branch,runs"),
    ("push", "branch,runs,push"),
    ("push", "branch,runs,push,runs"),
    ("push", "set_bundles"),
    ("pull", "branch,fetch,branch,fetch"),
    ("pull", "fetch,runs"),
    ("pull", "receive_bundle,runs"),
    ("pull", "set_received"),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize(("action", "moment"), MOMENTS)
def test_a_killed_exchange_is_completed_by_the_next(
    mine: Workspace, theirs: Workspace, action: str, moment: str
) -> None:
    runs = sorted(make_run(mine) for _ in range(2))
    for run in runs:
        register(mine, run)
    side = mine if action == "push" else theirs
    if action == "pull":
        mine.remotes.push()
    killed = python.run(EXCHANGE, str(root_of(side)), action, moment)
    assert killed.returncode == -9, killed.stderr
    mine.snapshots.collect(confirm=True)
    pushed = mine.remotes.push()
    pulled = theirs.remotes.pull()
    assert pushed.warnings == pulled.warnings == []
    assert rows_of(theirs) == rows_of(mine)
    assert artifacts_of(theirs) == artifacts_of(mine)
    assert [mine.remotes.push().runs, theirs.remotes.pull().runs] == [0, 0]


def test_people_with_a_tracking_server_exchange_nothing(
    mine: Workspace, theirs: Workspace, bare: Path, tmp_path: Path, git: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_run(mine)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/server.db")
    with closing(Workspace.open(root_of(mine))) as served:
        pushed = served.remotes.push()
    assert (pushed.commits, pushed.runs, pushed.warnings) == (1, 0, [])
    assert SHARED_RUNS not in git(bare, "for-each-ref")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    mine.remotes.push()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/server.db")
    with closing(Workspace.open(root_of(theirs))) as served:
        assert served.remotes.pull().runs == 0
    assert not (tmp_path / "server.db").exists()


def test_runs_that_cannot_travel_do_not_stop_the_code(
    mine: Workspace, bare: Path, git: Command
) -> None:
    root = root_of(mine)
    config = root / ".dvc" / "config"
    text = config.read_text()
    config.write_text(text.replace("remote = store", ""))
    git(root, "rm", "-q", "-rf", "data")
    git(root, "commit", "-qam", "No data, and no remote for any")
    make_run(mine)
    pushed = mine.remotes.push()
    (warning,) = pushed.warnings
    assert "has no data remote" in warning.en
    assert mine.remotes.push().warnings == []

    config.write_text(text)
    hook = bare / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/*) ;; *) exit 1 ;; esac\n')
    hook.chmod(0o755)
    mine.snapshots.create("With a remote for data")
    pushed = mine.remotes.push()
    (warning,) = pushed.warnings
    assert (pushed.commits, pushed.runs) == (1, 0)
    assert SHARED_RUNS in warning.en
    hook.unlink()
    assert mine.remotes.push().runs == 1


def test_a_damaged_run_is_named_and_the_others_come(
    mine: Workspace, theirs: Workspace, tmp_path: Path
) -> None:
    first, second = make_run(mine), make_run(mine)
    mine.remotes.push()
    files = bundle_files(mine, first)
    name = f"artifacts/{first}/model/wine.bin"
    md5 = files[name].parent.name + files[name].name
    stored = tmp_path / "store" / "files" / "md5" / md5[:2] / md5[2:]
    content = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(b"damaged")
    pulled = theirs.remotes.pull()
    (warning,) = pulled.warnings
    assert pulled.runs == 1
    assert first in warning.en
    assert md5 in warning.en
    assert runs_of(theirs) == [second]
    stored.write_bytes(content)
    pulled = theirs.remotes.pull()
    assert (pulled.runs, pulled.warnings) == (1, [])
    assert artifacts_of(theirs) == artifacts_of(mine)


def test_what_a_ref_names_is_kept_from_garbage_collection(
    mine: Workspace, theirs: Workspace
) -> None:
    run = make_run(mine)
    mine.remotes.push()
    theirs.remotes.pull()
    for versions in (mine, theirs):
        files = bundle_files(versions, run)
        versions.snapshots.collect(confirm=True)
        assert all(path.is_file() for path in files.values())
    # A verification reads them with the data of the snapshot, and a repair brings them back.
    files["run.jsonl"].unlink()
    (problem,) = theirs.snapshots.verify("HEAD").problems
    assert (problem.path, problem.where.value) == (f"runs/{run}/run.jsonl", "cache")
    theirs.snapshots.repair("HEAD")
    assert theirs.snapshots.verify("HEAD").problems == []


RUN, OTHER = "a" * 32, "b" * 32
FIRST_LINES: list[tuple[str, dict[str, Any]]] = [
    ("bundle", {"format": 1, "run": RUN}),
    ("run", {"id": RUN, "parent": None, "experiment": "Wine", "name": "<b>", "user": "me",
             "status": "FINISHED", "start": 1, "end": 2, "artifacts": None}),
]  # fmt: skip
VERSION = {
    "name": "wine", "key": [RUN, 1], "number": 1, "updated": 1, "description": None, "user": None,
    "status": "READY", "source": {"run": RUN, "path": "model"}, "tags": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (("run", {**FIRST_LINES[1][1], "id": OTHER}), "parent"),
        (("run", {**FIRST_LINES[1][1], "id": OTHER, "parent": RUN, "experiment": "../.."}),
         "run.experiment"),
        (("run", {**FIRST_LINES[1][1], "id": OTHER, "parent": RUN, "artifacts": "file:///etc"}),
         "run.artifacts"),
        (("metric", {"key": "loss", "points": [[1e999, 1, 1, False]]}), "metric.points"),
        (("metric", {"key": "loss", "points": [[1.0, 2**70, 1, False]]}), "metric.points"),
        (("tags", {"values": {"a": 1}}), "tags.values"),
        (("tags", {"values": {}, "more": 1}), "other fields"),
        (("version", {**VERSION, "source": {"run": RUN, "path": "../../other"}}), "version.source"),
        (("version", {**VERSION, "source": {"uri": "file:///etc"}}), "version.source"),
        (("version", {**VERSION, "source": {"uri": f"runs:/{OTHER}/model"}}), "not of a run"),
        (("version", {**VERSION, "key": [OTHER, 1]}), "not of a run"),
        (("version", {**VERSION, "name": "a/b"}), "version.name"),
        (("command", {}), "no known kind"),
        (("tags", {"values": {"a": "x" * 1_100_000}}), "longer than"),
    ],
)  # fmt: skip
def test_a_document_with_a_fault_is_refused(
    tmp_path: Path, line: tuple[str, dict[str, Any]], part: str
) -> None:
    path = tmp_path / "run.jsonl"
    lines = [{kind: value} for kind, value in (*FIRST_LINES, line)]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    with pytest.raises(BundleError, match=part):
        list(read_lines(path, RUN))
    write_lines(path, FIRST_LINES)
    assert list(read_lines(path, RUN)) == FIRST_LINES[1:]
    with pytest.raises(BundleError, match="another run"):
        list(read_lines(path, OTHER))


@pytest.mark.parametrize(
    "path",
    [
        "../mlflow.db", "artifacts/../../x", f"artifacts/{RUN}/../x", f"artifacts/{RUN}//x",
        f"/artifacts/{RUN}/x", "artifacts/x/y", f"models/{RUN}/x", f"artifacts/{RUN}/a/b", "more",
        f"artifacts/{RUN}/{'x' * 300}", "artifacts/" + RUN,
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    check_files(["run.jsonl", f"artifacts/{RUN}/a"])
    with pytest.raises(BundleError):
        check_files(["run.jsonl", f"artifacts/{RUN}/a", path])
    with pytest.raises(BundleError):
        check_files([f"artifacts/{RUN}/a"])


def test_a_hostile_bundle_does_no_harm(
    mine: Workspace, theirs: Workspace, bare: Path, tmp_path: Path, git: Command
) -> None:
    run = make_run(mine)
    mine.remotes.push()
    git_of_mine = Git(root_of(mine))
    evil = tmp_path / "evil"
    evil.write_text("evil")
    document = tmp_path / "run.jsonl"
    write_lines(document, FIRST_LINES)
    entries = {
        # A file that leads out of the store, artifacts of a run of others, a text of another run.
        OTHER: {"run.jsonl": document, f"artifacts/{OTHER}/../../../../evil": evil},
        RUN: {"run.jsonl": document, f"artifacts/{run}/model/wine.bin": evil},
        "c" * 32: {"run.jsonl": document},
    }
    texts = {
        "d" * 32: "outs:\n- md5: ../../../evil.dir\n  path: x\n  hash: md5\n",
        "e" * 32: "x" * 9999,
    }
    with open_data(root_of(mine)) as data:
        for name, files in entries.items():
            item = data.cache.store_folder(name, files)
            data.remote.push([item])
            texts[name] = entry_text(item).decode()
    rows = [
        f"100644 {git_of_mine.hash(text.encode(), write=True)}\t{name}.dvc"
        for name, text in texts.items()
    ]
    index = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    private = Git(root_of(mine), index)
    tip = git(bare, "rev-parse", SHARED_RUNS).strip()
    private.run("read-tree", tip)
    private.run(
        "update-index", "--add", "--index-info", stdin="".join(f"{r}\n" for r in rows).encode()
    )
    tree = private.run("write-tree").decode().strip()
    commit = git(root_of(mine), "commit-tree", tree, "-p", tip, "-m", "evil").strip()
    git(root_of(mine), "push", "-q", "--no-verify", "origin", f"{commit}:{SHARED_RUNS}")

    pulled = theirs.remotes.pull()
    assert pulled.runs == 1
    assert len(pulled.warnings) == len(texts)
    assert all("is not valid" in warning.en for warning in pulled.warnings)
    assert runs_of(theirs) == [run]
    assert artifacts_of(theirs) == artifacts_of(mine)
    assert not [*tmp_path.glob("theirs/**/evil")]
