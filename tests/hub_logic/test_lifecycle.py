"""The status of a container, from what Docker and the Hub say of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jupyter_mlws.containers.models import Amount, ContainerConfig, ContainerStatus, Resources
from jupyter_mlws.hub.docker.engine import DockerContainer
from jupyter_mlws.hub.hubapi import Server
from jupyter_mlws.hub.records.container_state import ContainerState, Intent

NOW = datetime.now(UTC)
AMOUNT = Amount(cpu=1, memory=1024**3, gpu=0)
RUNS = DockerContainer(
    docker="c0ffee", id="ada--default", user="ada", server="", image="Lab", amount=AMOUNT,
    devices=(), state="running", health="starting", exit_code=None, oom=False, error="",
    restarts=0, pid=1, created=NOW, started=NOW,
)  # fmt: skip
SPAWNS = Server("ada", "", "spawn", ready=False, stopped=False, url="/", options={})
READY = replace(SPAWNS, pending=None, ready=True)


def state() -> ContainerState:
    return ContainerState(
        id="ada--default",
        user="ada",
        name="",
        config=ContainerConfig(image="Lab"),
        resources=Resources.of(AMOUNT),
    )


@pytest.mark.parametrize(
    ("container", "server", "status"),
    [
        (RUNS, SPAWNS, ContainerStatus.STARTING),
        # Docker finds it healthy before the Hub leads anybody to it.
        (replace(RUNS, health="healthy"), SPAWNS, ContainerStatus.STARTING),
        (RUNS, READY, ContainerStatus.RUNNING),
        (replace(RUNS, health="unhealthy"), READY, ContainerStatus.UNHEALTHY),
        # Docker has started it again, of which the Hub knows nothing.
        (replace(RUNS, restarts=1), READY, ContainerStatus.STARTING),
        (replace(RUNS, restarts=1, health="healthy"), READY, ContainerStatus.RUNNING),
    ],
)
def test_it_runs_when_people_are_led_to_it(
    container: DockerContainer, server: Server, status: ContainerStatus
) -> None:
    entry = state()
    entry.observe(container, server)
    assert entry.status(waits=False) is status


def test_a_start_goes_from_created_to_starting_to_its_end() -> None:
    entry = state()
    assert entry.status(waits=True) is ContainerStatus.QUEUED
    entry.intent = Intent.START
    assert (entry.status(waits=False), entry.starting) == (ContainerStatus.CREATED, True)
    entry.intent = Intent.SPAWN
    assert entry.status(waits=False) is ContainerStatus.STARTING
    entry.observe(None, SPAWNS)
    assert entry.starting
    entry.observe(None, replace(SPAWNS, pending=None, stopped=True))
    assert not entry.starting


def test_what_is_stopped_has_not_crashed_while_its_container_remains() -> None:
    entry = state()
    entry.intent = Intent.STOP
    killed = replace(RUNS, state="exited", health=None, exit_code=137, started=None)
    entry.observe(killed, READY)
    assert entry.status(waits=False) is ContainerStatus.STOPPING
    entry.observe(None, None)
    assert entry.status(waits=False) is ContainerStatus.STOPPED


def test_a_spawner_that_the_hub_has_given_up_waits_no_more() -> None:
    entry = state()
    entry.hub_waits = True
    entry.observe(None, SPAWNS)
    assert entry.hub_waits
    entry.observe(None, replace(SPAWNS, pending=None))
    assert not entry.hub_waits
