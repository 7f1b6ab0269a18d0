"""The comparison of two tables by row: which rows differ, of any content and size."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mlws.versioning.models import TableChange, TableDiffQuery
from jupyter_mlws.workflows import table_diff
from jupyter_mlws.workflows.row_hashes import hash_values, new_seed
from jupyter_mlws.workflows.table_batches import TableFile
from jupyter_mlws.workflows.table_comparison import with_rows


def compare(
    tmp_path: Path, old: bytes | pd.DataFrame, new: bytes | pd.DataFrame, kind: str = "csv"
) -> TableChange:
    """Compare two tables in this process, with all rows that differ."""
    tables = []
    for name, content in (("old", old), ("new", new)):
        file = tmp_path / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            content.to_parquet(file)
            kind = "parquet"
        tables.append(TableFile(file, kind, tmp_path / f"{name}.arrow"))
    (tmp_path / table_diff.ROWS_FILE).unlink(missing_ok=True)
    fields = table_diff.difference(*tables, tmp_path)
    change = TableChange(path="t", state="modified", **fields)
    return with_rows(change, tmp_path, TableDiffQuery(path="t", limit=1000))


def differences(change: TableChange) -> list[tuple[str, str | None, dict[str, Any]]]:
    return [
        (row.state.value, row.key, {one.name: (one.from_, one.to) for one in row.values})
        for row in change.rows
    ]


def test_quotes_line_breaks_and_a_byte_order_mark_are_part_of_the_format(tmp_path: Path) -> None:
    old = '\ufeffid;"a;b";text\r\n1;x;"two\nlines"\r\n2;"say ""hi""";c\r\n'.encode()
    new = b'id;"a;b";text\n1;x;"two\nlines!"\n2;"say ""hi""";"c"\n'
    change = compare(tmp_path, old, new)
    assert change.key == "id"
    assert differences(change) == [("modified", "1", {"text": ("two\nlines", "two\nlines!")})]


def test_columns_with_the_same_name_are_compared_each(tmp_path: Path) -> None:
    change = compare(tmp_path, b"id,a,a,\n1,2,3,4\n5,6,7,8\n", b"id,a,a,\n1,2,9,4\n5,6,7,8\n")
    assert differences(change) == [("modified", "1", {"a.1": ("3", "9")})]


def test_numbers_are_equal_by_value_and_texts_by_their_characters(tmp_path: Path) -> None:
    change = compare(tmp_path, b"id,x,t\n1,1.50,NA\n2,3,b\n", b"id,x,t\n1,1.5,\n2,3.0,b\n")
    assert differences(change) == [("modified", "1", {"t": ("NA", "")})]


def test_a_column_that_becomes_text_is_compared_by_what_the_file_has(tmp_path: Path) -> None:
    change = compare(tmp_path, b"id,x\n1,1.50\n2,2.0\n", b"id,x\n1,1.50\n2,none of them\n")
    assert [(one.name, one.before, one.after) for one in change.columns] == [
        ("x", "number", "text")
    ]
    assert differences(change) == [("modified", "2", {"x": ("2.0", "none of them")})]


def test_whole_numbers_that_floats_cannot_hold_are_compared_exactly(tmp_path: Path) -> None:
    old = b"n\n9007199254740993\n123456789012345678901\n"
    new = b"n\n9007199254740992\n123456789012345678902\n"
    assert compare(tmp_path, old, new).key is None
    assert compare(tmp_path, old, new).modified == 2
    # One side has a fraction, and so is read as floats.
    change = compare(tmp_path, b"id,n\n1,9007199254740993\n", b"id,n\n1,9007199254740992.0\n")
    assert change.modified == 1


def test_a_type_that_only_the_end_of_a_large_file_tells_is_found(tmp_path: Path) -> None:
    rows = [f"{number},,{number}" for number in range(600_000)]
    old = "\n".join(["id,late,mixed", *rows, ""]).encode()
    rows[-1] = "599999,7.5,word"
    change = compare(tmp_path, old, "\n".join(["id,late,mixed", *rows, ""]).encode())
    assert change.key == "id"
    assert differences(change) == [
        ("modified", "599999", {"late": ("", "7.5"), "mixed": ("599999", "word")})
    ]


