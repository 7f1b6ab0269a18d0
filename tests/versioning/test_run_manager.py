"""Runs as a person manages them: titles, names, notes, tags, archiving, deletion and references."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.mlflow.run_tags import PARENT
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.versioning.experiments.models import (
    RunBegin,
    RunChange,
    RunReference,
    RunsChange,
    RunsQuery,
)
from jupyter_mlws.versioning.experiments.titles import NO_PEERS, Peers, title_of
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests.ports import free_port

Command = Callable[..., str]


@pytest.fixture
def opened(workspace: Project) -> Iterator[Workspace]:
    opened = Workspace(workspace)
    yield opened
    opened.close()


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


def log(opened: Workspace, name: str | None = None, depth: int = 3, **more: Any) -> str:
    """Log a run, and return its ID."""
    values = {
        "params": {"forest.kind": "forest", "forest.depth": depth, "seed": 1},
        "metrics": {"accuracy": depth / 10, "loss": 1.0},
        "tags": {},
        "start": 1000.0 + depth,
        "end": 1002.0 + depth,
        "status": "COMPLETED",
    }
    answer = opened.tracking.ask("log_run", experiment="E", name=name, **{**values, **more})
    return str(answer)


def log_workflow_run(opened: Workspace, run: str) -> tuple[str, list[str]]:
    """Log a workflow's run with two nodes; the second has a run of its own code in it."""
    tags = {"mlws.run": run, "mlws.workflow": "dvc.yaml"}
    whole = log(opened, run, tags=tags)
    first = log(opened, "load", tags={**tags, "mlws.node": "load", PARENT: whole})
    second = log(opened, "train", tags={**tags, "mlws.node": "train", PARENT: whole})
    inner = log(opened, "fold 1", tags={PARENT: second})
    return whole, [first, second, inner]


def titles(opened: Workspace, **query: Any) -> list[str]:
    return [run.title for run in opened.experiments.search(RunsQuery(**query)).items]


def run_of(**facts: Any) -> dict[str, Any]:
    empty = {"name": "", "id": "0", "run": "0", "node": None, "experiment": "E", "parent": None}
    return {**empty, "params": {}, "metrics": {}, **facts}


def test_a_title_says_what_differs_and_the_main_metric(opened: Workspace) -> None:
    log(opened, depth=3)
    log(opened, depth=6)
    given = log(opened, "my best", depth=9)
    assert titles(opened) == ["my best", "forest, depth 6 → 0.6", "forest, depth 3 → 0.3"]
    assert titles(opened, columns=["metrics.loss"], limit=2) == titles(opened, limit=2)
    assert opened.experiments.get(given).title == "my best"


def test_the_title_of_a_nested_run_says_what_differs_from_the_others_in_its_run(
    opened: Workspace,
) -> None:
    search = log(opened, "search")
    for depth in (3, 6):
        log(opened, depth=depth, tags={PARENT: search})
    log(opened, params={"forest.kind": "forest", "forest.depth": 6, "seed": 2})
    parts = opened.run_manager.get(search).parts
    assert sorted(part.title for part in parts) == [
        "forest, depth 3 → 0.3",
        "forest, depth 6 → 0.6",
    ]


@pytest.mark.parametrize(
    ("run", "title"),
    [
        (run_of(name="bold-cat-12", params={"a": 2}), "a 2"),
        (run_of(name="forest-depth-12", params={"a": 2}), "forest-depth-12"),
        (run_of(name="train", node="train", params={"a": 2}), "train"),
        (run_of(name="bold-cat-12"), "bold-cat-12"),
        (run_of(metrics={"forest.f1": 0.5, "linear.f1": 0.75}), "E → linear 0.75"),
        (run_of(params={"a": 1}, metrics={"train_f1": 0.9, "rmse": 12.3456}), "a 1 → 12.3"),
        # What has the same value in each run says nothing, and neither does what is not a number.
        (run_of(params={"same": 1}, metrics={"f1": None}), "0"),
        # As the grid search of scikit-learn and as Keras log them.
        (run_of(metrics={"mean_fit_time": 1, "rank_test_score": 2, "score": 0.5}), "E → 0.5"),
        (run_of(metrics={"accuracy": 1, "val_accuracy": 0.5, "epoch": 9}), "E → 0.5"),
        (run_of(params={"x.lr": 0.30000000000000004, "y.lr": 1.0}), "x.lr 0.3, y.lr 1"),
        (run_of(params={"path": "x" * 100}), f"path {'x' * 23}…"),
    ],
)
def test_titles_of_unusual_runs(run: dict[str, Any], title: str) -> None:
    peers = [{"params": {"same": 1}, "metrics": {"f1": 1}}, {"params": {}, "metrics": {}}]
    assert title_of(run, Peers.of(peers)) == title
    # Without any other run, no parameter differs.
    assert "," not in title_of(run, NO_PEERS)


