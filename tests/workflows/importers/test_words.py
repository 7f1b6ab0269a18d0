"""Imports as people and programs ask for them: over HTTP, in a terminal, in a notebook."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlws.core.project import Project
from tests.cli.test_magics import Notebook, shown
from tests.cli.test_main import Command
from tests.workflows.importers.pipelines import node, pipeline
from tests.workflows.notebooks import notebook as notebook_text
from tests.workflows.test_definition_rest import call as call

URL = "mlws/api/v1/workflows/import"
PIPELINE = pipeline(
    node("n1", "make.py", outputs=["a.csv"], runtime_image="image:1"), node("n2", "use.py", "n1")
)


@pytest.fixture
def mlws(project: Project) -> Command:
    return Command(project.root)


@pytest.fixture
def files(project: Project) -> None:
    (project.root / "a.pipeline").write_text(json.dumps(PIPELINE))
    for name in ("make.py", "use.py"):
        (project.root / name).write_text("")
    (project.root / "b.ipynb").write_text(notebook_text("x = [1]", "y = x + x"))


async def test_over_http_it_is_shown_first_and_then_made(
    files: None, call: Callable[..., Any], project: Project
) -> None:
    asked = {"file": "a.pipeline", "dry_run": True}
    status, headers, body = await call("POST", URL, asked, Accept_Language="zh-CN")
    assert (status, body["data"]["written"]) == (200, False)
    assert "Location" not in headers
    assert "未导入 runtime_image" in body["data"]["notes"][0]["reason"]
    assert not (project.root / "workflows").exists()
    text = body["data"]["text"]

    key = {"Idempotency-Key": "1"}
    asked = {"file": "a.pipeline"}
    status, headers, body = await call("POST", URL, asked, **key)
    assert (status, body["data"]["written"]) == (201, True)
    identifier = body["data"]["workflow"]["id"]
    assert headers["Location"].endswith(f"/workflows/{identifier}")
    assert (project.root / body["data"]["workflow"]["path"]).read_text() == text
    status, _, again = await call("POST", URL, asked, **key)
    assert (status, again["data"]["workflow"]["id"]) == (201, identifier)
    status, _, got = await call("GET", f"mlws/api/v1/workflows/{identifier}")
    assert got["data"] == body["data"]["workflow"]


async def test_content_without_a_file_is_enough(call: Callable[..., Any]) -> None:
    for content in (PIPELINE, json.dumps(PIPELINE)):
        status, _, body = await call("POST", URL, {"content": content, "dry_run": True})
        assert (status, body["data"]["format"]) == (200, "elyra")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "50201", "file"),
        ({"file": "a.pipeline", "formt": "x"}, 400, "50201", "formt"),
        ({"file": "none.pipeline"}, 404, "40401", None),
        ({"file": "../a.pipeline"}, 403, "50302", None),
        ({"content": {"pipelines": [{"id": 3}]}}, 400, "40211", "pipelines.0.id"),
        ({"content": "{\n,"}, 400, "40211", ""),
    ],
)
async def test_bad_requests_name_what_is_wrong(
    call: Callable[..., Any], body: Any, status: int, code: str, field: str | None
) -> None:
    found, _, answer = await call("POST", URL, body)
    assert (found, answer["code"]) == (status, code)
    assert [row["field"] for row in answer["errors"]] == ([] if field is None else [field])


async def test_the_contract_tells_of_both_answers(call: Callable[..., Any]) -> None:
    _, _, contract = await call("GET", "mlws/api/v1/openapi.json")
    operation = contract["paths"]["/workflows/import"]["post"]
    assert {"200", "201", "400", "404"} <= operation["responses"].keys()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="runs the notebook, its nodes and DVC")
def test_in_a_terminal(files: None, mlws: Command, project: Project, tmp_path: Path) -> None:
    said = mlws("import", "a.pipeline", "--dry-run").stdout
    assert "runtime_image was not imported" in said
    assert "Would create workflows/flow/dvc.yaml:" in said
    assert "cmd: python make.py" in said
    assert not (project.root / "workflows").exists()
    chinese = mlws("import", "b.ipynb", "--name", "拆分", language="zh_CN.UTF-8").stdout
    assert "已创建 workflows/拆分/dvc.yaml" in chinese
    made = mlws.json("import", "b.ipynb", "--to", "flows/b")
    assert made["workflow"]["path"] == "flows/b/dvc.yaml"
    assert (project.root / "flows/b/nodes/x.ipynb").exists()
    mlws("run", "flows/b")
    # What is not of the project is taken by its content.
    elsewhere = tmp_path / "spec.json"
    one = {"id": "a", "type": "shell", "config": {"cmd": "echo 1"}}
    elsewhere.write_text(json.dumps({"nodes": [one], "edges": []}))
    assert "Created workflows/spec/dvc.yaml" in mlws("import", str(elsewhere)).stdout
    (project.root / "bad.json").write_text("{\n  nodes")
    assert "40211" in mlws("import", "bad.json", code=1).stderr
    assert "line 2" in mlws("import", "bad.json", code=1).stderr
    assert "40401" in mlws("import", "none.json", code=1).stderr


@pytest.fixture
def kernel(project: Project, tmp_path: Path) -> Iterator[Notebook]:
    opened = Notebook(project.root, tmp_path / "kernel.json", "C.UTF-8")
    opened.good("%load_ext jupyter_mlws")
    try:
        yield opened
    finally:
        opened.close()


def test_in_a_notebook(files: None, kernel: Notebook, project: Project) -> None:
    text = shown(kernel.good("%mlws import b.ipynb --dry-run"), "text/plain")
    assert "Would create workflows/b/dvc.yaml" in text
    kernel.good("%mlws import b.ipynb")
    assert (project.root / "workflows/b/nodes/y.ipynb").exists()
