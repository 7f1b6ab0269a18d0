"""Containers as a person's own lab has them on a real Hub: forwarded, with that person's rights."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import websocket

from tests.debugging import Debugger
from tests.hub.installation import ADMINISTRATOR, Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

FAITH, GRANT = "faith", "grant"
SMALL = {"cpu": "500m", "memory": "768Mi"}
SIDE = f"{FAITH}--side"
HIS = f"{GRANT}--default"
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
    ("GET", "containers"),
    ("POST", "containers"),
    *((verb, f"containers/{SIDE}{path}") for verb, path in OF_ONE),
    ("GET", "resources"),
    ("POST", "resources/allocate"),
    ("GET", "images"),
    ("GET", "environments"),
    ("POST", "environments"),
    ("GET", "environments/ada--x"),
    ("DELETE", "environments/ada--x"),
    ("GET", "resources/hours"),
    ("GET", "resources/budgets"),
    ("GET", "volumes"),
    ("GET", "usage"),
    ("GET", "me"),
]
SPECIFIED = """\
import json, time
from jupyter_mlws.containers.manager import ContainerManager, hub_service
manager = ContainerManager(hub_service())
made = manager.create_container({
    "image": "Light",
    "resources": {"cpu": "500m", "memory": "768Mi"},
    "environment": {"PYTHON_ENV": "production", "DEBUG": "false"},
    "name": "code",
})
def until(*statuses):
    while (found := manager.get(made.id)).status.value not in statuses:
        time.sleep(0.1)
    return found.status.value
seen = [made.status.value, until("RUNNING")]
manager.stop(made.id)
seen += [until("STOPPED"), manager.start_container(made.id), until("RUNNING")]
print(json.dumps([made.id, *seen]))
"""


@pytest.fixture(scope="module")
def lab(hub: Hub) -> Iterator[Callable[..., requests.Response]]:
    """Two people's containers run, hers with a lab; a call of its API, by default as her."""
    for user, image in ((FAITH, "Lab"), (GRANT, "Light")):
        hub.sign_up(user)
        hub.start(user, {"resources": SMALL, "image": image})

    def call(
        method: str, path: str, body: Any = None, user: str | None = FAITH, language: str = "en"
    ) -> requests.Response:
        return hub.request(
            method,
            f"/user/{FAITH}/mlws/api/v1/{path}",
            user,
            json=body,
            headers={"Accept-Language": language},
        )

    yield call
    for user in (FAITH, GRANT):
        for container in hub.service("GET", "containers", user).json()["data"]["items"]:
            hub.service("DELETE", f"containers/{container['id']}", user)
    hub.wait_for(
        lambda: not any(hub.server(user, name) for user in (FAITH, GRANT) for name in ("", "side")),
        "what was made is gone",
    )


@contextlib.contextmanager
def listening(hub: Hub, path: str) -> Iterator[websocket.WebSocket]:
    socket = websocket.create_connection(
        f"ws{hub.url.removeprefix('http')}/user/{FAITH}/mlws/api/v1/{path}",
        header=[f"Authorization: token {hub.token(FAITH)}"],
        timeout=60,
    )
    try:
        yield socket
    finally:
        socket.close()


