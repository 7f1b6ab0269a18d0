"""A Hub on a Docker Swarm of three machines: files, lost and drained machines, firewalls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from hub_config.engine import Engine
from hub_config.firewall import SCRIPT_NAME
from tests.hub.docker_engine import LIGHT
from tests.hub.installation import HOME, Hub, emptied, has_failed, installation, keep_log
from tests.hub.swarm_machines import HUB_ADDRESS, METADATA, SwarmMachine, swarm_machines

pytestmark = [pytest.mark.docker, pytest.mark.exhaustive, pytest.mark.timeout(1500)]

ANN, ABE, AMY = "ann", "abe", "amy"
SMALL = {"cpu": "250m", "memory": "256Mi"}
Data = dict[str, Any]


@pytest.fixture(scope="module")
def machines(
    docker: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[SwarmMachine]]:
    with swarm_machines(tmp_path_factory.mktemp("machines")) as running:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda machine: machine.load(docker, image, LIGHT), running))
        yield running


@pytest.fixture(scope="module")
def hub(
    machines: list[SwarmMachine],
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Hub]:
    manager, *workers = machines
    more = {
        "HUB_SWARM": "1",
        "HUB_ADDRESS": HUB_ADDRESS,
        "HUB_PUBLISH_LABS": "1",
        "HUB_CAPACITY": "",
        "HUB_MAX_RESOURCES": json.dumps({"cpu": "64", "memory": "64Gi"}),
    }
    folder = tmp_path_factory.mktemp("hub")
    with installation(manager.engine, image, folder, HOME, **more) as running:
        script = str(running.settings.data / SCRIPT_NAME)
        manager.call("sh", script, "now")
        for worker in workers:
            worker.call("sh", script, "worker", subnet(worker), "now")
        for user in (ANN, ABE, AMY):
            running.sign_up(user)
        yield running
        if has_failed(request):
            keep_log(running)


clean = emptied()


def create(hub: Hub, user: str, **wish: Any) -> Data:
    """Start a container and wait until it runs."""
    identifier = hub.create(user, **{"image": "Light", "resources": SMALL, **wish})
    return hub.becomes(identifier, "RUNNING")


def shell(machines: list[SwarmMachine], container: Data, script: str) -> str:
    """What a script prints in a container, on the machine where it is."""
    machine = next(one for one in machines if one.name == container["node"])
    label = f"--filter=label=mlws.id={container['id']}"
    found = machine.engine.run("ps", "--quiet", label).split()[0]
    return machine.engine.run("exec", found, "sh", "-c", script).strip()


def empty_home(hub: Hub, user: str) -> None:
    """Let a user's next lab start with an empty home, on any machine."""

    for volume in hub.service("GET", "volumes", user).json()["data"]["items"]:
        if volume["trashed_at"] is None:
            trash = f"volumes/{volume['name']}/trash"
            # A start that was just refused counts as a use for a moment.
            hub.wait_for(lambda to=trash: hub.service("POST", to, user).ok, f"{trash}", 30)


def subnet(machine: SwarmMachine) -> str:
    """Addresses of the labs on a worker."""
    return f"198.18.{16 * (machine.number - 1)}.0/20"


def use(machines: list[SwarmMachine], *usable: SwarmMachine) -> None:
    """Let Swarm place new tasks on these machines alone."""
    for machine in machines:
        state = "active" if machine in usable else "drain"
        machines[0].engine.run("node", "update", f"--availability={state}", machine.name)


def knows(hub: Hub, *names: str) -> None:
    """Wait until the Hub's service places labs on these machines alone."""

    def nodes() -> set[str]:
        answer = hub.service("GET", "resources")
        assert answer.ok, answer.text
        return {row["name"] for row in answer.json()["data"]["nodes"]}

    hub.wait_for(lambda: nodes() == set(names), f"the machines are {names}")


@pytest.mark.slow(reason="starts real containers")
def test_a_user_finds_the_files_on_the_machine_where_they_are_or_is_told(
    machines: list[SwarmMachine], hub: Hub
) -> None:
    _, second, third = machines
    use(machines, second)
    lab = create(hub, ANN)
    assert lab["node"] == second.name
    shell(machines, lab, "echo kept > ~/note")
    hub.service("POST", f"containers/{lab['id']}/stop", ANN)
    hub.becomes(lab["id"], "STOPPED")

    # Swarm would rather start it elsewhere.
    use(machines, *machines)
    create(hub, ABE)
    again = create(hub, ANN, name="other")
    assert again["node"] == second.name
    assert shell(machines, again, "cat ~/note") == "kept"
    volume = hub.service("GET", "volumes", ANN).json()["data"]["items"][0]
    assert volume["node"] == second.name
    hub.service("DELETE", f"containers/{again['id']}", ANN)
    hub.becomes(again["id"], "gone")

    # Without that machine the start is refused, in words, also from the Hub's own page.
    use(machines, machines[0], third)
    knows(hub, machines[0].name, third.name)
    refused = hub.service("POST", f"containers/{lab['id']}/start", ANN)
    assert (refused.status_code, refused.json()["code"]) == (409, "10109")
    assert second.name in refused.json()["message"]
    answer = hub.spawn(ANN)
    assert answer.status_code == 409
    assert second.name in answer.json()["message"]
    # Who wants an empty home instead, asks for it.
    empty_home(hub, ANN)
    empty = create(hub, ANN)
    assert empty["node"] != second.name
    assert shell(machines, empty, "ls ~/note 2>&1 || true").endswith("No such file or directory")
    use(machines, *machines)


