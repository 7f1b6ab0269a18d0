"""A server whose extension for the ids of files cannot be loaded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError


@pytest.fixture
def jp_server_config(jp_server_config: dict[str, Any]) -> dict[str, Any]:
    return {**jp_server_config, "BaseFileIdManager": {"db_path": "/no/such/folder/ids.db"}}


async def test_all_but_notebooks_works(jp_fetch) -> None:
    for path in ("projects", "git/status", "workflows"):
        assert (await jp_fetch(f"mlws/api/v1/{path}")).code == 200
    with pytest.raises(HTTPClientError) as error:
        await jp_fetch("mlws/api/v1/notebooks/unknown")
    assert error.value.response is not None
    assert json.loads(error.value.response.body)["code"] == "50101"
