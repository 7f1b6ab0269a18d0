"""What holds of every endpoint: who may use it, what it refuses, what the contract says of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.api.streams import StreamHandler
from jupyter_mlws.routes import ROUTES

VERBS = ("get", "post", "put", "patch", "delete")
REST = [
    (pattern, verb)
    for pattern, handler in ROUTES
    if not issubclass(handler, StreamHandler)
    for verb in VERBS
    if hasattr(getattr(handler, verb, None), "endpoint")
    or (pattern, verb) == (r"openapi\.json", "get")
]
WITH_BODY = [
    (pattern, verb)
    for pattern, handler in ROUTES
    for verb in VERBS
    if getattr(getattr(getattr(handler, verb, None), "endpoint", None), "body", None)
]
STREAMS = [pattern for pattern, handler in ROUTES if issubclass(handler, StreamHandler)]
LANGUAGES = ("en", "zh-CN")


def _path(pattern: str) -> str:
    return "mlws/api/v1/" + re.sub(r"\([^)]*\)", "x", pattern).replace("\\", "")


@pytest.fixture
def failing(fetch):
    """Fetch what must fail; the status and the body of its answer."""

    async def ask(*args: Any, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        with pytest.raises(HTTPClientError) as error:
            await fetch(*args, **kwargs)
        assert error.value.response is not None
        return error.value.code, json.loads(error.value.response.body)

    return ask


def is_chinese(text: str) -> bool:
    return re.search(r"[\u4e00-\u9fff]", text) is not None


@pytest.mark.parametrize(("pattern", "verb"), REST)
async def test_the_unauthenticated_are_refused(pattern: str, verb: str, failing) -> None:
    body = "{}" if verb in ("post", "put", "patch") else None
    for language in LANGUAGES:
        status, said = await failing(
            *_path(pattern).split("/"),
            token=None,
            method=verb.upper(),
            body=body,
            headers={"Accept-Language": language},
        )
        assert (status, said["code"]) == (403, "50301")
        for words in (said["message"], said["solution"]):
            assert is_chinese(words) == (language == "zh-CN")


@pytest.mark.parametrize("pattern", STREAMS)
async def test_streams_refuse_the_unauthenticated(pattern: str, ws_fetch) -> None:
    with pytest.raises(HTTPClientError) as error:
        await ws_fetch(*_path(pattern).split("/"), token=None)
    assert error.value.code == 403


@pytest.mark.parametrize(("pattern", "verb"), WITH_BODY)
@pytest.mark.parametrize(
    ("body", "field"),
    [("{not json", ""), ("[1, 2]", ""), ('{"no_such_field": 1}', "no_such_field")],
)
async def test_a_malformed_body_is_refused_with_its_fault(
    pattern: str, verb: str, body: str, field: str, failing
) -> None:
    for language in LANGUAGES:
        status, said = await failing(
            *_path(pattern).split("/"),
            method=verb.upper(),
            body=body,
            headers={"Accept-Language": language},
        )
        assert (status, said["code"]) == (400, "50201")
        assert field in [row["field"] for row in said["errors"]]
        for words in (said["message"], *(row["message"] for row in said["errors"])):
            assert is_chinese(words) == (language == "zh-CN")


@pytest.mark.parametrize(("pattern", "verb"), [row for row in REST if "openapi" not in row[0]])
async def test_every_unknown_query_parameter_is_named(pattern: str, verb: str, failing) -> None:
    for language in LANGUAGES:
        status, said = await failing(
            *_path(pattern).split("/"),
            method=verb.upper(),
            body="{}" if verb in ("post", "put", "patch") else None,
            params={"limits": "3", "colour": "red"},
            headers={"Accept-Language": language},
        )
        assert (status, said["code"]) == (400, "50201")
        assert {"limits", "colour"} <= {row["field"] for row in said["errors"]}
        for words in (said["message"], *(row["message"] for row in said["errors"])):
            assert is_chinese(words) == (language == "zh-CN")


async def test_errors_speak_the_readers_language(failing) -> None:
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    _, said = await failing("mlws/api/v1/projects", params={"x": "1"}, headers=chinese)
    assert said["message"] == "请求无效。"
    assert said["errors"][0]["message"] == "未知字段"


async def test_success_speaks_the_readers_language(fetch) -> None:
    answer = await fetch("mlws/api/v1/projects", headers={"Accept-Language": "zh"})
    body = json.loads(answer.body)
    assert (body["code"], body["message"]) == (200, "操作成功")
    answer = await fetch("mlws/api/v1/projects", headers={"Accept-Language": "fr, de;q=0.5"})
    assert json.loads(answer.body)["message"] == "OK"


async def test_what_is_not_there_is_told_in_the_envelope(failing) -> None:
    assert (await failing("mlws/api/v1/nothing/here"))[1]["code"] == "50401"
    assert (await failing("mlws/api/v1/projects", method="DELETE"))[1]["code"] == "50202"
    status, said = await failing("mlws/api/v1/snapshots", params={"project": "nowhere"})
    assert (status, said["code"]) == (404, "50402")
    status, said = await failing("mlws/api/v1/snapshots", params={"project": "..~1.."})
    assert (status, said["code"]) == (403, "50302")


async def test_the_contract_names_every_endpoint_and_resolves(fetch) -> None:
    contract = json.loads((await fetch("mlws/api/v1/openapi.json")).body)
    assert contract["openapi"].startswith("3.1")
    verbs = {(path, verb) for path, rows in contract["paths"].items() for verb in rows}
    assert len(verbs) == len(REST) + len(STREAMS)
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(contract)))
    assert references <= set(contract["components"]["schemas"])
    for path, rows in contract["paths"].items():
        for operation in rows.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))


@pytest.mark.parametrize(("pattern", "verb"), REST)
async def test_names_that_no_file_can_have_are_refused(pattern: str, verb: str, fetch) -> None:
    body = "{}" if verb in ("post", "put", "patch") else None
    long = "x" * 300
    path = "mlws/api/v1/" + re.sub(r"\([^)]*\)", long, pattern).replace("\\", "")
    for query in ({}, {"project": long}, {"project": f"{long}/y"}):
        answer = await fetch(
            *path.split("/"),
            method=verb.upper(),
            body=body,
            params=query,
            raise_error=False,
        )
        assert answer.code < 500 or json.loads(answer.body)["code"] == "10103"
        assert answer.body


@pytest.mark.parametrize(("pattern", "verb"), WITH_BODY)
@pytest.mark.parametrize("text", [r"\ud800", r"a\udce9b"])
async def test_text_that_is_no_unicode_is_refused(
    text: str, pattern: str, verb: str, failing
) -> None:
    status, said = await failing(
        *_path(pattern).split("/"),
        method=verb.upper(),
        body=f'{{"a": [1, {{"b": "{text}"}}], "{text}": 1}}',
    )
    assert (status, said["code"]) == (400, "50201")
    assert [fault["field"] for fault in said["errors"]] == ["a.1.b", ""]
