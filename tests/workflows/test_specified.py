"""The example of the product's specification, as it stands, on images at ``data/raw``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from mlws.core.project import Project
from tests.pytorch import torch
from tests.workflows.test_create import OUT, SPECIFIED

__all__ = ["torch"]
API = "mlws/api/v1/workflows"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED")


@pytest.fixture
def tracked(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)


def as_arrays(raw: Path) -> None:
    digits = load_digits()
    np.save(raw / "images.npy", digits.images[:200].astype("uint8"))
    np.save(raw / "labels.npy", digits.target[:200])


def as_pictures(raw: Path) -> None:
    digits = load_digits()
    for n, (image, label) in enumerate(zip(digits.images[:200], digits.target, strict=False)):
        (raw / str(label)).mkdir(exist_ok=True)
        Image.fromarray((image * 15).astype("uint8")).save(raw / str(label) / f"{n}.png")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "laid", [as_pictures, pytest.param(as_arrays, marks=pytest.mark.exhaustive)]
)
@pytest.mark.slow(reason="trains a network")
async def test_it_runs_to_its_end(
    torch: None, tracked: None, project: Project, fetch, laid: Callable[[Path], None]
) -> None:
    async def ask(path: str, **more: Any) -> Any:
        return json.loads((await fetch(path, **more)).body)["data"]

    raw = project.root / "data/raw"
    raw.mkdir(parents=True)
    laid(raw)
    made = await ask(API, method="POST", body=json.dumps(SPECIFIED, ensure_ascii=False))
    assert made["problems"] == []
    run = await ask(f"{API}/{made['id']}/execute", method="POST", body="{}")
    while run["status"] not in ENDED:
        await asyncio.sleep(0.2)
        run = await ask(f"{API}/{made['id']}/runs/{run['id']}")
    assert run["status"] == "COMPLETED", run
    assert {node["id"]: node["status"] for node in run["nodes"]} == {
        "data_prep": "COMPLETED",
        "train": "COMPLETED",
    }
    measured = json.loads((project.root / OUT / "train.metrics.json").read_text())
    assert (measured["model_type"], measured["epochs"]) == ("cnn", 100)
    assert measured["accuracy"] > 0.75
    assert (project.root / OUT / "train.model.skops").is_file()
