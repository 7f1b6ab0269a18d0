"""A run is compared with the one before: settings and metrics, old and new."""

from __future__ import annotations

from jupyter_mlws.workflows.manager import WorkflowManager

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


def test_the_text_of_a_run_stays(workflows: WorkflowManager, write, run) -> None:
    text = text_of(8)
    write(PATH, text)
    first = run()
    write(PATH, text_of(7).replace("plain:", "other:"))
    run()
    assert workflows.run_text(PATH, first.id).text == text
    # A node that was removed since still has its outputs.
    assert [one.port for one in workflows.results.outputs(PATH, first.id, "plain")] == ["p.json"]
