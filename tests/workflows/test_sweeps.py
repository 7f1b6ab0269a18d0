"""Sweeps: variants side by side, ranked by a metric, and the best made a plain stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from jupyter_mlws.versioning.experiments.ranking import guess_mode
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from jupyter_mlws.workflows.sweep_models import PromoteRequest, SweepsQuery
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.document.parse import parse
from mlws.document.templates import resolve_stages

PATH = "dvc.yaml"
HEAD = """\
# What this is about stays.
vars:
  - data: in.txt   # named once
stages:
  # Before the sweep.
"""
TAIL = """\
  # Behind the sweep.
  after:
    cmd: cat 'out/b.txt' > after.txt   # one of them
    deps: ['out/b.txt']
    outs: [after.txt]
"""
FOREACH = """\
  train:
    foreach:
      a: {depth: 1, loss: 0.5}
      b: {depth: 2, loss: 0.25}
      c: {depth: 3, loss: 0.75}
    do:
      # How it is trained.
      cmd: >-
        cp ${data} out/${key}.txt;
        echo '{"val": {"loss": ${item.loss}}, "acc": ${item.depth}, "ok": true}'
        > out/${key}.json
      deps:
        - ${data}   # from above
      params: [seed]
      outs:
        - out/${key}.txt
      metrics:
        - out/${key}.json:
            cache: false
"""
PLAIN = """\
  train:
    # How it is trained.
    cmd: >-
      cp ${data} out/b.txt;
      echo '{"val": {"loss": 0.25}, "acc": 2, "ok": true}'
      > out/b.json
    deps:
      - ${data}   # from above
    params: [seed]
    outs:
      - out/b.txt
    metrics:
      - out/b.json: {cache: false}
"""
MATRIX = """\
  train:
    matrix:
      depth: [1, 2]   # levels
      kind: [a, b]
    cmd: >-
      cp ${data} out/${item.kind}${item.depth}.txt;
      echo '{"acc": ${item.depth}}' > out/${key}.json
    deps: ["${data}"]   # from above
    outs: ['out/${item.kind}${item.depth}.txt']
    metrics: ['out/${key}.json']
