"""The Hub's service on a real Hub and Docker, on a machine that holds two labs."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import websocket

from tests.hub.docker_engine import LAB, LIGHT
from tests.hub.installation import ADMINISTRATOR, Hub, emptied

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

PREFIX = "/services/mlws/api/v1/"
HALF = {"cpu": "500m", "memory": "768Mi"}
WHOLE = {"cpu": "1", "memory": "1536Mi"}
SECRET = "correct-horse-battery"
SPECIFIED = {
    "image": "python:3.8",
    "resources": {"cpu": "1", "memory": "1536Mi"},
    "environment": {"PYTHON_ENV": "production", "DEBUG": "false", "MY_TOKEN": SECRET},
}
AT_REST = ("STOPPED", "CRASHED")
OF_ONE = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/start"),
    ("POST", "/stop"),
    ("POST", "/restart"),
    ("GET", "/logs"),
    ("GET", "/stats"),
    ("GET", "/events"),
    ("PATCH", ""),
]
CHANGE = {"resources": {"memory": "1Gi"}}
EVERY = [
    ("GET", "me", None),
    ("GET", "containers", None),
    ("POST", "containers", {}),
    *(
        (verb, f"containers/ada--default{path}", CHANGE if verb == "PATCH" else None)
        for verb, path in OF_ONE
    ),
    ("GET", "images", None),
    ("GET", "environments", None),
    ("POST", "environments", {"name": "x", "container": "ada--default"}),
    ("GET", "environments/ada--x", None),
    ("DELETE", "environments/ada--x", None),
    ("GET", "resources", None),
    ("POST", "resources/allocate", {"resources": HALF}),
    ("PUT", "resources/queue/ada--default", {"position": 1}),
    ("DELETE", "resources/queue/ada--default", None),
    ("GET", "resources/hours", None),
    ("GET", "resources/budgets", None),
    ("GET", "resources/usage", None),
    ("GET", "users", None),
    ("GET", "groups", None),
    ("GET", "limits", None),
    ("GET", "limits/users/ada", None),
    ("PUT", "limits/users/ada", {"cpu": "1"}),
    ("DELETE", "limits/users/ada", None),
    ("GET", "limits/groups/some", None),
    ("PUT", "limits/groups/some", {"cpu": "1"}),
    ("DELETE", "limits/groups/some", None),
    ("GET", "volumes", None),
    ("GET", "volumes/some", None),
    ("DELETE", "volumes/some", None),
    ("POST", "volumes/some/trash", None),
    ("POST", "volumes/some/restore", None),
    ("GET", "notices", None),
    ("POST", "announcements", {"text": "t", "until": "2099-01-01T00:00:00Z"}),
    ("DELETE", "announcements/some", None),
    ("GET", "resources/history", None),
    ("GET", "storage", None),
    ("GET", "storage/images", None),
    ("GET", "storage/projects", None),
    ("DELETE", "storage/images/some", None),
    ("GET", "audit", None),
    ("GET", "settings", None),
    ("GET", "team/projects", None),
    ("POST", "team/projects", {"name": "some"}),
    ("GET", "team/projects/some", None),
    ("DELETE", "team/projects/some", None),
    ("POST", "team/projects/some/restore", None),
    ("PUT", "team/projects/some/members/ada", {"role": "reader"}),
    ("DELETE", "team/projects/some/members/ada", None),
    ("GET", "pages", None),
    ("POST", "pages", {"kind": "run", "title": "t", "html": "h", "audience": "link"}),
    ("DELETE", "pages/some", None),
    ("GET", "openapi.json", None),
]

Data = dict[str, Any]


PEOPLE = ("ada", "ben", "hasty")
SETTINGS = {
    "images": {"Lab": LIGHT, "python:3.8": LAB, "ghost": "mlws-test-ghost"},
    # One core: two halves, or one whole lab.
    "capacity": {"cpu": "1", "memory": "2Gi", "gpu": "0"},
    "max_resources": {"cpu": "2", "memory": "4Gi", "gpu": "0"},
    "default_resources": HALF,
}
clean = emptied()


def standing(hub: Hub) -> list[tuple[str, str, int | None]]:
    """(id, status, place in the queue) of all."""
    return [
        (one["id"], one["status"], one["queue"] and one["queue"]["position"])
        for one in hub.everything()
    ]


def create(hub: Hub, user: str, **wish: Any) -> Data:
    answer = hub.service("POST", "containers", user, json=wish)
    assert answer.status_code == 202, answer.text
    made: Data = answer.json()["data"]
    assert answer.headers["Location"] == f"{PREFIX}containers/{made['id']}"
    return made


def act(hub: Hub, user: str, identifier: str, action: str) -> Data:
    answer = hub.service("POST", f"containers/{identifier}/{action}", user)
    assert answer.status_code == 202, answer.text
    data: Data = answer.json()["data"]
    return data


def refused(answer: requests.Response, status: int, code: str) -> Data:
    body: Data = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert body["message"]
    assert body["solution"]
    assert body["timestamp"]
    return body


def allocated(hub: Hub) -> float:
    (node,) = hub.service("GET", "resources").json()["data"]["nodes"]
    cpu: float = node["allocated"]["cpu"]
    assert cpu <= node["capacity"]["cpu"]
    return cpu


@contextlib.contextmanager
def listening(hub: Hub, path: str, user: str) -> Iterator[Callable[..., Data]]:
    """A WebSocket; the function gives the next message that fits, within some seconds."""
    address = f"ws{hub.url.removeprefix('http')}{PREFIX}{path}"
    header = [f"Authorization: token {hub.token(user)}"]
    socket = websocket.create_connection(address, header=header, timeout=30)

    def receive(fits: Callable[[Data], bool] = lambda _: True, seconds: float = 120) -> Data:
        deadline = time.monotonic() + seconds
        while True:
            socket.settimeout(max(0.01, deadline - time.monotonic()))
            message: Data = json.loads(socket.recv())
            if fits(message):
                return message

    assert receive()["type"] == "hello"
    try:
        yield receive
    finally:
        socket.close()


def tells(identifier: str, *statuses: str) -> Callable[[Data], bool]:
    def fits(message: Data) -> bool:
        container = message.get("container", {})
        return container.get("id") == identifier and container["status"] in statuses

    return fits


# A container's life


@pytest.mark.slow(reason="starts real containers")
def test_a_containers_whole_life_as_a_plain_person(hub: Hub) -> None:
    with listening(hub, "containers/status", "ada") as receive:
        made = create(hub, "ada", **SPECIFIED)
        assert (made["id"], made["status"]) == ("ada--default", "CREATED")
        assert made["config"] == {
            "image": "python:3.8",
            "environment": {"PYTHON_ENV": "production", "DEBUG": "false", "MY_TOKEN": "***"},
            "rescue": False,
            "started_by": None,
        }
        receive(tells("ada--default", "STARTING"))
        running = receive(tells("ada--default", "RUNNING"), 120)["container"]
    assert running["resources"] == {"cpu": "1", "memory": "1536Mi", "gpu": None}
    assert running["url"] == "/user/ada/"
    assert running["started_at"]
    limits = hub.inspect("ada")["HostConfig"]
    assert limits["Memory"] == limits["MemorySwap"] == 1536 * 1024**2
    assert limits["CpuQuota"] / limits["CpuPeriod"] == 1
    assert hub.shell("ada", "echo $PYTHON_ENV $DEBUG $MY_TOKEN") == f"production false {SECRET}"
    assert hub.lab("GET", "ada", "api/status").ok
    assert [one["id"] for one in hub.everything()] == ["ada--default"]
    assert allocated(hub) == 1
    hub.shell("ada", "echo kept > ~/kept")

    assert act(hub, "ada", "ada--default", "stop")["status"] == "STOPPING"
    stopped = hub.becomes("ada--default", *AT_REST)
    assert (stopped["status"], stopped["exit_code"], stopped["reason"]) == ("STOPPED", None, None)
    assert not hub.container("ada")
    assert allocated(hub) == 0
    assert act(hub, "ada", "ada--default", "stop")["status"] == "STOPPED"

    assert act(hub, "ada", "ada--default", "start")["status"] in ("CREATED", "STARTING")
    hub.becomes("ada--default", "RUNNING")
    assert hub.shell("ada", "cat ~/kept; echo $MY_TOKEN") == f"kept\n{SECRET}"
    first = hub.container("ada")
    act(hub, "ada", "ada--default", "restart")
    hub.wait_for(lambda: hub.container("ada") not in ("", first), "another container runs")
    hub.becomes("ada--default", "RUNNING")

    answer = hub.service("DELETE", "containers/ada--default", "ada")
    assert (answer.status_code, answer.json()["data"]["status"]) == (202, "STOPPING")
    hub.wait_for(lambda: hub.get("ada--default") == {}, "it is gone")
    assert not hub.container("ada")
    home = f"{hub.name}-home-ada"
    assert home in hub.engine.run("volume", "ls", "--quiet")
    assert SECRET.encode() not in hub.records.read_bytes()
    assert SECRET not in hub.log.read_text()


def test_a_server_with_a_name_beside_the_default_one(hub: Hub) -> None:
    made = create(hub, "ada", name="second-lab", resources=HALF)
    assert (made["id"], made["name"]) == ("ada--second-lab", "second-lab")
    refused(hub.service("POST", "containers", "ada", json={"name": "second-lab"}), 409, "50203")
    hub.becomes("ada--second-lab", "RUNNING")
    hub.service("DELETE", "containers/ada--second-lab", "ada")
    hub.wait_for(lambda: hub.get("ada--second-lab") == {}, "it is gone")
    servers = hub.api("GET", "users/ada?include_stopped_servers=1").json()["servers"]
    assert "second-lab" not in servers


def test_a_start_takes_four_requests(hub: Hub) -> None:
    begin = len(hub.log.read_text())
    create(hub, "ada", name="few-requests", resources=HALF)
    hub.becomes("ada--few-requests", "RUNNING")
    log = hub.log.read_text()[begin:]
    requests = re.findall(r" (POST) /services/mlws/(admissions|api/v1/containers) ", log)
    requests += re.findall(r" (\w+) /hub/api/users/ada(\S*) \(mlws@", log)
    path = "/servers/few-requests"
    assert sorted(requests) == [
        ("POST", path),
        ("POST", "admissions"),
        ("POST", "api/v1/containers"),
        ("PUT", path),
    ]
    hub.service("DELETE", "containers/ada--few-requests", "ada")
    hub.wait_for(lambda: hub.get("ada--few-requests") == {}, "it is gone")


def test_what_is_done_on_the_hubs_own_pages_is_seen(hub: Hub) -> None:
    with listening(hub, "containers/status", "ada") as receive:
        answer = hub.spawn("ada", {"resources": HALF}, "by-hub")
        assert answer.status_code in (201, 202), answer.text
        receive(tells("ada--by-hub", "RUNNING"), 120)
        assert allocated(hub) == 0.5
        hub.api("DELETE", "users/ada/servers/by-hub", "ada", json={"remove": True})
        # The service sees it stopped first, unless the Hub deletes it just then.
        receive(lambda m: (m["type"], m.get("id")) == ("removed", "ada--by-hub"), 120)
    assert hub.get("ada--by-hub") == {}


def test_an_image_that_cannot_be_had_is_told(hub: Hub) -> None:
    create(hub, "ada", image="ghost", resources=HALF)
    hub.wait_for(lambda: hub.get("ada--default")["reason"], "the start has failed")
    failed = hub.becomes("ada--default", "STOPPED")
    assert "10102" in failed["reason"]
    assert allocated(hub) == 0


# Who may


def test_another_person_is_refused_everything_and_an_administrator_nothing(hub: Hub) -> None:
    create(hub, "ada", resources=HALF)
    hub.becomes("ada--default", "RUNNING")
    for verb, path in OF_ONE:
        change = CHANGE if verb == "PATCH" else None
        answer = hub.service(verb, f"containers/ada--default{path}", "ben", json=change)
        body = refused(answer, 403, "10301")
        assert body["details"] == {"name": "ada--default"}
    assert hub.service("GET", "containers", "ben").json()["data"]["items"] == []
    with pytest.raises(AssertionError, match="10301"):
        hear_nothing(hub, "logs/ada--default", "ben")
    assert hub.service("GET", "containers/ada--default").ok
    assert [one["id"] for one in hub.everything()] == ["ada--default"]
    with (
        listening(hub, "containers/status", "ben") as ben,
        listening(hub, "containers/status", ADMINISTRATOR) as admin,
    ):
        act(hub, ADMINISTRATOR, "ada--default", "stop")
        admin(tells("ada--default", "STOPPED"))
        with pytest.raises(websocket.WebSocketTimeoutException):
            ben(tells("ada--default", "STOPPING", "STOPPED"), 1)
    assert hub.becomes("ada--default", "STOPPED")


def hear_nothing(hub: Hub, path: str, user: str) -> None:
    """A stream that closes instead of telling; the code is the failure's text."""
    address = f"ws{hub.url.removeprefix('http')}{PREFIX}{path}"
    socket = websocket.create_connection(
        address, header=[f"Authorization: token {hub.token(user)}"], timeout=10
    )
    kind, data = socket.recv_data()
    socket.close()
    assert kind != websocket.ABNF.OPCODE_CLOSE, data[2:].decode()


