"""Workflows over HTTP and WebSocket: one run from text to preview, live."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.workflows.manager import WorkflowManager
from tests.workflows.notebooks import cell, notebook

PATH = "workflows/wine/dvc.yaml"
ID = "workflows~1wine~1dvc.yaml"
BASE = f"mlws/api/v1/workflows/{ID}"
OUT = "workflows/wine/out"
TEXT = f"""\
vars:
  - split: {{random_state: 3}}
stages:
  load:
    wdir: ../..
    cmd: jupyter mlws node load_table --file data.csv --table {OUT}/load.table.parquet
    deps: [data.csv]
    outs: [{OUT}/load.table.parquet]
  count:
    wdir: ../..
    cmd: 'wc -l data.csv; echo "{{\\"rows\\": 4}}" > {OUT}/count.json; echo 行 > {OUT}/count.txt'
    deps: [data.csv]
    outs: [{OUT}/count.txt]
    metrics: [{OUT}/count.json]
"""


@pytest.fixture
def text(workflows: WorkflowManager, write: Callable[..., Path]) -> Path:
    write("data.csv", "a,when\n1,2020-01-01\n2,\n3,x\n4,y\n")
    return write(PATH, TEXT)


@pytest.fixture
def get(fetch) -> Callable[..., Any]:
    async def ask(*parts: str, **more: Any) -> Any:
        answer = await fetch("/".join((BASE, *parts)) if parts else BASE, **more)
        return json.loads(answer.body)["data"]

    return ask


async def until_it_ends(socket: Any, run: str) -> list[dict[str, Any]]:
    """The stream's messages up to the run's end."""
    messages: list[dict[str, Any]] = []
    while True:
        message = json.loads(await socket.read_message())
        messages.append(message)
        ended = message.get("status") in ("COMPLETED", "FAILED", "CANCELLED")
        if message["type"] == "run" and message["run"] == run and ended:
            return messages


async def test_a_run_from_text_to_preview(text: Path, get, ws_fetch, fetch) -> None:
    workflow = await get()
    assert workflow["id"] == ID
    assert [node["id"] for node in workflow["nodes"]] == ["load", "count"]
    plan = await get("plan", params={"targets": "load"})
    assert plan["nodes"] == [
        {
            "id": "load",
            "action": "run",
            "reasons": ["never ran"],
            "estimate_seconds": None,
            "cosmetic": False,
            "restored_from": None,
            "environment": None,
        }
    ]
    asked = [("targets", "load"), ("targets", "count"), ("force", "true"), ("jobs", "3")]
    plan = await get("plan", params=asked)
    assert [node["reasons"] for node in plan["nodes"]] == [["forced"], ["forced"]]
    assert plan["jobs"] == 3
    socket = await ws_fetch("mlws/api/v1/workflows/status")
    hello = json.loads(await socket.read_message())
    assert hello == {"type": "hello", "seq": 0}
    answer = await fetch(f"{BASE}/execute", method="POST", body='{"origin": "canvas"}')
    run = json.loads(answer.body)["data"]
    assert answer.code == 202
    assert answer.headers["Location"].endswith(f"{BASE}/runs/{run['id']}")
    assert (run["status"], run["origin"]) == ("PENDING", "canvas")
    messages = await until_it_ends(socket, run["id"])
    assert messages[-1]["data"]["counts"] == {"COMPLETED": 2}
    assert messages[-1]["path"] == PATH
    socket.close()

    again = await ws_fetch("mlws/api/v1/workflows/status", params={"since": "2"})
    assert json.loads(await again.read_message()) == {"type": "hello", "seq": 2}
    assert await until_it_ends(again, run["id"]) == messages[2:]
    again.close()

    assert (await get("status"))["id"] == run["id"]
    node = f"runs/{run['id']}/nodes/count"
    log = await get(node, "log")
    assert log["text"].splitlines()[-1] == "5 data.csv"
    assert (await get(node, "log", params={"offset": str(log["size"])}))["text"] == ""
    outputs = {row["path"]: row for row in (await get(node, "outputs"))["items"]}
    assert outputs[f"{OUT}/count.json"]["type"] == "Metrics"
    port = (await get("runs", "latest", "nodes", "load", "outputs"))["items"][0]["port"]
    table = await get("runs", "latest", "nodes", "load", "outputs", port, "preview")
    assert [column["name"] for column in table["columns"]] == ["a", "when"]
    assert table["rows"] == [[1, "2020-01-01"], [2, None], [3, "x"], [4, "y"]]
    assert table["row_count"] == 4
    items = json.loads((await fetch("mlws/api/v1/runs")).body)["data"]["items"]
    assert items[0]["metrics"] == {"rows": 4}


async def test_output_of_a_node_is_streamed_while_it_is_written(
    text: Path, write: Callable[..., Path], get, ws_fetch, fetch
) -> None:
    go_on = text.parent / "go-on"
    command = f"echo one; until [ -e {go_on} ]; do sleep 0.05; done; echo two"
    write(PATH, f"stages:\n  slow:\n    cmd: {command}\n")
    events = await ws_fetch("mlws/api/v1/workflows/status")
    answer = await fetch(f"{BASE}/execute", method="POST", body="{}")
    run = json.loads(answer.body)["data"]["id"]
    path = f"{BASE}/runs/{run}/nodes/slow/output"

    async def output_until(stream: Any, end: str) -> list[dict[str, Any]]:
        messages = []
        while True:
            messages.append(json.loads(await stream.read_message()))
            if end in messages[-1].get("text", ""):
                return messages

    first = await ws_fetch(path)
    messages = await output_until(first, "one")
    assert messages[0] == {"type": "hello", "seq": 0}
    size = messages[-1]["seq"]
    go_on.touch()
    rest = await output_until(first, "two")
    first.close()
    # What a reader missed comes when it connects again.
    again = await ws_fetch(path, params={"since": str(size)})
    missed = await output_until(again, "two")
    again.close()
    assert [one["type"] for one in missed] == ["hello", "output"]
    assert missed[1]["text"] == "".join(one["text"] for one in rest)
    await until_it_ends(events, run)
    events.close()
    log = await get("runs", run, "nodes", "slow", "log")
    assert log["size"] == missed[-1]["seq"]
    beyond = await ws_fetch(path, params={"since": "1000000"})
    assert json.loads(await beyond.read_message())["type"] == "hello"
    assert json.loads(await beyond.read_message()) == {"type": "reset", "seq": 0}
    beyond.close()


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (f"{BASE}/execute", {"params": {"split.x": 1, "load.nope": 2}}, (400, "40204")),
        (f"{BASE}/execute", {"targets": ["nope"]}, (404, "40401")),
        (f"{BASE}/execute", {"jobs": 0}, (400, "50201")),
        (f"{BASE}/execute", {"executor": "dusk"}, (400, "40210")),
        ("mlws/api/v1/workflows/nope~1dvc.yaml/execute", {}, (404, "40401")),
        ("mlws/api/v1/workflows/..~1dvc.yaml/execute", {}, (403, "50302")),
        (f"{BASE}/runs/latest/cancel", {}, (404, "40401")),
        (f"{BASE}/runs/nope/cancel", {}, (404, "40401")),
        (f"{BASE}/runs/nope/nodes/load/log", None, (404, "40401")),
    ],
)
async def test_what_cannot_be_is_refused_with_its_code(
    text: Path, fetch, path: str, body: Any, expected: tuple[int, str]
) -> None:
    asked: dict[str, Any] = {} if body is None else {"method": "POST", "body": json.dumps(body)}
    for language in ("en", "zh-CN"):
        with pytest.raises(HTTPClientError) as refused:
            await fetch(path, headers={"Accept-Language": language}, **asked)
        assert refused.value.response is not None
        said = json.loads(refused.value.response.body)
        assert (refused.value.code, said["code"]) == expected
        is_chinese = any("\u4e00" <= one <= "\u9fff" for one in said["message"])
        assert is_chinese == (language == "zh-CN")
    assert text.read_text() == TEXT  # noqa: ASYNC240  a small local file


async def test_all_bad_parameters_are_named_at_once(text: Path, fetch) -> None:
    body = json.dumps({"params": {"split.x": 1, "load.nope": 2, "load": 3}})
    with pytest.raises(HTTPClientError) as refused:
        await fetch(f"{BASE}/execute", method="POST", body=body)
    assert refused.value.response is not None
    rows = json.loads(refused.value.response.body)["errors"]
    assert [row["field"] for row in rows] == ["params.split.x", "params.load.nope", "params.load"]


async def test_validation_of_unsaved_text(text: Path, fetch) -> None:
    body = json.dumps({"path": PATH, "text": TEXT.replace("load_table", "load_tabel")})
    answer = await fetch("mlws/api/v1/workflows/validate", method="POST", body=body)
    (problem,) = json.loads(answer.body)["data"]["problems"]
    assert (problem["code"], problem["node"], problem["line"]) == ("40201", "load", 6)


async def test_components_are_listed(text: Path, fetch) -> None:
    items = json.loads((await fetch("mlws/api/v1/components")).body)["data"]["items"]
    named = {item["name"]: item for item in items}
    assert named["split"]["outputs"][0] == {
        "name": "train",
        "type": "Table",
        "extension": ".parquet",
        "description": "Training set.",
        "kinds": [],
    }


async def test_what_can_be_set_of_a_notebook(fetch, write: Callable[..., Path]) -> None:
    write("nb/train.ipynb", notebook(cell("epochs: int = 3\nrate = 0.5", "parameters"), "epochs"))
    write("broken.ipynb", "{")
    write("train.py", "epochs = 3\n")

    async def ask(name: str) -> Any:
        return await fetch(f"mlws/api/v1/components/notebooks/{name}", raise_error=False)

    found = json.loads((await ask("nb~1train.ipynb")).body)["data"]
    types = {key: value["type"] for key, value in found["settings"]["properties"].items()}
    assert (found["path"], types) == ("nb/train.ipynb", {"epochs": "integer", "rate": "number"})
    broken = json.loads((await ask("broken.ipynb")).body)["data"]
    assert broken["error"].startswith("line 1")
    for name in ("no.ipynb", "train.py", "..~1out.ipynb", "%00.ipynb"):
        refused = await ask(name)
        assert (refused.code, json.loads(refused.body)["code"]) == (404, "40401"), name


async def test_the_list_of_workflows_is_read_part_by_part(
    workflows: WorkflowManager, write: Callable[..., Path], fetch
) -> None:
    paths = [f"w{number}/dvc.yaml" for number in range(3)]
    for path in paths:
        write(path, "stages: {}\n")

    async def part(**query: str) -> tuple[list[str], str | None]:
        answer = json.loads((await fetch("mlws/api/v1/workflows", params=query)).body)["data"]
        return [row["path"] for row in answer["items"]], answer["next_cursor"]

    assert await part() == (paths, None)
    first, cursor = await part(limit="2")
    assert (first, cursor is None) == (paths[:2], False)
    assert await part(limit="2", cursor=str(cursor)) == (paths[2:], None)
    with pytest.raises(HTTPClientError, match="400"):
        await part(cursor="dvc.yaml")
