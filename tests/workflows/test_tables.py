"""Tables are read by page: sorted, filtered and described without reading all of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from jupyter_mlws.core.errors import PreviewError, WorkflowItemNotFoundError
from jupyter_mlws.workflows import tables
from jupyter_mlws.workflows.models import ColumnRequest, TableFilter, TablePage, TableRequest
from jupyter_mlws.workflows.tables import TableReader
from tests import python

ROWS = 1000
NUMBERS = np.arange(ROWS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A table of ten row groups; ``back`` counts down."""
    table = pa.table(
        {
            "n": NUMBERS,
            "back": (ROWS - 1 - NUMBERS) / 2,
            "word": [["red", "Green", None, ""][i % 4] for i in range(ROWS)],
        }
    )
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path, row_group_size=100)
    return path


@pytest.fixture
def page(file: Path) -> Callable[..., TablePage]:
    reader = TableReader()

    def read(**request: object) -> TablePage:
        return reader.page(file, ".parquet", TableRequest.model_validate(request))

    return read


def first(page: TablePage) -> list:
    return [row[0] for row in page.rows]


def test_a_page_spans_row_groups(page: Callable[..., TablePage]) -> None:
    answer = page(offset=98, limit=4)
    assert first(answer) == [98, 99, 100, 101]
    assert (answer.row_count, answer.match_count, answer.truncated) == (ROWS, ROWS, False)
    assert [column.name for column in answer.columns] == ["n", "back", "word"]
    assert page(offset=2000).rows == []


def test_rows_are_sorted_both_ways(page: Callable[..., TablePage]) -> None:
    assert first(page(sort="back", limit=3)) == [999, 998, 997]
    assert first(page(sort="back", descending=True, offset=1, limit=2)) == [1, 2]
    words = [row[2] for row in page(sort="word", limit=1000).rows]
    assert words[:2] == ["", ""]
    assert words[-1] is None


def test_rows_are_filtered(page: Callable[..., TablePage]) -> None:
    both = [
        {"column": "word", "operator": "contains", "value": "RE"},
        {"column": "n", "operator": "greater_equal", "value": "990"},
    ]
    answer = page(filters=both, sort="n", descending=True)
    assert first(answer) == [997, 996, 993, 992]
    assert (answer.row_count, answer.match_count) == (ROWS, 4)
    assert page(filters=[{"column": "word", "operator": "empty"}]).match_count == ROWS / 2


def test_a_filter_that_does_not_fit_is_refused(page: Callable[..., TablePage]) -> None:
    with pytest.raises(PreviewError, match="many"):
        page(filters=[{"column": "n", "operator": "less", "value": "many"}])
    with pytest.raises(WorkflowItemNotFoundError):
        page(sort="nosuch")


