"""Every component of the library, on real data, as a workflow's node runs it."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, load_wine

from jupyter_mlws.components.node import main
from jupyter_mlws.components.registry import library
from jupyter_mlws.components.values import read

TEXTS = {
    "sport": ["The team won the match", "A late goal won the cup", "The match was lost"],
    "cooking": ["Boil the rice slowly", "Fry the onion in oil", "The rice needs salt"],
}
COMMANDS: dict[str, list[str]] = {
    "load_table": ["--file wine.csv --table OUT.parquet --limit 20"],
    "load_sql": [
        "--database wine.db --table OUT.parquet --query QUERY",
        "--database wine.db --script query.sql --table OUT.parquet --limit 7",
        "--url sqlite:///wine.db --table OUT.parquet --query QUERY",
    ],
    "sample_data": [f"--dataset {name} --table OUT.parquet" for name in ("iris", "digits")],
    "load_texts": ["--folder texts --table OUT.parquet"],
    "vectorize_text": [
        "--data texts.parquet --table OUT.parquet --vectorizer OUT.skops",
        "--data texts.parquet --table OUT.parquet --analyzer char --longest 2 --max_features 50",
        "--data texts.parquet --table OUT.parquet --stop_words english --min_rows 2",
    ],
    "load_images": ["--folder pictures --table OUT.parquet --size 16 --color gray"],
    "image_pixels": ["--data digits --table OUT.parquet"],
    "data_preprocessing": ["--input_path people.csv --output_path OUT.parquet --scale standard"],
    "select_columns": ["--data wine.csv --table OUT.parquet --columns alcohol target"],
    "clean_rows": ["--data people.csv --table OUT.parquet --missing most_frequent"],
    "filter_rows": [
        "--data wine.csv --table OUT.parquet --column alcohol --condition at_least --value 13",
        "--data wine.csv --table OUT.parquet --by expression --expression alcohol>13",
    ],
    "sort_rows": ["--data wine.csv --table OUT.parquet --columns target alcohol --descending"],
    "sample_rows": ["--data wine.csv --table OUT.parquet --size share --share 0.2"],
    "rename_columns": ["--data wine.csv --table OUT.parquet --names hue=shade"],
    "convert_types": ["--data wine.csv --table OUT.parquet --columns target --to text"],
    "formula": ["--data wine.csv --table OUT.parquet --column half --expression alcohol/2"],
    "join_tables": [
        "--left people.csv --right cities.csv --table OUT.parquet",
        "--left people.csv --right cities.csv --table OUT.parquet --columns city --how outer",
    ],
    "concatenate_tables": ["--tables wine.csv wine.csv --table OUT.parquet"],
    "group_rows": ["--data wine.csv --table OUT.parquet --by target --statistics mean std count"],
    "pivot_table": [
        "--data people.csv --table OUT.parquet --rows city --columns target --values age"
    ],
    "unpivot_table": [
        "--data wine.csv --table OUT.parquet --keep target --columns alcohol hue",
    ],
    "save_table": [
        "--data wine.csv --file OUT.csv --columns target alcohol",
        "--data wine.csv --file OUT.tsv",
        "--data wine.csv --file OUT.xlsx",
    ],
    "add_lags": [
        "--data wine.csv --table OUT.parquet --columns alcohol hue --windows 3 --group target"
    ],
    "encode_categories": [
        "--data people.csv --table OUT.parquet --encoder OUT.skops",
        "--data people.csv --table OUT.parquet --method ordinal",
        "--data wine.csv --table OUT.parquet --encoder OUT.skops",
    ],
    "scale_columns": [
        f"--data wine.csv --table OUT.parquet --scaler OUT.skops --method {method}"
        for method in ("standard", "min_max", "robust", "max_abs")
    ],
    "select_features": [
        f"--data wine.csv --table OUT.parquet --selector OUT.skops --count 4 --method {method}"
        for method in ("importance", "f_test", "variance")
    ],
    "transform_table": ["--transformer scaler.skops --data wine.csv --table OUT.parquet"],
    "split": ["--data wine.csv --train OUT.parquet --test OUT.csv"],
    "check_table": [
        "--data people.csv --table OUT.parquet --report OUT.json --complete target"
        " --types age=number city=text --conditions age>0 --violations warn"
    ],
    "impute_missing": ["--data people.csv --table OUT.parquet --imputer OUT.skops"],
    "reduce_dimensions": [
        "--data wine.csv --table OUT.parquet --reducer OUT.skops --metrics OUT.json"
    ],
    "train_classifier": [
        f"--data wine.csv --model OUT.skops --n_estimators 5 --algorithm {name}"
        for name in ("k_neighbors", "svm", "hist_gradient_boosting", "xgboost", "lightgbm")
    ],
    "train_regressor": [
        f"--data diabetes.csv --model OUT.skops --n_estimators 5 --repeat bmi --algorithm {name}"
        for name in ("naive", "ridge", "svm", "hist_gradient_boosting", "xgboost", "lightgbm")
    ],
    "train_clusters": [
        f"--data wine.csv --model OUT.skops --table OUT.parquet --metrics OUT.json"
        f" --algorithm {name} --distance 3"
        for name in ("k_means", "gaussian_mixture", "dbscan", "hierarchical")
    ],
    "model_training": ["--data wine.csv --model OUT.skops --metrics OUT.json --model_type svm"],
    "tune_model": [
        "--data wine.csv --model OUT.skops --metrics OUT.json --table OUT.parquet"
        " --model_type k_neighbors --folds 3",
        "--data diabetes.csv --model OUT.skops --model_type decision_tree --search random"
        " --trials 3 --folds 3 --parameters max_depth=none,2,4 min_samples_leaf=1,9",
    ],
    "compare_classifiers": ["--models wine.skops --test wine.csv --metrics OUT.json"],
    "compare_regressors": ["--models diabetes.skops --test diabetes.csv --metrics OUT.json"],
    "cross_validate": [
        "--models wine.skops --data wine.csv --metrics OUT.json --table OUT.parquet --folds 3",
        "--models diabetes.skops --data diabetes.csv --metrics OUT.json --folds 3",
    ],
    "predict": ["--model wine.skops --data wine.csv --table OUT.parquet --probabilities"],
    "plot_metrics": ["--metrics measured.json --figure OUT.png"],
    "plot_confusion_matrix": ["--model wine.skops --test wine.csv --figure OUT.png"],
    "plot_histogram": ["--data wine.csv --column alcohol --figure OUT.png"],
    "plot_scatter": [
        "--data wine.csv --x alcohol --y hue --figure OUT.png --color target",
        "--data wine.csv --x alcohol --y hue --figure OUT.png --color proline --title 酒",
        "--data wine.csv --x alcohol --y hue --figure OUT.png",
    ],
    "plot_roc_curve": ["--models wine.skops --test wine.csv --figure OUT.png"],
    "plot_precision_recall": ["--models wine.skops --test wine.csv --figure OUT.png"],
    "plot_calibration": ["--models wine.skops --test wine.csv --figure OUT.png --bins 4"],
    "plot_residuals": ["--model diabetes.skops --test diabetes.csv --figure OUT.png"],
    "plot_learning_curve": ["--model wine.skops --data wine.csv --figure OUT.png --points 3"],
    "plot_predictions": ["--model diabetes.skops --test diabetes.csv --figure OUT.png"],
    "plot_importance": ["--model wine.skops --test wine.csv --figure OUT.png --count 5"],
}
ELSEWHERE = {
    "train_network": "test_networks.py",
    "register_model": "test_register.py",
    "load_model": "test_register.py",
    "prepare_columns": "test_preparation.py",
}
QUERY = "SELECT alcohol, target FROM wine WHERE alcohol > 13"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real data in the shapes that people have it in, and what some components make of it."""
    folder = tmp_path_factory.mktemp("library")
    wine = load_wine(as_frame=True).frame
    wine.to_csv(folder / "wine.csv", index=False)
    load_diabetes(as_frame=True).frame.to_csv(folder / "diabetes.csv", index=False)
    with sqlite3.connect(folder / "wine.db") as database:
        wine.to_sql("wine", database, index=False)
    database.close()
    (folder / "query.sql").write_text("SELECT *\nFROM wine\nORDER BY alcohol -- the weakest\n")
    pd.DataFrame(
        {
            "age": [30, None, 41, 41, 25],
            "city": ["Bonn", "Ulm", None, None, "Ulm"],
            "target": ["yes", "no", "no", "no", "yes"],
        }
    ).to_csv(folder / "people.csv", index=False)
    (folder / "cities.csv").write_text("city,people\nBonn,330000\nUlm,126000\nKiel,246000\n")
    for kind, texts in TEXTS.items():
        (folder / "texts" / kind).mkdir(parents=True)
        for n, text in enumerate(texts):
            (folder / "texts" / kind / f"{n}.txt").write_text(text)
    digits = load_digits()
    (folder / "digits").mkdir()
    np.savez(folder / "digits/all.npz", x=digits.images[:60].astype("uint8"), y=digits.target[:60])
    for n, size in enumerate((20, 16, 32)):
        for kind in ("light", "dark"):
            pixels = np.full((size, size + n, 3), 200 if kind == "light" else 30, dtype="uint8")
            (folder / "pictures" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / "pictures" / kind / f"{n}.png")
    for command in (
        "load_texts --folder @texts --table @texts.parquet",
        "scale_columns --data @wine.csv --table @scaled.parquet --scaler @scaler.skops",
        "train_classifier --data @wine.csv --model @wine.skops --n_estimators 10",
        "train_regressor --data @diabetes.csv --model @diabetes.skops --n_estimators 10",
        "compare_classifiers --models @wine.skops --test @wine.csv --metrics @measured.json",
    ):
        assert main(command.replace("@", f"{folder}/").split()) == 0
    return folder


