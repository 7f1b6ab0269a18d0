"""Three versions of a table merged by row and cell, with the bytes of what nobody changed."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pandas as pd
import pytest

from jupyter_mlws.workflows.table_merge import (
    Result,
    Rows,
    merge,
    read_csv,
    read_json_lines,
    read_parquet,
)
from jupyter_mlws.workflows.table_process import TableRefusedError


def merged(
    base: bytes, ours: bytes, theirs: bytes, choices: Mapping[str, str] | None = None
) -> tuple[bytes, Result]:
    sides: list[Rows] = [read_csv(one) for one in (base, ours, theirs)]
    result = merge(*sides, choices or {})
    return sides[1].write(result.rows), result


BASE = b"id,a,b\n1,x,1\n2,y,2\n3,z,3\n"


def test_rows_of_both_sides_are_taken() -> None:
    ours = b"id,a,b\n0,new,0\n1,x,1\n2,ours,2\n3,z,3\n"
    theirs = b"id,a,b\n1,x,9\n2,y,2\n4,w,4\n5,v,5\n"
    content, result = merged(BASE, ours, theirs)
    assert content == b"id,a,b\n0,new,0\n1,x,9\n2,ours,2\n4,w,4\n5,v,5\n"
    assert result.conflicts == []
    assert result.key == "id"


def test_many_rows_that_follow_each_other_are_added() -> None:
    rows = b"".join(b"%d,w,0\n" % number for number in range(10, 5000))
    assert merged(BASE, BASE, BASE + rows)[0] == BASE + rows


def test_a_row_that_both_changed_is_merged_by_cell() -> None:
    content, result = merged(
        BASE, BASE.replace(b"2,y,2", b"2,ours,2"), BASE.replace(b"2,y,2", b'2,y,"22"')
    )
    assert content == BASE.replace(b"2,y,2", b'2,ours,"22"')
    assert (result.combinations, result.conflicts) == (1, [])


def test_a_cell_that_both_changed_is_chosen() -> None:
    ours, theirs = BASE.replace(b"2,y,2", b"2,ours,2"), BASE.replace(b"2,y,2", b"2,theirs,5")
    content, result = merged(BASE, ours, theirs)
    (conflict,) = result.conflicts
    assert [conflict[one] for one in ("key", "column", "base", "ours", "theirs", "take")] == [
        "2", "a", "y", "ours", "theirs", None
    ]  # fmt: skip
    assert content == BASE.replace(b"2,y,2", b"2,ours,5")
    content, _ = merged(BASE, ours, theirs, {conflict["id"]: "theirs"})
    assert content == BASE.replace(b"2,y,2", b"2,theirs,5")
    content, _ = merged(BASE, ours, theirs, {"*": "base"})
    assert content == BASE.replace(b"2,y,2", b"2,y,5")


def test_a_row_that_one_side_deleted_and_the_other_changed_is_a_conflict() -> None:
    deleted, other = BASE.replace(b"2,y,2\n", b""), BASE.replace(b"2,y,2", b"2,changed,2")
    for ours, theirs, kept in ((deleted, other, "theirs"), (other, deleted, "ours")):
        _, result = merged(BASE, ours, theirs)
        assert [(one["key"], one["column"]) for one in result.conflicts] == [("2", None)]
        content, _ = merged(BASE, ours, theirs, {"*": kept})
        assert content == other
        dropped = "ours" if kept == "theirs" else "theirs"
        assert merged(BASE, ours, theirs, {"*": dropped})[0] == deleted
    # Deleted on one side, and not changed on the other one.
    assert merged(BASE, BASE, deleted)[0] == deleted
    assert merged(BASE, deleted, deleted)[0] == deleted


def test_quotes_line_ends_and_the_byte_order_mark_stay_as_ours_has_them() -> None:
    base = '\ufeffid;text;n\r\n1;"two\r\nlines; one";1,50\r\n2;\'b\';2\r\n3;"";3'.encode()
    ours = base.replace(b";3", b";30")
    theirs = base.replace(b"\r\n", b"\n").replace(b"lines; one", b"lines;  1")
    content, result = merged(base, ours, theirs)
    assert result.conflicts == []
    assert b'3;"";30' in content
    assert content.startswith("\ufeffid;text;n\r\n".encode())
    assert content.endswith(b"30")
    same, _ = merged(base, base, base)
    assert same == base


def test_what_has_no_key_or_other_columns_is_refused() -> None:
    for base, ours, theirs in (
        (b"a,b\n1,1\n1,2\n", b"a,b\n1,1\n1,2\n", b"a,b\n1,1\n1,1\n"),
        (BASE, BASE, BASE.replace(b"id,a,b", b"id,a,c")),
        (b"x\n1.5\n2.5\n", b"x\n1.5\n2.5\n", b"x\n1.5\n2.5\n"),
    ):
        with pytest.raises(TableRefusedError):
            merged(base, ours, theirs)


def test_json_lines_keep_the_lines_that_nobody_changed() -> None:
    base = b'{"id": 1,  "a": 1.50}\n{"id":2,"a":2,"b":[1]}\n'
    ours = base.replace(b'"b":[1]', b'"b":[2]')
    theirs = base.replace(b'"a":2', b'"a":3') + b'{"id": 3}\n'
    sides = [read_json_lines(one) for one in (base, ours, theirs)]
    result = merge(*sides, {})
    assert sides[1].write(result.rows) == (
        b'{"id": 1,  "a": 1.50}\n{"id": 2, "a": 3, "b": [2]}\n{"id": 3}\n'
    )


def test_parquet_keeps_its_types() -> None:
    base = pd.DataFrame(
        {"id": ["a", "b", "c"], "n": pd.array([1, None, 3], dtype="Int32"), "x": [0.5, 1.5, 2.5]}
    )
    ours, theirs = base.copy(), base.copy()
    ours.loc[0, "n"] = 7
    theirs.loc[0, "x"] = 9.5
    theirs = theirs.iloc[[0, 2]]
    sides = [read_parquet(table.to_parquet(None)) for table in (base, ours, theirs)]
    result = merge(*sides, {})
    content = sides[1].write(result.rows)
    table = pd.read_parquet(io.BytesIO(content))
    assert table.dtypes.equals(base.dtypes)
    assert table.to_dict("list")["x"] == [9.5, 2.5]
    assert table["n"].tolist() == [7, 3]
