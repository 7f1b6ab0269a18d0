"""A definition becomes a `dvc.yaml` as the canvas writes it, or nothing at all."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_wine

from jupyter_mlws.components.optional_dependencies import installed
from jupyter_mlws.core.errors import WorkflowProblemsError
from jupyter_mlws.workflows.document.definition import WorkflowDefinition
from jupyter_mlws.workflows.document.editing import slug_of
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from mlws.core.errors import MLWSError
from mlws.core.project import Project

SPECIFIED: dict[str, Any] = {
    "name": "训练流程",
    "nodes": [
        {
            "id": "data_prep",
            "type": "data_preprocessing",
            "config": {"input_path": "/data/raw", "output_path": "/data/processed"},
        },
        {"id": "train", "type": "model_training", "config": {"model_type": "cnn", "epochs": 100}},
    ],
    "edges": [{"source": "data_prep", "target": "train"}],
}
"""The example of the product's specification, letter by letter."""
OUT = "workflows/训练流程/out"
TEXT = f"""\
vars:
  - workflow: {{name: 训练流程}}
  - train: {{model_type: cnn, epochs: 100}}
stages:
  data_prep:
    wdir: ../..
    cmd: jupyter mlws node data_preprocessing --input_path data/raw --output_path data/processed
    deps:
      - data/raw
    outs:
      - data/processed
  train:
    wdir: ../..
    cmd: jupyter mlws node model_training --data data/processed --model {OUT}/train.model.skops \
--metrics {OUT}/train.metrics.json ${{train}}
    deps:
      - data/processed
    outs:
      - {OUT}/train.model.skops
    metrics:
      - {OUT}/train.metrics.json
"""


@pytest.fixture
def create(workflows: WorkflowManager) -> Callable[..., Any]:
    return lambda **body: workflows.create(WorkflowDefinition(**body))


@pytest.fixture
def refused(workflows: WorkflowManager, project: Project) -> Callable[..., MLWSError]:
    """The error of a definition that must leave no trace."""

    def call(**body: Any) -> MLWSError:
        before = sorted(project.root.rglob("*"))
        with pytest.raises(MLWSError) as error:
            workflows.create(WorkflowDefinition(**body))
        assert [p for p in sorted(project.root.rglob("*")) if ".git" not in p.parts] == [
            p for p in before if ".git" not in p.parts
        ]
        return error.value

    return call


def fields(error: MLWSError) -> list[str]:
    return [fault.field for fault in error.faults]


def test_the_specified_definition_is_taken_as_written(create, project: Project) -> None:
    workflow = create(**SPECIFIED)
    assert (project.root / workflow.path).read_text() == TEXT
    assert workflow.path == "workflows/训练流程/dvc.yaml"
    assert workflow.nodes[0].config == SPECIFIED["nodes"][0]["config"] | {
        "input_path": "data/raw",
        "output_path": "data/processed",
    }
    assert workflow.nodes[1].config == {"model_type": "cnn", "epochs": 100}
    assert [(e.source, e.source_port, e.target, e.target_port) for e in workflow.edges] == [
        ("data_prep", "output_path", "train", "data")
    ]


def test_what_is_not_available_yet_is_drawn_and_told(create, workflows: WorkflowManager) -> None:
    if installed("torch"):
        pytest.skip("PyTorch is installed here")
    workflow = create(**SPECIFIED)
    told = {(p.code, p.node, p.field): p.message.en for p in workflow.problems}
    assert set(told) == {("40202", "data_prep", "input_path"), ("40201", "train", "model_type")}
    message = told["40201", "train", "model_type"]
    assert "pip install 'jupyter-mlws[torch]'" in message
    with pytest.raises(WorkflowProblemsError) as error:
        workflows.runs.execute(workflow.path, RunRequest())
    assert "jupyter-mlws[torch]" in error.value.as_dict("zh-CN")["errors"][-1]["message"]


