"""A changed definition changes its own lines; a version that is old changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.errors import WorkflowItemNotFoundError, WorkflowProblemsError
from jupyter_mlws.workflows.document.definition import WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.errors import InvalidRequestError, MLWSError, WorkflowUnreadableError
from mlws.core.project import Project

PATH = "workflows/wine/dvc.yaml"
OUT = "workflows/wine/out"
TEXT = f"""\
# Which wine is it?
vars:
  - workflow: {{name: Wine}}     # the title
  - split: {{test_size: 0.3}}
  - forest: {{n_estimators: 50}} # enough
stages:
  # the data
  load:
    wdir: ../..
    cmd: jupyter mlws node load_table --file data/wine.csv --table {OUT}/load.table.parquet
    deps:
    - data/wine.csv   # from the archive
    outs:
    - {OUT}/load.table.parquet:
        cache: false

  split:
    wdir: ../..
    cmd: >-
      jupyter mlws node split
      --data {OUT}/load.table.parquet
      --train {OUT}/split.train.parquet --test {OUT}/split.test.parquet ${{split}}
    deps: [{OUT}/load.table.parquet]
    outs: [{OUT}/split.train.parquet, {OUT}/split.test.parquet]
    meta: {{at: [200, 10], note: mine}}
  forest:
    wdir: ../..
    cmd: jupyter mlws node train_classifier --data "{OUT}/split.train.parquet"
      --model {OUT}/forest.model.skops ${{forest}}
    deps:
    - {OUT}/split.train.parquet
    outs:
    - {OUT}/forest.model.skops
    frozen: false
  count:
    wdir: ../..
    cmd: wc -l data/wine.csv > {OUT}/count.txt
    deps: [data/wine.csv]
    outs: [{OUT}/count.txt]
  # the end
"""


@pytest.fixture
def file(write: Callable[..., Path]) -> Path:
    write("data/wine.csv", "a,target\n1,0\n2,1\n3,0\n4,1\n")
    return write(PATH, TEXT)


@pytest.fixture
def body(workflows: WorkflowManager, file: Path) -> dict[str, Any]:
    """Return the response of a GET, which clients change and send back."""
    return workflows.get(PATH).model_dump(mode="json")


@pytest.fixture
def put(workflows: WorkflowManager) -> Callable[[dict[str, Any]], Any]:
    return lambda body: workflows.change(PATH, WorkflowChange(**body), [body["etag"]])


def node(body: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in body["nodes"] if one["id"] == name)
    return found


def lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came."""
    old, new = before.splitlines(), after.splitlines()
    return [x for x in old if x not in new], [x for x in new if x not in old]


def test_what_was_got_and_sent_back_changes_no_byte(file: Path, body, put) -> None:
    before = file.stat().st_mtime_ns
    told = put(body)
    assert file.read_text() == TEXT
    assert file.stat().st_mtime_ns == before
    assert told.etag == body["etag"]


def test_a_node_of_another_type_takes_the_place(file: Path, body, put) -> None:
    forest = node(body, "forest")
    forest.update(type="model_training", config={"model_type": "svm"}, outputs={})
    told = put(body)
    changed = next(one for one in told.nodes if one.id == "forest")
    assert changed.inputs["data"] == [f"{OUT}/split.train.parquet"]
    assert changed.config == {"model_type": "svm"}
    assert "  - forest: {model_type: svm} # enough\n" in file.read_text()


def test_files_from_outside_and_files_put_elsewhere(file: Path, body, put) -> None:
    load = node(body, "load")
    assert load["config"] == {"file": "data/wine.csv"}
    load["config"] = {"file": "/data/other.csv", "table": "tables/wine.parquet"}
    told = put(body)
    text = file.read_text()
    assert "    - tables/wine.parquet\n" in text
    assert "--table tables/wine.parquet --data" not in text
    assert (told.edges[0].source, told.edges[0].path) == ("load", "tables/wine.parquet")
    assert next(one for one in told.nodes if one.id == "load").deps == ["data/other.csv"]
    assert f"{OUT}/load.table.parquet" not in text


def test_a_command_and_its_files(file: Path, body, put) -> None:
    count = node(body, "count")
    count["config"]["cmd"] = f"wc data/wine.csv > {OUT}/words.txt"
    count["outs"] = [f"{OUT}/words.txt"]
    put(body)
    gone, come = lines(TEXT, file.read_text())
    assert gone == [
        f"    cmd: wc -l data/wine.csv > {OUT}/count.txt",
        f"    outs: [{OUT}/count.txt]",
    ]
    assert come == [
        f"    cmd: wc data/wine.csv > {OUT}/words.txt",
        f"    outs: [{OUT}/words.txt]",
    ]