def test_only_the_groups_of_a_page_are_read(
    page: Callable[..., TablePage], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = tables._Table.read

    def note(self: tables._Table, index: int, columns: list[str]) -> pa.Table:
        read.append(index)
        return original(self, index, columns)

    monkeypatch.setattr(tables._Table, "read", note)
    page(offset=250, limit=100)
    page(offset=260, limit=100)
    assert read == [2, 3]


def test_columns_are_described(file: Path) -> None:
    reader = TableReader()
    numbers = reader.statistics(file, ".parquet", ColumnRequest(column="n"))
    assert (numbers.count, numbers.nulls, numbers.min, numbers.max) == (ROWS, 0, 0, 999)
    assert numbers.mean == pytest.approx(499.5)
    assert numbers.std == pytest.approx(NUMBERS.std())
    assert len(numbers.bins) == 20
    assert {one.count for one in numbers.bins} == {50}
    words = reader.statistics(file, ".parquet", ColumnRequest(column="word"))
    assert (words.count, words.nulls, words.distinct) == (750, 250, 3)
    assert {one.label for one in words.bins} == {"red", "Green", ""}


def test_the_deviation_of_large_numbers_keeps_its_digits(tmp_path: Path) -> None:
    values = 1e9 + NUMBERS % 3
    parquet.write_table(pa.table({"n": values}), tmp_path / "t.parquet", row_group_size=100)
    column = TableReader().statistics(tmp_path / "t.parquet", ".parquet", ColumnRequest(column="n"))
    assert column.std == pytest.approx(float(values.std()), rel=1e-9)


def test_csv_is_read_with_types_and_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{i},x{i}\n" for i in range(50)))
    reader = TableReader()
    condition = TableFilter(column="a", operator="less", value="10")
    request = TableRequest(filters=[condition], sort="a", descending=True)
    assert first(reader.page(path, ".csv", request))[:2] == [9, 8]
    monkeypatch.setattr(tables, "MAX_CSV_BYTES", 10)
    monkeypatch.setattr(tables, "MAX_CSV_ROWS", 20)
    answer = TableReader().page(path, ".csv", TableRequest())
    assert (answer.row_count, answer.truncated) == (20, True)


def test_a_column_of_a_csv_that_becomes_text_is_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "1\n" * 400_000 + "x\n")
    answer = TableReader().page(path, ".csv", TableRequest(offset=400_000))
    assert first(answer) == ["x"]


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("no")
    with pytest.raises(PreviewError):
        TableReader().page(path, ".parquet", TableRequest())
    with pytest.raises(WorkflowItemNotFoundError):
        TableReader().page(tmp_path / "none.parquet", ".parquet", TableRequest())


READ = """
import json, pathlib, resource, sys
import pyarrow
from jupyter_mlws.core.errors import PreviewError
from jupyter_mlws.workflows.models import ColumnRequest, TableFilter, TableRequest
from jupyter_mlws.workflows.tables import TableReader

# Other pools reserve a gigabyte in advance.
pyarrow.set_memory_pool(pyarrow.system_memory_pool())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reader, path, answers = TableReader(), pathlib.Path(sys.argv[1]), []
filters = [TableFilter(column="c", operator="contains", value="0")]
for request in (
    TableRequest(limit=50),
    TableRequest(limit=50, offset=int(sys.argv[2]) - 50),
    TableRequest(limit=50, sort="c", descending=True),
    TableRequest(limit=50, filters=filters),
):
    try:
        answers.append(len(reader.page(path, ".parquet", request).rows))
    except PreviewError as error:
        answers.append(str(error))
answers.append(reader.statistics(path, ".parquet", ColumnRequest(column="c")).count)
print(json.dumps([answers, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""


def _bomb(kind: str) -> pa.Table:
    """A table whose file has a few kB, and whose values have gigabytes."""
    rows, columns = {
        "long texts": (5000, 1),
        "many rows": (60_000_000, 4),
        "many columns": (2_000_000, 200),
    }[kind]
    value = pa.array(["0" * 500_000] if kind == "long texts" else [0])
    column = pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), value)
    return pa.table({"c" * number: column for number in range(1, columns + 1)})


@pytest.mark.parametrize(
    "kind",
    [
        "long texts",
        pytest.param("many rows", marks=pytest.mark.exhaustive),
        pytest.param("many columns", marks=pytest.mark.exhaustive),
    ],
)
def test_a_small_file_takes_little_memory(tmp_path: Path, kind: str) -> None:
    bomb = _bomb(kind)
    path = tmp_path / "t.parquet"
    parquet.write_table(bomb, path, row_group_size=bomb.num_rows, compression="zstd")
    assert path.stat().st_size < 5_000_000
    output = python.run(READ, str(path), str(bomb.num_rows)).stdout
    answers, peak = json.loads(output)
    refused = "are not sorted and filtered here"
    if kind == "many rows":
        assert [refused in str(one) for one in answers[2:4]] == [True, True]
        answers[2:4] = [50, 50]
    assert answers == [50, 50, 50, 50, bomb.num_rows]
    # In kB.
    assert peak < 900_000