def test_missing_or_repeated_values_do_not_identify_rows(tmp_path: Path) -> None:
    change = compare(tmp_path, b"k,v\n1,a\n,b\n", b"k,v\n1,a\n,c\n")
    assert (change.key, change.added, change.deleted) == ("v", 1, 1)
    assert compare(tmp_path, b"k\n1\n1\n2\n", b"k\n2\n1\n1\n").reordered
    change = compare(tmp_path, b"k\n1\n1\n2\n", b"k\n2\n1\n")
    assert (change.added, change.deleted, change.modified) == (0, 1, 0)


def test_empty_tables_have_no_rows(tmp_path: Path) -> None:
    for old, new, counts in (
        (b"", b"", (0, 0, 0)),
        (b"a,b\n", b"a,b\n", (0, 0, 0)),
        (b"a,b\n", b"a,b\n1,2\n", (1, 0, 0)),
        (b"a,b\n1,2\n", b"", (0, 1, 0)),
    ):
        change = compare(tmp_path, old, new)
        assert (change.added, change.deleted, change.modified) == counts, (old, new)


def test_a_row_with_missing_values_at_its_end_is_read_and_one_with_more_is_not(
    tmp_path: Path,
) -> None:
    change = compare(tmp_path, b"a,b,c\n1,2,3\n4,5\n", b"a,b,c\n1,2,3\n4,6\n")
    assert change.modified == 1
    with pytest.raises(ValueError, match="more values"):
        compare(tmp_path, b"a,b\n1,2\n", b"a,b\n1,2,3\n4,5,6\n")


def test_nested_values_dates_and_decimals_are_compared(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]),
            "list": [[1, 2], [], None],
            "record": [{"a": 1, "b": "x"}, {"a": 2, "b": None}, {"a": 3, "b": "z"}],
            "price": pd.Series([1.5, np.nan, -0.0]),
        }
    )
    new = table.copy()
    new["list"] = [[2, 1], [], None]
    new["record"] = [{"a": 1, "b": "x"}, {"a": 2, "b": ""}, {"a": 3, "b": "z"}]
    new["price"] = [1.5, np.nan, 0.0]
    change = compare(tmp_path, table, new)
    assert [
        (row.state.value, row.key, [one.name for one in row.values]) for row in change.rows
    ] == [
        ("modified", "2020-01-01 00:00:00", ["list"]),
        ("modified", "2020-01-02 00:00:00", ["record"]),
    ]


