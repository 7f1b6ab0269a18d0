"""Runs in MLflow: the run with its nodes nested in it, once each, whatever happens to MLflow."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.mlflow.store import MLflowStore
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project
from tests.workflows.conftest import LIMIT, PATH

TAGS = "tags.`mlws.run` = '{}'"
CHAIN = """\
vars:
  - workflow: {name: 森林}
  - train: {depth: 3, 学习率: 0.1}
stages:
  prepare:
    cmd: cp data.txt table.txt
    deps: [data.txt]
    outs: [table.txt]
  train:
    cmd: 'cat table.txt > model.txt; echo "{\\"accuracy\\": 0.5}" > train.json # ${train}'
    deps: [table.txt]
    params: [optim.lr]
    outs: [model.txt]
    metrics: [train.json]
"""
AUTOLOG = """\
import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

mlflow.autolog(log_models=False, log_datasets=False)
X, y = load_iris(return_X_y=True)
LogisticRegression(C=0.25, max_iter=300).fit(X, y)
open("model.txt", "w").write("1")
open("model.json", "w").write('{"f1": 0.9}')
"""
CURVE = """\
import mlflow

for step in range(3):
    mlflow.log_metric("loss", 1 / (step + 1), step=step)
mlflow.log_param("depth", "the node's own")
open("curve.txt", "w").write("1")
open("curve.json", "w").write('{"loss": 7, "left": 1}')
"""
WITH_CODE = """\
vars:
  - curve: {depth: 3, width: 4}
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    outs: [model.txt]
    metrics: [model.json]
  curve:
    cmd: 'python curve.py # ${curve}'
    deps: [curve.py]
    outs: [curve.txt]
    metrics: [curve.json]
  other:
    cmd: sleep 0.1; echo "id=[$MLFLOW_RUN_ID]" > other.txt
    outs: [other.txt]
"""
IDENTITY = """\
stages:
  node:
    cmd: 'echo "id=[$MLFLOW_RUN_ID]"; : mlflow; echo {} > out.txt; {}'
    outs: [out.txt]
"""


@pytest.fixture
def client(store: str) -> Any:
    """MLflow's own client of the store that the runs go to."""
    # Made as ours, which keeps artifacts beside the store and not in the current folder.
    return MLflowStore(store)._client


@pytest.fixture
def recorded(client: Any) -> Callable[[str], dict[str, list[Any]]]:
    """Return the MLflow runs of a run, by node; the run itself has the empty name."""

    def of(run: str) -> dict[str, list[Any]]:
        experiments = [found.experiment_id for found in client.search_experiments()]
        rows: dict[str, list[Any]] = {}
        for row in client.search_runs(experiments, TAGS.format(run)):
            rows.setdefault(row.data.tags.get("mlws.node", ""), []).append(row)
        return rows

    return of


def once(rows: dict[str, list[Any]]) -> dict[str, Any]:
    """The only record of each node."""
    assert {node: len(found) for node, found in rows.items()} == dict.fromkeys(rows, 1)
    return {node: found[0] for node, found in rows.items()}


def unrecorded(workflows: WorkflowManager, run: Run) -> str:
    """The error that kept a run out of MLflow."""
    row = workflows.runs.journal.record(run.id)
    assert row["recorded"] is False
    return str(row["tracking_error"])