def test_what_is_wrong_changes_nothing(file: Path, body, put) -> None:
    node(body, "forest")["config"] = {"n_estimators": 0, "trees": 3}
    body["edges"].append({"source": "forest", "target": "split"})
    with pytest.raises(MLWSError) as error:
        put(body)
    assert [fault.field for fault in error.value.faults] == [
        "nodes.2.config.n_estimators",
        "nodes.2.config.trees",
        "edges.2",
        "edges.2",
    ]
    assert file.read_text() == TEXT


def test_a_fault_that_was_there_stands_in_nobodys_way(
    file: Path, workflows: WorkflowManager
) -> None:
    text = TEXT.replace("n_estimators: 50", "n_estimators: none").replace("load_table", "lode")
    file.write_text(text)
    body = workflows.get(PATH).model_dump(mode="json")
    node(body, "split")["config"]["test_size"] = 0.4
    workflows.change(PATH, WorkflowChange(**body))
    assert file.read_text() == text.replace("test_size: 0.3", "test_size: 0.4")
    body = workflows.get(PATH).model_dump(mode="json")
    node(body, "load")["config"]["limit"] = 3
    with pytest.raises(WorkflowProblemsError):
        workflows.change(PATH, WorkflowChange(**body))


SWEEP = """\
vars: [params.yaml, {n: 3, folder: made}]
stages:
  each:
    matrix: {lr: [0.1, 0.2]}
    cmd: echo ${item.lr} > ${folder}-${item.lr}.txt
    outs: ["${folder}-${item.lr}.txt"]
  all:
    cmd: cat ${folder}-0.1.txt > all.txt
    deps: ["${folder}-0.1.txt", "${folder}-0.2.txt"]
    outs: [all.txt]
"""


def test_what_only_text_can_say_stays_and_is_refused_to_change(
    workflows: WorkflowManager, write
) -> None:
    file = write("dvc.yaml", SWEEP)
    write("params.yaml", "x: 1\n")
    body = workflows.get("dvc.yaml").model_dump(mode="json")
    assert [one["id"] for one in body["nodes"]] == ["each@0.1", "each@0.2", "all"]
    workflows.change("dvc.yaml", WorkflowChange(**body))
    assert file.read_text() == SWEEP
    for change in (
        {"nodes": body["nodes"][1:], "edges": body["edges"][1:]},
        {"edges": body["edges"][1:]},
        {"nodes": [{**body["nodes"][0], "config": {"cmd": "x"}}, *body["nodes"][1:]]},
    ):
        with pytest.raises(WorkflowProblemsError) as error:
            workflows.change("dvc.yaml", WorkflowChange(**{**body, **change}))
        assert "text" in error.value.faults[0].message.en
    assert file.read_text() == SWEEP
    # What stands beside it can be changed.
    node(body, "all")["at"] = [1, 2]
    workflows.change("dvc.yaml", WorkflowChange(**body))
    assert file.read_text() == SWEEP + "    meta: {at: [1, 2]}\n"


def test_text_is_taken_as_it_is_or_not_at_all(file: Path, workflows: WorkflowManager) -> None:
    better = TEXT.replace("n_estimators: 50", "n_estimators: 60").replace("\n", "\r\n")
    told = workflows.change(PATH, WorkflowChange(text=better))
    assert file.read_bytes() == better.encode()
    assert told.nodes[2].config == {"n_estimators": 60}
    for text, code in (
        ("stages: [", "40205"),
        (better.replace("cmd:", "command:"), "40205"),
        (better.replace("n_estimators: 60", "n_estimators: many"), "40201"),
        (better.replace("load_table", "lode_table"), "40201"),
        (better.replace("deps: [data/wine.csv]", f"deps: [{OUT}/count.txt]"), "40203"),
    ):
        with pytest.raises(MLWSError) as error:
            workflows.change(PATH, WorkflowChange(text=text))
        assert error.value.code == code
        assert file.read_bytes() == better.encode()


