"""Learners prepare raw columns by training rows alone, and their models take raw tables."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components import values
from jupyter_mlws.components.columns import UNKNOWN, Column, Schema
from jupyter_mlws.components.kinds import with_choices
from jupyter_mlws.components.library.evaluate import (
    compare_classifiers,
    compare_regressors,
    cross_validate,
    predict,
)
from jupyter_mlws.components.library.features import transform_table
from jupyter_mlws.components.library.plot import plot_confusion_matrix, plot_importance
from jupyter_mlws.components.library.preparation import prepare_columns
from jupyter_mlws.components.library.split import split
from jupyter_mlws.components.library.train import (
    train_classifier,
    train_clusters,
    train_regressor,
)
from jupyter_mlws.components.library.training import model_training
from jupyter_mlws.components.library.tune import tune_model
from jupyter_mlws.components.preparation import (
    PreparedColumn,
    columns_of,
    needed_columns,
    plan_steps,
    step_counts,
    stored_columns,
)
from jupyter_mlws.components.registry import library_needs

WORDS = ["slow", "fast", "friendly", "rude", "clean", "dirty", "cheap", "dear"]
CLASSIFIERS = (
    *("baseline", "logistic_regression", "random_forest", "gradient_boosting"),
    *("hist_gradient_boosting", "decision_tree", "svm", "k_neighbors"),
)
REGRESSORS = (
    *("baseline", "linear_regression", "ridge", "random_forest", "gradient_boosting"),
    *("hist_gradient_boosting", "decision_tree", "svm"),
)


def customers(rows: int = 240, seed: int = 0) -> pd.DataFrame:
    """A table with every kind of column, and gaps in all but the target."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "id": range(rows),
            "signup": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            "seen": pd.date_range("2025-01-01", periods=rows, freq="h"),
            "plan": rng.choice(["basic", "full", "trial"], rows),
            "城市": rng.choice([f"城市{n}" for n in range(50)], rows),
            "age": rng.integers(18, 90, rows).astype(float),
            "children": rng.integers(0, 4, rows),
            "active": rng.random(rows) > 0.5,
            "comment": [" ".join(rng.choice(WORDS, 6)) for _ in range(rows)],
            "country": "DE",
        }
    )
    left = (table["age"] > 50) ^ table["active"]
    table["left"] = np.where(left, "yes", "no")
    table["spent"] = table["age"] * 3 + rng.normal(size=rows)
    for n, name in enumerate(("signup", "seen", "plan", "城市", "age", "comment")):
        table.loc[n :: 11 + n, name] = None
    return table


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return customers()


@pytest.fixture(scope="module")
def classes(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="spent")


@pytest.mark.parametrize("algorithm", CLASSIFIERS)
def test_every_classifier_learns_from_a_raw_table(
    classes: pd.DataFrame, algorithm: str, tmp_path: Path
) -> None:
    train, test = split(classes)
    model = train_classifier(train, target="left", preparation="automatic", algorithm=algorithm)
    values.write("Model", model, tmp_path / "a.skops")
    values.write("Model", model, tmp_path / "b.skops")
    assert (tmp_path / "a.skops").read_bytes() == (tmp_path / "b.skops").read_bytes()
    again = values.read("Model", tmp_path / "a.skops")
    assert (again.predict(test) == model.predict(test)).all()
    comparison = compare_classifiers([again], test, target="left")
    assert comparison.metrics["model 1"]["accuracy"] >= 0.45
    plot_confusion_matrix(again, test, target="left")


@pytest.mark.parametrize("algorithm", REGRESSORS)
def test_every_regressor_learns_from_a_raw_table(table: pd.DataFrame, algorithm: str) -> None:
    train, test = split(table.drop(columns="left"))
    model = train_regressor(train, target="spent", preparation="automatic", algorithm=algorithm)
    measured = compare_regressors([model], test, target="spent").metrics["model 1"]["r2"]
    assert measured > (-0.2 if algorithm in ("baseline", "svm") else 0.7)


def test_each_column_has_the_step_of_its_kind(classes: pd.DataFrame) -> None:
    columns = plan_steps(classes.drop(columns="left"), classes["left"], "classification")
    assert {one.name: one.step for one in columns} == {
        "id": "ignored",
        "signup": "dates",
        "seen": "dates",
        "plan": "one_hot",
        "城市": "target_encoding",
        "age": "numbers",
        "children": "numbers",
        "active": "numbers",
        "comment": "texts",
        "country": "ignored",
    }
    by_name = {one.name: one for one in columns}
    assert by_name["country"].reason == "one_value"
    assert by_name["age"].gaps == int(classes["age"].isna().sum())


