"""Tables of a kernel: rows in any order, against pandas, and no code of the user's classes."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlws.notebooks.kernel_helper import calls, orders


@pytest.fixture
def shell() -> SimpleNamespace:
    calls._jobs.clear()
    return SimpleNamespace(user_ns={}, user_ns_hidden={}, execution_count=1)


@pytest.fixture
def ask(shell: SimpleNamespace) -> Callable[..., Any]:
    """Call the helper until its work is done: the answer."""

    def call(name: str, **request: Any) -> Any:
        while True:
            answer = json.loads(calls.call(shell, name, json.dumps(request)))
            if answer:
                return answer

    return call


@pytest.fixture
def table(ask: Callable[..., Any]) -> Callable[..., Any]:
    """Read rows of a variable."""

    def read(variable: str, **request: Any) -> Any:
        plain = {"path": [], "indices": [], "offset": 0, "limit": 5000}
        unsorted = {"sort": None, "descending": False, "filters": []}
        answer = ask("table", variable=variable, **{**plain, **unsorted, **request})
        assert "result" in answer, answer
        return answer["result"]

    return read


def condition(column: str, operator: str, value: str = "") -> dict[str, str]:
    return {"column": column, "operator": operator, "value": value}


@pytest.fixture
def frame() -> pd.DataFrame:
    random, count = np.random.default_rng(1), 3000
    frame = pd.DataFrame(
        {
            "number": random.normal(size=count),
            "few": random.integers(0, 3, count),
            "fruit": random.choice(["fig", "apple", "pear"], count),
            "word": [f"w{n}" for n in random.integers(0, 10**6, count)],
            "when": pd.date_range("2020-01-01", periods=count, freq="h")[::-1],
            "size": pd.Categorical(
                random.choice(["low", "mid", "high"], count), ["low", "mid", "high"], ordered=True
            ),
            "whole": pd.array(random.integers(0, 50, count), dtype="Int64"),
            "is_on": random.choice([True, False], count),
        }
    )
    frame.loc[::7, ["number", "fruit", "whole"]] = None
    return frame


@pytest.mark.parametrize("column", ["number", "few", "fruit", "word", "when", "size", "whole"])
@pytest.mark.parametrize("is_descending", [False, True])
def test_rows_are_sorted_as_by_pandas(
    shell, table, frame, monkeypatch, column, is_descending
) -> None:
    # Several slices and buckets, as of a long table.
    monkeypatch.setattr(orders, "SLICE_ROWS", 500)
    monkeypatch.setattr(orders, "BUCKET_ROWS", 100)
    monkeypatch.setattr(orders, "TEXT_BUCKET_ROWS", 100)
    shell.user_ns["frame"] = frame
    rows = table("frame", sort=column, descending=is_descending)["rows"]
    by_pandas = frame.sort_values(column, ascending=not is_descending, kind="stable")[column]
    sorted_frame = frame.loc[[row[0] for row in rows], column]
    assert sorted(row[0] for row in rows) == list(range(len(frame)))
    assert sorted_frame.isna().tolist() == by_pandas.isna().tolist()
    assert sorted_frame.dropna().tolist() == by_pandas.dropna().tolist()


@pytest.mark.parametrize(
    ("column", "operator", "value", "matches"),
    [
        ("number", "greater", "1.5", lambda f: f.number > 1.5),
        ("number", "empty", "", lambda f: f.number.isna()),
        ("few", "not_equal", "1", lambda f: f.few != 1),
        ("fruit", "contains", "EA", lambda f: f.fruit.str.contains("ea", na=False)),
        ("fruit", "less", "b", lambda f: f.fruit == "apple"),
        ("word", "contains", "12", lambda f: f.word.str.contains("12")),
        ("when", "less_equal", "2020-01-02", lambda f: f.when <= "2020-01-02"),
        ("size", "equal", "mid", lambda f: f["size"] == "mid"),
        ("whole", "greater_equal", "25", lambda f: (f.whole >= 25).fillna(False)),
        ("is_on", "equal", "true", lambda f: f.is_on),
    ],
)
def test_rows_are_filtered_as_by_pandas(
    shell, table, frame, monkeypatch, column, operator, value, matches
) -> None:
    monkeypatch.setattr(orders, "SLICE_ROWS", 500)
    shell.user_ns["frame"] = frame
    page = table("frame", filters=[condition(column, operator, value)], sort="index")
    expected = frame.index[matches(frame)].tolist()
    assert [row[0] for row in page["rows"]] == expected
    assert (page["match_count"], page["row_count"]) == (len(expected), len(frame))


def test_a_filter_that_does_not_fit_says_so_each_time(shell, ask, frame) -> None:
    shell.user_ns["frame"] = frame
    body = {"path": [], "indices": [], "offset": 0, "limit": 1, "sort": None, "descending": False}
    for _ in range(2):
        answer = ask("table", variable="frame", filters=[condition("few", "less", "many")], **body)
        assert answer == {"error": "value", "facts": {"value": "many", "type": "int64"}}


def test_columns_are_described(shell, ask, frame, monkeypatch) -> None:
    monkeypatch.setattr(orders, "SLICE_ROWS", 500)
    shell.user_ns["frame"] = frame
    answer = ask("statistics", variable="frame", path=[], indices=[], column="number")["result"]
    assert (answer["count"], answer["nulls"]) == (frame.number.count(), frame.number.isna().sum())
    assert answer["mean"] == pytest.approx(frame.number.mean())
    assert answer["std"] == pytest.approx(frame.number.std(ddof=0))
    assert (answer["min"], answer["max"]) == (frame.number.min(), frame.number.max())
    assert sum(one["count"] for one in answer["bins"]) == answer["count"]
    answer = ask("statistics", variable="frame", path=[], indices=[], column="fruit")["result"]
    counts = frame.fruit.value_counts()
    assert {one["label"]: one["count"] for one in answer["bins"]} == counts.to_dict()
    assert answer["distinct"] == 3


def test_an_order_is_found_again_after_a_cell(shell, table, frame) -> None:
    shell.user_ns["frame"] = frame
    assert table("frame", sort="few")["rows"][0][2] == 0
    frame.loc[5, "few"] = -1
    shell.execution_count += 1
    assert table("frame", sort="few")["rows"][0][2] == -1
    assert len(calls._jobs) == 1


def test_indices_and_names_of_columns(shell, table) -> None:
    index = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", None])
    shell.user_ns["frame"] = pd.DataFrame([[1, 2]] * 4, index=index, columns=["x", "x"])
    page = table("frame")
    assert [one["name"] for one in page["columns"]] == ["letter", "level 1", "x", "x (2)"]
    assert page["rows"][2] == ["b", 1, 1, 2]
    assert [row[:2] for row in table("frame", sort="level 1", descending=True)["rows"]][:1] == [
        ["b", 2]
    ]
    shell.user_ns["series"] = pd.Series([3.5, None], index=pd.Index(["p", "q"], name="id"))
    page = table("series")
    assert ([one["name"] for one in page["columns"]], page["rows"]) == (
        ["id", "value"],
        [["p", 3.5], ["q", None]],
    )


def test_arrays_with_one_two_and_more_axes(shell, table, ask) -> None:
    shell.user_ns.update(
        line=np.arange(5) * 1.5,
        square=np.arange(6).reshape(2, 3),
        cube=np.arange(24).reshape(2, 3, 4),
        wide=np.zeros((2, 500)),
        records=np.array([(1, "a"), (2, "b")], dtype=[("n", "i4"), ("t", "U1")]),
    )
    assert table("line")["rows"][3] == [3, 4.5]
    assert table("square")["rows"] == [[0, 0, 1, 2], [1, 3, 4, 5]]
    assert table("cube", indices=[1])["rows"][2] == [2, 20, 21, 22, 23]
    assert table("cube")["shape"] == [2, 3, 4]
    wide = table("wide")
    assert (len(wide["columns"]), wide["column_count"], wide["truncated"]) == (201, 500, True)
    assert table("records", sort="n", descending=True)["rows"] == [[1, 2, "b"], [0, 1, "a"]]
    body = {"offset": 0, "limit": 1, "sort": None, "descending": False, "filters": [], "path": []}
    answer = ask("table", variable="cube", indices=[7], **body)
    assert answer == {"error": "shape", "facts": {"shape": "(2, 3, 4)"}}


def test_tables_of_arrow_and_polars(shell, table) -> None:
    columns = {"n": [3, 1, None], "t": ["b", None, "a"]}
    names = []
    for name, make in (("pyarrow", "table"), ("polars", "DataFrame")):
        if importlib.util.find_spec(name) is not None:
            shell.user_ns[name] = getattr(importlib.import_module(name), make)(columns)
            names.append(name)
    assert "pyarrow" in names
    for name in names:
        assert [row[1:] for row in table(name, sort="n")["rows"]] == [
            [1, None],
            [3, "b"],
            [None, "a"],
        ]
        assert [row[0] for row in table(name, sort="t")["rows"]] == [2, 0, 1]
        assert table(name, filters=[condition("t", "equal", "b")])["rows"] == [[0, 3, "b"]]


class Loud:
    """A class all of whose methods fail, and are counted."""

    calls = 0

    def __repr__(self, *_: Any) -> str:
        Loud.calls += 1
        raise ValueError("the user's code ran")

    __str__ = __len__ = __lt__ = __eq__ = __hash__ = __float__ = __getattr__ = __repr__  # type: ignore[assignment]


class Key(Loud):
    """A key of a dictionary and a label of a table."""

    def __hash__(self) -> int:
        Loud.calls += 1
        return 1

    __eq__ = object.__eq__


class LoudIndex(pd.Index):
    """An index all of whose own members fail."""

    def __getitem__(self, key: Any) -> Any:
        repr(Loud())

    __iter__ = __len__ = __getitem__  # type: ignore[assignment]


class LoudDtype(pd.api.extensions.ExtensionDtype):
    """A type of data whose name fails."""

    type = int

    @property
    def name(self) -> Any:
        repr(Loud())

    __str__ = Loud.__repr__  # type: ignore[assignment]


class LoudArray(pd.api.extensions.ExtensionArray):
    """A column whose size in memory fails."""

    dtype = LoudDtype()

    def __len__(self) -> int:
        return 2

    def copy(self) -> LoudArray:
        return self

    @property
    def nbytes(self) -> int:
        Loud.calls += 1
        return 1


class LoudFrame(pd.DataFrame):
    """A frame all of whose own members fail."""

    def __getitem__(self, key: Any) -> Any:
        repr(Loud())

    @property
    def columns(self) -> Any:
        repr(Loud())

    shape = iloc = index = __len__ = memory_usage = columns  # type: ignore[assignment]


def test_code_of_the_users_classes_does_not_run(shell, table, ask) -> None:
    objects = pd.DataFrame({"o": pd.Series([Loud(), "text", 3, None], dtype=object)})
    objects.attrs["loud"] = Loud()
    own_labels = pd.DataFrame({"a": [1]})
    own_labels.columns.__class__ = LoudIndex
    array = np.empty(2, dtype=object)
    array[0] = Loud()
    shell.user_ns.update(
        objects=objects,
        frame=LoudFrame({"a": [2, 1]}),
        array=array,
        listed=[Loud(), {"k": Loud()}],
        loud=Loud(),
        keyed={Key(): 1, (Key(),): 2},
        labels=pd.DataFrame([[1, 2]], columns=pd.Index([Key(), "b"], dtype=object)),
        indexed=pd.DataFrame({"a": [1]}, index=pd.Index([Key()], dtype=object, name="i")),
        own_labels=own_labels,
        own_array=pd.Series(LoudArray()),
    )
    Loud.calls = 0
    names = {row["name"]: row for row in ask("variables")["result"]["items"]}
    assert (names["frame"]["view"], names["frame"]["shape"]) == ("table", [2, 1])
    previews = {name: row["preview"] for name, row in names.items()}
    assert previews["keyed"] == "{<Key>: 1, (<Key>): 2}"
    assert previews["labels"] == "<Key>, b"
    assert previews["own_labels"] == "a"
    assert (previews["own_array"], names["own_array"]["memory"]) == ("LoudDtype", None)
    for name in ("labels", "indexed", "own_labels", "own_array"):
        assert len(table(name)["columns"]) >= 2
    assert (names["loud"]["view"], names["listed"]["view"]) == (None, "tree")
    assert [row[1] for row in table("objects", sort="o")["rows"]] == [3, "<Loud>", "text", None]
    assert ask("statistics", variable="objects", path=[], indices=[], column="o")["result"]
    assert table("objects", filters=[condition("o", "contains", "lou")])["match_count"] == 1
    assert table("frame", sort="a")["rows"] == [[1, 1], [0, 2]]
    assert table("array")["rows"][0] == [0, "<Loud>"]
    items = ask("items", variable="listed", path=[], offset=0, limit=9)["result"]
    assert [one["preview"] for one in items["items"]] == ["", "{'k': <Loud>}"]
    items = ask("items", variable="loud", path=[], offset=0, limit=9)["result"]
    assert (items["total"], items["value"]["type"]) == (0, "Loud")
    assert Loud.calls == 0


def test_items_of_dictionaries_lists_and_models(shell, ask, table) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.5))
    model.fit([[0.0], [1.0]], [0, 1])
    shell.user_ns.update(
        nested={"long": list(range(250)), ("a", 1): pd.DataFrame({"x": [7]})}, model=model
    )

    def items(variable: str, *path: int, offset: int = 0) -> Any:
        body = {"path": list(path), "offset": offset, "limit": 100}
        return ask("items", variable=variable, **body)["result"]

    top = items("nested")
    assert [(one["name"], one["view"]) for one in top["items"]] == [
        ("'long'", "tree"),
        ("('a', 1)", "table"),
    ]
    last = items("nested", 0, offset=200)
    assert (last["total"], len(last["items"]), last["items"][-1]["preview"]) == (250, 50, "249")
    assert table("nested", path=[1])["rows"] == [[0, 7]]
    steps = items("model")["items"]
    assert ("steps", "tree", "parameter") in {(s["name"], s["view"], s["role"]) for s in steps}
    regression = {one["name"]: one for one in items("model", 0, 1, 1)["items"]}
    assert (regression["C"]["preview"], regression["C"]["role"]) == ("0.5", "parameter")
    assert (regression["coef_"]["role"], regression["coef_"]["shape"]) == ("fitted", [1, 1])


def test_nothing_is_imported(shell, ask, monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy")
    shell.user_ns["number"] = 3
    assert ask("variables")["result"]["total"] == 1
    assert "numpy" not in sys.modules
