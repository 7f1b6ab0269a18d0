"""What tabs of JupyterLab execute: recorded, limited, and told, as what this API executes is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_mlws.notebooks.kernel_listener import KernelListener
from jupyter_mlws.notebooks.kernels import process_of
from mlws.core.project import Project
from tests.notebooks.conftest import of

pytestmark = pytest.mark.kernel

ALLOCATE = "kept = bytearray(300_000_000)\nimport time\ntime.sleep(30)"


async def test_what_a_tab_runs_is_in_the_history(
    opened, tab, listen, call, git, project: Project
) -> None:
    notebook = await opened("a.ipynb", one="x = 1", two="undefined")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    assert (await lab.run("x = 1", "one"))["status"] == "ok"
    assert (await lab.run("1\nundefined", "two"))["status"] == "error"
    messages = await until(of("execution", "ERROR"))
    told = [(m["type"], m["cell"], m.get("status")) for m in messages]
    assert told == [
        ("execution", "one", "RUNNING"),
        ("execution", "one", "SUCCESS"),
        ("execution", "two", "RUNNING"),
        ("output", "two", None),
        ("execution", "two", "ERROR"),
    ]
    _, page, _ = await call("GET", f"{notebook}/executions")
    failed, first = page["items"]
    assert (first["cell"], first["source"], first["status"]) == ("one", "x = 1", "SUCCESS")
    assert (first["origin"], first["execution_count"], first["path"]) == ("lab", 1, "a.ipynb")
    assert first["duration"] >= 0
    assert first["memory"] > 10_000_000
    assert first["snapshot"] == git(project.root, "rev-parse", "HEAD").strip()
    assert (failed["error"]["ename"], failed["error"]["line"]) == ("NameError", 2)
    _, page, _ = await call("GET", f"{notebook}/cells")
    assert [(row["cell"], row["status"]) for row in page["items"]] == [
        ("one", "SUCCESS"),
        ("two", "ERROR"),
    ]


async def test_other_clients_and_this_api_are_told_apart(opened, tab, run, listen, call) -> None:
    notebook = await opened("a.ipynb", one="'api'")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await run(notebook, cells=["one"])
    await lab.run("'no cell'")
    await until(of("execution", "SUCCESS", origin="lab"))
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [(row["origin"], row["source"]) for row in page["items"]] == [
        ("lab", "'no cell'"),
        ("api", "'api'"),
    ]
    _, page, _ = await call("GET", f"{notebook}/executions", origin="api")
    assert [row["source"] for row in page["items"]] == ["'api'"]


async def test_the_history_is_searched(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one="1")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    for cell, code in (("one", "value = '50%_off'"), ("two", "1 / 0"), ("one", "'plain'")):
        await lab.run(code, cell)
    await until(of("execution", "SUCCESS", execution_count=3))

    async def found(**query: str) -> list[str]:
        status, page, _ = await call("GET", f"{notebook}/executions", **query)
        assert status == 200, page
        return [row["source"] for row in page["items"]]

    assert await found(q="50%_") == ["value = '50%_off'"]
    assert await found(q="ZeroDivision") == ["1 / 0"]
    assert await found(status="ERROR") == ["1 / 0"]
    assert await found(cell="one") == ["'plain'", "value = '50%_off'"]
    assert await found(since="2000-01-01T00:00:00Z", until="2001-01-01T00:00:00Z") == []
    status, said, _ = await call("GET", f"{notebook}/executions", status="FINE", since="soon")
    assert (status, {row["field"].split(".")[0] for row in said["errors"]}) == (
        400,
        {"status", "since"},
    )


async def test_a_failure_knows_what_mended_the_ones_before(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one="1", two="2")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run("data = {}\ndata['colour']", "one")
    await lab.run("data = {'colour': 1}\ndata['colour']", "one")
    await lab.run("{}['size']", "two")
    await until(of("execution", "ERROR", cell="two"))
    _, page, _ = await call("GET", f"{notebook}/errors")
    (failure,) = page["items"]
    assert (failure["execution"]["cell"], failure["execution"]["error"]["ename"]) == (
        "two",
        "KeyError",
    )
    (alike,) = failure["similar"]
    assert alike["execution"]["cell"] == "one"
    assert alike["fix"]["diff"] == [
        "@@ -1,2 +1,2 @@",
        "-data = {}",
        "+data = {'colour': 1}",
        " data['colour']",
    ]
    identifier = failure["execution"]["id"]
    _, page, _ = await call("GET", f"{notebook}/executions/{identifier}/similar")
    assert page["items"] == [alike]
    status, said, _ = await call("GET", f"{notebook}/executions/none/similar")
    assert (status, said["code"]) == (404, "20401")


async def test_a_tabs_cell_is_interrupted_when_its_time_is_over(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one="1")
    status, report, _ = await call("PUT", f"{notebook}/limits", {"timeout": 1})
    assert (status, report["timeout"]) == (200, 1)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    reply = await lab.run("kept = 1\nimport time\ntime.sleep(60)", "one")
    assert reply["ename"] == "KeyboardInterrupt"
    ended = (await until(of("execution", "TIMEOUT")))[-1]
    assert ended["error"]["code"] == "20201"
    assert (await lab.run("kept"))["status"] == "ok"
    status, report, _ = await call("PUT", f"{notebook}/limits", {"timeout": None})
    assert (status, report["timeout"]) == (200, None)
    status, said, _ = await call("PUT", f"{notebook}/limits", {"timeout": -1})
    assert (status, said["errors"][0]["field"]) == (400, "timeout")


@pytest.mark.parametrize("is_heard_late", [False, True])
async def test_a_death_is_told_and_what_was_lost_runs_again(
    opened, tab, run, listen, call, monkeypatch: pytest.MonkeyPatch, is_heard_late: bool
) -> None:
    async def begin(watch: KernelListener, request: str, content: dict[str, Any]) -> None:
        while "_exit" in content["code"] and process_of(watch._manager) == watch._process:  # noqa: ASYNC110  no event tells of it
            await asyncio.sleep(0.05)
        await heard(watch, request, content)

    heard = KernelListener._begin
    if is_heard_late:
        monkeypatch.setattr(KernelListener, "_begin", begin)
    notebook = await opened(
        "a.ipynb", one="x = 20", two="y = x + 1", three="print(y)", never="raise Exception"
    )
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run("x = 20", "one")
    await lab.run("y = x + 1", "two")
    await lab.send("import os; os._exit(3)", "three")
    death = (await until(of("death")))[-1]
    assert (death["exit_code"], death["cells"]) == (3, ["one", "two"])
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert (page["items"][0]["cell"], page["items"][0]["status"]) == ("three", "ERROR")
    assert page["items"][0]["error"]["code"] == "20101"
    assert page["items"][0]["error"]["details"]["lost"] == death["lost"]
    status, result = await run(notebook, up_to="three")
    assert (status, result["output"]) == (200, "21\n")
    assert [part["cell"] for part in result["executions"]] == ["one", "two", "three"]


async def test_without_history_it_runs_what_stands_above(opened, run) -> None:
    notebook = await opened("a.ipynb", one="x = 1", two="print(x)", three="1 / 0")
    status, result = await run(notebook, up_to="two")
    assert (status, result["output"], result["saved"]) == (200, "1\n", True)
    status, said = await run(notebook, up_to="nine")
    assert (status, said["code"], said["details"]["name"]) == (404, "20401", "nine")


async def test_silent_requests_and_consoles_are_not_the_notebooks(
    opened, tab, jp_fetch, jp_ws_fetch, listen, call
) -> None:
    notebook = await opened("a.ipynb", one="1")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    console = await tab("a.ipynb")
    await console.run("'of the same session'")
    body = {"path": "c", "name": "c", "type": "console", "kernel": {"name": "python3"}}
    made = await jp_fetch("api", "sessions", method="POST", body=json.dumps(body))
    assert json.loads(made.body)["kernel"]["id"] != lab.kernel
    await lab.run("'mine'", "one")
    await until(of("execution", "SUCCESS", cell="one"))
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [row["source"] for row in page["items"]] == ["'mine'", "'of the same session'"]