def test_a_kind_that_a_person_chose_decides(classes: pd.DataFrame) -> None:
    chosen = with_choices(classes, {"children": {"kind": "category"}, "plan": {"role": "ignored"}})
    model = train_classifier(chosen, target="left", preparation="automatic")
    steps = {one.name: one for one in (PreparedColumn(*row) for row in model.preparation_)}
    assert (steps["children"].step, steps["children"].reason) == ("one_hot", "chosen")
    # Its role is the reason.
    assert (steps["plan"].step, steps["plan"].reason) == ("ignored", "chosen")
    assert "plan" not in model.feature_names_in_
    wrong = with_choices(classes, {"plan": {"kind": "number"}})
    with pytest.raises(ValueError, match=r"'plan' .* holds texts, such as '(basic|full|trial)'"):
        train_classifier(wrong, target="left", preparation="automatic")


def test_the_target_is_the_column_of_that_role(classes: pd.DataFrame) -> None:
    chosen = with_choices(classes, {"left": {"role": "target"}, "plan": {"role": "group"}})
    train, test = split(chosen)
    assert set(train["plan"].astype(str)).isdisjoint(test["plan"].astype(str))
    model = train_classifier(train, preparation="automatic")
    assert "left" not in model.feature_names_in_
    assert "plan" not in model.feature_names_in_
    assert compare_classifiers([model], test).metrics


def test_the_latest_rows_judge_where_there_is_a_time(classes: pd.DataFrame) -> None:
    chosen = with_choices(classes.dropna(subset="signup"), {"signup": {"role": "time"}})
    train, test = split(chosen.sample(frac=1, random_state=0))
    assert train["signup"].max() < test["signup"].min()
    # Rows without a time are training rows, and each row is in one set.
    train, test = split(classes, time="signup")
    assert test["signup"].notna().all()
    assert sorted([*train["id"], *test["id"]]) == sorted(classes["id"])


@pytest.mark.parametrize("algorithm", ["logistic_regression", "hist_gradient_boosting"])
def test_preparation_never_sees_test_rows(
    classes: pd.DataFrame, algorithm: str, tmp_path: Path
) -> None:
    train, test = split(classes)
    other = test.assign(age=1e9, plan="new", signup="1999-09-09", comment="other words", left="?")
    for name, part in (("a", test), ("b", other)):
        # Only the order of the rows tells the sets apart.
        whole = pd.concat([train, part], ignore_index=True)
        parts = split(whole, test_size=len(test) / len(whole), shuffle=False)
        model = train_classifier(
            parts.train, target="left", preparation="automatic", algorithm=algorithm
        )
        values.write("Model", model, tmp_path / f"{name}.skops")
    assert (tmp_path / "a.skops").read_bytes() == (tmp_path / "b.skops").read_bytes()


