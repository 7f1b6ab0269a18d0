"""Roles and chosen kinds are those of a table's columns behind every node: before a run, and in it.

What a node writes is held against what the form of the next one shows before anything has run.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlws.components import values
from jupyter_mlws.components.kinds import chosen_columns
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import NodeColumnsRequest, Run
from mlws.core.project import Project
from tests.workflows.test_columns import OUT, PATH, node

CSV = "id,city,day,rooms,price,weight,code\n" + "".join(
    f"{n},{('Bonn', 'Ulm', 'Kiel')[n % 3]},2025-01-{n + 1:02},{n % 4},{n * 1.5},{1 + n % 2},"
    f"{n % 5}\n"
    for n in range(24)
)
OTHER = "id,price,region\n" + "".join(f"{n},{n},{'NS'[n % 2]}\n" for n in range(24))
CODE = '''\
"""Code of a project."""

from jupyter_mlws.components import Table, component


@component(category="Own", title="Own")
def own(data: Table) -> Table:
    """Add a column, and drop another.

    data: Input table.
    """
    return data.assign(double=data["price"] * 2).drop(columns=["weight"]).reset_index(drop=True)
'''
ROLES = {"id": "ignored", "day": "time", "price": "target", "weight": "weight"}
ALL: dict[str, dict[str, str]] = {name: {"role": role} for name, role in ROLES.items()}
ALL["code"] = {"kind": "category"}
RIGHT = {"price": {"role": "ignored"}, "region": {"role": "group"}}
TARGET = ALL["price"]


def without(*names: str) -> dict[str, dict[str, str]]:
    return {name: one for name, one in ALL.items() if name not in names}


NODES: dict[str, tuple[str, str, dict[str, Any], dict[str, dict[str, str]]]] = {
    # Component, further inputs, settings, and the choices of its output.
    "encode": ("encode_categories", "", {}, ALL),
    "ordinal": ("encode_categories", "", {"method": "ordinal"}, ALL),
    "impute": ("impute_missing", "", {}, ALL),
    "scale": ("scale_columns", "", {}, ALL),
    "reduce": ("reduce_dimensions", "", {"components": 1}, without("code")),
    "features": ("select_features", "", {"count": 1, "method": "variance"}, ALL),
    "prepare": ("data_preprocessing", "", {}, ALL),
    "clean": ("clean_rows", "", {}, ALL),
    "filter": ("filter_rows", "", {"column": "price", "condition": "greater", "value": "3"}, ALL),
    "sort": ("sort_rows", "", {"columns": ["price"]}, ALL),
    "sample": ("sample_rows", "", {"rows": 9}, ALL),
    "convert": ("convert_types", "", {"columns": ["price"], "to": "text"}, ALL),
    "formula": ("formula", "", {"column": "price", "expression": "price + 1"}, ALL),
    "select": ("select_columns", "", {"drop": ["day", "code"]}, without("day", "code")),
    "rename": (
        "rename_columns", "", {"names": ["price=cost", "code=plz"]},
        {**without("price", "code"), "cost": TARGET, "plz": ALL["code"]},
    ),
    # A former name brings no role.
    "swap": (
        "rename_columns", "", {"names": ["price=cost", "rooms=price"]},
        {**ALL, "price": {"role": "feature"}, "cost": TARGET},
    ),
    "group": (
        "group_rows", "", {"by": ["day", "code"], "columns": ["rooms"]},
        {"day": ALL["day"], "code": ALL["code"]},
    ),
    "pivot": (
        "pivot_table", "", {"rows": ["id"], "columns": "city", "values": "rooms"},
        {"id": ALL["id"]},
    ),
    "unpivot": (
        "unpivot_table", "", {"keep": ["id", "price"], "columns": ["rooms", "code"]},
        {"id": ALL["id"], "price": TARGET},
    ),
    "concat": ("concatenate_tables", "tables={load} tables={other}", {}, {**RIGHT, **ALL}),
    "join": (
        "join_tables", "left={load} right={other}", {"columns": ["id"]},
        {**ALL, "price_right": RIGHT["price"], "region": RIGHT["region"]},
    ),
    # Both tables have the column, and its role is that of the right one.
    "join_right": (
        "join_tables", "left={plain} right={load}", {"columns": ["id"]},
        {**without("price"), "price": {"role": "feature"}, "price_right": TARGET},
    ),
    "apply": ("transform_table", "transformer={fit} data={load}", {}, ALL),
    "own": ("own", "", {}, without("weight")),
}  # fmt: skip
LOADED = {name: f"{OUT}/{name}.table.parquet" for name in ("load", "other", "plain")}
FIT = f"{OUT}/fit.encoder.skops"
FROM_SUBWORKFLOW = '    meta: {{origin: "workflows/sub/dvc.yaml:{}"}}\n'


def output(name: str) -> str:
    port = "output_path" if NODES[name][0] == "data_preprocessing" else "table"
    return f"{OUT}/{name}.{port}.parquet"


def stage(name: str, suffix: str = "") -> str:
    """A node of the table, as a part of a frame that comes from a sub-workflow."""
    component, inputs, *_ = NODES[name]
    port = "input_path" if component == "data_preprocessing" else "data"
    deps = (inputs or f"{port}={{load}}").format(**LOADED, fit=FIT)
    out = output(name)
    return node(name, component, deps, f"{out.split('.')[-2]}={out}") + suffix


def workflow() -> str:
    def pairs(choices: dict[str, dict[str, str]], key: str) -> list[str]:
        return [f"{name}={one[key]}" for name, one in choices.items() if key in one]

    loads = {
        "load": {"roles": pairs(ALL, "role"), "kinds": pairs(ALL, "kind")},
        "other": {"roles": pairs(RIGHT, "role")},
        "plain": {"encoding": "utf-8"},
    }
    settings = loads | {name: one[2] or {"encoding": "utf-8"} for name, one in NODES.items()}
    frame = {"title": "Sub", "nodes": ["impute", "rename"]}
    lines = [f"  - workflow: {json.dumps({'name': 'Roles', 'frames': [frame]})}\n"]
    lines += [f"  - {name}: {json.dumps(one)}\n" for name, one in settings.items() if name]
    stages = [
        node(name, "load_table", f"file={'data' if name == 'load' else 'other'}.csv",
             f"table={path}")
        for name, path in LOADED.items()
    ]  # fmt: skip
    fit = node("fit", "encode_categories", f"data={LOADED['load']}", f"encoder={FIT}")
    stages.append(fit.replace(" ${fit}", ""))
    for name, (_, _, own, _) in NODES.items():
        text = stage(name, FROM_SUBWORKFLOW.format(name) if name in frame["nodes"] else "")
        stages.append(text if own else text.replace(f" ${{{name}}}", ""))
    return "vars:\n" + "".join(lines) + "stages:\n" + "".join(stages)


@pytest.fixture
def file(write: Callable[..., Path]) -> Path:
    write("data.csv", CSV)
    write("other.csv", OTHER)
    write("components/own.py", CODE)
    return write(PATH, workflow())


def known_choices(workflows: WorkflowManager) -> dict[str, dict[str, dict[str, str]]]:
    """The choices of each node's output, as the form of a node behind it has them."""
    deps = " ".join(f"tables={output(name)}" for name in NODES)
    last = node("last", "concatenate_tables", deps, f"table={OUT}/last.parquet")
    request = NodeColumnsRequest(path=PATH, node="last", text=workflow() + last)
    tables = workflows.columns(request).inputs["tables"]
    return {
        name: {
            column.name: {
                **({"role": column.role} if column.role else {}),
                **({"kind": column.kind} if column.kind and column.reason == "chosen" else {}),
            }
            for column in table.columns
            if column.role or column.reason == "chosen"
        }
        for name, table in zip(NODES, tables, strict=True)
    }


