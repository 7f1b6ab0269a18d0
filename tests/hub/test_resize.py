"""Another size for what runs, and lack of memory told in the lab, on a real Hub and Docker."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
import websocket
from docker.errors import APIError
from playwright.sync_api import Browser, expect

from tests.hub.installation import ADMINISTRATOR, Hub, emptied
from tests.hub.pages import log_in

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

MIB = 1024**2
RITA, ROY = "rita", "roy"
SMALL = {"cpu": "500m", "memory": "768Mi"}
EAT = "x = bytearray(600 * 1024**2); len(x)"
"""More than the small container has, and less than twice as much."""

Data = dict[str, Any]


PEOPLE = (RITA, ROY)
SETTINGS = {
    # Two cores and 3 GiB, of which one person may have two and most of the memory.
    "capacity": {"cpu": "2", "memory": "3Gi", "gpu": "0"},
    "max_resources": {"cpu": "2", "memory": "2Gi", "gpu": "0"},
    "user_limit": {"cpu": "2", "memory": "2560Mi", "gpu": "0"},
}
clean = emptied()


def run(hub: Hub, user: str, **wish: Any) -> str:
    identifier = hub.create(user, **{"image": "Light", "resources": SMALL, **wish})
    hub.becomes(identifier, "RUNNING")
    return identifier


def resize(hub: Hub, user: str, identifier: str, **resources: str) -> requests.Response:
    return hub.service("PATCH", f"containers/{identifier}", user, json={"resources": resources})


def limits(hub: Hub, user: str) -> tuple[float, int]:
    """(cores, bytes) as the container itself reads them from its control group."""
    code = (
        "from jupyter_mlws.containers.cgroups import read_own as r; o = r(); "
        "print(o.cpu_limit, o.memory_limit)"
    )
    cpu, memory = hub.shell(user, f"/opt/lab/bin/python -c '{code}'").split()
    return float(cpu), int(memory)


def allocated(hub: Hub) -> Data:
    (node,) = hub.service("GET", "resources").json()["data"]["nodes"]
    data: Data = node["allocated"]
    return data


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_what_runs_gets_more_and_less_and_goes_on(hub: Hub) -> None:
    identifier = run(hub, RITA)
    started = hub.inspect(RITA)["State"]["StartedAt"]
    answer = resize(hub, RITA, identifier, cpu="1500m", memory="1536Mi")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["resources"] == {"cpu": "1500m", "memory": "1536Mi", "gpu": None}
    assert limits(hub, RITA) == (1.5, 1536 * MIB)
    host = hub.inspect(RITA)["HostConfig"]
    assert host["MemorySwap"] == host["Memory"] == 1536 * MIB
    assert allocated(hub) == {"cpu": 1.5, "memory": 1536 * MIB, "gpu": 0}

    assert resize(hub, RITA, identifier, memory="640Mi").status_code == 200
    assert limits(hub, RITA) == (1.5, 640 * MIB)
    assert allocated(hub)["memory"] == 640 * MIB
    assert hub.inspect(RITA)["State"]["StartedAt"] == started
    # The next start has the new size too, and the service still counts it after Docker told.
    hub.service("POST", f"containers/{identifier}/restart", RITA)

    def started_again() -> bool:
        # A container that is removed between the two questions is the one before.
        with contextlib.suppress(AssertionError, APIError):
            container = hub.container(RITA)
            return bool(container) and hub.inspect(RITA)["State"]["StartedAt"] != started
        return False

    hub.wait_for(started_again, "it was started again")
    hub.becomes(identifier, "RUNNING")
    assert limits(hub, RITA) == (1.5, 640 * MIB)
    assert allocated(hub) == {"cpu": 1.5, "memory": 640 * MIB, "gpu": 0}


@pytest.mark.slow(reason="starts real containers")
def test_what_cannot_be_had_is_refused_by_field_and_changes_nothing(hub: Hub) -> None:
    # Of the smallest size that is asked for, a lab uses more.
    identifier = run(hub, RITA, image="Lab")
    before = limits(hub, RITA)
    cases: list[tuple[Data, int, str, list[str]]] = [
        ({"cpu": "8", "memory": "1Ti"}, 400, "10201", ["resources.cpu", "resources.memory"]),
        ({"memory": "64Mi"}, 400, "10201", ["resources.memory"]),
        ({"gpu": "1"}, 400, "10201", ["resources.gpu"]),
        ({"memory": "much"}, 400, "50201", ["resources.memory"]),
        ({"disk": "1Gi"}, 400, "50201", ["resources.disk"]),
    ]
    for wish, status, code, fields in cases:
        answer = resize(hub, RITA, identifier, **wish)
        body = answer.json()
        assert (answer.status_code, body["code"]) == (status, code), body
        assert [row["field"] for row in body["errors"]] == fields
    # More than is free now, and more than the person may have.
    run(hub, ROY, resources={"cpu": "1", "memory": "1536Mi"})
    answer = resize(hub, RITA, identifier, memory="2Gi")
    assert (answer.status_code, answer.json()["code"]) == (409, "10101")
    assert answer.json()["details"]["available"] == "1536Mi"
    assert limits(hub, RITA) == before
    assert allocated(hub) == {"cpu": 1.5, "memory": 2304 * MIB, "gpu": 0}
    others = resize(hub, ROY, identifier, memory="1Gi")
    assert (others.status_code, others.json()["code"]) == (403, "10301")
    assert resize(hub, ADMINISTRATOR, identifier, memory="1Gi").status_code == 200


@pytest.mark.slow(reason="starts real containers")
def test_what_rests_or_waits_takes_its_size_to_the_start(hub: Hub) -> None:
    identifier = run(hub, RITA)
    hub.service("POST", f"containers/{identifier}/stop", RITA)
    hub.becomes(identifier, "STOPPED")
    assert resize(hub, RITA, identifier, memory="1Gi").json()["data"]["resources"]["memory"] == (
        "1Gi"
    )
    assert allocated(hub)["memory"] == 0
    run(hub, ROY, resources={"cpu": "2", "memory": "2Gi"})
    queued = hub.service("POST", f"containers/{identifier}/start", RITA).json()["data"]
    assert queued["status"] == "QUEUED"
    smaller = resize(hub, RITA, identifier, cpu="250m").json()["data"]
    assert (smaller["status"], smaller["queue"]["position"]) == ("QUEUED", 1)
    hub.service("POST", f"containers/{ROY}--default/stop", ROY)
    hub.becomes(identifier, "RUNNING")
    assert limits(hub, RITA) == (0.25, 1024 * MIB)


class Notebook:
    """A notebook in a person's lab, with its kernel."""

    def __init__(self, hub: Hub, user: str, path: str) -> None:
        self.hub, self.user = hub, user
        hub.wait_for(lambda: hub.lab("GET", user, "api/status").ok, "the lab answers")
        answer = hub.lab("POST", user, "mlws/api/v1/notebooks", json={"path": path})
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["data"]["id"]

    def run(self, code: str) -> requests.Response:
        answer: requests.Response = self.hub.lab(
            "POST",
            self.user,
            f"mlws/api/v1/notebooks/{self.id}/execute",
            json={"code": code},
            timeout=120,
        )
        return answer


