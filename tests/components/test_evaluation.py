"""Scores have intervals, models are compared by tests, and folds follow the roles of columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.metrics import average_precision_score, precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold, cross_validate

from jupyter_mlws.components import values
from jupyter_mlws.components.comparison import model_titles
from jupyter_mlws.components.folds import FOLD_SCORES, fold_rows
from jupyter_mlws.components.kinds import with_choices
from jupyter_mlws.components.library.evaluate import compare_classifiers, compare_regressors
from jupyter_mlws.components.library.evaluate import cross_validate as cross_validate_models
from jupyter_mlws.components.library.series import add_lags
from jupyter_mlws.components.library.split import split
from jupyter_mlws.components.library.train import train_classifier, train_regressor
from jupyter_mlws.components.scores import (
    judge_classes,
    judge_numbers,
    p_value,
    r2_interval,
    rows_in_both,
    share_interval,
)

TRIALS = 400


@pytest.fixture(scope="module")
def cancer() -> pd.DataFrame:
    return load_breast_cancer(as_frame=True).frame


@pytest.fixture(scope="module")
def diabetes() -> pd.DataFrame:
    return load_diabetes(as_frame=True).frame


def named(models: list[Any], *names: str) -> values.Several:
    return values.Several(models, [Path(f"{name}.model.skops") for name in names])


# Intervals


@pytest.mark.parametrize(
    ("rows", "shares"),
    [
        ([30], [0.9]),
        ([58], [0.82]),
        ([50, 8], [0.95, 0.5]),
        ([200, 200], [0.8, 0.85]),
        ([2] * 30, [0.9] * 30),
    ],
)
def test_the_interval_of_a_share_covers_it(rows: list[int], shares: list[float]) -> None:
    rng = np.random.default_rng(0)
    totals = np.array(rows)
    intervals = [share_interval(rng.binomial(totals, shares), totals) for _ in range(TRIALS)]
    covered = np.mean([low <= np.mean(shares) <= high for low, high in intervals])
    assert covered > 0.92
    assert all(0 <= low <= high <= 1 for low, high in intervals)


def test_the_interval_of_accuracy_is_wilsons() -> None:
    expected = binomtest(48, 58).proportion_ci(method="wilson")
    assert share_interval(np.array([48]), np.array([58])) == pytest.approx(tuple(expected))
    # That all rows are right does not mean that the next one is.
    assert share_interval(np.array([20]), np.array([20])).low < 0.85


@pytest.mark.parametrize("noise", [0.3, 1.5])
@pytest.mark.parametrize("rows", [30, 200])
def test_the_interval_of_r2_covers_it(rows: int, noise: float) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(TRIALS):
        x = rng.normal(size=rows)
        truth = x + noise * rng.normal(size=rows)
        interval = r2_interval((truth - x) ** 2, (truth - truth.mean()) ** 2)
        assert interval is not None
        covered += interval.low <= 1 / (1 + noise**2) <= interval.high
    assert covered > 0.91 * TRIALS


def test_rows_that_say_nothing_have_no_interval() -> None:
    assert judge_numbers([1.0], [2.0], "r2").interval is None
    assert judge_numbers([1.0, 1.0, 1.0], [1.0, 2.0, 1.0], "r2").interval is None
    assert judge_numbers([1.0], [2.0], "mae").interval is None


# Differences


def test_equal_models_rarely_differ_and_unequal_ones_do() -> None:
    rng = np.random.default_rng(0)
    p_values = [p_value(rng.normal(size=40)) for _ in range(TRIALS)]
    assert np.mean(np.array(p_values) < 0.05) < 0.08
    assert p_value(rng.normal(0.6, 1, 60)) < 0.05
    assert p_value(rng.normal(0.1, 1, 20_000)) < 0.001
    assert p_value(np.zeros(10)) == 1.0


def test_three_rows_tell_no_models_apart() -> None:
    truth = np.array(["a", "b", "a"])
    right, wrong = (
        judge_classes(truth, predictions, None, ["a", "b"], "accuracy")
        for predictions in (truth, np.array(["b", "a", "b"]))
    )
    assert (right.scores["accuracy"], wrong.scores["accuracy"]) == (1, 0)
    assert p_value(right.parts - wrong.parts) > 0.05


def test_a_small_test_says_that_models_do_not_differ(
    cancer: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = split(cancer, stratify="target")
    learned = [
        train_classifier(train, algorithm=name)
        for name in ("baseline", "logistic_regression", "random_forest")
    ]
    models = named(learned, "baseline", "logistic", "forest")
    few = test.head(40)
    metrics = compare_classifiers(models, few).metrics
    best = max(metrics, key=lambda name: metrics[name]["accuracy"])
    other = ({"logistic", "forest"} - {best}).pop()
    assert metrics[best]["interval"]["p_value"] == 1
    assert metrics[other]["interval"]["p_value"] >= 0.05
    assert metrics["baseline"]["interval"]["p_value"] < 0.05
    interval = metrics[best]["interval"]
    assert interval["low"] < metrics[best]["accuracy"] <= interval["high"]
    assert (
        f"{best} does not differ significantly from {other} on 40 rows" in capsys.readouterr().out
    )


# Measures


def test_the_scores_of_classes_are_those_of_scikit_learn(cancer: pd.DataFrame) -> None:
    # The rarer class is the positive one.
    train, test = split(cancer[cancer.index % 3 > 0], stratify="target")
    model = train_classifier(train, algorithm="logistic_regression")
    comparison = compare_classifiers([model], test)
    features, truth = test.drop(columns="target"), test["target"]
    rarest = truth.value_counts().idxmin()
    chances = model.predict_proba(features)
    expected = average_precision_score(truth == rarest, chances[:, rarest])
    assert comparison.metrics["model 1"]["average_precision"] == pytest.approx(expected)
    precision, recall, f1, rows = precision_recall_fscore_support(truth, model.predict(features))
    assert comparison.classes["class"].tolist() == [0, 1]
    assert comparison.classes["precision"].tolist() == pytest.approx(precision)
    assert comparison.classes["recall"].tolist() == pytest.approx(recall)
    assert comparison.classes["f1"].tolist() == pytest.approx(f1)
    assert comparison.classes["rows"].tolist() == rows.tolist()
    of_classes = [average_precision_score(truth == n, chances[:, n]) for n in (0, 1)]
    assert comparison.classes["average_precision"].tolist() == pytest.approx(of_classes)


def test_average_precision_of_several_classes_is_their_mean() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b", "c", "new"], 200)
    chances = rng.dirichlet([1, 1, 1], 200)
    names = ["a", "b", "c"]
    scores = judge_classes(truth, rng.choice(names, 200), chances, names, "accuracy").scores
    expected = [average_precision_score(truth == one, chances[:, n]) for n, one in enumerate(names)]
    # Of a class that the model does not know, all rows are as likely.
    expected.append(np.mean(truth == "new"))
    assert scores["average_precision"] == pytest.approx(np.mean(expected))
    model = train_classifier(pd.DataFrame({"x": range(40), "target": [0, 1] * 20}), algorithm="svm")
    test = pd.DataFrame({"x": range(10), "target": [0, 1] * 5})
    assert "average_precision" not in compare_classifiers([model], test).metrics["model 1"]


def test_models_are_ranked_by_the_measure(cancer: pd.DataFrame) -> None:
    # One row in ten is of the rare class: guessing is right in nine of ten.
    rare = cancer[(cancer["target"] == 1) | (cancer.index % 8 == 0)]
    train, test = split(rare, stratify="target")
    guess = train_classifier(train, algorithm="baseline")
    weak = train_classifier(
        train.assign(target=train["target"].where(train.index % 2 == 0, 0)),
        algorithm="decision_tree", max_depth=2,
    )  # fmt: skip
    models = named([guess, weak], "guess", "weak")
    by_accuracy = compare_classifiers(models, test)
    balanced = compare_classifiers(models, test, measure="balanced_accuracy")
    assert next(iter(balanced.metrics["weak"])) == "balanced_accuracy"
    assert balanced.best is weak
    assert by_accuracy.best is guess


def test_regressors_have_an_interval_of_what_they_are_ranked_by(diabetes: pd.DataFrame) -> None:
    train, test = split(diabetes)
    models = named([train_regressor(train, algorithm=n) for n in ("baseline", "ridge")], "a", "b")
    for measure in ("r2", "mae"):
        comparison = compare_regressors(models, test, measure=measure)  # type: ignore[arg-type]
        assert comparison.best is models[1]
        row = comparison.table.iloc[0]
        assert row["model"] == "b"
        assert row[f"{measure}_low"] < row[measure] < row[f"{measure}_high"]
        assert comparison.table["p_value"].tolist()[1] < 0.05


# Rows in both sets


def test_rows_in_both_sets_are_counted(
    cancer: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = cancer.iloc[:400], cancer.iloc[400:]
    model = train_classifier(train, algorithm="logistic_regression")
    repeated = pd.concat([test, train.head(7)], ignore_index=True)
    for table, count in ((test, 0), (repeated, 7)):
        metrics = compare_classifiers([model], table, train).metrics["model 1"]
        assert metrics["interval"]["repeated"] == count
    assert f"7 of {len(repeated)} test rows are also training rows" in capsys.readouterr().out
    assert "repeated" not in compare_classifiers([model], test).metrics["model 1"]["interval"]


def test_rows_are_the_same_by_what_models_learn_from() -> None:
    rows = pd.DataFrame(
        {"id": range(60), "x": np.arange(60) % 37, "word": ["a", None, "b"] * 20}
    ).assign(target=[0, 1] * 30)
    train = with_choices(rows.iloc[:40], {"id": {"role": "ignored"}})
    # The same case again, under another number.
    test = pd.concat([rows.iloc[40:], rows.iloc[:3].assign(id=[90, 91, 92])], ignore_index=True)
    test = with_choices(test, {"id": {"role": "ignored"}})
    model = train_classifier(train, preparation="automatic", algorithm="random_forest")
    metrics = compare_classifiers([model], test, train).metrics["model 1"]
    assert metrics["interval"]["repeated"] == 3
    other_types = test.assign(x=test["x"].astype(float))
    assert rows_in_both(train, other_types, ["x", "word"]) == 3
    # Of few words, rows are alike without being the same case.
    assert rows_in_both(train, test, ["word"]) is None


# Cross-validation


@pytest.mark.parametrize("preparation", ["none", "automatic"])
def test_fold_scores_are_those_of_scikit_learn(cancer: pd.DataFrame, preparation: Any) -> None:
    settings: dict[str, Any] = {"algorithm": "logistic_regression", "preparation": preparation}
    model = train_classifier(cancer, **settings, cross_validation=5)
    expected = cross_validate(
        clone(model), cancer.drop(columns="target"), cancer["target"],
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        scoring=["accuracy", "balanced_accuracy", "f1_macro"],
    )  # fmt: skip
    scores = getattr(model, FOLD_SCORES)
    assert scores["accuracy"] == pytest.approx(expected["test_accuracy"])
    assert scores["balanced_accuracy"] == pytest.approx(expected["test_balanced_accuracy"])
    assert scores["f1"] == pytest.approx(expected["test_f1_macro"])
    # The model itself has learned from all rows, as without folds.
    plain = train_classifier(cancer, **settings)
    assert not hasattr(plain, FOLD_SCORES)
    assert (plain[-1].coef_ == model[-1].coef_).all()


def test_preparation_is_learned_in_each_fold() -> None:
    # A mean target of each category tells nothing: that of all rows would tell their own target.
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"code": rng.integers(0, 200, 400).astype(str)})
    table["target"] = rng.integers(0, 2, 400)
    model = train_classifier(
        table, preparation="automatic", algorithm="logistic_regression", cross_validation=5
    )
    assert np.mean(getattr(model, FOLD_SCORES)["accuracy"]) < 0.6


def test_cross_validated_models_are_ranked_by_it(cancer: pd.DataFrame, tmp_path: Path) -> None:
    train, test = split(cancer, stratify="target")
    models = [
        train_classifier(train, algorithm="logistic_regression", cross_validation=5),
        train_classifier(train, algorithm="decision_tree", max_depth=1, cross_validation=5),
    ]
    # A stored model has its scores.
    values.write("Model", models[0], tmp_path / "m.skops")
    models[0] = values.read("Model", tmp_path / "m.skops")
    comparison = compare_classifiers(named(models, "a", "b"), test.head(3))
    folds = getattr(models[0], FOLD_SCORES)["accuracy"]
    group = comparison.metrics["a"]["cross_validation"]
    assert next(iter(comparison.metrics["a"])) == "cross_validation"
    assert group["accuracy"] == pytest.approx(np.mean(folds))
    assert group["interval"]["low"] < group["accuracy"] < group["interval"]["high"] <= 1
    assert comparison.best is models[0]
    assert comparison.table["cross_validation_accuracy"][0] == pytest.approx(np.mean(folds))
    # Models that were not cross-validated are compared with it by the test rows.
    plain = train_classifier(train, algorithm="baseline")
    mixed = compare_classifiers(named([*models, plain], "a", "b", "c"), test)
    assert next(iter(mixed.metrics["a"])) == "accuracy"
    assert "cross_validation" in mixed.metrics["a"]
    assert mixed.table["model"].iloc[-1] == "c"


def test_folds_follow_the_roles_of_columns() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=120).astype(str),
            "customer": rng.integers(0, 30, 120),
            "x": rng.normal(size=120),
            "target": rng.integers(0, 2, 120),
        }
    ).sample(frac=1, random_state=0)
    rows.iloc[:5, 3] = np.nan
    complete = rows[rows["target"].notna()]
    grouped = with_choices(rows, {"customer": {"role": "group"}})
    for train, test in fold_rows(grouped, "target", True, 5, 0):
        assert not {*complete["customer"].iloc[train]} & {*complete["customer"].iloc[test]}
        assert len(train) + len(test) == 115
    timed = with_choices(rows, {"day": {"role": "time"}})
    for train, test in fold_rows(timed, "target", True, 5, 0):
        assert complete["day"].iloc[train].max() < complete["day"].iloc[test].min()
    shares = [
        complete["target"].iloc[test].mean() for _, test in fold_rows(rows, "target", True, 5, 0)
    ]
    assert np.ptp(shares) < 0.06
    few = with_choices(rows.assign(customer=rows.index % 3), {"customer": {"role": "group"}})
    with pytest.raises(ValueError, match="5 folds need as many groups"):
        fold_rows(few, "target", True, 5, 0)
    with pytest.raises(ValueError, match="need more rows than 3"):
        fold_rows(complete.head(3), "target", True, 5, 0)
    model = train_classifier(grouped, algorithm="logistic_regression", preparation="automatic")
    assert cross_validate_models([model], grouped).metrics["model 1"]["balanced_accuracy"] < 0.7


def test_rows_have_their_weights_in_folds(diabetes: pd.DataFrame) -> None:
    weighted = with_choices(
        diabetes.assign(count=np.arange(len(diabetes)) % 3 + 1), {"count": {"role": "weight"}}
    )
    settings: dict[str, Any] = {"algorithm": "ridge", "preparation": "automatic"}
    scores = [
        getattr(
            train_regressor(table, **settings, target="target", cross_validation=3), FOLD_SCORES
        )
        for table in (weighted, diabetes)
    ]
    assert scores[0]["r2"] != scores[1]["r2"]


# Names


def test_models_without_a_name_have_that_of_their_algorithm(cancer: pd.DataFrame) -> None:
    rows = cancer.head(60)
    learned = [
        train_classifier(rows, algorithm="svm"),
        train_classifier(rows, n_estimators=3),
        train_classifier(rows, n_estimators=3, max_depth=2),
        train_classifier(rows, algorithm="baseline"),
        train_classifier(rows, algorithm="k_neighbors"),
        train_classifier(rows, algorithm="k_neighbors"),
    ]
    names = ["train_classifier", *(f"train_classifier_{n}" for n in range(2, 6)), "mine"]
    assert model_titles(named(learned, *names)) == [
        "Support vector machine",
        "Random forest (max_depth=None)",
        "Random forest (max_depth=2)",
        "Baseline (guesses)",
        "K-nearest neighbors",
        "mine",
    ]
    comparison = compare_classifiers(named(learned, *names), cancer.tail(60))
    assert list(comparison.metrics) == names
    assert comparison.metrics["train_classifier"]["title"] == "Support vector machine"
    assert "title" not in comparison.metrics["mine"]
    assert {*comparison.table["model"]} == {*model_titles(named(learned, *names))}
    twins = named(learned[4:], "train_classifier", "train_classifier_2")
    assert model_titles(twins) == ["K-nearest neighbors 1", "K-nearest neighbors 2"]


# Forecasts


def sales(shops: int = 1, days: int = 200) -> pd.DataFrame:
    """Sales of shops that follow those of the day before and the day of the week."""
    rng = np.random.default_rng(0)
    tables = []
    for shop in range(shops):
        value, values_of_shop = 100.0, []
        for day in range(days):
            value = 100 + 0.6 * (value - 100) + rng.normal()
            values_of_shop.append(value + 10 * (day % 7 == 5))
        dates = pd.date_range("2024-01-01", periods=days).strftime("%Y-%m-%d")
        tables.append(pd.DataFrame({"day": dates, "shop": f"s{shop}", "sales": values_of_shop}))
    rows = pd.concat(tables).sample(frac=1, random_state=0).reset_index(drop=True)
    roles = {"day": {"role": "time"}, "sales": {"role": "target"}}
    return with_choices(rows, roles | ({"shop": {"role": "group"}} if shops > 1 else {}))


def test_lags_are_the_earlier_values_of_the_same_series() -> None:
    table = add_lags(sales(shops=3), lags=[1, 7], windows=[3])
    for _, series in table.groupby("shop"):
        assert series["day"].is_monotonic_increasing
        column = series["sales"]
        pd.testing.assert_series_equal(series["sales_lag_1"], column.shift(1), check_names=False)
        pd.testing.assert_series_equal(series["sales_lag_7"], column.shift(7), check_names=False)
        means = column.shift(1).rolling(3, min_periods=1).mean()
        pd.testing.assert_series_equal(series["sales_mean_3"], means, check_names=False)


def test_no_row_knows_its_own_or_a_later_value() -> None:
    rows = sales()
    last = rows["day"].sort_values().iloc[-20:]
    other = rows.assign(sales=rows["sales"].where(~rows["day"].isin(last), -1.0))
    settings: dict[str, Any] = {"columns": ["sales"], "lags": [1, 3, 9], "windows": [4], "ahead": 3}
    first, second = (add_lags(table, time="day", **settings) for table in (rows, other))
    added = [name for name in first if name not in rows]
    assert added == ["sales_lag_3", "sales_lag_9", "sales_mean_4"]
    # Three steps ahead of the first other value, nothing has changed.
    pd.testing.assert_frame_equal(first[added].iloc[:183], second[added].iloc[:183])
    assert (first["sales_lag_3"].iloc[183:] != second["sales_lag_3"].iloc[183:]).all()
    with pytest.raises(ValueError, match="no value is known 5 steps ahead"):
        add_lags(rows, lags=[1, 4], ahead=5)
    with pytest.raises(ValueError, match="'shop' is no number"):
        add_lags(rows, columns=["shop"])


def test_a_forecast_is_compared_with_the_last_known_value(tmp_path: Path) -> None:
    train, test = split(add_lags(sales(), lags=[1, 7], windows=[7]))
    assert train["day"].max() < test["day"].min()
    naive = train_regressor(train, algorithm="naive")
    values.write("Model", naive, tmp_path / "m.skops")
    naive = values.read("Model", tmp_path / "m.skops")
    assert naive.predict(test).tolist() == test["sales_lag_1"].tolist()
    seasonal = train_regressor(train, algorithm="naive", repeat="sales_lag_7")
    ridge = train_regressor(
        train, algorithm="random_forest", preparation="automatic", cross_validation=3
    )
    comparison = compare_regressors(named([naive, seasonal, ridge], *"abc"), test, measure="mae")
    assert comparison.best is ridge
    assert comparison.metrics["a"]["interval"]["p_value"] < 0.05
    with pytest.raises(KeyError, match="no column 'sales_lag_1' to repeat"):
        train_regressor(sales(), algorithm="naive")