def helpers(runner: int) -> list[int]:
    """The processes that hold MLflow for a run's process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == runner and b"mlflow.process" in command:
            found.append(int(folder.name))
    return found


def until(true: Callable[[], Any]) -> Any:
    """Wait until ``true`` returns a true value, and return that."""
    for _ in range(1200):
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


@pytest.mark.slow(reason="MLflow is imported in each run")
def test_a_run_has_its_nodes_nested_in_it_and_cached_ones_are_counted(
    workflows: WorkflowManager, write, run: Callable[..., Run], recorded, git, project: Project
) -> None:
    write("data.txt", "1\n")
    write("params.yaml", "optim: {lr: 0.01}\n")
    write(PATH, CHAIN)
    first = run(recorded=True)
    rows = once(recorded(first.id))
    assert set(rows) == {"", "prepare", "train"}
    whole, train = rows[""], rows["train"]
    assert first.mlflow_run == whole.info.run_id
    for node in ("prepare", "train"):
        assert rows[node].data.tags["mlflow.parentRunId"] == whole.info.run_id
        assert rows[node].info.run_name == node
        assert rows[node].info.status == "FINISHED"
        assert whole.info.start_time <= rows[node].info.start_time <= rows[node].info.end_time
        assert rows[node].info.end_time <= whole.info.end_time
    assert train.data.params == {"depth": "3", "学习率": "0.1", "optim.lr": "0.01"}
    assert train.data.metrics == {"accuracy": 0.5}
    assert whole.data.metrics == {"accuracy": 0.5}
    assert whole.data.params == {"train.depth": "3", "train.学习率": "0.1", "optim.lr": "0.01"}
    results = Run(**workflows.runs.status(PATH, first.id)).results["train"]
    assert json.loads(train.data.tags["mlws.outputs"]) == results
    assert set(json.loads(train.data.tags["mlws.inputs"])) == {"table.txt"}
    assert whole.data.tags["mlws.cached"] == "0"

    write("params.yaml", "optim: {lr: 0.02}\n")
    second = run(recorded=True)
    rows = once(recorded(second.id))
    assert set(rows) == {"", "train"}
    assert (rows[""].data.tags["mlws.cached"], rows[""].data.tags["mlws.nodes"]) == ("1", "2")

    third = run(recorded=True)
    assert third.counts == {"CACHED": 2}
    assert third.mlflow_run is None
    assert recorded(third.id) == {}
    assert workflows.runs.journal.record(third.id)["recorded"] is True


@pytest.mark.exhaustive
@pytest.mark.slow(reason="MLflow is imported in each run")
def test_what_a_nodes_code_logs_is_in_its_nested_run_and_ours_beside_it(
    workflows: WorkflowManager, write, run: Callable[..., Run], recorded, client, project: Project
) -> None:
    write("train.py", AUTOLOG)
    write("curve.py", CURVE)
    write(PATH, WITH_CODE)
    ended = run(recorded=True, jobs=1)
    assert ended.status == "COMPLETED", workflows.results.log(PATH, ended.id, "train").text
    rows = once(recorded(ended.id))
    train, curve = rows["train"], rows["curve"]
    for node in (train, curve):
        assert node.info.status == "FINISHED"
        assert node.data.tags["mlflow.parentRunId"] == rows[""].info.run_id
    assert train.data.params["C"] == "0.25"
    assert train.data.metrics["training_accuracy_score"] > 0.9
    assert train.data.metrics["f1"] == 0.9
    assert curve.data.params == {"depth": "the node's own", "width": "4"}
    points = client.get_metric_history(curve.info.run_id, "loss")
    assert [round(point.value, 2) for point in points] == [1.0, 0.5, 0.33]
    assert curve.data.metrics["left"] == 1
    assert rows[""].data.metrics == {"f1": 0.9, "loss": 7, "left": 1}
    # With one place for nodes, the other one did not wait for MLflow.
    assert (project.root / "other.txt").read_text() == "id=[]\n"
    began = {node.id: node.started for node in ended.nodes}
    assert began["other"] < min(began["train"], began["curve"])


@pytest.mark.exhaustive
def test_how_nodes_end_is_how_their_nested_runs_end(
    write, run: Callable[..., Run], recorded
) -> None:
    write(
        PATH,
        "stages:\n"
        "  bad:\n    cmd: ': mlflow; exit 3'\n    outs: [bad.txt]\n"
        "    meta: {retries: 1, backoff: 1}\n"
        "  after:\n    cmd: cp bad.txt after.txt\n    deps: [bad.txt]\n    outs: [after.txt]\n",
    )
    rows = once(recorded(run(recorded=True).id))
    assert set(rows) == {"", "bad"}
    assert rows["bad"].info.status == rows[""].info.status == "FAILED"
    tags = rows["bad"].data.tags
    assert (tags["mlws.exit_code"], tags["mlws.attempts"]) == ("3", "2")
    assert tags["mlws.error"] == rows[""].data.tags["mlws.error"] == "40101"


@pytest.mark.exhaustive
@pytest.mark.slow(reason="MLflow is imported in each run")
def test_mlflow_killed_during_a_run_is_started_again(
    workflows: WorkflowManager, write, recorded
) -> None:
    write(PATH, IDENTITY.format(1, "while ! test -e go; do sleep 0.05; done"))
    execution = workflows.runs.execute(PATH, RunRequest())
    runner = until(lambda: workflows.runs.journal.record(execution["id"]).get("pid"))
    until(lambda: "id=[" in workflows.results.log(PATH, execution["id"], "node").text)
    for helper in until(lambda: helpers(runner)):
        os.kill(helper, signal.SIGKILL)
    write("go", "")
    workflows.runs.wait(PATH, execution["id"], LIMIT)
    # The run may end before the new process has entered it.
    until(lambda: workflows.runs.journal.record(execution["id"])["recorded"])
    rows = once(recorded(execution["id"]))
    assert Run(**workflows.runs.status(PATH, execution["id"])).mlflow_run == rows[""].info.run_id
    assert (
        f"id=[{rows['node'].info.run_id}]"
        in workflows.results.log(PATH, execution["id"], "node").text
    )


@pytest.mark.exhaustive
@pytest.mark.slow(reason="MLflow is imported in each run")
def test_a_locked_store_fails_no_run_and_is_caught_up_with_once(
    workflows: WorkflowManager, write, run: Callable[..., Run], recorded, store: str, client
) -> None:
    write(PATH, "stages:\n  node:\n    cmd: echo 1 > out.txt\n    outs: [out.txt]\n")
    with closing(sqlite3.connect(store.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        missed = run(recorded=True)
    assert missed.status == "COMPLETED"
    assert missed.mlflow_run is None
    assert "locked" in unrecorded(workflows, missed)
    assert recorded(missed.id) == {}

    cached = run()
    assert cached.counts == {"CACHED": 1}
    until(lambda: workflows.runs.journal.record(missed.id)["recorded"])
    rows = once(recorded(missed.id))
    assert Run(**workflows.runs.status(PATH, missed.id)).mlflow_run == rows[""].info.run_id
    assert rows[""].info.end_time == round(workflows.runs.journal.record(missed.id)["ended"] * 1000)

    # Told again, as after a crash between MLflow's answer and the journal.
    workflows.runs.journal.note(missed.id, recorded=False, mlflow_run=None)
    run(force=True, recorded=True)
    until(lambda: workflows.runs.journal.record(missed.id)["recorded"])
    again = once(recorded(missed.id))
    assert {node: row.info.run_id for node, row in again.items()} == {
        node: row.info.run_id for node, row in rows.items()
    }
    assert again["node"].data.metrics == rows["node"].data.metrics


@pytest.mark.exhaustive
def test_a_run_whose_process_was_killed_is_recorded_by_the_next(
    workflows: WorkflowManager, write, run: Callable[..., Run], recorded
) -> None:
    write(PATH, IDENTITY.format(1, "sleep 300"))
    execution = workflows.runs.execute(PATH, RunRequest())
    until(lambda: "id=[" in workflows.results.log(PATH, execution["id"], "node").text)
    os.kill(workflows.runs.journal.record(execution["id"])["pid"], signal.SIGKILL)
    ended = Run(**workflows.runs.wait(PATH, execution["id"], LIMIT))
    assert ended.status == "INTERRUPTED"
    write(PATH, IDENTITY.format(1, "true"))
    run(recorded=True)
    until(lambda: workflows.runs.journal.record(execution["id"]).get("recorded"))
    rows = once(recorded(execution["id"]))
    assert {row.info.status for row in rows.values()} == {"KILLED"}
    assert (
        f"id=[{rows['node'].info.run_id}]"
        in workflows.results.log(PATH, execution["id"], "node").text
    )


def test_without_mlflow_a_node_starts_without_an_id_and_says_so(
    workflows: WorkflowManager, write, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("MLFLOW_RUN_ID", "that of whoever started the run")
    write(PATH, IDENTITY.format(1, "true"))
    ended = run(recorded=True)
    assert ended.status == "COMPLETED"
    log = workflows.results.log(PATH, ended.id, "node").text
    assert "id=[]" in log
    assert "MLflow did not provide a run" in log
    assert "独立的运行" in log
    assert unrecorded(workflows, ended)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="MLflow is imported in each run")
def test_code_that_chooses_its_own_experiment_is_left_to_itself(
    workflows: WorkflowManager, write, run: Callable[..., Run], recorded
) -> None:
    write("own.py", "import mlflow\nmlflow.set_experiment('mine')\nwith mlflow.start_run(): pass\n")
    write(
        PATH,
        "stages:\n  node:\n    cmd: python own.py && echo 1 > out.txt\n    outs: [out.txt]\n",
    )
    ended = run(recorded=True)
    assert ended.status == "COMPLETED"
    assert "sets its own MLflow experiment" in workflows.results.log(PATH, ended.id, "node").text
    assert set(once(recorded(ended.id))) == {"", "node"}


@pytest.mark.slow(reason="MLflow is imported in each run")
def test_a_run_of_uncommitted_work_names_a_commit_of_it(
    workflows: WorkflowManager, write, run: Callable[..., Run], recorded, git, project: Project
) -> None:
    code = "echo 1 > out.txt; echo changed >> code.txt"
    write("code.txt", "as started\n")
    write(PATH, f"stages:\n  node:\n    cmd: {code}\n    outs: [out.txt]\n")
    ended = run(recorded=True)
    whole = once(recorded(ended.id))[""].data.tags
    assert whole["mlws.dirty"] == "true"
    assert whole["mlflow.source.git.commit"] == ended.commit
    assert git(project.root, "show", f"{ended.commit}:code.txt") == "as started\n"
    assert git(project.root, "show", f"{ended.commit}:{PATH}") == (project.root / PATH).read_text()
    assert git(project.root, "log", "--oneline").count("\n") == 1

    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "Work")
    clean = run(force=True, recorded=True)
    tags = once(recorded(clean.id))["node"].data.tags
    assert tags["mlws.dirty"] == "false"
    head = git(project.root, "rev-parse", "HEAD").strip()
    assert clean.commit == tags["mlflow.source.git.commit"] == head


def test_a_run_has_the_environments_of_its_nodes(
    write, run: Callable[..., Run], recorded, client: Any
) -> None:
    write(PATH, "stages:\n  node:\n    cmd: python -c 1 > out.txt\n    outs: [out.txt]\n")
    rows = once(recorded(run(recorded=True).id))
    identifier = rows["node"].data.tags["mlws.environment"]
    files = client.list_artifacts(rows[""].info.run_id, "environments")
    assert [file.path for file in files] == [
        f"environments/{identifier}.{suffix}" for suffix in ("json", "txt")
    ]


def test_what_a_node_uses_is_in_its_nested_run_as_system_metrics(
    write: Callable[..., Path], run: Callable[..., Run],
    recorded: Callable[[str], dict[str, list[Any]]], client: Any,
) -> None:  # fmt: skip
    write(
        PATH,
        """\
