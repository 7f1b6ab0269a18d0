"""Requests that no client of ours sends are refused with a documented error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from mlws.core.project import Project

LONG = "x" * 300
FULL = "x" * 255
"""With an ending, it is too long."""
DEEP = "/".join(["x" * 200] * 30)
"""Each name is short enough; the path as a whole is not."""


@pytest.fixture
def write(project: Project) -> Callable[..., int]:
    return lambda path, text: (project.root / path).write_text(text)


@pytest.fixture
def ask(fetch: Callable[..., Any]) -> Callable[..., Any]:
    """Send a request; the status, and the code of an error or the data."""

    async def send(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        options = {} if body is None else {"body": json.dumps(body)}
        answer = await fetch(
            "mlws/api/v1",
            path.partition("?")[0],
            params=dict(parse_qsl(path.partition("?")[2])),
            method=method,
            raise_error=False,
            allow_nonstandard_methods=True,
            **options,
        )
        reply = json.loads(answer.body)
        return answer.code, reply["data"] if answer.code < 400 else reply["code"]

    return send


async def test_names_that_no_file_can_have_are_refused(
    ask: Callable[..., Any], project: Project
) -> None:
    (project.root / FULL).write_text("x")
    assert await ask("POST", "datasets", {"path": FULL}) == (400, "50201")
    assert await ask("POST", "notebooks", {"path": f"{FULL[6:]}.ipynb"}) == (400, "50201")
    for path in (LONG, DEEP, f"data/{LONG}", "a\0b"):
        for where, body in (
            ("datasets", {"path": path}),
            ("notebooks", {"path": f"{path}.ipynb"}),
            ("projects", {"name": path}),
            ("workflows", {"path": f"{path}/dvc.yaml", "name": "x", "nodes": [], "edges": []}),
            ("git/stage", {"paths": [path]}),
            ("git/rollback", {"mode": "restore", "ref": "HEAD", "paths": [path]}),
            ("workflows/import", {"path": f"{path}.ipynb"}),
            ("workflows/validate", {"path": f"{path}/dvc.yaml"}),
            ("datasets/remotes", {"name": "x", "url": path}),
        ):
            status, code = await ask("POST", where, body)
            assert 400 <= status < 500, (where, path[:9], status, code)


async def test_a_long_label_of_a_pipeline_is_shortened(
    ask: Callable[..., Any], write: Callable[..., Path]
) -> None:
    write("a.ipynb", json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    for label in ("L" * 201, "数" * 5000):
        nodes = [
            {
                "id": identifier,
                "type": "execution_node",
                "op": "execute-notebook-node",
                "app_data": {
                    "component_parameters": {"filename": "a.ipynb", "outputs": []},
                    "ui_data": {"label": label},
                },
            }
            for identifier in ("one", "two")
        ]
        flow = {"id": "p", "nodes": nodes, "app_data": {"version": 8, "name": label}}
        pipeline = {"version": "3.0", "primary_pipeline": "p", "pipelines": [flow], "schemas": []}
        write("a.pipeline", json.dumps(pipeline))
        status, reply = await ask("POST", "workflows/import", {"file": "a.pipeline"})
        assert status == 201
        ids = [node["id"] for node in reply["workflow"]["nodes"]]
        assert len(set(ids)) == 2
        assert all(label.startswith(identifier.removesuffix("-2")) for identifier in ids)
        assert label.startswith(reply["workflow"]["name"])
        assert any(label in str(note) for note in reply["notes"])


async def test_a_project_cannot_take_the_place_of_a_file(
    ask: Callable[..., Any], server: Any, tmp_path: Path
) -> None:
    (server.root / "file").write_text("x")
    assert await ask("POST", "projects", {"name": "file"}) == (409, "50203")
    status, _ = await ask("POST", "projects", {"name": "file/below"})
    assert status in (400, 409)
    status, _ = await ask("POST", "projects/clone", {"url": "https://localhost/x", "name": "file"})
    assert status in (400, 409)
    assert (server.root / "file").read_text() == "x"


async def test_a_damaged_project_is_an_error_of_the_catalogue(
    ask: Callable[..., Any], project: Project, git: Callable[..., str], tmp_path: Path
) -> None:
    root = project.root
    tree = git(root, "rev-parse", "HEAD^{tree}").strip()
    tree_file = root / ".git/objects" / tree[:2] / tree[2:]
    tree_file.rename(root / "tree")
    for path in ("snapshots/HEAD", "git/status", "git/history", "datasets", "lineage?of=HEAD"):
        status, code = await ask("GET", path)
        assert status < 500 or code == "30106", (path, status, code)
    (root / "tree").rename(tree_file)
    shutil.move(root / ".dvc", root / "elsewhere")
    for target in ("elsewhere", "nowhere", ".dvc", "/dev/null", str(tmp_path)):
        (root / ".dvc").unlink(missing_ok=True)
        (root / ".dvc").symlink_to(target)
        for path in ("datasets/storage", "datasets", "workflows", "datasets/remotes", "projects"):
            status, code = await ask("GET", path)
            assert status < 500, (target, path, status, code)


async def test_a_query_that_is_no_text_is_described(server: Any) -> None:
    for path in ("workflows", "components", "projects", "git/history"):
        for name in ("project", "q"):
            answer = await server.fetch(
                "mlws/api/v1", path, params={name: b"\xff"}, raise_error=False
            )
            assert (answer.code, json.loads(answer.body)["code"]) == (400, "50201")


async def test_a_body_that_the_contract_does_not_have_is_documented(server: Any) -> None:
    for kind, body in (
        ("application/json", "{}"),
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=a", "--a\r\nx"),
    ):
        answer = await server.fetch(
            "mlws/api/v1/openapi.json",
            headers={"Content-Type": kind},
            body=body,
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        contract = await server.fetch("mlws/api/v1/openapi.json")
        operation = json.loads(contract.body)["paths"]["/openapi.json"]["get"]
        assert str(answer.code) in operation["responses"]
