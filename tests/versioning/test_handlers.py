"""The endpoints of code and snapshots, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from mlws.core.project import Project

API = "mlws/api/v1"
MESSAGE = '训练：第一版 "quoted"'


@pytest.fixture
def fetch(fetch):
    """Fetch below the API: the status, the data and the headers of the answer."""

    async def call(path: str, body: Any = None, /, **query: Any) -> tuple[int, Any, Any]:
        more = {} if body is None else {"method": "POST", "body": json.dumps(body)}
        answer = await fetch(API, path, params=query, request_timeout=60, **more)
        return answer.code, json.loads(answer.body)["data"], answer.headers

    return call


@pytest.fixture
def refused(fetch):
    """Fetch what must fail: the status and the code."""

    async def call(path: str, body: Any = None, /, **query: Any) -> tuple[int, str]:
        with pytest.raises(HTTPClientError) as error:
            await fetch(path, body, **query)
        assert error.value.response is not None
        return error.value.code, json.loads(error.value.response.body)["code"]

    return call


async def test_the_way_of_a_person(fetch, workspace: Project) -> None:
    root = workspace.root
    (root / "train.py").write_text("print('two')\n")
    (root / "data" / "wine.csv").write_text("a,b\n3,4\n")
    _, status, _ = await fetch("git/status")
    assert status["branch"] == "main"
    assert {(c["path"], c["kind"]) for c in status["changes"]} == {
        ("train.py", "code"),
        ("data/wine.csv", "data"),
    }
    for path, found in (("train.py", "train.py"), ("data", "data/wine.csv"), ("none", None)):
        _, part, _ = await fetch("git/status", paths=path)
        assert [change["path"] for change in part["changes"]] == ([found] if found else [])
        assert part["head"] == status["head"]
    _, diff, _ = await fetch("git/diff", path="train.py")
    assert diff["new"] == "print('two')\n"
    _, files, _ = await fetch("git/diff")
    assert [row["path"] for row in files["files"]] == ["data/wine.csv", "train.py"]

    code, made, headers = await fetch("snapshots", {"message": MESSAGE})
    assert code == 201
    assert made["subject"] == MESSAGE
    assert headers["Location"].endswith(f"/{API}/snapshots/{made['id']}")
    _, page, _ = await fetch("snapshots", limit=1)
    assert [item["id"] for item in page["items"]] == [made["id"]]
    _, following, _ = await fetch("snapshots", limit=1, cursor=page["next_cursor"])
    assert following["items"][0]["subject"] == "Code and data"
    _, one, _ = await fetch(f"snapshots/{made['id']}")
    assert one["proof"]["data_local"] is True
    assert len(one["changes"]) == 2

    base = made["parents"][0]
    _, plan, _ = await fetch(f"snapshots/{base}/restore-plan", paths="train.py")
    assert plan["code"] == [{"path": "train.py", "action": "write"}]
    _, compared, _ = await fetch("snapshots/diff", **{"from": base, "to": made["id"]})
    assert compared["data"][0]["path"] == "data/wine.csv"
    assert set(compared) == {"files", "data", "metrics", "params", "environments"}
    code, operation, headers = await fetch(f"snapshots/{base}/restore", {})
    assert code == 202
    assert headers["Location"].endswith(f"/operations/{operation['id']}")
    while operation["state"] in ("PENDING", "RUNNING"):
        _, operation, _ = await fetch(f"operations/{operation['id']}")
    assert operation["state"] == "COMPLETED", operation
    assert "data/wine.csv" in operation["result"]["restored"]
    assert (root / "train.py").read_text() == "print('one')\n"
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"


async def test_commits_in_the_words_of_the_specification(fetch, workspace: Project) -> None:
    (workspace.root / "train.py").write_text("x\n")
    code, made, _ = await fetch("git/commit", {"message": MESSAGE, "paths": ["train.py"]})
    assert code == 201
    assert made["message"].startswith(MESSAGE)
    assert made["author"] == "Test Person <person@example.com>"
    assert made["changes"][0]["path"] == "train.py"
    _, page, _ = await fetch("git/history", q="第一版")
    assert [item["commit_id"] for item in page["items"]] == [made["commit_id"]]


@pytest.mark.parametrize(
    ("path", "body", "query", "expected"),
    [
        ("snapshots", {"message": "x"}, {}, (400, "30203")),
        ("snapshots", {"message": "  "}, {}, (400, "50201")),
        ("snapshots", {"message": "x", "paths": []}, {}, (400, "50201")),
        ("snapshots", {"message": "x", "paths": ["../y"]}, {}, (403, "50302")),
        ("snapshots/no-such", None, {}, (404, "30404")),
        ("snapshots/no-such/restore", {}, {}, (404, "30404")),
        ("snapshots/HEAD/restore", {"paths": ["/etc"]}, {}, (403, "50302")),
        ("snapshots/HEAD/restore-plan", None, {"paths": ".git/config"}, (403, "50302")),
        ("snapshots", None, {"cursor": "x.y"}, (404, "30404")),
        ("snapshots", None, {"limit": "501"}, (400, "50201")),
        ("snapshots/diff", None, {}, (400, "50201")),
        ("git/diff", None, {"path": "../../etc/passwd"}, (403, "50302")),
        ("git/diff", None, {"from": "--output=x"}, (404, "30404")),
        ("git/history", None, {"ref": "--all"}, (404, "30404")),
        ("snapshots", None, {"path": "../x"}, (403, "50302")),
        ("snapshots", None, {"cursor": "HEAD.99999999999999999999"}, (404, "30404")),
        ("snapshots", {"message": "a\0b"}, {}, (400, "50201")),
        ("snapshots", {"message": "a\ud800b"}, {}, (400, "50201")),
        ("snapshots", {"message": "x", "paths": ["a/../.."]}, {}, (403, "50302")),
        ("snapshots", {"message": "x", "paths": ["data/..", ".git"]}, {}, (403, "50302")),
        ("snapshots", {"message": "x", "paths": ["data/..", "./train.py"]}, {}, (400, "30203")),
        ("git/diff", None, {"path": "no-such-file"}, (404, "30404")),
        ("git/diff", None, {"to": "no-such"}, (404, "30404")),
    ],
)
async def test_what_is_refused(path, body, query, expected, refused, workspace: Project) -> None:
    assert await refused(path, body, **query) == expected


async def test_names_that_are_no_text_do_not_break_the_answer(fetch, workspace: Project) -> None:
    import os

    (workspace.root / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    _, status, _ = await fetch("git/status")
    assert [c["path"] for c in status["changes"]] == ["caf\ufffd.txt"]
    _, files, _ = await fetch("git/diff")
    assert [row["path"] for row in files["files"]] == ["caf\ufffd.txt"]
    _, made, _ = await fetch("snapshots", {"message": "odd"})
    assert made["stats"]["code"] == 1
