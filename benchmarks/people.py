"""So many people with a lab page each on one server: ``python benchmarks/people.py [PEOPLE]``.

Prints first what the operations that the specification limits take while nobody is there
(`limits.py`). Then the people come, one after the other. Each page holds the WebSockets that a lab
page holds, asks what a page with its sidebar and one workflow open asks, and then does something
every few seconds; now and then somebody saves a file, of which every page hears and after which
every page asks for that file's status, as the sidebar does. All pages live in this one process,
whose own work is in the numbers; each request is a connection of its own, which browsers spare.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import limits
import psutil
from lab import Lab, median, p95, serving
from tornado.httpclient import HTTPError
from tornado.websocket import WebSocketClientConnection, WebSocketError

PEOPLE = 200
COMING = 30.0
"""Seconds in which the people come."""
LASTS = 60.0
"""Seconds in which all are there."""
PAUSE = 5.0
"""Seconds between two acts of a person, in the mean."""
SAVE = 40
"""One act of so many is a save: with 200 people there is one a second."""
AT_ONCE = 6
"""Requests that a browser has under way to one server."""
LATE = 3.0
"""Seconds after the end in which what is under way may still arrive."""
STREAMS = ("operations/status", "workflows/status", "workspace/status")
WORKFLOW = f"workflows/{limits.ID}"
EVENT = "event: a save, to each page"
AFTER = "status after an event"
ALL = ""
"""Stands for every path."""
OPENING = "a page opens: all that it asks"
ACTS = {
    "status of git": "git/status",
    "history page": "snapshots?limit=100",
    "list of workflows": "workflows",
    "a workflow's document": WORKFLOW,
    "experiments' page": "runs?limit=50",
}
OPENED = {
    **{name: path for name, path in ACTS.items() if path != WORKFLOW},
    "newest snapshot": "snapshots/HEAD",
    "branches": "git/branches",
    "tags": "git/tags",
    "stashes": "git/stashes",
    "remotes": "git/remotes",
    "components": "components",
    "plan": f"{WORKFLOW}/plan",
    "runs of a workflow": f"{WORKFLOW}/runs",
    "status of a run": f"{WORKFLOW}/status",
    "datasets": "datasets?limit=200",
}
"""What the sidebar's sections and the canvas ask."""


class Crowd:
    """The pages, and what happened to them."""

    def __init__(self, lab: Lab, root: Path) -> None:
        self.lab = lab
        self.took: dict[str, list[float]] = defaultdict(list)
        self.failures: Counter[str] = Counter()
        self.here: set[Page] = set()
        self._root = root
        self._text = (root / limits.WORKFLOW).read_text()
        self._saves = 0
        self._saved_images: dict[str, tuple[float, set[Page]]] = {}
        """When each file was saved last, and which pages have not heard of it."""

    async def ask(self, kind: str, path: str, body: object = None) -> Any:
        """A timed request; None where it failed, which is counted."""
        began = time.perf_counter()
        try:
            data = await self.lab.ask(path, body)
        except (HTTPError, OSError) as error:
            self.failures[f"{kind}: {error}"] += 1
            return None
        self.took[kind].append((time.perf_counter() - began) * 1000)
        return data

    async def validate(self) -> None:
        """The check of the workflow's text, which the canvas asks for."""
        body = {"path": limits.WORKFLOW, "text": self._text}
        await self.ask("check of a workflow", "workflows/validate", body)

    def save(self) -> None:
        """Write a file, and expect every page to hear of it."""
        path = f"code/module{self._saves % 100}.py"
        self._saves += 1
        self._abort_merge(path)
        self._saved_images[path] = time.perf_counter(), set(self.here)
        (self._root / path).write_text(f"value = {time.time_ns()}\n")

    def hear(self, page: Page, paths: list[str]) -> None:
        """A page heard that these were saved; a save that is seen in two steps counts once."""
        now = time.perf_counter()
        for path in self._saved_images.keys() & set(paths):
            saved, waiting = self._saved_images[path]
            if page in waiting:
                waiting.remove(page)
                self.took[EVENT].append((now - saved) * 1000)

    def leave(self) -> None:
        """Nothing is waited for any more."""
        for path in [*self._saved_images]:
            self._abort_merge(path)

    def _abort_merge(self, path: str) -> None:
        _, waiting = self._saved_images.pop(path, (0.0, set()))
        if waiting:
            self.failures["an event that did not arrive"] += len(waiting)


