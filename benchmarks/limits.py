"""The specification's response times, each alone: ``python benchmarks/limits.py``.

One server on the example project, nobody else on it. Prints what each operation takes beside the
limit of the specification's 8.1.1 and a tenth of it. Containers are measured by `benchmarks.hub`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lab import NONE_STAYS, Lab, heard, median, serving

import engine
from jupyter_mlws.projects.example import WORKFLOW

ID = WORKFLOW.replace("/", "~1")
TIMES = 10
"""An even number: the switches end where they began."""
RUNS = 4
LONG = "def unused():\n" + "    value = [number * 2 for number in range(10)]\n" * 200
"""A cell that is compiled, and of which next to nothing is run."""
SENDS = "import time; print(time.time(), flush=True)"
OTHER = "benchmark"
"""A branch at the project's first snapshot: other settings, models and tables."""
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


class Operations:
    """What the specification limits, as a client does it. Each gives the milliseconds it took."""

    def __init__(self, lab: Lab, root: Path) -> None:
        self._lab = lab
        self._root = root
        self._notebook = ""
        self._home = ""
        self._changes = 0

    async def prepare(self) -> None:
        """A clean project on one of two branches, and a notebook whose kernel is there."""
        lab = self._lab
        self._notebook = (await lab.ask("notebooks", {}))["id"]
        await self._execute("1")
        (self._root / "code").mkdir()
        for number in range(100):
            (self._root / "code" / f"module{number}.py").write_text(f"value = {number}\n")
        await lab.ask("snapshots", {"message": "Where the benchmark begins"})
        oldest = (await lab.ask("snapshots"))["items"][-1]["id"]
        await lab.ask("git/branch", {"name": OTHER, "from": oldest})
        self._home = (await lab.ask("git/status"))["branch"]

    async def compiled(self) -> float:
        return await timed(self._execute(LONG))

    async def simple(self) -> float:
        return await timed(self._execute("1 + 1"))

    async def result(self) -> float:
        """From a `print` in the kernel to its arrival at a client."""
        stream = await self._lab.listen(f"notebooks/{self._notebook}/output")
        running = asyncio.create_task(self._execute(SENDS))
        while (message := await heard(stream))["type"] != "output":
            pass
        took = (time.time() - float(message["output"]["text"])) * 1000
        stream.close()
        await running
        return took

    async def commit(self) -> float:
        self._change("code/module1.py")
        return await timed(self._lab.ask("snapshots", {"message": "A change"}))

    async def history(self) -> float:
        return await timed(self._lab.ask("snapshots?limit=100"))

    async def switch(self) -> float:
        """To the other branch and its data, until the operation has ended."""
        here = (await self._lab.ask("git/status"))["branch"]
        stream = await self._lab.listen("operations/status")
        began = time.perf_counter()
        aim = {"branch": OTHER if here != OTHER else self._home}
        begun = await self._lab.ask("git/checkout", aim)
        while begun["state"] not in ENDED:
            message = await heard(stream)
            if message.get("id") == begun["id"]:
                begun = message
        took = (time.perf_counter() - began) * 1000
        stream.close()
        if begun["state"] != "COMPLETED":
            raise RuntimeError(f"the switch failed: {begun['error']}")
        return took

    async def save(self) -> float:
        """A change of a workflow's file by the API."""
        self._changes += 1
        place = self._root / WORKFLOW
        text = f"# Change {self._changes}\n{place.read_text()}"
        work = self._lab.ask(f"workflows/{ID}", {"text": text}, "PUT", headers={"If-Match": "*"})
        return await timed(work)

    async def news(self) -> float:
        """From a save on the disk to the event of it."""
        stream = await self._lab.listen("workspace/status")
        # A watcher that has just begun, or is busy with what came before, is another case.
        await asyncio.sleep(0.5)
        began = time.perf_counter()
        self._change("code/module2.py")
        while "code/module2.py" not in (await heard(stream)).get("paths", ()):
            pass
        took = (time.perf_counter() - began) * 1000
        stream.close()
        return took

    async def status(self) -> float:
        return await timed(self._lab.ask("git/status"))

    async def run_status(self) -> float:
        return await timed(self._lab.ask(f"workflows/{ID}/status"))

    async def start(self) -> float:
        """From the request to the event that the first node runs; then waits for the run's end."""
        stream = await self._lab.listen("workflows/status")
        began = time.perf_counter()
        run = await self._lab.ask(f"workflows/{ID}/execute", {"force": True})
        took = 0.0
        while True:
            message = await heard(stream)
            if message.get("run") != run["id"]:
                continue
            if message["type"] == "node" and message["status"] == "RUNNING" and not took:
                took = (time.perf_counter() - began) * 1000
            if message["type"] == "run" and message["status"] in ENDED:
                stream.close()
                if message["status"] != "COMPLETED":
                    raise RuntimeError(f"the run ended as {message['status']}")
                return took

    async def _execute(self, code: str) -> None:
        await self._lab.ask(f"notebooks/{self._notebook}/execute", {"code": code})

    def _change(self, path: str) -> None:
        self._changes += 1
        (self._root / path).write_text(f"value = {time.time_ns()}\n")


async def timed(work: Awaitable[Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


async def measure(lab: Lab, root: Path) -> None:
    """Measure all of it, one after the other, and print."""
    do = Operations(lab, root)
    await do.prepare()
    rows: list[tuple[str, float, int, Callable[[], Awaitable[float]]]] = [
        ("code is compiled (200 lines), call to result", 2, TIMES, do.compiled),
        ("simple execution, call to result", 1, TIMES, do.simple),
        ("output, kernel to client", 0.5, TIMES, do.result),
        ("commit of a changed file", 3, TIMES, do.commit),
        ("history, a page of 100", 1, TIMES, do.history),
        ("switch to another branch, with its data", 5, TIMES, do.switch),
        ("workflow saved", 2, TIMES, do.save),
        ("status: a save on disk, to its event", 0.5, TIMES, do.news),
        ("status of code and data", 0.5, TIMES, do.status),
        ("status of a run", 0.5, TIMES, do.run_status),
        ("run started, call to its first node's event", 5, RUNS, do.start),
    ]
    print(f"\nEach alone; load {load()}\n")
    print("| operation | limit, ms | a tenth | median | worst | within a tenth |")
    print("|---|---|---|---|---|---|")
    for name, seconds, times, work in rows:
        took = [await work() for _ in range(times)]
        middle, tenth = median(took), seconds * 100
        within = "yes" if middle <= tenth else "no"
        limit = f"{seconds * 1000:,.0f} | {tenth:,.0f}"
        print(f"| {name} | {limit} | {middle:.0f} | {max(took):.0f} | {within} |", flush=True)


def load() -> str:
    """What else the machine did of late."""
    return f"{os.getloadavg()[0]:.1f}"


def example(folder: str) -> Path:
    """The example project, below ``folder``."""
    root = Path(folder, "project")
    make = [sys.executable, "-m", "jupyter_mlws.projects.example", str(root)]
    subprocess.run(make, env={**os.environ, **NONE_STAYS}, check=True, stdout=subprocess.DEVNULL)
    engine.settle(root, live=False)
    return root


async def main(root: Path) -> None:
    async with serving(root) as lab:
        await measure(lab, root)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(example(place)))
