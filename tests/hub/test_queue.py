"""The queue as people see it and administrators change it, hours of use, and who did what."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.browser import TIMEOUT_MS
from tests.hub.docker_engine import LIGHT
from tests.hub.installation import ADMINISTRATOR, Hub, emptied
from tests.hub.pages import log_in

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

WHOLE = {"cpu": "1", "memory": "1Gi"}
QUIN, QUEENIE = "quin", "queenie"
Data = dict[str, Any]


PEOPLE = (QUIN, QUEENIE)
SETTINGS = {
    "images": {"Lab": LIGHT},
    # Room for one.
    "capacity": {"cpu": "1", "memory": "1Gi", "gpu": "0"},
}
clean = emptied()


def create(hub: Hub, user: str, **wish: Any) -> str:
    return hub.create(user, **{"resources": WHOLE, **wish})


def queue(hub: Hub) -> list[str]:
    rows = hub.service("GET", "resources").json()["data"]["queue"]
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [row["id"] for row in rows]


def move(hub: Hub, user: str, identifier: str, position: int) -> requests.Response:
    return hub.service("PUT", f"resources/queue/{identifier}", user, json={"position": position})


def progress(hub: Hub, user: str) -> Iterator[Data]:
    told = hub.api("GET", f"users/{user}/server/progress", user, stream=True)
    for line in told.iter_lines():
        if line.startswith(b"data:"):
            yield json.loads(line.removeprefix(b"data:"))


@pytest.mark.slow(reason="starts real containers")
def test_an_administrator_moves_and_drops_what_waits(hub: Hub) -> None:
    create(hub, ADMINISTRATOR)
    hub.becomes(f"{ADMINISTRATOR}--default", "RUNNING")
    a, b, c = (create(hub, QUIN, name=name) for name in ("a", "b", "c"))
    d = create(hub, QUEENIE, name="d")
    since = {row["id"]: row["since"] for row in waiting(hub)}
    assert queue(hub) == [a, b, c, d]
    assert move(hub, ADMINISTRATOR, d, 1).json()["data"]["queue"]["position"] == 1
    assert queue(hub) == [d, a, b, c]
    assert move(hub, ADMINISTRATOR, a, 99).status_code == 200
    assert queue(hub) == [d, b, c, a]
    assert move(hub, ADMINISTRATOR, c, 2).status_code == 200
    assert queue(hub) == [d, c, b, a]
    assert {row["id"]: row["since"] for row in waiting(hub)} == since

    for user, identifier, status, code in (
        (QUIN, a, 403, "10302"),
        (QUEENIE, a, 403, "10301"),
        (ADMINISTRATOR, f"{ADMINISTRATOR}--default", 409, "10205"),
        (ADMINISTRATOR, "nobody--default", 404, "10404"),
    ):
        answer = move(hub, user, identifier, 1)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    wrong = move(hub, ADMINISTRATOR, a, 0)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "position")

    assert hub.service("DELETE", f"resources/queue/{c}", QUEENIE).status_code == 403
    dropped = hub.service("DELETE", f"resources/queue/{c}").json()["data"]
    assert (dropped["status"], dropped["queue"]) == ("STOPPED", None)
    assert ADMINISTRATOR in dropped["reason"]
    assert hub.service("DELETE", f"resources/queue/{b}", QUIN).status_code == 200
    assert queue(hub) == [d, a]
    hub.service("DELETE", f"containers/{ADMINISTRATOR}--default")
    hub.becomes(d, "RUNNING")
    events = hub.service("GET", f"containers/{d}/events", QUEENIE).json()["data"]["items"]
    texts = [row["text"] for row in events]
    assert "moved to position 1 in the queue" in texts
    assert "STARTING → RUNNING" in texts
    assert hub.service("GET", f"containers/{d}/events", QUIN).status_code == 403


def waiting(hub: Hub) -> list[Data]:
    rows: list[Data] = hub.service("GET", "resources").json()["data"]["queue"]
    return rows


@pytest.mark.slow(reason="starts real containers")
def test_the_spawn_page_tells_what_starts_and_what_waits(hub: Hub) -> None:
    def page(user: str) -> str:
        return hub.session(user).get(f"{hub.url}/hub/spawn/{user}", timeout=20).text

    empty = page(QUEENIE)
    assert "Free now: 1 CPU, 1 GiB memory. No lab waits." in empty
    assert re.search(r'value="small" required checked.*starts at once</span> recommended', empty)
    assert re.search(r'value="medium" required disabled>.*Not enough memory', empty)
    first = create(hub, QUIN)
    hub.becomes(first, "RUNNING")
    assert "Position 1 in queue" in page(QUEENIE)
    create(hub, QUIN, name="second")
    full = page(QUEENIE)
    assert "1 lab waits for CPU." in full
    assert "Position 2 in queue" in full
    # Whose lab was stopped by somebody else is told so, and chooses the same again.
    assert hub.service("POST", f"containers/{first}/stop").ok
    hub.becomes(first, "STOPPED")
    assert f"Your last lab: Stopped by {ADMINISTRATOR}." in page(QUIN)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_a_start_on_the_hubs_page_waits_there_with_its_place(hub: Hub) -> None:
    first = create(hub, QUIN)
    hub.becomes(first, "RUNNING")
    other = create(hub, QUIN, name="second")
    # As the spawn page asks: the Hub answers while it still waits.
    answer = hub.spawn(QUEENIE, {"resources": WHOLE})
    assert answer.status_code == 202, answer.text
    identifier = f"{QUEENIE}--default"
    assert hub.get(identifier)["status"] == "QUEUED"
    assert queue(hub) == [other, identifier]
    steps = progress(hub, QUEENIE)
    said = [next(steps)["message"], next(steps)["message"]]
    while "Position 2" not in said[-1]:
        said.append(next(steps)["message"])
    hub.service("POST", f"containers/{other}/stop", QUIN)
    while "Position 1" not in said[-1]:
        said.append(next(steps)["message"])
    hub.service("POST", f"containers/{first}/stop", QUIN)
    rows = list(steps)
    assert rows[-1]["ready"], rows
    assert not any("Position" in row["message"] for row in rows[-4:])
    hub.becomes(identifier, "RUNNING")
    assert hub.lab("GET", QUEENIE, "api/status").ok


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_a_start_that_is_taken_out_of_the_queue_ends_with_the_reason(hub: Hub) -> None:
    first = create(hub, QUIN)
    hub.becomes(first, "RUNNING")
    assert hub.spawn(QUEENIE, {"resources": WHOLE}).status_code == 202
    identifier = f"{QUEENIE}--default"
    hub.wait_for(lambda: queue(hub) == [identifier], "it waits")
    steps = progress(hub, QUEENIE)
    next(steps)
    assert hub.service("DELETE", f"resources/queue/{identifier}").status_code == 200
    rows = list(steps)
    assert rows[-1]["failed"]
    assert "10205" in rows[-1]["message"]
    hub.becomes(identifier, "STOPPED")
    assert not hub.container(QUEENIE)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_an_administrator_orders_the_queue_on_the_page(
    hub: Hub, browser: Browser, shoot: Callable[..., None]
) -> None:
    create(hub, ADMINISTRATOR)
    hub.becomes(f"{ADMINISTRATOR}--default", "RUNNING")
    a, b, c = (create(hub, QUIN, name=name) for name in ("a", "b", "c"))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        log_in(page, hub, ADMINISTRATOR, "?next=/services/mlws/")
        rows = page.locator("[data-mlws-waiting]")

        def expect_order(*ids: str) -> None:
            expect(rows).to_have_count(len(ids))
            for number, identifier in enumerate(ids):
                expect(rows.nth(number)).to_have_attribute("data-mlws-waiting", identifier)

        def press(identifier: str, action: str) -> None:
            waits = page.locator(f'[data-mlws-waiting="{identifier}"]')
            waits.locator(f'[data-mlws-action="{action}"]').click()

        expect_order(a, b, c)
        press(c, "up")
        expect_order(a, c, b)
        press(a, "down")
        expect_order(c, a, b)
        shoot("admin-queue", page)
        press(a, "close")
        expect_order(c, b)
        assert queue(hub) == [c, b]
    finally:
        context.close()


def test_hours_are_counted_and_everything_that_people_do_is_told(hub: Hub) -> None:
    for user in (QUEENIE, QUIN):
        identifier = create(hub, user, name="hours")
        hub.becomes(identifier, "RUNNING")
        # Two seconds would round to no hours.
        time.sleep(4)
        hub.service("POST", f"containers/{identifier}/stop", user)
        hub.becomes(identifier, "STOPPED")
    mine = hub.service("GET", "resources/hours", QUIN).json()["data"]["items"]
    assert [row["user"] for row in mine] == [QUIN]
    assert mine[0]["hours"] > 0
    assert mine[0]["cpu_hours"] == pytest.approx(mine[0]["memory_gib_hours"], abs=0.01)
    everybody = hub.service("GET", "resources/hours").json()["data"]["items"]
    assert {QUIN, QUEENIE} <= {row["user"] for row in everybody}

    told = hub.service("GET", "audit", params={"target": identifier}).json()["data"]["items"]
    assert [(row["actor"], row["action"]) for row in told] == [
        (QUIN, "container.stop"),
        (QUIN, "container.create"),
    ]
    refused = hub.service("GET", "audit", QUIN)
    assert (refused.status_code, refused.json()["code"]) == (403, "10302")
    page = hub.service("GET", "audit", params={"limit": 1}).json()["data"]
    more = hub.service("GET", "audit", params={"limit": 1, "cursor": page["next_cursor"]})
    assert more.json()["data"]["items"][0]["id"] < page["items"][0]["id"]
