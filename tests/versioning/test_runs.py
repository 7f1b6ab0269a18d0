"""Runs: tracked with a true commit, found, reproduced, and joined to what they made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import stdev

import pytest

from jupyter_mlws.mlflow.search import MLflowSearch
from jupyter_mlws.mlflow.store import MLflowStore
from jupyter_mlws.versioning.data.models import DataRemotePut
from jupyter_mlws.versioning.experiments.models import (
    CurvesQuery,
    GroupsQuery,
    OutputStore,
    ReproduceRequest,
    RunBegin,
    RunEnd,
    RunEnded,
    RunsQuery,
)
from jupyter_mlws.versioning.lineage.models import Lineage, LineageQuery
from jupyter_mlws.versioning.model_registry.models import ModelCreate, ModelVersion
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import InvalidRequestError, MLWSError
from mlws.core.project import Project
from tests import python

Command = Callable[..., str]


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def opened(workspace: Project) -> Iterator[Workspace]:
    opened = Workspace(workspace)
    yield opened
    opened.close()


@pytest.fixture
def versions(opened: Workspace) -> Workspace:
    return opened


@pytest.fixture
def root(workspace: Project) -> Path:
    return workspace.root


LOG = """
import mlflow
with mlflow.start_run():
    mlflow.log_metric("accuracy", 0.75)
    mlflow.log_param("depth", 3)
"""


def log_in(root: Path, uri: str, run: str, code: str = LOG) -> None:
    """What a person's code does in a process of its own, which was told of its run."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_RUN_ID": run}
    python.run(code, cwd=root, env=environment, check=True)


def test_a_tracked_run_names_what_the_working_tree_was(
    opened: Workspace, root: Path, git: Command
) -> None:
    runs = opened.run_tracker
    clean = runs.state()
    assert (clean.commit, clean.dirty) == (git(root, "rev-parse", "HEAD").strip(), False)
    (root / "train.py").write_text("print('changed')\n")
    (root / "data" / "wine.csv").write_text("a,b\n5,6\n")
    status = git(root, "status", "--porcelain")
    begun = runs.begin(RunBegin(name="first", source="训练 笔记.ipynb", params={"rate": 0.1}))
    assert git(root, "status", "--porcelain") == status
    assert begun.dirty
    assert git(root, "show", f"{begun.commit}:train.py") == "print('changed')\n"
    # The data is named as it was, and its content is in the cache.
    md5 = begun.data["data/wine.csv"]
    assert md5 != clean.data["data/wine.csv"]
    cached = root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    assert cached.read_text() == "a,b\n5,6\n"

    log_in(root, begun.uri, begun.id)
    runs.end(begun.id, RunEnded())
    shown = opened.experiments.get(begun.id)
    assert (shown.status.value, shown.name, shown.experiment) == ("COMPLETED", "first", "project")
    assert (shown.commit, shown.dirty) == (begun.commit, True)
    assert (shown.workflow, shown.run) == (None, begun.id)
    assert (shown.params, shown.metrics) == ({"rate": "0.1", "depth": "3"}, {"accuracy": 0.75})

    broken = runs.begin(RunBegin())
    runs.end(broken.id, RunEnded(status=RunEnd.FAILED, error="ValueError: no"))
    assert opened.experiments.get(broken.id).status.value == "FAILED"
    assert refused(lambda: runs.end("nobody", RunEnded())).code == "30404"
    assert refused(lambda: opened.experiments.get("nobody")).code == "30404"
    # Those of nobody's workflow are in the list of all runs.
    assert [run.id for run in opened.experiments.search().items] == [broken.id, begun.id]