def receive(socket: websocket.WebSocket, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The next message that fits."""
    while not fits(message := json.loads(socket.recv())):
        pass
    return message


def tells(identifier: str, status: str) -> Callable[[dict[str, Any]], bool]:
    def fits(message: dict[str, Any]) -> bool:
        container = message.get("container") or {}
        return (container.get("id"), container.get("status")) == (identifier, status)

    return fits


@pytest.mark.slow(reason="starts real containers")
def test_each_endpoint_does_its_work(hub: Hub, lab: Callable[..., requests.Response]) -> None:
    def accepted(method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = lab(method, path, body)
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == f"/user/{FAITH}/mlws/api/v1/containers/{SIDE}"
        data: dict[str, Any] = answer.json()["data"]
        return data

    def read(path: str) -> Any:
        answer = lab("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    with listening(hub, "containers/status") as news:
        assert receive(news, lambda _: True)["type"] == "hello"
        made = accepted(
            "POST", "containers", {"name": "side", "image": "Light", "resources": SMALL}
        )
        assert (made["id"], made["status"]) == (SIDE, "CREATED")
        receive(news, tells(SIDE, "RUNNING"))
        assert [one["id"] for one in read("containers")["items"]] == [f"{FAITH}--default", SIDE]
        assert read(f"containers/{SIDE}")["resources"] == {**SMALL, "gpu": None}
        assert read(f"containers/{SIDE}/stats")["memory_limit"] == 768 * 1024**2
        with listening(hub, f"logs/{SIDE}") as log:
            hub.shell(FAITH, "echo out loud > /proc/1/fd/1", "side")
            receive(log, lambda message: message.get("text") == "out loud")
        texts = [line["text"] for line in read(f"containers/{SIDE}/logs")["lines"]]
        assert "out loud" in texts
        assert read("resources")["nodes"][0]["allocated"]["cpu"] >= 1.5
        plan = lab("POST", "resources/allocate", {"resources": SMALL}).json()["data"]
        assert (plan["success"], plan["resources"]) == (True, {**SMALL, "gpu": None})
        assert read("images")["items"][0]["name"] == "Lab"
        assert read("me") == {"name": FAITH, "admin": False}
        first = hub.container(FAITH, "side")
        accepted("POST", f"containers/{SIDE}/restart")
        receive(news, tells(SIDE, "STARTING"))
        receive(news, tells(SIDE, "RUNNING"))
        assert hub.container(FAITH, "side") != first
        accepted("POST", f"containers/{SIDE}/stop")
        receive(news, tells(SIDE, "STOPPED"))
        accepted("POST", f"containers/{SIDE}/start")
        receive(news, tells(SIDE, "RUNNING"))
        accepted("DELETE", f"containers/{SIDE}")
        receive(news, lambda message: message["type"] == "removed")
    assert lab("GET", f"containers/{SIDE}").json()["code"] == "10404"


def test_the_log_of_a_lab_has_that_of_its_container(
    hub: Hub, lab: Callable[..., requests.Response]
) -> None:
    with listening(hub, "logs/container") as log:
        assert receive(log, lambda _: True)["type"] == "hello"
        hub.shell(FAITH, "echo said by another program > /proc/1/fd/1")
        line = receive(log, lambda message: message.get("message") == "said by another program")
    assert (line["source"], line["subject"]) == ("container", f"{FAITH}--default")
    assert line["ecs"]["log.iostream"] == "stdout"
    hub.shell(FAITH, "echo said unheard > /proc/1/fd/2")

    def found() -> list[dict[str, Any]]:
        answer = lab("GET", "logs?source=container&q=said")
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]["items"]
        return rows

    hub.wait_for(lambda: len(found()) == 2, "what was said unheard is there")
    assert [row["message"] for row in found()] == ["said unheard", "said by another program"]
    # What the server itself logs is there as the server's alone.
    everything = lab("GET", "logs?q=Serving+notebooks&limit=500").json()["data"]["items"]
    assert {row["source"] for row in everything} == {"server"}


def test_a_breakpoint_is_hit_in_a_container(
    hub: Hub, lab: Callable[..., requests.Response]
) -> None:
    answer = hub.lab("POST", FAITH, "api/kernels", json={"name": "python3"})
    assert answer.status_code == 201, answer.text
    kernel = answer.json()["id"]
    socket = websocket.create_connection(
        f"ws{hub.url.removeprefix('http')}/user/{FAITH}/api/kernels/{kernel}/channels",
        header=[f"Authorization: token {hub.token(FAITH)}"],
        timeout=60,
    )
    try:
        assert Debugger(socket).stops_at_a_breakpoint() == "42\n"
    finally:
        socket.close()
        hub.lab("DELETE", FAITH, f"api/kernels/{kernel}")


def test_a_lab_may_no_more_than_its_person(hub: Hub, lab: Callable[..., requests.Response]) -> None:
    hub.becomes(HIS, "RUNNING")
    for verb, path in OF_ONE:
        answer = lab(verb, f"containers/{HIS}{path}", CHANGE if verb == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "10301"), (verb, path)
    assert [one["id"] for one in lab("GET", "containers").json()["data"]["items"]] == [
        f"{FAITH}--default"
    ]
    with listening(hub, f"logs/{HIS}") as log:
        kind, data = log.recv_data()
        assert (kind, data[2:]) == (websocket.ABNF.OPCODE_CLOSE, b"10301")
    assert hub.server(GRANT)["ready"]


@pytest.mark.parametrize(("verb", "path"), EVERY)
def test_nobody_else_gets_in(lab: Callable[..., requests.Response], verb: str, path: str) -> None:
    body = {"POST": {}, "PATCH": CHANGE}.get(verb)
    for language, message in (
        ("en", "You don't have permission, or you are not signed in."),
        ("zh-CN", "没有权限，或尚未登录。"),
    ):
        answer = lab(verb, path, body, user=None, language=language)
        assert (answer.status_code, answer.json()["code"]) == (403, "50301")
        assert answer.json()["message"] == message
    # The Hub itself lets no other person through to a lab.
    assert lab(verb, path, body, user=GRANT).status_code in (403, 404)


def test_every_fault_that_the_service_finds_is_named_in_both_languages(
    lab: Callable[..., requests.Response],
) -> None:
    wish = {
        "image": "nothing-of-ours",
        "resources": {"cpu": "300", "memory": "1Ti", "gpu": "4"},
        "priority": 1,
        "name": "wrong",
    }
    for language in ("en", "zh-CN"):
        answer = lab("POST", "containers", wish, language=language)
        said = answer.json()
        assert (answer.status_code, said["code"]) == (400, "10201")
        assert [row["field"] for row in said["errors"]] == [
            "image",
            "resources.cpu",
            "resources.memory",
            "resources.gpu",
            "priority",
        ]
        is_chinese = [
            any("\u4e00" <= one <= "\u9fff" for one in row["message"]) for row in said["errors"]
        ]
        assert is_chinese == [language == "zh-CN"] * 5
    assert lab("GET", f"containers/{FAITH}--wrong").status_code == 404


@pytest.mark.slow(reason="starts real containers")
def test_python_code_in_the_lab_has_the_specifications_calls(
    hub: Hub, lab: Callable[..., requests.Response]
) -> None:
    statuses = json.loads(hub.shell(FAITH, f"/opt/lab/bin/python - <<'PY'\n{SPECIFIED}\nPY"))
    assert statuses == [f"{FAITH}--code", "CREATED", "RUNNING", "STOPPED", True, "RUNNING"]
    assert hub.shell(FAITH, "echo $PYTHON_ENV $DEBUG", "code") == "production false"
    assert hub.service("GET", f"containers/{FAITH}--code", ADMINISTRATOR).ok
    hub.service("DELETE", f"containers/{FAITH}--code", FAITH)