@pytest.mark.slow(reason="starts real containers")
def test_lack_of_memory_is_told_with_its_notebook_and_cured_by_a_resize(hub: Hub) -> None:
    identifier = run(hub, RITA, image="Lab")
    hungry, other = Notebook(hub, RITA, "hungry.ipynb"), Notebook(hub, RITA, "other.ipynb")
    assert other.run("kept = 42").ok
    assert hungry.run("1").ok
    address = f"ws{hub.url.removeprefix('http')}/user/{RITA}/mlws/api/v1/usage/status"
    header = [f"Authorization: token {hub.token(RITA)}"]
    socket = websocket.create_connection(address, header=header, timeout=60)
    try:
        receive(socket, lambda message: message["type"] == "usage")
        failed = hungry.run(EAT)
        assert (failed.status_code, failed.json()["code"]) == (507, "20203"), failed.text
        notice = receive(socket, lambda message: message["type"] == "out_of_memory")
    finally:
        socket.close()
    assert notice["paths"] == ["hungry.ipynb"]
    assert notice["memory_limit"] == 768 * MIB
    assert other.run("print(kept)").json()["data"]["output"] == "42\n"

    def is_noted() -> bool:
        events = hub.service("GET", f"containers/{identifier}/events", RITA).json()["data"]["items"]
        return any("memory" in row["text"] for row in events)

    # Docker tells it the service, and the kernel of the machine tells it the lab.
    hub.wait_for(is_noted, "the service has heard of it")

    more = hub.lab(
        "PATCH",
        RITA,
        f"mlws/api/v1/containers/{identifier}",
        json={"resources": {"memory": "1536Mi"}},
    )
    assert more.status_code == 200, more.text
    assert hungry.run(EAT).ok
    assert other.run("print(kept)").json()["data"]["output"] == "42\n"
    usage = hub.lab("GET", RITA, "mlws/api/v1/usage").json()["data"]
    assert usage["memory_limit"] == 1536 * MIB
    assert usage["memory"] > 600 * MIB
    assert usage["processes_killed"] >= 1


def receive(socket: websocket.WebSocket, fits: Callable[[Data], bool]) -> Data:
    deadline = time.monotonic() + 60
    while not fits(message := json.loads(socket.recv())):
        assert time.monotonic() < deadline
    found: Data = message
    return found


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_the_lab_says_so_and_one_click_cures_it(
    hub: Hub, browser: Browser, shoot: Callable[..., None]
) -> None:
    run(hub, RITA, image="Lab")
    hungry = Notebook(hub, RITA, "clicked.ipynb")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(60_000)
        # JupyterLab's own word of the death, which may come before ours or after.
        page.add_locator_handler(
            page.locator(".jp-Dialog"),
            lambda dialog: dialog.get_by_role("button", name="Ok").click(),
        )
        log_in(page, hub, RITA)
        page.wait_for_url(f"**/user/{RITA}/**")
        page.goto(f"{hub.url}/user/{RITA}/lab/tree/clicked.ipynb?reset")
        status = page.locator(".jp-mlws-UsageStatus")
        expect(status).to_contain_text("of 768 MiB")
        expect(page.locator(".jp-Notebook")).to_be_visible()
        assert hungry.run(EAT).status_code == 507
        notice = page.locator(".Toastify__toast", has_text="Out of memory")
        expect(notice).to_contain_text("clicked.ipynb")
        shoot("lab-out-of-memory", page)
        notice.get_by_role("button", name="Resize to 1.5 GiB").click()
        expect(page.get_by_text("run the notebook again")).to_be_visible(timeout=30_000)
        expect(status).to_contain_text("of 1.5 GiB")
        assert hungry.run(EAT).ok
        assert limits(hub, RITA)[1] == 1536 * MIB
        shoot("lab-resized", page)
    finally:
        context.close()
