"""Tables are read as people have them, and described before a workflow exists."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlws.components.library.load import load_table
from jupyter_mlws.components.table_files import (
    Reading,
    find_decimal,
    find_encoding,
    find_separator,
    read_table_file,
)
from jupyter_mlws.components.table_profile import Request, profile, profile_in_process

FOUND = Reading(missing=("?", "-"), skips_bad_lines=True)
ROWS = "name;price;city\nKäse;1,50;Köln\nBrot;2,25;Lüneburg\nWurst;?;Gießen\n"
CHINESE = "姓名,城市,销量\n" + "".join(
    f"{name},{city},{n}\n"
    for n, (name, city) in enumerate([("王芳", "北京"), ("李伟", "上海"), ("张敏", "广州")] * 40)
)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", ROWS),
        ("utf-8-sig", ROWS),
        ("utf-16", ROWS),
        ("cp1252", ROWS),
        ("gb18030", CHINESE),
        ("big5", CHINESE.translate(str.maketrans("销伟张广", "銷偉張廣"))),
    ],
)
def test_encoding_separator_and_decimal_sign_are_found(
    tmp_path: Path, encoding: str, text: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(text.encode(encoding))
    table = read_table_file(file, FOUND)
    expected = text.splitlines()
    separator = ";" if ";" in text else ","
    assert list(table.columns) == expected[0].split(separator)
    assert table.iloc[0, 0] == expected[1].split(separator)[0]
    assert pd.api.types.is_numeric_dtype(table.iloc[:, 1 if ";" in text else 2])


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1, 2\t3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a\n1\n", ","),
        ('a,b\n"x;y;z",2\n"u;v;w",3\n', ","),
        ("", ","),
    ],
)
def test_separators(text: str, separator: str) -> None:
    assert find_separator(text) == separator


def test_decimal_signs() -> None:
    assert find_decimal("a;b\n1,5;x\n2,5;y\n", ";") == ","
    assert find_decimal("a;b\n1.5;x,y\n", ";") == "."
    assert find_decimal("a,b\n1,5\n", ",") == "."
    assert find_encoding(b"a,b\n1,\xe4") != "utf-8"


def test_a_line_that_does_not_fit_is_left_out_and_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n3,4,5\n6,7\n")
    with pytest.warns(pd.errors.ParserWarning, match="line 3"):
        table = load_table(file, separator="", bad_lines="skip")
    assert list(table["a"]) == [1, 6]
    with pytest.raises(pd.errors.ParserError, match="line 3"):
        load_table(file)


def test_sheets_and_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    with pd.ExcelWriter(file) as writer:
        pd.DataFrame({"a": [1]}).to_excel(writer, sheet_name="one", index=False)
        pd.DataFrame({"b": [2, 3]}).to_excel(writer, sheet_name="二", index=False)
    assert list(load_table(file)) == ["a"]
    assert list(load_table(file, sheet="二")["b"]) == [2, 3]
    assert profile(Request(str(file)))["sheets"] == ["one", "二"]
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"a": 1, "b": "x"}\n{"a": 2}\n')
    assert load_table(lines).shape == (2, 2)
    assert load_table(lines, limit=1).shape == (1, 2)


def test_old_nodes_read_as_before(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a;b\n?;1\n")
    assert list(load_table(file)) == ["a;b"]


def test_a_profile_proposes_a_target(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    rows = 60
    pd.DataFrame(
        {
            "id": range(rows),
            "date": pd.date_range("2024-01-01", periods=rows),
            "visits": range(rows, 0, -1),
            "churn": ["yes", "no"] * (rows // 2),
            "left_on": ["a", "b"] * (rows // 2),
            "note": [None, "x"] * (rows // 2),
        }
    ).to_csv(file, index=False)
    description = profile_in_process(Request(str(file)))
    assert (description["target"], description["target_reason"]) == ("churn", "name")
    assert description["leaks"] == ["left_on"]
    assert description["time"] == "date"
    assert description["rows"] == rows
    columns = {one["name"]: one for one in description["columns"]}
    assert columns["id"]["reason"] == "row_numbers"
    assert columns["note"]["gaps"] == rows // 2
    assert columns["churn"]["task"] == "classification"
    assert columns["churn"]["smallest_class"] == rows // 2
    assert sum(columns["date"]["bars"]) == rows
    json.dumps(description)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a,b\n", "no rows"), ("", "No columns")],
)
def test_what_is_no_table_is_told(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=reason):
        profile_in_process(Request(str(file)))