@pytest.mark.exhaustive
def test_choices_are_known_behind_each_node_before_a_run_and_in_it(
    workflows: WorkflowManager, project: Project, file: Path, run: Callable[..., Run], states
) -> None:
    expected = {name: one[3] for name, one in NODES.items()}
    before = known_choices(workflows)
    # What code does with the columns is not known before it runs, nor which features remain.
    assert before == {**expected, "own": ALL, "features": without("code")}
    ended = run(PATH)
    assert set(states(ended).values()) == {"COMPLETED"}, [
        (one.id, one.error) for one in ended.nodes if one.error
    ]
    for name, choices in expected.items():
        assert chosen_columns(values.read("Table", project.root / output(name))) == choices, name
    # The form behind a node has the columns that it wrote.
    after = known_choices(workflows)
    for name in ("encode", "pivot", "features"):
        assert after[name] == expected[name]


@pytest.mark.exhaustive
def test_a_form_has_the_columns_that_the_last_run_wrote(
    workflows: WorkflowManager, project: Project, file: Path
) -> None:
    def columns() -> dict[str, Any]:
        last = node("last", "sort_rows", f"data={output('own')}", f"table={OUT}/last.parquet")
        request = NodeColumnsRequest(path=PATH, node="last", text=workflow() + last)
        (table,) = workflows.columns(request).inputs["data"]
        assert not table.complete
        return {column.name: column for column in table.columns}

    assert list(columns()) == [*ROLES, "code"]
    file_of_run = project.root / output("own")
    file_of_run.parent.mkdir()
    pd.DataFrame({"price": [1.5, 2.5], "double": [3, 5]}).to_parquet(file_of_run)
    names = columns()
    assert (names["double"].type, names["double"].examples) == ("integer", ["3", "5"])
    assert (names["price"].type, names["price"].role) == ("number", "target")


# The form of a node that loads a table


def profile(workflows: WorkflowManager, text: str) -> dict[str, Any]:
    request = NodeColumnsRequest(path=PATH, node="load", text=text)
    return {one.name: one for one in workflows.profile_source(request).columns}


