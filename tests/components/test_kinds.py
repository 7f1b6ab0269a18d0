"""Kinds of columns are guessed from their values, and travel with roles from table to table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.components import values
from jupyter_mlws.components.kinds import (
    chosen_columns,
    column_choices,
    guess_kind,
    parse_dates,
    with_choices,
)
from jupyter_mlws.components.node import main

ROWS = 200
WORDS = ["the", "service", "was", "slow", "but", "friendly", "and", "the", "price", "is", "fine"]
RANDOM = np.random.default_rng(0)
COLUMNS: dict[str, tuple[Any, str]] = {
    "row": (range(1, ROWS + 1), "identifier"),
    "customer_id": (RANDOM.permutation(10_000)[:ROWS], "identifier"),
    "price": (RANDOM.permutation(10_000)[:ROWS], "number"),
    "year": (range(1800, 1800 + ROWS), "number"),
    "weight": (RANDOM.random(ROWS), "number"),
    "some": ([1.5, None] * (ROWS // 2), "constant"),
    "plan": (["a", "b", None, "c"] * (ROWS // 4), "category"),
    "city": ([f"city {n % 60}" for n in range(ROWS)], "category"),
    "code": ([f"{n:x}-{n * n:x}" for n in range(ROWS)], "identifier"),
    "comment": ([" ".join(RANDOM.choice(WORDS, 7)) for _ in range(ROWS)], "text"),
    "signup": (pd.date_range("2024-01-30", periods=ROWS).strftime("%Y-%m-%d"), "date"),
    "day": (pd.date_range("2024-01-30", periods=ROWS).strftime("%d/%m/%Y"), "date"),
    "日期": (pd.date_range("2024-01-30", periods=ROWS).strftime("%Y年%m月%d日"), "date"),
    "moment": (pd.date_range("2024-01-30", periods=ROWS, tz="Asia/Shanghai"), "date"),
    "active": ([True, False] * (ROWS // 2), "boolean"),
    "maybe": ([True, None] * (ROWS // 4) + [False, True] * (ROWS // 4), "boolean"),
    "same": (["x"] * ROWS, "constant"),
    "empty": ([None] * ROWS, "constant"),
    "lists": ([[1], [2]] * (ROWS // 2), "other"),
    "spans": (pd.to_timedelta(range(ROWS), unit="D"), "other"),
    "城市": ([["北京", "上海", "广州"][n % 3] for n in range(ROWS)], "category"),
    "评论": ([f"这家店的服务非常好，价格也合理，我会再来第{n}次" for n in range(ROWS)], "text"),
    "levels": (pd.Categorical(["low", "high"] * (ROWS // 2)), "category"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_is_of_its_kind(name: str) -> None:
    cells, kind = COLUMNS[name]
    guess = guess_kind(pd.Series(cells), name)
    assert guess.kind == kind


@pytest.mark.parametrize("name", ["row", "customer_id", "code", "comment", "signup", "price"])
def test_a_part_of_the_rows_has_the_same_kind(name: str) -> None:
    cells, kind = COLUMNS[name]
    part = pd.Series(cells).sample(frac=0.75, random_state=0)
    assert guess_kind(part, name).kind == kind


def test_few_rows_have_no_identifiers() -> None:
    assert guess_kind(pd.Series(["a", "b", "c"])).kind == "category"
    assert guess_kind(pd.Series([1, 2, 3]), "id").kind == "number"


def test_the_order_of_day_and_month_is_the_one_that_gives_most_dates() -> None:
    days = parse_dates(pd.Series(["03/04/2025", "13/04/2025", "30/04/2025"]))
    assert list(days.dt.month) == [4, 4, 4]
    months = parse_dates(pd.Series(["03/04/2025", "03/14/2025", "3月"]))
    assert list(months.dt.month[:2]) == [3, 3]
    assert months.isna().iloc[2]


def test_roles_stay_in_a_parquet_file_and_go_through_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("id,city,price\n1,Ulm,2\n2,Bonn,3\n3,Kiel,4\n4,Ulm,\n")
    roles = ["id=ignored", "price=target"]
    load = ["load_table", "--file", "a.csv", "--table", "a.parquet", "--roles", *roles]
    assert main([*load, "--kinds", "city=text"]) == 0
    expected = {"id": {"role": "ignored"}, "price": {"role": "target"}, "city": {"kind": "text"}}
    assert chosen_columns(values.read("Table", Path("a.parquet"))) == expected
    steps = [
        ["clean_rows", "--data", "a.parquet", "--table", "b.parquet"],
        ["rename_columns", "--data", "b.parquet", "--table", "c.parquet", "--names", "price=cost"],
        ["impute_missing", "--data", "c.parquet", "--table", "d.parquet"],
        ["encode_categories", "--data", "d.parquet", "--table", "e.parquet"],
        ["join_tables", "--left", "e.parquet", "--right", "a.parquet", "--table", "f.parquet",
         "--columns", "id"],
    ]  # fmt: skip
    for step in steps:
        assert main(step) == 0
    last = chosen_columns(values.read("Table", Path("f.parquet")))
    assert last["id"] == {"role": "ignored"}
    assert last["cost"] == {"role": "target"}


def test_a_table_without_choices_has_the_bytes_that_it_had(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2]})
    values.write("Table", table, tmp_path / "a.parquet")
    values.write("Table", with_choices(table, {"b": {"role": "target"}}), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert b"jupyter_mlws" not in (tmp_path / "a.parquet").read_bytes()


@pytest.mark.parametrize(
    ("kinds", "roles"), [(["a"], []), (["a=colour"], []), ([], ["a=goal"]), ([], ["=target="])]
)
def test_what_is_no_kind_or_role_is_told(kinds: list[str], roles: list[str]) -> None:
    with pytest.raises(ValueError, match="must have the form"):
        column_choices(kinds, roles)


def test_names_may_hold_equal_signs() -> None:
    assert column_choices([], ["a=b=target"]) == {"a=b": {"role": "target"}}
