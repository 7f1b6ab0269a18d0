"""Sweeps over HTTP: listed with a version, promoted by it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run

BASE = "mlws/api/v1/workflows/dvc.yaml"
TEXT = """\
stages:
  fit:
    foreach: [1, 2]
    do:
      cmd: 'cp in.txt out${item}.txt; echo "{\\"auc\\": ${item}}" > m${item}.json'
      deps: [in.txt]
      outs: ['out${item}.txt']
      metrics: ['m${item}.json']
"""


@pytest.fixture
def call(fetch) -> Callable[..., Any]:
    async def ask(path: str, body: Any = None, **more: Any) -> tuple[int, Any, Any]:
        sent = {} if body is None else {"method": "POST", "body": json.dumps(body)}
        answer = await fetch(f"{BASE}/{path}", raise_error=False, **sent, **more)
        return answer.code, answer.headers, json.loads(answer.body)

    return ask


async def test_ranked_and_promoted_by_version(
    write, run: Callable[..., Run], call, workflows: WorkflowManager
) -> None:
    write("in.txt", "1\n")
    file = write("dvc.yaml", TEXT)
    code, _, said = await call("sweeps")
    assert (code, said["data"]["items"][0]["metric"]) == (200, None)
    run()
    code, headers, said = await call("sweeps", params={"metric": "auc", "mode": "min"})
    (sweep,) = said["data"]["items"]
    assert (sweep["best"], sweep["mode"]) == ("fit@1", "min")
    assert sweep["variants"][0]["status"] == "COMPLETED"
    version = {"If-Match": headers["ETag"]}

    code, _, said = await call("sweeps", params={"metric": "f1"})
    assert (code, said["code"]) == (400, "40208")
    code, _, said = await call("sweeps", params={"metric": "f1"}, headers={"Accept-Language": "zh"})
    assert said["message"] == "'fit' 的变体均没有指标 'f1'。可用指标：auc。"
    code, _, said = await call("sweeps", params={"mode": "best"})
    assert (code, said["code"]) == (400, "50201")

    code, _, said = await call("sweeps/fit/promote", {})
    assert (code, said["errors"][0]["field"]) == (400, "If-Match")
    code, _, said = await call("sweeps/fit/promote", {}, headers={"If-Match": '"other"'})
    assert (code, said["code"]) == (412, "40402")
    code, _, said = await call("sweeps/nope/promote", {}, headers=version)
    assert (code, said["code"]) == (404, "40401")
    code, _, said = await call("sweeps/fit/promote", {"varient": "1"}, headers=version)
    assert (code, said["code"]) == (400, "50201")
    assert file.read_text() == TEXT

    code, headers, said = await call("sweeps/fit/promote", {}, headers=version)
    assert (code, said["data"]["variant"], said["data"]["value"]) == (200, "fit@2", 2)
    assert said["data"]["result_kept"] is True
    assert headers["ETag"].strip('"').startswith(said["data"]["etag"])
    code, _, said = await call("sweeps/fit/promote", {}, headers=version)
    assert (code, said["code"]) == (412, "40402")
    assert set(run().counts) == {"CACHED"}


async def test_a_faulty_file_is_named(write, call, workflows: WorkflowManager) -> None:
    write("dvc.yaml", "stages:\n  a: {matrix: [1], cmd: echo}\n")
    code, _, said = await call("sweeps")
    assert (code, said["code"]) == (400, "40205")
    code, _, said = await call("sweeps/a/promote", {}, headers={"If-Match": "*"})
    assert (code, said["code"]) == (400, "40205")


async def test_a_run_takes_the_wish_to_accept(
    write, run: Callable[..., Run], call, workflows: WorkflowManager
) -> None:
    write("in.json", '{"a": 1}')
    write("dvc.yaml", "stages:\n  a: {cmd: cp in.json out, deps: [in.json], outs: [out]}\n")
    code, _, said = await call("execute", {"accept_cosmetic": True})
    assert code == 202
    ended = Run(**workflows.runs.wait("dvc.yaml", said["data"]["id"], 60, recorded=False))
    assert ended.status == "COMPLETED"
    code, _, said = await call("execute", {"accept_cosmetic": "perhaps"})
    assert (code, said["errors"][0]["field"]) == (400, "accept_cosmetic")
