"""The guard of the disk on a real Hub and Docker: quotas while labs run, and the reserve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.hub.docker_engine import LIGHT
from tests.hub.installation import ADMINISTRATOR, Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

WRITER, OTHER = "sybil", "selma"
PEOPLE = (WRITER, OTHER)
SETTINGS = {
    "images": {"Light": LIGHT},
    "default_image": "Light",
    "default_resources": {"cpu": "500m", "memory": "512Mi"},
    "home_quota": "32Mi",
    "home_quota_grace": 2,
    "storage_interval": 0.5,
}
Data = dict[str, Any]


def notices(hub: Hub, user: str) -> list[Data]:
    answer = hub.service("GET", "notices", user)
    assert answer.ok, answer.text
    items: list[Data] = answer.json()["data"]["items"]
    return items


def waits_for(hub: Hub, user: str, expected: Callable[[list[Data]], bool]) -> list[Data]:
    last: list[Data] = []

    def is_there() -> bool:
        last[:] = notices(hub, user)
        return expected(last)

    hub.wait_for(is_there, "the notice")
    return last


@pytest.mark.slow(reason="starts real containers")
def test_a_home_that_outgrows_its_quota_while_the_lab_runs_is_rescued(hub: Hub) -> None:
    identifier = hub.create(WRITER)
    hub.becomes(identifier, "RUNNING")
    hub.shell(WRITER, "dd if=/dev/zero of=$HOME/big bs=1M count=30 2>&1")
    (near,) = waits_for(hub, WRITER, bool)
    assert near["level"] == "warning"
    assert "of 32Mi" in near["text"]
    assert notices(hub, OTHER) == []
    hub.shell(WRITER, "dd if=/dev/zero of=$HOME/more bs=1M count=10 2>&1")
    (over,) = waits_for(hub, WRITER, lambda rows: bool(rows) and rows[0]["level"] == "error")
    assert "of 32Mi" in over["text"]

    def is_rescued() -> bool:
        container = hub.get(identifier)
        return bool(container["config"]["rescue"]) and container["status"] == "RUNNING"

    hub.wait_for(is_rescued, "the lab runs in rescue mode")
    waits_for(hub, WRITER, lambda rows: bool(rows) and "in rescue mode." in rows[0]["text"])
    variables = hub.inspect(WRITER)["Config"]["Env"]
    assert any(one.startswith("JUPYTER_RUNTIME_DIR=/tmp/rescue") for one in variables)
    entries = hub.service("GET", "audit", params={"q": "container.rescue"}).json()["data"]["items"]
    assert [(row["actor"], row["target"]) for row in entries] == [("service", identifier)]

    hub.shell(WRITER, "rm ~/big ~/more")
    waits_for(hub, WRITER, lambda rows: not rows)
    hub.service("POST", f"containers/{identifier}/stop", WRITER)
    hub.becomes(identifier, "STOPPED")
    assert hub.service("POST", f"containers/{identifier}/start", WRITER).ok
    assert hub.becomes(identifier, "RUNNING")["config"]["rescue"] is False
    hub.service("DELETE", f"containers/{identifier}", WRITER)


@pytest.mark.slow(reason="starts real containers")
def test_below_the_reserve_only_a_rescue_starts(hub: Hub) -> None:
    hub.change({**SETTINGS, "disk_reserve": "100000Ti"})
    (machine,) = hub.service("GET", "resources").json()["data"]["nodes"]
    disk = machine["disk"]
    assert disk["is_low"]
    assert 0 < disk["free"] <= disk["total"] < disk["reserve"]
    for answer in (hub.service("POST", "containers", OTHER, json={}), hub.spawn(OTHER, {})):
        assert answer.status_code == 507, answer.text
        assert "10108" in answer.text
    measures = hub.request("GET", "/services/mlws/metrics", ADMINISTRATOR).text
    assert f'mlws_node_disk_reserve_bytes{{node="{machine["name"]}"}}' in measures
    entries = hub.service("GET", "audit", params={"q": "storage.low"}).json()["data"]["items"]
    assert entries[0]["target"] == machine["name"]
    rescue = hub.create(OTHER, rescue=True)
    hub.becomes(rescue, "RUNNING")
    hub.service("DELETE", f"containers/{rescue}", OTHER)
    hub.change(SETTINGS)
    assert hub.service("POST", "containers", OTHER, json={}).status_code == 202
    hub.becomes(f"{OTHER}--default", "RUNNING")