@pytest.mark.exhaustive
def test_a_model_predicts_the_same_without_this_package(
    classes: pd.DataFrame, tmp_path: Path
) -> None:
    train, test = split(classes)
    model = train_classifier(
        train, target="left", preparation="automatic", algorithm="hist_gradient_boosting"
    )
    values.write("Model", model, tmp_path / "model.skops")
    test.to_parquet(tmp_path / "test.parquet")
    program = (
        "import sys, json; sys.modules['jupyter_mlws'] = None\n"
        "import pandas as pd, skops.io\n"
        "trusted = skops.io.get_untrusted_types(file='model.skops')\n"
        "assert not [one for one in trusted if 'mlws' in one]\n"
        "model = skops.io.load('model.skops', trusted=trusted)\n"
        "print(json.dumps(list(model.predict(pd.read_parquet('test.parquet')))))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert json.loads(answer.stdout.splitlines()[-1]) == list(model.predict(test))


def test_a_file_says_what_its_model_does_with_each_column(
    classes: pd.DataFrame, tmp_path: Path
) -> None:
    steps = {}
    for algorithm in ("random_forest", "hist_gradient_boosting", "baseline"):
        model = train_classifier(
            classes, target="left", preparation="automatic", algorithm=algorithm
        )
        file = tmp_path / f"{algorithm}.skops"
        values.write("Model", model, file)
        # Also of the copy that a comparison hands on.
        values.write("Model", values.read("Model", file), tmp_path / "copy.skops")
        steps[algorithm] = stored_columns(tmp_path / "copy.skops")
        assert steps[algorithm] == stored_columns(file)
    assert steps["random_forest"][0] == (
        "id", "identifier", "row_numbers", "ignored", 0, None, False,
    )  # fmt: skip
    assert step_counts(steps["random_forest"]) == {"encoded": 5, "imputed": 3, "ignored": 2}
    # It takes gaps as they are.
    assert step_counts(steps["hist_gradient_boosting"])["imputed"] == 0
    assert steps["baseline"] == []


def test_new_values_and_gaps_are_predicted_too(classes: pd.DataFrame) -> None:
    model = train_classifier(classes, target="left", preparation="automatic")
    texts = classes.select_dtypes("str").columns
    empty = pd.DataFrame(
        {name: [None if name in texts else np.nan] for name in needed_columns(model) or ()}
    )
    new = classes.head(1).assign(plan="unknown", 城市="别处", comment="", signup="no date")
    assert len(predict(model, empty)) == 1
    assert len(predict(model, new)) == 1
    # A column that it ignores may be gone.
    assert len(predict(model, new.drop(columns=["id", "country"]))) == 1
    with pytest.raises(KeyError, match="'plan'"):
        predict(model, new.drop(columns="plan"))


def test_rows_without_a_target_are_left_out(classes: pd.DataFrame) -> None:
    gaps = classes.assign(left=classes["left"].where(classes.index % 3 > 0))
    model = train_classifier(gaps, target="left", preparation="automatic")
    assert set(model.classes_) == {"no", "yes"}
    assert compare_classifiers([model], gaps, target="left").metrics
    with pytest.raises(ValueError, match="no row has a value in the target column 'left'"):
        train_classifier(gaps.assign(left=None), target="left", preparation="automatic")


def test_a_weight_counts_rows(classes: pd.DataFrame) -> None:
    heavy = with_choices(
        classes.assign(w=np.where(classes["left"] == "yes", 1000.0, 0.001)),
        {"w": {"role": "weight"}},
    )
    model = train_classifier(
        heavy, target="left", preparation="automatic", algorithm="logistic_regression"
    )
    assert (model.predict(heavy) == "yes").mean() > 0.95
    with pytest.raises(ValueError, match="does not weigh rows"):
        train_classifier(heavy, target="left", preparation="automatic", algorithm="k_neighbors")


@pytest.mark.parametrize("rare", [1, 3])
def test_rare_classes_do_not_stop_or_spoil_a_model(rare: int) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=12_000)})
    table["y"] = np.where(table["x"] > 0, "a", "b")
    table.loc[: rare - 1, "y"] = "c"
    train, test = split(table, stratify="y")
    model = train_classifier(
        train, target="y", preparation="automatic", algorithm="hist_gradient_boosting"
    )
    assert compare_classifiers([model], test, target="y").metrics["model 1"]["accuracy"] > 0.95


def test_thirty_rows_are_enough_for_boosting() -> None:
    table = pd.DataFrame({"x": range(31), "z": [1.5, 2.5] * 15 + [1.5]})
    table["y"] = table["z"] * 10
    model = train_regressor(
        table, target="y", preparation="automatic", algorithm="hist_gradient_boosting"
    )
    assert compare_regressors([model], table, target="y").metrics["model 1"]["r2"] > 0.9


def test_other_learners_prepare_too(classes: pd.DataFrame, table: pd.DataFrame) -> None:
    trained = model_training(classes, target="left", preparation="automatic")
    assert trained.metrics["accuracy"] > 0.5
    tuned = tune_model(
        classes, target="left", preparation="automatic", parameters=["n_estimators=5,10"]
    )
    assert tuned.model.preparation_
    clusters = train_clusters(table, preparation="automatic")
    assert clusters.metrics["clusters"] == 3
    judged = cross_validate([trained.model], classes, target="left")
    assert 0 < judged.metrics["model 1"]["accuracy"] <= 1
    plot_importance(trained.model, classes, target="left", repeats=1)


def test_nothing_to_learn_from_is_told() -> None:
    table = pd.DataFrame({"id": range(100), "same": 1, "y": [0, 1] * 50})
    with pytest.raises(ValueError, match="no column is left to learn from"):
        train_classifier(table, target="y", preparation="automatic")


