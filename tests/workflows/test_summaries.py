"""Summaries of results: a line for each node, from small reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from jupyter_mlws.components import values
from jupyter_mlws.components.library.train import train_classifier
from jupyter_mlws.workflows import summaries
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import NodeSummary, Run, WorkflowResults
from mlws.core.errors import MLWSError

TEXT = """\
vars:
- forest: {depth: 2}
- linear: {C: 1}
stages:
  forest:
    cmd: 'echo ${forest} > out/forest.model.skops'
    deps: [in.txt]
    outs: [out/forest.model.skops]
  linear:
    cmd: 'echo ${linear} > out/linear.model.skops'
    deps: [in.txt]
    outs: [out/linear.model.skops]
  judge:
    cmd: cp scores.json out/scores.json; cp table.parquet out/judge.parquet
    deps: [out/forest.model.skops, out/linear.model.skops, scores.json]
    outs: [out/judge.parquet]
    metrics: [out/scores.json]
  plot:
    cmd: cp drawing.png out/plot.png
    deps: [out/scores.json, drawing.png]
    outs: [out/plot.png]
"""


def scores(forest: float, linear: float) -> str:
    models = {"forest": {"accuracy": forest, "f1": 0.5}, "linear": {"accuracy": linear, "f1": 0.6}}
    return json.dumps(models)


@pytest.fixture
def files(write: Callable[..., Path]) -> Callable[[str, str], Path]:
    table = write("in.txt", "1\n").parent / "table.parquet"
    pd.DataFrame({"a": range(124), "b": 0, "c": 0, "d": 0, "e": 0}).to_parquet(table)
    Image.new("RGB", (1200, 900), "red").save(table.parent / "drawing.png")

    def set_up(text: str, judged: str) -> Path:
        write("scores.json", judged)
        return write("dvc.yaml", text)

    return set_up


def by_node(results: WorkflowResults) -> dict[str, NodeSummary]:
    return {one.id: one for one in results.nodes}


def test_the_best_model_and_what_changed_since_the_run_before(
    files: Callable[[str, str], Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    files(TEXT, scores(0.925, 0.9))
    first = run()
    nodes = by_node(workflows.summaries.list("dvc.yaml"))
    assert nodes["forest"].measure is not None
    assert nodes["forest"].measure.previous is None
    assert nodes["forest"].changes == []
    files(TEXT.replace("depth: 2", "depth: 3, trees: 9"), scores(0.907, 0.944))
    second = run()

    results = workflows.summaries.list("dvc.yaml")
    assert (results.run, results.previous) == (second.id, first.id)
    nodes = by_node(results)
    judge, forest, linear = (nodes[name].measure for name in ("judge", "forest", "linear"))
    assert judge is not None
    assert forest is not None
    assert linear is not None
    assert (judge.model, judge.metric, judge.value, judge.previous) == (
        "linear", "accuracy", 0.944, 0.9,
    )  # fmt: skip
    assert (forest.value, forest.previous, forest.best) == (0.907, 0.925, False)
    assert (linear.value, linear.previous, linear.best) == (0.944, 0.9, True)
    assert [(one.name, one.before, one.after) for one in nodes["forest"].changes] == [
        ("depth", 2, 3),
        ("trees", None, 9),
    ]
    assert nodes["linear"].changes == []
    (table, _) = nodes["judge"].outputs
    assert (table.type, table.rows, table.columns) == ("Table", 124, 5)


def test_a_past_run_has_the_results_and_the_workflow_that_it_had(
    files: Callable[[str, str], Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    files(TEXT, scores(0.925, 0.9))
    first = run()
    files(TEXT.replace("depth: 2", "depth: 3"), scores(0.907, 0.944))
    second = run()
    file = files(TEXT.replace("  linear:", "  other:"), scores(0.1, 0.2))

    results = workflows.summaries.list_of_run("dvc.yaml", first.id)
    assert (results.run, results.previous) == (first.id, None)
    nodes = by_node(results)
    assert set(nodes) == {"forest", "linear", "judge", "plot"}
    assert nodes["judge"].measure is not None
    assert (nodes["judge"].measure.model, nodes["judge"].measure.value) == ("forest", 0.925)
    assert nodes["forest"].changes == []
    results = workflows.summaries.list_of_run("dvc.yaml", second.id)
    assert (results.run, results.previous) == (second.id, first.id)
    nodes = by_node(results)
    assert nodes["judge"].measure is not None
    assert (nodes["judge"].measure.model, nodes["judge"].measure.previous) == ("linear", 0.9)
    assert [one.name for one in nodes["forest"].changes] == ["depth"]
    assert file.is_file()


def test_a_failed_run_has_no_result_of_another_run(
    files: Callable[[str, str], Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    files(TEXT, scores(0.925, 0.9))
    run()
    files(TEXT.replace("cp scores.json", "false && cp scores.json"), scores(0.9, 0.8))
    failed = run()
    assert failed.status == "FAILED"
    # Its files are there again before anybody looks at the run.
    files(TEXT, scores(0.7, 0.6))
    newest = run()

    nodes = by_node(workflows.summaries.list_of_run("dvc.yaml", failed.id))
    assert set(nodes) == {"forest", "linear"}
    assert [node.measure for node in nodes.values()] == [None, None]
    assert {node.run for node in nodes.values()} == {failed.id}
    for port in workflows.results.outputs("dvc.yaml", failed.id, "judge"):
        assert not port.exists
        with pytest.raises(MLWSError, match="the run did not create it"):
            workflows.results.preview("dvc.yaml", failed.id, "judge", port.port)
    # Nor does a run of some nodes have those of the others.
    part = run(targets=["forest"])
    assert set(by_node(workflows.summaries.list_of_run("dvc.yaml", part.id))) == {"forest"}
    assert by_node(workflows.summaries.list("dvc.yaml"))["judge"].run == newest.id


def test_a_figure_has_a_small_copy(
    files: Callable[[str, str], Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    files(TEXT, scores(1, 1))
    run()
    nodes = by_node(workflows.summaries.list("dvc.yaml"))
    image = nodes["plot"].thumbnail
    assert image is not None
    assert (image.mime, len(image.data) < 10_000) == ("image/jpeg", True)
    # Equal models have no winner.
    assert nodes["forest"].measure is not None
    assert not nodes["forest"].measure.best


def test_each_content_is_read_once(
    files: Callable[[str, str], Path],
    run: Callable[..., Run],
    workflows: WorkflowManager,
) -> None:
    files(TEXT, scores(0.5, 0.6))
    run()
    first = workflows.summaries.list("dvc.yaml")
    readers = (summaries._read_metrics, summaries._table_shape, summaries._thumbnail)
    reads = [reader.cache_info().misses for reader in readers]
    assert workflows.summaries.list("dvc.yaml") == first
    assert [reader.cache_info().misses for reader in readers] == reads


def test_damaged_and_large_files_have_no_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "damaged"
    file.write_bytes(b"not at all\x00")
    assert summaries._table_shape(file, "1", ".parquet") == (None, None)
    assert summaries._thumbnail(file, "1", ".png") is None
    assert summaries._read_metrics(file, "1", "m.json") is None
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n3,4\n")
    assert summaries._table_shape(table, "1", ".csv") == (2, 2)
    monkeypatch.setattr(summaries, "MAX_CSV_BYTES", 5)
    assert summaries._table_shape(table, "2", ".csv") == (None, 2)


SWEEP = """\
stages:
  fit:
    foreach: [1, 2]
    do:
      cmd: 'cp in.txt out${item}.txt; echo "{\\"auc\\": ${item}}" > m${item}.json'
      deps: [in.txt]
      outs: ['out${item}.txt']
      metrics: ['m${item}.json']