@pytest.mark.slow(reason="many real runs")
def test_it_runs_to_as_many_results_as_nodes(
    create, project: Project, workflows: WorkflowManager, run
) -> None:
    frame = load_wine(as_frame=True).frame
    raw = project.root / "data" / "raw"
    raw.mkdir(parents=True)
    frame[:90].to_csv(raw / "one.csv", index=False)
    frame[90:].to_csv(raw / "two.csv", index=False)
    definition = copy.deepcopy(SPECIFIED)
    definition["nodes"][1]["config"]["model_type"] = "random_forest"
    workflow = create(**definition)
    assert workflow.problems == []
    execution = run(workflow.path)
    assert execution.status.value == "COMPLETED"
    assert len(execution.results) == len(workflow.nodes)
    assert set(execution.results["train"]) == {
        f"{OUT}/train.model.skops",
        f"{OUT}/train.metrics.json",
    }
    (measured,), _ = workflows.runs.page(workflow.path)
    assert measured["metrics"]["accuracy"] > 0.8
    preview = workflows.results.preview(workflow.path, execution.id, "data_prep", "output_path")
    assert preview.row_count == len(frame)
    again = run(workflow.path)
    assert {node.status.value for node in again.nodes} == {"CACHED"}
    assert again.results == execution.results


def test_our_own_shape_says_ports_places_and_files(create, project: Project, write) -> None:
    write("data/wine.csv", "a,target\n1,0\n")
    workflow = create(
        name="Two models: which?",
        path="/flows/two",
        nodes=[
            {"id": "load", "type": "load_table", "inputs": {"file": "data/wine.csv"},
             "at": [0, 1.6]},
            {"id": "parts", "type": "split", "config": {"test_size": 0.5, "stratify": None}},
            {"id": "forest", "type": "train_classifier", "config": {"scale": False}},
            {"id": "linear", "type": "train_classifier"},
            {"id": "best", "type": "compare_classifiers"},
            {"id": "说明", "type": "shell", "config": {"cmd": "wc -l in > out"}, "outs": ["out"],
             "deps": ["data/wine.csv"]},
            {"id": "after", "type": "script", "config": {"cmd": "python a.py"}},
        ],
        edges=[
            {"source": "load", "target": "parts"},
            {"source": "parts", "source_port": "train", "target": "forest"},
            {"source": "parts", "source_port": "train", "target": "linear", "target_port": "data"},
            {"source": "forest", "target": "best"},
            {"source": "linear", "target": "best"},
            {"source": "parts", "source_port": "test", "target": "best"},
            {"source": "说明", "target": "after"},
            {"source": "forest", "target": "after", "source_port": None},
        ],
    )  # fmt: skip
    assert workflow.path == "flows/two/dvc.yaml"
    assert [p.message for p in workflow.problems] == []
    best = next(node for node in workflow.nodes if node.id == "best")
    out = "flows/two/out"
    assert best.inputs == {
        "models": [f"{out}/forest.model.skops", f"{out}/linear.model.skops"],
        "test": [f"{out}/parts.test.parquet"],
        "train": [],
    }
    text = (project.root / workflow.path).read_text()
    assert '  - workflow: {name: "Two models: which?"}\n' in text
    assert "  - parts: {test_size: 0.5, stratify: null}\n" in text
    assert "    meta: {at: [0, 2]}\n" in text
    assert "  after:\n    wdir: ../..\n    cmd: python a.py\n    deps:\n      - out\n" in text
    assert len(workflow.edges) == 8


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"type": "model_trainin"}, ["nodes.0.type"]),
        ({"config": {"model_type": "x", "epochs": "ten", "nope": 1, "test_size": 2}},
         ["nodes.0.config.model_type", "nodes.0.config.epochs", "nodes.0.config.test_size",
          "nodes.0.config.nope"]),
        ({"config": {"target": "a\nb", "hidden_layers": [[1]]}},
         ["nodes.0.config.hidden_layers", "nodes.0.config.target"]),
        ({"config": {"target": "${x}", "task": "--help"}},
         ["nodes.0.config.target", "nodes.0.config.task"]),
        ({"config": {"learning_rate": float("inf")}}, ["nodes.0.config.learning_rate"]),
        ({"id": "a b"}, ["nodes.0.id"]),
        ({"id": "-a"}, ["nodes.0.id"]),
        ({"id": "a/b", "type": "no"}, ["nodes.0.id", "nodes.0.type"]),
        ({"id": "workflow"}, ["nodes.0.id"]),
        ({"config": {"data": "../secret"}}, ["nodes.0.config.data"]),
        ({"config": {"data": "/"}}, ["nodes.0.config.data"]),
        ({"config": {"data": ".git/config"}}, ["nodes.0.config.data"]),
        ({"config": {"data": 3}}, ["nodes.0.config.data"]),
        ({"config": {"data": "a\0b"}}, ["nodes.0.config.data"]),
        ({"config": {"data": ["a", "b"]}}, ["nodes.0.config.data"]),
        ({"config": {"model": "tracked.txt"}}, ["nodes.0.config.model"]),
        ({"config": {"model": "raw"}}, ["nodes.0.config.model"]),
        ({"inputs": {"dat": "x"}, "outputs": {"modell": "y"}},
         ["nodes.0.inputs.dat", "nodes.0.outputs.modell"]),
        ({"config": {"data": "a"}, "inputs": {"data": "b"}}, ["nodes.0.config.data"]),
        ({"type": "shell", "config": {"cmd": " ", "x": 1}},
         ["nodes.0.config.x", "nodes.0.config.cmd"]),
        ({"type": "shell", "config": {"cmd": "x"}, "inputs": {"a": "b"}}, ["nodes.0.inputs"]),
    ],
)  # fmt: skip
def test_every_fault_of_a_node_is_named(
    refused, project: Project, git, write, node: Any, expected: list[str]
) -> None:
    write("tracked.txt", "x")
    write("raw.dvc", "outs: []")
    git(project.root, "add", "tracked.txt")
    error = refused(name="x", nodes=[{"id": "a", "type": "model_training", **node}])
    assert fields(error) == expected
    assert error.code in ("40201", "40202")
    for language in ("en", "zh-CN"):
        assert all(row["message"] for row in error.as_dict(language)["errors"])


