"""Columns that are derived before a run, held against those of the tables that components make."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from jupyter_mlws.components import ColumnName, Table, component, like, values
from jupyter_mlws.components.columns import READ, UNKNOWN, Column, Fitted, Like, Schema, Value
from jupyter_mlws.components.declaration import DeclarationError, describe
from jupyter_mlws.components.registry import library, library_rules, load_function
from jupyter_mlws.components.source_columns import (
    MAX_COLUMNS,
    MAX_VALUES,
    Source,
    SourceReader,
    table_schema,
)

Options = Callable[[random.Random, Sequence[pd.DataFrame]], dict[str, Any]]
ROWS = 40


def some(chance: random.Random, table: pd.DataFrame, least: int = 0) -> list[str]:
    names = list(table.columns)
    return chance.sample(names, chance.randint(min(least, len(names)), min(3, len(names))))


SETTINGS: Mapping[str, Options] = {
    "select_columns": lambda r, t: {"columns": some(r, t[0]), "drop": some(r, t[0])[:1]},
    "clean_rows": lambda r, t: {
        "missing": r.choice(["drop", "mean", "median", "most_frequent", "zero", "keep"])
    },
    "encode_categories": lambda r, t: {
        "columns": r.choice([[], some(r, t[0])]),
        "method": r.choice(["one_hot", "ordinal"]),
        "identifiers": r.choice(["transform", "leave"]),
    },
    "impute_missing": lambda r, t: {
        "columns": r.choice([[], some(r, t[0])]),
        "numbers": r.choice(["median", "mean", "most_frequent"]),
        "integers": r.choice(["fractions", "stay"]),
        "identifiers": r.choice(["transform", "leave"]),
    },
    "check_table": lambda r, t: {
        "unique": some(r, t[0]),
        "complete": some(r, t[0]),
        "violations": "warn",
    },
    "filter_rows": lambda r, t: {"column": some(r, t[0], 1)[0], "condition": "is_not_missing"},
    "sort_rows": lambda r, t: {"columns": some(r, t[0], 1)[:1]},
    "sample_rows": lambda r, t: {"rows": r.randint(1, ROWS)},
    "rename_columns": lambda r, t: {"names": [f"{n}={n}_new" for n in some(r, t[0])]},
    "convert_types": lambda r, t: {
        "columns": some(r, t[0], 1),
        "to": r.choice(["number", "integer", "text", "date", "boolean"]),
        "invalid": "missing",
    },
    "add_lags": lambda r, t: {
        "columns": r.choice([[], some(r, t[0], 1)]),
        "lags": [1, 4],
        "windows": r.choice([[], [3]]),
        "ahead": r.choice([1, 2]),
        "time": r.choice([None, *t[0]]),
        "group": r.choice([None, *t[0]]),
    },
    "formula": lambda r, t: {
        "column": r.choice(["ratio", *t[0].columns]),
        "expression": f"`{r.choice(list(t[0]))}`",
    },
    "join_tables": lambda r, t: {
        "columns": r.choice([[], some(r, t[0], 1)]),
        "how": r.choice(["inner", "left", "right", "outer"]),
    },
    "concatenate_tables": lambda r, t: {"columns": r.choice(["all", "common"])},
    "group_rows": lambda r, t: {
        "by": some(r, t[0], 1),
        "columns": r.choice([[], some(r, t[0])]),
        "statistics": r.sample(
            ["mean", "sum", "min", "max", "median", "std", "count", "distinct", "first", "last"], 3
        ),
    },
    "pivot_table": lambda r, t: {
        "rows": some(r, t[0], 1)[:1],
        "columns": r.choice(list(t[0])),
        "values": r.choice(list(t[0])),
        "statistic": r.choice(["mean", "count", "max"]),
    },
    "unpivot_table": lambda r, t: {
        "keep": (names := some(r, t[0])),
        "columns": r.choice([[], [name for name in some(r, t[0], 1) if name not in names]]),
    },
    "save_table": lambda r, t: {"columns": r.choice([[], some(r, t[0])])},
    "prepare_columns": lambda r, t: {"target": r.choice([None, *t[0]])},
    "scale_columns": lambda r, t: {
        "columns": r.choice([[], some(r, t[0])]),
        "identifiers": r.choice(["transform", "leave"]),
    },
    "select_features": lambda r, t: {
        "method": "variance",
        "target": r.choice([None, *t[0]]),
        "identifiers": r.choice(["transform", "leave"]),
    },
    "reduce_dimensions": lambda r, t: {
        "columns": r.choice([[], some(r, t[0])]),
        "components": r.randint(1, 3),
        "identifiers": r.choice(["transform", "leave"]),
    },
    "split": lambda r, t: {"test_size": 0.5},
    "train_clusters": lambda r, t: {"clusters": 2, "scale": False},
    "data_preprocessing": lambda r, t: {
        "target": r.choice([None, *t[0]]),
        "encode": r.choice(["one_hot", "ordinal", "none"]),
        "scale": r.choice(["none", "standard"]),
        "drop_missing": r.random() < 0.5,
    },
    "transform_table": lambda r, t: {},
    "predict": lambda r, t: {"column": "guess", "probabilities": r.random() < 0.5},
    "image_pixels": lambda r, t: {},
    "vectorize_text": lambda r, t: {"column": some(r, t[0], 1)[0], "max_features": 4},
    "tune_model": lambda r, t: {
        "model_type": "decision_tree",
        "parameters": ["max_depth=1,2"],
        "folds": 2,
        "target": r.choice(list(t[0])),
    },
    "cross_validate": lambda r, t: {"folds": 2, "target": r.choice(list(t[0]))},
    "compare_classifiers": lambda r, t: {"target": r.choice(list(t[0]))},
    "compare_regressors": lambda r, t: {"target": r.choice(list(t[0]))},
    "train_classifier": lambda r, t: {
        "algorithm": r.choice(["decision_tree", "logistic_regression"]),
        "target": r.choice(list(t[0])),
    },
    "train_regressor": lambda r, t: {
        "algorithm": r.choice(["decision_tree", "linear"]),
        "target": r.choice(list(t[0])),
    },
}
"""Random settings of each component with a table, for the tables that it gets."""
SOURCES = {"load_table", "load_sql", "sample_data", "load_texts", "load_images"}
"""Components that begin a series: they read files."""


def random_table(chance: random.Random) -> pd.DataFrame:
    source = np.random.default_rng(chance.randrange(2**32))
    missing = source.random(ROWS) < 0.2
    columns = {
        "row": np.arange(ROWS),
        "code": [f"{n * 7919:x}" for n in range(ROWS)],
        "count": source.integers(0, 9, ROWS),
        "price": source.normal(size=ROWS),
        "gap": np.where(missing, np.nan, source.normal(size=ROWS)),
        "city": source.choice(["Bonn", "Ulm", "Kiel"], ROWS),
        "note": np.where(missing, None, source.choice(["a", "b"], ROWS)),
        "paid": source.integers(0, 2, ROWS).astype(bool),
        "seen": np.where(missing, None, source.integers(0, 2, ROWS).astype(bool)),
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(source.integers(0, 50, ROWS), "D"),
        "target": source.integers(0, 2, ROWS),
    }
    names = chance.sample(list(columns), chance.randint(2, len(columns)))
    table: pd.DataFrame = pd.DataFrame({name: columns[name] for name in names})
    return table


def check(schema: Schema, table: pd.DataFrame, what: str) -> None:
    """What is known of a table is true of it."""
    actual = table_schema(table).columns
    if schema.complete:
        assert list(schema.columns) == list(actual), what
    assert schema.columns.keys() <= actual.keys(), what
    for name, column in schema.columns.items():
        # A column without values has no type in the file.
        assert column.type in (None, actual[name].type) or actual[name].type is None, (what, name)


Known = tuple[pd.DataFrame, Schema]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> list[Known]:
    """Tables that components load, each with its columns before the run."""
    root = tmp_path_factory.mktemp("sources")
    chance = random.Random(1)
    random_table(chance).to_csv(root / "a.csv", index=False, sep=";")
    random_table(chance).to_parquet(root / "b.parquet")
    with closing(sqlite3.connect(root / "c.db")) as database:
        random_table(chance).to_sql("rows", database, index=False)
        database.commit()
    for number in range(8):
        folder = root / f"images/{'ab'[number % 2]}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(folder / f"{number}.png")
        (root / "texts").mkdir(exist_ok=True)
        (root / f"texts/{number}.txt").write_text(f"word{number} and more")
    read = [
        Source({"file": "a.csv"}, "load_table", {"separator": ";", "limit": 30}),
        Source({"file": "b.parquet"}, "load_table", {}),
        Source({"database": "c.db"}, "load_sql", {"query": "SELECT *, 1 AS one FROM rows"}),
        *(Source({}, "sample_data", {"dataset": name}) for name in ("iris", "diabetes")),
    ]
    schemas = SourceReader(root).read(read)
    tables = []
    for source, schema in zip(read, schemas, strict=True):
        files = {port: root / path for port, path in source.files.items()}
        tables.append((loader(source.component, root)(**files, **source.settings), schema))
    for name, folder in (("load_texts", "texts"), ("load_images", "images")):
        rule = library_rules().get(name)
        derived = UNKNOWN if rule is None or isinstance(rule, str) else rule({}, {})
        assert isinstance(derived, Schema)
        tables.append((loader(name, root)(root / folder), derived))
    assert {one.component for one in read} | {"load_texts", "load_images"} == SOURCES
    return tables


def loader(name: str, root: Path) -> Callable[..., pd.DataFrame]:
    function = load_function(name, root)
    assert function is not None
    return function[0]


def test_columns_of_sources_are_known_before_they_are_loaded(loaded: list[Known]) -> None:
    for table, schema in loaded:
        check(schema, table, f"{list(table.columns)}")
    assert [schema.complete for _, schema in loaded] == [True] * 5 + [False] * 2


@pytest.mark.parametrize("seed", range(30))
def test_what_is_known_before_a_run_is_true_after_it(
    seed: int, loaded: list[Known], tmp_path: Path
) -> None:
    chance = random.Random(seed)
    first = random_table(chance)
    tables: list[Known] = [(first, table_schema(first)), chance.choice(loaded)]
    models: list[tuple[Any, Fitted, Sequence[str]]] = []
    for step in range(16):
        name = chance.choice(list(SETTINGS))
        described = next(one for one in library() if one.name == name)
        ports: dict[str, list[Value]] = {}
        arguments: list[Any] = []
        for port in described.inputs:
            if port.type == "Model":
                fitting = [one for one in models if not port.kinds or {*port.kinds} & {*one[2]}]
                if not fitting:
                    break
                picks = [chance.choice(fitting) for _ in range(2 if port.multiple else 1)]
                ports[port.name] = [fitted for _, fitted, _ in picks]
                values_of = [model for model, _, _ in picks]
                arguments.append(values_of if port.multiple else values_of[0])
                continue
            chosen = [chance.choice(tables) for _ in range(2 if port.multiple else 1)]
            ports[port.name] = [schema for _, schema in chosen]
            frames = [frame.copy() for frame, _ in chosen]
            arguments.append(frames if port.multiple else frames[0])
        if len(arguments) < len(described.inputs):
            continue
        frames = [one for one in arguments if isinstance(one, pd.DataFrame)] or arguments[0]
        if any(frame.empty for frame in frames):
            continue
        settings = SETTINGS[name](chance, frames)
        function = load_function(name, tmp_path)
        assert function is not None
        try:
            result = function[0](*arguments, **settings)
            results = list(result) if isinstance(result, tuple) else [result]
            files = {}
            for output, value in zip(described.outputs, results, strict=True):
                files[output.name] = tmp_path / f"{step}.{output.name}{output.extension}"
                values.write(output.type, value, files[output.name])
        except Exception:  # noqa: BLE001  settings that do not suit these tables
            continue
        rule = library_rules().get(name)
        assert not isinstance(rule, str)
        defaults = {
            key: one["default"]
            for key, one in described.settings["properties"].items()
            if "default" in one
        }
        derived = rule({**defaults, **settings}, ports) if rule else UNKNOWN
        for output, value in zip(described.outputs, results, strict=True):
            schema = derived if isinstance(derived, Schema) else derived.get(output.name)
            if schema is None:
                continue
            if output.type == "Table":
                table = values.read("Table", files[output.name])
                check(schema, table, f"{seed}: {name} {settings}")
                tables.append((table, schema))
            elif output.type == "Model":
                before = next(one for ones in ports.values() for one in ones)
                assert isinstance(before, Schema)
                models.append((value, Fitted(before, schema), output.kinds))


def test_every_component_that_makes_a_table_is_covered() -> None:
    makers = {one.name for one in library() if any(port.type == "Table" for port in one.outputs)}
    assert makers <= SETTINGS.keys() | SOURCES


def test_columns_of_files_are_those_that_their_component_loads(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id;city;price;when\n1;Bonn;2,5;2026-01-01\n2;;3,0;2026-01-02\n"
    )
    table = pd.DataFrame({"n": [1, 2], "t": ["a", None], "d": pd.to_datetime(["2026-01-01"] * 2)})
    table.to_parquet(tmp_path / "b.parquet")
    sources = [
        Source({"file": "a.csv"}, "load_table", {"separator": ";", "decimal": ","}),
        Source({"": "b.parquet"}),
        Source({}, "sample_data", {"dataset": "iris"}),
        Source({"": "missing.csv"}),
        Source({"": "../other.csv"}),
    ]
    (tmp_path.parent / "other.csv").write_text("secret\n1\n")
    csv, parquet, iris, *others = SourceReader(tmp_path).read(sources)
    assert {name: column.type for name, column in csv.columns.items()} == {
        "id": "integer", "city": "text", "price": "number", "when": "text",
    }  # fmt: skip
    assert csv.columns["city"].examples == ("Bonn",)
    assert [column.type for column in parquet.columns.values()] == ["integer", "text", "date"]
    assert list(iris.columns)[-1] == "target"
    assert not any(one.complete or one.columns for one in others)


def test_a_file_is_read_again_when_it_changes_and_a_faulty_one_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    (tmp_path / "b.parquet").write_text("no parquet")
    reader = SourceReader(tmp_path)
    sources = [Source({"": "a.csv"}), Source({"": "b.parquet"})]
    good, faulty = reader.read(sources)
    assert (list(good.columns), faulty.complete) == (["a", "b"], False)
    file.write_text("a,b,c\n1,2,3\n")
    assert list(reader.read(sources)[0].columns) == ["a", "b", "c"]
    monkeypatch.setattr("subprocess.run", None)  # Nothing has changed: no process.
    assert list(reader.read(sources)[0].columns) == ["a", "b", "c"]


def test_small_files_with_many_values_take_little_memory_and_hide_no_other(tmp_path: Path) -> None:
    """The texts take 3 GB, and a million columns take pandas half a minute."""
    rows = pa.table({f"c{n}": pa.nulls(MAX_VALUES // 4 + 1, pa.int64()) for n in range(4)})
    parquet.write_table(rows, tmp_path / "rows.parquet")
    text = pa.table({"text": pa.array(["x" * 1_000_000]).take(pa.array([0] * 100))})
    with parquet.ParquetWriter(
        tmp_path / "text.parquet", text.schema, compression="zstd"
    ) as writer:
        for _ in range(30):
            writer.write_table(text)
    (tmp_path / "wide.csv").write_text(f"{'a,' * 1_000_000}a\n{'1,' * 1_000_000}1\n")
    names = [f"gene{number}" for number in range(MAX_COLUMNS + 1)]
    (tmp_path / "genes.csv").write_text(f"{','.join(names)}\n{','.join('1' for _ in names)}\n")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    assert sum(file.stat().st_size for file in tmp_path.glob("*.parquet")) < 1_000_000
    files = ["rows.parquet", "text.parquet", "wide.csv", "genes.csv", "a.csv"]
    rows, text, wide, genes, small = SourceReader(tmp_path).read([Source({"": f}) for f in files])
    assert (list(rows.columns), rows.columns["c0"].type) == (["c0", "c1", "c2", "c3"], None)
    assert (text, wide) == (UNKNOWN, UNKNOWN)
    assert (list(genes.columns), genes.columns["gene0"].type) == (names, None)
    assert list(small.columns) == ["a", "b"]
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2_000_000  # kB


def test_a_file_that_takes_long_keeps_no_other_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"{name}\n1\n")
    os.mkfifo(tmp_path / "fifo")
    slow = tmp_path / "python"
    slow.write_text(f'#!/bin/sh\nread line < {tmp_path}/fifo\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    reader = SourceReader(tmp_path)
    with ThreadPoolExecutor() as pool, monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(slow))
        first = pool.submit(reader.read, [Source({"": "a.csv"})])
        with (tmp_path / "fifo").open("w"):
            patch.undo()
            assert list(reader.read([Source({"": "b.csv"})])[0].columns) == ["b"]
            assert not first.done()
        assert list(first.result()[0].columns) == ["a"]


def test_a_component_of_a_project_declares_its_columns_in_one_line() -> None:
    @component(columns=like("data", add={"{column}_rank": "integer"}, drop=["{column}"]))
    def rank(data: Table, *, column: ColumnName) -> Table:
        return data

    described = describe(rank, "project")
    assert described.settings["properties"]["column"]["x-columns"] == {
        "port": "data",
        "required": True,
    }
    assert described.columns is not None
    # It is read in another process, and sent as JSON.
    rule = Like.model_validate_json(described.columns.model_dump_json())
    table = Schema({"a": Column("text"), "b": Column("number")})
    assert rule({"column": "b"}, {"data": [table]}) == Schema(
        {"a": Column("text"), "b_rank": Column("integer")}
    )


def test_a_rule_about_an_unknown_input_is_refused() -> None:
    @component(columns=like("table"))
    def score(data: Table) -> Table:
        return data

    with pytest.raises(DeclarationError, match="'table' is not an input table"):
        describe(score, "project")


def test_files_are_read_by_the_components_that_load_them() -> None:
    assert {name for name, rule in library_rules().items() if rule == READ} == {
        "load_table", "load_sql", "sample_data",
    }  # fmt: skip
