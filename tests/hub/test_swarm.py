"""A whole Hub on Docker Swarm with one node: placed, queued and started again by Swarm itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hub_config.engine import Engine
from jupyter_mlws.hub.docker.swarm_engine import SwarmEngine
from tests.hub.installation import (
    ADMINISTRATOR,
    HOME,
    Hub,
    emptied,
    installation,
    keep_log,
)

pytestmark = [pytest.mark.docker, pytest.mark.exhaustive, pytest.mark.timeout(1500)]

SUE, SAM, SID = "sue", "sam", "sid"
MIB = 1024**2
SMALL = {"cpu": "500m", "memory": "768Mi"}
Data = dict[str, Any]


@pytest.fixture(scope="module")
def node(docker: Engine) -> Iterator[Data]:
    """The one node of a Swarm, made here unless the engine is in one."""
    state = docker.run("info", "--format", "{{.Swarm.LocalNodeState}}")
    networks = docker.run("network", "ls", "--format", "{{.Name}}").split()
    if state != "active":
        docker.run("swarm", "init", "--advertise-addr=127.0.0.1", "--listen-addr=127.0.0.1:2377")
    try:
        yield json.loads(docker.run("node", "inspect", "self"))[0]["Description"]
    finally:
        if state != "active":
            docker.run("swarm", "leave", "--force")
            if "docker_gwbridge" not in networks:
                docker.run("network", "rm", "docker_gwbridge")


@pytest.fixture(scope="module")
def hub(
    docker: Engine,
    image: str,
    node: Data,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Hub]:
    before = request.session.testsfailed
    gateway = docker.run(
        "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"
    )
    more = {
        "HUB_SWARM": "1",
        # A network of Swarm's is there only while a task is in it.
        "HUB_ADDRESS": gateway,
        "HUB_CAPACITY": "",
        "HUB_MAX_RESOURCES": json.dumps({"cpu": "64", "memory": "64Gi"}),
    }
    with installation(docker, image, tmp_path_factory.mktemp("swarm"), HOME, **more) as running:
        for user in (SUE, SAM, SID):
            running.sign_up(user)
        yield running
        if request.session.testsfailed > before:
            keep_log(running)


clean = emptied()


def create(hub: Hub, user: str, **wish: Any) -> str:
    return hub.create(user, **{"resources": SMALL, **wish})


def queue(hub: Hub) -> list[str]:
    return [row["id"] for row in hub.service("GET", "resources").json()["data"]["queue"]]


def share(node: Data, part: float) -> Data:
    """Resources of which the node has room for one, with half of one beside it."""
    cores = node["Resources"]["NanoCPUs"] / 1e9
    return {"cpu": f"{round(cores * part * 1000)}m", "memory": "1Gi"}


@pytest.mark.slow(reason="starts real containers")
def test_a_lab_is_a_confined_task_with_limits_and_its_files_stay(
    hub: Hub, node: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier, other = create(hub, SUE, environment={"COLOUR": "blue"}), create(hub, SAM)
    told = hub.becomes(identifier, "RUNNING")
    assert told["node"] == node["Hostname"]
    assert hub.lab("GET", SUE, "api/status").json()["kernels"] == 0
    read = (
        "cd /sys/fs/cgroup; cat memory.max memory/memory.limit_in_bytes 2>/dev/null; "
        "cat pids.max pids/pids.max 2>/dev/null; "
        "cat cpu.max cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us 2>/dev/null; true"
    )
    memory, processes, quota, period = hub.shell(SUE, read).split()
    assert (int(memory), int(processes), int(quota) / int(period)) == (768 * MIB, 1024, 0.5)
    status = hub.shell(SUE, "grep -E 'CapBnd|NoNewPrivs' /proc/1/status; echo $COLOUR; id -u")
    assert status.split() == ["CapBnd:", "0" * 16, "NoNewPrivs:", "1", "blue", "1000"]
    usage = hub.service("GET", f"containers/{identifier}/stats", SUE).json()["data"]
    assert usage["memory"] > 10 * MIB
    lines = hub.service("GET", f"containers/{identifier}/logs", SUE).json()["data"]["lines"]
    assert any("is running at" in line["text"] for line in lines)

    # Labs reach the Hub, and not each other.
    hub.becomes(other, "RUNNING")
    networks = hub.inspect(SAM)["NetworkSettings"]["Networks"]
    address = networks[hub.name]["IPAddress"]
    ask = "curl --silent --output /dev/null --write-out '%{http_code}'"
    assert hub.shell(SUE, f'{ask} --max-time 30 "$JUPYTERHUB_API_URL"') == "200"
    assert hub.shell(SUE, f"{ask} --max-time 3 http://{address}:8888/ || true") == "000"

    hub.shell(SUE, "echo kept > ~/note")
    hub.service("POST", f"containers/{identifier}/stop", SUE)
    hub.becomes(identifier, "STOPPED")
    hub.service("POST", f"containers/{identifier}/start", SUE)
    hub.becomes(identifier, "RUNNING")
    assert hub.shell(SUE, "cat ~/note") == "kept"

    # Swarm lists a task for a moment after its end, but a deleted lab is not there any more.
    monkeypatch.setenv("DOCKER_HOST", hub.engine.environment["DOCKER_HOST"])
    swarm = SwarmEngine(hub.name)
    assert hub.service("DELETE", f"containers/{identifier}").status_code == 202
    states = set()
    while found := swarm.find(identifier):
        states.add(found.state)
    swarm.close()
    assert states == {"running"}


@pytest.mark.slow(reason="starts real containers")
def test_what_has_no_room_waits_in_swarm_and_is_shown_in_the_queue(hub: Hub, node: Data) -> None:
    first = create(hub, SUE, resources=share(node, 0.75))
    hub.becomes(first, "RUNNING")
    second = create(hub, SAM, resources=share(node, 0.75))
    assert hub.becomes(second, "QUEUED")["queue"]["position"] == 1
    # A start from the Hub's own page waits there with its place.
    assert hub.spawn(SID, {"resources": share(node, 0.7)}).status_code == 202
    third = f"{SID}--default"
    hub.becomes(third, "QUEUED")
    assert queue(hub) == [second, third]
    told = hub.api("GET", f"users/{SID}/server/progress", SID, stream=True)
    rows = (line for line in told.iter_lines() if line.startswith(b"data:"))
    assert any("Position 2" in json.loads(row.removeprefix(b"data:"))["message"] for row in rows)
    moved = hub.service("PUT", f"resources/queue/{third}", json={"position": 1})
    assert (moved.status_code, moved.json()["code"]) == (409, "10211")
    hub.service("POST", f"containers/{third}/stop", SID)
    hub.becomes(third, "STOPPED")
    assert not hub.container(SID)
    hub.service("POST", f"containers/{first}/stop", SUE)
    assert hub.becomes(second, "RUNNING")["queue"] is None
    assert hub.lab("GET", SAM, "api/status").ok
    assert queue(hub) == []
    (machine,) = hub.service("GET", "resources").json()["data"]["nodes"]
    assert machine["allocated"]["memory"] == 1024 * MIB


@pytest.mark.slow(reason="starts real containers")
def test_what_is_killed_is_back_three_times_and_what_swarm_lacks_is_refused(hub: Hub) -> None:
    identifier = create(hub, SUE)
    hub.becomes(identifier, "RUNNING")
    refuse_what_swarm_lacks(hub, identifier)
    for count in (1, 2, 3):
        before = hub.container(SUE)
        hub.wait_for(lambda one=before: hub.is_running(one), "it runs")
        hub.engine.run("kill", before)
        hub.wait_for(lambda was=before: hub.container(SUE) != was, "there is another one")
        if count != 2:
            # At another address, perhaps: the Hub's route leads to it.
            hub.wait_for(
                lambda: hub.lab("GET", SUE, "api/status").status_code == 200, "the lab answers"
            )
        hub.wait_for(lambda n=count: hub.get(identifier)["restarts"] == n, f"restart {count}")
        assert hub.server(SUE)["ready"]
    hub.wait_for(lambda: hub.is_running(hub.container(SUE)), "it runs")
    hub.engine.run("kill", hub.container(SUE))
    told = hub.becomes(identifier, "CRASHED")
    assert told["exit_code"] == 137
    assert any("is running at" in line for line in told["last_log"])
    hub.wait_for(lambda: not hub.server(SUE), "the Hub knows")


def refuse_what_swarm_lacks(hub: Hub, identifier: str) -> None:
    too_large = {"cpu": "48", "memory": "1Gi"}
    answer = hub.service("POST", "containers", SAM, json={"resources": too_large})
    assert (answer.status_code, answer.json()["code"]) == (409, "10101")
    change = {"resources": {"memory": "1Gi"}}
    live = hub.service("PATCH", f"containers/{identifier}", SUE, json=change)
    assert (live.status_code, live.json()["code"]) == (409, "10211")
    chinese = {"Accept-Language": "zh-CN"}
    held = hub.service(
        "POST", "resources/allocate", SUE, json={"resources": SMALL, "reserve": True},
        headers=chinese,
    )  # fmt: skip
    assert (held.status_code, held.json()["code"]) == (409, "10211")
    assert "预留" in held.json()["message"]
    assert hub.get(identifier)["resources"]["memory"] == "768Mi"
    refused = hub.service("POST", f"containers/{identifier}/stop", SAM)
    assert refused.status_code == 403
    assert hub.service("GET", "containers", ADMINISTRATOR).json()["data"]["items"]
