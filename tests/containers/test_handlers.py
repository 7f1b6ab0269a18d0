"""What a lab says of containers where no Hub started it, or where the Hub does not answer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlws.containers.manager import ContainerManager, hub_service
from mlws.core.errors import MLWSError

WISH = {"image": "python:3.8", "resources": {"cpu": "1", "memory": "2Gi"}}
EVERY = [
    ("GET", "containers", None),
    ("POST", "containers", WISH),
    ("GET", "containers/ada--default", None),
    ("DELETE", "containers/ada--default", None),
    ("POST", "containers/ada--default/start", {}),
    ("POST", "containers/ada--default/stop", {}),
    ("GET", "resources", None),
    ("POST", "resources/allocate", {"resources": WISH["resources"]}),
]


@pytest.fixture
def failing(fetch):
    """Fetch what must fail; the status and the body of its answer."""

    async def ask(verb: str, path: str, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        sent = None if body is None else json.dumps(body)
        with pytest.raises(HTTPClientError) as error:
            await fetch(
                "mlws", "api", "v1", *path.split("/"), method=verb, body=sent, headers=headers
            )
        assert error.value.response is not None
        return error.value.code, json.loads(error.value.response.body)

    return ask


@pytest.mark.parametrize(("verb", "path", "body"), EVERY)
async def test_without_a_hub_it_says_how_to_start_one(
    verb: str, path: str, body: Any, failing
) -> None:
    status, said = await failing(verb, path, body)
    assert (status, said["code"]) == (503, "10103")
    assert "make hub" in said["solution"]


async def test_the_same_in_chinese(failing) -> None:
    _, said = await failing("GET", "resources", None, **{"Accept-Language": "zh-CN"})
    assert said["message"] == "此功能需要 JupyterHub，但当前不可用。"


async def test_every_field_at_fault_is_named_before_the_hub_is_asked(failing) -> None:
    wish = {
        "resources": {"cpu": "two", "memory": "4 GB", "gpu": "1.5"},
        "environment": {"JUPYTERHUB_API_TOKEN": "x"},
        "name": "Not A Name",
        "priority": 1000,
    }
    status, said = await failing("POST", "containers", wish)
    assert (status, said["code"]) == (400, "50201")
    assert {row["field"] for row in said["errors"]} == {
        "resources.cpu",
        "resources.memory",
        "resources.gpu",
        "environment",
        "name",
        "priority",
    }
    _, said = await failing("POST", "containers", wish, **{"Accept-Language": "zh-CN"})
    sentences = {row["field"]: row["message"] for row in said["errors"]}
    assert sentences["resources.cpu"] == '不是有效的数量；请使用 "2", "500m" 这样的值'
    assert all(re.search("[\u4e00-\u9fff]", sentence) for sentence in sentences.values())


@pytest.mark.parametrize("path", ["containers/status", "logs/ada--default"])
async def test_streams_close_with_the_code_without_a_hub(path: str, ws_fetch) -> None:
    socket = await ws_fetch("mlws", "api", "v1", *path.split("/"))
    assert await socket.read_message() is None
    assert (socket.close_code, socket.close_reason) == (4503, "10103")


def test_a_hub_that_is_gone_is_told_as_such() -> None:
    service = hub_service(
        {"MLWS_SERVICE_URL": "http://127.0.0.1:1", "JUPYTERHUB_API_TOKEN": "not-a-token"}
    )
    assert service is not None
    with pytest.raises(MLWSError) as refused:
        ContainerManager(service).create_container(WISH)
    assert refused.value.code == "50102"
    assert "not-a-token" not in str(refused.value)


def test_the_service_is_below_the_hubs_own_address() -> None:
    service = hub_service(
        {
            "MLWS_SERVICE_URL": "http://198.18.0.1:8200",
            "JUPYTERHUB_BASE_URL": "/lab/",
            "JUPYTERHUB_API_TOKEN": "not-a-token",
        }
    )
    assert service is not None
    assert service.url == "http://198.18.0.1:8200/lab/services/mlws/"
    assert hub_service({}) is None