def load(settings: dict[str, Any], component: str = "load_table", port: str = "file=a.csv") -> str:
    table = f"table={OUT}/load.parquet"
    return f"vars:\n  - load: {json.dumps(settings)}\nstages:\n" + node(
        "load", component, port, table
    )


@pytest.mark.exhaustive
def test_a_node_is_profiled_as_it_reads_its_file(
    workflows: WorkflowManager, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"{n};{n},5;{'?' if n == 3 else 'abc'[n % 3]}\n" for n in range(30))
    write("a.csv", "id;x;y\n" + rows)
    reading = {"separator": "", "decimal": "", "missing": ["?"]}
    columns = profile(workflows, load(reading))
    assert [(one.kind, one.reason) for one in columns.values()] == [
        ("identifier", "row_numbers"), ("number", "numbers"), ("category", "few_values"),
    ]  # fmt: skip
    assert (columns["y"].gaps, columns["y"].distinct) == (1, 3)
    # The reader of the old default, a comma.
    assert list(profile(workflows, load({"limit": 5}))) == ["id;x;y"]
    reads = []
    monkeypatch.setattr(
        "jupyter_mlws.components.table_profile.read_in_process", lambda *words: reads.append(words)
    )
    # A choice is no other way of reading: the guess stays, and nothing is read again.
    chosen = {**reading, "kinds": ["id=number", "gone=text"], "roles": ["y=target"]}
    assert profile(workflows, load(chosen)) == columns
    assert reads == []


@pytest.mark.exhaustive
async def test_what_cannot_be_profiled_is_an_answer(fetch, write: Callable[..., Path]) -> None:
    async def ask(text: str) -> tuple[int, str]:
        body = json.dumps({"path": PATH, "node": "load", "text": text})
        answer = await fetch(
            "mlws/api/v1/workflows/source", method="POST", body=body, raise_error=False
        )
        return answer.code, json.loads(answer.body).get("message", "")

    write("empty.csv", "")
    write("a.csv", "x,y\n1,2\n")
    assert (await ask(load({"limit": 1})))[0] == 200
    assert await ask(load({"limit": 1}, port="file=no.csv")) == (
        404, "The file 'no.csv' was not found.",
    )  # fmt: skip
    assert (await ask(load({"limit": 1}, port="")))[0] == 404
    code, message = await ask(load({"limit": 1}, port="file=empty.csv"))
    assert code == 422
    assert "No columns to parse" in message
    assert (await ask(load({"query": "SELECT 1", "url": "postgresql://x/y"}, "load_sql", "")))[
        0
    ] == 404


@pytest.mark.exhaustive
def test_a_query_has_kinds_and_roles_too(
    workflows: WorkflowManager,
    project: Project,
    write: Callable[..., Path],
    run: Callable[..., Run],
    states,
) -> None:
    with closing(sqlite3.connect(project.root / "a.db")) as database:
        database.execute("CREATE TABLE wine (id INTEGER, grape TEXT, price REAL)")
        database.executemany(
            "INSERT INTO wine VALUES (?, ?, ?)", [(n, "ab"[n % 2], n / 4) for n in range(40)]
        )
        database.commit()
    settings = {
        "query": "SELECT * FROM wine",
        "roles": ["price=target", "id=ignored"],
        "kinds": ["grape=text"],
    }
    text = load(settings, "load_sql", "database=a.db")
    assert [one.kind for one in profile(workflows, text).values()] == [
        "identifier", "category", "number",
    ]  # fmt: skip
    request = NodeColumnsRequest(path=PATH, node="load", text=text)
    (table,) = workflows.columns(request).inputs["table"]
    assert [one.role for one in table.columns] == ["ignored", None, "target"]
    write(PATH, text)
    assert workflows.validate(PATH) == []
    assert set(states(run(PATH)).values()) == {"COMPLETED"}
    assert chosen_columns(values.read("Table", project.root / OUT / "load.parquet")) == {
        "id": {"role": "ignored"}, "price": {"role": "target"}, "grape": {"kind": "text"},
    }  # fmt: skip
    assert workflows.preview_query(request).columns[0].name == "id"


@pytest.mark.exhaustive
def test_a_column_with_an_equals_sign_can_have_a_role(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write("a.csv", "a=b,c\n1,2\n")
    assert workflows.validate(PATH, load({"roles": ["a=b=target"]})) == []
    (problem,) = workflows.validate(PATH, load({"roles": ["a=target"]}))
    assert problem.field == "roles"


def test_a_text_file_with_any_extension_has_known_columns(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write("wine.data", "x,y\n1,2\n3,4\n")
    text = load({"roles": ["y=target"]}, port="file=wine.data")
    request = NodeColumnsRequest(path=PATH, node="load", text=text)
    (table,) = workflows.columns(request).inputs["table"]
    assert [(one.name, one.role) for one in table.columns] == [("x", None), ("y", "target")]
    assert list(profile(workflows, text)) == ["x", "y"]
