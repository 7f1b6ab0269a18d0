"""Errors of built-in components: the column, the value, the row, and what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlws.components.failures import ComponentError, run_component
from jupyter_mlws.components.library.evaluate import predict
from jupyter_mlws.components.library.train import train_classifier
from jupyter_mlws.components.node import main

PREFIX = "jupyter_mlws.components.failures.ComponentError: "
NUMBERS = [float(n) for n in range(20)]
TABLE = pd.DataFrame({"x": NUMBERS, "city": ["Bonn", "Köln"] * 10, "y": ["a", "b"] * 10})


def error_line(command: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(command.replace("@", f"{folder}/").split()) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[0].startswith("Traceback") or "Traceback" in "\n".join(lines)
    assert lines[-1].startswith(PREFIX), lines[-1]
    return lines[-1].removeprefix(PREFIX)


def test_a_value_that_is_no_number_is_named_with_its_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TABLE.assign(city=["1", "2", "Bonn", "4"] * 5).to_parquet(tmp_path / "a.parquet")
    command = "train_classifier --data @a.parquet --model @m.skops --target y"
    line = error_line(command, tmp_path, capsys)
    assert line.startswith("column 'city' has 'Bonn' in row 3, which is no number: encode or")


def test_the_table_at_fault_is_named_where_there_are_several(tmp_path: Path) -> None:
    inputs = {"model": train_classifier(TABLE[["x", "y"]], target="y"), "data": TABLE[["x"]]}
    assert len(run_component(predict, inputs, {"column": "p", "probabilities": False})) == 20
    inputs["data"] = TABLE[["x"]].assign(x=[*NUMBERS[:-1], float("inf")])
    with pytest.raises(ComponentError, match="column 'x' has inf in row 20, which is no number"):
        run_component(predict, inputs, {"column": "p", "probabilities": False})


def test_a_column_of_another_kind_than_at_the_training_is_named() -> None:
    model = train_classifier(TABLE, target="y", preparation="automatic")
    inputs = {"model": model, "data": TABLE.assign(city=NUMBERS)}
    words = r"column 'city' has 0.0 in row 1, but was of the kind 'category' when the model"
    with pytest.raises(ComponentError, match=words):
        run_component(predict, inputs, {"column": "p", "probabilities": False})


def test_our_own_error_keeps_its_stack_and_loses_its_class(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    command = "select_columns --data @a.parquet --table @b.parquet --columns nosuch"
    assert error_line(command, tmp_path, capsys) == (
        "the table has no columns ['nosuch']; it has ['x', 'city', 'y']"
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"a,b\n1,2\n3,4,5\n", "line 3 of the file has 3 values instead of 2: correct"),
        ("a.csv", b"", "the file has no table: choose another one"),
        ("a.csv", b"a\n\xff\xfe\n", "encoding: the file has another one; leave the setting empty"),
        ("a.xlsx", b"no workbook", "format: the file is not of the format"),
        ("a.jsonl", b'{"a": 1}\n{a\n', "format: the file is not of the format"),
        ("a.parquet", b"no table", "format: the file is not of the format"),
    ],
)
def test_a_file_that_is_no_table_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    line = error_line(f"load_table --file @{name} --table @out.parquet", tmp_path, capsys)
    assert line.startswith(words)


def test_a_database_has_the_word_about_a_query(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    line = error_line(
        "load_sql --database @a.db --query nosuch --table @o.parquet", tmp_path, capsys
    )
    assert line.startswith('query: the database cannot run it: near "nosuch": syntax error')


def test_values_of_several_types_are_named_when_they_cannot_be_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    TABLE.assign(city=pd.Timestamp("2024-01-01")).to_parquet(tmp_path / "b.parquet")
    command = f"concatenate_tables --tables {tmp_path}/a.parquet {tmp_path}/b.parquet"
    assert main([*command.split(), "--table", str(tmp_path / "c.parquet")]) == 2
    assert "column 'city' has values of several types, 'Bonn' in row 1 and" in (
        capsys.readouterr().err
    )


def test_mixed_values_of_a_workbook_are_read_as_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"size": [1, "two", 3.5, None]}).to_excel(tmp_path / "a.xlsx", index=False)
    assert main(f"load_table --file {tmp_path}/a.xlsx --table {tmp_path}/b.parquet".split()) == 0
    assert pd.read_parquet(tmp_path / "b.parquet")["size"].tolist()[:3] == ["1", "two", "3.5"]
    assert "read as texts, since it has values of several types: size" in capsys.readouterr().out
