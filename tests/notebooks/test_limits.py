"""Memory, the rate of output, questions of code, and the check before it runs."""

from __future__ import annotations

import asyncio
import os

import pytest

from jupyter_mlws.notebooks import memory
from jupyter_mlws.notebooks.recording import Recording
from tests.notebooks.conftest import of

pytestmark = pytest.mark.kernel

HOG = "kept = bytearray(400_000_000)\nimport time\nwhile True: time.sleep(0.05)"
DEAF = """\
import time
while True:
    try:
        kept = bytearray(400_000_000)
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""
RISKY = "import subprocess\nname = 'x'\nsubprocess.call('echo ' + name, shell=True)"


@pytest.fixture
def jp_server_config(jp_server_config, request):
    return {**jp_server_config, "MLWSApp": getattr(request, "param", {})}


LIMIT = pytest.mark.parametrize(
    "jp_server_config", [{"kernel_memory_limit": 300_000_000}], indirect=True
)


@pytest.mark.exhaustive
@LIMIT
@pytest.mark.parametrize("code", [HOG, DEAF])
async def test_a_memory_hog_is_stopped(code, create, run, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    status, said = await run(notebook, code=code)
    assert (status, said["code"]) == (507, "20203")
    assert said["details"]["used"] > 300_000_000
    if code is DEAF:
        assert said["details"]["restarted"] is True
    assert said["details"]["result"]["executions"][0]["memory"] > 300_000_000
    # A hog that is slow is warned of before.
    told = (await until(of("memory", level="limit")))[-1]
    assert told["limit"] == 300_000_000
    # What it held is not the next cell's.
    assert (await run(notebook, code="kept = None"))[0] == 200
    status, result = await run(notebook, code="print('alive')")
    assert (status, result["output"]) == (200, "alive\n")


async def test_memory_that_was_measured_before_a_cell_does_not_count(monkeypatch) -> None:
    stopped: asyncio.Queue[str] = asyncio.Queue()
    limits = memory.MemoryLimits(most=1)
    meter = memory.Meter(limits, lambda *_: None, lambda cell, _: stopped.put_nowait(cell))
    monkeypatch.setattr(memory, "PROCESSES", memory.ProcessTable())
    with monkeypatch.context() as patch:
        # The table is read once.
        patch.setattr(memory, "MAX_READ_SHARE", 1e-6)
        await memory.PROCESSES.refresh()
        meter.begin("first", os.getpid())
        await asyncio.sleep(4 * memory.SAMPLE_INTERVAL)
        meter.end("first")
    assert stopped.empty()

    monkeypatch.setattr(memory, "PROCESSES", memory.ProcessTable())
    meter.begin("second", os.getpid())
    assert await asyncio.wait_for(stopped.get(), timeout=30) == "second"
    await meter.close()


@LIMIT
async def test_a_memory_hog_in_a_tab_is_stopped(opened, tab, listen) -> None:
    notebook = await opened("a.ipynb", one="1")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.send(HOG, "one")
    ended = (await until(of("execution", "ERROR")))[-1]
    assert ended["error"]["code"] == "20203"
    assert (await lab.run("1"))["status"] == "ok"


@LIMIT
async def test_a_memory_hog_is_stopped_before_its_start_is_stored(
    opened, tab, listen, monkeypatch
) -> None:
    commit_of = Recording.commit_of

    async def slow_commit_of(self: Recording, path: str) -> str | None:
        await asyncio.sleep(2)  # The limit is exceeded meanwhile.
        return await commit_of(self, path)

    monkeypatch.setattr(Recording, "commit_of", slow_commit_of)
    notebook = await opened("a.ipynb", one="1")
    until = await listen(notebook)
    await (await tab("a.ipynb")).send(HOG, "one")
    ended = (await until(of("execution", "ERROR")))[-1]
    assert ended["error"]["code"] == "20203"


@pytest.mark.parametrize(
    "jp_server_config",
    [{"kernel_memory_limit": 600_000_000, "kernel_memory_warning": 0.5}],
    indirect=True,
)
async def test_much_memory_is_warned_of(create, call, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    await call("POST", f"{notebook}/execute", {"code": HOG, "wait": False})
    told = (await until(of("memory")))[-1]
    assert (told["level"], told["limit"]) == ("warning", 600_000_000)
    assert told["used"] > 300_000_000
    await call("POST", f"{notebook}/interrupt")
    await until(of("request", "CANCELLED"))


@pytest.mark.exhaustive
async def test_endless_output_does_not_flood_the_stream(create, run, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    code = "while True: print('x' * 200_000, flush=True)"
    running = asyncio.create_task(run(notebook, code=code, timeout=2))
    messages = await until(of("execution", "TIMEOUT"))
    assert [m for m in messages if m["type"] == "limited"]
    written = sum(len(m["output"].get("text", "")) for m in messages if m["type"] == "output")
    assert written <= 5_000_000
    status, said = await running
    assert (status, said["code"]) == (504, "20201")
    status, result = await run(notebook, code="print('alive')")
    assert (status, result["output"]) == (200, "alive\n")


async def test_a_question_is_refused_or_answered(create, run, call, listen) -> None:
    notebook = (await create())["id"]
    status, said = await run(notebook, code="input('Name? ')")
    assert (status, said["details"]["ename"]) == (422, "StdinNotImplementedError")
    until = await listen(notebook)
    code = "import getpass\nprint('Hello', input('Name? '), len(getpass.getpass('Word? ')))"
    running = asyncio.create_task(run(notebook, code=code, stdin=True))
    asked = (await until(of("input")))[-1]
    assert (asked["prompt"], asked["password"]) == ("Name? ", False)
    status, report, _ = await call("POST", f"{notebook}/input", {"value": "Ada"})
    assert (status, report["status"]) == (200, "BUSY")
    asked = (await until(of("input")))[-1]
    assert (asked["prompt"], asked["password"]) == ("Word? ", True)
    await call("POST", f"{notebook}/input", {"value": "secret"})
    status, result = await running
    assert status == 200, result
    assert result["output"].endswith("Hello Ada 6\n")
    status, said, _ = await call("POST", f"{notebook}/input", {"value": "late"})
    assert (status, said["code"]) == (404, "20401")
    status, said, _ = await call("POST", f"{notebook}/input", {})
    assert (status, said["errors"][0]["field"]) == (400, "value")


async def test_the_check_is_off_unless_asked_for(create, run) -> None:
    notebook = (await create())["id"]
    status, result = await run(notebook, code=RISKY)
    assert (status, result["warnings"]) == (200, [])


@pytest.mark.parametrize("jp_server_config", [{"code_policy": "warn"}], indirect=True)
async def test_the_check_warns(create, run) -> None:
    notebook = (await create())["id"]
    status, result = await run(notebook, code=RISKY)
    assert status == 200
    (warning,) = result["warnings"]
    assert (warning["line"], warning["severity"], warning["test"]) == (3, "HIGH", "B602")
    status, result = await run(notebook, code="%time 1\nassert True")
    assert (status, result["warnings"]) == (200, [])


@pytest.mark.parametrize("jp_server_config", [{"code_policy": "refuse"}], indirect=True)
async def test_the_check_refuses_before_anything_runs(opened, run, call) -> None:
    notebook = await opened("a.ipynb", one="print('ran')", two=RISKY)
    status, said = await run(notebook, all=True)
    assert (status, said["code"]) == (403, "20301")
    assert (said["details"]["line"], said["details"]["cell"]) == (3, "two")
    assert said["details"]["findings"][0]["test"] == "B602"
    assert said["details"]["result"]["output"] == ""
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [(row["cell"], row["error"]["code"]) for row in page["items"]] == [("two", "20301")]
