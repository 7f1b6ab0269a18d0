"""Networks are trained by PyTorch, and are models as all others are."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_wine

from jupyter_mlws.components.node import main
from jupyter_mlws.components.optional_dependencies import installed
from jupyter_mlws.components.values import read
from tests.pytorch import torch

__all__ = ["torch"]

MODULE = "jupyter_mlws.components.node"
CNN = "model_training --data @digits --model @OUT.skops --metrics @OUT.json --model_type cnn"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    digits = load_digits()
    (folder / "digits").mkdir()
    images = digits.images[:300].astype("uint8")
    np.savez(folder / "digits/digits.npz", x=images, y=digits.target[:300])
    digits.frame = load_digits(as_frame=True).frame
    digits.frame[:300].to_csv(folder / "pixels.csv", index=False)
    load_wine(as_frame=True).frame.to_csv(folder / "wine.csv", index=False)
    load_diabetes(as_frame=True).frame.to_csv(folder / "diabetes.csv", index=False)
    return folder


@pytest.fixture
def node(torch: None, data: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run components one after the other, in a process of their own."""

    def run(*commands: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        calls = [command.replace("@", f"{data}/").split() for command in commands]
        program = f"from {MODULE} import main\nexit(max(main(words) for words in {calls!r}))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done

    return run


def metrics(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


@pytest.fixture
def cnn(node, data: Path) -> Path:
    """The file of a trained network; the first test that needs it trains it."""
    file = data / "cnn.skops"
    if not file.exists():
        said = node(f"{CNN} --epochs 25".replace("OUT", "cnn")).stdout
        (data / "cnn.log").write_text(said)
    return file


@pytest.mark.exhaustive
@pytest.mark.slow(reason="real programs, one after the other")
def test_a_cnn_learns_images_and_is_the_same_each_time(node, cnn: Path, data: Path) -> None:
    said = (data / "cnn.log").read_text()
    assert len(said.splitlines()) <= 20
    assert "epoch 25/25" in said
    found = metrics(data / "cnn.json")
    assert found["accuracy"] > 0.8
    assert (found["model_type"], found["epochs"], found["task"]) == ("cnn", 25, "classification")
    assert found["parameters"] > 1000
    node(f"{CNN} --epochs 25".replace("OUT", "again"))
    assert cnn.read_bytes() == (data / "again.skops").read_bytes()


@pytest.mark.exhaustive
def test_its_file_holds_arrays_and_words_alone(cnn: Path) -> None:
    with zipfile.ZipFile(cnn) as archive:
        assert {Path(name).suffix for name in archive.namelist()} <= {".npy", ".json"}
        schema = archive.read("schema.json").decode()
        for name in archive.namelist():
            if name.endswith(".npy"):
                np.load(archive.open(name), allow_pickle=False)
    assert "jupyter_mlws.components.networks" in schema
    assert "torch" not in schema


@pytest.mark.exhaustive
@pytest.mark.slow(reason="real programs, one after the other")
def test_it_goes_on_as_any_model(node, cnn: Path, data: Path) -> None:
    node(
        "predict --model @cnn.skops --data @digits --table @p.parquet --probabilities",
        "plot_confusion_matrix --model @cnn.skops --test @digits --figure @c.png",
        "plot_roc_curve --models @cnn.skops --test @digits --figure @r.png",
        "compare_classifiers --models @cnn.skops --test @digits --metrics @compared.json",
        "cross_validate --models @cnn.skops --data @digits --metrics @cv.json --folds 2",
    )
    found = read("Table", data / "p.parquet")
    assert (found["prediction"] == found["target"]).mean() > 0.6
    assert metrics(data / "cv.json")["cnn"]["accuracy"] > 0.3


LEARNED = [
    ("--data @digits --network cnn --channels 8 --hidden_layers 32", "accuracy", 0.6),
    ("--data @pixels.csv --network cnn --epochs 10", "accuracy", 0.6),
    ("--data @pixels.csv --network mlp --dropout 0.1", "accuracy", 0.8),
    ("--data @digits --network mlp", "accuracy", 0.7),
    ("--data @wine.csv --test @wine.csv --network mlp --epochs 60", "accuracy", 0.9),
    ("--data @diabetes.csv --network mlp --epochs 60", "r2", 0.2),
]


@pytest.mark.exhaustive
@pytest.mark.slow(reason="real programs, one after the other")
def test_networks_learn(node, data: Path) -> None:
    outputs = [f"--model @{n}.skops --metrics @{n}.json" for n in range(len(LEARNED))]
    given = [row[0] for row in LEARNED]
    node(*(f"train_network {a} {b}" for a, b in zip(given, outputs, strict=True)))
    for n, (_, measure, least) in enumerate(LEARNED):
        assert metrics(data / f"{n}.json")[measure] > least, LEARNED[n]


@pytest.mark.exhaustive
def test_what_a_network_cannot_learn_is_told(node, cnn: Path) -> None:
    said = node(
        "train_network --model @x.skops --data @wine.csv --network cnn",
        "train_network --model @x.skops --data @wine.csv --network mlp --target color",
        "load_images --folder @digits --table @large.parquet --size 16",
        "predict --model @cnn.skops --data @large.parquet --table @x.parquet",
        code=1,
    ).stderr
    for words in (
        "do not form a square image",
        "no column 'color'",
        "was trained on values of shape [1, 8, 8]",
    ):
        assert words in said


@pytest.mark.skipif(installed("torch"), reason="PyTorch is installed here")
@pytest.mark.parametrize("command", [CNN, "train_network --data @digits --network mlp"])
def test_without_pytorch_it_is_told_what_to_install(
    data: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    words = f"{command} --model @OUT.skops".replace("OUT", "no").replace("@", f"{data}/").split()
    assert main(list(dict.fromkeys(words))) == 1
    assert "pip install 'jupyter-mlws[torch]'" in capsys.readouterr().err