NODES = [
    {"id": "a", "type": "split"},
    {"id": "b", "type": "split"},
    {"id": "m", "type": "train_classifier"},
    {"id": "p", "type": "plot_metrics"},
]


@pytest.mark.parametrize(
    ("edges", "code", "expected"),
    [
        ([("a", "nope")], "40202", ["edges.0.target"]),
        ([("no", "nope")], "40202", ["edges.0.source", "edges.0.target"]),
        ([("a", "b")], "40202", ["edges.0"]),
        ([("a", "b", "train"), ("a", "b", "test")], "40202", ["edges.1"]),
        ([("a", "b", "train"), ("a", "b", "train")], "40202", ["edges.1"]),
        ([("a", "b", "tran")], "40202", ["edges.0.source_port"]),
        ([("a", "b", "train", "dat")], "40202", ["edges.0.target_port"]),
        ([("m", "p")], "40202", ["edges.0"]),
        ([("m", "a", "model", "data")], "40202", ["edges.0"]),
        ([("a", "b", "train"), ("b", "a", "train")], "40203", ["edges.1"]),
        ([("a", "a", "train")], "40203", ["edges.0"]),
        ([("a", "b", "train"), ("b", "a", "train"), ("m", "p")], "40202", ["edges.2", "edges.1"]),
    ],
)  # fmt: skip
def test_every_fault_of_an_edge_is_named(refused, edges: Any, code: str, expected: Any) -> None:
    keys = ("source", "target", "source_port", "target_port")
    rows = [dict(zip(keys, edge, strict=False)) for edge in edges]
    error = refused(name="x", nodes=NODES, edges=rows)
    assert (error.code, fields(error)) == (code, expected)
    if code == "40203":
        cycle = {"edges.1": "a → b → a", "edges.0": "a → a"}[expected[0]]
        assert error.facts["cycle"] == cycle


def test_all_faults_come_at_once(refused) -> None:
    error = refused(
        name="x",
        nodes=[
            {"id": "a", "type": "split", "config": {"test_size": 5}},
            {"id": "a", "type": "split", "config": {"shufle": True}},
            {"id": "c", "type": "nope"},
        ],
        edges=[{"source": "a", "target": "c"}, {"source": "c", "target": "z"}],
    )
    assert error.code == "40201"
    assert fields(error) == [
        "nodes.0.config.test_size",
        "nodes.1.config.shufle",
        "nodes.1.id",
        "nodes.2.type",
        "edges.1.target",
    ]
    assert "Did you mean 'shuffle'?" in error.faults[1].message.en