def test_a_file_that_cannot_be_read_is_mended_by_text(workflows: WorkflowManager, write) -> None:
    file = write(PATH, "stages: [")
    with pytest.raises(WorkflowUnreadableError):
        workflows.change(PATH, WorkflowChange(nodes=[]))
    workflows.change(PATH, WorkflowChange(text="stages: {}\n"))
    assert file.read_text() == "stages: {}\n"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "nodes"),
        ({"text": "stages: {}", "nodes": []}, "nodes"),
        ({"nodes": [], "path": "other/dvc.yaml"}, "path"),
        ({"nodes": [], "name": "a\nb"}, "name"),
    ],
)
def test_a_change_must_be_one(file: Path, workflows: WorkflowManager, change, field) -> None:
    with pytest.raises(InvalidRequestError) as error:
        workflows.change(PATH, WorkflowChange(**change))
    assert [fault.field for fault in error.value.faults] == [field]
    assert file.read_text() == TEXT


def test_of_two_changes_at_once_one_is_told_that_it_is_late(
    file: Path, workflows: WorkflowManager, body
) -> None:
    ready = threading.Barrier(8)
    told: list[str] = []

    def change(number: int) -> None:
        mine = {**body, "name": f"Wine {number}"}
        ready.wait()
        try:
            workflows.change(PATH, WorkflowChange(**mine), [body["etag"]])
            told.append("done")
        except MLWSError as error:
            told.append(error.code)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["40402"] * 7 + ["done"]
    assert file.read_text().count("Wine ") == 1


SLOW = """\
stages:
  a:
    cmd: sleep 2; echo a > a
    outs: [a]
  b:
    cmd: cat a > b
    deps: [a]
    outs: [b]
"""


def test_a_run_carries_out_what_it_read_when_it_began(workflows: WorkflowManager, write) -> None:
    file = write("dvc.yaml", SLOW)
    started = workflows.runs.execute("dvc.yaml", RunRequest())
    body = workflows.get("dvc.yaml").model_dump(mode="json")
    body["nodes"], body["edges"] = body["nodes"][:1], []
    workflows.change("dvc.yaml", WorkflowChange(**body), [body["etag"]])
    assert "cat a" not in file.read_text()
    ended = Run(**workflows.runs.wait("dvc.yaml", started["id"], 60, recorded=False))
    assert ended.status.value == "COMPLETED"
    assert set(ended.results) == {"a", "b"}
    assert [one.id for one in workflows.get("dvc.yaml").nodes] == ["a"]


def test_a_workflow_that_runs_is_not_removed(workflows: WorkflowManager, write) -> None:
    file = write("dvc.yaml", SLOW)
    started = workflows.runs.execute("dvc.yaml", RunRequest())
    with pytest.raises(MLWSError) as error:
        workflows.remove("dvc.yaml")
    assert (error.value.code, error.value.status) == ("40207", 409)
    assert error.value.facts["run"] == started["id"]
    assert file.exists()
    workflows.runs.cancel("dvc.yaml", started["id"])
    workflows.runs.wait("dvc.yaml", started["id"], 60, recorded=False)
    assert workflows.remove("dvc.yaml").removed[0] == "dvc.yaml"


def test_what_is_removed_is_kept_and_its_results_stay(
    project: Project, workflows: WorkflowManager, run
) -> None:
    made = workflows.create(
        WorkflowDefinition(
            name="x",
            nodes=[{"id": "a", "type": "shell", "config": {"cmd": "echo 1 > n"}, "outs": ["n"]}],
        )
    )
    text = (project.root / made.path).read_text()
    run(made.path)
    told = workflows.remove(made.path)
    assert told.removed == [made.path, "workflows/x/dvc.lock"]
    assert told.results == ["n"]
    assert (project.root / "n").read_text() == "1\n"
    assert not (project.root / "workflows" / "x").exists()
    kept = project.state.parent / told.kept_in
    assert (kept / "dvc.yaml").read_text() == text
    assert (kept / "dvc.lock").exists()
    with pytest.raises(WorkflowItemNotFoundError):
        workflows.remove(made.path)


def test_parameters_of_a_run_do_not_undo_a_change(
    file: Path, workflows: WorkflowManager, body
) -> None:
    """Both read the file and write it: under one lock, or one of them would be lost."""
    done = threading.Event()

    def changes() -> None:
        for number in range(20):
            workflows.change(PATH, WorkflowChange(**{**body, "name": f"Wine {number}"}))
        done.set()

    thread = threading.Thread(target=changes)
    thread.start()
    for number in range(3):
        params = {"forest.n_estimators": 60 + number}
        started = workflows.runs.execute(PATH, RunRequest(params=params, targets=["count"]))
        workflows.runs.wait(PATH, started["id"], 60, recorded=False)
    thread.join()
    assert '{name: "Wine 19"}' in file.read_text()