@pytest.mark.slow(reason="starts real containers")
def test_labs_of_every_machine_reach_the_hub_and_nothing_that_is_closed(
    machines: list[SwarmMachine], hub: Hub
) -> None:
    ask = "curl --silent --output /dev/null --write-out '%{http_code}' --max-time 3"
    for machine, user in zip(machines, (ANN, ABE, AMY), strict=True):
        use(machines, machine)
        knows(hub, machine.name)
        empty_home(hub, user)
        lab = create(hub, user)
        assert lab["node"] == machine.name
        script = f'{ask} "$JUPYTERHUB_API_URL"'
        assert shell(machines, lab, script) == "200"
        # A port of the machine itself, and what clouds have at this address.
        for closed in (f"http://{machine.address}:7946/", f"http://{METADATA}/"):
            assert shell(machines, lab, f"{ask} {closed} || true") == "000"
        rules = machine.call("iptables", "--list", "--numeric", "--verbose", "--exact").splitlines()
        blocked = [row.split()[0] for row in rules if "DROP" in row and "169.254.0.0/16" in row]
        assert len(blocked) == 1
        assert int(blocked[0]) > 0
        # Nobody but the Hub opens connections to a lab.
        task = machine.engine.run(
            "ps", "--format={{.Ports}}", f"--filter=label=mlws.id={lab['id']}"
        )
        port = task.partition("->")[0].rpartition(":")[2]
        other = machines[machine.number % len(machines)]
        place = f"http://{machine.address}:{port}/"
        assert other.call("sh", "-c", f"{ask} {place} || true") == "000"
        assert requests.get(place, timeout=10).status_code
    use(machines, *machines)


@pytest.mark.slow(reason="starts real containers")
def test_a_lab_that_the_hub_cannot_reach_says_so(machines: list[SwarmMachine], hub: Hub) -> None:
    private = hub.again(HUB_PUBLISH_LABS="0")
    second = machines[1]
    use(machines, second)
    empty_home(private, ABE)
    identifier = private.create(ABE, image="Light", resources=SMALL)
    told = private.becomes(identifier, "STOPPED", "CRASHED")
    assert second.name in told["reason"]
    assert "HUB_PUBLISH_LABS" in told["reason"]
    use(machines, *machines)
    hub.again()


@pytest.mark.slow(reason="starts real containers")
def test_a_lost_machine_is_named_other_labs_run_on_and_files_come_back_with_it(
    machines: list[SwarmMachine], hub: Hub
) -> None:
    third = machines[2]
    use(machines, third)
    lab = create(hub, AMY)
    assert lab["node"] == third.name
    shell(machines, lab, "echo kept > ~/note")
    use(machines, *machines)
    other = create(hub, ABE)
    third.lose()
    waiting = hub.becomes(lab["id"], "QUEUED")
    knows(hub, machines[0].name, machines[1].name)
    hub.wait_for(
        lambda: third.name in str(hub.get(lab["id"])["reason"]), "the lost machine is named"
    )
    assert waiting["user"] == AMY
    if other["node"] != third.name:
        assert hub.get(other["id"])["status"] == "RUNNING"
        assert hub.lab("GET", ABE, "api/status").ok

    # The power is back: the unit of the firewall runs, then the engine.
    third.connect()
    script = str(hub.settings.data / SCRIPT_NAME)
    third.call("sh", script, "now")
    third.start()
    knows(hub, *(machine.name for machine in machines))
    back = hub.becomes(lab["id"], "RUNNING", "CRASHED")
    if back["status"] == "CRASHED":
        # Docker 26 has kept the network of labs, and creates it again.
        assert third.name in back["reason"]
        assert "exists" in back["reason"]
        third.reset_networks()
        third.call("sh", script, "worker", subnet(third), "now")
        hub.service("POST", f"containers/{lab['id']}/start", AMY)
        back = hub.becomes(lab["id"], "RUNNING")
    assert back["node"] == third.name
    assert shell(machines, back, "cat ~/note") == "kept"
    assert hub.lab("GET", AMY, "api/status").ok
