"""What Swarm says of tasks, and the queue that only counts: values, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlws.containers.models import Amount, ContainerConfig, Resources
from jupyter_mlws.hub.docker import swarm
from jupyter_mlws.hub.records.container_state import ContainerState
from jupyter_mlws.hub.scheduling.scheduler import Grant, Request
from jupyter_mlws.hub.scheduling.swarm_queue import SwarmQueue
from mlws.core.errors import MLWSError

GIB = 1024**3
NODES = {"one": Amount(cpu=2, memory=4 * GIB), "two": Amount(cpu=4, memory=8 * GIB)}


def request(name: str, cpu: float, arrival: float = 0, **more: Any) -> Request:
    return Request(name, "ada", Amount(cpu=cpu, memory=GIB), 0, arrival, **more)


def test_all_goes_to_swarm_at_once_and_what_it_holds_back_waits_in_order() -> None:
    queue = SwarmQueue(NODES)
    for number in range(4):
        queue.submit(request(f"r{number}", 3, arrival=number), 10)
    assert [grant.id for grant in queue.dispatch(10)] == ["r0", "r1", "r2", "r3"]
    for number in (3, 1, 2):
        queue.hold(request(f"r{number}", 3, arrival=number))
    assert queue.dispatch(11) == []
    assert [row.id for row in queue.queue(11)] == ["r1", "r2", "r3"]
    assert set(queue.grants) == {"r0"}
    queue.restore(Grant("r2", "ada", "two", Amount(cpu=3, memory=GIB)))
    assert [row.id for row in queue.queue(11)] == ["r1", "r3"]
    assert queue.withdraw("r1")
    assert [row.id for row in queue.queue(11)] == ["r3"]


def test_what_never_fits_is_refused_and_degrading_takes_what_is_free() -> None:
    queue = SwarmQueue(NODES)
    with pytest.raises(MLWSError) as never:
        queue.submit(request("big", 5), 0)
    assert never.value.code == "10101"
    queue.submit(request("first", 3), 0)
    queue.dispatch(0)
    queue.submit(request("less", 4, degrade=True), 1)
    (granted,) = queue.dispatch(1)
    assert (granted.node, granted.amount.cpu) == ("one", 2)


def test_what_swarm_does_itself_is_refused() -> None:
    queue = SwarmQueue(NODES)
    with pytest.raises(MLWSError, match=r"10211: .*reservation"):
        queue.reserve(request("r", 1), 0, 10)
    with pytest.raises(MLWSError, match=r"10211: .*reordering"):
        queue.move("r", 1, 0)


def task(state: str, desired: str, created: str, **more: Any) -> dict[str, Any]:
    return {
        "ID": created,
        "CreatedAt": f"2026-11-25T00:00:0{created}Z",
        "DesiredState": desired,
        "NodeID": "n1",
        "Status": {"State": state, "Timestamp": "2026-11-25T00:00:09Z", **more},
        "Spec": {
            "ContainerSpec": {
                "Image": "lab",
                "Labels": {"mlws.id": "ada--default", "mlws.user": "ada", "mlws.server": ""},
            },
            "Resources": {"Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": GIB}},
        },
    }


@pytest.mark.parametrize(
    ("state", "desired", "seen"),
    [
        ("new", "running", "pending"),
        ("pending", "running", "pending"),
        ("preparing", "running", "created"),
        ("ready", "ready", "created"),
        ("running", "running", "running"),
        ("failed", "running", "restarting"),
        ("failed", "shutdown", "exited"),
        ("complete", "running", "exited"),
        ("running", "remove", "running"),
    ],
)
def test_a_tasks_state_in_the_words_of_a_containers(state: str, desired: str, seen: str) -> None:
    assert swarm.state_of(task(state, desired, "1")) == seen


def test_the_task_that_is_to_run_counts_and_the_others_are_its_restarts() -> None:
    ended = {"ContainerStatus": {"ContainerID": "c1", "ExitCode": 137}}
    rows = [
        task("failed", "shutdown", "1", **ended),
        task("running", "running", "2", ContainerStatus={"ContainerID": "c2", "PID": 7}),
    ]
    seen = swarm.read(rows, {"n1": "one"}, None)
    assert seen is not None
    assert (seen.state, seen.restarts, seen.node, seen.container) == ("running", 1, "one", "c2")
    assert (seen.amount.cpu, seen.amount.memory) == (0.5, GIB)
    last = swarm.read(rows[:1], {}, None)
    assert last is not None
    assert (last.state, last.exit_code, last.restarts) == ("exited", 137, 0)
    assert swarm.read([], {}, None) is None


def test_a_removed_service_is_there_until_its_task_has_ended() -> None:
    ends = swarm.read([task("running", "remove", "1")], {}, None)
    assert ends is not None
    assert ends.state == "running"
    assert swarm.read([task("shutdown", "remove", "1")], {}, None) is None


def test_a_task_that_has_not_begun_is_gone_with_its_service() -> None:
    assert swarm.read([task("starting", "remove", "1")], {}, None) is None


def test_a_lab_on_another_node_is_reached_at_its_port_there() -> None:
    spec = swarm.endpoint(8888, publish=True)
    assert spec == {
        "Mode": "dnsrr",
        "Ports": [{"Protocol": "tcp", "TargetPort": 8888, "PublishMode": "host"}],
    }
    node = {"Status": {"Addr": "192.0.2.7"}}
    ports = {"Ports": [{"TargetPort": 8888, "PublishedPort": 32768}]}
    assert swarm.published_address({"Status": {"PortStatus": ports}}, node) == ("192.0.2.7", 32768)
    assert swarm.published_address({"Status": {"PortStatus": {}}}, node) == ("", 0)


def test_a_machine_that_cannot_start_a_lab_is_named() -> None:
    rejected = task("rejected", "shutdown", "1", Err="network n exists")
    seen = swarm.read([rejected], {"n1": "one"}, None)
    assert seen is not None
    assert seen.failed
    entry = ContainerState(
        id=seen.id,
        user=seen.user,
        name=seen.server,
        config=ContainerConfig(image=seen.image),
        resources=Resources.of(seen.amount),
    )
    entry.docker_container = seen
    reason = str(entry.describe_exit())
    assert reason == "Docker on the machine one could not start it: network n exists"
