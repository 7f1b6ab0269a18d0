"""*Show Preparation as Node* on the canvas: the workflow has the same results afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components import values
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.engine.states import Status

NODE = "jupyter mlws node"
SPLIT = f"""\
stages:
  split:
    cmd: {NODE} split --data all.csv --train out/train.parquet --test out/test.parquet
    deps: [all.csv]
    outs: [out/train.parquet, out/test.parquet]
"""
LEARN = f"""\
  logistic:
    cmd: {NODE} train_classifier --data out/train.parquet --model out/logistic.skops --target left
      --algorithm logistic_regression %s
    deps: [out/train.parquet%s]
    outs: [out/logistic.skops]
  boosting:
    cmd: {NODE} train_classifier --data out/train.parquet --model out/boosting.skops --target left
      --algorithm hist_gradient_boosting --preparation automatic
    deps: [out/train.parquet]
    outs: [out/boosting.skops]
  compare:
    cmd: {NODE} compare_classifiers --models out/logistic.skops --models out/boosting.skops
      --test out/test.parquet --metrics out/scores.json --target left
    deps: [out/logistic.skops, out/boosting.skops, out/test.parquet]
    metrics: [out/scores.json]
"""
STEPS = f"""\
  steps:
    cmd: {NODE} prepare_columns --data out/train.parquet --steps out/steps.skops --target left
      --task classification --columns %s
    deps: [out/train.parquet]
    outs: [out/steps.skops]
"""


@pytest.mark.exhaustive
def test_steps_of_a_node_give_the_same_metrics_on_raw_test_rows(
    write: Callable[..., Path], run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    source = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "customer id": [f"c{n}" for n in range(200)],
            "city": source.choice([f"city {n}" for n in range(40)], 200),
            "signup": pd.date_range("2024-01-01", periods=200).strftime("%d.%m.%Y"),
            "age": source.integers(18, 90, 200).astype(float),
            "plan": source.choice(["basic", "full"], 200),
        }
    )
    table["left"] = np.where((table["age"] > 50) ^ (table["plan"] == "full"), "yes", "no")
    table.loc[::7, "age"] = table.loc[::9, "plan"] = table.loc[::11, "left"] = None
    root = write("all.csv", table.to_csv(index=False)).parent

    write("dvc.yaml", SPLIT + LEARN % ("--preparation automatic", ""))
    before = run()
    assert before.status == Status.COMPLETED
    scores = json.loads((root / "out/scores.json").read_text())
    model = values.read("Model", root / "out/logistic.skops")
    preview = workflows.results.preview("dvc.yaml", before.id, "logistic", "model")
    columns = " ".join(f'"{one.name}={one.step}"' for one in preview.preparation or ())
    assert "target_encoding" in columns

    learner = LEARN % ("--no-scale --steps out/steps.skops", ", out/steps.skops")
    write("dvc.yaml", SPLIT + STEPS % columns + learner)
    assert run().status == Status.COMPLETED
    assert json.loads((root / "out/scores.json").read_text()) == scores
    test = pd.read_parquet(root / "out/test.parquet")
    again = values.read("Model", root / "out/logistic.skops")
    assert (again.predict_proba(test) == model.predict_proba(test)).all()
