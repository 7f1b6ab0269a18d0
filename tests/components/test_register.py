"""A model is registered with its measures, by a node of a workflow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.components.node import main
from jupyter_mlws.mlflow.registry import MLflowRegistry
from mlws.core.project import Project


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table and a model with its measures."""
    folder = tmp_path_factory.mktemp("made")
    for command in (
        "sample_data --table @wine.parquet",
        "model_training --data @wine.parquet --model @out/m.skops --metrics @out/m.json"
        " --n_estimators 5",
    ):
        assert main(command.replace("@", f"{folder}/").split()) == 0
    return folder


@pytest.fixture
def root(made: Path, project: Project, mlflow_store: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, project.root, dirs_exist_ok=True)
    monkeypatch.chdir(project.root)
    monkeypatch.setenv("DVC_ROOT", str(project.root))
    return project.root


def test_a_version_has_file_measures_and_commit(root: Path, git: Callable[..., str]) -> None:
    command = "register_model --model out/m.skops --metrics out/m.json --text out/v.txt"
    given = [*command.split(), "--name", "葡萄酒", "--alias", "production"]
    assert main(given) == 0
    assert (root / "out/v.txt").read_text() == "models:/葡萄酒/1\n"
    registry = MLflowRegistry(f"sqlite:///{root}/mlflow.db")
    version = registry.version("葡萄酒", 1)
    measured: dict[str, Any] = json.loads((root / "out/m.json").read_text())
    assert version["metrics"]["accuracy"] == measured["accuracy"]
    assert version["params"] == {
        "model_type": "random_forest",
        "target": "target",
        "task": "classification",
    }
    assert version["artifacts"] == ["out/m.skops"]
    assert version["aliases"] == ["production"]
    assert version["commit"] == git(root, "rev-parse", "HEAD").strip()

    assert main(given) == 0
    assert (root / "out/v.txt").read_text() == "models:/葡萄酒/2\n"
    assert registry.version("葡萄酒", 1)["aliases"] == []


@pytest.mark.parametrize("name", ["a/b", "", "../x", "a:b"])
def test_names_that_mlflow_refuses_are_refused_before(
    root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "register_model --model out/m.skops --text out/v.txt --name"
    assert main([*command.split(), name]) == 2
    assert "--name" in capsys.readouterr().err
    assert not (root / "out/v.txt").exists()


def test_a_version_is_read_again_as_the_model_that_it_was(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["register_model", "--model", "out/m.skops", "--text", "out/v.txt", "--name", "wine"]
    assert main(given) == 0
    assert main(["load_model", "--model", "again.skops", "--name", "wine", "--version", "1"]) == 0
    predict = "predict --data wine.parquet --table"
    for model, table in (("out/m.skops", "one.parquet"), ("again.skops", "other.parquet")):
        assert main([*predict.split(), table, "--model", model]) == 0
    assert (root / "one.parquet").read_bytes() == (root / "other.parquet").read_bytes()

    capsys.readouterr()
    assert main(["load_model", "--model", "no.skops", "--name", "wine", "--version", "9"]) == 1
    assert "models:/wine/9" in capsys.readouterr().err
    assert main(["load_model", "--model", "no.skops", "--name", "wine", "--version", "0"]) == 2
    assert (
        main(["register_model", "--model", "wine.parquet", "--text", "t.txt", "--name", "table"])
        == 0
    )
    assert main(["load_model", "--model", "no.skops", "--name", "table", "--version", "1"]) == 1
    assert "has wine.parquet, not one .skops file" in capsys.readouterr().err
