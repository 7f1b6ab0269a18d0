"""Idle labs are stopped, and those that work are not, however silent: on a real Hub and Docker."""

from __future__ import annotations

import json

import pytest
import requests
import websocket

from tests.hub.installation import Hub, own_hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

IDLE, CELL, TERMINAL, FLOW = "ida", "carl", "tess", "flo"
SMALL = {"cpu": "500m", "memory": "768Mi"}
UNTIL_DONE = "until [ -e /tmp/done ]; do sleep 1; done"


hub = own_hub("culling", HUB_IDLE_LIMIT="60")


def lab(hub: Hub, method: str, user: str, path: str, **more: object) -> requests.Response:
    answer: requests.Response = hub.lab(method, user, path, **more)
    assert answer.ok, answer.text
    return answer


@pytest.mark.slow(reason="starts real containers")
def test_idle_labs_are_stopped_and_those_that_work_are_not(hub: Hub) -> None:
    for user in (CELL, TERMINAL, FLOW, IDLE):
        hub.sign_up(user)
    api = "mlws/api/v1"

    hub.start(CELL, {"resources": SMALL})
    notebook = lab(hub, "POST", CELL, f"{api}/notebooks", json={"path": "slow.ipynb"}).json()
    execute = f"{hub.url}/user/{CELL}/{api}/notebooks/{notebook['data']['id']}/execute"
    with pytest.raises(requests.exceptions.ReadTimeout):
        # The client disconnects; the cell goes on.
        requests.post(
            execute,
            json={"code": f"import os; os.system({UNTIL_DONE!r})"},
            headers={"Authorization": f"token {hub.token(CELL)}"},
            timeout=10,
        )

    hub.start(TERMINAL, {"resources": SMALL})
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

    hub.start(FLOW, {"resources": SMALL})
    lab(hub, "POST", FLOW, f"{api}/projects", json={"name": "p", "template": "empty"})
    stage = f"stages:\n  slow:\n    cmd: {UNTIL_DONE}\n"
    body = {"type": "file", "format": "text", "content": stage}
    lab(hub, "PUT", FLOW, "api/contents/p/dvc.yaml", json=body)
    run = lab(hub, "POST", FLOW, f"{api}/workflows/dvc.yaml/execute", params={"project": "p"})
    assert run.status_code == 202

    # The working ones were last used before the idle one.
    hub.start(IDLE, {"resources": SMALL})
    hub.wait_for(lambda: not hub.server(IDLE), "the idle lab is stopped")
    for user in (CELL, TERMINAL, FLOW):
        assert hub.server(user).get("ready"), f"{user}'s lab works"
        hub.shell(user, "touch /tmp/done")
    for user in (CELL, TERMINAL, FLOW):
        hub.wait_for(lambda of=user: not hub.server(of), f"{user}'s lab is stopped")