def test_a_run_is_renamed_annotated_and_tagged(opened: Workspace) -> None:
    runs, run = opened.run_manager, log(opened)
    change = RunChange(name="一号", note="**good**", tags={"team": "a", "x": "1"}, starred=True)
    changed = runs.change(run, change)
    assert (changed.title, changed.note, changed.starred) == ("一号", "**good**", True)
    assert changed.tags == {"team": "a", "x": "1"}
    changed = runs.change(run, RunChange(note="", tags={"x": None, "never": None}, starred=False))
    assert (changed.name, changed.note, changed.starred) == ("一号", "", False)
    assert changed.tags == {"team": "a"}
    assert runs.change(run, RunChange(name=" ")).title == "forest → 0.3"
    wrong = {"mlflow.user": "x", "mlws.run": "x", "a\nb": "x", "": "x"}
    error = refused(lambda: runs.change(run, RunChange(tags=wrong)))
    assert [fault.field for fault in error.faults] == [f"tags.{key}" for key in wrong]


def test_several_runs_are_changed_or_none(opened: Workspace) -> None:
    one, two = log(opened), log(opened, depth=6)
    change = RunsChange(ids=[one, two, one], tags={"team": "a"}, archived=True)
    assert [run.tags for run in opened.run_manager.change_all(change).items] == [{"team": "a"}] * 2
    assert titles(opened) == []
    assert len(titles(opened, archived=True)) == 2
    unknown = RunsChange(ids=[one, "nobody", two, "no one"], tags={"team": "b"})
    assert refused(lambda: opened.run_manager.change_all(unknown)).facts["name"] == "nobody, no one"
    assert opened.experiments.get(one).tags == {"team": "a"}


def test_a_workflow_run_is_archived_and_deleted_with_the_runs_in_it(
    opened: Workspace, workspace: Project, git: Command
) -> None:
    runs, (whole, parts) = opened.run_manager, log_workflow_run(opened, "20260101-000000-aaaaaa")
    other = log(opened, "other")
    message = f"Named\n\nMlws-Run: {whole}"
    git(workspace.root, "commit", "-q", "--allow-empty", "-m", message)

    runs.change(whole, RunChange(archived=True))
    assert titles(opened, nested=True) == ["other"]
    runs.change(whole, RunChange(archived=False))
    assert len(titles(opened, nested=True)) == 5

    detail = runs.get("20260101-000000-aaaaaa")
    assert {part.id for part in detail.parts} == set(parts)
    assert [snapshot.subject for snapshot in detail.snapshots] == ["Named"]
    assert refused(lambda: runs.delete(parts[0])).code == "30282"
    deleted = runs.delete(whole)
    assert set(deleted.runs) == {whole, *parts}
    assert [snapshot.subject for snapshot in deleted.snapshots] == ["Named"]
    assert titles(opened, nested=True) == ["other"]
    assert [run.id for run in opened.experiments.search(RunsQuery(deleted=True)).items] == [whole]
    assert runs.get(whole).deleted
    assert len(runs.get(whole).parts) == 3
    # A later snapshot does not name it.
    assert opened.tracking.finished([whole, other]) == [other]
    assert refused(lambda: runs.change(whole, RunChange(name="x"))).code == "30281"
    assert refused(lambda: runs.delete(whole)).code == "30281"

    assert refused(lambda: runs.restore(parts[0])).code == "30282"
    assert not runs.restore(whole).deleted
    assert len(titles(opened, nested=True)) == 5
    assert runs.restore(whole).id == whole


