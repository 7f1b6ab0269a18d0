"""Idle labs are stopped, and those that work are not, however silent: on a real Hub and Docker."""

from __future__ import annotations

import json

import pytest
import requests
import websocket

from hub_config import processes
from tests.hub.installation import Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

IDLE, CELL, TERMINAL, FLOW = "ida", "carl", "tess", "flo"
SMALL = {"cpu": "500m", "memory": "768Mi"}
API = "mlws/api/v1"
CULLED = {"HUB_IDLE_LIMIT": "60"}
UNTIL_DONE = "until [ -e /tmp/done ]; do sleep 1; done"


@pytest.fixture(scope="module")
def hub(own: Hub) -> Hub:
    return own.again(**CULLED)


def lab(hub: Hub, method: str, user: str, path: str, **more: object) -> requests.Response:
    answer: requests.Response = hub.lab(method, user, path, **more)
    assert answer.ok, answer.text
    return answer


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_new_settings_start_the_hub_anew(own: Hub) -> None:
    own.up()
    assert own.api("GET", "services/idle-culler").status_code == 404
    before = processes.pid_file(own.settings).read_text()
    own.up(**CULLED)
    assert processes.pid_file(own.settings).read_text() != before
    assert own.api("GET", "services/idle-culler").status_code == 200


def start_cell(hub: Hub) -> None:
    notebook = lab(hub, "POST", CELL, f"{API}/notebooks", json={"path": "slow.ipynb"}).json()
    execute = f"{hub.url}/user/{CELL}/{API}/notebooks/{notebook['data']['id']}/execute"
    with pytest.raises(requests.exceptions.ReadTimeout):
        # The client disconnects; the cell goes on.
        requests.post(
            execute,
            json={"code": f"import os; os.system({UNTIL_DONE!r})"},
            headers={"Authorization": f"token {hub.token(CELL)}"},
            timeout=10,
        )


def start_terminal(hub: Hub) -> None:
    terminal = lab(hub, "POST", TERMINAL, "api/terminals").json()["name"]
    socket = websocket.create_connection(
        f"ws{hub.url.removeprefix('http')}/user/{TERMINAL}/terminals/websocket/{terminal}",
        header=[f"Authorization: token {hub.token(TERMINAL)}"],
        timeout=30,
    )
    socket.send(json.dumps(["stdin", f"sh -c '{UNTIL_DONE}'\r"]))
    while "sleep" not in str(socket.recv()):
        pass
    socket.close()


def start_workflow(hub: Hub) -> None:
    lab(hub, "POST", FLOW, f"{API}/projects", json={"name": "p", "template": "empty"})
    stage = f"stages:\n  slow:\n    cmd: {UNTIL_DONE}\n"
    body = {"type": "file", "format": "text", "content": stage}
    lab(hub, "PUT", FLOW, "api/contents/p/dvc.yaml", json=body)
    run = lab(hub, "POST", FLOW, f"{API}/workflows/dvc.yaml/execute", params={"project": "p"})
    assert run.status_code == 202


WORK = {CELL: start_cell, TERMINAL: start_terminal, FLOW: start_workflow}


@pytest.mark.slow(reason="starts real containers")
@pytest.mark.exhaustive
@pytest.mark.parametrize("working", [(CELL,), (TERMINAL, FLOW)])
def test_idle_labs_are_stopped_and_those_that_work_are_not(
    hub: Hub, working: tuple[str, ...]
) -> None:
    for user in (*working, IDLE):
        hub.sign_up(user)
    for user in working:
        hub.start(user, {"resources": SMALL})
        WORK[user](hub)
    # The working ones were last used before the idle one.
    hub.start(IDLE, {"resources": SMALL})
    hub.wait_for(lambda: not hub.server(IDLE), "the idle lab is stopped")
    hub.wait_for(
        lambda: (
            hub.get(f"{IDLE}--default")["reason"] == "Nothing ran in it, so the Hub stopped it."
        ),
        "its user is told why",
    )
    for user in working:
        assert hub.server(user).get("ready"), f"{user}'s lab works"
        hub.shell(user, "touch /tmp/done")
    for user in working:
        hub.wait_for(lambda of=user: not hub.server(of), f"{user}'s lab is stopped")