def call(command: str) -> int:
    words = [QUERY if word == "QUERY" else word for word in command.split()]
    return main(words)


EVERY = [f"{name} {given}" for name, listed in COMMANDS.items() for given in listed]


@pytest.fixture(scope="module")
def output(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run a command, once for all tests: the folder of its outputs."""

    @cache
    def run(command: str) -> Path:
        folder = tmp_path_factory.mktemp("output")
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.chdir(made)
            assert call(command.replace("OUT", f"{folder}/out")) == 0
        return folder

    return run


@pytest.mark.parametrize("command", EVERY)
def test_it_makes_what_it_says(output: Callable[[str], Path], command: str) -> None:
    tables = dict.fromkeys((".parquet", ".csv", ".tsv", ".xlsx"), "Table")
    kinds = tables | {".skops": "Model", ".json": "Metrics"}
    files = list(output(command).iterdir())
    assert files
    for file in files:
        if file.suffix == ".png":
            assert Image.open(file).size > (100, 100)
        elif kinds[file.suffix] == "Table":
            assert len(read("Table", file)) > 0
        else:
            assert read(kinds[file.suffix], file)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="runs every component twice")
def test_equal_runs_give_equal_bytes(
    made: Path, output: Callable[[str], Path], tmp_path: Path
) -> None:
    # Another process has other addresses, hash seeds and names of temporary files.
    calls = []
    for n, command in enumerate(EVERY):
        (tmp_path / str(n)).mkdir()
        given = command.replace("OUT", f"{tmp_path}/{n}/out").split()
        calls.append([QUERY if word == "QUERY" else word for word in given])
    program = f"from jupyter_mlws.components.node import main\nexit(any(map(main, {calls!r})))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", program], cwd=made, env=environment, check=True)
    unlike = [
        command
        for n, command in enumerate(EVERY)
        for file in output(command).iterdir()
        if file.read_bytes() != (tmp_path / str(n) / file.name).read_bytes()
    ]
    assert unlike == []


def test_no_component_is_left_out() -> None:
    assert {one.name for one in library()} == {*COMMANDS, *ELSEWHERE}


@pytest.fixture
def table(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run a command whose table is wanted."""
    monkeypatch.chdir(made)

    def run(command: str) -> pd.DataFrame:
        assert call(command.replace("OUT", f"{tmp_path}/out")) == 0
        return read("Table", tmp_path / "out.parquet")

    return run


def test_rows_of_a_query(made: Path, table: Any) -> None:
    found = table("load_sql --database wine.db --table OUT.parquet --query QUERY")
    wine = load_wine(as_frame=True).frame
    expected = wine.loc[wine.alcohol > 13, ["alcohol", "target"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("--database wine.db --query PRAGMA", "incomplete input"),
        ("--database wine.db --query ANALYZE", "readonly"),
        ("--database wine.db", "either in the setting query"),
        ("--query QUERY", "exactly one database"),
        ("--url postgresql://me:secret@localhost/x --query QUERY", "contains a password"),
        ("--url oracle://localhost/x --query QUERY", "supported: sqlite"),
        ("--url_variable NOT_THERE --query QUERY", "NOT_THERE is not set"),
    ],
)
def test_what_a_query_cannot_do_is_told(
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
    words: str,
) -> None:
    monkeypatch.chdir(made)
    assert call(f"load_sql {given} --table x.parquet") == 1
    assert re.search(words, capsys.readouterr().err)
    assert not (made / "x.parquet").exists()


def test_a_database_is_only_read(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    given = ["load_sql", "--database", "wine.db", "--table", "x.parquet", "--query"]
    assert main([*given, "DELETE FROM wine"]) == 1
    with sqlite3.connect("wine.db") as database:
        assert database.execute("SELECT count(*) FROM wine").fetchone() == (178,)
    database.close()


def test_what_is_learned_of_one_table_is_applied_to_another(made: Path, tmp_path: Path) -> None:
    from jupyter_mlws.components.library.clean import encode_categories
    from jupyter_mlws.components.library.features import scale_columns, transform_table
    from jupyter_mlws.components.library.text import vectorize_text

    train = pd.DataFrame({"n": [0.0, 10.0], "word": ["a", "b"], "target": [0, 1]})
    new = pd.DataFrame({"n": [5.0, 20.0], "word": ["b", "unheard"], "target": [1, 1]})
    _, scaler = scale_columns(train, method="min_max")
    assert transform_table(scaler, new)["n"].tolist() == [0.5, 2.0]
    encoded, encoder = encode_categories(train)
    assert list(encoded.columns) == ["n", "target", "word_a", "word_b"]
    assert transform_table(encoder, new)[["word_a", "word_b"]].to_numpy().tolist() == [
        [0, 1],
        [0, 0],
    ]
    texts = pd.DataFrame({"text": ["red wine", "white wine", None], "target": [0, 1, 1]})
    made_of, vectorizer = vectorize_text(texts)
    assert list(made_of.columns) == ["target", "text__red", "text__white", "text__wine"]
    assert made_of.iloc[2, 1:].tolist() == [0, 0, 0]
    again = transform_table(vectorizer, pd.DataFrame({"text": ["red red", None]}))
    assert again["text__red"].tolist() == [1.0, 0.0]
    with pytest.raises(KeyError, match=r"no columns \['n'\]"):
        transform_table(scaler, new.drop(columns=["n"]))


def test_features_that_say_nothing_are_left_out(made: Path, table: Any) -> None:
    rng = np.random.default_rng(0)
    noisy = load_wine(as_frame=True).frame.assign(noise=rng.random(178), same=1.0)
    noisy = noisy[[*(name for name in noisy if name != "target"), "target"]]
    noisy.to_csv(made / "noisy.csv", index=False)
    chosen = table("select_features --data noisy.csv --table OUT.parquet --count 5")
    assert len(chosen.columns) == 6
    assert "noise" not in chosen.columns
    assert "same" not in table(
        "select_features --data noisy.csv --table OUT.parquet --method variance"
    )


def test_texts_are_told_apart(made: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text\nhow to fry rice\nwho won the match\n")
    for command in (
        "vectorize_text --data texts.parquet --table @w.parquet --vectorizer @w.skops",
        "train_classifier --data @w.parquet --model @m.skops --algorithm logistic_regression",
        "transform_table --transformer @w.skops --data @new.csv --table @new.parquet",
        "predict --model @m.skops --data @new.parquet --table @out.parquet",
    ):
        given = command.replace("@", f"{tmp_path}/").replace("texts.p", f"{made}/texts.p")
        assert call(given) == 0
    found = read("Table", tmp_path / "out.parquet")
    assert found["prediction"].tolist() == ["cooking", "sport"]


def test_clusters_are_those_that_are_there(made: Path, tmp_path: Path) -> None:
    assert (
        call(f"train_clusters --data {made}/wine.csv --table {tmp_path}/c.parquet"
             f" --metrics {tmp_path}/c.json --model {tmp_path}/c.skops") == 0
    )  # fmt: skip
    from sklearn.metrics import adjusted_rand_score

    found = read("Table", tmp_path / "c.parquet")
    assert adjusted_rand_score(found["target"], found["cluster"]) > 0.8
    assert json.loads((tmp_path / "c.json").read_text())["clusters"] == 3
    features = f"{tmp_path}/f.parquet"
    assert call(f"select_columns --data {made}/wine.csv --drop target --table {features}") == 0
    predict = f"predict --model {tmp_path}/c.skops --data {features} --table {tmp_path}/p.parquet"
    assert call(predict) == 0
    again = read("Table", tmp_path / "p.parquet")
    assert (again["prediction"] == found["cluster"]).all()


def test_a_search_finds_better_settings(made: Path, tmp_path: Path) -> None:
    command = (
        f"tune_model --data {made}/wine.csv --model {tmp_path}/m.skops --metrics {tmp_path}/m.json"
        f" --table {tmp_path}/t.parquet --model_type decision_tree"
        " --parameters max_depth=1,5 criterion=gini,entropy"
    )
    assert call(command) == 0
    metrics = json.loads((tmp_path / "m.json").read_text())
    tried = read("Table", tmp_path / "t.parquet")
    assert metrics["best"]["max_depth"] == 5
    assert metrics["tried"] == len(tried) == 4
    assert tried["score"].iloc[0] == metrics["score"] > tried["score"].iloc[-1]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [("max_depth", "must have the form"), ("depth=3", r"has no \['depth'\]")],
)
def test_parameters_that_cannot_be_tried(
    made: Path, capsys: pytest.CaptureFixture[str], parameters: str, words: str
) -> None:
    command = f"tune_model --data {made}/wine.csv --model {made}/x.skops --parameters {parameters}"
    assert call(command) == 1
    assert re.search(words, capsys.readouterr().err)


def test_cross_validation_ranks_models(made: Path, tmp_path: Path) -> None:
    stump = "train_classifier --data @wine.csv --model @stump.skops --algorithm decision_tree"
    assert call(f"{stump} --max_depth 1".replace("@", f"{made}/")) == 0
    command = "cross_validate --models @wine.skops --models @stump.skops --data @wine.csv"
    command = f"{command} --metrics {tmp_path}/m.json --table {tmp_path}/t.parquet"
    assert call(command.replace("@", f"{made}/")) == 0
    metrics = json.loads((tmp_path / "m.json").read_text())
    assert metrics["wine"]["accuracy"] > 0.9 > metrics["stump"]["accuracy"]
    assert list(read("Table", tmp_path / "t.parquet")["model"]) == ["wine", "stump"]


def test_probabilities_stand_beside_predictions(made: Path, table: Any) -> None:
    found = table("predict --model wine.skops --data wine.csv --table OUT.parquet --probabilities")
    chances = found[["prediction_0", "prediction_1", "prediction_2"]]
    assert np.allclose(chances.sum(axis=1), 1)
    assert (chances.to_numpy().argmax(axis=1) == found["prediction"]).all()
