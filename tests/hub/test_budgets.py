"""Budgets in force while labs run, and usage that counts on, on a real Hub and Docker."""

from __future__ import annotations

import csv
import io
import os
import signal
import time
from typing import Any

import pytest

from hub_config import processes
from tests.hub.installation import ADMINISTRATOR, Hub, emptied

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

BELLA, BRUNO = "bella", "bruno"
SMALL = {"cpu": "500m", "memory": "768Mi"}
PEOPLE = (BELLA, BRUNO)
SETTINGS = {"budget_grace": 8}
GROUP = "bees"
Data = dict[str, Any]
clean = emptied()


def put(hub: Hub, path: str, limits: Data, user: str = ADMINISTRATOR) -> Data:
    answer = hub.service("PUT", f"limits/{path}", user, json=limits)
    body: Data = answer.json()
    return body


def run_time(hub: Hub, container: str, since: float) -> float:
    """Seconds between the start and the end of a container, by Docker's events."""
    events = hub.client.events(
        since=int(since),
        until=int(time.time()) + 1,
        filters={"container": container, "event": ["start", "die"]},
        decode=True,
    )
    times = {event["Action"]: event["timeNano"] / 1e9 for event in events}
    return float(times["die"] - times["start"])


@pytest.mark.slow(reason="starts real containers")
def test_a_used_up_budget_is_announced_in_the_lab_and_stops_it_in_order(hub: Hub) -> None:
    began = time.time()
    identifier = hub.create(BELLA, image="Lab", resources={"cpu": "1", "memory": "1536Mi"})
    hub.becomes(identifier, "RUNNING")
    docker = hub.container(BELLA)
    hours = (hub.core_seconds(BELLA) + 15) / 3600
    limits = {"core_hours": {"hours": hours, "hard": True}}
    assert put(hub, f"users/{BELLA}", limits)["data"]["limits"]["core_hours"]["hard"]
    hub.wait_for(lambda: hub.get(identifier)["stop_at"], "the stop is announced")
    assert "Save your work" in hub.get(identifier)["notice"]

    def lab_notice() -> Any:
        answer = hub.lab("GET", BELLA, "mlws/api/v1/usage", headers={"Accept-Language": "zh-CN"})
        return answer.ok and answer.json()["data"]["notice"]

    assert "请保存工作" in hub.wait_for(lab_notice, "the lab has the notice", 8)
    stopped = hub.becomes(identifier, "STOPPED")
    assert "Stopped because the monthly budget" in stopped["reason"]
    assert stopped["exit_code"] is None
    assert hub.core_seconds(BELLA) == pytest.approx(run_time(hub, docker, began), abs=1)
    rows = hub.service("GET", "audit", params={"target": identifier}).json()["data"]["items"]
    reasons = {row["action"]: row["details"].get("reason") for row in rows}
    assert reasons["container.stop"] == "budget"
    assert "budget.exceeded" in reasons

    refused = hub.service("POST", f"containers/{identifier}/start", BELLA)
    assert (refused.status_code, refused.json()["code"]) == (409, "10218")
    refused = hub.spawn(BELLA)
    assert refused.status_code == 409
    assert "10218" in refused.text
    (budget,) = hub.service("GET", "resources/budgets", BELLA).json()["data"]["items"]
    assert (budget["meter"], budget["kind"], budget["hard"]) == ("core_hours", "user", True)
    assert hub.service("DELETE", f"limits/users/{BELLA}").ok
    hub.service("POST", f"containers/{identifier}/start", BELLA)
    hub.becomes(identifier, "RUNNING")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_usage_counts_on_while_the_service_and_the_hub_are_killed(hub: Hub) -> None:
    before = hub.core_seconds(BRUNO)
    began = time.time()
    runs, ends = (
        hub.create(BRUNO, name=name, image="Light", resources=SMALL) for name in ("runs", "ends")
    )
    for identifier in (runs, ends):
        hub.becomes(identifier, "RUNNING")
        hub.has_begun(identifier)
    ended = hub.container(BRUNO, "ends")
    time.sleep(3)
    for pid in hub.service_processes():
        # Docker ends a container while the service does not run.
        os.kill(pid, signal.SIGSTOP)
    stopped = hub.service_processes()
    hub.client.kill(ended)
    for pid in stopped:
        os.kill(pid, signal.SIGKILL)
    hub.wait_for(lambda: hub.service("GET", "me").ok, "the Hub starts the service again")
    hub.becomes(ends, "CRASHED", "STOPPED")
    expected = 0.5 * (hub.age(BRUNO, "runs") + run_time(hub, ended, began))
    assert hub.core_seconds(BRUNO) - before == pytest.approx(expected, abs=2)
    # Likewise with the Hub and its proxy.
    for pid in processes.hub_pids(hub.settings):
        os.kill(pid, signal.SIGKILL)
    time.sleep(5)
    hub.module("hub_config.up", "--installed")
    hub.becomes(runs, "RUNNING")
    expected = 0.5 * (hub.age(BRUNO, "runs") + run_time(hub, ended, began))
    assert hub.core_seconds(BRUNO) - before == pytest.approx(expected, abs=2)


def test_limits_are_for_known_users_and_groups_and_in_force_at_once(hub: Hub) -> None:
    body = put(hub, "users/nobody-here", {"cpu": "1"})
    assert (body["code"], body["errors"][0]["field"]) == ("10410", "user")
    body = put(hub, "groups/no-such-group", {"cpu": "1"})
    assert (body["code"], body["errors"][0]["field"]) == ("10410", "group")
    assert put(hub, f"users/{BRUNO}", {"cpu": "1"}, BRUNO)["code"] == "10302"
    body = put(hub, f"users/{BRUNO}", {"core_hours": {"hours": -1}})
    assert body["errors"][0]["field"] == "core_hours.hours"

    assert hub.api("POST", f"groups/{GROUP}").ok
    assert hub.api("POST", f"groups/{GROUP}/users", json={"users": [BRUNO]}).ok
    put(hub, f"groups/{GROUP}", {"cpu": "250m"})
    refused = hub.service("POST", "containers", BRUNO, json={"resources": SMALL})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "resources.cpu")
    put(hub, f"users/{BRUNO}", {"cpu": "2", "containers": 0})
    refused = hub.service("POST", "containers", BRUNO, json={"resources": SMALL})
    assert refused.json()["errors"][0]["field"] == "containers"
    for path in (f"users/{BRUNO}", f"groups/{GROUP}"):
        assert hub.service("DELETE", f"limits/{path}").ok
    actions = hub.service("GET", "audit", params={"q": "limits."}).json()["data"]["items"]
    assert {row["target"] for row in actions} >= {f"user {BRUNO}", f"group {GROUP}"}


def test_administrators_page_through_users_and_get_usage_as_csv(hub: Hub) -> None:
    page = hub.service("GET", "users", params={"limit": 1, "q": "br"}).json()["data"]
    (row,) = page["items"]
    assert (row["name"], row["kind"]) == (BRUNO, "user")
    assert row["last_activity"]
    assert hub.service("GET", "users", BRUNO).json()["code"] == "10302"
    answer = hub.service("GET", "resources/usage", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    header, *_ = csv.reader(io.StringIO(answer.text))
    assert header == ["month", "kind", "name", "core_hours", "memory_gib_hours", "gpu_hours"]
    wrong = hub.service("GET", "resources/usage", params={"month": "2026-13"})
    assert wrong.json()["errors"][0]["field"] == "month"