@pytest.mark.parametrize(("verb", "path", "body"), EVERY)
def test_the_anonymous_are_refused_and_never_redirected(
    hub: Hub, verb: str, path: str, body: Data | None
) -> None:
    refused(hub.service(verb, path, None, json=body), 403, "50301")
    chinese = hub.service(verb, path, None, json=body, headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["message"] == "没有权限，或尚未登录。"


@pytest.mark.parametrize("path", ["containers/status", "logs/ada--default"])
def test_streams_refuse_the_anonymous(hub: Hub, path: str) -> None:
    address = f"ws{hub.url.removeprefix('http')}{PREFIX}{path}"
    with pytest.raises(websocket.WebSocketBadStatusException) as error:
        websocket.create_connection(address, timeout=10)
    assert error.value.status_code == 403


def test_the_hubs_question_is_answered_to_the_hub_alone(hub: Hub) -> None:
    question = {"user": "ada", "server": "", "spec": {}}
    for user in ("ada", ADMINISTRATOR, None):
        answer = hub.request("POST", "/services/mlws/admissions", user, json=question)
        refused(answer, 403, "50301")
    assert allocated(hub) == 0


def test_the_page_is_for_those_who_are_signed_in_and_its_cookie_alone_changes_nothing(
    hub: Hub,
) -> None:
    anonymous = requests.get(f"{hub.url}/services/mlws/", allow_redirects=False, timeout=20)
    assert anonymous.status_code == 302
    assert "/hub/api/oauth2/authorize" in anonymous.headers["Location"]
    session = hub.session("ada")
    page = session.get(
        f"{hub.url}/services/mlws/", headers={"Accept-Language": "zh-CN"}, timeout=20
    )
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    found = re.search(r'id="mlws-admin" data-config="([^"]*)"', page.text)
    assert found
    config = json.loads(html.unescape(found[1]))
    token = config.pop("xsrf")
    assert config == {
        "baseUrl": "/services/mlws/",
        "hubUrl": "/hub/",
        "user": "ada",
        "admin": False,
        "language": "zh-CN",
    }
    address = f"{hub.url}{PREFIX}resources/allocate"
    for headers in ({}, {"X-XSRFToken": "wrong"}):
        refused(
            session.post(address, json={"resources": HALF}, headers=headers, timeout=20),
            403,
            "50301",
        )
    right = {"X-XSRFToken": token}
    assert session.post(address, json={"resources": HALF}, headers=right, timeout=20).ok
    words = session.get(f"{hub.url}/services/mlws/locale/zh_CN.json", timeout=20).json()
    assert words["jupyter_mlws"] if "jupyter_mlws" in words else words[""]


def test_who_asks(hub: Hub) -> None:
    assert hub.service("GET", "me", "ada").json()["data"] == {"name": "ada", "admin": False}
    assert hub.service("GET", "me").json()["data"] == {"name": "admin", "admin": True}


# The queue


@pytest.mark.slow(reason="starts real containers")
def test_what_does_not_fit_now_waits_in_order_and_starts_by_itself(hub: Hub) -> None:
    create(hub, "ada", resources=WHOLE)
    hub.becomes("ada--default", "RUNNING")
    first = create(hub, "ben", name="first", resources=WHOLE)
    assert (first["status"], first["queue"]["position"]) == ("QUEUED", 1)
    assert first["node"] is None
    later = create(hub, "ben", name="later", resources=WHOLE, priority=-1)
    assert later["queue"]["position"] == 2
    # The Hub's own page asks as well, and is told the same.
    spawn = hub.spawn("hasty", {"resources": WHOLE}, "page")
    assert spawn.status_code == 409, spawn.text
    assert "10202" in spawn.json()["message"]
    assert hub.get("hasty--page")["queue"]["position"] == 2
    urgent = create(hub, ADMINISTRATOR, name="urgent", resources=WHOLE, priority=10)
    assert urgent["queue"]["position"] == 1
    waiting = hub.service("GET", "resources").json()["data"]["queue"]
    names = ["admin--urgent", "ben--first", "hasty--page", "ben--later"]
    assert [row["id"] for row in waiting] == names
    mine = hub.service("GET", "resources", "hasty").json()["data"]["queue"]
    assert [(row["id"], row["position"]) for row in mine] == [("hasty--page", 3)]

    act(hub, "ada", "ada--default", "stop")
    assert hub.becomes("admin--urgent", "RUNNING")
    assert hub.get("ben--first")["queue"]["position"] == 1
    assert allocated(hub) == 1
    assert act(hub, "ben", "ben--first", "stop")["status"] == "STOPPED"
    assert hub.get("hasty--page")["queue"]["position"] == 1
    hub.service("DELETE", "containers/admin--urgent")
    assert hub.becomes("hasty--page", "RUNNING")
    assert hub.get("ben--later")["queue"]["position"] == 1
    assert allocated(hub) == 1


def test_more_than_there_can_ever_be_is_refused_with_what_there_is(hub: Hub) -> None:
    wish = {"resources": {"cpu": "2", "memory": "1Gi"}}
    body = refused(hub.service("POST", "containers", "ada", json=wish), 409, "10101")
    facts = body["details"]
    assert facts["resource_type"] == "cpu"
    assert (facts["required"], facts["available"]) == ("2", "1")
    assert hub.everything() == []
    spawn = hub.spawn("ada", wish)
    assert (spawn.status_code, "10101" in spawn.json()["message"]) == (409, True)
    chinese = hub.service(
        "POST", "containers", "ada", json=wish, headers={"Accept-Language": "zh-CN"}
    )
    assert chinese.json()["message"] == "资源不足（CPU）：需要 2，可用 1。"


def test_who_does_not_want_to_wait_is_told_what_is_free_and_may_take_it(hub: Hub) -> None:
    create(hub, "ada", resources=HALF)
    wish = {"name": "now", "resources": WHOLE, "wait": False}
    body = refused(hub.service("POST", "containers", "ben", json=wish), 409, "10101")
    assert (body["details"]["required"], body["details"]["available"]) == ("1", "500m")
    less = create(hub, "ben", name="less", resources=WHOLE, degrade=True)
    assert less["resources"]["cpu"] == "500m"
    hub.becomes("ben--less", "RUNNING")
    assert hub.inspect("ben", "less")["HostConfig"]["CpuQuota"] == 50_000


def test_a_plan_and_a_reservation(hub: Hub) -> None:
    def ask(user: str, **more: Any) -> Data:
        answer = hub.service("POST", "resources/allocate", user, json={"resources": WHOLE, **more})
        assert answer.ok, answer.text
        data: Data = answer.json()["data"]
        return data

    plan = ask("ada")
    assert (plan["success"], plan["resources"]["cpu"], plan["reservation"]) == (True, "1", None)
    assert allocated(hub) == 0
    held = ask("ada", reserve=True)
    assert held["success"]
    assert held["reservation"]
    assert held["expires_at"]
    assert allocated(hub) == 1
    other = ask("ben")
    assert not other["success"]
    assert other["queue"]["position"] == 1
    assert 0 < other["queue"]["eta_seconds"] <= 310
    waits = create(hub, "ben", resources=HALF)
    assert waits["status"] == "QUEUED"
    used = create(hub, "ada", resources=HALF)
    assert used["status"] == "CREATED"
    # What she reserved and does not use is free for who waited.
    hub.becomes("ben--default", "CREATED", "STARTING", "RUNNING")
    assert allocated(hub) == 1
    body = refused(
        hub.service(
            "POST", "resources/allocate", "ada", json={"resources": {"cpu": "9", "memory": "9Gi"}}
        ),
        400,
        "10201",
    )
    assert [row["field"] for row in body["errors"]] == ["resources.cpu", "resources.memory"]


# Faults


@pytest.mark.slow(reason="starts real containers")
def test_a_killed_process_is_known_at_once_restarted_and_given_up_after_the_third_time(
    hub: Hub,
) -> None:
    create(hub, "ada", resources=WHOLE)
    hub.becomes("ada--default", "RUNNING")
    waits = create(hub, "ben", resources=WHOLE)
    assert waits["status"] == "QUEUED"
    docker = hub.container("ada")
    with listening(hub, "containers/status", "ada") as receive:
        for count in (1, 2, 3):
            kill(hub, docker)
            message = receive(lambda m, n=count: m.get("container", {}).get("restarts") == n)
            assert message["container"]["status"] == "STARTING"
            if count != 2:
                # All lines of a start are written then.
                receive(tells("ada--default", "RUNNING"), 120)
                # At another address, perhaps: the Hub's route leads to it.
                hub.wait_for(lambda: hub.lab("GET", "ada", "api").ok, "it answers")
        hub.shell("ada", "echo the last words > /proc/1/fd/2")
        kill(hub, docker)
        crashed = receive(tells("ada--default", "CRASHED"))["container"]
    assert (crashed["restarts"], crashed["exit_code"]) == (3, 137)
    assert "137" in crashed["reason"]
    assert "the last words" in crashed["last_log"]
    # Its resources are those of who waited.
    hub.becomes("ben--default", "CREATED", "STARTING", "RUNNING")
    chinese = hub.service(
        "GET", "containers/ada--default", "ada", headers={"Accept-Language": "zh-CN"}
    ).json()["data"]
    assert chinese["reason"] == "以退出码 137 退出。重启次数：3。"
    lines = hub.service("GET", "containers/ada--default/logs?tail=50", "ada").json()["data"][
        "lines"
    ]
    assert "the last words" in [line["text"] for line in lines]
    # At once, also while the Hub still stops what has crashed.
    act(hub, "ada", "ada--default", "start")
    hub.becomes("ada--default", "QUEUED")
    hub.service("DELETE", "containers/ben--default", "ben")
    fresh = hub.becomes("ada--default", "RUNNING")
    assert (fresh["restarts"], fresh["exit_code"], fresh["last_log"]) == (0, None, [])


def pid(hub: Hub, docker: str) -> int:
    """The container's first process; 0 where it does not run."""
    state = hub.client.inspect_container(docker)["State"]
    return int(state["Pid"]) if state["Status"] == "running" else 0


def kill(hub: Hub, docker: str) -> None:
    """Kill the container's first process, as a fault would."""
    os.kill(hub.wait_for(lambda: pid(hub, docker), "it runs"), signal.SIGKILL)


@pytest.mark.slow(reason="starts real containers")
def test_a_log_is_followed_and_replayed(hub: Hub) -> None:
    create(hub, "ada", resources=HALF)
    hub.becomes("ada--default", "RUNNING")
    with listening(hub, "logs/ada--default", "ada") as receive:
        first = receive()
        assert (first["type"], first["seq"]) == ("log", 1)
        hub.shell("ada", "echo out > /proc/1/fd/1")
        out = receive(lambda m: m["text"] == "out")
        assert out["stream"] == "stdout"
        hub.shell("ada", "printf 'two\\nlines\\n' > /proc/1/fd/2")
        two = receive(lambda m: m["text"] == "two")
        lines = receive()
        assert (two["stream"], lines["text"], lines["seq"]) == ("stderr", "lines", two["seq"] + 1)
    with listening(hub, f"logs/ada--default?since={out['seq']}", "ada") as receive:
        missed = receive()
        assert missed["seq"] == out["seq"] + 1
        act(hub, "ada", "ada--default", "restart")
        # A new container: its lines are counted from the first again.
        assert receive(lambda m: m["type"] == "reset", 60)["seq"] == 0
        assert receive()["seq"] == 1
    with listening(hub, "logs/ada--default?since=1000000", "ada") as receive:
        assert receive()["type"] == "reset"
    hub.becomes("ada--default", "RUNNING")
    tail = hub.service("GET", "containers/ada--default/logs?tail=2", "ada").json()["data"]["lines"]
    assert len(tail) == 2
    assert tail[1]["seq"] == tail[0]["seq"] + 1
    usage = hub.service("GET", "containers/ada--default/stats", "ada").json()["data"]
    assert 0 < usage["memory"] < usage["memory_limit"] == 768 * 1024**2
    assert usage["processes"] > 1


def test_usage_is_told_while_somebody_listens(hub: Hub) -> None:
    create(hub, "ada", resources=HALF)
    hub.becomes("ada--default", "RUNNING")
    with listening(hub, "containers/status", "ada") as receive:
        hub.shell("ada", "timeout 10 python3 -c 'while True: pass' > /dev/null 2>&1 &")
        busy = receive(lambda m: (m.get("container", {}).get("usage") or {}).get("cpu", 0) > 0.3)
        assert busy["container"]["usage"]["cpu"] < 0.7
        report = receive(lambda m: m["type"] == "resources")["report"]
        assert report["nodes"][0]["used"]["memory"] > 0


def test_what_is_started_in_the_moment_it_has_stopped_stops_again(hub: Hub) -> None:
    create(hub, "ada", resources=HALF)
    hub.becomes("ada--default", "RUNNING")
    act(hub, "ada", "ada--default", "stop")
    while hub.get("ada--default")["status"] != "STOPPED":
        pass
    create(hub, "ada", resources=HALF)
    hub.becomes("ada--default", "RUNNING")
    act(hub, "ada", "ada--default", "stop")
    hub.becomes("ada--default", "STOPPED")
    assert not hub.container("ada")


@pytest.mark.slow(reason="starts real containers")
def test_a_killed_service_comes_back_and_has_lost_nothing(hub: Hub) -> None:
    create(hub, "ada", resources=WHOLE)
    hub.becomes("ada--default", "RUNNING")
    create(hub, "ben", resources=WHOLE, environment={"MY_TOKEN": SECRET, "PLAIN": "yes"})
    create(hub, "ben", name="second", resources=WHOLE)
    create(hub, ADMINISTRATOR, resources=WHOLE, priority=3)
    hub.has_begun("ada--default")
    before = standing(hub)
    assert SECRET.encode() not in hub.records.read_bytes()

    hub.end_service()
    assert standing(hub) == before
    assert allocated(hub) == 1
    act(hub, "ada", "ada--default", "stop")
    hub.becomes("admin--default", "RUNNING")
    assert allocated(hub) == 1
    hub.service("DELETE", "containers/admin--default")
    hub.becomes("ben--default", "RUNNING")
    assert hub.shell("ben", "echo $MY_TOKEN $PLAIN") == f"{SECRET} yes"
    assert allocated(hub) == 1


# Bad input


def test_every_field_at_fault_is_named_in_both_languages(hub: Hub) -> None:
    wish = {
        "image": "nothing-of-ours",
        "resources": {"cpu": "3", "memory": "1Ti", "gpu": "4"},
        "priority": 1,
    }
    fields = ["image", "resources.cpu", "resources.memory", "resources.gpu", "priority"]
    body = refused(hub.service("POST", "containers", "ada", json=wish), 400, "10201")
    assert [row["field"] for row in body["errors"]] == fields
    assert body["message"] == "Invalid container request."
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    body = refused(
        hub.service("POST", "containers", "ada", json=wish, headers=chinese), 400, "10201"
    )
    assert [row["field"] for row in body["errors"]] == fields
    assert all(re.search(r"[\u4e00-\u9fff]", row["message"]) for row in body["errors"])
    spawn = hub.spawn("ada", wish)
    assert spawn.status_code == 400
    assert all(field in spawn.json()["message"] for field in fields[:4])
    assert hub.everything() == []


@pytest.mark.parametrize(
    ("wish", "fields"),
    [
        ("{not json", [""]),
        ("[]", [""]),
        ('{"resources": {"cpu": "x"}}', ["resources.cpu", "resources.memory"]),
        ('{"name": "default", "unknown": 1}', ["name", "unknown"]),
        ('{"environment": {"JUPYTERHUB_API_TOKEN": "x"}}', ["environment"]),
        ('{"priority": "high", "wait": 3}', ["priority", "wait"]),
        ('{"image": ["a"], "resources": null, "environment": 1}', ["image", "environment"]),
    ],
)
def test_a_body_that_is_none_is_refused_with_its_faults(
    hub: Hub, wish: str, fields: list[str]
) -> None:
    body = refused(hub.service("POST", "containers", "ada", data=wish.encode()), 400, "50201")
    assert [row["field"] for row in body["errors"]] == fields


@pytest.mark.parametrize("identifier", ["ada--nothing", "nothing", "ada--", "%00", "..%2f.."])
def test_what_is_not_there_is_not_found(hub: Hub, identifier: str) -> None:
    for verb, path in OF_ONE:
        change = CHANGE if verb == "PATCH" else None
        answer = hub.service(verb, f"containers/{identifier}{path}", "ada", json=change)
        body = answer.json()
        assert answer.status_code in (403, 404), body
        assert body["code"] in ("10301", "10404", "50401"), body
    refused(hub.service("GET", "containers/ada--nothing", "ada"), 404, "10404")


def test_bad_queries_and_paths(hub: Hub) -> None:
    body = refused(hub.service("GET", "containers?limit=0&page=2", "ada"), 400, "50201")
    assert {row["field"] for row in body["errors"]} == {"limit", "page"}
    body = refused(hub.service("GET", "containers/ada--x/logs?tail=many", "ada"), 400, "50201")
    assert [row["field"] for row in body["errors"]] == ["tail"]
    refused(hub.service("GET", "nothing/here", "ada"), 404, "50401")
    refused(hub.service("PUT", "containers", "ada", json={}), 405, "50202")
    with pytest.raises(AssertionError, match="since"):
        hear_nothing(hub, "containers/status?since=yesterday", "ada")


def test_a_list_is_read_in_parts(hub: Hub) -> None:
    create(hub, "ada", resources=WHOLE)
    for name in ("one", "two"):
        create(hub, "ada", name=name, resources=WHOLE)
    first = hub.service("GET", "containers?limit=2", "ada").json()["data"]
    assert [one["id"] for one in first["items"]] == ["ada--default", "ada--one"]
    rest = hub.service("GET", f"containers?cursor={first['next_cursor']}", "ada").json()["data"]
    assert [one["id"] for one in rest["items"]] == ["ada--two"]
    assert rest["next_cursor"] is None


def test_images_say_whether_they_are_there(hub: Hub) -> None:
    items = {one["name"]: one for one in hub.service("GET", "images").json()["data"]["items"]}
    assert list(items) == ["Lab", "python:3.8", "ghost"]
    assert items["Lab"]["default"]
    assert items["Lab"]["present"]
    assert items["Lab"]["size"] > 10**8
    assert not items["ghost"]["present"]


# The contract


def test_the_contract_names_every_endpoint_and_resolves(hub: Hub) -> None:
    contract = hub.service("GET", "openapi.json", "ada").json()
    assert contract["openapi"].startswith("3.1")
    assert contract["servers"] == [{"url": PREFIX.rstrip("/")}]
    verbs = {(path, verb) for path, rows in contract["paths"].items() for verb in rows}
    assert len(verbs) == len(EVERY) + 4
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(contract)))
    assert references <= set(contract["components"]["schemas"])
    for path, rows in contract["paths"].items():
        for operation in rows.values():
            named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            asked = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
            assert "project" not in asked


def test_the_records_are_the_specifications_tables(hub: Hub) -> None:
    create(hub, "ada", resources=HALF)
    hub.becomes("ada--default", "RUNNING")

    def stored(query: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(hub.records)) as tables:
            return tables.execute(query, ["ada--default"]).fetchall()

    # The state is stored first, then the event.
    events = "SELECT message FROM container_logs WHERE container_id = ? AND log_type = 'event'"
    hub.wait_for(lambda: ("STARTING → RUNNING",) in stored(events), "the event is stored")
    [row] = stored("SELECT status, resources, config FROM containers WHERE id = ?")
    assert row[0] == "RUNNING"
    assert json.loads(row[1])["cpu"] == "500m"
    assert json.loads(row[2])["image"] == "Lab"