def test_a_store_out_of_reach_is_no_empty_list(
    workspace: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/no/such/folder/mlflow.db")
    opened = Workspace(workspace)
    assert refused(opened.experiments.search).code == "30105"
    opened.close()


def test_runs_are_filtered_sorted_and_paged(opened: Workspace) -> None:
    store = opened.tracking
    for number in range(7):
        store.ask(
            "log_run",
            experiment=f"e{number % 2}",
            params={"depth": number + 5, "kind": "forest" if number % 2 else "tree"},
            metrics={"accuracy": number / 10} if number != 3 else {},
            tags={"team": "a"},
            start=1000.0 + number,
            end=1002.0 + number,
            status="COMPLETED",
            name=f"run {number}",
        )

    def names(**asked: object) -> list[str]:
        found = opened.experiments.search(RunsQuery.model_validate(asked))
        return [run.name.removeprefix("run ") for run in found.items]

    assert names() == ["6", "5", "4", "3", "2", "1", "0"]
    # Those without the value come last, either way.
    assert names(sort="metrics.accuracy DESC") == ["6", "5", "4", "2", "1", "0", "3"]
    assert names(sort="metrics.accuracy ASC") == ["0", "1", "2", "4", "5", "6", "3"]
    # 10 and 11 come after 9 although they are text.
    assert names(sort="params.depth DESC") == ["6", "5", "4", "3", "2", "1", "0"]
    assert names(sort="params.kind ASC,metrics.accuracy DESC")[:3] == ["5", "1", "3"]
    assert names(filter="metrics.accuracy > 0.3 AND params.kind = 'tree'") == ["6", "4"]
    assert names(filter="params.kind != 'tree' and tags.team = 'a'") == ["5", "3", "1"]
    assert names(filter="attributes.run_name LIKE 'run 2'") == ["2"]
    assert names(q="RUN 5") == ["5"]
    seen: list[str] = []
    query = RunsQuery.model_validate({"sort": "metrics.accuracy DESC", "limit": 3})
    while True:
        page = opened.experiments.search(query)
        seen += [run.name for run in page.items]
        if page.next_cursor is None:
            break
        query = query.model_copy(update={"cursor": page.next_cursor})
    assert [name[4:] for name in seen] == ["6", "5", "4", "2", "1", "0", "3"]
    (first, *_) = opened.experiments.search(RunsQuery(columns=["params.depth"])).items
    assert (first.params, first.metrics, first.tags) == ({"depth": "11"}, {}, {"team": "a"})
    assert (first.experiment, first.duration) == ("e0", 2.0)
    columns = opened.experiments.columns()
    assert (columns.params, columns.metrics) == (["depth", "kind"], ["accuracy"])
    assert (columns.tags, columns.experiments) == (["team"], ["e0", "e1"])
    assert names(experiment="e1") == ["5", "3", "1"]
    assert names(group="params.kind", value="tree") == ["6", "4", "2", "0"]
    assert names(group="params.kind") == []
    assert names(group="experiment", value="e0", sort="metrics.accuracy ASC")[0] == "0"

    def groups(**asked: object) -> list[tuple[object, ...]]:
        items = opened.experiments.groups(GroupsQuery.model_validate(asked)).items
        return [(one.value, one.count, *one.metrics.items()) for one in items]

    tree, forest = groups(by="params.kind")
    assert tree[:2] == ("tree", 4)
    name, accuracy = tree[2]
    assert (name, accuracy.count) == ("accuracy", 4)
    assert (accuracy.mean, accuracy.deviation) == pytest.approx((0.3, stdev([0, 0.2, 0.4, 0.6])))
    assert (forest[:2], forest[2][1].count) == (("forest", 3), 2)
    # MLflow's own parser reads the condition; one run has no deviation.
    ((value, count, (_, only)),) = groups(by="experiment", filter="metrics.accuracy > 0.5")
    assert (value, count, only.deviation) == ("e0", 1, None)
    assert groups(by="tags.none", workflow="no/dvc.yaml") == []
    with pytest.raises(InvalidRequestError):
        groups(by="name", filter="what ever")
    wrong = [
        ("filter", "what ever"), ("filter", "params.kind ~ 'tree'"), ("sort", "nothing"),
        ("sort", "dataset.name"), ("cursor", "x"),
    ]  # fmt: skip
    for field, value in wrong:
        error = refused(
            lambda field=field, value=value: opened.experiments.search(
                RunsQuery.model_validate({field: value})
            )
        )
        assert (error.code, [fault.field for fault in error.faults]) == ("50201", [field])


UNUSUAL_RUNS = """
import mlflow

client = mlflow.MlflowClient()


def run(name, accuracy, ended):
    run_id = client.create_run("0", run_name=name, start_time=1000).info.run_id
    client.log_metric(run_id, "accuracy", accuracy)
    if ended:
        client.set_terminated(run_id, end_time=ended)
    return run_id


run("diverged", float("nan"), 3000)
run("zero", 0.0, 2000)
running = run("running", 0.5, None)
dataset = mlflow.entities.Dataset("wine", "12ab34", "local", "{}")
context = mlflow.entities.InputTag("mlflow.data.context", "training")
client.log_inputs(running, datasets=[mlflow.entities.DatasetInput(dataset, [context])])
"""


def test_unusual_values_are_filtered_and_sorted(opened: Workspace, root: Path) -> None:
    environment = {**os.environ, "MLFLOW_TRACKING_URI": opened.tracking.uri}
    python.run(UNUSUAL_RUNS, cwd=root, env=environment, check=True)

    def names(**query: object) -> list[str]:
        return [
            run.name for run in opened.experiments.search(RunsQuery.model_validate(query)).items
        ]

    # NaN is no number: it is neither 0 nor less than 1, and differs from both.
    assert names(filter="metrics.accuracy < 1", sort="metrics.accuracy ASC") == ["zero", "running"]
    assert names(filter="metrics.accuracy = 0") == ["zero"]
    assert set(names(filter="metrics.accuracy != 0")) == {"running", "diverged"}
    # A run that still runs has no end: it comes last, either way.
    assert names(sort="attributes.end_time ASC") == ["zero", "diverged", "running"]
    assert names(sort="attributes.end_time DESC") == ["diverged", "zero", "running"]
    for condition in (
        "dataset.name = 'wine'",
        "dataset.digest LIKE '12%'",
        "dataset.context IN ('training', 'test')",
    ):
        assert names(filter=condition) == ["running"]
    assert names(filter="dataset.name = 'wine' AND dataset.context = 'test'") == []


WORKFLOW = """\
stages:
  clean:
    cmd: cp data/wine.csv clean.csv
    deps: [data/wine.csv]
    outs: [clean.csv]
  train:
    cmd: python train.py
    deps: [clean.csv, train.py]
    outs: [model.txt]
    metrics:
    - scores.json:
        cache: false
"""
TRAIN = """\
import pathlib
pathlib.Path("model.txt").write_text(pathlib.Path("clean.csv").read_text())
pathlib.Path("scores.json").write_text('{"accuracy": 0.5}')
"""


MORE_OUTPUTS = WORKFLOW.replace("outs: [model.txt]", "outs: [model.txt, parts]").replace(
    "python train.py", "python train.py && mkdir -p parts/深 && cp model.txt parts/深/one.txt"
)
LOG_FILES = """
import mlflow
with mlflow.start_run():
    mlflow.log_text("logged", "model.txt")
    mlflow.log_text("layers", "net/layers.txt")
"""


def run_workflow(opened: Workspace, root: Path, workflow: str = WORKFLOW) -> str:
    (root / "dvc.yaml").write_text(workflow)
    (root / "train.py").write_text(TRAIN)
    run = opened.runs.execute("dvc.yaml", RunRequest())
    ended = opened.runs.wait("dvc.yaml", run["id"], 120)
    assert ended["status"] == "COMPLETED", ended
    return str(run["id"])


STEPS = """
import mlflow
with mlflow.start_run():
    for step in range(100):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metric("loss", float("nan"), step=100)
"""


def test_what_a_run_measured_step_by_step(opened: Workspace, root: Path) -> None:
    run = opened.run_tracker.begin(RunBegin(name="one"))
    log_in(root, run.uri, run.id, STEPS)
    wanted = {"metric": "loss", "ids": [run.id]}
    (curve,) = opened.experiments.curves(CurvesQuery(**wanted)).items
    assert (curve.steps[:2], curve.values[:2]) == ([0, 1], [1.0, 0.5])
    # What is no number is a gap.
    assert (curve.count, curve.not_finite, curve.steps[-1], curve.values[-1]) == (101, 1, 100, None)
    (curve,) = opened.experiments.curves(CurvesQuery(points=6, **wanted)).items
    assert (curve.steps[0], curve.steps[-1], len(curve.steps), curve.count) == (0, 99, 6, 101)
    assert curve.values == sorted(curve.values, reverse=True)
    (curve,) = opened.experiments.curves(CurvesQuery(first=10, last=12, **wanted)).items
    assert curve.steps == [10, 11, 12]
    # MLflow itself says the same, for stores that are no file.
    arguments = {"runs": [run.id], "metric": "loss", "limit": 6, "first": None, "last": None}
    store = MLflowSearch(opened.tracking.uri)
    assert store.curves(**arguments) == opened.tracking.ask("curves", **arguments)
    (metric,) = opened.run_manager.page.metrics(run.id).items
    assert vars(metric) == {"name": "loss", "is_curve": True}
    assert store.metrics(run.id) == [vars(metric)]
    nobody = CurvesQuery(metric="loss", ids=["nobody"])
    assert refused(lambda: opened.experiments.curves(nobody)).code == "30404"


FILES = """
import mlflow
from matplotlib.figure import Figure
with mlflow.start_run():
    figure = Figure()
    figure.subplots().plot([1, 2])
    mlflow.log_figure(figure, "plots/a b.png")
    mlflow.log_text("x,y\\n1,2\\n", "rows.csv")
    mlflow.log_text("not a picture", "broken.json")
"""


def test_files_of_a_run_are_shown_in_place(opened: Workspace, root: Path) -> None:
    run = opened.run_tracker.begin(RunBegin(name="one"))
    log_in(root, run.uri, run.id, FILES)
    page = opened.run_manager.page
    files = {file.path: file.kind for file in page.files(run.id).items}
    assert files == {"broken.json": "Metrics", "plots/a b.png": "Figure", "rows.csv": "Table"}
    assert page.preview(run.id, "plots/a b.png").mime == "image/png"
    assert page.preview(run.id, "rows.csv").rows == [["1", "2"]]
    assert refused(lambda: page.preview(run.id, "broken.json")).code == "40206"
    assert refused(lambda: page.preview(run.id, "../mlflow.db")).code == "30404"
    assert refused(lambda: page.files("nobody")).code == "30404"
    version = opened.models.register(ModelCreate(name="m", run_id=run.id, artifacts=["rows.csv"]))
    assert [one.id for one in opened.models.versions_of(run.id).items] == [version.id]
    # The version's own copy is no file of the run.
    assert {file.path for file in page.files(run.id).items} == set(files)


def test_a_run_is_reproduced_in_a_worktree_of_its_own(
    opened: Workspace, root: Path, git: Command, tmp_path: Path
) -> None:
    versions = opened
    versions.data_remotes.put("store", DataRemotePut(url="../store"))
    versions.snapshots.create("Remote")
    # Not committed: the run's own commit has it.
    (root / "data" / "wine.csv").write_text("a,b\n7,8\n")
    versions.datasets.add("data/wine.csv")
    versions.datasets.push("data~1wine.csv")
    run = run_workflow(opened, root)
    versions.snapshots.restore("HEAD")
    shutil.rmtree(root / ".dvc" / "cache")
    status, head = git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")

    made = versions.reproductions.create(run)
    there = root / made.path
    assert made.path == f"reproductions/{run}"
    assert (there / "train.py").read_text() == TRAIN
    assert (there / "data" / "wine.csv").read_text() == "a,b\n7,8\n"
    assert made.unavailable == [] or all(row.made for row in made.unavailable)
    assert made.metrics == {"accuracy": 0.5}
    assert made.command == f"cd reproductions/{run} && jupyter mlws run dvc.yaml --force"
    assert git(there, "rev-parse", "HEAD").strip() == made.commit
    # The person's own things are as they were.
    assert (git(root, "status", "--porcelain"), git(root, "rev-parse", "HEAD")) == (status, head)
    assert versions.reproductions.list().items == [made]
    again = refused(lambda: versions.reproductions.create(run))
    assert again.code == "30272"
    # And it runs there.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "jupyter_mlws", "run", "dvc.yaml"]
    subprocess.run(command, cwd=there, check=True, capture_output=True, env=environment)
    assert (there / "model.txt").read_text() == "a,b\n7,8\n"

    assert versions.reproductions.delete(run) == made
    assert not (root / "reproductions").exists()
    assert len(git(root, "worktree", "list").splitlines()) == 1
    assert refused(lambda: versions.reproductions.delete(run)).code == "30404"
    # Where nobody has the data any more, that is said.
    shutil.rmtree(tmp_path / "store")
    shutil.rmtree(root / ".dvc" / "cache", ignore_errors=True)
    elsewhere = versions.reproductions.create(run, ReproduceRequest(path="again"))
    assert "data/wine.csv" in [row.path for row in elsewhere.unavailable]
    versions.reproductions.delete(elsewhere.id)


@pytest.mark.exhaustive
def test_a_run_is_registered_with_its_own_outputs(
    opened: Workspace, root: Path, tmp_path: Path
) -> None:
    versions = opened
    versions.data_remotes.put("store", DataRemotePut(url="../store"))
    first, second = (run_after(opened, root, text) for text in ("a,b\n1,1\n", "a,b\n2,2\n"))
    outputs = {row.path: row for row in versions.run_outputs.list(first).items}
    assert set(outputs) == {"clean.csv", "parts", "scores.json", "model.txt"}
    assert {path: row.node for path, row in outputs.items()} == {
        "clean.csv": "clean", "parts": "train", "scores.json": "train", "model.txt": "train"
    }  # fmt: skip
    assert {row.store for row in outputs.values()} == {OutputStore.CACHE}
    request = ModelCreate(
        name="wine", run_id=first, artifacts=["model.txt", "parts", "scores.json"]
    )
    made = versions.models.register(request)
    assert made.artifacts == ["model.txt", "parts/深/one.txt", "scores.json"]
    assert files_of(versions, made) == ["a,b\n1,1\n", "a,b\n1,1\n", '{"accuracy": 0.5}']
    # A file that is in the project, but that the run did not write.
    stray = request.model_copy(update={"artifacts": ["model.txt", "train.py", "data/wine.csv"]})
    error = refused(lambda: versions.models.register(stray))
    assert (error.code, [f.field for f in error.faults]) == (
        "50201", ["artifacts.1", "artifacts.2"]
    )  # fmt: skip
    assert "clean.csv, model.txt, parts, scores.json" in error.faults[0].message.in_("en")

    # From the remote, when the cache was emptied; without it they are refused, and so is one of
    # which another content is at the path.
    versions.snapshots.create("Push the second run's data")
    shutil.rmtree(root / ".dvc" / "cache")
    newest = {row.path: row.store for row in versions.run_outputs.list(second).items}
    assert newest["model.txt"] is OutputStore.REMOTE
    # Metrics are not pushed.
    assert newest["scores.json"] is OutputStore.WORKING_TREE
    (root / "scores.json").write_text('{"accuracy": 0.7}')
    newest = {row.path: row.store for row in versions.run_outputs.list(second).items}
    assert newest["scores.json"] is None
    again = versions.models.register(
        ModelCreate(name="wine", run_id=second, artifacts=["model.txt", "parts"])
    )
    assert files_of(versions, again) == ["a,b\n2,2\n", "a,b\n2,2\n"]
    assert [row for row in versions.run_outputs.list(first).items if row.store] == []
    for run, path in ((first, "model.txt"), (first, "parts"), (second, "scores.json")):
        lost = ModelCreate(name="wine", run_id=run, artifacts=[path])
        error = refused(lambda lost=lost: versions.models.register(lost))
        assert (error.code, error.facts["paths"]) == ("30402", path)
    # A damaged object is not registered.
    md5 = {row.path: row.md5 for row in versions.run_outputs.list(second).items}["model.txt"]
    assert md5 is not None
    for place in (root / ".dvc" / "cache", tmp_path / "store"):
        stored_file = place / "files" / "md5" / md5[:2] / md5[2:]
        stored_file.chmod(0o644)
        stored_file.write_text("damaged")
    (root / "model.txt").unlink()
    damaged = ModelCreate(name="wine", run_id=second, artifacts=["model.txt"])
    assert refused(lambda: versions.models.register(damaged)).code == "30401"
    assert len(versions.models.get("wine").versions) == 2


def test_a_tracked_run_is_registered_with_what_it_logged(opened: Workspace, root: Path) -> None:
    run = opened.run_tracker.begin(RunBegin(name="one"))
    (root / "weights.bin").write_text("of the notebook that is running")
    mid = opened.models.register(ModelCreate(name="wine", run_id=run.id, artifacts=["weights.bin"]))
    assert files_of(opened, mid) == ["of the notebook that is running"]
    log_in(root, run.uri, run.id, LOG_FILES)
    opened.run_tracker.end(run.id, RunEnded())
    (root / "model.txt").write_text("another run's")
    outputs = opened.run_outputs.list(run.id).items
    assert {row.path: row.store for row in outputs} == {
        "model.txt": OutputStore.MLFLOW, "net": OutputStore.MLFLOW
    }  # fmt: skip
    made = opened.models.register(
        ModelCreate(name="wine", run_id=run.id, artifacts=["model.txt", "net"])
    )
    assert files_of(opened, made) == ["logged", "layers"]
    late = ModelCreate(name="wine", run_id=run.id, artifacts=["weights.bin"])
    assert refused(lambda: opened.models.register(late)).faults[0].field == "artifacts.0"


def run_after(opened: Workspace, root: Path, text: str) -> str:
    """Run the workflow on other data, and return MLflow's id of the run."""
    (root / "data" / "wine.csv").write_text(text)
    run = run_workflow(opened, root, MORE_OUTPUTS)
    return str(opened.experiments.get(run).id)


def files_of(opened: Workspace, version: ModelVersion) -> list[str]:
    """What a version's files hold, by path."""
    folder = opened.project.state / f"version-{version.version}"
    folder.mkdir()
    store = MLflowStore(opened.tracking.uri)
    place = store._client.download_artifacts(
        version.run_id, store._client.get_model_version(version.name, str(version.version))
        .source.rpartition("/")[2], str(folder),
    )  # fmt: skip
    return [(Path(place) / path).read_text() for path in version.artifacts]


def test_what_cannot_be_reproduced_is_told(versions: Workspace, root: Path, git: Command) -> None:
    make = versions.reproductions.create
    assert refused(lambda: make("nobody")).code == "30404"
    assert refused(lambda: make("model:1")).code == "30404"
    logged = versions.tracking.ask(
        "log_run", experiment="e", params={}, metrics={}, tags={}, start=1.0, end=2.0,
        status="COMPLETED",
    )  # fmt: skip
    assert refused(lambda: make(logged)).code == "30271"
    version = versions.models.register(ModelCreate(name="wine"))
    for path, code in {"../out": "50302", "data": "50201", ".": "50201"}.items():
        given = ReproduceRequest(path=path)
        assert refused(lambda given=given: make(version.id, given)).code == code
    # A version of a model stands for its run.
    made = make(version.id)
    assert (made.run, made.commit) == (version.run_id, git(root, "rev-parse", "HEAD").strip())
    # What a killed attempt has left is made anew.
    versions.reproductions.delete(made.run)
    left = root / made.path
    git(root, "worktree", "add", "-q", "--detach", str(left), made.commit)
    (left / "train.py").unlink()
    assert make(version.id) == made
    assert (left / "train.py").exists()
    versions.reproductions.delete(made.id)


def test_paths_of_a_workflow_in_a_folder_are_those_of_the_project(
    opened: Workspace, root: Path
) -> None:
    (root / "flow").mkdir()
    (root / "flow" / "beside.txt").write_text("x")
    (root / "flow" / "dvc.yaml").write_text(
        "stages:\n"
        "  top:\n    wdir: ..\n    cmd: cp data/wine.csv flow/top.csv\n"
        "    deps: [data/wine.csv]\n    outs: [flow/top.csv]\n"
        "  below:\n    cmd: cat beside.txt top.csv > below.csv\n"
        "    deps: [beside.txt, top.csv]\n    outs: [below.csv]\n"
    )
    run = opened.runs.execute("flow/dvc.yaml", RunRequest())
    ended = opened.runs.wait("flow/dvc.yaml", run["id"], 120, recorded=False)
    assert ended["status"] == "COMPLETED"
    # A commit right after the run names it: it waits for MLflow.
    made = opened.snapshots.create("Run")
    assert made.runs == [opened.experiments.get(run["id"]).id]
    assert made.warnings == []
    lineage = opened.experiments.lineage.read(LineageQuery(of=f"run:{run['id']}"))
    labels = {node.label for node in lineage.nodes if node.kind.value == "dataset"}
    assert labels == {"data/wine.csv", "flow/beside.txt", "flow/top.csv"}
    below = opened.experiments.lineage.read(LineageQuery(of="dataset:flow/below.csv"))
    assert ("run", "wrote", "dataset") in edges_of(below)


def edges_of(lineage: Lineage) -> set[tuple[str, str, str]]:
    """The edges by the kinds of their ends and the relation."""
    kinds = {node.id: node.kind.value for node in lineage.nodes}
    return {(kinds[edge.source], edge.relation, kinds[edge.target]) for edge in lineage.edges}


def test_a_model_leads_to_its_data_and_back(opened: Workspace, root: Path) -> None:
    versions = opened
    run_workflow(opened, root)
    (row,) = opened.experiments.search().items
    train = next(
        run
        for run in opened.experiments.search(RunsQuery(nested=True)).items
        if run.node == "train"
    )
    version = versions.models.register(ModelCreate(name="wine", run_id=train.id))
    snapshot = versions.snapshots.create("Run")

    def read(of: str) -> Lineage:
        return versions.experiments.lineage.read(LineageQuery(of=of))

    model = read(f"model:wine:{version.version}")
    assert edges_of(model) >= {
        ("run", "logged", "model"),
        ("snapshot", "code", "run"),
        ("dataset", "read", "run"),
        ("node", "ran", "run"),
        ("run", "wrote", "dataset"),
    }
    labels = {node.label for node in model.nodes}
    assert {"data/wine.csv", "clean.csv", "train", "wine 1"} <= labels
    # The same way back, from the data.
    data = read("dataset:data/wine.csv")
    assert "wine 1" in {node.label for node in data.nodes}
    assert ("dataset", "needs", "node") in edges_of(data)
    whole = read(f"run:{row.run}")
    assert ("run", "part", "run") in edges_of(whole)
    assert ("run", "recorded", "snapshot") in edges_of(whole)
    assert ("dataset", "holds", "snapshot") in edges_of(read(f"snapshot:{snapshot.id}"))
    assert versions.experiments.lineage.read(LineageQuery(of="model:wine", limit=3)).truncated
    missing = ["model:nobody", "run:nobody", "dataset:nobody", "snapshot:nobody"]
    assert [refused(lambda of=of: read(of)).code for of in missing] == ["30404"] * 4
    assert refused(lambda: read("what")).code == "50201"