@pytest.mark.parametrize("has_key", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_every_change_is_found_and_none_is_invented(
    tmp_path: Path, seed: int, has_key: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compare with a plain comparison of rows in Python, with arrays that have many parts."""
    monkeypatch.setattr(table_diff, "STEP", 97)
    drawn = random.Random(seed)
    values = [1, 2, 3, None]
    texts = ["", "a", "word", "eight ch", "more than eight characters", "文字", None]

    def row(number: int) -> tuple[Any, ...]:
        own = (f"k{number}",) if has_key else ()
        return (*own, drawn.choice(values), drawn.choice(texts), drawn.random() < 0.5)

    old = [row(number) for number in range(1000)]
    new = [one if drawn.random() < 0.8 else row(number) for number, one in enumerate(old)]
    new = [one for one in new if drawn.random() < 0.9] + [
        row(number) for number in range(2000, 2050)
    ]
    if seed % 2:
        drawn.shuffle(new)
    names = ["v", "t", "b"]
    columns = ["id", *names] if has_key else names
    change = compare(
        tmp_path, pd.DataFrame(old, columns=columns), pd.DataFrame(new, columns=columns)
    )
    if has_key:
        before, after = ({one[0]: one for one in rows} for rows in (old, new))
        both = before.keys() & after.keys()
        modified = sum(before[key] != after[key] for key in both)
        expected = (len(after) - len(both), len(before) - len(both), modified)
        assert change.key == "id"
        for name, count in zip(names, range(1, 4), strict=True):
            cells = sum(before[key][count] != after[key][count] for key in both)
            assert {one.name: one.changed for one in change.common}[name] == cells
    else:
        one, other = Counter(old), Counter(new)
        expected = ((other - one).total(), (one - other).total(), 0)
    assert (change.added, change.deleted, change.modified) == expected


def test_values_that_differ_have_different_hashes_whatever_their_parts() -> None:
    texts = [
        "",
        "a",
        "b",
        "ab",
        "ba",
        "a" * 8,
        "a" * 9,
        "a" * 16,
        "x" * 600,
        "x" * 601,
        "a\0",
        None,
    ]
    seed = new_seed()
    (hashes,) = hash_values(pa.array(texts), [seed])
    assert len(set(hashes.tolist())) == len(texts)
    # The same in a slice, as large texts, and in a dictionary.
    for array in (
        pa.array(["before", *texts]).slice(1),
        pa.array(texts, pa.large_string()),
        pa.array(texts).dictionary_encode(),
    ):
        assert hash_values(array, [seed])[0].tolist() == hashes.tolist()


def test_rows_with_the_same_first_hash_are_told_apart_by_the_second_one() -> None:
    first = np.array([1, 2, 3], dtype=np.uint64)
    with pytest.raises(table_diff.CollisionError):
        table_diff.multiset_difference(
            (first, np.array([1, 2, 3], dtype=np.uint64)),
            (first[::-1].copy(), np.array([3, 9, 1], dtype=np.uint64)),
        )


def test_columns_that_change_are_described_with_the_same_bins(tmp_path: Path) -> None:
    old = pd.DataFrame({"id": range(100), "x": range(100), "t": ["a"] * 99 + ["b"], "gone": 1})
    new = old.drop(columns="gone").assign(x=old["x"] * 2.0, t=["a"] * 98 + ["b", None])
    change = compare(tmp_path, old, new)
    described = {one.name: one for one in change.statistics}
    assert sorted(described) == ["gone", "t", "x"]
    x = described["x"]
    assert x.before is not None
    assert x.after is not None
    assert (x.before.mean, x.before.max, x.after.max) == (49.5, 99, 198)
    assert x.after.std == pytest.approx(float(new["x"].std(ddof=0)))
    assert x.is_histogram
    assert [sum(one.before or 0 for one in x.bins), sum(one.after or 0 for one in x.bins)] == [
        100,
        100,
    ]
    assert x.bins[-1].before == 0
    t = described["t"]
    assert [(one.label, one.before, one.after) for one in t.bins] == [("a", 99, 98), ("b", 1, 1)]
    assert t.after is not None
    assert (t.after.count, t.after.missing, t.after.distinct) == (99, 1, 2)
    assert described["gone"].after is None


def test_rows_are_read_by_page_state_and_column(tmp_path: Path) -> None:
    old = pd.DataFrame({"id": range(5000), "a": 0, "b": 0})
    new = old.assign(a=[1] * 3000 + [0] * 2000, b=[0] * 2999 + [1] * 2001).iloc[:-10]
    change = compare(tmp_path, old, new)
    assert (change.modified, change.deleted, change.match_count) == (4990, 10, 5000)

    def page(**query: Any) -> TableChange:
        request = TableDiffQuery.model_validate({"path": "t", **query})
        return with_rows(change, tmp_path, request)

    assert [row.key for row in page(offset=2500, limit=2).rows] == ["2500", "2501"]
    both = page(column="a", offset=2999)
    assert both.match_count == 3000
    assert [(row.key, len(row.values)) for row in both.rows] == [("2999", 2)]
    assert page(state="deleted", limit=3).match_count == 10
    assert page(column="none").rows == []