"""


@pytest.fixture
def swept(write, workflows: WorkflowManager) -> Callable[..., Path]:
    write("in.txt", "1\n")
    write("params.yaml", "seed: 7\n")
    write("out/b.txt", "before\n").unlink()

    def to(sweep: str = FOREACH) -> Path:
        tail = TAIL if sweep == FOREACH else ""
        return write(PATH, HEAD + sweep + tail)

    return to


def refusal(call: Callable[[], object]) -> tuple[str, dict]:
    with pytest.raises(MLWSError) as refused:
        call()
    return refused.value.code, refused.value.facts


def test_before_the_first_run_there_is_nothing_to_rank(swept, workflows: WorkflowManager) -> None:
    swept()
    (sweep,) = workflows.sweeps.list(PATH).items
    assert (sweep.name, sweep.kind, sweep.line) == ("train", "foreach", 6)
    assert (sweep.metric, sweep.mode, sweep.best, sweep.metrics) == (None, None, None, [])
    assert [one.id for one in sweep.variants] == ["train@a", "train@b", "train@c"]
    assert sweep.variants[0].values == {"key": "a", "depth": 1, "loss": 0.5}
    assert sweep.variants[0].outputs == ["out/a.txt", "out/a.json"]
    assert {(one.status, one.rank, one.run) for one in sweep.variants} == {(None, None, None)}
    # Nothing is measured yet: any metric may be meant.
    assert workflows.sweeps.list(PATH, SweepsQuery(metric="acc")).items[0].best is None


def test_variants_are_ranked_by_what_they_measured(
    swept, workflows: WorkflowManager, run: Callable[..., Run]
) -> None:
    swept()
    ended = run()
    (sweep,) = workflows.sweeps.list(PATH).items
    assert (sweep.metrics, sweep.metric, sweep.mode) == (["val.loss", "acc"], "val.loss", "min")
    assert [(one.id, one.rank) for one in sweep.variants] == [
        ("train@b", 1),
        ("train@a", 2),
        ("train@c", 3),
    ]
    best = sweep.variants[0]
    assert sweep.best == best.id
    assert [one.best for one in sweep.variants] == [True, False, False]
    assert best.metrics == {"val.loss": 0.25, "acc": 2}
    assert best.params == {"params.yaml:seed": 7}
    assert (best.status, best.run) == ("COMPLETED", ended.id)
    assert best.duration is not None

    def order(**asked: str) -> str:
        variants = workflows.sweeps.list(PATH, SweepsQuery(**asked)).items[0].variants
        return "".join(one.id[-1] for one in variants)

    assert order(metric="acc") == "cba"
    assert order(metric="acc", mode="min") == "abc"
    assert order(metric="val.loss", mode="max") == "cab"
    code, facts = refusal(lambda: order(metric="accuracy"))
    assert (code, facts["known"]) == ("40208", "acc, val.loss")


def test_what_lacks_the_metric_or_cannot_be_read_comes_last(
    swept, workflows: WorkflowManager, run: Callable[..., Run], project: Project
) -> None:
    swept()
    run()
    (project.root / "out/a.json").write_text('{"val": {"loss": ')
    (project.root / "out/b.json").write_text('{"acc": 1, "val": {"loss": NaN}}')
    (sweep,) = workflows.sweeps.list(PATH, SweepsQuery(metric="val.loss")).items
    assert [(one.id, one.rank) for one in sweep.variants] == [
        ("train@c", 1),
        ("train@a", None),
        ("train@b", None),
    ]
    assert sweep.variants[1].error.startswith("out/a.json: ")
    assert sweep.variants[2].error is None


def test_equal_variants_share_a_place_and_removed_metrics_are_in_the_cache(
    swept, workflows: WorkflowManager, run: Callable[..., Run], project: Project
) -> None:
    swept(MATRIX)
    run()
    (project.root / "out/2-a.json").unlink()
    (sweep,) = workflows.sweeps.list(PATH).items
    assert sweep.kind == "matrix"
    assert [(one.id, one.rank) for one in sweep.variants] == [
        ("train@2-a", 1),
        ("train@2-b", 1),
        ("train@1-a", 3),
        ("train@1-b", 3),
    ]
    assert sweep.best == "train@2-a"
    assert sweep.variants[0].values == {"depth": 2, "kind": "a"}


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("loss", "min"),
        ("val.logloss", "min"),
        ("test_rmse", "min"),
        ("valError", "min"),
        ("trainMAE", "min"),
        ("neg_mean_squared_error", "max"),
        ("accuracy", "max"),
        ("loss.auc", "max"),
        ("f1", "max"),
        ("r2", "max"),
        ("", "max"),
    ],
)
def test_the_name_tells_which_values_are_better(metric: str, mode: str) -> None:
    assert guess_mode(metric).value == mode


# Promotion


@pytest.mark.parametrize("tail", ["", TAIL])
def test_the_best_becomes_a_plain_stage_with_its_result(
    swept, workflows: WorkflowManager, run: Callable[..., Run], states, project: Project, tail: str
) -> None:
    file = swept()
    run()
    file.write_text(HEAD + FOREACH + tail)
    log = project.root / "out/b.txt"
    touched = log.stat().st_mtime_ns
    promoted = workflows.sweeps.promote(PATH, "train", PromoteRequest())
    assert (promoted.sweep, promoted.variant, promoted.metric, promoted.value) == (
        "train",
        "train@b",
        "val.loss",
        0.25,
    )
    assert file.read_text() == HEAD + PLAIN + tail
    assert workflows.validate(PATH) == []
    plan = {node.id: node.action.value for node in workflows.plan(PATH).nodes}
    assert set(plan.values()) == {"cached"}
    assert set(states(run()).values()) == {"CACHED"}
    assert log.stat().st_mtime_ns == touched
    kept = project.state.parent / promoted.kept_in / PATH
    assert kept.read_text() == HEAD + FOREACH + tail
    assert workflows.sweeps.list(PATH).items == []
    assert promoted.etag == workflows.get(PATH).etag


def test_without_the_lock_it_comes_from_the_run_cache(
    swept, workflows: WorkflowManager, run: Callable[..., Run], project: Project
) -> None:
    file = swept(MATRIX)
    run()
    lock = project.root / "dvc.lock"
    lock.unlink()
    promoted = workflows.sweeps.promote(PATH, "train", PromoteRequest(variant="2-b"))
    assert (promoted.variant, promoted.result_kept) == ("train@2-b", False)
    assert "    outs: ['out/b2.txt']\n" in file.read_text()
    assert 'deps: ["${data}"]   # from above' in file.read_text()
    (project.root / "out/b2.txt").unlink()
    ended = run()
    assert [(node.id, node.status, [*map(str, node.reasons)]) for node in ended.nodes] == [
        ("train", "CACHED", ["restored from the run cache"])
    ]
    assert (project.root / "out/b2.txt").exists()


@pytest.mark.parametrize(
    "stage",
    [
        "  train: {foreach: [1, 2], do: {cmd: 'echo ${item} > o${item}', outs: ['o${item}']}}\n",
        "  train:\n    foreach: [1, 2]\n    do:\n      cmd: echo ${item} > o${item}\n"
        '      outs: ["o${item}"]\n      always_changed: false\n',
        "  train:\n    do:\n      cmd: echo ${item} > o${item}\n      outs: ['o${item}']\n"
        "    foreach: [1, 2]\n",
        "  train:\n    matrix: {x: [1, 2]}\n    cmd:\n    - echo ${item.x} > o${item.x}\n"
        "    - echo ${key}\n    outs:\n    - o${item.x}\n",
        "  train:\n    foreach: [{a: 1, b: {c: x}}, {a: 2, b: {c: y}}]\n    do:\n"
        "      cmd: echo ${item.b} > o${item.a}\n      outs: ['o${item.a}']\n",
        "  train:\n    foreach: [1, 2]\n    do:\n      wdir: sub\n      vars: [{n: 10}]\n"
        "      cmd: echo \\${HOME} ${n} > o${item}\n      outs: ['o${item}']\n",
        "  train:\n    foreach: [true, null]\n    do:\n      cmd: echo ${item} > o${item}\n"
        "      outs: ['o${item}']\n",
    ],
)
def test_however_it_is_written_the_stage_is_what_the_variant_was(
    write, workflows: WorkflowManager, project: Project, stage: str
) -> None:
    (project.root / "sub").mkdir()
    file = write(PATH, f"# one\nstages:\n{stage}  # two\n  other: {{cmd: echo > p, outs: [p]}}\n")
    before = resolve_stages(project.root, parse(PATH, file.read_text()))
    variant = list(before)[1]
    workflows.sweeps.promote(PATH, "train", PromoteRequest(variant=variant))
    after = resolve_stages(project.root, parse(PATH, file.read_text()))
    assert after == {"train": before[variant], "other": before["other"]}
    assert file.read_text().startswith("# one\nstages:\n  train:")
    assert "  # two\n  other: {cmd: echo > p, outs: [p]}\n" in file.read_text()


def test_what_cannot_be_promoted_is_refused_and_nothing_changes(
    swept, workflows: WorkflowManager, run: Callable[..., Run]
) -> None:
    file = swept()
    before = file.read_text()

    def promote(name: str = "train", **asked: str) -> tuple[str, dict]:
        seen = asked.pop("seen", None)
        request = PromoteRequest(**asked)
        return refusal(
            lambda: workflows.sweeps.promote(PATH, name, request, None if seen is None else [seen])
        )

    assert promote()[0] == "40209"
    assert promote(metric="acc")[0] == "40208"
    run()
    assert promote("after") == ("40401", {"kind": "sweep", "name": "after"})
    assert promote(variant="z") == ("40401", {"kind": "variant", "name": "z"})
    assert promote(metric="nope")[1]["known"] == "val.loss, acc"
    assert promote(seen="another")[0] == "40402"
    assert file.read_text() == before
    assert (
        refusal(lambda: workflows.sweeps.promote("no/dvc.yaml", "a", PromoteRequest()))[0]
        == "40401"
    )


@pytest.mark.parametrize(
    "text",
    [
        "stages: [",
        "stages:\n  a: {foreach: 5, do: {cmd: echo}}\n",
        "stages:\n  a: {foreach: '${nope}', do: {cmd: echo}}\n",
        "stages:\n  a: {foreach: [1]}\n",
        "stages:\n  a: {matrix: 5, cmd: echo}\n",
        "stages:\n  a: {matrix: [1], cmd: echo}\n",
        "stages:\n  a: {matrix: {x: 5}, cmd: echo}\n",
        "stages:\n  a: {matrix: {x: [1]}, foreach: [1], do: {cmd: echo}}\n",
    ],
)
def test_a_faulty_file_is_named(write, workflows: WorkflowManager, text: str) -> None:
    write(PATH, text)
    assert refusal(lambda: workflows.sweeps.list(PATH))[0] == "40205"
    assert [problem.code for problem in workflows.validate(PATH)][:1] == ["40205"]


def test_no_promotion_while_a_run_goes_on(
    write, workflows: WorkflowManager, run: Callable[..., Run]
) -> None:

    write(PATH, "stages:\n  a: {foreach: [1], do: {cmd: sleep 20}}\n")
    workflows.runs.execute(PATH, RunRequest())
    asked = PromoteRequest(variant="1")
    assert refusal(lambda: workflows.sweeps.promote(PATH, "a", asked))[0] == "40207"
    workflows.runs.cancel(PATH)


# Side by side


def test_variants_run_at_the_same_time(write, run: Callable[..., Run], project: Project) -> None:
    write(
        PATH,
        "stages:\n  v:\n    foreach: [1, 2, 3, 4]\n    do:\n"
        "      cmd: sleep 0.6; echo ${item} > o${item}\n      outs: ['o${item}']\n"
        "      meta: {warm: false}\n",
    )
    ended = run(jobs=2)
    spans = sorted((node.started, node.ended) for node in ended.nodes)
    assert ended.status == "COMPLETED"
    overlaps = sum(later[0] < earlier[1] for earlier, later in pairwise(spans))
    assert overlaps >= 2
    moments = [start for start, _ in spans]
    at_once = [sum(a <= moment < b for a, b in spans) for moment in moments]
    assert max(at_once) == 2


# In a terminal


def test_the_command_line_ranks_and_promotes(
    swept, run: Callable[..., Run], project: Project, monkeypatch, capsys
) -> None:
    from jupyter_mlws.cli.main import main

    file = swept()
    monkeypatch.chdir(project.root)
    assert main(["sweep"]) == 0
    assert "no metrics yet" in capsys.readouterr().out
    run()
    assert main(["sweep", "train"]) == 0
    said = capsys.readouterr().out
    assert "val.loss, lower is better" in said
    rows = [
        row.split() for row in said.splitlines() if row.lstrip(" │┃").startswith(("★", "2", "3"))
    ]
    assert [row[1] for row in rows] == ["b", "a", "c"]
    assert main(["sweep", "nope"]) == 1
    assert main(["sweep", "--metric", "nope"]) == 1
    assert main(["sweep", "--mode", "best"]) == 2
    capsys.readouterr()
    assert main(["sweep", "--metric", "acc", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["best"] == "train@c"
    assert main(["promote", "--metric", "acc", "--mode", "min"]) == 0
    assert "Replaced the sweep train with train@a." in capsys.readouterr().out
    assert "out/a.txt" in file.read_text()
    assert main(["promote"]) == 2
