"""Variables of a kernel: what they are, and that looking at them changes nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.notebooks.conftest import of

pytestmark = pytest.mark.kernel

SETUP = """\
import numpy as np, pandas as pd
count, name, nothing = 3, 'x' * 500, None
nested = {'a': [1, 2, {'b': object()}], 'long': list(range(100))}
frame = pd.DataFrame({'price': range(1000), 'fruit': 'apple'})
series = frame['price']
array = np.zeros((20, 30), dtype='float32')
class Loud:
    shown = 0
    def __repr__(self):
        Loud.shown += 1
        raise SystemExit('repr was called')
    __str__ = __len__ = __getattr__ = __repr__
loud = Loud()
listed = [loud]
def function(): pass
_private = 1
"""


async def test_names_types_shapes_and_previews(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one=SETUP)
    status, before, _ = await call("GET", f"{notebook}/variables")
    assert (status, before["is_available"]) == (200, False)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run(SETUP, "one")
    await until(of("execution", "SUCCESS"))
    _, answer, _ = await call("GET", f"{notebook}/variables")
    rows = {row["name"]: row for row in answer["items"]}
    assert list(rows) == [
        "count",
        "name",
        "nothing",
        "nested",
        "frame",
        "series",
        "array",
        "loud",
        "listed",
    ]
    assert rows["count"]["preview"] == "3"
    assert (rows["name"]["shape"], len(rows["name"]["preview"])) == ([500], 120)
    assert rows["nested"]["preview"] == "{'a': [1, 2, {'b': <object>}], 'long': [0, 1, 2, 3, …]}"
    frame = rows["frame"]
    assert (frame["type"], frame["shape"], frame["preview"]) == (
        "DataFrame",
        [1000, 2],
        "price, fruit",
    )
    assert frame["memory"] > 8000
    assert (rows["series"]["shape"], rows["series"]["preview"]) == ([1000], "int64")
    assert (rows["array"]["shape"], rows["array"]["memory"]) == ([20, 30], 2400)
    assert (rows["loud"]["type"], rows["loud"]["preview"]) == ("Loud", "")
    assert rows["listed"]["preview"] == "[<Loud>]"
    # Nothing was called, counted or left behind.
    reply = await lab.run("assert Loud.shown == 0 and '_mlws_kernel_helper' not in dir()")
    assert (reply["status"], reply["execution_count"]) == ("ok", 2)
    await until(of("execution", "SUCCESS"))
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert len(page["items"]) == 2


async def test_a_busy_kernel_is_not_asked(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one="1")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run("early = 1", "one")
    await until(of("execution", "SUCCESS"))
    await call("GET", f"{notebook}/variables")
    await lab.send("import time\nlate = 2\nprint('on')\ntime.sleep(30)", "one")
    await until(of("output"))
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert [row["name"] for row in answer["items"]] == ["early"]
    assert (answer["is_available"], answer["is_busy"]) == (True, True)
    await call("POST", f"{notebook}/interrupt")
    await until(of("execution", "CANCELLED"))
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert [row["name"] for row in answer["items"]] == ["early", "late"]
    # Another process has none of them.
    await call("POST", f"{notebook}/restart")
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert (answer["items"], answer["total"]) == ([], 0)


TABLE = {"offset": 0, "limit": 2}


async def test_a_frame_is_read_by_page_while_cells_run(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one=SETUP)
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run(SETUP, "one")
    await until(of("execution", "SUCCESS"))
    frame = f"{notebook}/variables/frame"
    status, page, _ = await call("POST", f"{frame}/table", {**TABLE, "sort": "price"})
    assert (status, page["rows"], page["row_count"]) == (
        200,
        [[0, 0, "apple"], [1, 1, "apple"]],
        1000,
    )
    more = {"filters": [{"column": "price", "operator": "greater", "value": "997"}]}
    _, page, _ = await call("POST", f"{frame}/table", {**TABLE, **more})
    assert (page["rows"][0], page["match_count"]) == ([998, 998, "apple"], 2)
    _, facts, _ = await call("POST", f"{frame}/statistics", {"column": "price"})
    assert (facts["max"], len(facts["bins"])) == (999, 20)
    _, page, _ = await call("POST", f"{notebook}/variables/array/table", {**TABLE, "sort": "7"})
    assert (page["shape"], page["columns"][1]) == ([20, 30], {"name": "0", "dtype": "float32"})
    _, items, _ = await call("POST", f"{notebook}/variables/nested/items", {"path": [1]})
    assert (items["total"], items["items"][2]["preview"]) == (100, "2")
    # It is another value now.
    reply = await lab.run("frame = frame[::-1]\nassert Loud.shown == 0", "one")
    assert (reply["status"], reply["execution_count"]) == ("ok", 2)
    await until(of("execution", "SUCCESS"))
    _, page, _ = await call("POST", f"{frame}/table", TABLE)
    assert page["rows"][0] == [999, 999, "apple"]
    await lab.send("import time\nprint('on')\ntime.sleep(30)", "one")
    await until(of("output"))
    status, error, _ = await call("POST", f"{frame}/table", TABLE)
    assert (status, error["code"]) == (409, "20105")
    await call("POST", f"{notebook}/interrupt")
    await until(of("execution", "CANCELLED"))
    status, _, _ = await call("POST", f"{frame}/table", TABLE)
    assert status == 200


async def test_what_cannot_be_shown_says_why(opened, tab, listen, call) -> None:
    notebook = await opened("a.ipynb", one=SETUP)
    status, error, _ = await call("POST", f"{notebook}/variables/frame/table", TABLE)
    assert (status, error["code"]) == (404, "20401")
    until = await listen(notebook)
    lab = await tab("a.ipynb")
    await lab.run(SETUP, "one")
    await until(of("execution", "SUCCESS"))
    for name, body, expected in (
        ("other", TABLE, (404, "20401")),
        ("loud", TABLE, (422, "20206")),
        ("frame", {**TABLE, "sort": "none"}, (422, "20206")),
        ("frame", {**TABLE, "limit": 0}, (400, "50201")),
    ):
        status, error, _ = await call("POST", f"{notebook}/variables/{name}/table", body)
        assert (status, error["code"]) == expected


async def test_another_language_is_read_through_its_debugger(
    opened, tab, listen, call, jp_data_dir: Path
) -> None:
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = jp_data_dir / "kernels" / "other"
    spec.mkdir(parents=True)
    metadata = {"debugger": True}
    facts = {"argv": argv, "display_name": "Other", "language": "other", "metadata": metadata}
    (spec / "kernel.json").write_text(json.dumps(facts))
    notebook = await opened("a.ipynb", one="1")
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert (answer["is_available"], answer["reason"]) == (False, "no_kernel")
    until = await listen(notebook)
    lab = await tab("a.ipynb", kernel="other")
    await lab.run("count = 3\nname = 'x' * 500\nnested = {'a': [1]}\ndef function(): pass", "one")
    await until(of("execution", "SUCCESS"))
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert (answer["is_available"], answer["reason"]) == (False, "debugger_off")
    # The listing has not turned it on.
    assert (await lab.debug("debugInfo"))["isStarted"] is False

    await lab.debug("initialize", clientID="test", adapterID="", linesStartAt1=True)
    await lab.debug("attach")
    _, answer, _ = await call("GET", f"{notebook}/variables")
    rows = {row["name"]: row for row in answer["items"]}
    assert list(rows) == ["count", "name", "nested"]
    assert (rows["count"]["type"], rows["count"]["preview"]) == ("int", "3")
    assert (rows["name"]["type"], len(rows["name"]["preview"])) == ("str", 120)
    assert (answer["is_available"], answer["reason"], answer["total"]) == (True, None, 3)
    status, error, _ = await call("POST", f"{notebook}/variables/nested/items", {})
    assert (status, error["code"]) == (404, "20401")

    # A cell that stands at a breakpoint is not disturbed.
    code = "count = 4\ncount = 5"
    path = (await lab.debug("dumpCell", code=code))["sourcePath"]
    await lab.debug("setBreakpoints", source={"path": path}, breakpoints=[{"line": 2}])
    await lab.debug("configurationDone")
    await lab.send(code, "one")
    stopped = await lab.event("stopped")
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert answer["is_busy"]
    assert answer["items"][0]["preview"] == "3"
    await lab.debug("continue", threadId=stopped["threadId"])
    await until(of("execution", "SUCCESS"))
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert answer["items"][0]["preview"] == "5"
    await lab.debug("disconnect")


async def test_a_kernel_without_a_debugger_says_so(
    opened, tab, listen, call, jp_data_dir: Path
) -> None:
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    spec = jp_data_dir / "kernels" / "bash"
    spec.mkdir(parents=True)
    facts = {"argv": argv, "display_name": "Bash", "language": "bash"}
    (spec / "kernel.json").write_text(json.dumps(facts))
    notebook = await opened("a.ipynb", one="1")
    until = await listen(notebook)
    lab = await tab("a.ipynb", kernel="bash")
    await lab.run("count=3", "one")
    await until(of("execution", "SUCCESS"))
    _, answer, _ = await call("GET", f"{notebook}/variables")
    assert (answer["is_available"], answer["reason"]) == (False, "unsupported")
    reply = await lab.run("echo $count", "one")
    assert (reply["status"], reply["execution_count"]) == ("ok", 2)