stages:
  heavy:
    cmd: python heavy.py
    deps: [heavy.py]
    outs: [heavy.txt]
  short:
    cmd: touch short.txt
    outs: [short.txt]
""",
    )
    write(
        "heavy.py",
        "import time\n"
        "block = bytearray(200_000_000)\n"
        "until = time.time() + 3.5\n"
        "while time.time() < until:\n    block[0] = 1\n"
        "open('heavy.txt', 'w').write('1')\n",
    )
    rows = once(recorded(run(recorded=True).id))
    heavy = rows["heavy"]
    memory = client.get_metric_history(heavy.info.run_id, "system/system_memory_usage_megabytes")
    assert [one.step for one in memory] == list(range(len(memory)))
    assert len(memory) >= 2
    # The last one may be of a process that is ending.
    assert max(one.value for one in memory) > 200
    cpu = client.get_metric_history(heavy.info.run_id, "system/cpu_utilization_percentage")
    assert 0 < cpu[-1].value <= 100
    assert {"system/disk_read_megabytes", "system/disk_written_megabytes"} <= {*heavy.data.metrics}
    assert not [name for name in rows["short"].data.metrics if name.startswith("system/")]


@pytest.mark.exhaustive
def test_system_metrics_can_be_turned_off_by_mlflows_own_variable(
    write: Callable[..., Path], run: Callable[..., Run],
    recorded: Callable[[str], dict[str, list[Any]]], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
    write(PATH, "stages:\n  node:\n    cmd: sleep 2.2 && touch out.txt\n    outs: [out.txt]\n")
    rows = once(recorded(run(recorded=True).id))
    assert rows["node"].data.metrics == {}
