"""The columns of tables are known while a workflow is edited, and wrong ones are problems."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import NodeColumnsRequest
from mlws.core.i18n import CHINESE

PATH = "workflows/a/dvc.yaml"
OUT = "workflows/a/out"
CSV = "city,rooms,price,churn\nBonn,3,2.5,0\nUlm,2,,1\nKiel,4,1.5,0\n"


def node(name: str, kind: str, deps: str, out: str, settings: str = "{}") -> str:
    """A stage, and its settings: ``deps`` and ``out`` are ``port=path``."""
    pairs = [pair.partition("=")[::2] for pair in deps.split()]
    port, _, path = out.partition("=")
    inputs = " ".join(f"--{name} {file}" for name, file in pairs)
    return (
        f"  {name}:\n    wdir: ../..\n"
        f"    cmd: jupyter mlws node {kind} {inputs} --{port} {path} ${{{name}}}\n"
        f"    deps: [{', '.join(file for _, file in pairs)}]\n    outs: [{path}]\n"
    )


def workflow(columns: str = "[city, price]", target: str = "churn") -> str:
    return (
        "vars:\n"
        "  - load: {encoding: utf-8}\n"
        f"  - drop: {{drop: {columns}}}\n"
        "  - train: {target: " + target + "}\n"
        "stages:\n"
        + node("load", "load_table", "file=data.csv", f"table={OUT}/load.table.parquet")
        + node(
            "drop", "select_columns", f"data={OUT}/load.table.parquet",
            f"table={OUT}/drop.table.parquet",
        )
        + node(
            "train", "train_classifier", f"data={OUT}/drop.table.parquet",
            f"model={OUT}/train.model.skops",
        )
    )  # fmt: skip


@pytest.fixture
def file(write: Callable[..., Path]) -> Path:
    write("data.csv", CSV)
    return write(PATH, workflow())


def columns_of(
    workflows: WorkflowManager, name: str, text: str | None = None
) -> dict[str, str | None]:
    request = NodeColumnsRequest(path=PATH, node=name, text=text)
    (table,) = workflows.columns(request).inputs["data"]
    assert table.complete
    return {column.name: column.type for column in table.columns}


def test_columns_reach_a_node_before_anything_has_run(
    workflows: WorkflowManager, file: Path
) -> None:
    assert columns_of(workflows, "drop") == {
        "city": "text", "rooms": "integer", "price": "number", "churn": "integer",
    }  # fmt: skip
    assert columns_of(workflows, "train") == {"rooms": "integer", "churn": "integer"}
    assert list(columns_of(workflows, "train", workflow("[churn]"))) == ["city", "rooms", "price"]
    assert not (file.parent / "out").exists()


def test_a_column_that_does_not_exist_is_a_problem_with_the_nearest_name(
    workflows: WorkflowManager, file: Path
) -> None:
    (problem,) = workflows.validate(PATH, workflow("[city, pric]"))
    assert (problem.node, problem.field, problem.code) == ("drop", "drop", "40201")
    assert problem.message.en == "The table at the input data has no column 'pric'."
    assert problem.fix is not None
    assert problem.fix.en == "Did you mean 'price'?"
    assert "没有" in problem.message.in_(CHINESE)
    problem, texts = workflows.validate(PATH, workflow("[churn]"))
    assert (problem.node, problem.field) == ("train", "target")
    assert (texts.node, texts.field) == ("train", "preparation")
    assert problem.fix is not None
    assert problem.fix.en == "Choose one of these: city, rooms, price."


def test_a_file_that_lost_a_column_shows_which_settings_broke(
    workflows: WorkflowManager, file: Path, write: Callable[..., Path]
) -> None:
    assert workflows.validate(PATH) == []
    write("data.csv", "town,rooms,price,left\nBonn,3,2.5,0\n")
    problems = workflows.validate(PATH)
    assert [(one.node, one.field) for one in problems] == [
        ("drop", "drop"),
        ("train", "target"),
        ("train", "preparation"),
    ]


@pytest.mark.parametrize(
    "settings", ["[city, price", "5", "{a: 1}", "null", "[1, {a: b}]", "'{city}'"]
)
def test_invalid_settings_leave_columns_unknown(
    workflows: WorkflowManager, file: Path, settings: str
) -> None:
    text = workflow(settings)
    problems = workflows.validate(PATH, text)
    assert settings == "null" or problems
    assert not [one for one in problems if one.code not in ("40201", "40205")]


def test_a_component_without_a_rule_makes_columns_unknown_not_wrong(
    workflows: WorkflowManager, file: Path
) -> None:
    text = workflow(target="anything").replace(
        "jupyter mlws node select_columns", "python select.py"
    )
    request = NodeColumnsRequest(path=PATH, node="train", text=text)
    (table,) = workflows.columns(request).inputs["data"]
    assert (table.columns, table.complete) == ([], False)
    assert workflows.validate(PATH, text) == []


TABLE = f"table={OUT}/next.table.parquet"
OUTPUTS = {"save_table": f"file={OUT}/next.file.csv"}


def expression_workflow(component: str, settings: str) -> str:
    path = f"{OUT}/load.table.parquet"
    return (
        f"vars:\n  - load: {{encoding: utf-8}}\n  - next: {settings}\nstages:\n"
        + node("load", "load_table", "file=data.csv", f"table={path}")
        + node("next", component, f"data={path}", OUTPUTS.get(component, TABLE))
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("component", "settings", "message", "fix"),
    [
        ("formula", "{column: x, expression: pric * 2}",
         "The table at the input data has no column 'pric'.", "Did you mean 'price'?"),
        ("formula", "{column: x, expression: price +}",
         "The expression is invalid: 'price +' is not an expression: invalid syntax",
         "Names with spaces are written in backticks."),
        ("formula", "{column: x, expression: rond(price)}",
         "'rond' is not a function of expressions.", "Did you mean 'round'?"),
        ("formula", "{column: x, expression: city - price}",
         "- cannot combine text and number.", "Convert the types of the columns first."),
        ("filter_rows", "{by: expression, expression: price * 2}",
         "The expression is of the type number, not true or false for each row.",
         "Compare it with a value, such as price > 100."),
        ("filter_rows", "{by: expression}", "The expression is empty.",
         "Choose a column, and compare or combine it with others."),
        ("check_table", "{conditions: [price > 0, rooms < 'x']}",
         "< cannot combine integer and text.", "Convert the types of the columns first."),
        ("rename_columns", "{names: [citty=town]}",
         "The table at the input data has no column 'citty'.", "Did you mean 'city'?"),
    ],
)  # fmt: skip
def test_an_expression_is_checked_while_it_is_edited(
    workflows: WorkflowManager, file: Path, component: str, settings: str, message: str, fix: str
) -> None:
    (problem,) = workflows.validate(PATH, expression_workflow(component, settings))
    assert (problem.node, problem.message.en) == ("next", message)
    assert problem.fix is not None
    assert problem.fix.en == fix
    assert problem.message.in_(CHINESE) != message


def test_a_computed_column_has_a_type(workflows: WorkflowManager, file: Path) -> None:
    text = expression_workflow("formula", "{column: x, expression: upper(city)}")
    text += node("last", "sort_rows", f"data={OUT}/next.table.parquet", f"table={OUT}/l.parquet")
    assert columns_of(workflows, "last", text)["x"] == "text"


async def test_checks_are_learned_from_a_table(fetch, file: Path) -> None:
    text = expression_workflow("check_table", "{}")
    body = json.dumps({"path": PATH, "node": "next", "text": text})
    answer = await fetch("mlws/api/v1/workflows/checks", method="POST", body=body)
    assert json.loads(answer.body)["data"] == {
        "columns": ["city", "rooms", "price", "churn"],
        "types": ["city=text", "rooms=integer", "price=number", "churn=integer"],
        "ranges": ["rooms=1..5", "price=1.4..2.6", "churn=0..2"],
        "complete": ["city", "rooms", "churn"],
        "unique": [],
        "minimum_rows": 1,
    }
    # What another node wrote is of use if it has the columns of now.
    text += node("last", "check_table", f"data={OUT}/next.table.parquet", f"table={OUT}/l.parquet")
    (file.parent / "out").mkdir()
    (file.parent / "out/next.table.parquet").write_bytes(b"")
    body = json.dumps({"path": PATH, "node": "last", "text": text})
    answer = await fetch(
        "mlws/api/v1/workflows/checks", method="POST", body=body, raise_error=False
    )
    assert (answer.code, json.loads(answer.body)["code"]) == (422, "40206")
    pd.DataFrame({"other": [1]}).to_parquet(file.parent / "out/next.table.parquet")
    answer = await fetch(
        "mlws/api/v1/workflows/checks", method="POST", body=body, raise_error=False
    )
    assert "it is outdated" in json.loads(answer.body)["message"]
    body = json.dumps({"path": PATH, "node": "next", "text": text.replace("data.csv", "no.csv")})
    answer = await fetch(
        "mlws/api/v1/workflows/checks", method="POST", body=body, raise_error=False
    )
    assert (answer.code, json.loads(answer.body)["code"]) == (404, "40401")


async def test_the_endpoint_takes_a_text_that_is_not_saved(fetch, file: Path) -> None:
    body = json.dumps({"path": PATH, "node": "train", "text": workflow("[rooms]")})
    answer = await fetch("mlws/api/v1/workflows/columns", method="POST", body=body)
    (table,) = json.loads(answer.body)["data"]["inputs"]["data"]
    assert table["complete"]
    assert table["columns"][0] == {
        "name": "city", "type": "text", "examples": ["Bonn", "Ulm", "Kiel"],
        "kind": "category", "role": None, "has_gaps": False, "is_whole": None,
        "reason": "few_values",
    }  # fmt: skip
    body = json.dumps({"path": PATH, "node": "none"})
    answer = await fetch(
        "mlws/api/v1/workflows/columns", method="POST", body=body, raise_error=False
    )
    assert (answer.code, json.loads(answer.body)["code"]) == (404, "40401")


def test_a_model_of_the_wrong_kind_is_a_problem(workflows: WorkflowManager, file: Path) -> None:
    text = workflow("[city, price]") + node(
        "check", "plot_residuals", f"model={OUT}/train.model.skops test=data.csv",
        f"figure={OUT}/check.png", "",
    ).replace(" ${check}", "")  # fmt: skip
    (problem,) = [one for one in workflows.validate(PATH, text) if one.code == "40202"]
    assert problem.message.en == (
        "train outputs Model (classifier), but the input model of check requires Model (regressor)."
    )


@pytest.mark.parametrize(
    ("columns", "target", "judged", "message"),
    [
        ("[city]", "churn", "data", ""),
        ("[city]", "churn", "load", ""),
        ("[city]", "rooms", "load", "A model predicts 'rooms', not 'churn'."),
        ("[city]", "churn", "fewer", "Models were trained on price."),
    ],
)
def test_a_model_is_judged_by_its_target_and_columns(
    workflows: WorkflowManager,
    write: Callable[..., Path],
    columns: str,
    target: str,
    judged: str,
    message: str,
) -> None:
    write("data.csv", CSV)
    table = {"data": "data.csv", "load": f"{OUT}/load.table.parquet"}.get(judged, "fewer.csv")
    write("fewer.csv", "city,rooms,churn\nBonn,3,0\n")
    text = workflow(columns, target).replace("stages:", "  - check: {target: churn}\nstages:")
    text += node(
        "check", "compare_classifiers", f"models={OUT}/train.model.skops test={table}",
        f"table={OUT}/check.parquet",
    )  # fmt: skip
    problems = [one for one in workflows.validate(PATH, text) if one.node == "check"]
    assert [one.message.en for one in problems] == ([message] if message else [])


async def test_a_table_file_is_described(fetch, write: Callable[..., Path]) -> None:
    write("data/a.csv", "x;y\n1;a\n2;b\n")
    body = json.dumps({"path": "data/a.csv"})
    answer = await fetch("mlws/api/v1/workflows/table", method="POST", body=body)
    description = json.loads(answer.body)["data"]
    assert description["reading"]["separator"] == ";"
    assert description["target"] == "y"
    for path, code in (("data/none.csv", 404), ("../a.csv", 403), ("data", 404)):
        body = json.dumps({"path": path})
        answer = await fetch(
            "mlws/api/v1/workflows/table", method="POST", body=body, raise_error=False
        )
        assert answer.code == code, answer.body


@pytest.mark.exhaustive
def test_a_role_of_a_column_that_the_file_lacks_is_a_problem(
    workflows: WorkflowManager, file: Path
) -> None:
    roles = "{encoding: utf-8, roles: ['churn=target', 'nothing=ignored']}"
    text = workflow("[city, price]", "null").replace("{encoding: utf-8}", roles)
    (problem,) = workflows.validate(PATH, text)
    assert (problem.node, problem.field) == ("load", "roles")
    request = NodeColumnsRequest(path=PATH, text=text, node="load")
    (table,) = workflows.columns(request).inputs["table"]
    assert [one.role for one in table.columns] == [None, None, None, "target"]


SPLIT = (
    "vars:\n  - load: {encoding: utf-8}\n  - split: {test_size: 0.25}\nstages:\n"
    + node("load", "load_table", "file=data.csv", f"table={OUT}/load.table.parquet")
    + node("split", "split", f"data={OUT}/load.table.parquet", f"train={OUT}/split.train.parquet")
)


@pytest.mark.exhaustive
def test_dates_and_a_random_split_are_a_warning_with_a_repair(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    rows = [f"2024-01-{day:02},{day % 7}" for day in range(1, 32)]
    write("data.csv", "\n".join(["day,sales", *rows]))
    (problem,) = workflows.validate(PATH, SPLIT)
    assert (problem.node, problem.field, problem.severity) == ("split", "time", "warning")
    assert problem.message.en == "The rows have dates (day), and are split at random."
    (repair,) = problem.repairs
    assert (repair.settings, repair.component) == ({"time": "day"}, None)
    for old, new in (
        ("0.25}", "0.25, time: day}"),
        ("utf-8}", "utf-8, roles: ['day=time']}"),
        ("utf-8}", "utf-8, roles: ['day=feature']}"),
        ("0.25}", "0.25, shuffle: false}"),
    ):
        assert workflows.validate(PATH, SPLIT.replace(old, new)) == []


def test_columns_that_do_not_fit_have_repairs(workflows: WorkflowManager, file: Path) -> None:
    text = workflow("[price]")
    (problem,) = workflows.validate(PATH, text)
    assert (problem.node, problem.field, problem.severity) == ("train", "preparation", "error")
    assert problem.message.en == "No numbers: city."
    automatic, encode, ignore = problem.repairs
    assert (encode.component, encode.settings, encode.before_split) == (
        "encode_categories",
        {"columns": ["city"]},
        True,
    )
    assert (automatic.settings, automatic.component) == ({"preparation": "automatic"}, None)
    assert (ignore.component, ignore.settings, ignore.port) == (
        "select_columns",
        {"drop": ["city"]},
        "data",
    )
    prepared = text.replace("{target: churn}", "{target: churn, preparation: automatic}")
    assert workflows.validate(PATH, prepared) == []
