"""Several containers at once on a real Hub and Docker, with one that hangs among them.

``MLWS_CONTAINERS_EACH`` is how many each of four users starts: 5 for a long run.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hub.installation import Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

PEOPLE = ("mia", "mel", "max", "moe")
EACH = int(os.environ.get("MLWS_CONTAINERS_EACH", "1"))
SMALL = {"cpu": "500m", "memory": "640Mi"}


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_many_at_once_are_all_ready_and_one_that_hangs_delays_nobody(hub: Hub) -> None:
    for user in PEOPLE:
        hub.sign_up(user)
    wanted = [(user, f"many-{number}") for user in PEOPLE for number in range(EACH)]

    def create(place: tuple[str, str]) -> str:
        user, name = place
        return hub.create(user, name=name, resources=SMALL)

    def statuses() -> dict[str, str]:
        return {one["id"]: one["status"] for one in hub.everything() if "--many-" in one["id"]}

    with ThreadPoolExecutor(len(wanted)) as pool:
        identifiers = list(pool.map(create, wanted))
        first = identifiers[0]
        hub.wait_for(lambda: statuses()[first] == "RUNNING", "the first runs", 300)
        # It takes no signal: to stop it, Docker waits ten seconds.
        hub.engine.run("pause", hub.container(*wanted[0]))
        hub.service("POST", f"containers/{first}/stop", wanted[0][0])
        hub.wait_for(
            lambda: all(statuses()[one] == "RUNNING" for one in identifiers[1:]), "all run", 600
        )

        def is_counted() -> bool:
            counted = [one for one in statuses().values() if one in ("RUNNING", "STOPPING")]
            # Docker may be too busy to answer in time.
            report = hub.service("GET", "resources").json().get("data") or {"nodes": []}
            allocated = [node["allocated"]["cpu"] for node in report["nodes"]]
            return allocated == pytest.approx([0.5 * len(counted)])

        hub.wait_for(is_counted, "what runs is counted", 300)
        answers = list(pool.map(lambda p: hub.lab("GET", p[0], "api", p[1]).ok, wanted[1:]))
        assert all(answers)
        list(pool.map(lambda one: hub.service("POST", f"containers/{one}/stop"), identifiers))
        hub.wait_for(lambda: set(statuses().values()) == {"STOPPED"}, "all are stopped", 300)
        assert not any(hub.container(*place) for place in wanted)
        list(pool.map(lambda one: hub.service("DELETE", f"containers/{one}"), identifiers))
    hub.wait_for(lambda: not statuses(), "all are gone", 300)
