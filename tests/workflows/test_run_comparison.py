"""A run is compared with the one before: settings and metrics, old and new."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from jupyter_mlws.core.errors import PreviewError
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project

PATH = "dvc.yaml"
TEXT = """\
vars:
  - score: {level: 1, deep: {name: a}}
stages:
  score:
    cmd: >-
      echo '{"forest": {"accuracy": 0.LEVEL, "loss": 2}, "linear": {"accuracy": 0.4}}'
      > m.json
    metrics: [m.json]
  plain:
    cmd: >-
      echo '{"rmse": 3}' > p.json
    metrics: [p.json]
"""


def text_of(level: int) -> str:
    return TEXT.replace("LEVEL", str(level))


CERTAIN = """\
stages:
  judge:
    cmd: >-
      echo '{"forest": {"cross_validation": {"accuracy": 0.8, "interval": {"folds": 5, "low": 0.7,
      "high": 0.9, "deviation": 0.1}}, "accuracy": 0.7, "f1": 0.6, "interval": {"rows": 58,
      "low": 0.6, "high": 0.75, "p_value": 1.0, "repeated": 3}}, "linear": {"accuracy": 0.6,
      "interval": {"rows": 58, "p_value": 0.3}}}' > m.json
    metrics: [m.json]
"""


def test_scores_have_the_limits_between_which_they_are(
    workflows: WorkflowManager, write, run
) -> None:
    write(PATH, CERTAIN)
    run()
    metrics = workflows.comparer.compare(PATH, "latest").metrics
    # What is certain about a score is no score.
    assert {(m.model, m.metric): (m.low, m.high, m.p_value) for m in metrics} == {
        ("forest", "cross_validation.accuracy"): (0.7, 0.9, None),
        ("forest", "accuracy"): (0.6, 0.75, 1),
        ("forest", "f1"): (None, None, None),
        ("linear", "accuracy"): (None, None, 0.3),
    }
    (tested,) = (m for m in metrics if (m.model, m.metric) == ("forest", "accuracy"))
    assert (tested.rows, tested.repeated) == (58, 3)


def test_settings_and_metrics_have_old_and_new_values(
    workflows: WorkflowManager, write, run
) -> None:
    write(PATH, text_of(8))
    first = run()
    alone = workflows.comparer.compare(PATH, first.id)
    assert alone.previous is None
    assert {one.previous for one in alone.metrics} == {None}
    write(PATH, text_of(9).replace("level: 1", "level: 2").replace("name: a", "name: b"))
    second = run()
    answer = workflows.comparer.compare(PATH, "latest")
    assert (answer.run, answer.previous) == (second.id, first.id)
    assert [(one.node, one.name, one.before, one.after) for one in answer.settings] == [
        ("score", "level", 1, 2),
        ("score", "deep.name", "a", "b"),
    ]
    values = {(m.node, m.model, m.metric): (m.value, m.previous, m.mode) for m in answer.metrics}
    assert values == {
        ("score", "forest", "accuracy"): (0.9, 0.8, "max"),
        ("score", "forest", "loss"): (2, 2, "min"),
        ("score", "linear", "accuracy"): (0.4, 0.4, "max"),
        ("plain", "plain", "rmse"): (3, 3, "min"),
    }


def test_a_run_that_failed_is_not_what_a_run_is_compared_with(
    workflows: WorkflowManager, write, run
) -> None:
    write(PATH, text_of(8))
    first = run()
    write(PATH, text_of(8).replace("echo '{\"rmse", "false && echo '{\"rmse"))
    assert run().status == "FAILED"
    write(PATH, text_of(7))
    third = run()
    assert workflows.comparer.compare(PATH, third.id).previous == first.id


def test_metrics_that_one_of_the_runs_lacks_have_no_value_there(
    workflows: WorkflowManager, write, run
) -> None:
    write(PATH, text_of(8).replace("metrics: [p.json]", "metrics: [p.json: {cache: false}]"))
    run()
    failing = text_of(9).replace("echo '{\"rmse", "false && echo '{\"rmse")
    write(PATH, failing.replace('"loss": 2', '"error": 2'))
    failed = run()
    write(PATH, text_of(8))
    run()
    answer = workflows.comparer.compare(PATH, failed.id)
    values = {(m.model, m.metric): (m.value, m.previous) for m in answer.metrics}
    assert values == {
        ("forest", "accuracy"): (0.9, 0.8),
        ("forest", "error"): (2, None),
        ("linear", "accuracy"): (0.4, 0.4),
        ("forest", "loss"): (None, 2),
        ("plain", "rmse"): (None, 3),
    }


def test_the_text_of_a_run_stays(workflows: WorkflowManager, write, run) -> None:
    text = text_of(8)
    write(PATH, text)
    first = run()
    write(PATH, text_of(7).replace("plain:", "other:"))
    run()
    assert workflows.run_text(PATH, first.id).text == text
    # A node that was removed since still has its outputs.
    assert [one.port for one in workflows.results.outputs(PATH, first.id, "plain")] == ["p.json"]


def test_an_older_run_shows_its_own_outputs_or_none(
    workflows: WorkflowManager, write, run: Callable[..., Run], project: Project
) -> None:
    write(
        PATH,
        "stages:\n  make:\n"
        "    cmd: mkdir -p d; cp in.txt d/x.txt; cp in.txt o.txt; cp in.txt p.txt\n"
        "    deps: [in.txt]\n    outs:\n    - d\n    - o.txt\n    - p.txt: {cache: false}\n",
    )
    write("in.txt", "first\n")
    first = run()
    write("in.txt", "second\n")
    second = run()
    results = workflows.results
    for port in ("d", "o.txt", "p.txt"):
        assert results.preview(PATH, second.id, "make", port)
    assert results.preview(PATH, first.id, "make", "o.txt").text == "first\n"
    shown = {one.path: one.exists for one in results.outputs(PATH, first.id, "make")}
    assert shown == {"d": False, "o.txt": True, "p.txt": True}
    assert all(one.exists for one in results.outputs(PATH, second.id, "make"))
    with pytest.raises(PreviewError):
        results.preview(PATH, first.id, "make", "d")
    shutil.rmtree(project.root / ".dvc" / "cache" / "files")
    for port in ("d", "o.txt", "p.txt"):
        with pytest.raises(PreviewError):
            results.preview(PATH, first.id, "make", port)
        preview = results.preview(PATH, second.id, "make", port)
        assert port == "d" or preview.text == "second\n"
