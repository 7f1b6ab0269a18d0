"""Code run by API on real kernels, and every way in which it can end."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from mlws.core.project import Project
from tests.notebooks.conftest import ended, of

pytestmark = pytest.mark.kernel

HELLO = "print('Hello, World!')"
STUBBORN = """\
import time
while True:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        pass
"""


def is_running(message: dict[str, Any]) -> bool:
    return message["type"] == "execution" and message["status"] == "RUNNING"


async def test_code_gives_its_output(create, run) -> None:
    notebook = await create()
    status, result = await run(notebook["id"], code=HELLO)
    assert status == 200, result
    assert (result["status"], result["output"]) == ("SUCCESS", "Hello, World!\n")
    assert result["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": "Hello, World!\n"}
    ]
    assert (result["execution_count"], result["saved"], result["error"]) == (1, None, None)
    _, result = await run(notebook["id"], code="6 * 7")
    assert result["outputs"][0]["data"] == {"text/plain": "42"}
    assert result["execution_count"] == 2


async def test_the_managers_own_call(create, jp_serverapp) -> None:
    notebook = await create()
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_mlws"]
    result = await app.services.notebooks.execute_code(notebook["id"], HELLO)
    assert (result.output, result.status.value) == ("Hello, World!\n", "SUCCESS")
    result = await app.services.notebooks.execute_code(notebook["id"], "1 / 0")
    assert (result.status.value, result.error.ename) == ("ERROR", "ZeroDivisionError")


async def test_a_kernel_that_dies_is_told_and_replaced(create, run) -> None:
    notebook = await create()
    _, before = await run(notebook["id"], code="kept = 1")
    begun = time.monotonic()
    status, said = await run(notebook["id"], code="print('last words')\nimport os; os._exit(1)")
    assert (status, said["code"]) == (500, "20101")
    assert time.monotonic() - begun < 30
    details = said["details"]
    assert (details["exit_code"], details["restarted"]) == (1, True)
    assert details["lost"] == [before["id"]]
    assert details["result"]["status"] == "ERROR"
    status, result = await run(notebook["id"], code="print('kept' in dir())")
    assert (status, result["output"]) == (200, "False\n")


async def test_a_loop_without_end_is_interrupted(create, run) -> None:
    notebook = await create()
    await run(notebook["id"], code="kept = 1")
    begun = time.monotonic()
    status, said = await run(notebook["id"], code="print(1)\nwhile True: pass", timeout=2)
    assert 2 < time.monotonic() - begun < 30
    assert (status, said["code"]) == (504, "20201")
    assert (said["details"]["timeout"], said["details"]["restarted"]) == (2, False)
    assert said["details"]["result"]["status"] == "TIMEOUT"
    assert said["details"]["result"]["output"] == "1\n"
    status, result = await run(notebook["id"], code="print(kept)")
    assert (status, result["output"]) == (200, "1\n")


async def test_what_does_not_heed_the_interrupt_loses_its_kernel(create, run) -> None:
    notebook = await create()
    await run(notebook["id"], code="kept = 1")
    begun = time.monotonic()
    status, said = await run(notebook["id"], code=STUBBORN, timeout=1)
    assert (status, said["code"]) == (504, "20201")
    assert time.monotonic() - begun < 30
    assert said["details"]["restarted"] is True
    status, result = await run(notebook["id"], code="print('kept' in dir())")
    assert (status, result["output"]) == (200, "False\n")


async def test_output_without_end_is_cut_and_interrupted(create, run) -> None:
    notebook = await create()
    code = "while True: print('x' * 100_000)"
    status, said = await run(notebook["id"], code=code, timeout=1)
    assert (status, said["code"]) == (504, "20201")
    assert len(said["details"]["result"]["output"]) <= 5_000_000
    status, result = await run(notebook["id"], code=HELLO)
    assert (status, result["output"]) == (200, "Hello, World!\n")


async def test_an_exception_names_its_place(create, run) -> None:
    notebook = await create()
    code = "import json\n\ndef deeper():\n    json.loads('{')\n\nprint('before')\ndeeper()"
    status, said = await run(notebook["id"], code=code)
    assert (status, said["code"]) == (422, "20202")
    details = said["details"]
    assert (details["ename"], details["line"], details["cell"]) == ("JSONDecodeError", 4, None)
    assert "JSONDecodeError" in said["message"]
    assert "\x1b" not in "".join(details["traceback"])
    # The frames inside the json package are folded into a line.
    assert [part for part in details["traceback"] if part.startswith("… (")]
    assert details["result"]["output"] == "before\n"
    assert details["result"]["outputs"][-1]["output_type"] == "error"


async def test_code_that_does_not_parse_runs_no_part(opened, run, call) -> None:
    notebook = await opened("a.ipynb", one="print('ran')", two="x = 1\ndef f(:\n    pass")
    status, said = await run(notebook, all=True)
    assert (status, said["code"]) == (422, "20202")
    details = said["details"]
    assert (details["ename"], details["line"], details["cell"]) == ("SyntaxError", 2, "two")
    assert details["result"]["output"] == ""
    assert [part["status"] for part in details["result"]["executions"]] == ["CANCELLED", "ERROR"]
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [(row["cell"], row["error"]["line"]) for row in page["items"]] == [("two", 2)]
    status, said = await run(notebook, code="for x in [1]:")
    assert (status, said["code"], said["details"]["line"]) == (422, "20202", 1)


async def test_magics_are_no_faults(create, run) -> None:
    notebook = await create()
    for code in ("%time 1\nx = !echo hi\nprint(x)", "%%python -c pass\nthis is not python", "len?"):
        status, said = await run(notebook["id"], code=code)
        assert "SyntaxError" not in json.dumps(said)
        assert status == 200 or said["details"]["ename"] == "CalledProcessError"
    status, said = await run(notebook["id"], code="%time 1\nx = !echo hi\nif True\n    pass")
    assert (status, said["details"]["line"]) == (422, 3)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("input('name?')", (422, "20202")),
        ("raise MemoryError('no room')", (507, "20203")),
        ("print('\\udc80')", None),
        ("raise Exception('{braces} 中文')", (422, "20202")),
    ],
)
async def test_odd_code_ends_in_its_code(code: str, expected, create, run) -> None:
    notebook = await create()
    status, said = await run(notebook["id"], code=code)
    if expected is None:
        assert status in (200, 422)
    else:
        assert (status, said["code"]) == expected
    status, _ = await run(notebook["id"], code="1")
    assert status == 200


async def test_a_text_that_no_message_can_hold_costs_no_more_than_a_restart(
    create, run, call
) -> None:
    notebook = await create()
    status, _ = await run(notebook["id"], code="print('\\ud800')")
    assert status in (200, 422)
    # The failed encoding can leave ipykernel's output thread deaf to all that comes later.
    status, _, _ = await call("POST", f"{notebook['id']}/restart")
    assert status == 200
    status, result = await run(notebook["id"], code="print(1)")
    assert (status, result["output"]) == (200, "1\n")


async def test_rich_output_and_its_updates(create, run) -> None:
    notebook = await create()
    code = (
        "from IPython.display import HTML, clear_output, display\n"
        "handle = display(HTML('<b>first</b>'), display_id=True)\n"
        "print('gone'); clear_output(); print('a'); print('b')\n"
        "h = display({'text/plain': 'x'}, raw=True, display_id='d')\n"
        "display({'text/plain': 'y'}, raw=True, display_id='d', update=True)"
    )
    status, result = await run(notebook["id"], code=code)
    assert status == 200, result
    assert result["outputs"][0] == {"output_type": "stream", "name": "stdout", "text": "a\nb\n"}
    assert result["outputs"][1]["data"] == {"text/plain": "y"}
    assert set(result["outputs"][1]) == {"output_type", "data", "metadata"}


async def test_cells_are_saved_with_their_outputs(opened, run, project: Project) -> None:
    notebook = await opened("a.ipynb", one="x = 20\nx + 1", two="print(x)", three="1 / 0", four="")
    status, said = await run(notebook, cells=["two", "one", "two"], stop_on_error=False)
    assert (status, said["details"]["cell"]) == (422, "two")
    status, result = await run(notebook, cells=["one", "two"])
    assert (status, result["saved"], result["output"]) == (200, True, "20\n")
    assert [part["cell"] for part in result["executions"]] == ["one", "two"]
    cells = json.loads((project.root / "a.ipynb").read_text())["cells"]
    assert cells[0]["outputs"][0]["data"] == {"text/plain": ["21"]}
    assert cells[1]["outputs"][0]["text"] == ["20\n"]
    assert cells[1]["execution_count"] == result["execution_count"]
    status, said = await run(notebook, all=True, save=False)
    assert (status, said["details"]["cell"]) == (422, "three")
    assert said["details"]["result"]["saved"] is None
    assert cells == json.loads((project.root / "a.ipynb").read_text())["cells"]


async def test_a_newer_document_is_not_overwritten(opened, run, project: Project) -> None:
    file = project.root / "a.ipynb"
    code = f"import pathlib; p = pathlib.Path({str(file)!r}); p.write_text(p.read_text() + ' ')"
    notebook = await opened("a.ipynb", one=f"{code}; print('done')")
    before = file.read_text()
    status, result = await run(notebook, all=True)
    assert (status, result["output"], result["saved"]) == (200, "done\n", False)
    assert result["save_error"]["code"] == "20403"
    assert file.read_text() == before + " "


async def test_calls_of_one_notebook_run_in_their_order(create, call, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    calls = []
    for number in range(3):
        code = f"seen = [*globals().get('seen', []), {number}]; print(seen)"
        status, begun, headers = await call(
            "POST", f"{notebook}/execute", {"code": code, "wait": False}
        )
        assert (status, begun["status"]) == (202, "QUEUED")
        assert headers["Location"].endswith(f"/notebooks/{notebook}/executions/{begun['id']}")
        calls.append(begun["id"])
    await until(ended(calls[-1]))
    results = [(await call("GET", f"{notebook}/executions/{one}"))[1] for one in calls]
    assert [result["output"] for result in results] == ["[0]\n", "[0, 1]\n", "[0, 1, 2]\n"]
    assert [result["id"] for result in results] == calls


async def test_notebooks_run_at_once(opened, run, project: Project) -> None:
    meet = (
        "import pathlib, time\n"
        "pathlib.Path('{me}').touch()\n"
        "while len(list(pathlib.Path().glob('here-*'))) < 3: time.sleep(0.01)\n"
        "print('{me}')"
    )
    names = ["here-1", "here-2", "here-3"]
    ids = [await opened(f"{name}.nb.ipynb".replace("here", "n")) for name in names]
    results = await asyncio.gather(
        *(
            run(identifier, code=meet.format(me=name), timeout=150)
            for identifier, name in zip(ids, names, strict=True)
        )
    )
    assert [result["output"] for _, result in results] == [f"{name}\n" for name in names]


async def test_the_limit_counts_from_the_start_not_from_the_queue(
    create, run, call, listen, jp_ws_fetch, project: Project
) -> None:
    notebook = (await create())["id"]
    await run(notebook, code="1")
    status: dict[str, Any] = {"status": None}
    while status["status"] != "IDLE":  # the server's own ear may be slower than ours
        _, status, _ = await call("GET", f"{notebook}/status")
    kernel = status["kernel_info"]["id"]
    other = await jp_ws_fetch("api", "kernels", kernel, "channels")
    gate = project.root / "go"
    await other.write_message(
        json.dumps(
            {
                "channel": "shell",
                "header": {
                    "msg_id": uuid.uuid4().hex,
                    "msg_type": "execute_request",
                    "session": "another-client",
                    "username": "",
                    "version": "5.3",
                },
                "parent_header": {},
                "metadata": {},
                "content": {
                    "code": "import pathlib, time\nprint('holding')\n"
                    f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)",
                    "silent": False,
                },
            }
        )
    )
    while json.loads(await other.read_message())["msg_type"] != "stream":
        pass
    until = await listen(notebook)
    ours = asyncio.create_task(run(notebook, code="print('ours')", timeout=3))
    await until(lambda message: message.get("status") == "RUNNING")
    status["running"] = None
    while status["running"] is None:  # the call runs a moment before its first execution is queued
        _, status, _ = await call("GET", f"{notebook}/status")
    assert status["status"] == "BUSY"
    assert status["running"]["status"] == "QUEUED"
    done, _ = await asyncio.wait([ours], timeout=4)
    assert not done
    gate.touch()
    status, result = await ours
    assert (status, result["output"]) == (200, "ours\n")
    other.close()


async def test_an_interrupt_ends_the_call_and_the_next_one_runs(opened, run, call, listen) -> None:
    notebook = await opened("a.ipynb", one="import time; time.sleep(60)", two="print('two')")
    until = await listen(notebook)
    cells = asyncio.create_task(run(notebook, all=True, stop_on_error=False))
    await until(is_running)
    queued = asyncio.create_task(run(notebook, code="print('next')"))
    await until(lambda message: message.get("status") == "QUEUED")
    _, report, _ = await call("GET", f"{notebook}/status")
    assert report["status"] == "BUSY"
    assert report["running"]["cell"] == "one"
    assert len(report["queued"]) == 1
    status, _, _ = await call("POST", f"{notebook}/interrupt")
    assert status == 200
    status, said = await cells
    assert (status, said["code"]) == (409, "20204")
    assert [part["status"] for part in said["details"]["result"]["executions"]] == ["CANCELLED"] * 2
    assert said["details"]["result"]["output"] == ""
    status, result = await queued
    assert (status, result["output"]) == (200, "next\n")


@pytest.mark.exhaustive
async def test_an_interrupt_at_any_moment_ends_the_call(create, run, call, listen) -> None:
    """Also before and while the kernel begins, when it ignores that it is interrupted, or gives up
    without a reply."""
    notebook = (await create())["id"]
    assert (await run(notebook, code="import time"))[0] == 200
    until = await listen(notebook)
    for moment in range(12):
        running = asyncio.create_task(run(notebook, code="x = 1\n" * 200 + "time.sleep(40)"))
        if moment % 2:
            await until(lambda message: message.get("status") == "RUNNING")
        else:
            await until(is_running)
        await asyncio.sleep(0.0005 * moment)
        status, _, _ = await call("POST", f"{notebook}/interrupt")
        assert status == 200
        status, said = await running
        assert (status, said["code"]) == (409, "20204"), moment
        await until(of("request", "CANCELLED"))
    status, result = await run(notebook, code="print('alive')")
    assert (status, result["output"]) == (200, "alive\n")


async def test_a_restart_cancels_what_runs_and_waits(create, run, call, listen) -> None:
    notebook = (await create())["id"]
    until = await listen(notebook)
    running = asyncio.create_task(run(notebook, code="import time; time.sleep(60)"))
    await until(is_running)
    queued = asyncio.create_task(run(notebook, code="print('next')"))
    await until(lambda message: message.get("status") == "QUEUED")
    status, _, _ = await call("POST", f"{notebook}/restart")
    assert status == 200
    assert [(status, said["code"]) for status, said in (await running, await queued)] == [
        (409, "20204")
    ] * 2
    status, result = await run(notebook, code=HELLO)
    assert (status, result["execution_count"]) == (200, 1)


@pytest.mark.parametrize(
    "argv", [["/no/such/program"], [sys.executable, "-c", "raise SystemExit(3)"]]
)
async def test_a_kernel_that_cannot_start(
    argv: list[str], jp_data_dir: Path, create, run, call
) -> None:
    spec = jp_data_dir / "kernels" / "broken" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": argv, "display_name": "Broken", "language": "none"}))
    notebook = await create(kernel="broken")
    status, said = await run(notebook["id"], code="1")
    assert (status, said["code"]) == (503, "20102")
    assert "/no/such" not in json.dumps(said)
    _, report, _ = await call("GET", f"{notebook['id']}/status")
    assert report["status"] == "DEAD"
    spec.unlink()
    status, said = await run(notebook["id"], code="1")
    assert (status, said["code"]) == (503, "20102")


async def test_output_beyond_the_limit_is_left_out(create, run) -> None:
    notebook = await create()
    code = "for _ in range(12): print('x' * 500_000)\nprint('end')"
    status, result = await run(notebook["id"], code=code)
    assert (status, result["truncated"]) == (200, True)
    assert len(result["output"]) <= 5_000_000
