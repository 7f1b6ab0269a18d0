"""``jupyter mlws node``: the library on real data, equal bytes for equal runs, clear refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlws.components.node import main


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables and a model that the library's first components make of the wine data."""
    folder = tmp_path_factory.mktemp("node")
    steps = [
        f"sample_data --dataset wine --table {folder}/all.parquet",
        f"split --data {folder}/all.parquet --train {folder}/train.parquet"
        f" --test {folder}/test.parquet --stratify target --random_state 1",
        f"train_classifier --data {folder}/train.parquet --model {folder}/forest.model.skops"
        " --n_estimators 5 --max_depth None",
    ]
    for step in steps:
        assert main(step.split()) == 0
    return folder


def call(text: str, folder: Path) -> int:
    return main(text.replace("@", f"{folder}/").split())


def test_the_everyday_path_works_on_real_data(made: Path) -> None:
    linear = "train_classifier --data @train.parquet --model @linear.model.skops --algorithm"
    assert call(f"{linear} logistic_regression --C 0.5 --scale true", made) == 0
    models = "--models @forest.model.skops --models @linear.model.skops"
    compare = (
        f"compare_classifiers {models} --test @test.parquet --metrics @m.json --table @t.parquet"
    )
    assert call(compare, made) == 0
    measured = json.loads((made / "m.json").read_text())
    assert set(measured) == {"forest", "linear"}
    assert measured["linear"]["accuracy"] > 0.9
    assert call("plot_metrics --metrics @m.json --figure @m.png --measures accuracy f1", made) == 0
    confusion = "plot_confusion_matrix --model @forest.model.skops --test @test.parquet"
    assert call(f"{confusion} --figure @c.png", made) == 0
    for name in ("m.png", "c.png"):
        assert (made / name).read_bytes().startswith(b"\x89PNG")


COMMANDS = [
    "load_table --file @all.csv --table @OUT.parquet --limit 20",
    "select_columns --data @all.parquet --table @OUT.parquet --columns alcohol target",
    "clean_rows --data @all.parquet --table @OUT.parquet --missing median",
    "encode_categories --data @all.parquet --table @OUT.parquet --columns target",
    "train_regressor --data @train.parquet --model @OUT.skops --target alcohol"
    " --algorithm ridge --no-scale",
    "train_classifier --data @train.parquet --model @OUT.skops --algorithm gradient_boosting"
    " --n_estimators 3",
    "train_classifier --data @train.parquet --model @OUT.skops --n_estimators 4",
    "predict --model @forest.model.skops --data @test.parquet --table @OUT.parquet",
    "plot_histogram --data @all.parquet --figure @OUT.png --column alcohol",
]


@pytest.mark.exhaustive
def test_equal_runs_give_equal_bytes(made: Path, tmp_path: Path) -> None:
    import pandas as pd

    pd.read_parquet(made / "all.parquet").to_csv(made / "all.csv", index=False)
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
    calls = [
        command.replace("@OUT", f"{tmp_path}/RUN/{number}").replace("@", f"{made}/")
        for number, command in enumerate(COMMANDS)
    ]
    for line in calls:
        assert main(line.replace("RUN", "one").split()) == 0
    # Another process has other addresses, hash seeds and names of temporary files.
    words = [line.replace("RUN", "two").split() for line in calls]
    code = f"from jupyter_mlws.components.node import main; exit(any(map(main, {words!r})))"
    subprocess.run([sys.executable, "-c", code], check=True)
    files = sorted((tmp_path / "one").iterdir())
    assert len(files) == len(COMMANDS)
    for file in files:
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nope --data x", "component not found"),
        ("split --train @x.parquet", "--data: input is missing"),
        ("split --data @all.parquet", "no output path given"),
        ("split --data @gone.parquet --train @x.parquet", "file not found"),
        ("split --data @junk.parquet --train @x.parquet", "junk.parquet"),
        ("split --data @all.parquet --train @x.parquet --test_size 2", "--test_size: Input should"),
        ("split --data @all.parquet --train @x.parquet --depth 2", "--depth: Extra inputs"),
        ("split @all.parquet --train @x.parquet", "unexpected argument"),
        ("split -d @all.parquet", "two dashes"),
        ("split --data @all.parquet @all.parquet --train @x.parquet", "expects one path, not 2"),
        ("plot_histogram --data @all.parquet --figure @x.png", "--column: Field required"),
    ],
)
def test_a_bad_argument_is_named_without_a_traceback(
    made: Path, capsys: pytest.CaptureFixture[str], command: str, words: str
) -> None:
    (made / "junk.parquet").write_text("no parquet")
    assert call(command, made) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert not (made / "x.parquet").exists()


def test_the_components_own_failure_keeps_its_traceback(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = "train_classifier --data @train.parquet --model @x.skops --target nope"
    assert call(command, made) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "no column 'nope'" in said


def test_a_model_of_foreign_types_is_not_loaded(made: Path) -> None:
    import skops.io

    from jupyter_mlws.components.values import ArtifactError, read

    class Foreign:
        """A type that the file's reader knows nothing of."""

    skops.io.dump(subprocess.CompletedProcess(["x"], 0), made / "foreign.skops")
    with pytest.raises(ArtifactError, match="CompletedProcess"):
        read("Model", made / "foreign.skops")


def test_the_command_imports_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys; from jupyter_mlws.components.node import main; main(['split', '--help'])\n"
        "print([m for m in ('pandas', 'sklearn', 'dvc', 'mlflow', 'tornado') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "[]"
