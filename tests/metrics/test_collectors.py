"""The lab's numbers by a real server: what has run, and who may read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPClientError

METRICS = "mlws/api/v1/metrics"


def numbers(text: str) -> dict[tuple[str, str], float]:
    """(name, value of its own label) → value."""
    return {
        (sample.name, sample.labels.get("status") or sample.labels.get("state") or ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels and sample.name.startswith("mlws_lab")
    }


async def test_executions_runs_kernels_and_commits_are_counted(jp_fetch: Any) -> None:
    made = await jp_fetch("mlws/api/v1/notebooks", method="POST", body='{"path": "n.ipynb"}')
    notebook = made.headers["Location"].rpartition("/")[2]
    place = f"mlws/api/v1/notebooks/{notebook}/execute"
    await jp_fetch(place, method="POST", body='{"code": "1"}', request_timeout=60)
    with pytest.raises(HTTPClientError):
        await jp_fetch(place, method="POST", body='{"code": "1/0"}', request_timeout=60)
    # A project counts from when it is used.
    await jp_fetch("mlws/api/v1/git/status")
    answer = await jp_fetch(METRICS)
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.body.decode()
    found = numbers(text)
    assert found["mlws_lab_execution_seconds_count", "SUCCESS"] == 1
    assert found["mlws_lab_execution_seconds_count", "ERROR"] == 1
    assert found["mlws_lab_kernels", "idle"] == 1
    assert found["mlws_lab_commits", ""] == 1
    assert "http_request_duration_seconds_bucket" in text
    sessions = await jp_fetch("api/sessions")
    for row in json.loads(sessions.body):
        await jp_fetch("api/sessions", row["id"], method="DELETE")


async def test_nobody_else_reads_them(jp_serverapp: Any, http_server_client: Any) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await http_server_client.fetch(f"{jp_serverapp.base_url}{METRICS}")
    assert refused.value.code == 403
