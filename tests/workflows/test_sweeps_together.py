"""Sweeps and what is made of them: what measures variants, and what a promotion takes along."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.components.values import producer_of
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from jupyter_mlws.workflows.sweep_models import PromoteRequest
from mlws.core.project import Project

PATH = "dvc.yaml"
CHAIN = """\
# Two steps of the same variants, and what reads them all.
stages:
  train:
    matrix: {depth: [1, 3, 2]}
    cmd: echo ${item.depth} > out/train.model.${key}.txt
    outs: ["out/train.model.${key}.txt"]
  judge:
    matrix: {depth: [1, 3, 2]}
    cmd: >-
      echo "{\\"score\\": $(cat out/train.model.${key}.txt)}" > out/judge.metrics.${key}.json
    deps: ["out/train.model.${key}.txt"]
    metrics: ["out/judge.metrics.${key}.json"]
  all:   # of every variant
    cmd: cat out/train.model.1.txt out/train.model.3.txt out/train.model.2.txt > all.txt
    deps:
      - out/train.model.1.txt   # first
      - out/train.model.3.txt
      - out/train.model.2.txt
    outs: [all.txt]
  named:
    cmd: echo --of out/train.model.1.txt out/train.model.3.txt --to named.txt > named.txt
    deps: [out/train.model.1.txt, out/train.model.3.txt]
    outs: [named.txt]
  one:
    cmd: cp out/train.model.1.txt one.txt
    deps: [out/train.model.1.txt]
    outs: [one.txt]
"""
PROMOTED = """\
# Two steps of the same variants, and what reads them all.
stages:
  train:
    cmd: echo 3 > out/train.model.3.txt
    outs: ["out/train.model.3.txt"]
  judge:
    cmd: >-
      echo "{\\"score\\": $(cat out/train.model.3.txt)}" > out/judge.metrics.3.json
    deps: ["out/train.model.3.txt"]
    metrics: ["out/judge.metrics.3.json"]
"""
SHARED = """\
stages:
  train:
    matrix: {rate: [0.1, 1e-05]}
    cmd: echo ${item.rate} > out/train.model.${key}.txt
    outs: ["out/train.model.${key}.txt"]
  compare:
    cmd: python compare.py
    deps: [compare.py, out/train.model.0.1.txt, out/train.model.1e-05.txt]
    metrics: [measured.json]
"""
COMPARE = """\
import json
json.dump({"train@0.1": {"loss": 3}, "train@1e-05": {"loss": 2}, "other": {"loss": 1}},
          open("measured.json", "w"))
"""


@pytest.fixture(autouse=True)
def folder(project: Project) -> Path:
    out = project.root / "out"
    out.mkdir()
    return out


def test_a_file_tells_the_node_and_the_variant_that_made_it() -> None:
    assert producer_of("forest.model.skops") == "forest"
    assert producer_of("forest.model.0.1-gini.skops") == "forest@0.1-gini"
    assert producer_of("model") == "model"


def test_variants_are_measured_by_what_is_made_of_them(
    write, workflows: WorkflowManager, run: Callable[..., Run]
) -> None:
    write(PATH, CHAIN)
    assert run().status == "COMPLETED"
    train, judge = workflows.sweeps.list(PATH).items
    assert [(one.id, one.metrics) for one in train.variants] == [
        ("train@3", {"score": 3}),
        ("train@2", {"score": 2}),
        ("train@1", {"score": 1}),
    ]
    assert judge.best == "judge@3"


def test_a_comparison_measures_each_variant_by_its_name(
    write, workflows: WorkflowManager, run: Callable[..., Run]
) -> None:
    write("compare.py", COMPARE)
    write(PATH, SHARED)
    assert run().status == "COMPLETED"
    (train,) = workflows.sweeps.list(PATH).items
    assert (train.metric, train.mode, train.best) == ("loss", "min", "train@1e-05")
    assert [one.metrics for one in train.variants] == [{"loss": 2}, {"loss": 3}]


def test_a_renamed_sweep_is_ranked_by_the_names_of_its_files(
    write, workflows: WorkflowManager, run: Callable[..., Run]
) -> None:
    write("compare.py", COMPARE)
    write(PATH, SHARED)
    assert run().status == "COMPLETED"
    write(PATH, SHARED.replace("  train:\n", "  rates:\n"))
    (sweep,) = workflows.sweeps.list(PATH).items
    assert (sweep.metric, sweep.best) == ("loss", "rates@1e-05")


def test_promotion_takes_along_what_is_made_of_the_variant(
    write, workflows: WorkflowManager, run: Callable[..., Run], states, project: Project
) -> None:
    file = write(PATH, CHAIN)
    run()
    promoted = workflows.sweeps.promote(PATH, "train", PromoteRequest())
    assert (promoted.variant, promoted.also, promoted.value) == ("train@3", ["judge"], 3)
    assert promoted.result_kept
    text = file.read_text()
    assert text.startswith(PROMOTED)
    assert f"cmd: cat {' '.join(['out/train.model.3.txt'] * 3)} > all.txt\n" in text
    assert text.count("- out/train.model.3.txt") == 1
    assert "cmd: echo --of out/train.model.3.txt --to named.txt > named.txt\n" in text
    assert "  one:\n    cmd: cp out/train.model.3.txt one.txt\n" in text
    assert text.count("deps: [out/train.model.3.txt]\n") == 2
    assert workflows.validate(PATH) == []
    plan = {node.id: node.action.value for node in workflows.plan(PATH).nodes}
    assert (plan["train"], plan["judge"]) == ("cached", "cached")
    assert run().status == "COMPLETED"
    assert (project.root / "one.txt").read_text() == "3\n"
