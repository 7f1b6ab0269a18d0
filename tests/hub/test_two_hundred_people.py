"""200 people sign in, queue, start, work and stop, 50 at a time; everybody has a turn."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from hub_config.engine import Engine
from tests.hub import installation
from tests.hub.docker_engine import LIGHT
from tests.hub.installation import Hub

pytestmark = [pytest.mark.docker, pytest.mark.exhaustive, pytest.mark.timeout(3600)]

COUNT = 200
AT_ONCE = 50
WORK = 5.0
"""Seconds between two looks at one's lab, of which there are three."""
LONGEST = 1800.0
"""Seconds in which everybody's lab runs."""
SIZE = {"cpu": "100m", "memory": "256Mi"}
SETTINGS = {
    "HUB_IMAGES": f'{{"Lab": "{LIGHT}"}}',
    "HUB_CAPACITY": f'{{"cpu": "{AT_ONCE // 10}", "memory": "64Gi"}}',
}


@dataclass
class Person:
    """Somebody with what happened to them."""

    name: str
    asked: float = 0.0
    started: float = 0.0
    failures: list[str] = field(default_factory=list)

    def check(self, answer: Any) -> Any:
        if not answer.ok:
            self.failures.append(f"{answer.request.method} {answer.url}: {answer.status_code}")
        return answer


@pytest.fixture(scope="module")
def crowded(
    docker: Engine,
    image: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("crowd")
    with installation.tested(docker, image, folder, request, **SETTINGS) as running:
        # Once, before everybody needs the administrator's approval.
        running.token()
        yield running


@contextlib.contextmanager
def seconds_in_docker(hub: Hub) -> Iterator[dict[str, float]]:
    """Count how long each person's container runs, by Docker's own events."""
    events = subprocess.Popen(
        ["docker", "events", "--format={{json .}}", f"--filter=label=mlws.hub={hub.name}"],
        env=hub.engine.environment,
        stdout=subprocess.PIPE,
    )
    started: dict[str, float] = {}
    seconds: dict[str, float] = {}

    def follow() -> None:
        assert events.stdout is not None
        for line in events.stdout:
            event = json.loads(line)
            user = event["Actor"]["Attributes"].get("mlws.user", "")
            moment = event["timeNano"] / 1e9
            if event["Action"] == "start":
                started[user] = moment
            elif event["Action"] == "die":
                seconds[user] = seconds.get(user, 0) + moment - started.pop(user)

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield seconds
    finally:
        events.terminate()
        follower.join()
        events.wait()


def live(hub: Hub, person: Person) -> None:
    """What a person does who has signed in."""
    name = person.name
    person.asked = time.monotonic()
    identifier = hub.create(name, resources=SIZE)
    await_status(hub, person, identifier, "RUNNING")
    person.started = time.monotonic()
    for _ in range(3):
        person.check(hub.lab("GET", name, "api/status"))
        time.sleep(WORK)
    person.check(hub.service("POST", f"containers/{identifier}/stop", name))
    await_status(hub, person, identifier, "STOPPED")


def await_status(hub: Hub, person: Person, identifier: str, status: str) -> None:
    """Ask now and then; so many who ask as often as other tests do would keep the Hub busy."""
    deadline = time.monotonic() + LONGEST
    while True:
        answer = person.check(hub.service("GET", f"containers/{identifier}", person.name))
        if answer.json()["data"]["status"] == status:
            return
        assert time.monotonic() < deadline, f"{identifier} is not {status}"
        time.sleep(WORK)


@pytest.mark.slow(reason="starts real containers")
def test_no_request_fails_and_nobody_starves(crowded: Hub) -> None:
    people = [Person(f"person-{number:03}") for number in range(COUNT)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda person: crowded.sign_up(person.name), people))
    with seconds_in_docker(crowded) as seconds, ThreadPoolExecutor(COUNT) as pool:
        list(pool.map(lambda person: live(crowded, person), people))
    assert [failure for person in people for failure in person.failures] == []
    report = crowded.service("GET", "resources").json()["data"]
    assert report["queue"] == []
    assert [node["allocated"]["cpu"] for node in report["nodes"]] == [0]
    # In the order of arrival, but for those who start together.
    by_arrival = sorted(people, key=lambda person: person.asked)
    by_start = sorted(people, key=lambda person: person.started)
    places = {person.name: place for place, person in enumerate(by_start)}
    late = [places[person.name] - place for place, person in enumerate(by_arrival)]
    assert max(late) <= 2 * AT_ONCE
    # Use is counted to the second.
    hours = crowded.service("GET", "resources/hours", params={"days": 2}).json()["data"]["items"]
    counted = {row["user"]: row["hours"] * 3600 for row in hours}
    assert set(seconds) == {person.name for person in people}
    assert counted == pytest.approx(seconds, abs=1)
