"""Cells whose tab is gone: their outputs reach the next tab, or the document."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.notebooks import unattended
from jupyter_mlws.notebooks.history import History
from tests.notebooks.conftest import of

pytestmark = pytest.mark.kernel

WAIT = "import pathlib, time\nwhile not pathlib.Path('{}').exists(): time.sleep(0.05)\n"
HELD = f"print(0)\nprint(1)\n{WAIT.format('go')}print(2)\nprint(3)\n'end'"
"""Goes on when the test says so."""
STREAM = {"output_type": "stream", "name": "stdout", "text": "0\n1\n2\n3\n"}


@pytest.fixture
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unattended, "GRACE_PERIOD", 0.2)


@pytest.fixture
def run_and_leave(opened, tab, listen) -> Callable[..., Any]:
    """Run the cell ``one`` in a tab, and close the tab when it has printed something.

    The notebook's id, its stream and the tab.
    """

    async def leave(code: str) -> tuple[str, Any, Any]:
        notebook = await opened("a.ipynb", one=code)
        until = await listen(notebook)
        lab = await tab("a.ipynb")
        await lab.send(code, "one")
        await until(of("output", cell="one"))
        await lab.leave()
        return notebook, until, lab

    return leave


def outputs_of(file: Path, cell: str) -> Any:
    cells = json.loads(file.read_text())["cells"]
    return next(one for one in cells if one["id"] == cell)["outputs"]


async def test_the_document_gets_what_a_closed_tab_ran(
    opened, document, tab, listen, project, no_wait
) -> None:
    notebook = await opened("a.ipynb", one=HELD, two="print('second')", three="1")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.send(HELD, "one")
    await lab.send("print('second')", "two")
    await until(of("output", cell="one"))
    await lab.leave()
    (project.root / "go").touch()
    await until(of("saved", cells=["one"]))
    await until(of("saved", cells=["two"]))
    file = project.root / "a.ipynb"
    first, second = outputs_of(file, "one")
    assert first == {**STREAM, "text": STREAM["text"].splitlines(keepends=True)}
    assert second["data"]["text/plain"] == ["'end'"]
    assert outputs_of(file, "two")[0]["text"] == ["second\n"]
    assert outputs_of(file, "three") == []


async def test_an_open_tab_saves_by_itself(opened, tab, listen, project, no_wait) -> None:
    notebook = await opened("a.ipynb", one="print(1)")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    before = (project.root / "a.ipynb").read_bytes()
    await lab.run("print(1)", "one")
    await until(of("execution", "SUCCESS"))
    await asyncio.sleep(0.6)
    assert (project.root / "a.ipynb").read_bytes() == before


async def test_the_document_gets_what_ended_before_the_tab_was_closed(
    opened, tab, listen, call, project, no_wait
) -> None:
    notebook = await opened("a.ipynb", one="print('quick')", two=HELD)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run("print('quick')", "one")
    await until(of("execution", "SUCCESS", cell="one"))
    await lab.send(HELD, "two")
    await until(of("output", cell="two"))
    await lab.leave()
    await until(of("saved", cells=["one"]))
    (project.root / "go").touch()
    await until(of("saved", cells=["two"]))
    assert outputs_of(project.root / "a.ipynb", "one")[0]["text"] == ["quick\n"]


async def test_the_next_tab_gets_what_ended_before_the_tab_was_closed(
    opened, tab, listen, call
) -> None:
    notebook = await opened("a.ipynb", one="print('quick')")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run("print('quick')", "one")
    await until(of("execution", "SUCCESS", cell="one"))
    # While the tab is there, it alone shows them.
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": "second"})
    assert live["executions"] == []
    await lab.leave()
    following = await tab("a.ipynb")
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": following.client})
    assert [(one["cell"], one["is_owned"]) for one in live["executions"]] == [("one", True)]


async def test_what_a_tab_has_saved_is_left_as_it_is(
    opened, document, tab, listen, call, jp_fetch, project, no_wait, monkeypatch
) -> None:
    monkeypatch.setattr(unattended, "SAVE_DELAY", 0.0)
    notebook = await opened("a.ipynb", one="print('quick')", two="print('unsaved')")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run("print('quick')", "one")
    first = (await until(of("execution", "SUCCESS", cell="one")))[-1]["execution"]
    # The user clears the outputs, and saves.
    content = json.loads(
        document("a.ipynb", one="print('quick')", two="print('unsaved')").read_text()
    )
    body = json.dumps({"type": "notebook", "format": "json", "content": content})
    await jp_fetch("api", "contents", "a.ipynb", method="PUT", body=body)
    await lab.run("print('unsaved')", "two")
    second = (await until(of("execution", "SUCCESS", cell="two")))[-1]["execution"]
    await lab.leave()
    await until(of("saved", cells=["two"]))
    assert outputs_of(project.root / "a.ipynb", "one") == []
    for execution in (first, second):
        _, result, _ = await call("GET", f"{notebook}/executions/{execution}")
        assert result["outputs_kept"] is False


async def test_a_document_that_changed_is_left_alone(
    run_and_leave, document, tab, call, project, no_wait
) -> None:
    notebook, until, _ = await run_and_leave(HELD)
    changed = document("a.ipynb", one="print('other')").read_bytes()
    (project.root / "go").touch()
    message = (await until(of("unsaved")))[-1]
    assert (message["cell"], message["error"]["code"]) == ("one", "20403")
    assert (project.root / "a.ipynb").read_bytes() == changed
    # The next tab gets them, once.
    following = await tab("a.ipynb")
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": following.client})
    (one,) = live["executions"]
    assert (one["cell"], one["source"], one["status"]) == ("one", HELD, "SUCCESS")
    assert (one["outputs"][0], one["is_owned"]) == (STREAM, True)
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": following.client})
    assert live["executions"] == []
    _, result, _ = await call("GET", f"{notebook}/executions/{one['id']}")
    assert (result["output"], result["outputs_kept"]) == ("0\n1\n2\n3\n", True)


async def test_the_next_tab_follows_a_running_cell(opened, tab, listen, call, project) -> None:
    notebook = await opened("a.ipynb", one=HELD, two="2")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    request = await lab.send(HELD, "one")
    await lab.send("2", "two")
    await until(of("output", cell="one"))
    await lab.leave()
    following = await tab("a.ipynb", ready=False)
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": following.client})
    (one,) = live["executions"]
    assert (one["id"], one["status"], one["is_owned"]) == (request, "RUNNING", True)
    assert one["outputs"][0]["text"].startswith("0\n")
    assert live["queued"] == ["two"]
    # A third tab only watches.
    third = await tab("a.ipynb", ready=False)
    _, watched, _ = await call("POST", f"{notebook}/attach", {"session": third.client})
    assert [one["is_owned"] for one in watched["executions"]] == [False]
    (project.root / "go").touch()
    more = await listen(notebook, since=live["seq"])
    rest = await more(of("execution", "SUCCESS", cell="one"))
    text = "".join(m["output"].get("text", "") for m in rest if m["type"] == "output")
    assert one["outputs"][0]["text"] + text == STREAM["text"]


async def test_a_tab_without_a_connection_takes_nothing_over(run_and_leave, tab, call) -> None:
    notebook, _, lab = await run_and_leave(HELD)
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": "gone"})
    assert [one["is_owned"] for one in live["executions"]] == [False]
    # The tab that ran the cell comes back: it still is the one that saves the outputs.
    back = await tab("a.ipynb", lab.client, ready=False)
    following = await tab("a.ipynb", ready=False)
    for session, is_owned in ((following.client, False), (back.client, True)):
        _, live, _ = await call("POST", f"{notebook}/attach", {"session": session})
        assert [one["is_owned"] for one in live["executions"]] == [is_owned]


async def test_a_tab_that_comes_while_a_cell_ends_gets_it(
    run_and_leave, tab, call, project, monkeypatch
) -> None:
    is_ending, may_end = threading.Event(), threading.Event()
    record_end = History.end

    def end(*arguments: Any, **options: Any) -> None:
        is_ending.set()
        assert may_end.wait(60)
        record_end(*arguments, **options)

    monkeypatch.setattr(History, "end", end)
    notebook, until, _ = await run_and_leave(HELD)
    following = await tab("a.ipynb", ready=False)
    (project.root / "go").touch()
    assert await asyncio.to_thread(is_ending.wait, 60)
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": following.client})
    may_end.set()
    assert [(one["status"], one["is_owned"]) for one in live["executions"]] == [("SUCCESS", True)]
    await until(of("execution", "SUCCESS", cell="one"))


async def test_a_tab_that_lost_its_connection_gets_the_end(
    opened, tab, listen, call, project
) -> None:
    notebook = await opened("a.ipynb", one=HELD)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    request = await lab.send(HELD, "one")
    await until(of("output", cell="one"))
    await lab.leave()
    (project.root / "go").touch()
    await until(of("execution", "SUCCESS", cell="one"))
    again = await tab("a.ipynb", lab.client, ready=False)
    body = {"session": again.client, "waiting": [request]}
    _, live, _ = await call("POST", f"{notebook}/attach", body)
    (one,) = live["executions"]
    assert (one["id"], one["status"], one["execution_count"]) == (request, "SUCCESS", 1)
    assert one["outputs"][0] == STREAM
    # Asked again for it, it gets it again.
    _, live, _ = await call("POST", f"{notebook}/attach", body)
    assert [one["id"] for one in live["executions"]] == [request]


@pytest.mark.parametrize("comes_back", [False, True])
async def test_a_request_for_input_is_not_lost(
    opened, tab, listen, call, project, comes_back: bool
) -> None:
    code = f"{WAIT.format('go')}time.sleep(1)\nname = input('Name? ')\nprint('Hello', name)"
    notebook = await opened("a.ipynb", one=code)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.send(code, "one", stdin=True)
    await until(of("execution", "RUNNING"))
    await lab.leave()
    if comes_back:
        lab = await tab("a.ipynb", lab.client, ready=False)
    (project.root / "go").touch()
    await until(of("input", prompt="Name? ", password=False))
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": "next"})
    assert live["executions"][0]["prompt"] == {"prompt": "Name? ", "password": False}
    status, _, _ = await call("POST", f"{notebook}/input", {"value": "Ada"})
    assert status == 200
    messages = await until(of("execution", "SUCCESS"))
    texts = [m["output"]["text"] for m in messages if m["type"] == "output"]
    assert "".join(texts) == "Hello Ada\n"
    assert [m["type"] for m in messages].count("answered") == 1
    status, said, _ = await call("POST", f"{notebook}/input", {"value": "Ada"})
    assert (status, said["code"]) == (404, "20401")


async def test_updates_and_clears_reach_the_next_tab(opened, tab, listen, call, project) -> None:
    code = (
        "from IPython.display import clear_output, display\nprint('old')\n"
        "clear_output(wait=True)\nhandle = display('first', display_id='shown')\n"
        f"{WAIT.format('update')}handle.update('second')\nclear_output(wait=True)\n"
        f"{WAIT.format('end')}"
    )
    notebook = await opened("a.ipynb", one=code)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.send(code, "one")
    await until(lambda m: m.get("display_id") == "shown")
    await lab.leave()
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": "next"})
    (output,) = live["executions"][0]["outputs"]
    assert (output["display_id"], output["data"]["text/plain"]) == ("shown", "'first'")
    (project.root / "update").touch()
    update = (await until(of("update")))[-1]
    assert (update["display_id"], update["output"]["data"]["text/plain"]) == ("shown", "'second'")
    await until(of("clear", wait=True))
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": "next"})
    assert live["executions"][0]["clears_next"] is True
    assert live["executions"][0]["outputs"][0]["data"]["text/plain"] == "'second'"
    (project.root / "end").touch()
    await until(of("execution", "SUCCESS"))


async def test_too_much_output_says_so(opened, tab, listen, project, no_wait) -> None:
    code = f"{WAIT.format('go')}line = 'x' * 99 + '\\n'\nprint(line * 500_000)"
    notebook = await opened("a.ipynb", one=code)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.send(code, "one")
    await until(of("execution", "RUNNING"))
    await lab.leave()
    (project.root / "go").touch()
    await until(of("saved"))
    *_, note = outputs_of(project.root / "a.ipynb", "one")
    assert note["name"] == "stderr"
    assert "left out" in note["text"][0]
    assert (project.root / "a.ipynb").stat().st_size < 6_000_000


async def test_a_restart_ends_what_the_next_tab_follows(run_and_leave, tab, call) -> None:
    notebook, until, _ = await run_and_leave(HELD)
    following = await tab("a.ipynb", ready=False)
    _, live, _ = await call("POST", f"{notebook}/attach", {"session": following.client})
    (one,) = live["executions"]
    assert one["is_owned"] is True
    await call("POST", f"{notebook}/restart")
    ended = (await until(of("execution", "CANCELLED")))[-1]
    assert ended["cell"] == "one"
    body = {"session": following.client, "waiting": [one["id"]]}
    _, live, _ = await call("POST", f"{notebook}/attach", body)
    assert [one["status"] for one in live["executions"]] == ["CANCELLED"]


async def test_bad_requests_name_the_field(opened, call) -> None:
    notebook = await opened("a.ipynb", one="1")
    status, said, _ = await call("POST", f"{notebook}/attach", {"waiting": []})
    assert (status, said["errors"][0]["field"]) == (400, "session")
    status, live, _ = await call("POST", f"{notebook}/attach", {"session": "x"})
    assert (status, live["executions"], live["queued"]) == (200, [], [])
    status, said, _ = await call("POST", "none/attach", {"session": "x"})
    assert (status, said["code"]) == (404, "20401")