class Page:
    """One person's page."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._streams: list[WebSocketClientConnection] = []
        self._touched: set[str] = set()
        self._work: list[asyncio.Task[None]] = []
        self._reads = False
        self._browser = asyncio.Semaphore(AT_ONCE)

    async def live(self, until: float) -> None:
        """Open the page, and do something now and then."""
        try:
            await self._open()
        except (HTTPError, WebSocketError, OSError) as error:
            self._crowd.failures[f"a page that did not open: {error}"] += 1
            return
        while (pause := random.expovariate(1 / PAUSE)) < until - time.monotonic():
            await asyncio.sleep(pause)
            if random.randrange(SAVE) == 0:
                self._crowd.save()
            else:
                kind = random.choice([*ACTS])
                await self._ask(kind, ACTS[kind])
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    async def close(self) -> None:
        """Leave."""
        self._crowd.here.discard(self)
        for stream in self._streams:
            stream.close()
        await asyncio.gather(*self._work)

    async def _open(self) -> None:
        began = time.perf_counter()
        await self._ask("projects", "projects")
        for path in STREAMS:
            self._streams.append(await self._crowd.lab.listen(path))
        self._crowd.here.add(self)
        self._work.append(asyncio.create_task(self._listen()))
        await asyncio.gather(
            self._ask("operations", "operations"),
            *(self._ask(kind, path) for kind, path in OPENED.items()),
            self._queue(self._crowd.validate()),
        )
        self._crowd.took[OPENING].append((time.perf_counter() - began) * 1000)

    async def _listen(self) -> None:
        """Ask after each event as the sidebar does: what changes while it reads, once again."""
        workspace = self._streams[-1]
        while isinstance(message := await workspace.read_message(), str):
            event = json.loads(message)
            paths = event.get("paths", [])
            self._crowd.hear(self, paths)
            if "changes" in event.get("areas", []):
                self._touched.update(paths or [ALL])
                if not self._reads:
                    self._work.append(asyncio.create_task(self._read()))
        if self in self._crowd.here:
            self._crowd.failures[f"a stream that closed: {workspace.close_code}"] += 1

    async def _read(self) -> None:
        self._reads = True
        while self._touched:
            paths, self._touched = sorted(self._touched), set()
            query = "" if ALL in paths else "?" + urlencode({"paths": paths}, doseq=True)
            await self._ask(AFTER, f"git/status{query}")
        self._reads = False

    async def _ask(self, kind: str, path: str) -> None:
        await self._queue(self._crowd.ask(kind, path))

    async def _queue(self, work: Coroutine[Any, Any, Any]) -> None:
        async with self._browser:
            await work


class Meter:
    """What the server uses, from when this is made; MLflow's process is one of its children."""

    def __init__(self, pid: int) -> None:
        self._server = psutil.Process(pid)
        self._began = time.perf_counter()
        self._used = self._processor()
        self._own = time.process_time()
        self.most = self.memory()

    async def watch(self) -> None:
        """Note the most memory that the server has."""
        while True:
            self.most = max(self.most, self.memory())
            await asyncio.sleep(1)

    def memory(self) -> float:
        """MiB, without its children."""
        return float(self._server.memory_info().rss) / 2**20

    def shares(self) -> tuple[float, float]:
        """Of one core: the server with all that it began, and this process."""
        seconds = time.perf_counter() - self._began
        used, own = self._processor() - self._used, time.process_time() - self._own
        return 100 * used / seconds, 100 * own / seconds

    def _processor(self) -> float:
        used = 0.0
        for process in (self._server, *self._server.children(recursive=True)):
            # Where one ends meanwhile, its time is its parent's at the next look.
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                used += times.user + times.system + times.children_user + times.children_system
        return used


async def main(root: Path, people: int) -> None:
    async with serving(root) as lab:
        await limits.measure(lab, root)
        await crowd_in(lab, root, people)


async def crowd_in(lab: Lab, root: Path, people: int) -> None:
    """Let them come and work, and print."""
    crowd = Crowd(lab, root)
    pages = [Page(crowd) for _ in range(people)]
    before = Meter(lab.pid).memory()
    until = time.monotonic() + COMING + LASTS
    living = []
    for page in pages:
        living.append(asyncio.create_task(page.live(until)))
        await asyncio.sleep(COMING / people)
    meter = Meter(lab.pid)
    watching = asyncio.create_task(meter.watch())
    await asyncio.gather(*living)
    server, own = meter.shares()
    load = limits.load()
    watching.cancel()
    await asyncio.sleep(LATE)
    crowd.leave()
    await asyncio.gather(*(page.close() for page in pages))
    print(f"\n{people} people, one server; load {load}\n")
    print("| ms | times | median | 95 % | worst |\n|---|---|---|---|---|")
    for kind, took in crowd.took.items():
        middle, most = median(took), max(took)
        print(f"| {kind} | {len(took):,} | {middle:.0f} | {p95(took):.0f} | {most:.0f} |")
    print(f"\nfailures: {sum(crowd.failures.values())}")
    for what, times in crowd.failures.most_common():
        print(f"- {times} × {what}")
    for line in lab.complaints():
        print(f"- the server logged: {line}")
    print(f"server and its children: {server:.0f} % of one core; these pages: {own:.0f} %")
    print(f"memory of the server: {before:.0f} MiB before, {meter.most:.0f} MiB at the most")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asked = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
        asyncio.run(main(limits.example(folder), asked))
