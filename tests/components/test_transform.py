"""Components that filter, join, group and reshape tables, held against pandas by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components import optional_dependencies, values
from jupyter_mlws.components.expressions import evaluate
from jupyter_mlws.components.library import transform
from jupyter_mlws.components.library.check import check_table
from jupyter_mlws.components.library.clean import encode_categories, impute_missing
from jupyter_mlws.components.library.export import save_table
from jupyter_mlws.components.library.features import (
    reduce_dimensions,
    scale_columns,
    select_features,
    transform_table,
)
from jupyter_mlws.components.library.train import train_classifier
from jupyter_mlws.components.registry import library


@pytest.fixture
def sales() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "city": ["Bonn", "Ulm", "Bonn", None, "Kiel"],
            "price": [2.0, 5.0, None, 1.0, 4.0],
            "unit count": [10, 1, 3, 7, 2],
            "day": pd.to_datetime(["2026-01-05", "2026-02-01", "2026-02-02", None, "2025-12-31"]),
            "paid": [True, False, True, True, False],
        }
    )


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"column": "city", "value": "Bonn"}, [0, 2]),
        ({"column": "city", "condition": "not_equals", "value": "Bonn"}, [1, 4]),
        ({"column": "price", "condition": "greater", "value": "2"}, [1, 4]),
        ({"column": "price", "condition": "at_most", "value": "2"}, [0, 3]),
        ({"column": "price", "condition": "is_missing"}, [2]),
        ({"column": "city", "condition": "is_not_missing"}, [0, 1, 2, 4]),
        ({"column": "city", "condition": "contains", "value": "l"}, [1, 4]),
        ({"column": "city", "condition": "is_one_of", "values": ["Ulm", "Kiel"]}, [1, 4]),
        ({"column": "day", "condition": "at_least", "value": "2026-02-01"}, [1, 2]),
        ({"column": "paid", "value": "false"}, [1, 4]),
        ({"by": "expression", "expression": "price * `unit count` > 6 and not paid"}, [4]),
        ({"by": "expression", "expression": "city in ['Ulm'] or month(day) == 1"}, [0, 1]),
        ({"by": "expression", "expression": "1 < price <= 4"}, [0, 4]),
        ({"by": "expression", "expression": "not (1 > 2) and not paid"}, [1, 4]),
    ],
)
def test_rows_that_meet_a_condition(
    sales: pd.DataFrame, settings: dict[str, Any], rows: list[int]
) -> None:
    expected = sales.iloc[rows].reset_index(drop=True)
    pd.testing.assert_frame_equal(transform.filter_rows(sales, **settings), expected)


def test_checks_say_which_rows_fail(
    sales: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    settings: dict[str, Any] = {
        "columns": ["city", "town"],
        "types": ["price=number", "paid=boolean", "day=text", "unit count=number"],
        "ranges": ["price=1.5..4", "day=2026-01-01.."],
        "complete": ["city", "day"],
        "unique": ["city", "unit count"],
        "conditions": ["price >= 2", "`unit count` < 100"],
        "minimum_rows": 9,
    }
    expected = {
        "columns: town": (0, "column 'town' is missing"),
        "types: day": (0, "column 'day' is date, not text"),
        "minimum_rows": (0, "5 rows, fewer than 9"),
        "ranges: price": (2, "column 'price' is not within 1.5..4 in 2 rows (2, 4)"),
        "ranges: day": (1, "column 'day' is not within 2026-01-01.. in 1 rows (5)"),
        "complete: city": (1, "column 'city' has missing values in 1 rows (4)"),
        "complete: day": (1, "column 'day' has missing values in 1 rows (4)"),
        "unique: city": (2, "column 'city' has repeated values in 2 rows (1, 3)"),
        "conditions: price >= 2": (2, "the condition price >= 2 is not met in 2 rows (3, 4)"),
    }
    result = check_table(sales, **settings, violations="warn")
    assert result.table is sales
    assert result.report == {"rows": 5, "violations": 9} | {
        check: rows for check, (rows, _) in expected.items()
    }
    messages = [message for _, message in expected.values()]
    assert capsys.readouterr().out.splitlines() == [f"Warning: {one}" for one in messages]
    failures = result.failures.set_index("rule")
    assert failures["rows"].to_dict() == {rule: rows for rule, (rows, _) in expected.items()}
    assert failures.loc["unique: city", "first rows"] == "1, 3"
    assert set(failures["effect"]) == {"warn"}
    with pytest.raises(ValueError, match="fails its checks: column 'town' is missing; "):
        check_table(sales, **settings)
    # A rule that only warns stops nothing; the others still do.
    warned = check_table(sales, unique=["city"], complete=["paid"], warn=["unique: city"])
    assert warned.report == {"rows": 5, "violations": 1, "unique: city": 2}
    with pytest.raises(
        ValueError, match=r"checks: column 'city' has missing values in 1 rows \(4\)$"
    ):
        check_table(sales, unique=["city"], complete=["city"], warn=["unique: city"])
    assert check_table(sales, complete=["paid"]).report == {"rows": 5, "violations": 0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"types": ["price"]}, "'price' is not column=type"),
        ({"types": ["price=money"]}, "'price=money' is not column=type"),
        ({"ranges": ["price=5"]}, "'price=5' is not column=smallest"),
        ({"ranges": ["price=.."]}, "'price=..' is not column=smallest"),
        ({"ranges": ["city=1..2"]}, "column 'city' of type .* cannot be within 1..2"),
        ({"conditions": ["price"]}, "'price' is not true or false"),
        ({"conditions": ["1 < 2"]}, "'1 < 2' is not true or false"),
        ({"conditions": ["price >"]}, "'price >' is not an expression"),
    ],
)
def test_invalid_checks_are_refused(
    sales: pd.DataFrame, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_table(sales, **settings, violations="warn")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"column": "town"}, KeyError, r"no columns \['town'\]"),
        ({"column": "price", "value": "cheap"}, ValueError, "'cheap' cannot be compared"),
        ({"by": "expression", "expression": "price * 2"}, ValueError, "not true or false"),
        ({"by": "expression", "expression": "price >"}, ValueError, "is not an expression"),
        ({"by": "expression", "expression": "lower(5)"}, ValueError, "cannot be computed"),
        ({"by": "expression", "expression": "price and city"}, ValueError, "cannot be computed"),
        ({"by": "expression", "expression": "contains(city)"}, ValueError, "cannot be computed"),
    ],
)
def test_a_condition_that_cannot_be_met(
    sales: pd.DataFrame, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        transform.filter_rows(sales, **settings)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "price.values",
        "[x for x in price]",
        "(lambda: 1)()",
        "price.__class__",
        "open('x')",
        "f'{price}'",
        "10 ** 10 ** 10",
        "price[0]",
        "eval('1')",
    ],
)
def test_an_expression_runs_no_code(sales: pd.DataFrame, expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        evaluate(expression, sales)


def test_large_integers_are_compared_exactly() -> None:
    numbers = pd.DataFrame({"id": [2**53, 2**53 + 1]})
    assert transform.filter_rows(numbers, column="id", value=str(2**53 + 1))["id"].tolist() == [
        2**53 + 1
    ]


def test_a_column_is_computed(sales: pd.DataFrame) -> None:
    table = transform.formula(sales, column="total", expression="round(price * `unit count`, 1)")
    pd.testing.assert_series_equal(
        table["total"], (sales["price"] * sales["unit count"]).round(1), check_names=False
    )
    table = transform.formula(sales, column="price", expression="fill_missing(price, 0)")
    assert table["price"].tolist() == [2.0, 5.0, 0.0, 1.0, 4.0]
    kinds = transform.formula(
        sales, column="kind", expression="if_else(`unit count` >= 5, 'many', 'few')"
    )
    assert kinds["kind"].tolist() == ["many", "few", "few", "many", "few"]
    assert transform.formula(sales, column="one", expression="1")["one"].tolist() == [1] * 5


def test_rows_are_sorted_and_sampled(sales: pd.DataFrame) -> None:
    table = transform.sort_rows(sales, columns=["city", "price"])
    assert table["city"].tolist()[:4] == ["Bonn", "Bonn", "Kiel", "Ulm"]
    assert table["city"].isna().iloc[4]
    assert table["price"].tolist()[0] == 2.0
    sample = transform.sample_rows(sales, rows=3, random_state=1)
    assert len(sample) == 3
    assert sample["unit count"].isin(sales["unit count"]).all()
    pd.testing.assert_frame_equal(sample, transform.sample_rows(sales, rows=3, random_state=1))
    assert len(transform.sample_rows(sales, rows=99)) == 5
    assert len(transform.sample_rows(sales, size="share", share=0.4)) == 2


def test_columns_are_renamed_and_converted(sales: pd.DataFrame) -> None:
    assert "town" in transform.rename_columns(sales, names=["city=town"]).columns
    with pytest.raises(ValueError, match="more than one column"):
        transform.rename_columns(sales, names=["city=price"])
    with pytest.raises(ValueError, match="write old=new"):
        transform.rename_columns(sales, names=["city"])
    raw = pd.DataFrame({"n": ["1", "2.6", "x"], "yes": ["yes", "0", None]})
    with pytest.raises(ValueError, match="column 'n'"):
        transform.convert_types(raw, columns=["n"])
    numbers = transform.convert_types(raw, columns=["n"], to="integer", invalid="missing")["n"]
    assert numbers.tolist()[:2] == [1, 3]
    assert pd.isna(numbers.iloc[2])
    answers = transform.convert_types(raw, columns=["yes"], to="boolean")["yes"]
    assert answers.tolist()[:2] == [True, False]
    dates = transform.convert_types(pd.DataFrame({"d": ["2026-03-01"]}), columns=["d"], to="date")
    assert dates["d"].iloc[0] == pd.Timestamp("2026-03-01")


def test_tables_are_joined(sales: pd.DataFrame) -> None:
    towns = pd.DataFrame({"name": ["Bonn", "Ulm", "Graz"], "price": [7, 8, 9]})
    table = transform.join_tables(sales, towns, columns=["city"], right_columns=["name"])
    assert table["city"].tolist() == ["Bonn", "Ulm", "Bonn"]
    assert table["price_right"].tolist() == [7, 8, 7]
    assert "name" not in table.columns
    named = sales.rename(columns={"paid": "name"})
    table = transform.join_tables(named, towns, columns=["city"], right_columns=["name"])
    assert table["name"].tolist() == [True, False, True]
    everything = transform.join_tables(
        sales, towns.rename(columns={"name": "city"}), columns=["city"], how="outer"
    )
    assert len(everything) == 6
    assert "Graz" in everything["city"].tolist()
    outer = transform.join_tables(
        sales, towns, columns=["city"], right_columns=["name"], how="outer"
    )
    pd.testing.assert_frame_equal(outer, everything)
    with pytest.raises(KeyError, match="the right table has no columns"):
        transform.join_tables(sales, towns, columns=["city"])
    with pytest.raises(ValueError, match="no column in common"):
        transform.join_tables(sales[["city"]], towns[["name"]])


def test_tables_are_appended(sales: pd.DataFrame) -> None:
    other = pd.DataFrame({"city": ["Jena"], "price": [3.0], "more": [1]})
    assert len(transform.concatenate_tables([sales, other])) == 6
    common = transform.concatenate_tables([sales, other], columns="common")
    assert list(common.columns) == ["city", "price"]
    with pytest.raises(ValueError, match="'price' has numbers in one table"):
        transform.concatenate_tables([sales, pd.DataFrame({"price": ["dear"]})])


def test_rows_are_grouped(sales: pd.DataFrame) -> None:
    table = transform.group_rows(sales, by=["city"], columns=["price"], statistics=["sum", "count"])
    assert list(table.columns) == ["city", "price_sum", "price_count"]
    by_city = table.set_index("city")
    assert by_city.loc["Bonn"].tolist() == [2.0, 1]
    assert by_city.loc["Kiel"].tolist() == [4.0, 1]
    distinct = transform.group_rows(sales, by=["paid"], columns=["city"], statistics=["distinct"])
    assert distinct["city_distinct"].tolist() == [2, 1]


def test_a_column_becomes_columns(sales: pd.DataFrame) -> None:
    table = transform.pivot_table(
        sales, rows=["city"], columns="paid", values="unit count", statistic="sum"
    )
    assert list(table.columns) == ["city", "False", "True"]
    assert table.set_index("city").loc["Bonn", "True"] == 13


def test_missing_values_are_filled_with_what_the_training_data_had() -> None:
    train = pd.DataFrame(
        {"n": [1.0, 3.0, 8.0, None], "word": ["a", None, "b", "b"], "target": [0, 1, None, 1]}
    )
    test = pd.DataFrame({"n": [None, 100.0], "word": [None, "c"], "target": [1, 0]})
    table, imputer = impute_missing(train)
    assert table["n"].tolist() == [1.0, 3.0, 8.0, 3.0]
    assert table["word"].tolist() == ["a", "b", "b", "b"]
    assert table["target"].isna().sum() == 1
    assert table["n"].dtype == "float64"
    filled = transform_table(imputer, test)
    assert filled["n"].tolist() == [3.0, 100.0]
    assert filled["word"].tolist() == ["b", "c"]
    mean, _ = impute_missing(train, columns=["n"], numbers="mean")
    assert mean["n"].iloc[3] == 4.0
    assert mean["word"].isna().sum() == 1


def test_principal_components_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=200)
    data = pd.DataFrame({"a": first, "b": 2 * first + rng.normal(scale=0.1, size=200), "target": 1})
    table, reducer, metrics = reduce_dimensions(data, components=2, scale=False)
    assert list(table.columns) == ["target", "pca0", "pca1"]
    values = np.linalg.eigvalsh(np.cov(data[["a", "b"]].T))[::-1]
    assert metrics["pca0"] == pytest.approx(values[0] / values.sum())
    assert metrics["explained_variance"] == pytest.approx(1.0)
    again = transform_table(reducer, data.iloc[:5])
    assert again["pca0"].to_numpy() == pytest.approx(table["pca0"].iloc[:5].to_numpy())
    assert len(reduce_dimensions(data, components=9)[0].columns) == 3
    with pytest.raises(ValueError, match="column 'a' has no value in row 1: fill"):
        reduce_dimensions(data.assign(a=None).astype({"a": "float64"}))


def test_an_encoder_without_categories_changes_nothing() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0], "target": [0, 1]})
    encoder = encode_categories(table).encoder
    pd.testing.assert_frame_equal(transform_table(encoder, table), table)


def test_columns_become_rows() -> None:
    wide = pd.DataFrame({"city": ["Bonn", "Ulm"], "2025": [1, 2], "2026": [3, 4]})
    long = transform.unpivot_table(wide, keep=["city"], names="year", values="people")
    assert long.to_dict("list") == {
        "city": ["Bonn", "Ulm", "Bonn", "Ulm"],
        "year": ["2025", "2025", "2026", "2026"],
        "people": [1, 2, 3, 4],
    }
    back = transform.pivot_table(long, rows=["city"], columns="year", values="people")
    pd.testing.assert_frame_equal(back, wide, check_dtype=False)
    only = transform.unpivot_table(wide, columns=["2026"])
    assert only.to_dict("list") == {"variable": ["2026", "2026"], "value": [3, 4]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": ["city", "2025", "2026"]}, "none to unpivot"),
        ({"keep": ["city"], "names": "city"}, r"would be called \['city'\]"),
        ({"names": "x", "values": "x"}, r"would be called \['x'\]"),
        ({"columns": ["city", "2026"]}, "columns of one kind"),
        ({"columns": ["2027"]}, r"no columns \['2027'\]"),
    ],
)
def test_columns_that_cannot_become_rows(settings: dict[str, Any], message: str) -> None:
    wide = pd.DataFrame({"city": ["Bonn", "Ulm"], "2025": [1, 2], "2026": [3, 4]})
    with pytest.raises((KeyError, ValueError), match=message):
        transform.unpivot_table(wide, **settings)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "a.parquet"])
def test_a_saved_table_is_read_again(sales: pd.DataFrame, tmp_path: Path, name: str) -> None:
    (table,) = save_table(sales, columns=["city", "price"])
    values.write("Table", table, tmp_path / name)
    pd.testing.assert_frame_equal(values.read("Table", tmp_path / name), sales[["city", "price"]])


def test_a_format_that_tables_do_not_have_is_refused(sales: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(values.ArtifactError, match=r"\.xlsx, not as \.docx"):
        values.write("Table", sales, tmp_path / "a.docx")


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
def test_boosting_libraries_take_classes_of_any_type(algorithm: Any, tmp_path: Path) -> None:
    pytest.importorskip(algorithm)
    table = pd.DataFrame({"x": range(60), "target": ["low"] * 30 + ["high"] * 30})
    model = train_classifier(table, algorithm=algorithm, n_estimators=20)
    values.write("Model", model, tmp_path / "m.skops")
    again = values.read("Model", tmp_path / "m.skops")
    assert list(again.classes_) == ["high", "low"]
    assert (again.predict(table[["x"]]) == table["target"]).all()
    assert again.predict_proba(table[["x"]])[0].argmax() == 1


@pytest.mark.parametrize("algorithm", ["xgboost", "lightgbm"])
def test_a_missing_library_is_named_with_its_extra(
    algorithm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optional_dependencies, "installed", lambda _: False)
    table = pd.DataFrame({"x": range(4), "target": [0, 1, 0, 1]})
    with pytest.raises(ModuleNotFoundError, match=rf"jupyter-mlws\[{algorithm}\]"):
        train_classifier(table, algorithm=algorithm)


def test_identifiers_are_left_alone_where_new_nodes_ask_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "row": range(40),
            "code": [f"{n * 7919:x}" for n in range(40)],
            "size": rng.normal(size=40),
            "weight": rng.normal(size=40),
            "city": ["Bonn", "Ulm"] * 20,
        }
    )
    encoded = encode_categories(table, identifiers="leave").table
    assert {"row", "code", "city_Bonn"} <= {*encoded.columns}
    assert "left as they are, since they are identifiers: row, code" in capsys.readouterr().out
    numbers = table.assign(target=table["size"] * 2)
    for results in (
        impute_missing(numbers, identifiers="leave"),
        scale_columns(numbers, identifiers="leave"),
        select_features(numbers, method="f_test", count=1, identifiers="leave"),
        reduce_dimensions(numbers, components=1, identifiers="leave"),
    ):
        assert results[0]["row"].equals(table["row"])
    assert scale_columns(table).table["row"].mean() == pytest.approx(0)
    assert scale_columns(table, columns=["row"], identifiers="leave").table["row"].std() < 2
    settings = {c.name: c.settings["properties"] for c in library()}
    for name in ("encode_categories", "impute_missing", "scale_columns", "select_features"):
        assert settings[name]["identifiers"]["x-new"] == "leave"


def test_integers_stay_integers_where_new_nodes_ask_for_it(tmp_path: Path) -> None:
    table = pd.DataFrame({"rooms": [1, 2, 4, 4], "price": [1.0, None, 3.0, 4.0]})
    table["floors"] = table["rooms"].astype("uint8")
    result = impute_missing(table, integers="stay")
    assert result.table["rooms"].equals(table["rooms"])
    assert result.table["price"].tolist() == [1, 3, 3, 4]
    assert impute_missing(table).table["rooms"].dtype == "float64"
    values.write("Model", result.imputer, tmp_path / "m.skops")
    imputer = values.read("Model", tmp_path / "m.skops")
    assert result.table["floors"].dtype == "uint8"
    other = pd.DataFrame({"rooms": [7, None], "price": [None, 2.0], "floors": [1, None]})
    assert transform_table(imputer, other)["rooms"].tolist() == [7, 3]