def test_a_run_in_progress_is_not_deleted(opened: Workspace) -> None:
    run = opened.run_tracker.begin(RunBegin(name="active")).id
    assert refused(lambda: opened.run_manager.delete(run)).code == "30232"
    assert titles(opened) == ["active"]


def test_a_run_is_found_by_name_title_and_start_of_id(opened: Workspace) -> None:
    one, two = log(opened, "same"), log(opened, "same", depth=6)
    three = log(opened, depth=9)
    whole, _ = log_workflow_run(opened, "20260101-000000-aaaaaa")

    def resolve(name: str, **more: bool) -> str | None:
        return opened.run_manager.resolve(RunReference(name=name, **more)).id

    for name in (three, three[:8], "forest, depth 9 → 0.9"):
        assert resolve(name) == three
    for name in ("20260101-000000-aaaaaa", "20260101-0", whole):
        assert resolve(name) == whole
    error = refused(lambda: resolve("same"))
    assert error.code == "30283"
    assert one[:10] in error.facts["candidates"]
    assert two[:10] in error.facts["candidates"]
    assert refused(lambda: resolve("train")).code == "30404"
    opened.run_manager.delete(three)
    assert refused(lambda: resolve(three[:8])).code == "30404"
    assert resolve(three[:8], deleted=True) == three


def test_a_run_without_a_record_in_mlflow_is_found_but_not_changed(
    opened: Workspace, workspace: Project
) -> None:
    text = "stages:\n  a:\n    cmd: echo 1 > a.txt\n    outs: [a.txt]\n"
    (workspace.root / "dvc.yaml").write_text(text)
    for _ in range(2):
        run = opened.runs.execute("dvc.yaml", RunRequest())["id"]
        ended = opened.runs.wait("dvc.yaml", run, 120)
    assert {node["status"] for node in ended["nodes"]} == {"CACHED"}
    reference = RunReference(name=run.rpartition("-")[2])
    assert opened.run_manager.resolve(reference).run == run
    assert opened.run_manager.get(run).parts == []
    assert refused(lambda: opened.run_manager.change(run, RunChange(name="x"))).code == "30280"
    assert refused(lambda: opened.run_manager.delete(run)).code == "30280"


@pytest.mark.exhaustive
@pytest.mark.slow(reason="runs go by HTTP to MLflow's own server")
def test_runs_of_a_tracking_server_are_managed_the_same(
    workspace: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    arguments = ("--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--port", str(port))
    command = [sys.executable, "-m", "mlflow", "server", *arguments, "--workers", "1"]
    with subprocess.Popen(command, cwd=tmp_path, start_new_session=True) as server:
        try:
            await_answer(f"{address}/health")
            monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
            assert tracking_uri(workspace.root) == address
            opened = Workspace(workspace)
            runs, (whole, _) = opened.run_manager, log_workflow_run(opened, "20260101-000000-aa")
            other = log(opened, depth=6)
            assert titles(opened) == ["forest, depth 6 → 0.6", "forest, depth 3 → 0.3"]
            runs.change(other, RunChange(name="best", note="x", tags={"a": "1"}, starred=True))
            runs.change(other, RunChange(tags={"a": None, "b": "2"}))
            (best,) = opened.experiments.search(RunsQuery(starred=True)).items
            assert (best.title, best.note, best.tags) == ("best", "x", {"b": "2"})
            for name in ("best", other[:8]):
                assert runs.resolve(RunReference(name=name)).id == other
            assert runs.resolve(RunReference(name="20260101-0")).id == whole
            runs.change(whole, RunChange(archived=True))
            assert titles(opened, nested=True) == ["best"]
            assert len(runs.delete(whole).runs) == 4
            assert titles(opened, deleted=True) == ["forest, depth 3 → 0.3"]
            assert runs.restore(whole).archived
            opened.close()
        finally:
            server.terminate()


def await_answer(url: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(url)
