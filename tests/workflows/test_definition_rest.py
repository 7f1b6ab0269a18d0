"""Definitions over HTTP: created, told with a version, changed, removed; both languages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.workflows.manager import WorkflowManager
from mlws.core.project import Project
from tests.workflows.test_create import OUT, SPECIFIED, TEXT

BASE = "mlws/api/v1/workflows"


@pytest.fixture
def call(fetch, project: Project) -> Callable[..., Any]:
    """Ask the server: (status, headers, body of the answer), whether it worked or not."""

    async def ask(
        method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, Any]]:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        text = None if body is None else json.dumps(body)
        try:
            answer = await fetch(path, method=method, body=text, headers=names)
        except HTTPClientError as error:
            if error.response is None:
                raise
            answer = error.response
        return answer.code, answer.headers, json.loads(answer.body or b"{}")

    return ask


@pytest.fixture
def made(call) -> Callable[[], Any]:
    """A workflow of one command; where it is, and its version."""

    async def make() -> tuple[str, str, dict[str, Any]]:
        node = {"id": "a", "type": "shell", "config": {"cmd": "echo 1 > a"}, "outs": ["a"]}
        status, headers, body = await call("POST", BASE, {"name": "流程", "nodes": [node]})
        assert status == 201
        return f"{BASE}/{body['data']['id']}", headers["ETag"], body["data"]

    return make


async def test_the_specified_request_makes_a_workflow(call, project: Project) -> None:
    status, headers, body = await call("POST", BASE, SPECIFIED, Accept_Language="zh-CN")
    assert (status, body["code"], body["message"]) == (201, 201, "操作成功")
    identifier = "workflows~1训练流程~1dvc.yaml"
    assert headers["Location"].endswith(f"/{BASE}/{quote(identifier, safe='~')}")
    assert body["data"]["id"] == identifier
    assert (project.root / body["data"]["path"]).read_text() == TEXT
    where = f"{BASE}/{identifier}"
    status, _, got = await call("GET", where)
    assert (status, got["data"]["nodes"]) == (200, body["data"]["nodes"])
    assert got["data"]["edges"] == [
        {
            "source": "data_prep",
            "target": "train",
            "path": "data/processed",
            "source_port": "output_path",
            "target_port": "data",
        }
    ]
    (row,) = (await call("GET", BASE))[2]["data"]["items"]
    assert (row["name"], row["node_count"]) == ("训练流程", 2)
    status, _, refused = await call("POST", f"{where}/execute", {}, Accept_Language="zh-CN")
    assert (status, refused["code"]) == (400, "40201")
    assert "pip install 'jupyter-mlws[torch]'" in json.dumps(refused, ensure_ascii=False)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Epochs must be an integer."),
     ("zh-CN", "训练轮数应为整数。")],
)  # fmt: skip
async def test_every_fault_is_named_in_the_readers_language(
    call, project: Project, language: str, words: str
) -> None:
    body = json.loads(json.dumps(SPECIFIED))
    body["nodes"][1]["config"]["epochs"] = "many"
    body["nodes"].append({"id": "train", "type": "no_such"})
    body["edges"].append({"source": "train", "target": "nowhere"})
    status, _, said = await call("POST", BASE, body, Accept_Language=language)
    assert (status, said["code"]) == (400, "40201")
    assert [row["field"] for row in said["errors"]] == [
        "nodes.1.config.epochs",
        "nodes.2.type",
        "nodes.2.id",
        "edges.1.target",
    ]
    assert said["errors"][0]["message"] == words
    assert not (project.root / "workflows").exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["name"]),
        ({"name": "x", "nodes": [{"id": "a"}, {"type": "b", "at": [1]}]},
         ["nodes.0.type", "nodes.1.id", "nodes.1.at.1"]),
        ({"name": "x", "nodes": [{"id": "a", "type": "b", "confg": {}}]}, ["nodes.0.confg"]),
        ({"name": "x", "edges": [{"source": "a"}], "nodes": {}}, ["nodes", "edges.0.target"]),
        ({"name": "x" * 300}, ["name"]),
        ({"name": "x", "path": ""}, ["path"]),
    ],
)  # fmt: skip
async def test_a_body_of_another_shape_is_refused(call, body: Any, fields: list[str]) -> None:
    status, _, said = await call("POST", BASE, body, Accept_Language="zh")
    assert (status, said["code"]) == (400, "50201")
    assert [row["field"] for row in said["errors"]] == fields
    assert not any("无效" in row["message"] for row in said["errors"])


async def test_a_version_goes_with_every_answer(call, made) -> None:
    where, version, told = await made()
    assert version == f'"{told["etag"]}"'
    _, headers, _ = await call("GET", where)
    assert headers["ETag"].startswith(f'"{told["etag"]}.')
    status, _, _ = await call("GET", where, If_None_Match=headers["ETag"])
    assert status == 304
    status, _, _ = await call("GET", where, If_None_Match=version)
    assert status == 200
    change = {**told, "name": "Neu"}
    status, after, body = await call("PUT", where, change, If_Match=headers["ETag"])
    assert (status, body["data"]["name"]) == (200, "Neu")
    assert after["ETag"] == f'"{body["data"]["etag"]}"' != version
    status, _, said = await call("PUT", where, change, If_Match=version)
    assert (status, said["code"]) == (412, "40402")
    assert said["details"]["etag"] == body["data"]["etag"]
    for seen in (f"W/{after['ETag']}", f'"old", {after["ETag"]}', body["data"]["etag"], "*"):
        status, _, _ = await call("PUT", where, {"nodes": change["nodes"]}, If_Match=seen)
        assert status == 200, seen


async def test_a_change_must_name_its_version(call, made, project: Project) -> None:
    where, _, told = await made()
    text = (project.root / told["path"]).read_text()
    for language, words in (("en", "must be the ETag"), ("zh", "ETag")):
        status, _, said = await call("PUT", where, {"nodes": []}, Accept_Language=language)
        assert (status, said["code"]) == (400, "50201")
        assert said["errors"][0]["field"] == "If-Match"
        assert words in said["errors"][0]["message"]
    assert (project.root / told["path"]).read_text() == text


async def test_two_changes_at_once(call, made) -> None:
    where, version, told = await made()
    answers = await asyncio.gather(
        *(call("PUT", where, {**told, "name": f"n{n}"}, If_Match=version) for n in range(4))
    )
    assert sorted(status for status, _, _ in answers) == [200, 412, 412, 412]


async def test_text_and_what_is_wrong_with_it(call, made, project: Project) -> None:
    where, _, told = await made()
    text = "# mine\nstages:\n  a:\n    cmd: echo 2 > a\n    outs: [a]\n"
    status, _, body = await call("PUT", where, {"text": text}, If_Match="*")
    assert (status, body["data"]["nodes"][0]["config"]) == (200, {"cmd": "echo 2 > a"})
    status, _, said = await call("PUT", where, {"text": "stages: ["}, If_Match="*")
    assert (status, said["code"]) == (400, "40205")
    status, _, said = await call(
        "PUT", where, {"text": text.replace("echo 2 > a", "jupyter mlws node nope")}, If_Match="*"
    )
    assert (status, said["code"], said["errors"][0]["field"]) == (400, "40201", "a.cmd")
    assert (project.root / told["path"]).read_text() == text


async def test_removed_it_is_gone_and_said_where(call, made, project: Project) -> None:
    where, _, told = await made()
    status, _, body = await call("DELETE", where)
    assert (status, body["data"]["removed"]) == (200, [told["path"]])
    assert body["data"]["results"] == []
    assert (project.state.parent / body["data"]["kept_in"] / "dvc.yaml").is_file()
    for method, sent in (("GET", None), ("DELETE", None), ("PUT", {"nodes": []})):
        status, _, said = await call(method, where, sent, If_Match="*")
        assert (status, said["code"]) == (404, "40401")


async def test_what_runs_is_not_removed(call, workflows: WorkflowManager, project: Project) -> None:
    node = {"id": "a", "type": "shell", "config": {"cmd": "sleep 30"}}
    _, _, body = await call("POST", BASE, {"name": "slow", "nodes": [node]})
    where = f"{BASE}/{body['data']['id']}"
    status, _, run = await call("POST", f"{where}/execute", {})
    assert status == 202
    status, _, said = await call("DELETE", where, Accept_Language="zh")
    assert (status, said["code"]) == (409, "40207")
    assert said["message"] == f"工作流 'workflows/slow/dvc.yaml' 正在运行（{run['data']['id']}）。"
    await call("POST", f"{where}/runs/latest/cancel", {})


async def test_a_request_that_is_sent_again_is_done_once(
    call, workflows: WorkflowManager, project: Project
) -> None:
    body = {"name": "once", "nodes": [{"id": "a", "type": "shell", "config": {"cmd": "echo 1"}}]}
    first, *others = await asyncio.gather(
        *(call("POST", BASE, body, Idempotency_Key="k-1") for _ in range(3))
    )
    assert first[0] == 201
    for status, headers, told in others:
        assert (status, headers["Location"], told) == (201, first[1]["Location"], first[2])
    replayed = [headers.get("Idempotent-Replayed") for _, headers, _ in (first, *others)]
    assert sorted(map(str, replayed)) == ["None", "true", "true"]
    assert [p.name for p in (project.root / "workflows").iterdir()] == ["once"]
    assert (await call("POST", BASE, body, Idempotency_Key="k-2"))[2]["data"]["path"] == (
        "workflows/once-2/dvc.yaml"
    )
    status, _, said = await call("POST", BASE, {"name": "other"}, Idempotency_Key="k-1")
    assert (status, said["errors"][0]["field"]) == (400, "Idempotency-Key")
    status, _, _ = await call("POST", BASE, {**body, "name": " "}, Idempotency_Key="k-3")
    assert status == 400
    status, _, _ = await call("POST", BASE, body, Idempotency_Key="k-3")
    assert status == 201

    where = f"{BASE}/{first[2]['data']['id']}/execute"
    runs = [await call("POST", where, {}, Idempotency_Key="run") for _ in range(2)]
    assert runs[0][2] == runs[1][2]
    assert runs[0][0] == runs[1][0] == 202


async def test_the_contract_tells_of_the_headers(call) -> None:
    _, _, contract = await call("GET", "mlws/api/v1/openapi.json")

    def headers(path: str, verb: str) -> list[str]:
        rows = contract["paths"][path][verb]["parameters"]
        return [row["name"] for row in rows if row["in"] == "header"]

    assert headers("/workflows", "post") == ["Idempotency-Key"]
    assert headers("/workflows/{workflow}/execute", "post") == ["Idempotency-Key"]
    assert headers("/workflows/{workflow}", "put") == ["If-Match"]
    assert "412" in contract["paths"]["/workflows/{workflow}"]["put"]["responses"]


async def test_the_status_has_as_many_results_as_nodes(call, made, workflows) -> None:
    where, _, told = await made()
    _, _, run = await call("POST", f"{where}/execute", {})
    await asyncio.to_thread(
        workflows.runs.wait, told["path"], run["data"]["id"], 60, recorded=False
    )
    _, _, status = await call("GET", f"{where}/status")
    assert status["data"]["status"] == "COMPLETED"
    assert len(status["data"]["results"]) == len(told["nodes"])
    assert list(status["data"]["results"]["a"]) == ["a"]
    assert OUT not in json.dumps(status)