"""


async def test_a_sweep_has_the_metric_of_its_best_variant(
    write: Callable[..., Path], run: Callable[..., Run], fetch: Callable[..., Any]
) -> None:
    write("in.txt", "1\n")
    file = write("dvc.yaml", SWEEP)
    answer = await fetch("mlws/api/v1/workflows/dvc.yaml/results")
    assert json.loads(answer.body)["data"]["nodes"] == []
    first = run()
    answer = await fetch("mlws/api/v1/workflows/dvc.yaml/results")
    nodes = {one["id"]: one for one in json.loads(answer.body)["data"]["nodes"]}
    assert nodes["fit"]["measure"]["model"] == "2"
    assert nodes["fit"]["measure"]["value"] == 2
    assert nodes["fit@1"]["measure"]["value"] == 1
    # A variant of one setting is named by it.
    matrix = SWEEP.replace("foreach: [1, 2]\n    do:\n", "matrix: {rate: [1, 2]}\n")
    write("dvc.yaml", matrix.replace("      ", "    ").replace("${item}", "${item.rate}"))
    run()
    answer = await fetch("mlws/api/v1/workflows/dvc.yaml/results")
    nodes = {one["id"]: one for one in json.loads(answer.body)["data"]["nodes"]}
    assert nodes["fit"]["measure"]["model"] == "rate=2"
    # An earlier run has the best of its own variants.
    file.write_text(SWEEP.replace("[1, 2]", "[1, 2, 9]"))
    run()
    answer = await fetch(f"mlws/api/v1/workflows/dvc.yaml/runs/{first.id}/results")
    nodes = {one["id"]: one for one in json.loads(answer.body)["data"]["nodes"]}
    assert (nodes["fit"]["run"], nodes["fit"]["measure"]["value"]) == (first.id, 2)
    assert nodes["fit"]["measure"]["model"] == "2"


def test_settings_are_compared_with_the_run_that_completed(
    files: Callable[[str, str], Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    files(TEXT, scores(0.925, 0.9))
    first = run()
    text = TEXT.replace("depth: 2", "depth: 3").replace("cp scores.json", "false && cp scores.json")
    files(text, scores(0.9, 0.8))
    assert run().status == "FAILED"
    files(TEXT.replace("depth: 2", "depth: 4"), scores(0.9, 0.8))
    run()
    results = workflows.summaries.list("dvc.yaml")
    assert results.previous == first.id
    changes = by_node(results)["forest"].changes
    assert [(one.name, one.before, one.after) for one in changes] == [("depth", 2, 4)]


def test_a_model_that_prepares_columns_says_how_many(
    write: Callable[..., Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    root = write("in.txt", "").parent
    table = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(60)],
            "age": [None, *range(20, 49)] * 2,
            "city": ["Ulm", "Bonn"] * 30,
            "target": ["no", "yes", "yes"] * 20,
        }
    )
    model = train_classifier(table, preparation="automatic", n_estimators=2)
    values.write("Model", model, root / "model.skops")
    write(
        "dvc.yaml",
        "stages:\n  copy:\n"
        "    cmd: cp model.skops out/model.skops; cp in.txt out/broken.skops\n"
        "    deps: [model.skops]\n"
        "    outs: [out/model.skops, out/broken.skops]\n",
    )
    finished = run()
    results = workflows.summaries.list("dvc.yaml")
    prepared, broken = results.nodes[0].outputs
    assert prepared.preparation is not None
    assert prepared.preparation.model_dump() == {"encoded": 1, "imputed": 1, "ignored": 1}
    assert broken.preparation is None
    preview = workflows.results.preview("dvc.yaml", finished.id, "copy", prepared.port)
    rows = [(one.name, one.step, one.reason, one.gaps) for one in preview.preparation or ()]
    assert rows == [
        ("customer_id", "ignored", "all_different", 0),
        ("age", "numbers", "numbers", 2),
        ("city", "one_hot", "few_values", 0),
    ]
