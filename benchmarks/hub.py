"""Containers: ``python -m benchmarks.hub [LABS]``, 50 unless said otherwise.

Starts a Hub of its own with an image of the wheel in ``dist/`` (``make wheel``), asks for one lab
alone and then for all at once, and prints how long each took from the request to the lab's first
answer, how long a stop takes, of one and of all, and the memory of the machine before and while all
run; first the date and the load, which should be low.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from tests.hub.docker_engine import engine, lab_image
from tests.hub.installation import HOME, Hub, installation

LABS = 50
ALONE = 3
"""Starts of one lab alone; the first one also reads the image's files from the disk."""
FIRST = "bench-first"
"""Whose lab is alone."""
EACH = 5
"""Named servers that a person may have."""
SIZE = {"cpu": "500m", "memory": "512Mi"}
LIMIT = 1800.0
EVERY = 0.1
"""Seconds between two questions: what waits asks for little, and is told at once nearly."""
GIB = 1024**2


def used() -> float:
    """GiB of the machine that can't be had."""
    rows = dict(row.split(":") for row in Path("/proc/meminfo").read_text().splitlines())
    total, free = (int(rows[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    return (total - free) / GIB


class Watch:
    """What the service says of all containers, asked by one thread for all that wait."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._told = threading.Condition()
        self._statuses: dict[str, str] = {}
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._enough.wait(EVERY):
            found = {item["id"]: item["status"] for item in self._hub.everything()}
            with self._told:
                self._statuses = found
                self._told.notify_all()

    def until(self, identifier: str, status: str) -> None:
        """Wait until it is so."""
        with self._told:
            reached = self._told.wait_for(lambda: self._statuses.get(identifier) == status, LIMIT)
        assert reached, f"{identifier} is {self._statuses.get(identifier)}, not {status}"


def start(hub: Hub, watch: Watch, user: str, name: str) -> float:
    """Seconds from the request to the lab's first answer."""
    began = time.perf_counter()
    identifier = hub.create(user, name=name, resources=SIZE)
    watch.until(identifier, "RUNNING")
    hub.wait_for(lambda: hub.lab("GET", user, "api", name).status_code == 200, name, LIMIT)
    return time.perf_counter() - began


def stop(hub: Hub, watch: Watch, user: str, name: str) -> float:
    """Seconds from the request until Docker has no such container."""
    began = time.perf_counter()
    hub.service("POST", f"containers/{user}--{name}/stop", user)
    watch.until(f"{user}--{name}", "STOPPED")
    hub.wait_for(lambda: not hub.container(user, name), f"{name} is gone", LIMIT)
    return time.perf_counter() - began


def main(labs: int) -> None:
    [wheel] = (Path(__file__).parents[1] / "dist").glob("*.whl")
    capacity = f'{{"cpu": "{labs}", "memory": "{labs}Gi"}}'
    with (
        engine() as docker,
        tempfile.TemporaryDirectory() as folder,
        installation(
            docker,
            lab_image(docker, wheel, Path(folder) / "image.log"),
            Path(folder),
            HOME,
            HUB_CAPACITY=capacity,
        ) as hub,
        Watch(hub) as watch,
    ):
        people = [f"bench-{number}" for number in range(-(-labs // EACH))]
        for user in (FIRST, *people):
            hub.sign_up(user)
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"{datetime.now():%Y-%m-%d %H:%M}, load {load}, {os.cpu_count()} cores", flush=True)
        for _ in range(ALONE):
            alone = start(hub, watch, FIRST, "alone")
            ended = stop(hub, watch, FIRST, "alone")
            print(f"one alone: ready after {alone:.2f} s, stopped after {ended:.2f} s", flush=True)
        hub.service("DELETE", f"containers/{FIRST}--alone")
        before = used()
        wanted = [(people[number // EACH], f"lab-{number % EACH}") for number in range(labs)]
        with ThreadPoolExecutor(labs) as pool:
            began = time.perf_counter()
            took = list(pool.map(lambda place: start(hub, watch, *place), wanted))
            whole = time.perf_counter() - began
        while_running = used()
        middle, worst = statistics.median(took), max(took)
        print(f"{labs} at once: all ready after {whole:.0f} s, median {middle:.0f}, {worst:.0f}")
        each = (while_running - before) * 1024 / labs
        print(
            f"memory: {while_running - before:.1f} GiB for {labs}, {each:.0f} MiB each", flush=True
        )
        ended = stop(hub, watch, *wanted[0])
        print(f"one of {labs}: stopped after {ended:.2f} s", flush=True)
        with ThreadPoolExecutor(labs) as pool:
            began = time.perf_counter()
            took = list(pool.map(lambda place: stop(hub, watch, *place), wanted[1:]))
            whole = time.perf_counter() - began
        middle = statistics.median(took)
        print(f"{labs - 1} at once: all stopped after {whole:.0f} s, median {middle:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LABS)