LEARNERS = {
    "train_classifier": (train_classifier, {"target": "left"}),
    "hist_gradient_boosting": (
        train_classifier,
        {"target": "left", "algorithm": "hist_gradient_boosting"},
    ),
    "logistic_regression": (
        train_classifier,
        {"target": "left", "algorithm": "logistic_regression"},
    ),
    "train_regressor": (train_regressor, {"target": "spent", "algorithm": "ridge"}),
    "model_training": (model_training, {"target": "left", "test_size": 0.3}),
    "tune_model": (tune_model, {"target": "left", "model_type": "logistic_regression", "folds": 3}),
    "train_clusters": (train_clusters, {"ignore": ["left"]}),
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", LEARNERS)
def test_steps_of_a_node_give_the_same_model(
    table: pd.DataFrame, name: str, tmp_path: Path
) -> None:
    learn, settings = LEARNERS[name]
    used = table.drop(columns="left" if settings.get("target") == "spent" else "spent")
    used = with_choices(used, {"children": {"role": "weight"}, "country": {"role": "ignored"}})
    train, test = split(used)
    automatic = learn(train, preparation="automatic", **settings)
    model = getattr(automatic, "model", automatic)
    # As the canvas writes them.
    columns = columns_of(model)
    pairs = [f"{one.name}={one.step}" for one in columns]
    gaps = "median" if any(one.fills_gaps for one in columns) else "keep"
    task = "clustering" if name == "train_clusters" else "auto"
    result = prepare_columns(
        train, columns=pairs, gaps=gaps, task=task, target=settings.get("target")
    )
    values.write("Model", result.steps, tmp_path / "steps.skops")
    steps = values.read("Model", tmp_path / "steps.skops")
    manual = learn(train, steps=steps, preparation="none", scale=False, **settings)
    again = getattr(manual, "model", manual)
    assert (again.predict(test) == model.predict(test)).all()
    assert again.preparation_ == model.preparation_
    if hasattr(automatic, "metrics"):
        assert manual.metrics == automatic.metrics


def test_steps_can_be_changed(classes: pd.DataFrame) -> None:
    def steps(*columns: str, **settings: str) -> dict[str, PreparedColumn]:
        result = prepare_columns(classes, columns=columns, target="left", **settings)
        return {one.name: one for one in columns_of(result.steps)}

    changed = steps("children=one_hot", "城市=ignored", "plan=one_hot", gaps="keep")
    assert changed["children"][1:4] == ("number", "chosen", "one_hot")
    assert changed["城市"].step == "ignored"
    # It is what its kind would have had.
    assert changed["plan"].reason == "few_values"
    assert not any(one.fills_gaps for one in changed.values())
    for pair, words in {
        "plan=numbers": "'plan' is to be a number, but holds texts",
        "seen=numbers": "'seen' has dates",
        "plan=dates": "'plan' has no dates",
        "age=texts": "'age' has no texts",
        "plan=scaled": r"must have the form column=numbers",
    }.items():
        with pytest.raises(ValueError, match=words):
            steps(pair)
    with pytest.raises(ValueError, match="'plan' cannot be replaced by the mean target"):
        steps("plan=target_encoding", task="clustering")
    with pytest.raises(KeyError, match="no columns \\['other'\\]"):
        steps("other=numbers")


def test_the_prepared_table_can_be_looked_at(classes: pd.DataFrame) -> None:
    train, test = split(classes)
    result = prepare_columns(train, target="left")
    assert result.table["left"].tolist() == train["left"].tolist()
    assert not result.table.drop(columns="left").isna().to_numpy().any()
    assert {"plan_basic", "missingindicator_age", "signup_year"} <= set(result.table.columns)
    # The same steps, with what was learned of the training rows.
    applied = transform_table(result.steps, test.drop(columns=["id", "country"]))
    assert set(applied.columns) == set(result.table.columns)
    assert len(applied) == len(test)


def test_steps_of_another_table_are_refused(classes: pd.DataFrame) -> None:
    steps = prepare_columns(classes.drop(columns="age"), target="left").steps
    with pytest.raises(ValueError, match="“Prepare Columns” has no steps for \\['age'\\]"):
        train_classifier(classes, steps, target="left")


def test_steps_make_raw_columns_fit() -> None:
    check = library_needs()["train_classifier"]
    settings = {"target": "left", "preparation": "none", "algorithm": "svm"}
    data = [Schema({"city": Column("text"), "left": Column("text")})]
    (misfit,) = check(settings, {"data": data, "steps": []})
    assert misfit.setting == "preparation"
    assert list(check(settings, {"data": data, "steps": [UNKNOWN]})) == []