def test_outputs_claimed_twice_are_refused(refused) -> None:
    error = refused(
        name="x",
        nodes=[
            {"id": "a", "type": "sample_data", "outputs": {"table": "t.parquet"}},
            {"id": "b", "type": "sample_data", "config": {"table": "t.parquet/x.parquet"}},
        ],
    )
    assert error.code == "40202"
    assert "nodes.1.outs" in fields(error)


def test_an_output_of_a_workflow_that_was_just_created_is_known(create) -> None:
    def problems(name: str, table: str) -> list[str]:
        nodes = [{"id": name, "type": "sample_data", "config": {"table": table}}]
        return [problem.code for problem in create(name=name, nodes=nodes).problems]

    assert problems("first", "made/other.parquet") == []
    assert problems("second", "made/t.parquet") == []
    assert problems("third", "made/t.parquet") == ["40202"]


def test_a_file_that_two_nodes_share_is_their_connection(create) -> None:
    workflow = create(
        name="x",
        nodes=[
            {"id": "a", "type": "sample_data", "config": {"table": "made/t.parquet"}},
            {"id": "b", "type": "split", "config": {"data": "made/t.parquet"}},
        ],
        edges=[{"source": "a", "target": "b"}],
    )
    assert [(e.source, e.target, e.path) for e in workflow.edges] == [("a", "b", "made/t.parquet")]
    assert workflow.nodes[1].inputs == {"data": ["made/t.parquet"]}


def test_one_file_can_go_to_two_inputs_of_a_node(create) -> None:
    edges = [
        {"source": "a", "target": "b", "source_port": "table", "target_port": port}
        for port in ("data", "test")
    ]
    nodes = [{"id": "a", "type": "sample_data"}, {"id": "b", "type": "model_training"}]
    workflow = create(name="x", nodes=nodes, edges=edges)
    assert [(e.source_port, e.target_port) for e in workflow.edges] == [
        ("table", "data"),
        ("table", "test"),
    ]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"name": " "}, "50201", "name"),
        ({"name": "a\nb"}, "50201", "name"),
        ({"name": "a ${b}"}, "50201", "name"),
        ({"name": "x", "path": ".hidden/x"}, "50201", "path"),
        ({"name": "x", "path": "node_modules/x"}, "50201", "path"),
        ({"name": "x", "path": "file/x"}, "50201", "path"),
        ({"name": "x", "path": "other/x"}, "50201", "path"),
        ({"name": "x", "path": "../x"}, "50302", None),
        ({"name": "x", "path": "there"}, "50203", None),
    ],
)
def test_names_and_paths_that_cannot_be(
    refused, project: Project, git, write, body: Any, code: str, field: str | None
) -> None:
    write("file", "")
    write("there/dvc.yaml", "stages: {}\n")
    (project.root / "other").mkdir()
    git(project.root / "other", "init", "-q")
    error = refused(**body)
    assert error.code == code
    assert fields(error) == ([field] if field else [])


def test_the_same_name_again_gets_a_folder_of_its_own(create, project: Project) -> None:
    paths = [create(name="My flow!").path for _ in range(3)]
    assert paths == [f"workflows/my-flow{end}/dvc.yaml" for end in ("", "-2", "-3")]
    assert create(name="root", path="dvc.yaml").path == "dvc.yaml"
    assert (project.root / "dvc.yaml").read_text() == (
        "vars:\n  - workflow: {name: root}\nstages: {}\n"
    )


def test_a_name_makes_a_folder_that_people_can_read() -> None:
    assert slug_of("  Wine: red & white_2 ") == "wine-red-white-2"
    assert slug_of("训练流程") == "训练流程"
    assert slug_of("-- !") == "workflow"
    assert len(slug_of("长" * 200)) == 60


def test_a_projects_own_component_is_run_again_when_its_code_changes(
    create, write: Callable[..., Path]
) -> None:
    write(
        "components/own.py",
        "from jupyter_mlws.components import Table, component\n\n"
        "@component\ndef first(data: Table, *, count: int = 3) -> Table:\n"
        '    """Keep the first rows."""\n    return data.head(count)\n',
    )
    workflow = create(name="x", nodes=[{"id": "a", "type": "first", "config": {"count": 4}}])
    assert workflow.nodes[0].deps == ["components/own.py"]
