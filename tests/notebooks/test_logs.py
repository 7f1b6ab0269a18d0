"""The log: everything in one place, filtered, followed and downloaded."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.logs import store as module
from jupyter_mlws.logs.entries import Entry, Source, mask_secrets
from jupyter_mlws.logs.models import LogFilter
from jupyter_mlws.logs.store import LogStore, ServerLog

pytestmark = pytest.mark.kernel

CRASH = "import ctypes, faulthandler\nfaulthandler.enable()\nctypes.string_at(0)"
WORKFLOW = "stages:\n  say:\n    cmd: echo words of the node\n  fail:\n    cmd: exit 3\n"


@pytest.fixture
def logs(jp_fetch):
    """Read the log: ``logs(source="kernel")`` → its page."""

    async def read(**query):
        return json.loads((await jp_fetch("mlws/api/v1/logs", params=query)).body)["data"]

    return read


@pytest.fixture
def tail(jp_ws_fetch):
    """Follow the log: ``tail("local", since=0)`` → a function that reads until a text comes."""

    async def follow(identifier, **query):
        socket = await jp_ws_fetch("mlws/api/v1/logs", identifier, params=query)
        assert json.loads(await socket.read_message())["type"] == "hello"

        async def until(text):
            lines = []
            while not lines or text not in lines[-1]["message"]:
                lines.append(json.loads(await socket.read_message()))
            return lines

        return until

    return follow


async def test_executions_kernels_and_the_server_are_in_one_log(
    opened, run, logs, tail, jp_serverapp
) -> None:
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_mlws"]
    # pytest-jupyter takes away the handlers that a server has.
    jp_serverapp.log.addHandler(app._server_log)
    notebook = await opened("a.ipynb", one="x = 1", two="1 / 0")
    until = await tail("local", since=0)
    await run(notebook, all=True)
    jp_serverapp.log.warning("a warning with token=abc123 in it")
    lines = await until("a warning")
    assert "abc123" not in json.dumps(lines)
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)
    page = await logs(source="execution")
    failed, well = page["items"]
    assert well["message"].startswith("a.ipynb, cell one: SUCCESS in ")
    assert (failed["level"], failed["subject"]) == ("error", notebook)
    assert failed["ecs"]["error.type"] == "ZeroDivisionError"
    assert failed["ecs"]["event.dataset"] == "mlws.execution"
    assert failed["ecs"]["event.outcome"] == "failure"
    assert failed["ecs"]["event.duration"] > 0
    (started,) = (await logs(source="kernel", q="was started"))["items"]
    assert started["ecs"]["event.action"] == "start"
    (warned,) = (await logs(source="server", level="warning", q="A WARNING"))["items"]
    assert warned["ecs"]["log.logger"] == "ServerApp"


async def test_what_a_kernel_writes_past_jupyter_is_there(create, run, tail) -> None:
    notebook = (await create())["id"]
    until = await tail("kernel", since=0)
    status, said = await run(notebook, code=CRASH)
    assert (status, said["code"]) == (500, "20101")
    lines = await until("Segmentation fault")
    assert lines[-1]["level"] == "error"
    assert {line["source"] for line in lines} == {"kernel"}


async def test_nodes_of_workflows_are_there(logs, tail, jp_fetch, project) -> None:
    (project.root / "dvc.yaml").write_text(WORKFLOW)
    until = await tail("node", since=0)
    body = json.dumps({"keep_going": True})
    await jp_fetch("mlws/api/v1/workflows/dvc.yaml/execute", method="POST", body=body)
    lines = [*await until("fail: FAILED")]
    if not any("words of the node" in line["message"] for line in lines):
        lines.extend(await until("words of the node"))
    assert {line["level"] for line in lines if "FAILED" in line["message"]} == {"error"}
    page = await logs(source="node", q="words of the node", level="info")
    assert {line["subject"].rsplit("/")[-1] for line in page["items"]} == {"say"}


async def test_the_log_is_downloaded_as_json_lines(run, create, jp_fetch) -> None:
    notebook = (await create())["id"]
    await run(notebook, code="1")
    answer = await jp_fetch("mlws/api/v1/logs/download", params={"source": "execution"})
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert "attachment" in answer.headers["Content-Disposition"]
    (row,) = map(json.loads, answer.body.decode().splitlines())
    assert row["message"].startswith("Untitled.ipynb: SUCCESS")
    assert set(row) >= {"@timestamp", "log.level", "message", "ecs.version", "event.dataset"}
    empty = await jp_fetch("mlws/api/v1/logs/download", params={"q": "no such line"})
    assert empty.headers["Content-Type"].startswith("application/x-ndjson")
    assert empty.body == b""


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"level": "loud"}, "level"),
        ({"source": "moon"}, "source.0"),
        ({"since": "soon"}, "since"),
        ({"cursor": "x"}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_bad_filters_are_named(query, field, logs) -> None:
    with pytest.raises(HTTPClientError) as caught:
        await logs(**query)
    assert caught.value.code == 400
    said = json.loads(caught.value.response.body)
    assert [row["field"] for row in said["errors"]] == [field]


async def test_a_stream_with_a_bad_filter_is_closed(jp_ws_fetch) -> None:
    socket = await jp_ws_fetch("mlws/api/v1/logs", "local", params={"level": "loud"})
    assert await socket.read_message() is None
    assert (socket.close_code, socket.close_reason) == (4000, "50201")


def test_it_is_kept_within_its_bound_and_paged(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_LOG_LINES", 100)
    store = LogStore(tmp_path / "logs.sqlite")
    for number in range(300):
        level = "error" if number % 10 == 0 else "info"
        store.add(Entry(Source.SERVER, level, f"line {number}", time=float(number)))
    store.flush()
    first = store.page(LogFilter(), 10)
    assert [entry.message for entry in first] == [f"line {n}" for n in range(299, 289, -1)]
    second = store.page(LogFilter(), 10, first[-1].seq)
    assert second[0].message == "line 289"
    assert [e.message for e in store.page(LogFilter(level="error"), 2)] == ["line 290", "line 280"]
    assert [e.message for e in store.page(LogFilter(since=295, until=297), 9)] == [
        "line 296",
        "line 295",
    ]
    store.add(Entry(Source.KERNEL, "info", "one more"))
    store.flush()
    assert len(store.after(LogFilter(), 0, 1000)) <= 201
    assert [e.message for e in store.page(LogFilter(source=[Source.KERNEL]), 9)] == ["one more"]
    store.close()


def test_credentials_are_masked() -> None:
    assert "s3cr3t" not in mask_secrets(
        "password=s3cr3t, Authorization: token s3cr3t, Bearer s3cr3t"
    )
    assert mask_secrets("tokens are counted: 5") == "tokens are counted: 5"


def test_a_line_whose_arguments_do_not_fit_is_kept(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "logs.sqlite")
    record = logging.LogRecord("x", logging.CRITICAL, "f.py", 1, "%d apples", ("no",), None)
    ServerLog(store).emit(record)
    store.flush()
    assert [(e.level, e.message) for e in store.page(LogFilter(), 9)] == [("error", "%d apples")]
    store.close()
